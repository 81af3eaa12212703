package ui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// nightly is a workflow with all that a definition may have.
func nightly() *workflow.Definition {
	return &workflow.Definition{
		ID: "nightly-etl", Name: "Nightly ETL", Description: "loads what the shops sold", Cron: "0 0 2 * * *", Timezone: "Europe/London",
		Params:     map[string]string{"date": "today", "limit": "100", "region": "", "dry_run": "false"},
		ParamRules: map[string]workflow.ParamRule{"region": {Required: true, Pattern: "^[a-z]{2}$"}, "limit": {Type: workflow.Integer}, "dry_run": {Type: workflow.Boolean}},
		Env:        map[string]string{"TZ": "UTC", "LEVEL": "info"}, Secrets: []string{"DB_PASSWORD"},
		Tasks: []workflow.Task{
			{ID: "extract_a", Name: "extract_a", Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "extract", Args: []string{"--shop", "a b"}}}},
			{ID: "extract_b", Name: "extract_b", Action: workflow.Action{Script: &workflow.Script{Text: "set -x\nextract b\n"}}, Retries: workflow.Retries{Limit: 2, Delay: workflow.Duration(30 * time.Second)}},
			{ID: "transform", Name: "transform", Depends: []string{"extract_a", "extract_b"}, Action: workflow.Action{UvPython: &workflow.UvPython{ScriptPath: "transform.py", Packages: []string{"polars"}}}},
			{ID: "load", Name: "load", Depends: []string{"transform"}, Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "load"}}, Timeout: workflow.Duration(time.Hour)},
		},
		OnFailure: &workflow.Task{ID: workflow.OnFailureID, Name: workflow.OnFailureID, Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: "page-someone"}}},
		Hash:      "1",
	}
}

func (f *fake) define(defs ...*workflow.Definition) *fake {
	for _, def := range defs {
		text, err := json.Marshal(def)
		if err != nil {
			panic(err)
		}
		f.definitions[def.ID] = string(text)
	}
	return f
}

// shop is a principal whose workflows are in every state.
func shop() *fake {
	f := plenty()
	f.workflows[0].Errors = append(f.workflows[0].Errors, wire.Problem{File: "broken.yml", Line: 9, Column: 1, Message: "task \"load\" depends on \"extrct\", which does not exist (did you mean \"extract\"?)"})
	f.workflows[1].Schedule, f.workflows[1].Paused = text("@daily"), true
	f.workflows[3].Next, f.workflows[3].Name = wire.MaybeAt(noon.Add(12*time.Hour)), text("Nightly ETL")
	return f.define(nightly(), &workflow.Definition{ID: "gc", Name: "gc", Params: map[string]string{}, Tasks: []workflow.Task{{ID: "gc"}}},
		&workflow.Definition{ID: "ingest", Name: "ingest", Tasks: []workflow.Task{{ID: "load"}}})
}

// at is a stage on one of the tabs, with all lists read.
func at(t testing.TB, f *fake, tab string, w, h int) *stage {
	s := newStage(t, f, w, h)
	s.until("the lists", func() bool {
		k := s.a.k.world
		return k.loaded && k.known.agents && k.known.workflows
	})
	s.keys(tab)
	return s
}

// loading is as it was before the lists came.
func (s *stage) loading() {
	*s.a.k.world = *newWorld()
	s.a.k.world.link = link{tried: true, up: true}
}

func TestWorkflowsScreenInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("workflows-%s-%d", state, w) }
		s := at(t, newFake(), "2", w, h)
		s.golden(name("empty"))

		s = at(t, shop(), "2", w, h)
		s.see("broken.yml:2:7: unknown key")
		s.see("broken.yml:9:1")
		s.golden(name("full"))
		s.keys("/", "etl", "enter")
		s.see("next 2026-01-03 02:02:11, in 12h00m")
		s.golden(name("filtered"))
		s.keys("p")
		s.golden(name("question"))
		s.keys("n", "esc", "/", "nothing like it", "enter")
		s.golden(name("nomatch"))
		s.keys("esc")
		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.wait(34 * time.Second)
		s.golden(name("lost"))
		s.keys("G", "p")
		s.see("no schedule to pause")
		s.keys("/", "etl", "enter", "p")
		s.see("the principal is away")

		away := newFake()
		away.away = true
		s = newStage(t, away, w, h)
		s.keys("2")
		s.see("no principal answers")
		s.golden(name("away"))
		s.loading()
		s.golden(name("loading"))
	})
}

func TestScheduleIsPausedAndResumedAfterAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, shop(), "2", 120, 36)
		s.keys("/", "etl", "enter", "p")
		s.see("Pause the schedule of nightly-etl?")
		s.keys("n")
		s.see("nothing was done")
		s.keys("p", "y")
		s.see("paused: nightly-etl")
		s.keys("esc", "/", "gc", "enter", "p")
		s.see("Resume the schedule of gc?")
		s.keys("enter")
		s.see("resumed: gc")
		if did := fmt.Sprint(s.f.did()); did != "[workflow.pause nightly-etl workflow.resume gc]" {
			t.Error(did)
		}
		s.f.change(func() {
			s.f.refuse[wire.OpWorkflowResume] = &wire.Error{Code: wire.NotAllowed, Message: "not for a viewer"}
		})
		s.keys("p", "y")
		s.see("not for a viewer")
	})
}

func TestWorkflowIsShownWithItsTasks(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("workflow-%s-%d", state, w) }
		s := at(t, shop(), "2", w, h)
		s.keys("/", "nightly", "enter", "enter")
		s.see("extract_b")
		s.see("Definition")
		s.golden(name("full"))
		s.keys("j", "j")
		s.see("transform.py")
		s.keys("j", "j")
		s.see("page-someone")
		s.keys("tab", "g")
		s.golden(name("definition"))
		s.keys("q", "esc", "/", "broken", "enter", "enter")
		s.see("the file has not loaded yet")
		s.see("broken.yml:9:1")
		s.golden(name("broken"))
		s.f.change(func() {
			s.f.workflows[0].Errors = nil
			s.f.status.Broken = 0
			s.f.define(&workflow.Definition{ID: "broken", Name: "broken", Tasks: []workflow.Task{{ID: "mended"}}})
		})
		s.see("mended")
		s.keys("q")
		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.keys("esc", "/", "nightly", "enter", "enter")
		s.see("the principal is away")
		s.f.change(func() { s.f.away = false })
		s.see("extract_b")
	})
}

func TestNewDefinitionIsShownWhenTheScreenComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, shop(), "2", 120, 36)
		s.keys("/", "nightly", "enter", "enter")
		s.see("extract_b")
		s.f.change(func() {
			def := nightly()
			def.Hash, def.Tasks[3].Action.Subprocess.Cmd = "2", "load-twice"
			s.f.define(def)
		})
		s.keys("r")
		s.see("[ Run ]")
		s.keys("esc")
		s.see("load-twice")
	})
}

func TestWorkflowsTakeTheMouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, shop(), "2", 120, 36)
		press := func(y int) {
			s.send(tea.MouseMsg{X: 30, Y: y, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		}
		list := &s.a.tabs[tabWorkflows].(*workflowsScreen).list
		press(2 + 1 + 1 + 3)
		must(t, list.current() == "nightly-etl", "the click selects "+list.current())
		s.send(tea.MouseMsg{X: 30, Y: 8, Action: tea.MouseActionPress, Button: tea.MouseButtonWheelUp})
		must(t, list.current() == "broken", "the wheel does not scroll")
		press(2 + 1 + 1 + 3)
		press(2 + 1 + 1 + 3)
		s.see("extract_b")
		s.send(tea.MouseMsg{X: 30, Y: 1 + 1 + 1 + 2, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		must(t, s.a.top().(*workflowScreen).taskAtHand() == "transform", "the click selects no task")
	})
}

func TestCursorStaysOnItsRowWhenTheListChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, shop(), "2", 120, 36)
		s.keys("/", "nightly", "enter", "esc")
		s.f.change(func() { s.f.workflows = append(s.f.workflows, wire.Workflow{Workflow: "aaa"}); s.f.status.Workflows++ })
		s.see("aaa")
		list := &s.a.tabs[tabWorkflows].(*workflowsScreen).list
		must(t, list.current() == "nightly-etl" && slices.Contains(list.names, "aaa"), "the cursor has left its row")
	})
}

func TestScreensHelpListsEveryKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tab := range []string{"2", "3", "4", "5"} {
			s := at(t, shop(), tab, 80, 24)
			s.keys("?")
			seen := s.frame()
			s.keys("j", "j", "j", "j", "j", "j")
			seen += s.frame()
			for _, b := range s.a.top().keys() {
				if !strings.Contains(seen, long(b)) {
					t.Errorf("tab %s: no %s: %s\n%s", tab, b.Help().Key, long(b), seen)
				}
			}
		}
	})
}
