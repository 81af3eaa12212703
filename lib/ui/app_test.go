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

// plenty is a principal with runs in every state, as the picture of the first
// screen has them.
func plenty() *fake {
	f := newFake()
	code := 1
	f.status.Workflows, f.status.Broken = 4, 1
	f.workflows = []wire.Workflow{
		{Workflow: "broken", Errors: []wire.Problem{{File: "broken.yml", Line: 2, Column: 7, Message: "unknown key \"rn\""}}},
		{Workflow: "gc"}, {Workflow: "ingest"}, {Workflow: "nightly-etl", Schedule: text("0 0 2 * * *")}, {Workflow: "reports"},
	}
	f.agents = []wire.Agent{
		{Agent: "ag-03", Status: "BUSY", Slots: 5, Running: 1, LastSeen: ago(time.Second)},
		{Agent: "ag-07", Status: "READY", Slots: 5, LastSeen: ago(time.Second)},
		{Agent: "ag-09", Status: "LOST", Slots: 5, LastSeen: ago(time.Hour)},
	}
	at := func(d time.Duration) *wire.Time { return ago(d) }
	f.runs = []wire.Run{
		{Run: "a9d8f7g6h5j4", Workflow: "ingest", Status: "CRASHED", Trigger: "api", Created: at(50 * time.Hour), Started: at(50 * time.Hour), Ended: at(49 * time.Hour),
			Tasks: []wire.Task{{Task: "load", Status: "CRASHED", Attempt: 3, Agent: text("ag-09"), Started: at(50 * time.Hour), Ended: at(49 * time.Hour), Reason: text("agent lost 3 times")}}},
		{Run: "z1x2c3v4b5n6", Workflow: "ingest", Status: "CANCELLED", Trigger: "listen", Created: at(3 * time.Hour), Started: at(3 * time.Hour), Ended: at(3*time.Hour - 3*time.Second),
			Tasks: []wire.Task{{Task: "load", Status: "CANCELLED"}}},
		{Run: "q1w2e3r4t5y6", Workflow: "ingest", Status: "COMPLETED", Trigger: "listen", Params: wire.Params{"file": "orders.csv"}, Created: at(2 * time.Hour), Started: at(2 * time.Hour), Ended: at(2*time.Hour - 340*time.Millisecond),
			Tasks: []wire.Task{{Task: "load", Status: "COMPLETED", Attempt: 1, Agent: text("ag-03"), Started: at(2 * time.Hour), Ended: at(2*time.Hour - 340*time.Millisecond)}}},
		{Run: "p0w8c4t2h6ze", Workflow: "nightly-etl", Status: "FAILED", Trigger: "cron", Created: at(62 * time.Minute), Started: at(62 * time.Minute), Ended: at(58 * time.Minute),
			Tasks: []wire.Task{
				{Task: "extract_a", Status: "COMPLETED", Attempt: 1, Agent: text("ag-03"), Started: at(62 * time.Minute), Ended: at(61 * time.Minute)},
				{Task: "extract_b", Status: "COMPLETED", Attempt: 2, Agent: text("ag-03"), Started: at(62 * time.Minute), Ended: at(61 * time.Minute)},
				{Task: "transform", Status: "COMPLETED", Attempt: 1, Agent: text("ag-07"), Started: at(61 * time.Minute), Ended: at(60 * time.Minute)},
				{Task: "validate", Status: "COMPLETED", Attempt: 1, Agent: text("ag-07"), Started: at(60 * time.Minute), Ended: at(60 * time.Minute)},
				{Task: "load", Status: "FAILED", Attempt: 1, Agent: text("ag-07"), ExitCode: &code, Started: at(60 * time.Minute), Ended: at(58 * time.Minute), Reason: text("exit 1")},
				{Task: "publish", Status: "SKIPPED", Reason: text("upstream failed: load")},
				{Task: "notify", Status: "SKIPPED", Reason: text("upstream failed: load")},
			}},
		{Run: "m1n5b7r3s9yd", Workflow: "reports", Status: "PENDING", Trigger: "listen", Created: at(4 * time.Minute),
			Tasks: []wire.Task{{Task: "render", Status: "PENDING", Reason: text("no free slot")}}},
		{Run: "k3x9v2m7qaq1", Workflow: "nightly-etl", Status: "RUNNING", Trigger: "cron", Created: at(129 * time.Second), Started: at(129 * time.Second),
			Tasks: []wire.Task{
				{Task: "extract_a", Status: "COMPLETED", Attempt: 1, Agent: text("ag-03"), Started: at(129 * time.Second), Ended: at(98 * time.Second)},
				{Task: "extract_b", Status: "COMPLETED", Attempt: 2, Agent: text("ag-03"), Started: at(129 * time.Second), Ended: at(71 * time.Second), Reason: text("attempt 1: exit 137, killed")},
				{Task: "transform", Status: "RUNNING", Attempt: 1, Agent: text("ag-03"), Started: at(71 * time.Second)},
				{Task: "load", Status: "PENDING", Reason: text("transform")},
			}},
	}
	return f
}

