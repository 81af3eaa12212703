package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

const (
	sideWidth = 27
	sideFrom  = 100 // the window must be so wide for the left side
)

// view draws the panes that have room: the list always, the tasks below it, the
// workflows at the left.
func (s *runsScreen) view(w, h int) []string {
	s.refresh()
	side, below := 0, max(6, min(h*2/5, 14))
	if w >= sideFrom {
		side = sideWidth
	}
	if s.zoom {
		side, below = 0, 0
	}
	s.places = [panes]place4{
		paneRuns:      {side, 0, w - side, h - below},
		paneTasks:     {side, h - below, w - side, below},
		paneWorkflows: {0, 0, side, h - below},
	}
	if below == 0 {
		s.places[paneTasks].w = 0
	}
	if side == 0 && s.focus == paneWorkflows {
		s.focus = paneRuns
	}
	top := s.runsPane(w-side, h-below)
	var bottom []string
	if below > 0 {
		bottom = s.tasksPane(w-side, below)
	}
	if side > 0 {
		top = beside(s.workflowsPane(side, h-below), top)
		bottom = beside(s.legend(side, below), bottom)
	}
	return append(top, bottom...)
}

func (s *runsScreen) runsPane(w, h int) []string {
	k := s.k
	title := k.style.strong.paint("Runs") + " " + number(len(s.rows))
	if k.world.older && !s.find.on() && s.only == "" {
		title += "+"
	}
	if s.only != "" {
		title += k.style.dim.paint(" of ") + k.style.info.paint(clean(s.only))
	}
	if s.find.on() {
		title += k.style.dim.paint(" matching ") + k.style.info.paint(clean(s.find.text()))
	}
	var lines []string
	if len(s.rows) == 0 {
		lines = s.nothing(w-2, h-2)
	} else {
		lines = s.list.view(w-2, h-2, len(s.rows), s.cells)
	}
	return k.box(title, lines, w, h, s.focus == paneRuns)
}

// nothing is what the list says when it is empty.
func (s *runsScreen) nothing(w, h int) []string {
	k := s.k
	switch {
	case !k.world.link.tried:
		return k.empty(w, h, "looking for the principal")
	case !k.world.loaded && !k.world.link.up:
		return k.empty(w, h, "no principal answers", k.world.link.err, "start one with `cdktr-principal`; this screen finds it by itself")
	case !k.world.loaded:
		return k.empty(w, h, "reading the runs")
	case s.find.on() && k.world.older:
		return k.empty(w, h, "no run matches of the newest "+number(len(k.world.runs)),
			"enter looks further back, or opens the run that has this id; esc clears the filter")
	case s.find.on():
		return k.empty(w, h, "no run matches", "esc clears the filter")
	case s.only != "":
		return k.empty(w, h, "no runs of "+s.only+" yet", "press r to run it")
	}
	return k.empty(w, h, "no runs yet: press r on a workflow, or `cdktr-run hello`")
}

func (s *runsScreen) cells(i int) []cell {
	k, row := s.k, s.row(i)
	st := k.runState(row.Status)
	dim := k.style.dim
	start := row.at
	if row.Started != nil {
		start = row.Started.Time
	}
	agent := cell{text: row.sum.agent}
	if agent.text == "" {
		agent = cell{text: k.glyph.none, look: dim}
	}
	dur, tasks := cell{text: s.lasted(row)}, cell{bar: k.bar(row)}
	if row.Status == "PENDING" {
		dur, tasks = cell{text: "wait", look: st.look}, cell{text: waitedFor(row.sum.reason), look: dim}
	}
	return []cell{
		{text: st.glyph + " " + st.word, look: st.look},
		{text: row.Run.Run},
		{text: row.Workflow, look: k.style.strong},
		{text: row.Trigger, look: dim},
		agent,
		k.when(start),
		dur,
		tasks,
	}
}

const waitsFor = "waits for "

