package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/ui/logpane"
	"github.com/cdktr/cdktr/lib/wire"
)

const etlDefinition = `{"id":"nightly-etl","name":"nightly-etl","hash":"x","tasks":[
	{"id":"extract_a","action":{}},{"id":"extract_b","action":{}},
	{"id":"transform","depends":["extract_a","extract_b"],"action":{}},
	{"id":"validate","depends":["transform"],"action":{}},{"id":"load","depends":["transform"],"action":{}},
	{"id":"publish","depends":["extract_a","load"],"action":{}}]}`

// etl is a principal with the failed run of the page, and its lines.
func etl() *fake {
	f := newFake()
	f.definitions["nightly-etl"] = etlDefinition
	f.workflows = []wire.Workflow{{Workflow: "nightly-etl"}}
	begin := noon.Add(-time.Hour)
	r := wire.Run{Run: "p0w8c4t2h6ze", Workflow: "nightly-etl", Status: "FAILED", Trigger: "cron", Params: wire.Params{}, Created: wire.MaybeAt(begin), Started: wire.MaybeAt(begin), Ended: wire.MaybeAt(begin.Add(242 * time.Second))}
	status := map[string]string{"load": "FAILED", "publish": "SKIPPED"}
	for _, id := range []string{"extract_a", "extract_b", "transform", "validate", "load", "publish"} {
		t := wire.Task{Task: id, Status: "COMPLETED", Attempt: 1}
		if st := status[id]; st != "" {
			t.Status = st
		}
		r.Tasks = append(r.Tasks, t)
	}
	r.Tasks[1].Attempt = 2
	code := 1
	r.Tasks[4].ExitCode = &code
	f.runs = []wire.Run{r}
	at := func(s int) wire.Time { return wire.At(begin.Add(time.Duration(s) * time.Second)) }
	for line := range strings.Lines(`0 - 0 PENDING
0 - 0 RUNNING
0 extract_a 1 RUNNING
0 extract_b 1 RUNNING
17 extract_b 1 FAILED exit 3
17 extract_b 2 WAITING retry 1 of 2 in 10s: exit 3
27 extract_b 2 RUNNING
31 extract_a 1 COMPLETED
58 extract_b 2 COMPLETED
63 transform 1 RUNNING
134 transform 1 COMPLETED
134 validate 1 RUNNING
143 load 1 RUNNING
146 validate 1 COMPLETED
233 load 1 FAILED exit 1
233 publish 0 SKIPPED upstream failed: load
242 - 0 FAILED`) {
		var s, n int
		var task, st string
		fmt.Sscan(line, &s, &task, &n, &st)
		e := wire.Event{Time: at(s), Workflow: "nightly-etl", Run: r.Run, Status: st}
		if task != "-" {
			e.Task, e.Attempt, e.Agent = &task, &n, text("ag-07")
		}
		if _, reason, ok := strings.Cut(strings.TrimSpace(line), st+" "); ok {
			e.Reason = &reason
		}
		f.happen(e)
	}
	for i := range 300 {
		rec := wire.LogRecord{Time: at(143 + i*90/300), Workflow: "nightly-etl", Run: r.Run, Task: "load", Attempt: 1, Agent: "ag-07", Stream: wire.Stdout, Seq: int64(i + 1), Message: text(fmt.Sprintf("loaded batch %d of 300", i+1))}
		if i == 280 {
			rec.Stream, rec.Message = wire.Stderr, text(`ERROR: duplicate key value violates unique constraint "orders_pk"`)
		}
		f.records = append(f.records, rec)
	}
	return f
}

func openEtl(t *testing.T, f *fake, w, h int) *stage {
	s := newStage(t, f, w, h)
	s.see("p0w8c4t2h6ze")
	s.send(openRun{run: "p0w8c4t2h6ze"})
	s.see("Timeline 6 tasks")
	s.see("loaded batch")
	return s
}

func TestRunShowsItsTimelineAndTheLogsOfWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range [][2]int{{120, 36}, {80, 24}} {
			s := openEtl(t, etl(), size[0], size[1])
			s.see("end of stream: task finished, 300 lines, no gaps")
			s.golden(fmt.Sprintf("run-failed-%d", size[0]))
			s.keys("e")
			s.see("err  ERROR: duplicate key")
			s.golden(fmt.Sprintf("run-error-%d", size[0]))
		}
	})
}

