package timeline

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

var update = flag.Bool("update", false, "write the drawings in testdata")

var noon = time.Date(2026, 1, 2, 13, 0, 1, 0, time.UTC)

func second(s string) time.Time {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return noon.Add(time.Duration(f * float64(time.Second)))
}

// story is a run, told in lines:
//
//	task b: a           a task, and what it depends on
//	12.5 b#1 FAILED exit 3     what happened, and when; without #1 no attempt
//	12.5 run FAILED
//	width 78, now 300, ascii, in, out, pan -2, cursor 1     the view
type story struct {
	def    workflow.Definition
	run    wire.Run
	events []wire.Event
	view   View
	zoom   []string
}

func tell(t *testing.T, text string) *story {
	s := &story{view: View{Width: 118, Now: noon.Add(time.Hour), Glyphs: Unicode(), Cursor: -1}}
	s.run.Status = "PENDING"
	s.run.Created = wire.MaybeAt(noon)
	status := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "", "#":
		case "task":
			id, deps, _ := strings.Cut(rest, ":")
			s.def.Tasks = append(s.def.Tasks, workflow.Task{ID: id, Depends: strings.Fields(deps)})
			s.run.Tasks = append(s.run.Tasks, wire.Task{Task: id, Status: "PENDING"})
		case "width":
			s.view.Width, _ = strconv.Atoi(rest)
		case "now":
			s.view.Now = second(rest)
		case "ascii":
			s.view.Glyphs = ASCII()
		case "cursor":
			s.view.Cursor, _ = strconv.Atoi(rest)
		case "in", "out", "pan":
			s.zoom = append(s.zoom, line)
		case "reason":
			id, reason, _ := strings.Cut(rest, " ")
			for i := range s.run.Tasks {
				if s.run.Tasks[i].Task == id {
					s.run.Tasks[i].Reason = &reason
				}
			}
		default:
			f := strings.SplitN(line, " ", 4)
			if len(f) < 3 {
				t.Fatalf("what is %q?", line)
			}
			e := wire.Event{Time: wire.At(second(f[0])), Pos: int64(len(s.events) + 1), Status: f[2]}
			if len(f) == 4 {
				e.Reason = &f[3]
			}
			if f[1] == "run" {
				s.run.Status = e.Status
				if final(e.Status) {
					s.run.Ended = &e.Time
				}
			} else {
				id, n, _ := strings.Cut(f[1], "#")
				attempt, _ := strconv.Atoi(n)
				e.Task, e.Attempt = &id, &attempt
				status[id] = e.Status
			}
			s.events = append(s.events, e)
		}
	}
	for i := range s.run.Tasks {
		if st := status[s.run.Tasks[i].Task]; st != "" {
			s.run.Tasks[i].Status = st
		}
	}
	return s
}

func (s *story) fold() *Run {
	return Fold(&s.def, &s.run, s.events, func(s string) string { return s })
}

func (s *story) draw() string {
	r := s.fold()
	length := r.Length(s.view.Now)
	for _, z := range s.zoom {
		switch word, n, _ := strings.Cut(z, " "); word {
		case "in":
			s.view.Window = s.view.Window.In(length)
		case "out":
			s.view.Window = s.view.Window.Out(length)
		case "pan":
			quarters, _ := strconv.Atoi(n)
			s.view.Window = s.view.Window.Pan(quarters, length)
		}
	}
	d := Draw(r, s.view)
	var b strings.Builder
	fmt.Fprintf(&b, "critical path %s\n", Duration(r.Critical(s.view.Now)))
	for _, row := range append([]Row{d.Head}, d.Rows...) {
		fmt.Fprintf(&b, "|%s|\n", row.Text())
	}
	return b.String()
}

// Each file of testdata is a story and its drawing.
func TestRunsAreDrawn(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told, want, _ := strings.Cut(string(text), "----\n")
			s := tell(t, told)
			got := s.draw()
			for line := range strings.Lines(got) {
				if row, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "|"); ok && width(row)-1 != s.view.Width {
					t.Errorf("%d cells, not %d: %s", width(row)-1, s.view.Width, line)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(told+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("drawn:\n%s\nwanted:\n%s", got, want)
			}
		})
	}
}