// waitedFor is what a run waits for, in few words: of another run the id alone.
func waitedFor(reason string) string {
	what := strings.TrimPrefix(reason, waitsFor)
	if run, ok := strings.CutPrefix(what, "run "); ok {
		what, _, _ = strings.Cut(run, " ")
	}
	return what
}

func (s *runsScreen) lasted(row *runRow) string {
	switch {
	case row.Started == nil && row.Ended == nil:
		return s.k.glyph.none
	case row.Started == nil:
		return "0s"
	case row.Ended != nil:
		return took(row.Ended.Sub(row.Started.Time))
	}
	return took(s.k.now().Sub(row.Started.Time).Truncate(time.Second))
}

// How wide the bar of a run's tasks is at most, and with the numbers beside it.
const (
	mostBar    = 8
	tasksWidth = 12
)

// bar shows how far a run is: done, failed, and what is to do or never will be.
// The numbers are never cut: the bar gives way to them.
func (k *kit) bar(row *runRow) string {
	sum := &row.sum
	if sum.total == 0 {
		return ""
	}
	count := fmt.Sprintf(" %d/%d", sum.done, sum.total)
	barWidth := max(2, min(mostBar, tasksWidth-len(count)))
	done := sum.done * barWidth / sum.total
	failed := 0
	if sum.failed > 0 {
		failed = max(1, sum.failed*barWidth/sum.total)
		done = min(done, barWidth-failed)
	}
	rest, look := k.glyph.empty, k.style.busy
	if final(row.Status) {
		rest = k.glyph.todo
		look = k.runState(row.Status).look
	}
	if row.Status == "FAILED" || row.Status == "CRASHED" {
		look = k.style.off
	}
	return look.paint(strings.Repeat(k.glyph.full, done)) + k.style.bad.paint(strings.Repeat(k.glyph.failed, failed)) +
		k.style.dim.paint(strings.Repeat(rest, barWidth-done-failed)) + count
}

func (s *runsScreen) workflowsPane(w, h int) []string {
	k := s.k
	names := s.names()
	title := k.style.strong.paint("Workflows") + " " + number(len(k.world.workflows))
	if n := k.world.status.Broken; n > 0 {
		title += " " + k.style.bad.paint(k.glyph.failed+number(n))
	}
	lines := s.workflows.view(w-2, h-2, len(names), func(i int) []cell {
		id := names[i]
		switch f := k.world.workflow(id); {
		case id == "":
			return []cell{{text: "all", look: k.style.strong}, {text: number(len(k.world.runs))}}
		case len(k.world.of[id]) > 0:
			return []cell{{text: id}, {bar: k.padLeft(k.results(id, 8), 8)}}
		case f != nil && len(f.Errors) > 0:
			return []cell{{text: id}, {text: k.glyph.failed + " errors", look: k.style.bad}}
		case f != nil && f.LastStatus != nil:
			st := k.runState(*f.LastStatus)
			return []cell{{text: id}, {text: st.glyph, look: st.look}}
		}
		return []cell{{text: id}, {text: "no runs", look: k.style.dim}}
	})
	return k.box(title, lines, w, h, s.focus == paneWorkflows)
}

func (s *runsScreen) legend(w, h int) []string {
	k := s.k
	var lines []string
	var line string
	for i, status := range []string{"RUNNING", "PENDING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED"} {
		st := k.runState(status)
		entry := st.look.paint(st.glyph) + " " + st.word
		if i%2 == 0 {
			line = " " + k.pad(entry, 12)
			continue
		}
		lines = append(lines, line+entry)
	}
	return k.box("Legend", lines, w, h, false)
}

