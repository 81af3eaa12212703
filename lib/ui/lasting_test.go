package ui

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestRunThatCannotBeReadIsNotAskedForAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plenty()
		for _, err := range []error{errors.New("the answer is too long"), &wire.Error{Code: wire.Internal}} {
			f.change(func() { f.refuse[wire.OpRunGet] = err })
			s := newStage(t, f, 80, 24)
			s.see("p0w8c4t2h6ze")
			f.change(func() { f.calls[wire.OpRunGet] = 0 })
			asked := func(op wire.Op) (n int) {
				f.change(func() { n = f.calls[op] })
				return n
			}
			polls := asked(wire.OpStatus)
			s.until("some time to go by", func() bool { return asked(wire.OpStatus) > polls+2 })
			if n := asked(wire.OpRunGet); n > 2*len(f.runs) {
				t.Errorf("%v: %d runs were asked for %d times", err, len(f.runs), n)
			}
		}
	})
}

func TestLongerHistoryReplacesTheOldOneToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.f.change(func() {
			s.f.runs = []wire.Run{{Run: "other0000001", Workflow: "w", Status: "COMPLETED", Created: ago(0)}}
			s.f.status.Epoch, s.f.status.Pos, s.f.events = "e2", 1000, nil
		})
		s.see("other0000001")
		s.gone("p0w8c4t2h6ze")
		s.f.change(func() { s.f.status.Epoch = "e3" }) // the same history after a restart
		s.f.happen(wire.Event{Time: *ago(0), Workflow: "gc", Run: "other0000001", Status: "FAILED"})
		s.see("failed")
		must(t, s.a.k.world.run("other0000001") != nil, "a restart made it forget")
	})
}

// Screens, sessions and streams that were left leave nothing behind.
func TestWhatWasLeftLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := chatty()
		s := newStageWith(t, f, 80, 24, Options{Name: "one", Known: []Known{{"one", "a:1"}, {"two", "b:1"}}})
		s.until("the lists", func() bool { return s.a.k.world.loaded && s.a.k.world.known.workflows })
		round := func(i int) {
			s.send(openRun{run: f.runs[i%len(f.runs)].Run})
			s.keys("q")
			s.send(openLogs{workflow: "nightly-etl"})
			s.keys("q")
			s.send(openWorkflow{"nightly-etl"})
			s.send(openForm{"nightly-etl"})
			s.keys("esc", "esc", "1")
			if i%10 == 9 {
				s.send(connect{[]string{"one", "two"}[i/10%2]})
			}
		}
		for i := range 10 {
			round(i)
		}
		s.until("the rest", func() bool { return len(s.msgs) == 0 })
		before := runtime.NumGoroutine()
		for i := range 30 {
			round(i)
		}
		s.until("goroutines to end", func() bool {
			s.settle()
			return runtime.NumGoroutine() <= before+20
		})
	})
}

func TestClosedTerminalIsNoticed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("2"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = Run(ctx, Options{Open: func(string) (Principal, error) { return newFake(), nil }, Refresh: time.Hour, Zone: time.UTC, Now: time.Now, In: r, Out: io.Discard})
	if cli.Code(err) != cli.IO || !errors.Is(err, errGone) {
		t.Errorf("it ends with %v", err)
	}
}

func TestSuspendedProgramTakesTheMouseAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		must(t, s.a.resume(suspended{}) != nil, "the mouse stays off")
		s.keys("m")
		must(t, s.a.resume(suspended{}) == nil, "the mouse was off")
		s.send(suspended{errors.New("no")})
		s.see("suspend: no")
	})
}

func TestAnswerMayComeTogetherWithItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("xy")})
		s.until("it to be cancelled", func() bool { return slices.Equal(s.f.did(), []string{"cancel k3x9v2m7qaq1"}) })
	})
}