func TestRunIsDrawnInASCII(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStageWith(t, etl(), 80, 24, Options{ASCII: true})
		s.see("p0w8c4t2h6ze")
		s.send(openRun{run: "p0w8c4t2h6ze"})
		s.see("loaded batch")
		s.golden("run-ascii-80")
		if strings.ContainsFunc(s.frame(), func(r rune) bool { return r > 0x7e }) {
			t.Error("not all of it is ASCII")
		}
	})
}

// A running run goes on by itself, and its lines with it.
func TestRunIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.definitions["w"] = `{"id":"w","name":"w","hash":"x","tasks":[{"id":"a","action":{}},{"id":"b","depends":["a"],"action":{}}]}`
		f.runs = []wire.Run{{Run: "r00000000001", Workflow: "w", Status: "RUNNING", Trigger: "run", Created: ago(10 * time.Second), Started: ago(10 * time.Second),
			Tasks: []wire.Task{{Task: "a", Status: "RUNNING", Attempt: 1}, {Task: "b", Status: "PENDING", Reason: text("waits for a")}}}}
		one := 1
		f.happen(wire.Event{Time: *ago(10 * time.Second), Workflow: "w", Run: "r00000000001", Status: "PENDING"},
			wire.Event{Time: *ago(10 * time.Second), Workflow: "w", Run: "r00000000001", Status: "RUNNING"},
			wire.Event{Time: *ago(9 * time.Second), Workflow: "w", Run: "r00000000001", Task: text("a"), Attempt: &one, Status: "RUNNING", Agent: text("ag")})
		s := newStage(t, f, 80, 24)
		s.see("r00000000001")
		s.send(openRun{run: "r00000000001"})
		s.see("▶ run")
		s.keys("enter")
		s.see("no lines")
		f.change(func() {
			f.records = append(f.records, wire.LogRecord{Time: wire.At(noon), Workflow: "w", Run: "r00000000001", Task: "a", Attempt: 1, Agent: "ag", Stream: wire.Stdout, Seq: 1, Message: text("hello from a")})
		})
		s.see("hello from a")
		s.golden("run-live-80")
		f.change(func() {
			f.runs[0].Tasks[0].Status, f.runs[0].Tasks[1].Status, f.runs[0].Tasks[1].Attempt, f.runs[0].Tasks[1].Reason = "COMPLETED", "RUNNING", 1, nil
		})
		f.happen(wire.Event{Time: wire.At(noon), Workflow: "w", Run: "r00000000001", Task: text("a"), Attempt: &one, Status: "COMPLETED", Agent: text("ag")},
			wire.Event{Time: wire.At(noon), Workflow: "w", Run: "r00000000001", Task: text("b"), Attempt: &one, Status: "RUNNING", Agent: text("ag")})
		s.see("✓ ok")
		s.see("end of stream: task finished, 1 line, no gaps")
		s.keys("x")
		s.see("Cancel run r00000000001?")
		s.keys("y")
		s.until("it to be cancelled", func() bool { return strings.Contains(strings.Join(f.did(), " "), "cancel r00000000001") })
	})
}