func (s *runsScreen) tasksPane(w, h int) []string {
	k := s.k
	row := s.current()
	if row == nil {
		return k.box("Tasks", nil, w, h, s.focus == paneTasks)
	}
	id := row.Run.Run
	title := k.style.strong.paint(clean(id)) + " " + k.glyph.dot + " " + clean(row.Workflow) + " " + k.glyph.dot + " tasks"
	d := k.world.detail(id)
	if d == nil {
		text := "reading the tasks"
		if row.sum.reason != "" {
			text = row.sum.reason
		}
		return k.box(title, []string{" " + k.style.dim.paint(clean(text))}, w, h, s.focus == paneTasks)
	}
	if s.of != id {
		s.of = id
		s.tasks.to(notable(d), len(d.Tasks))
	}
	s.tasks.still = s.focus != paneTasks
	lines := s.tasks.view(w-2, h-2, len(d.Tasks), func(i int) []cell { return s.taskCells(&d.Tasks[i]) })
	return k.box(title, lines, w, h, s.focus == paneTasks)
}

// notable is the task that is in sight first: one that failed, else one that runs.
func notable(r *wire.Run) int {
	for _, wanted := range [][]string{{"FAILED", "CRASHED"}, {"RUNNING"}} {
		for i := range r.Tasks {
			if slices.Contains(wanted, r.Tasks[i].Status) {
				return i
			}
		}
	}
	return 0
}

func (s *runsScreen) taskCells(t *wire.Task) []cell {
	k := s.k
	st := k.taskState(t)
	dim := k.style.dim
	cells := []cell{{text: t.Task}, {text: st.glyph + " " + st.word, look: st.look}, {}, {}, {}, {}, {}}
	if t.Attempt > 0 {
		cells[2] = cell{text: fmt.Sprint(t.Attempt)}
	}
	if t.Agent != nil {
		cells[3] = cell{text: *t.Agent}
	}
	if t.Started != nil {
		cells[4] = k.when(t.Started.Time)
		end := k.now().Truncate(time.Second)
		if t.Ended != nil {
			end = t.Ended.Time
		}
		cells[5] = cell{text: took(end.Sub(t.Started.Time))}
	}
	cells[6] = cell{text: strings.TrimPrefix(reasonOf(t), waitsFor), look: dim}
	return cells
}

func (s *runsScreen) hint() string {
	row := s.current()
	if row == nil {
		return ""
	}
	look := s.k.style.dim
	if s.failures(row) > 0 {
		look = s.k.style.bad
	}
	return s.k.style.key.paint("u") + ":details  " + s.k.style.key.paint("E") + look.paint(fmt.Sprintf(":errors(%d)", s.failures(row)))
}

// clicked is the click before: two on one row open it.
type clicked struct {
	row *runRow
	at  time.Time
}

const doubleClick = 400 * time.Millisecond

func (s *runsScreen) mouse(msg tea.MouseMsg) tea.Cmd {
	s.refresh()
	for p, place := range s.places {
		if place.w == 0 || !place.has(msg.X, msg.Y) {
			continue
		}
		y := msg.Y - place.y - 1
		press := msg.Action == tea.MouseActionPress && msg.Button == tea.MouseButtonLeft
		switch pane(p) {
		case paneWorkflows:
			names := s.names()
			if i := s.workflows.at(y, len(names)); press && i >= 0 {
				s.focus = paneWorkflows
				s.workflows.to(i, len(names))
				s.choose(names[i])
			} else if s.workflows.wheel(msg, len(names)) {
				s.choose(names[s.workflows.cursor])
			}
		case paneTasks:
			n := s.taskCount()
			if i := s.tasks.at(y, n); press && i >= 0 {
				s.focus = paneTasks
				s.tasks.to(i, n)
			} else {
				s.tasks.wheel(msg, n)
			}
		case paneRuns:
			if s.list.wheel(msg, len(s.rows)) {
				s.hold()
			} else if i := s.list.at(y, len(s.rows)); press && i >= 0 {
				return s.clickRow(i)
			}
		}
		break
	}
	return nil
}

func (s *runsScreen) clickRow(i int) tea.Cmd {
	s.focus = paneRuns
	s.list.to(i, len(s.rows))
	s.at = s.row(i)
	before, now := s.click, s.k.now()
	s.click = clicked{s.at, now}
	if before.row == s.at && now.Sub(before.at) < doubleClick {
		return send(openRun{run: s.at.Run.Run})
	}
	return nil
}
