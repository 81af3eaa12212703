package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// formOf is a stage with the form of a workflow, which has been read.
func formOf(t testing.TB, f *fake, id string, w, h int) *stage {
	s := at(t, f, "2", w, h)
	s.keys("/", id, "enter", "r")
	s.see("[ Run ]")
	return s
}

func TestFormInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("form-%s-%d", state, w) }
		s := formOf(t, shop(), "nightly", w, h)
		s.golden(name("full"))
		s.keys("ctrl+s")
		s.see("region is required")
		s.keys("USA", "ctrl+s")
		s.see("must match ^[a-z]{2}$")
		s.golden(name("wrong"))

		s = formOf(t, shop(), "gc", w, h)
		s.golden(name("empty"))
		s = formOf(t, shop(), "ingest", w, h)
		s.keys("file=a b.csv", "enter", "nothing", "ctrl+s")
		s.see("expected NAME=VALUE")
		s.golden(name("free"))
		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.keys("ctrl+u", "ctrl+s")
		s.see("not now: the principal is away")
		s.golden(name("lost"))

		s = at(t, shop(), "2", w, h)
		s.keys("/", "reports", "enter", "r")
		s.see(`no workflow "reports"`)
		s.golden(name("refused"))
	})
}

func TestFormRunsTheWorkflowAndOpensTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := shop()
		f.runs = append(f.runs, wire.Run{Run: "m1n5b7r3s9y0", Workflow: "x", Status: "RUNNING", Created: ago(0)})
		s := formOf(t, f, "nightly", 120, 36)
		s.keys("gb", "tab", "tab", "tab")
		s.keys("7", "enter", "enter")
		s.see("run accepted: m1n5b7r3s9yd")
		if did := fmt.Sprint(f.did()); did != "[trigger nightly-etl map[limit:7 region:gb]]" {
			t.Error(did)
		}
		s.until("the run", func() bool { _, ok := s.a.top().(*runScreen); return ok })
		s.keys("q")
		s.until("the list", func() bool { return len(s.a.stack) == 0 })
	})
}

// A default is there to be seen, to be replaced or to be edited, and is sent only
// where it is another value then.
func TestFormDefaultIsReplacedOrEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			keys   []string // in the field limit, whose default is 100
			shown  string
			params string
		}{
			{nil, "100", "map[region:gb]"},
			{[]string{"7", "8"}, "78", "map[limit:78 region:gb]"},
			{[]string{"end", "5"}, "1005", "map[limit:1005 region:gb]"},
			{[]string{"left", "5"}, "1050", "map[limit:1050 region:gb]"},
			{[]string{"home", "9"}, "9100", "map[limit:9100 region:gb]"},
			{[]string{"end", "backspace"}, "10", "map[limit:10 region:gb]"},
			{[]string{"backspace", "6"}, "6", "map[limit:6 region:gb]"},
			{[]string{"ctrl+h", "6"}, "6", "map[limit:6 region:gb]"}, // what ⌫ is on many terminals
			{[]string{"ctrl+d", "6"}, "6", "map[limit:6 region:gb]"},
			{[]string{"ctrl+w", "6"}, "6", "map[limit:6 region:gb]"},
			{[]string{"pgdown", "6"}, "6", "map[limit:6 region:gb]"}, // a key that means nothing
			{[]string{"end"}, "100", "map[region:gb]"},
			{[]string{"tab", "shift+tab", "4"}, "4", "map[limit:4 region:gb]"},
			{[]string{"1", "0", "0"}, "100", "map[region:gb]"},
		} {
			s := newStageWith(t, shop(), 80, 24, Options{Colors: ManyColors})
			s.see("connected")
			s.keys("2", "/", "nightly", "enter", "r")
			s.see("[ Run ]")
			s.keys("gb", "tab", "tab", "tab")
			faint := s.a.k.style.dim.paint("100") + style("7").paint(" ")
			must(t, strings.Contains(s.a.View(), faint), "the default is not shown as one: "+s.a.View())
			s.keys(test.keys...)
			s.see("limit    " + test.shown + " ")
			if len(test.keys) > 0 {
				must(t, !strings.Contains(s.a.View(), faint), fmt.Sprint("it is still shown as the default after ", test.keys))
			}
			s.keys("ctrl+s")
			s.until("the run", func() bool { return len(s.f.did()) > 0 })
			if did := fmt.Sprint(s.f.did()); did != "[trigger nightly-etl "+test.params+"]" {
				t.Errorf("%q: %s", test.keys, did)
			}
		}
	})
}

func TestFormChecksTypesBeforeItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := formOf(t, shop(), "nightly", 120, 36)
		s.keys("gb", "shift+tab", "shift+tab", "ctrl+u", "many", "ctrl+s")
		s.see(`must be a whole number, not "many"`)
		s.keys("ctrl+u", "12", "up", "ctrl+u", "no", "ctrl+s")
		s.see(`must be true or false, not "no"`)
		must(t, len(s.f.did()) == 0, fmt.Sprint(s.f.did()))
	})
}

func TestFormShowsTheRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := formOf(t, shop(), "ingest", 80, 24)
		s.f.change(func() {
			s.f.refuse[wire.OpRunTrigger] = &wire.Error{Code: wire.Unavailable, Message: "ingest is active: run q1w2e3r4t5y6 (overlap: skip)"}
		})
		s.keys("file=x", "ctrl+s")
		s.see("ingest is active: run q1w2e3r4t5y6 (overlap: skip)")
		s.golden("form-error-80")
		s.f.change(func() { delete(s.f.refuse, wire.OpRunTrigger) })
		s.keys("tab", "tab", "enter")
		s.see("run accepted")
		if did := fmt.Sprint(s.f.did()); did != "[trigger ingest map[file:x]]" {
			t.Error(did)
		}
	})
}

func TestAskingAgainAfterALossGivesOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := formOf(t, shop(), "ingest", 80, 24)
		form := s.a.top().(*formScreen)
		form.answered(formSent{form, wire.Triggered{}, fmt.Errorf("the principal did not answer in time")})
		form.key = "k"
		s.keys("ctrl+s")
		must(t, form.key == "k", "the same run is asked for under another key")
		s.until("the answer", func() bool { return form.done })

		s = formOf(t, shop(), "ingest", 80, 24)
		form = s.a.top().(*formScreen)
		form.key = "k"
		s.keys("a")
		must(t, form.key == "", "another run is asked for under the same key")
	})
}

func TestFormTakesTheMouseAndLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := formOf(t, shop(), "nightly", 80, 24)
		form := s.a.top().(*formScreen)
		click := func(y int) {
			s.send(tea.MouseMsg{X: 20, Y: y, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		}
		click(1 + 1 + 2 + 4)
		must(t, form.fields.at == 2, fmt.Sprint("the click goes to field ", form.fields.at))
		s.keys("q?:")
		must(t, form.fields.all[2].input.Value() == "q?:", form.fields.all[2].input.Value())
		click(1 + 1 + 2 + 9)
		must(t, form.fields.all[0].wrong != "", "a click on the button does nothing")
		s.keys("esc")
		must(t, len(s.a.stack) == 0 && len(s.f.did()) == 0, "esc does not leave")
	})
}
