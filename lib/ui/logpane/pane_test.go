package logpane

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

var noon = time.Date(2026, 1, 2, 13, 4, 3, 871e6, time.UTC)

func lines(from, to int) (all []Line) {
	for i := from; i <= to; i++ {
		all = append(all, Line{Time: noon, Agent: "ag-07", Stream: wire.Stdout, Text: fmt.Sprintf("line %d", i), Pos: int64(i)})
	}
	return all
}

func pane(o Options, all ...Line) *Pane {
	p := New(o)
	p.Append(all...)
	return p
}

func shown(p *Pane, w, h int) []string {
	var out []string
	for _, r := range p.Rows(w, h) {
		out = append(out, r.Text())
	}
	return out
}

func want(t *testing.T, p *Pane, w int, rows ...string) {
	t.Helper()
	got := shown(p, w, len(rows))
	for i := range got {
		if width(got[i]) != w {
			t.Errorf("row %d has %d cells, not %d", i, width(got[i]), w)
		}
		got[i] = strings.TrimRight(got[i], " ")
	}
	if strings.Join(got, "\n") != strings.Join(rows, "\n") {
		t.Errorf("seen:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(rows, "\n"))
	}
}

func TestLinesSayWhoWroteThemWhenAndWhere(t *testing.T) {
	p := pane(Options{},
		Line{Time: noon, Agent: "ag-07", Stream: wire.Stdout, Text: "begin"},
		Line{Time: noon, Agent: "ag-07", Stream: wire.Stderr, Text: "ERROR: duplicate key"},
		Line{Time: noon, Agent: "ag-07", Stream: wire.System, Text: "exit 1"},
		Line{Gap: 12, Text: "12 lines are missing here"})
	want(t, p, 100,
		" 13:04:03.871Z ag-07 out  begin",
		" 13:04:03.871Z ag-07 err  ERROR: duplicate key",
		" 13:04:03.871Z ag-07 sys  exit 1",
		" ── 12 lines are missing here ──")
	p.ToggleTimes()
	want(t, p, 60, " out  begin", " err  ERROR: duplicate key", " sys  exit 1", " ── 12 lines are missing here ──")
	if gaps, lost := p.Gaps(); gaps != 1 || lost != 12 {
		t.Errorf("%d gaps of %d lines", gaps, lost)
	}
}

// Following shows the newest lines; scrolling up stops that, and new lines move
// nothing then.
func TestScrollingUpStopsFollowing(t *testing.T) {
	p := pane(Options{}, lines(1, 100)...)
	p.ToggleTimes()
	want(t, p, 40, " out  line 98", " out  line 99", " out  line 100")
	p.Append(lines(101, 101)...)
	want(t, p, 40, " out  line 99", " out  line 100", " out  line 101")
	p.Scroll(-2)
	p.Append(lines(102, 200)...)
	want(t, p, 40, " out  line 97", " out  line 98", " out  line 99")
	if p.Following() {
		t.Error("it follows")
	}
	if s := p.Status(); s != "FOLLOW off · wrap on · 97-99/200" {
		t.Error(s)
	}
	p.Scroll(1000)
	want(t, p, 40, " out  line 198", " out  line 199", " out  line 200")
	p.Top()
	want(t, p, 40, " out  line 1", " out  line 2", " out  line 3")
	p.Page(1)
	want(t, p, 40, " out  line 3", " out  line 4", " out  line 5")
	p.Follow(true)
	want(t, p, 40, " out  line 198", " out  line 199", " out  line 200")
}

func TestLongLinesAreWrappedOrShifted(t *testing.T) {
	p := pane(Options{}, Line{Text: "abcdefghijklmnopqrstuvwxyz0123456789"}, Line{Text: "one\ttwo"})
	p.ToggleTimes()
	want(t, p, 32, " out  abcdefghijklmnopqrstuvwxyz", "      0123456789", " out  one     two")
	want(t, p, 32, "      0123456789", " out  one     two")
	p.Scroll(-1)
	want(t, p, 32, " out  abcdefghijklmnopqrstuvwxyz", "      0123456789")
	p.Wrap(false)
	want(t, p, 32, " out  abcdefghijklmnopqrstuvwxy…", " out  one     two", "")
	p.Shift(10)
	want(t, p, 32, " out  klmnopqrstuvwxyz0123456789", " out  o", "")
}

// A search marks what it finds and hides nothing; a filter hides, and both tell
// how much they found.
func TestSearchKeepsTheContextAndFilterHidesIt(t *testing.T) {
	p := pane(Options{}, lines(1, 200)...)
	p.ToggleTimes()
	p.Rows(60, 4)
	p.Top()
	if err := p.Search("LINE 1.5$"); err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); !strings.Contains(s, "/LINE 1.5$ 0 of 0") {
		t.Error(s)
	}
	if err := p.Search("line 1.5$"); err != nil {
		t.Fatal(err)
	}
	want(t, p, 60, " out  line 104", " out  line 105", " out  line 106", " out  line 107")
	row := p.Rows(60, 4)[1]
	if len(row) < 3 || row[2].Text != "line 105" || row[2].Role != Current {
		t.Errorf("%+v", row)
	}
	if s := p.Status(); !strings.Contains(s, "/line 1.5$ 1 of 10 (n/N)") {
		t.Error(s)
	}
	p.Next(1)
	p.Next(1)
	p.Next(-1)
	want(t, p, 60, " out  line 114", " out  line 115", " out  line 116", " out  line 117")
	p.Next(-1)
	p.Next(-1)
	if s := p.Status(); !strings.Contains(s, "10 of 10") {
		t.Error(s)
	}
	if err := p.Filter("1[12]5"); err != nil {
		t.Fatal(err)
	}
	want(t, p, 60, " out  line 115", " out  line 125", "", "")
	if s := p.Status(); !strings.Contains(s, "FILTER 1[12]5: 2 of 200") {
		t.Error(s)
	}
	p.Append(Line{Text: "x 115"}, Line{Text: "x 116"})
	want(t, p, 60, " out  line 115", " out  line 125", " out  x 115", "")
	p.Append(Line{Gap: 3, Text: "3 lines are missing here"})
	want(t, p, 60, " out  line 115", " out  line 125", " out  x 115", " ── 3 lines are missing here ──")
	if p.Filter("") != nil || p.Search("") != nil || p.Search("[") == nil {
		t.Error("patterns are not taken as they are")
	}
}