var sizes = []struct{ w, h int }{{120, 36}, {80, 24}}

// inBoth plays a test in both sizes that are looked at most.
func inBoth(t *testing.T, play func(t *testing.T, w, h int)) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size.w), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { play(t, size.w, size.h) })
		})
	}
}

// full is a stage on which all runs and their tasks have been read.
func full(t testing.TB, w, h int) *stage {
	s := newStage(t, plenty(), w, h)
	s.until("all tasks", func() bool {
		for _, row := range s.a.k.world.runs {
			if row.sum.total == 0 || row.sum.stale {
				return false
			}
		}
		return s.a.k.world.loaded && s.a.k.world.known.agents && s.a.k.world.known.workflows
	})
	return s
}

func TestRunsScreenInItsStates(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		name := func(state string) string { return fmt.Sprintf("runs-%s-%d", state, w) }

		s := newStage(t, newFake(), w, h)
		s.golden(name("starting"))
		s.see("no runs yet: ")
		s.until("all", func() bool { return s.a.k.world.known.workflows && s.a.k.world.known.agents })
		s.golden(name("empty"))

		s = full(t, w, h)
		s.golden(name("full"))
		s.keys("/", "status:failed|running wf:etl")
		s.golden(name("writing"))
		s.keys("enter")
		s.golden(name("filtered"))
		s.keys("esc", "/", "nothing like it", "enter")
		s.golden(name("nomatch"))
		s.keys("esc")

		s.f.change(func() { s.f.away = true })
		s.see("○ lost")
		s.wait(34 * time.Second)
		s.golden(name("lost"))
		s.keys("x")
		s.see("the principal is away")

		away := newFake()
		away.away = true
		s = newStage(t, away, w, h)
		s.see("no principal answers")
		s.golden(name("away"))
	})
}

func TestQuestionAndErrorAreShown(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		s := full(t, w, h)
		s.keys("x")
		s.golden(fmt.Sprintf("runs-question-%d", w))
		s.f.change(func() {
			s.f.refuse[wire.OpRunCancel] = &wire.Error{Code: wire.NotAllowed, Message: "the role viewer may not cancel\x1b[2J"}
		})
		s.keys("y")
		s.see("may not cancel")
		s.golden(fmt.Sprintf("runs-error-%d", w))
	})
}

func TestHelpListsEveryKey(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		s := full(t, w, h)
		s.keys("?")
		frame := s.frame()
		for _, b := range append(s.a.top().keys(), s.a.globals()...) {
			if !strings.Contains(frame, b.Help().Key+" ") || !strings.Contains(frame, long(b)) {
				t.Errorf("no %s: %s", b.Help().Key, long(b))
			}
		}
		s.golden(fmt.Sprintf("runs-help-%d", w))
	})
}

func TestFirstMatchIsSelectedAndOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"p0w8", "w8c4", "status:failed", "NIGHTLY failed"} {
			s := full(t, 80, 24)
			s.keys("/", text, "enter")
			if row := s.a.tabs[tabRuns].(*runsScreen).current(); row == nil || row.Run.Run != "p0w8c4t2h6ze" {
				t.Errorf("/%s selects %v", text, row)
			}
			s.keys("enter")
			if len(s.a.stack) != 1 || !strings.Contains(s.frame(), "p0w8c4t2h6ze") {
				t.Errorf("enter opens\n%s", s.frame())
			}
			s.keys("q")
			s.see("/ " + text) // the filter is still told
		}
	})
}

func TestFailedRunIsMarkedAndIDsAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for w := leastWidth; w <= 200; w += 7 {
			f := plenty()
			f.runs[3].Run = "sixteen-letters-"
			s := newStage(t, f, w, 24)
			s.see("sixteen-letters-")
			for line := range strings.Lines(s.frame()) {
				if strings.Contains(line, "sixteen-letters-") && strings.Contains(line, "nightly-etl ") && !strings.Contains(line, "failed") {
					t.Errorf("%d cells: %s", w, line)
				}
			}
		}
	})
}

func TestConnectedIsSaidExactlyWhileItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plenty()
		f.away = true
		s := newStage(t, f, 120, 36)
		head := func() string { return strings.SplitN(s.frame(), "\n", 2)[0] }
		s.see("no principal answers")
		must(t, !strings.Contains(head(), "connected"), head())
		f.change(func() { f.away = false })
		s.see("● connected")
		s.see("p0w8c4t2h6ze")
		f.change(func() { f.away = true })
		s.gone("connected")
		s.see("p0w8c4t2h6ze") // the data stays
		s.keys("j")
		must(t, s.a.tabs[tabRuns].(*runsScreen).list.cursor == 1, "it takes no keys")
		f.change(func() { f.away = false })
		s.see("● connected")
		must(t, !s.quit, "it has quit")
	})
}

func TestActionsAskFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 120, 36)
		s.keys("x")
		s.see("Cancel run k3x9v2m7qaq1?")
		s.keys("n")
		s.see("nothing was done")
		s.keys("x", "y")
		s.see("cancelled: k3x9v2m7qaq1")
		s.keys("/", "p0w8", "enter", "R")
		s.see("Retry run p0w8c4t2h6ze?")
		s.keys("enter")
		s.see("retried: p0w8c4t2h6ze")
		if did := fmt.Sprint(s.f.did()); did != "[cancel k3x9v2m7qaq1 retry p0w8c4t2h6ze after 7]" {
			t.Errorf("it did %s", did)
		}
		s.keys("x")
		s.see("has ended: failed")
	})
}

func TestCursorStaysOnItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 120, 36)
		screen := s.a.tabs[tabRuns].(*runsScreen)
		s.f.happen(wire.Event{Time: wire.At(noon), Workflow: "gc", Run: "newone000001", Status: "PENDING"})
		s.see("newone000001")
		must(t, screen.current().Run.Run == "newone000001", "an untouched cursor is on the newest")
		s.keys("j")
		at := screen.current().Run.Run
		s.f.happen(wire.Event{Time: wire.At(noon.Add(time.Second)), Workflow: "gc", Run: "newone000002", Status: "PENDING"})
		s.see("newone000002")
		must(t, screen.current().Run.Run == at, "the cursor has left its run")
	})
}

func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.keys("esc")
		must(t, !s.quit, "esc on the first screen quits")
		s.keys("2", "q")
		must(t, !s.quit && s.a.tab == tabRuns, "q on a tab goes to the first")
		s.keys("q")
		must(t, s.quit, "q on the first screen does not quit")
		for _, state := range [][]string{{"x"}, {"?"}, {":"}, {"/", "abc"}, {"enter"}} {
			s := full(t, 80, 24)
			s.keys(state...)
			s.keys("ctrl+c")
			must(t, s.quit, fmt.Sprintf("^C does not quit after %q", state))
		}
		s = full(t, 80, 24)
		s.keys(":", "q", "enter")
		must(t, s.quit, ":q does not quit")
	})
}

