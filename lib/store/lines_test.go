package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func ptr[T any](v T) *T { return &v }

func TestAnyLineComesBackAsItWas(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, options(dir))
	big := strings.Repeat("x", 1<<20)
	control := strings.Repeat("\x01", 1<<20)
	ms := epoch.UnixMilli()
	in := []wire.Line{
		{Time: ms, Text: "plain"},
		{Time: ms, Text: ""},
		{Time: ms, Text: "a\x00b\x00"},
		{Time: ms, Bytes: []byte("\xff\x00\xfe")},
		{Time: ms, Text: "not utf-8: \xff"},
		{Time: ms, Text: "ünï©ødé <&> \u2028 \x1b[31m"},
		{Time: ms, Text: big, Part: 1},
		{Time: ms, Bytes: []byte(strings.Repeat("\xfe", 1<<20)), Part: 2},
		{Time: ms, Text: control},
		{Time: ms, Gap: &wire.Gap{Lines: 12, Bytes: 3456}},
		{Time: math.MaxInt64, Text: "late"},
		{Time: math.MinInt64, Text: "early"},
	}
	want := []wire.LogRecord{
		{Message: ptr("plain")}, {Message: ptr("")}, {Message: ptr("a\x00b\x00")}, {MessageBase64: []byte("\xff\x00\xfe")},
		{MessageBase64: []byte("not utf-8: \xff")}, {Message: ptr("ünï©ødé <&> \u2028 \x1b[31m")}, {Message: &big, Part: 1},
		{MessageBase64: []byte(strings.Repeat("\xfe", 1<<20)), Part: 2}, {MessageBase64: []byte(control)},
		{Gap: &wire.Gap{Lines: 12, Bytes: 3456}}, {Message: ptr("late")}, {Message: ptr("early")},
	}
	b := batch("r1", 5, epoch)
	b.Lines, b.Stream = in, wire.Stderr
	batches := []wire.LogBatch{b, batch("r1", 1, epoch, "other")}
	must(t, s.AppendLines(ctx, batches))
	if batches[0].Pos != 1 || batches[1].Pos != 13 {
		t.Errorf("the batches are at %d and %d", batches[0].Pos, batches[1].Pos)
	}
	for range 2 {
		var got []wire.LogRecord
		q := wire.LogsQuery{ByPos: true, Stream: wire.Stderr}
		for {
			page, err := s.ListLogs(ctx, q)
			must(t, err)
			body, err := json.Marshal(page)
			must(t, err)
			if len(body) > wire.MaxMessage {
				t.Fatalf("a page has %d bytes", len(body))
			}
			got = append(got, records(t, page)...)
			if q.Cursor = page.Cursor; !page.More {
				break
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
		for i, r := range got {
			w := want[i]
			w.Time, w.Workflow, w.Run, w.Task, w.Attempt, w.Agent, w.Stream, w.Seq = r.Time, "etl.daily", "r1", "extract", 1, "web1", "stderr", int64(5+i)
			if !reflect.DeepEqual(r, w) {
				t.Errorf("record %d:\n got %.200v\nwant %.200v", i, r, w)
			}
		}
		if !got[0].Time.Equal(epoch) || got[10].Time.Year() != 9999 || got[11].Time.Year() != 1970 {
			t.Errorf("times %v, %v, %v", got[0].Time, got[10].Time, got[11].Time)
		}
		last, err := s.LastLines(ctx, []string{"r1", "other"})
		must(t, err)
		wantLast := map[wire.StreamID]int64{
			{Run: "r1", Task: "extract", Attempt: 1, Stream: "stderr"}: 16,
			{Run: "r1", Task: "extract", Attempt: 1, Stream: "stdout"}: 1,
		}
		if !reflect.DeepEqual(last, wantLast) {
			t.Errorf("last lines %v", last)
		}
		must(t, s.Close())
		s = open(t, options(dir))
	}
}

// follow reads by position from cursor on and checks that nothing is skipped
// or doubled.
func follow(t testing.TB, s *Store, q wire.LogsQuery) (texts []string) {
	t.Helper()
	for {
		page, err := s.ListLogs(context.Background(), q)
		must(t, err)
		for _, r := range records(t, page) {
			texts = append(texts, *r.Message)
		}
		if q.Cursor = page.Cursor; !page.More {
			return texts
		}
	}
}

func TestLinesGoIntoTheFileOfTheDayTheyAreStored(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := options(dir)
	now := time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	o.Now = func() time.Time { return now }
	s := open(t, o)
	d := definition("etl.daily", "extract")
	must(t, s.Append(ctx, []run.Event{created("r1", d, now)}))
	step := func(at time.Time, first int64, lineTime time.Time, text string) {
		t.Helper()
		now = at
		must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", first, lineTime, text)}))
	}
	first := now
	step(first, 1, first, "before midnight")
	step(first.Add(2*time.Second), 2, first.Add(2*time.Second), "after midnight")
	if _, err := os.Stat(filepath.Join(dir, "logs", "2026-03-01.db.wal")); err == nil {
		t.Error("the file of the day that is over still has a write-ahead file")
	}
	step(first, 3, first.Add(3*time.Second), "the principal's clock was set back")
	step(first.AddDate(0, 0, 7), 4, first.Add(4*time.Second), "a spool that is a week late")
	step(first.AddDate(0, 0, 7), 5, first.AddDate(0, 0, 7), "a week later")

	names, err := filepath.Glob(filepath.Join(dir, "logs", "*.db"))
	must(t, err)
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if got := fmt.Sprint(names); got != "[2026-03-01.db 2026-03-02.db 2026-03-08.db]" {
		t.Errorf("the files are %s", got)
	}
	all := "[before midnight after midnight the principal's clock was set back a spool that is a week late a week later]"
	check := func(q wire.LogsQuery, want string) {
		t.Helper()
		if got := fmt.Sprint(follow(t, s, q)); got != want {
			t.Errorf("%+v:\n got %s\nwant %s", q, got, want)
		}
	}
	since, until := wire.At(first.Add(3*time.Second)), wire.At(first.Add(5*time.Second))
	for range 2 {
		check(wire.LogsQuery{}, all)
		check(wire.LogsQuery{ByPos: true}, all)
		check(wire.LogsQuery{Filter: wire.Filter{Run: "r1"}}, all)
		check(wire.LogsQuery{Filter: wire.Filter{Since: &since, Until: &until}}, "[the principal's clock was set back a spool that is a week late]")
		check(wire.LogsQuery{Last: 2}, "[a spool that is a week late a week later]")
		last, err := s.LastLines(ctx, []string{"r1"})
		must(t, err)
		if last[wire.StreamID{Run: "r1", Task: "extract", Attempt: 1, Stream: "stdout"}] != 5 {
			t.Errorf("last lines %v", last)
		}
		must(t, s.Close())
		s = open(t, o)
	}
}

// Lines are found by their own time and by their run, whatever the principal's
// clock said when they came: a file's name is no measure. And no file is opened
// for nothing.
func TestLinesAreFoundWhateverTheClockSaid(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := options(dir)
	true0 := time.Date(2026, 3, 20, 23, 59, 58, 0, time.UTC)
	now := true0
	o.Now = func() time.Time { return now }
	s := open(t, o)
	d := definition("etl.daily", "extract")
	old := true0.AddDate(0, 0, -7)
	step := func(clock time.Time, run string, seq int64, at time.Time, text string) {
		t.Helper()
		now = clock
		must(t, s.AppendLines(ctx, []wire.LogBatch{batch(run, seq, at, text)}))
	}
	now = old
	must(t, s.Append(ctx, []run.Event{created("r0", d, old)}))
	step(old, "r0", 1, old, "a week ago")
	now = true0
	must(t, s.Append(ctx, []run.Event{created("r1", d, true0)}))
	step(true0, "r1", 1, true0, "before midnight")
	step(true0.Add(4*time.Second), "r1", 2, true0.Add(4*time.Second), "after midnight")
	step(true0.Add(-5*time.Hour), "r1", 3, true0.Add(5*time.Second), "hours back")
	step(true0.AddDate(0, 0, -12), "r1", 4, true0.Add(6*time.Second), "days back")
	step(true0.AddDate(0, 0, -12), "r1", 5, true0.AddDate(0, 0, -12), "days back, the agent too")
	step(true0.AddDate(0, 0, 400), "r1", 6, true0.Add(7*time.Second), "a year ahead")
	step(true0.Add(8*time.Second), "r0", 2, old.Add(time.Second), "a week late")
	step(true0.Add(9*time.Second), "r0", 3, old.Add(2*time.Second), "a week late too")

	hour := func(at time.Time) wire.Filter {
		since, until := wire.At(at.Add(-time.Hour)), wire.At(at.Add(time.Hour))
		return wire.Filter{Since: &since, Until: &until}
	}
	after := wire.At(true0.Add(5 * time.Second))
	for _, restarted := range []bool{false, true, true} {
		for _, c := range []struct {
			q    wire.LogsQuery
			want string
		}{
			{wire.LogsQuery{Filter: wire.Filter{Run: "r0"}}, "[a week ago|a week late|a week late too]"},
			{wire.LogsQuery{Filter: hour(old)}, "[a week ago|a week late|a week late too]"},
			{wire.LogsQuery{Filter: hour(true0)}, "[before midnight|after midnight|hours back|days back|a year ahead]"},
			{wire.LogsQuery{Filter: wire.Filter{Since: &after}}, "[hours back|days back|a year ahead]"},
			{wire.LogsQuery{Filter: wire.Filter{Run: "r1"}}, "[days back, the agent too|before midnight|after midnight|hours back|days back|a year ahead]"},
			{wire.LogsQuery{Filter: wire.Filter{Run: "r1"}, ByPos: true}, "[before midnight|after midnight|hours back|days back|days back, the agent too|a year ahead]"},
			{wire.LogsQuery{Last: 2}, "[days back|a year ahead]"},
			{wire.LogsQuery{Last: 3, ByPos: true}, "[a year ahead|a week late|a week late too]"},
			{wire.LogsQuery{After: 9, ByPos: true}, "[a week late|a week late too]"},
			{wire.LogsQuery{After: 7, Filter: hour(old)}, "[a week late|a week late too]"},
		} {
			if got := "[" + strings.Join(follow(t, s, c.q), "|") + "]"; got != c.want {
				t.Errorf("restarted %v, %+v:\n got %s\nwant %s", restarted, c.q, got, c.want)
			}
		}
		last, err := s.LastLines(ctx, []string{"r1"})
		must(t, err)
		if got := last[wire.StreamID{Run: "r1", Task: "extract", Attempt: 1, Stream: "stdout"}]; got != 6 {
			t.Errorf("the last line of r1 is %d", got)
		}
		must(t, s.Close())
		s = open(t, o)
	}
	follow(t, s, wire.LogsQuery{Filter: hour(old)})
	var opened []string
	for date := range s.days.attached {
		opened = append(opened, date)
	}
	slices.Sort(opened)
	if got := fmt.Sprint(opened); got != "[2026-03-08 2026-03-13 2026-03-21]" {
		t.Errorf("for one hour %s were opened", got)
	}
	must(t, s.Close())

	// What is noted of a file that has changed since does not count.
	must(t, os.Chtimes(filepath.Join(dir, "logs", "2026-03-08.db"), now, now))
	must(t, os.WriteFile(filepath.Join(dir, "logs", "2026-03-13.db.wal"), nil, 0o600))
	s = open(t, o)
	if _, known := s.days.known["2026-03-08"]; known || len(s.days.known) != 3 {
		t.Errorf("known are %v", s.days.known)
	}
}

func TestUnreadableDayDoesNotHideTheOthers(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, options(dir))
	must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", 1, epoch, "x")}))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "logs", "2020-01-01.db"), bytes.Repeat([]byte("junk"), 5000), 0o600))
	s = open(t, options(dir))
	if got := fmt.Sprint(follow(t, s, wire.LogsQuery{})); got != "[x]" {
		t.Errorf("got %s", got)
	}
}