// The cursor goes along with the task that runs until somebody moves it, and goes
// along again when f says so.
func TestTimelineFollowsTheTaskThatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 40
		f := newFake()
		var tasks []string
		r := wire.Run{Run: "r00000000001", Workflow: "w", Status: "RUNNING", Trigger: "run", Created: ago(time.Minute), Started: ago(time.Minute)}
		for i := range n {
			depends := ""
			if i > 0 {
				depends = fmt.Sprintf(`"t%02d"`, i-1)
			}
			tasks = append(tasks, fmt.Sprintf(`{"id":"t%02d","depends":[%s],"action":{}}`, i, depends))
			r.Tasks = append(r.Tasks, wire.Task{Task: fmt.Sprintf("t%02d", i), Status: "PENDING"})
		}
		f.definitions["w"] = `{"id":"w","name":"w","hash":"x","tasks":[` + strings.Join(tasks, ",") + `]}`
		f.runs = []wire.Run{r}
		one := 1
		event := func(task, status string) wire.Event {
			e := wire.Event{Time: wire.At(noon), Workflow: "w", Run: r.Run, Status: status}
			if task != "" {
				e.Task, e.Attempt, e.Agent = &task, &one, text("ag")
			}
			return e
		}
		f.happen(event("", "RUNNING"))
		s := newStage(t, f, 80, 24)
		s.see(r.Run)
		s.send(openRun{run: r.Run})
		s.see("Timeline 40 tasks")
		at := 0
		runs := func(to int) {
			var events []wire.Event
			for ; at <= to; at++ {
				if at > 0 {
					events = append(events, event(fmt.Sprintf("t%02d", at-1), "COMPLETED"))
				}
				events = append(events, event(fmt.Sprintf("t%02d", at), "RUNNING"))
			}
			f.happen(events...)
		}
		runs(5)
		s.see("▸●     t05")
		runs(30)
		s.see("▸●     t30")
		s.keys("g")
		s.see("▸●     t00")
		runs(35)
		s.see("35 ok 1 running")
		s.see("▸●     t00")
		s.keys("f", "f")
		s.see("▸●     t35")
	})
}

func TestRunOfAnotherSizeNeverBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEtl(t, etl(), 120, 36)
		for _, keys := range [][]string{{"z"}, {"tab"}, {"z"}, {"+", "+"}, {"h"}, {"l"}, {"0"}, {"w"}, {"t"}, {"a"}, {"G"}, {"g"}, {"pgup"}, {"j", "k", "enter"}} {
			s.keys(keys...)
			s.frame()
		}
	})
}

func TestLinesAreSearchedAndFiltered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEtl(t, etl(), 120, 36)
		s.keys("tab", "/", "batch 1.7", "enter")
		s.see("/batch 1.7 1 of 10 (n/N)")
		s.keys("n")
		s.see("2 of 10")
		s.see("loaded batch 118 of 300") // what is around it stays
		s.keys("F", "duplicate", "enter")
		s.see("FILTER duplicate: 1 of 300")
		s.gone("loaded batch")
		s.keys("esc", "esc")
		s.gone("FILTER")
		s.keys("tab", "/", "valid", "enter", "enter")
		s.see("Logs · validate · attempt 1")
	})
}

func TestPrincipalIsAwayAndTheRunStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := etl()
		s := openEtl(t, f, 120, 36)
		f.change(func() { f.away = true })
		s.until("the loss to show", func() bool { return !s.a.k.alive() })
		s.keys("k", "k")
		s.see("▸├─┴●")
		s.see("loaded batch")
		s.keys("R")
		s.see("away")
		s.golden("run-away-120")
	})
}

func TestLinesAreSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Chdir(t.TempDir())
		s := openEtl(t, etl(), 120, 36)
		s.keys("o")
		s.see("saved 300 lines to cdktr-p0w8c4t2h6ze-load.log")
		s.keys("o")
		s.see("cdktr-p0w8c4t2h6ze-load-2.log")
	})
}

// A task that prints all the time costs no key its 16 ms.
func BenchmarkRunFrame(b *testing.B) {
	f := etl()
	s := newRealStage(b, f, 120, 36)
	s.see("p0w8c4t2h6ze")
	s.send(openRun{run: "p0w8c4t2h6ze"})
	s.see("loaded batch")
	run := s.a.top().(*runScreen)
	for i := range 100_000 {
		run.logs.pane.Append(logpane.Line{Time: noon, Agent: "ag-07", Stream: wire.Stdout, Text: fmt.Sprint("line ", i)})
	}
	for b.Loop() {
		s.a.View()
	}
}

