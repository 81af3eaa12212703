package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

func record(run, workflow, task, stream string, n int, message string) wire.LogRecord {
	return wire.LogRecord{Time: wire.At(noon.Add(time.Duration(n-100) * time.Second)), Run: run, Workflow: workflow, Task: task, Attempt: 1, Agent: "ag-03", Stream: stream, Seq: int64(n), Message: &message}
}

// chatty is a principal with lines of several runs.
func chatty() *fake {
	f := shop()
	for i := range 60 {
		f.records = append(f.records, record("p0w8c4t2h6ze", "nightly-etl", "extract_a", wire.Stdout, i+1, fmt.Sprintf("row %d of the table orders", i+1)))
	}
	f.records = append(f.records,
		record("q1w2e3r4t5y6", "ingest", "load", wire.Stderr, 61, "ERROR: duplicate key value violates unique constraint \"orders_pk\""),
		record("q1w2e3r4t5y6", "ingest", "load", wire.System, 62, "exit 1"),
		record("p0w8c4t2h6ze", "nightly-etl", "load", wire.Stdout, 63, "\x1b[31mred\x1b[0m and\ttabs"))
	return f
}

func logsOf(t testing.TB, f *fake, w, h int) *stage {
	s := at(t, f, "3", w, h)
	s.until("the lines", func() bool { return s.a.tabs[tabLogs].(*logsScreen).loaded })
	return s
}

func TestLogsScreenInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("logs-%s-%d", state, w) }
		s := logsOf(t, newFake(), w, h)
		s.golden(name("empty"))
		s = logsOf(t, chatty(), w, h)
		s.see("red and tabs")
		s.golden(name("full"))
		s.keys("F", "duplicate|exit", "tab", "ing*", "tab", "tab", "tab", "tab", "1h")
		s.golden(name("form"))
		s.keys("enter")
		s.see("grep:duplicate|exit workflow:ing* since:1h")
		s.see("duplicate key")
		s.gone("row 60")
		s.golden(name("filtered"))
		s.keys("F", "ctrl+u", "nothing like it", "enter")
		s.see("no lines match yet")
		s.golden(name("nomatch"))
		s.keys("esc")
		s.see("red and tabs")
		s.keys("k", "/", "row 4", "enter")
		s.see("1 of")
		s.golden(name("search"))
		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.golden(name("lost"))

		f := chatty()
		f.refuse[wire.OpLogsQuery] = &wire.Error{Code: wire.NotFound, Message: "no run \"zzzz\""}
		s = at(t, f, "3", w, h)
		s.see("no run \"zzzz\"")
		s.golden(name("error"))
		s.a.tabs[tabLogs].(*logsScreen).failed = ""
		s.loading()
		s.golden(name("loading"))
	})
}

func TestNewLinesOfTheFilterAreFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := logsOf(t, chatty(), 120, 36)
		s.keys("F", "orders", "enter")
		s.until("the lines", func() bool { return s.a.tabs[tabLogs].(*logsScreen).loaded })
		s.f.change(func() {
			s.f.records = append(s.f.records, record("new000000001", "gc", "gc", wire.Stdout, 64, "no match"), record("new000000001", "gc", "gc", wire.Stdout, 65, "orders that are new"))
		})
		s.see("orders that are new")
		must(t, !strings.Contains(s.frame(), "no match"), "the filter lets new lines through")
		s.keys("k")
		s.see("FOLLOW off")
		s.see("grep:orders")
		s.keys("f")
		s.see("FOLLOW on")
	})
}

func TestLogsTakeTheTimesOfTheCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for text, want := range map[string]string{
			"1h": "2026-01-02T13:02:11Z", "-90m": "2026-01-02T12:32:11Z", "2h ago": "2026-01-02T12:02:11Z", "today": "2026-01-02T00:00:00Z",
			"2026-01-01 03:04": "2026-01-01T03:04:00Z", "@1767323040": "2026-01-02T03:04:00Z", "": "2026-01-01T14:02:11Z",
		} {
			f := logsFilter{since: text}
			q, err := f.query(noon, time.UTC)
			if err != nil || q.Since == nil || !strings.HasPrefix(q.Since.Format(time.RFC3339), want) {
				t.Errorf("since %q: %v, %v", text, q.Since, err)
			}
		}
		f := logsFilter{run: "k3v9"}
		if q, err := f.query(noon, time.UTC); err != nil || q.Since != nil {
			t.Errorf("a run is shown whole: %v, %v", q.Since, err)
		}
		f = logsFilter{until: "yesterday"}
		q, err := f.query(noon, time.UTC)
		if err != nil || q.Until.Sub(q.Since.Time) != day {
			t.Errorf("until yesterday: %v to %v, %v", q.Since, q.Until, err)
		}
	})
}

func TestWrongFilterOfLogsIsToldAtItsField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := logsOf(t, chatty(), 80, 24)
		s.keys("F", "a(b", "enter")
		s.see("grep the pattern is no regular expression")
		s.keys("ctrl+u", "up", "tab", "tab", "tab", "tab", "tab", "stdin", "enter")
		s.see("stream must be stdout, stderr or system")
		s.keys("ctrl+u", "tab", "soon", "enter")
		s.see("is not a time such as")
		s.keys("ctrl+u", "1h", "tab", "2h", "enter")
		s.see("is before since")
		s.keys("ctrl+u", "now", "enter")
		s.see("until:now")
		s.golden("logs-until-80")
		must(t, s.a.tabs[tabLogs].(*logsScreen).live == nil, "it goes on after the end")
	})
}

func TestLogsOfARunBeginWithItsFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, chatty(), "1", 120, 36)
		s.keys("/", "q1w2", "enter", "l")
		s.see("run:q1w2e3r4t5y6")
		s.see("duplicate key")
		must(t, !strings.Contains(s.frame(), "row 60"), "there are lines of others")
		s.keys("u")
		run, ok := s.a.top().(*runScreen)
		must(t, ok && run.want.run == "q1w2e3r4t5y6", "u does not open the run")
	})
}

func TestOlderLinesComeWithoutGapAndTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := func(n, ms int) wire.LogRecord {
			r := record("r", "w", "t", wire.Stdout, n, "x")
			r.Time = wire.At(noon.Add(time.Duration(ms) * time.Millisecond))
			return r
		}
		all := []wire.LogRecord{line(1, 0), line(2, 5), line(3, 5), line(4, 5)}
		s := newLogsScreen(&kit{glyph: newGlyphs(false)}, openLogs{})
		oldest := s.lines(all[2:3])[0]
		if left := s.before(&oldest, all[:4]); len(left) != 2 || left[1].Seq != 2 {
			t.Errorf("%v", left)
		}
		if left := s.before(nil, all); len(left) != 4 {
			t.Errorf("%v", left)
		}
		oldest.Seq = 99 // it is not there any more
		if left := s.before(&oldest, all); len(left) != 1 {
			t.Errorf("%v", left)
		}
	})
}

func TestWheelStopsFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := logsOf(t, chatty(), 80, 24)
		s.see("red and tabs")
		s.send(tea.MouseMsg{X: 9, Y: 9, Action: tea.MouseActionPress, Button: tea.MouseButtonWheelUp})
		s.see("FOLLOW off")
		s.see("f follows")
	})
}
