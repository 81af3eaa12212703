package ui

import (
	"fmt"
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
		s.keys("ctrl+u", "7", "enter", "enter")
		s.see("run accepted: m1n5b7r3s9yd")
		if did := fmt.Sprint(f.did()); did != "[trigger nightly-etl map[limit:7 region:gb]]" {
			t.Error(did)
		}
		s.until("the run", func() bool { _, ok := s.a.top().(*runScreen); return ok })
		s.keys("q")
		s.until("the list", func() bool { return len(s.a.stack) == 0 })
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
		must(t, form.fields.all[2].input.Value() == "falseq?:", form.fields.all[2].input.Value())
		click(1 + 1 + 2 + 9)
		must(t, form.fields.all[0].wrong != "", "a click on the button does nothing")
		s.keys("esc")
		must(t, len(s.a.stack) == 0 && len(s.f.did()) == 0, "esc does not leave")
	})
}