func TestPagesHoldEveryLineOnceInOrder(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	const total = 40_000
	// Two streams whose clocks differ: order by time is not order by position.
	for first := int64(1); first <= total/2; first += 2500 {
		a, b := batch("r1", first, epoch), batch("r2", first, epoch)
		for n := first; n < first+2500; n++ {
			a.Lines = append(a.Lines, wire.Line{Time: epoch.UnixMilli() + n/7, Text: fmt.Sprint("a", n)})
			b.Lines = append(b.Lines, wire.Line{Time: epoch.UnixMilli() + 3000 + n/3, Text: fmt.Sprint("b", n)})
		}
		must(t, s.AppendLines(ctx, []wire.LogBatch{a, b}))
	}
	for _, q := range []wire.LogsQuery{{}, {ByPos: true}, {Last: 12_000}, {Last: 12_000, ByPos: true}} {
		want := total
		if q.Last > 0 {
			want = q.Last
		}
		seen := make(map[string]bool)
		next := make(map[string]int64)
		var before wire.Time
		for pages := 1; ; pages++ {
			page, err := s.ListLogs(ctx, q)
			must(t, err)
			size := 0
			for i, r := range records(t, page) {
				size += len(page.Records[i])
				if seen[*r.Message] {
					t.Fatalf("%+v: %s comes twice", q, *r.Message)
				}
				seen[*r.Message] = true
				if !q.ByPos && r.Time.Before(before.Time) {
					t.Fatalf("%+v: %s at %v comes after %v", q, *r.Message, r.Time, before)
				}
				if n := next[r.Run]; n != 0 && r.Seq != n {
					t.Fatalf("%+v: line %d of %s comes where %d is due", q, r.Seq, r.Run, n)
				}
				before, next[r.Run] = r.Time, r.Seq+1
			}
			if size > pageBytes*5/4 {
				t.Fatalf("%+v: a page has %d bytes", q, size)
			}
			if pages == 2 && q.Last == 0 && !q.ByPos {
				// Lines that arrive meanwhile do not disturb the pages.
				must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r3", 1, epoch.Add(time.Hour), "new")}))
				defer func() {
					if seen["new"] {
						t.Error("a line that arrived after the first page is in a later one")
					}
				}()
			}
			if q.Cursor = page.Cursor; !page.More {
				break
			}
		}
		if q.ByPos && q.Last == 0 {
			want++ // the new one
		}
		if len(seen) != want {
			t.Errorf("%+v: %d lines, want %d", q, len(seen), want)
		}
	}
}