func TestFirstErrorIsFound(t *testing.T) {
	all := lines(1, 50)
	all[10].Text = "no errors so far" // no word of its own
	all[20].Text = "KeyError: 'x'"
	all[30].Stream, all[30].Text = wire.Stderr, "warning"
	all[40].Stream, all[40].Text = wire.Stderr, "error: it broke"
	p := pane(Options{}, all...)
	p.ToggleTimes()
	p.Rows(40, 4)
	if !p.FirstError() {
		t.Fatal("none")
	}
	want(t, p, 40, " out  line 40", " err  error: it broke", " out  line 42", " out  line 43")
	if pane(Options{}, lines(1, 50)...).FirstError() {
		t.Error("one where there is none")
	}
}

// The pane holds so many lines and bytes, and no more; what goes at one end can
// be had again.
func TestMemoryIsBounded(t *testing.T) {
	p := New(Options{MaxLines: 100, MaxBytes: 100 * 300})
	p.Append(lines(1, 1000)...)
	if p.Len() != 100 || !p.Older() || p.Oldest().Pos != 901 {
		t.Fatalf("%d lines from %d", p.Len(), p.Oldest().Pos)
	}
	p.ToggleTimes()
	p.Rows(40, 3)
	if p.WantsOlder() {
		t.Error("older lines are wanted by who follows")
	}
	p.Top()
	want(t, p, 40, " out  line 901", " out  line 902", " out  line 903")
	if !p.WantsOlder() {
		t.Error("older lines are not wanted")
	}
	p.Prepend(lines(881, 900), true)
	want(t, p, 40, " out  line 901", " out  line 902", " out  line 903")
	p.Scroll(-1)
	want(t, p, 40, " out  line 900", " out  line 901", " out  line 902")
	if p.Len() != 100 || !p.Behind() {
		t.Errorf("%d lines, behind: %v", p.Len(), p.Behind())
	}
	p.Append(lines(1001, 1001)...)
	if p.Len() != 100 {
		t.Error("a line after a hole")
	}

	p = New(Options{MaxBytes: 1 << 20})
	long := strings.Repeat("x", 1<<20)
	for range 200 {
		p.Append(Line{Text: long})
	}
	if p.ring.bytes > 1<<20 || p.Len() < 50 {
		t.Errorf("%d lines of %d bytes", p.Len(), p.ring.bytes)
	}
	if rows := shown(p, 200, 10); !strings.Contains(rows[9], "1,048,576 bytes in all") {
		t.Error(rows[9])
	}
}