func TestPalette(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.keys(":", "wo")
		s.see("workflows")
		s.golden("palette-80")
		s.keys("tab", "enter")
		must(t, s.a.tab == tabWorkflows, "it did not go there")
		s.keys(":", "open k3", "tab", "enter")
		must(t, len(s.a.stack) == 1, "it opened nothing")
		s.keys(":", "rnu x", "enter")
		s.see(`no command rnu (did you mean "run"?)`)
		s.keys(":", "esc")
		must(t, s.a.over == nil, "esc does not leave")
	})
}

func TestKeysThatComeInOnePiece(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("/p0w8")})
		s.keys("enter")
		s.see("matching p0w8")
		s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q"), Paste: true})
		must(t, !s.quit, "pasted text is taken for keys")
	})
}

func TestSmallWindowSaysWhatItNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		s.send(tea.WindowSizeMsg{Width: 59, Height: 24})
		must(t, s.a.View() == "59x24: needs at least 60x15"+spaces(59-27), s.a.View())
		s.send(tea.WindowSizeMsg{Width: 60, Height: 15})
		s.see("connected")
	})
}

func TestMouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 120, 36)
		screen := s.a.tabs[tabRuns].(*runsScreen)
		s.send(tea.MouseMsg{X: 60, Y: 2 + 1 + 1 + 2, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		must(t, screen.current().Run.Run == "p0w8c4t2h6ze", "the click selected "+screen.current().Run.Run)
		s.send(tea.MouseMsg{X: 60, Y: 10, Action: tea.MouseActionPress, Button: tea.MouseButtonWheelDown})
		must(t, screen.list.cursor == 5, "the wheel does not scroll")
		s.send(tea.MouseMsg{X: 12, Y: 1, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		must(t, s.a.tab == tabWorkflows, "a click on a tab does not change it")
		s.keys("m")
		s.see("mouse off")
	})
}

func TestOlderMessageDoesNotCoverANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		older := toast(info, "saving")
		time.Sleep(time.Millisecond) // of the bubble: one is older than the other
		newer := toast(good, "saved")
		s.send(newer())
		s.send(older())
		s.see("saved")
	})
}

// Whatever the screen, ? shows all its keys at once, in the smallest of the two
// usual windows too.
func TestHelpNeedsNoScrolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		for _, open := range []tea.Msg{openTab{tabRuns}, openTab{tabWorkflows}, openTab{tabLogs}, openTab{tabAgents}, openTab{tabPrincipals},
			openRun{run: "p0w8c4t2h6ze"}, openWorkflow{"nightly-etl"}} {
			s.send(open)
			s.keys("?")
			frame := s.frame()
			for _, b := range s.a.keys() {
				if !strings.Contains(frame, b.Help().Key+" ") || !strings.Contains(frame, long(b)) {
					t.Errorf("%T %s: no %s: %s", open, s.a.top().crumb(), b.Help().Key, long(b))
				}
			}
			s.keys("esc")
		}
	})
}

// A filter that finds nothing among the newest runs looks further back, and opens
// the run of an id that is not listed.
func TestFilterFindsRunsThatAreOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plenty()
		s := newStage(t, f, 80, 24)
		s.see("p0w8c4t2h6ze")
		s.a.k.world.older = true
		s.keys("/", "zzzz", "enter")
		s.see("no run matches")
		s.keys("esc", "/", "old1old1", "enter", "enter")
		must(t, len(s.a.stack) == 1 && s.a.stack[0].(*runScreen).want.run == "old1old1", "the run is not asked for")
	})
}