func TestLargeLinesAreReadInBoundedMemory(t *testing.T) {
	ctx := context.Background()
	o := options(t.TempDir())
	o.MemoryLimit = "64MiB"
	s := open(t, o)
	text := strings.Repeat("0123456789abcdef", 1<<16)
	const total = 90
	for n := int64(1); n <= total; n += 3 {
		must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", n, epoch, text, text, text)}))
	}
	q := wire.LogsQuery{}
	for count := 0; ; {
		page, err := s.ListLogs(ctx, q)
		must(t, err)
		if len(page.Records) != 1 {
			t.Fatalf("a page has %d lines of a megabyte", len(page.Records))
		}
		count++
		if q.Cursor = page.Cursor; !page.More {
			if count != total {
				t.Errorf("%d lines, want %d", count, total)
			}
			break
		}
	}
}

func TestFollowingByPositionSkipsNothing(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	const batches, size = 60, 40
	var writers sync.WaitGroup
	stop := make(chan struct{})
	writers.Go(func() {
		for n := range batches {
			b := batch("r1", int64(1+n*size), epoch)
			for i := range size {
				b.Lines = append(b.Lines, wire.Line{Time: epoch.UnixMilli(), Text: fmt.Sprint(1 + n*size + i)})
			}
			if err := s.AppendLines(ctx, []wire.LogBatch{b}); err != nil {
				t.Error(err)
			}
		}
		close(stop)
	})
	writers.Go(func() {
		var before int64
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			events := []run.Event{created(fmt.Sprint("r", n), d, epoch), changed(fmt.Sprint("r", n), d.ID, run.Running, epoch)}
			if err := s.Append(ctx, events); err != nil {
				t.Error(err)
			}
			if events[0].Pos <= before || events[1].Pos != events[0].Pos+1 {
				t.Errorf("positions %d and %d after %d", events[0].Pos, events[1].Pos, before)
			}
			before = events[1].Pos
		}
	})
	q := wire.LogsQuery{ByPos: true}
	next := int64(1)
	var durable int64
	for next <= batches*size {
		if now := s.Durable(); now < durable {
			t.Fatalf("durable went from %d to %d", durable, now)
		} else {
			durable = now
		}
		page, err := s.ListLogs(ctx, q)
		must(t, err)
		for _, r := range records(t, page) {
			if r.Seq != next {
				t.Fatalf("line %d where %d is due", r.Seq, next)
			}
			next++
		}
		q.Cursor = page.Cursor
	}
	writers.Wait()
	if s.Durable() != s.pos.next-1 {
		t.Errorf("durable is %d with nothing under way, want %d", s.Durable(), s.pos.next-1)
	}
}

