package ui

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestStatusChangesReachTheScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 120, 36)
		s.f.change(func() {
			s.f.runs = append(s.f.runs, wire.Run{Run: "fresh0000001", Workflow: "gc", Status: "RUNNING", Trigger: "listen", Params: wire.Params{"why": "disk"}, Created: ago(0),
				Tasks: []wire.Task{{Task: "sweep", Status: "RUNNING", Attempt: 1, Agent: text("ag-07"), Started: ago(0)}}})
		})
		n := 1
		s.f.happen(wire.Event{Time: *ago(0), Workflow: "gc", Run: "fresh0000001", Status: "PENDING"}, wire.Event{Time: *ago(0), Workflow: "gc", Run: "fresh0000001", Status: "RUNNING"})
		s.see("fresh0000001")
		row := s.a.k.world.run("fresh0000001")
		s.until("who started it", func() bool { return row.Trigger == "listen" && row.Params["why"] == "disk" && !row.thin })
		s.see("sweep")
		must(t, row.Status == "RUNNING", "what was asked for later undid "+row.Status)
		s.f.change(func() { s.f.runs[len(s.f.runs)-1].Status = "FAILED" })
		s.f.happen(wire.Event{Time: *ago(0), Workflow: "gc", Run: "fresh0000001", Task: text("sweep"), Attempt: &n, Status: "FAILED", Reason: text("exit 9")},
			wire.Event{Time: *ago(0), Workflow: "gc", Run: "fresh0000001", Status: "FAILED"})
		s.until("the end", func() bool { return row.Status == "FAILED" && row.Ended != nil })
		s.see("runs ▶1 ✗2 ⧗1")
	})
}

func TestOldAnswerDoesNotUndoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := wire.Run{Run: "a", Workflow: "w", Status: "RUNNING", Created: ago(0), Tasks: []wire.Task{{Task: "t", Status: "RUNNING"}}}
		w.page([]wire.Run{r}, 5)
		asked := w.run("a").rev
		w.event(&wire.Event{Pos: 9, Run: "a", Workflow: "w", Status: "COMPLETED", Time: *ago(0)})
		w.read(r, asked)
		must(t, w.run("a").Status == "COMPLETED" && w.run("a").sum.stale, "an old run.get undid it, or is not read again")
		w.page([]wire.Run{r}, 8)
		must(t, w.run("a").Status == "COMPLETED", "an old page undid it")
		w.page([]wire.Run{r}, 10)
		must(t, w.run("a").Status == "RUNNING", "a new page is not believed")
		must(t, w.counts["RUNNING"] == 1 && w.counts["COMPLETED"] == 0, fmt.Sprint(w.counts))
	})
}

func TestManyRunsOfOneMillisecondArePagedThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range 3000 {
			f.runs = append(f.runs, wire.Run{Run: fmt.Sprintf("same%08d", i), Workflow: "w", Status: "COMPLETED", Created: ago(time.Hour)})
		}
		f.runs = append([]wire.Run{{Run: "first0000000", Workflow: "w", Status: "FAILED", Created: ago(2 * time.Hour)}}, f.runs...)
		s := newStage(t, f, 80, 24)
		s.until("all", func() bool { return len(s.a.k.world.runs) == 3001 && !s.a.k.world.older })
		must(t, s.a.k.world.runs[0].Run.Run == "first0000000", "the order is wrong")
	})
}

func TestAnotherHistoryReplacesTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.f.happen(wire.Event{Time: *ago(0), Workflow: "gc", Run: "k3x9v2m7qaq1", Status: "COMPLETED"})
		s.until("it", func() bool { return s.a.feed.pos == 1 })
		s.f.change(func() {
			s.f.runs = []wire.Run{{Run: "other0000001", Workflow: "w", Status: "COMPLETED", Created: ago(0)}}
			s.f.status.Epoch, s.f.status.Pos, s.f.events = "e2", 0, nil
		})
		s.see("other0000001")
		s.gone("p0w8c4t2h6ze")
		s.f.happen(wire.Event{Time: *ago(0), Workflow: "gc", Run: "other0000002", Status: "PENDING"})
		s.see("other0000002")
	})
}

func TestPrincipalIsChangedWhileItIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := plenty(), newFake()
		two.runs = []wire.Run{{Run: "second000001", Workflow: "w", Status: "COMPLETED", Created: ago(0)}}
		s := newStageWith(t, one, 80, 24, Options{
			Name: "one", Known: []Known{{"one", "a:1"}, {"two", "b:1"}},
			Open: func(name string) (Principal, error) {
				if name == "two" {
					return two, nil
				}
				return one, nil
			},
		})
		s.see("p0w8c4t2h6ze")
		one.change(func() { one.away = true })
		s.see("○ lost")
		old := s.a.k.ask(time.Second, func(context.Context, Principal) tea.Msg { return workflowsMsg{[]wire.Workflow{{Workflow: "ghost"}}} })()
		s.keys(":", "principal two", "enter")
		s.see("two ● connected")
		s.see("second000001")
		s.gone("p0w8c4t2h6ze")
		s.send(old)
		must(t, s.a.k.world.workflow("ghost") == nil, "an answer of the principal before is taken")
	})
}

func TestNewsComeInFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := newStage(t, f, 80, 24)
		var got, batches int
		st := follow(s.a.k, func(ctx context.Context, _ Principal, put func(...int) error) error {
			for i := range 5000 {
				if err := put(i); err != nil {
					return err
				}
			}
			return nil
		})
		start := time.Now()
		for ended := false; !ended; {
			b := st.next()().(later).msg.(batch[int])
			got += len(b.items)
			batches++
			ended = b.ended
		}
		if most := int(time.Since(start)/frame) + 2; got != 5000 || batches > most {
			t.Errorf("%d items in %d batches, and there was time for %d", got, batches, most)
		}
	})
}

func TestProgramRunsAndLeaves(t *testing.T) {
	f := plenty()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := newApp(ctx, Options{Name: "prod-eu", Refresh: 20 * time.Millisecond, Zone: time.UTC, Now: func() time.Time { return noon }, Open: func(string) (Principal, error) { return f, nil }}, f)
	tm := teatest.NewTestModel(t, model{a, new(bug)}, teatest.WithInitialTermSize(120, 36))
	teatest.WaitFor(t, tm.Output(), func(out []byte) bool { return bytes.Contains(out, []byte("p0w8c4t2h6ze")) })
	tm.Type("/p0w8")
	tm.Send(tea.KeyMsg{Type: tea.KeyEnter})
	teatest.WaitFor(t, tm.Output(), func(out []byte) bool { return strings.Contains(ansi.Strip(string(out)), "matching p0w8") })
	tm.Type("q")
	tm.WaitFinished(t, teatest.WithFinalTimeout(5*time.Second))
	a.k.session.close()
}

func TestPanicEndsTheProgramInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), 80, 24)
		m := model{s.a, new(bug)}
		msg := s.a.k.ask(time.Second, func(context.Context, Principal) tea.Msg { panic("oops") })()
		_, cmd := m.Update(msg)
		must(t, m.broken.what == "oops" && cmd != nil && cmd() == tea.Quit(), "it goes on")
	})
}

func TestOldestRunsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range mostRuns + 1 {
			at := wire.At(noon.Add(time.Duration(i) * time.Second))
			w.put(wire.Run{Run: fmt.Sprintf("r%08d", i), Workflow: fmt.Sprintf("w%d", i%2), Status: "COMPLETED", Created: &at}, false)
		}
		w.trim()
		n := len(w.runs)
		if n > mostRuns || n != len(w.byID) || n != w.counts["COMPLETED"] || n != len(w.of["w0"])+len(w.of["w1"]) || !w.older || w.runs[n-1].Run.Run != fmt.Sprintf("r%08d", mostRuns) {
			t.Errorf("%d runs, %d by id, %v, %d and %d of the workflows", n, len(w.byID), w.counts, len(w.of["w0"]), len(w.of["w1"]))
		}
	})
}