// Whatever has happened, each row is as wide as it must be, every task that ran
// has a cell that says so where all is seen, and nothing panics.
func TestEveryRowFits(t *testing.T) {
	statuses := []string{"RUNNING", "RUNNING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "WAITING", "SKIPPED", "CANCELLED", "PENDING"}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		tasks := random(r, 1+r.IntN(12), r.Float64())
		s := tell(t, "")
		for i, task := range tasks {
			def := workflow.Task{ID: task.ID}
			for _, d := range task.Depends {
				def.Depends = append(def.Depends, tasks[d].ID)
			}
			s.def.Tasks = append(s.def.Tasks, def)
			if i%2 == 0 {
				s.run.Tasks = append(s.run.Tasks, wire.Task{Task: task.ID, Status: "PENDING"})
			}
		}
		at := noon
		reason := "retry 1 of 3 in 10s: exit 7 and a long word about it"
		for range r.IntN(60) {
			at = at.Add(time.Duration(r.ExpFloat64() * float64(time.Second)))
			e := wire.Event{Time: wire.At(at), Pos: int64(r.IntN(1000)), Status: statuses[r.IntN(len(statuses))], Reason: &reason}
			if r.IntN(8) > 0 {
				attempt := r.IntN(4)
				e.Task, e.Attempt = &tasks[r.IntN(len(tasks))].ID, &attempt
			}
			s.events = append(s.events, e)
		}
		s.run.Status = statuses[r.IntN(len(statuses))]
		for _, w := range []int{0, 1, 9, 30, 44, r.IntN(60), 60, 78, 60 + r.IntN(90), 118} {
			s.view.Width = w
			s.view.Now = noon.Add(time.Duration(r.IntN(100)) * time.Second)
			run := s.fold()
			s.view.Window = Window{}
			if r.IntN(3) == 0 {
				length := run.Length(s.view.Now)
				s.view.Window = s.view.Window.In(length).In(length).Pan(r.IntN(9)-4, length)
			}
			d := Draw(run, s.view)
			for _, row := range append(d.Rows, d.Head) {
				text := row.Text()
				if width(text) != w {
					t.Fatalf("seed %d: %d cells, not %d: %q", seed, width(text), w, text)
				}
				if row.Task >= 0 && len(run.Tasks[row.Task].Attempts) > 0 && w >= 60 && s.view.Window.Span == 0 && !strings.Contains(text, s.view.Glyphs.Running) {
					t.Fatalf("seed %d, %d cells: it ran, and nothing tells: %q", seed, w, text)
				}
			}
		}
	}
}

func many(n int) *Run {
	r := rand.New(rand.NewPCG(1, 5))
	run := &Run{Status: "RUNNING", Created: noon}
	for i := range n {
		t := Task{ID: fmt.Sprint("task_", i), Status: "COMPLETED"}
		for range min(i, 2) {
			t.Depends = append(t.Depends, i-1-r.IntN(min(i, 20)))
		}
		begin := noon.Add(time.Duration(i) * time.Second)
		t.Attempts = []Attempt{{Number: 1, Status: "FAILED", Started: begin, Ended: begin.Add(time.Second)}, {Number: 2, Status: "COMPLETED", Started: begin.Add(2 * time.Second), Ended: begin.Add(9 * time.Second)}}
		run.Tasks = append(run.Tasks, t)
	}
	return run
}

func BenchmarkDraw500Tasks(b *testing.B) {
	run := many(500)
	v := View{Width: 118, Now: noon.Add(20 * time.Minute), Glyphs: Unicode(), Gutter: Arrange(run.Tasks, GutterLimit(118))}
	for b.Loop() {
		Draw(run, v)
	}
}

func BenchmarkDrawAScreenOf10000Tasks(b *testing.B) {
	run := many(10000)
	v := View{Width: 118, Now: noon.Add(20 * time.Minute), Glyphs: Unicode(), First: 5000, Count: 30}
	v.Gutter = Arrange(run.Tasks, GutterLimit(v.Width))
	for b.Loop() {
		Draw(run, v)
	}
}

func BenchmarkArrange500Tasks(b *testing.B) {
	run := many(500)
	for b.Loop() {
		Arrange(run.Tasks, GutterLimit(118))
	}
}

func BenchmarkFold10000Tasks(b *testing.B) {
	s := &story{}
	s.run.Created = wire.MaybeAt(noon)
	for i := range 10000 {
		id := fmt.Sprint("task_", i)
		def := workflow.Task{ID: id}
		if i > 0 {
			def.Depends = []string{fmt.Sprint("task_", i-1)}
		}
		s.def.Tasks = append(s.def.Tasks, def)
		s.run.Tasks = append(s.run.Tasks, wire.Task{Task: id, Status: "COMPLETED"})
		one := 1
		for _, status := range []string{"RUNNING", "COMPLETED"} {
			s.events = append(s.events, wire.Event{Time: wire.At(noon.Add(time.Duration(i) * time.Second)), Pos: int64(len(s.events) + 1), Task: &id, Attempt: &one, Status: status})
		}
	}
	for b.Loop() {
		s.fold()
	}
}