// The live stream writes records from what has come, the history from what it
// has kept: who follows must not see which of them a record is from.
func TestHistoryWritesRecordsAsTheLiveStreamDoes(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	at := epoch.UnixMilli()
	b := batch("r1", 7, epoch)
	b.Lines = []wire.Line{
		{Time: at, Text: "plain"}, {Time: at}, {Time: at, Bytes: []byte{}}, {Time: at + 1, Bytes: []byte("\xff\x00x")},
		{Time: at, Text: "<é\u2028\"\\\x00\x1b[0m\t>"}, {Time: at, Text: strings.Repeat("part", 30_000), Part: 1}, {Time: at, Text: "end", Part: 2},
		{Time: at, Bytes: bytes.Repeat([]byte{0xfe}, 50_000), Part: 1}, {Time: at, Gap: &wire.Gap{Lines: 3, Bytes: 40}},
	}
	batches := []wire.LogBatch{b}
	must(t, s.AppendLines(ctx, batches))
	page, err := s.ListLogs(ctx, wire.LogsQuery{ByPos: true})
	must(t, err)
	if len(page.Records) != len(b.Lines) {
		t.Fatalf("%d records of %d lines", len(page.Records), len(b.Lines))
	}
	for i, got := range page.Records {
		if want := batches[0].Record(i).AppendJSON(nil); string(got) != string(want) {
			t.Errorf("record %d\n got %.200s\nwant %.200s", i, got, want)
		}
	}
}