// What a task prints, and what an agent says, never breaks the frame.
func TestHostileLinesStayInTheirPane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := etl()
		for i, message := range []string{
			"\x1b[2J\x1b[31mred\x1b[0m", "tab\tand\ttab", "over\rwritten", "日本語 wide", strings.Repeat("e\u0301\u0302\u0303", 60), "\u202eright to left\u202c",
			"👩‍👩‍👧‍👦 🇬🇧 ❤️", "\x00\x07\x1b]0;title\x07", strings.Repeat("日", 500), "नमस्ते क्षत्रिय", "각", "\u0301 leading mark",
		} {
			f.records = append(f.records, wire.LogRecord{Time: wire.At(noon), Workflow: "nightly-etl", Run: "p0w8c4t2h6ze", Task: "load", Attempt: 2, Agent: "ag\x1b[2J", Stream: wire.Stderr, Seq: int64(i + 1), Message: &message})
		}
		f.records = append(f.records, wire.LogRecord{Time: wire.At(noon), Workflow: "nightly-etl", Run: "p0w8c4t2h6ze", Task: "load", Attempt: 2, Stream: wire.Stdout, Seq: 1, MessageBase64: []byte("\xff\xfe binary")})
		f.events[14].Reason = text("exit 1 \x1b[2J\r\n日本")
		for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 15}} {
			s := newStage(t, f, size[0], size[1])
			s.see("p0w8c4t2h6ze")
			s.send(openRun{run: "p0w8c4t2h6ze"})
			s.see("binary")
			for range 20 {
				s.keys("tab", "k", "tab", "w")
				s.frame()
			}
			s.keys("f", "tab", "G", "k", "k")
			s.golden(fmt.Sprintf("run-hostile-%d", size[0]))
		}
	})
}

func TestRunThatIsNotThereSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, newFake(), 80, 24)
		s.send(openRun{run: "zzzzzzzzzzzz"})
		s.see(`no run "zzzzzzzzzzzz"`)
		s.golden("run-unknown-80")
	})
}

func TestTimelineIsZoomedAndTasksAreClicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEtl(t, etl(), 120, 36)
		s.keys("+", "+", "h", "h")
		s.see("zoom 1m0s")
		s.golden("run-zoomed-120")
		s.keys("esc")
		s.gone("zoom 1m0s")
		s.send(tea.MouseMsg{X: 20, Y: 3, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft})
		s.see("▸●       extract_a")
		s.keys("enter")
		s.see("Logs · extract_a · attempt 1")
		s.see("end of stream: task finished, 0 lines, no gaps")
		s.golden("run-nolines-120")
	})
}

// A run that is held back says which run it waits for, with the whole id.
func TestHeldRunSaysWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const why = "waits for run 1vjaj0iop5sr to end (overlap: queue)"
		for _, size := range [][2]int{{120, 36}, {80, 24}} {
			f := newFake()
			f.definitions["w"] = `{"id":"w","name":"w","hash":"x","tasks":[{"id":"a","action":{}}]}`
			f.runs = []wire.Run{{Run: "1vjaj0iop5sr", Workflow: "w", Status: "RUNNING", Created: ago(time.Hour)}, {Run: "q07mg8ku9jj4", Workflow: "w", Status: "PENDING", Trigger: "run", Created: ago(time.Minute),
				Tasks: []wire.Task{{Task: "a", Status: "PENDING", Reason: text(why)}}}}
			s := newStage(t, f, size[0], size[1])
			s.see("wait 1vjaj0iop5sr")
			s.see("· wait")
			s.keys("enter")
			s.see(why)
			s.see("a    · wait")
			must(t, !strings.Contains(s.frame(), "⧗ queue"), s.frame())
			// It is let in, and no agent is free: nothing but the other's end tells.
			f.change(func() { f.runs[1].Tasks[0].Reason = text("waits for a free slot") })
			f.happen(wire.Event{Time: wire.At(noon), Workflow: "w", Run: "1vjaj0iop5sr", Status: "COMPLETED"})
			s.wait(2 * time.Second)
			s.see("waits for a free slot")
			s.see("⧗ queue")
		}
	})
}

// A line that is being written takes all keys: the footer offers no others.
func TestFooterOffersNoKeysThatAreText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEtl(t, etl(), 80, 24)
		s.see("q:back")
		s.keys("/")
		s.gone("q:back")
		s.see("esc:leave")
		s.keys("esc")
		s.send(goBack{})
		s.see("q:quit")
		s.keys("/")
		s.gone(":palette")
		s.see("select")
	})
}
