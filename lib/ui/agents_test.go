package ui

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// crew is a principal with agents in every state.
func crew() *fake {
	f := plenty()
	f.agents[0].Version, f.agents[0].Labels = "1.4.0", map[string]string{"gpu": "a100", "zone": "eu-1"}
	f.agents[0].Running, f.agents[0].Tasks = 2, []wire.Attempt{{Run: "k3x9v2m7qaq1", Task: "transform", Attempt: 1}, {Run: "unknownrun12", Task: "other", Attempt: 3}}
	f.agents[1].Version = "1.4.0"
	f.agents = append(f.agents, wire.Agent{Agent: "ag-11", Status: "DRAINING", Slots: 2, Running: 1, Version: "1.3.9", LastSeen: ago(4 * time.Second), Tasks: []wire.Attempt{{Run: "k3x9v2m7qaq1", Task: "x", Attempt: 1}}})
	return f
}

func TestAgentsScreenInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("agents-%s-%d", state, w) }
		s := at(t, newFake(), "4", w, h)
		s.golden(name("empty"))
		s = at(t, crew(), "4", w, h)
		s.see("1m11s") // since when the task runs
		s.golden(name("full"))
		s.keys("d")
		s.see("It finishes what it has: 2 tasks.")
		s.golden(name("question"))
		s.keys("n", "/", "status:lost", "enter")
		s.golden(name("filtered"))
		s.keys("d")
		s.see("is lost")
		s.keys("esc", "/", "nothing like it", "enter")
		s.golden(name("nomatch"))
		s.keys("esc")
		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.wait(34 * time.Second)
		s.see("35s") // the age of the heartbeat grows
		s.golden(name("lost"))
		s.keys("g", "d")
		s.see("the principal is away")
		s.loading()
		s.golden(name("loading"))
	})
}

func TestAgentIsDrainedAfterAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, crew(), "4", 120, 36)
		s.keys("j", "d")
		s.see("Nothing runs on it now.")
		s.keys("y")
		s.see("draining: ag-07")
		s.f.change(func() {
			s.f.refuse[wire.OpAgentDrain] = &wire.Error{Code: wire.NotAllowed, Message: "not for a viewer"}
		})
		s.keys("d", "y")
		s.see("not for a viewer")
		if did := fmt.Sprint(s.f.did()); did != "[drain ag-07]" {
			t.Error(did)
		}
	})
}

func TestAgentLeadsToItsRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, crew(), "4", 80, 24)
		s.keys("enter", "enter")
		run, ok := s.a.top().(*runScreen)
		must(t, ok && run.want == openRun{run: "k3x9v2m7qaq1", task: "transform"}, "it opens something else")
		s.keys("q")
		s.send(tea.MouseMsg{X: 5, Y: 2 + 2 + 1, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		screen := s.a.top().(*agentsScreen)
		must(t, screen.list.current() == "ag-07" && !screen.below, "the click selects "+screen.list.current())
	})
}