func TestFiltersOfLogs(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	for i, c := range []struct{ workflow, run, task, stream string }{
		{"etl.daily", "r1", "a", "stdout"}, {"etl.daily", "r1", "b", "stderr"}, {"etlxdaily", "r2", "a", "stdout"},
		{"etl.week_y", "r3", "a", "system"}, {"etl.weekly%", "r4", "a", "stdout"}, {"", "", "", ""},
	} {
		b := batch(c.run, 1, epoch.Add(time.Duration(i)*time.Second), fmt.Sprint(i))
		b.Workflow, b.Task, b.Stream = c.workflow, c.task, c.stream
		must(t, s.AppendLines(ctx, []wire.LogBatch{b}))
	}
	since, until := wire.At(epoch.Add(time.Second)), wire.At(epoch.Add(3*time.Second))
	for _, c := range []struct {
		q    wire.LogsQuery
		want string
	}{
		{wire.LogsQuery{}, "[0 1 2 3 4 5]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.*"}}, "[0 1 3 4]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "etl?daily"}}, "[0 1 2]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.week_y"}}, "[3]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.week_*"}}, "[3]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "*%"}}, "[4]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: `\*`}}, "[]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.daily\x00x"}}, "[]"},
		{wire.LogsQuery{Filter: wire.Filter{Workflow: "' OR true --"}}, "[]"},
		{wire.LogsQuery{Filter: wire.Filter{Run: "r1"}}, "[0 1]"},
		{wire.LogsQuery{Filter: wire.Filter{Run: "r1"}, Task: "b"}, "[1]"},
		{wire.LogsQuery{Stream: "system"}, "[3]"},
		{wire.LogsQuery{Filter: wire.Filter{Since: &since, Until: &until}}, "[1 2]"},
		{wire.LogsQuery{Last: 2}, "[4 5]"},
		{wire.LogsQuery{Last: 1, Filter: wire.Filter{Run: "r1"}}, "[1]"},
		{wire.LogsQuery{Last: 99}, "[0 1 2 3 4 5]"},
	} {
		for _, c.q.ByPos = range []bool{false, true} {
			if got := fmt.Sprint(follow(t, s, c.q)); got != c.want {
				t.Errorf("%+v: got %s, want %s", c.q, got, c.want)
			}
		}
	}
}