// Whatever is done with whatever lines, a frame has its size.
func TestFramesFit(t *testing.T) {
	texts := []string{"", "plain", "日本語のテキスト日本語のテキスト", "e\u0301e\u0301", "\ttab\tand\ttab", strings.Repeat("wide 日 ", 40), strings.Repeat("x", 3000)}
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 4))
		p := New(Options{MaxLines: 1 + r.IntN(60), Tasks: r.IntN(2) == 0, ASCII: r.IntN(2) == 0})
		pos := int64(0)
		for range 60 {
			switch r.IntN(14) {
			case 0, 1, 2:
				for range r.IntN(20) {
					pos++
					p.Append(Line{Time: noon, Text: texts[r.IntN(len(texts))], Task: "load", Agent: "ag", Pos: pos, Note: r.IntN(9) == 0})
				}
			case 3:
				p.Prepend([]Line{{Text: texts[r.IntN(len(texts))]}, {Text: "older"}}, r.IntN(2) == 0)
			case 4:
				p.Scroll(r.IntN(40) - 20)
			case 5:
				p.Page(r.IntN(3) - 1)
			case 6:
				p.Wrap(r.IntN(2) == 0)
			case 7:
				p.Shift(r.IntN(30) - 10)
			case 8:
				_ = p.Search([]string{"", "plain", "x+", "日", "."}[r.IntN(5)])
			case 9:
				_ = p.Filter([]string{"", "plain", "x+", "nothing has this", "."}[r.IntN(5)])
			case 10:
				p.Next(r.IntN(2)*2 - 1)
			case 11:
				p.Follow(r.IntN(2) == 0)
			case 12:
				p.FirstError()
				p.End([]string{"", "the end"}[r.IntN(2)])
			case 13:
				if r.IntN(5) == 0 {
					p.Clear()
				} else {
					p.ToggleTimes()
				}
			}
			p.Scan()
			w, h := 1+r.IntN(130), 1+r.IntN(30)
			rows := p.Rows(w, h)
			if len(rows) != h {
				t.Fatalf("seed %d: %d rows, not %d", seed, len(rows), h)
			}
			for _, row := range rows {
				if width(row.Text()) != w {
					t.Fatalf("seed %d: %d cells, not %d: %q", seed, width(row.Text()), w, row.Text())
				}
			}
			_ = p.Status()
		}
	}
}

func BenchmarkFrameOf100000Lines(b *testing.B) {
	p := pane(Options{}, lines(1, 100_000)...)
	p.Top()
	p.Scroll(50_000)
	for b.Loop() {
		p.Rows(118, 40)
		_ = p.Status()
	}
}

func BenchmarkAppend5000Lines(b *testing.B) {
	p := pane(Options{}, lines(1, 100_000)...)
	_ = p.Search("line 7")
	more := lines(1, 5000)
	for i := range more {
		more[i].Pos = 0
		more[i].Text += strings.Repeat(" some words", 8)
	}
	for b.Loop() {
		p.Append(more...)
	}
}

func TestErrorsAreSeen(t *testing.T) {
	for text, is := range map[string]bool{
		"error: x": true, "an ERROR": true, "KeyError: 'x'": true, "java.lang.NullPointerException": true, "panic: x": true, "[FATAL] x": true,
		"it failed": true, "Traceback (most recent call last):": true, "task_error=1": true,
		"terror": false, "errors=0": false, "": false, "fatally": false, "all is well": false, "ERRORS": false,
	} {
		if bad(text) != is {
			t.Errorf("%q: %v", text, !is)
		}
	}
}
