package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// vile is a principal whose names are all nasty.
func vile() *fake {
	f := chatty()
	f.agents = crew().agents
	for i, s := range nasty {
		id := "w" + s
		f.workflows = append(f.workflows, wire.Workflow{Workflow: id, Name: text(s), Schedule: text(s), Paused: i%3 == 0, Next: ago(0), Errors: []wire.Problem{{File: s, Line: i, Column: i, Message: s}}})
		f.define(&workflow.Definition{ID: id, Name: s, Description: s, Cron: s, Params: map[string]string{"p" + s: s, "q": s}, ParamRules: map[string]workflow.ParamRule{"q": {Required: true, Pattern: s}},
			Env: map[string]string{s: s}, Secrets: []string{s}, Tasks: []workflow.Task{{ID: "a" + s, Action: workflow.Action{Script: &workflow.Script{Text: s + "\n" + s}}}, {ID: "b" + s, Depends: []string{"a" + s}, Action: workflow.Action{Subprocess: &workflow.Subprocess{Cmd: s, Args: []string{s}}}}}})
		f.agents = append(f.agents, wire.Agent{Agent: "a" + s, Status: []string{"READY", "ODD" + s}[i%2], Slots: i, Running: i * 2, Labels: map[string]string{s: s}, Version: s, LastSeen: ago(0), Tasks: []wire.Attempt{{Run: s, Task: s, Attempt: 1}}})
		f.records = append(f.records, record(s, "w"+s, "t"+s, wire.Stderr, 100+i, s))
	}
	return f
}

func TestHostileNamesNeverBreakAnyScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, ascii := range []bool{false, true} {
			all := several{"prod": vile()}
			var known []Known
			for _, s := range nasty {
				known = append(known, Known{Name: "p" + s, Address: s})
			}
			s := newStageWith(t, all["prod"], 120, 36, Options{ASCII: ascii, Name: "prod", Known: known, Colors: ManyColors, Open: func(name string) (Principal, error) {
				if f := all[name]; f != nil {
					return f, nil
				}
				return nil, fmt.Errorf("no key for %s", name)
			}})
			s.until("the lists", func() bool { return s.a.k.world.known.agents && s.a.k.world.known.workflows })
			views := [][]string{{"2"}, {"2", "enter"}, {"2", "r"}, {"3"}, {"3", "w", "t"}, {"3", "F", "日本\u0301", "tab"}, {"4"}, {"4", "enter"}, {"4", "d"}, {"5"}, {"5", "/", "p"}}
			for _, view := range views {
				for len(s.a.stack) > 0 || s.a.over != nil || s.a.writing() {
					s.keys("esc")
					s.settle()
				}
				s.keys(view[0])
				for range len(view[0]) * 2 {
					s.keys("G", "k")
				}
				s.keys(view[1:]...)
				s.settle()
				for _, size := range [][2]int{{leastWidth, 41}, {84, leastHeight}, {133, 41}} {
					s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
					s.frame()
					s.send(tea.KeyMsg{Type: tea.KeyUp})
				}
				s.frame()
			}
		}
	})
}

func TestAllScreensAreASCIIInASCIIMode(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		f := chatty()
		f.agents = crew().agents
		s := newStageWith(t, f, w, h, Options{ASCII: true})
		s.until("the lists", func() bool { return s.a.k.world.loaded && s.a.k.world.known.agents && s.a.k.world.known.workflows })
		for _, keys := range [][]string{{"2"}, {"enter"}, {"esc", "/", "night", "enter", "enter"}, {"r"}, {"esc", "q", "3"}, {"F"}, {"esc", "4"}, {"enter"}, {"5"}} {
			s.keys(keys...)
			s.settle()
			if frame := s.frame(); strings.ContainsFunc(frame, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Errorf("%q: %s", keys, frame)
			}
		}
	})
}
