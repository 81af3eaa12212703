package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestPatternWithoutUpperCaseMatchesAnyCase(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"error", "An ERROR", true}, {"Error", "an error", false}, {"Error", "Error", true},
		{`\S+\W\D\B`, "x y", false}, {`a\S`, "AB", true}, {`a\Wb`, "A B", true}, {`a\Db`, "AxB", true}, {`x\By`, "XY", true},
		{`\pLx`, "AX", true}, {`\p{Lu}x`, "AX", true}, {`\P{L}x`, "1X", true}, {`\x4Ax`, "jX", true}, {`\x{4A}x`, "jX", true},
		{`\Qa.B\E`, "a.b", false}, {`\QA\E`, "a", false}, {`\Qa\Eb`, "AB", true}, {`(?P<Name>a)`, "A", true}, {`(?U)a+`, "A", true},
		{`(?-i)a`, "A", false}, {`é`, "É", true}, {`É`, "é", false}, {`\\X`, `\x`, false}, {`[[:alpha:]]`, "A", true}, {`[^A]`, "a", true},
		{"\x00", "a\x00", true},
	} {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got := p.MatchString(c.text); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.text, got)
		}
	}
}

func TestBadPatternIsABadRequestWithTheReason(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	for _, grep := range []string{"(", "[z-a]", "a**", `\`, "(?P<", `\p{`, `\p`, `\x`} {
		_, runs := s.ListRuns(ctx, wire.RunList{Grep: grep})
		_, events := s.ListEvents(ctx, wire.EventsQuery{Grep: grep})
		_, logs := s.ListLogs(ctx, wire.LogsQuery{Grep: grep})
		for _, err := range []error{runs, events, logs} {
			var bad *wire.Error
			if !errors.As(err, &bad) || bad.Code != wire.BadRequest || !strings.Contains(bad.Message, ": ") {
				t.Errorf("%q: %v", grep, err)
			}
		}
	}
}

// seqs are the sequence numbers of a query's lines, over all pages.
func seqs(t *testing.T, s *Store, q wire.LogsQuery) (found []int64, pages int) {
	t.Helper()
	for {
		page, err := s.ListLogs(context.Background(), q)
		must(t, err)
		pages++
		for _, r := range records(t, page) {
			found = append(found, r.Seq)
		}
		if q.Cursor = page.Cursor; !page.More {
			return found, pages
		}
	}
}

func TestPatternIsHeldAgainstTheWholeMessage(t *testing.T) {
	s := open(t, options(t.TempDir()))
	far := strings.Repeat("x", 3*pieceBytes)
	b := batch("r1", 1, epoch)
	for i, l := range []wire.Line{
		{Text: "a needle"}, {Text: far + "NEEDLE"}, {Bytes: []byte("\xff needle")}, {Bytes: []byte(far + "\xff needle " + far)},
		{Gap: &wire.Gap{Lines: 1}}, {Text: "nothing"}, {Text: ""}, {Text: "nul \x00 needle"}, {Text: "two\nlines"},
	} {
		l.Time = epoch.UnixMilli() + int64(i)
		b.Lines = append(b.Lines, l)
	}
	must(t, s.AppendLines(context.Background(), []wire.LogBatch{b}))
	for _, c := range []struct{ grep, want string }{
		{"needle", "[1 2 3 4 8]"}, {"NEEDLE", "[2]"}, {"^needle", "[]"}, {"needle$", "[1 2 3 8]"}, {"x needle|^$", "[7]"},
		{`\x{FFFD}`, "[3 4]"}, {"^nothing$", "[6]"}, {"o.l", "[]"}, {"(?s)o.l", "[9]"}, {"l \x00", "[8]"}, {"'", "[]"},
		{"(?<first>a) needle", "[1]"},
	} {
		for _, byPos := range []bool{false, true} {
			if got, _ := seqs(t, s, wire.LogsQuery{Grep: c.grep, ByPos: byPos}); fmt.Sprint(got) != c.want {
				t.Errorf("%q: %v, want %s", c.grep, got, c.want)
			}
		}
	}
	if got, _ := seqs(t, s, wire.LogsQuery{Grep: "needle", Last: 3}); fmt.Sprint(got) != "[3 4 8]" {
		t.Errorf("the last three are %v", got)
	}
}

// A query that looks for long answers by pages that may be empty. Here every
// step takes too long.
func TestLongLooksGoOnPageByPage(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	const total = 120_000
	fillLines(t, s, total)
	rare := batch("r2", 1, epoch.Add(100*time.Millisecond), "a needle", "another needle", "the last needle")
	must(t, s.AppendLines(ctx, []wire.LogBatch{rare}))
	d := definition("etl.daily", "extract")
	var events []run.Event
	for n := range 2 * maxEvents {
		e := changed(fmt.Sprint("r", n), d.ID, run.Running, epoch)
		if n%maxEvents == 7 {
			e.Reason = "a needle"
		}
		events = append(events, e)
	}
	must(t, s.Append(ctx, events))
	for _, s.look = range []time.Duration{0, time.Minute} {
		for _, c := range []struct {
			q    wire.LogsQuery
			want string
		}{
			{wire.LogsQuery{Grep: "needle"}, "[1 2 3]"},
			{wire.LogsQuery{Grep: "needle", ByPos: true}, "[1 2 3]"},
			{wire.LogsQuery{Grep: "needle", Last: 2}, "[2 3]"},
			{wire.LogsQuery{Grep: "needle", Last: 2, ByPos: true}, "[2 3]"},
			{wire.LogsQuery{Grep: "needle", Last: 99}, "[1 2 3]"},
			{wire.LogsQuery{Grep: "no such thing", Last: 2}, "[]"},
			{wire.LogsQuery{Grep: "needle", After: total + 1}, "[2 3]"},
			{wire.LogsQuery{Grep: "needle", After: total + 1, ByPos: true}, "[2 3]"},
		} {
			got, pages := seqs(t, s, c.q)
			if fmt.Sprint(got) != c.want {
				t.Errorf("%+v: %v, want %s", c.q, got, c.want)
			}
			if several := pages > 1; several != (s.look == 0) && c.q.After+int64(c.q.Last) == 0 {
				t.Errorf("%+v: %d pages", c.q, pages)
			}
		}
		for last, want := range map[int]int{0: 2, 1: 1, 3: 2} {
			q, count := wire.EventsQuery{Grep: "needle", Last: last}, 0
			for more := true; more; more = q.Cursor != "" {
				page, err := s.ListEvents(ctx, q)
				must(t, err)
				count += len(page.Events)
				q.Cursor = page.Cursor
			}
			if count != want {
				t.Errorf("%d events of the last %d", count, last)
			}
		}
	}
}

func TestRunsAndEventsAreFoundByPatternTaskAndPosition(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	first := created("r1", d, epoch)
	first.Created.Params = map[string]string{"city": "Rome"}
	failed := ended("r1", d.ID, "extract", 1, 2, epoch)
	failed.Reason = "exit code 2"
	events := []run.Event{
		first, created("r2", d, epoch), created("r3", definition("other", "a"), epoch), // 1 to 3
		changed("r1", d.ID, run.Running, epoch), leased("r1", d.ID, "extract", 1, epoch), failed, // 4 to 6
		changed("r1", d.ID, run.Failed, epoch), // 7
	}
	must(t, s.Append(ctx, events))
	for _, c := range []struct {
		q    wire.RunList
		want string
	}{
		{wire.RunList{}, "[r1 r2 r3]"},
		{wire.RunList{Grep: "city=rome"}, "[r1]"}, {wire.RunList{Grep: "city=ROME"}, "[]"}, {wire.RunList{Grep: "^failed$"}, "[r1]"},
		{wire.RunList{Grep: "^run$"}, "[r1 r2 r3]"}, {wire.RunList{Grep: "^etl"}, "[r1 r2]"}, {wire.RunList{Grep: "etl", Last: 1}, "[r2]"},
		{wire.RunList{Grep: "etl", Last: 5}, "[r1 r2]"},
		{wire.RunList{After: 2}, "[r1 r3]"}, {wire.RunList{After: 3}, "[r1]"}, {wire.RunList{After: 7}, "[]"},
		{wire.RunList{After: 2, Last: 1}, "[r3]"}, {wire.RunList{After: 2, Grep: "etl"}, "[r1]"},
	} {
		page, err := s.ListRuns(ctx, c.q)
		must(t, err)
		var ids []string
		for _, r := range page.Runs {
			ids = append(ids, r.Run)
		}
		if got := fmt.Sprint(ids); got != c.want || page.Pos != 7 {
			t.Errorf("%+v: %s at %d, want %s", c.q, got, page.Pos, c.want)
		}
	}
	for _, c := range []struct {
		q    wire.EventsQuery
		want string
	}{
		{wire.EventsQuery{Task: "extract"}, "[5 6]"}, {wire.EventsQuery{Grep: "exit CODE"}, "[]"}, {wire.EventsQuery{Grep: "exit code"}, "[6]"},
		{wire.EventsQuery{Grep: "^web1$"}, "[5 6]"}, {wire.EventsQuery{Grep: "^extract$"}, "[5 6]"}, {wire.EventsQuery{Grep: "failed"}, "[6 7]"},
		{wire.EventsQuery{Grep: "etl", Last: 2, After: 1}, "[6 7]"}, {wire.EventsQuery{After: 5}, "[6 7]"}, {wire.EventsQuery{After: 5, Last: 9}, "[6 7]"},
		{wire.EventsQuery{Filter: wire.Filter{Workflow: "other"}}, "[3]"},
	} {
		page, err := s.ListEvents(ctx, c.q)
		must(t, err)
		var at []int64
		for _, e := range page.Events {
			at = append(at, e.Pos)
		}
		if got := fmt.Sprint(at); got != c.want || page.Pos != 7 {
			t.Errorf("%+v: %s at %d, want %s", c.q, got, page.Pos, c.want)
		}
	}
}

func TestPosIsWhatAQueryLooksUpTo(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	fillLines(t, s, 40_000)
	for _, byPos := range []bool{false, true} {
		q := wire.LogsQuery{ByPos: byPos}
		snap := s.Durable()
		for count := int64(0); ; {
			page, err := s.ListLogs(ctx, q)
			must(t, err)
			count += int64(len(page.Records))
			want := snap
			if byPos && page.More {
				want = count // one can go on from there with After
			}
			if page.Pos != want {
				t.Errorf("by pos %v: after %d lines the position is %d", byPos, count, page.Pos)
			}
			body, err := json.Marshal(page)
			if err != nil || len(body) > wire.MaxMessage {
				t.Errorf("a page of %d bytes: %v", len(body), err)
			}
			if count == 2 || !page.More {
				break
			}
			q.Cursor = page.Cursor
		}
	}
	if got := fmt.Sprint(len(follow(t, s, wire.LogsQuery{After: 39_990})), len(follow(t, s, wire.LogsQuery{After: 39_990, ByPos: true, Last: 5}))); got != "10 5" {
		t.Errorf("after a position there are %s", got)
	}
}
