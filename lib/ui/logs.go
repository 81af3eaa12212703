package ui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"github.com/cdktr/cdktr/lib/ui/logpane"
	"github.com/cdktr/cdktr/lib/wire"
)

// logsScreen is lines across runs: the newest of the history that the filter lets
// through, then what comes, and older ones when somebody scrolls up to them.
type logsScreen struct {
	k    *kit
	name string // in the crumbs
	pane *logpane.Pane

	want   logsFilter
	turn   int // grows with each filter: answers for another one are not for us
	loaded bool
	asking bool
	failed string // why there are no lines
	again  time.Time
	live   *stream[wire.LogRecord]

	form     *fields // the filter is being written
	find     *asked  // what to look for is being written
	scanning bool
}

// News of the screen.
type (
	logsPage struct {
		of      *logsScreen
		turn    int
		records []wire.LogRecord
		pos     int64
		older   bool // of what is there; else it is the first page
		full    bool // there may be more before it
		err     error
	}
	logsScan struct{ of *logsScreen }
)

// day is what is shown when nobody says since when, as cdktr-logs has it.
const day = 24 * time.Hour

func newLogsScreen(k *kit, want openLogs) *logsScreen {
	s := &logsScreen{k: k, name: "Logs"}
	s.want = logsFilter{workflow: want.workflow, run: want.run, task: want.task}
	if want.run != "" {
		s.want.workflow = "" // the run says it
	}
	// Lines of several runs say which, in place of the agent.
	s.pane = logpane.New(logpane.Options{Clean: clean, ASCII: k.ascii, Tasks: true})
	s.pane.NameAgents(want.run == "")
	return s
}

func (s *logsScreen) start() tea.Cmd { return s.wake() }
func (s *logsScreen) show() tea.Cmd  { return s.wake() }

func (s *logsScreen) stop() {
	if s.live != nil {
		s.live.stop()
		s.live = nil
	}
}

// begin shows the lines that a filter lets through, from the newest on.
func (s *logsScreen) begin(want logsFilter) tea.Cmd {
	s.stop()
	s.pane.Clear()
	s.pane.Follow(true)
	s.pane.NameAgents(want.run == "")
	s.want = want
	s.turn++
	s.loaded, s.asking, s.failed = false, false, ""
	return s.wake()
}

// wake asks for the first page as soon as that is possible.
func (s *logsScreen) wake() tea.Cmd {
	if s.loaded || s.asking || !s.k.alive() || s.failed != "" && s.k.now().Before(s.again) {
		return nil
	}
	q, err := s.want.query(s.k.now(), s.k.zone)
	if err != nil {
		s.failed, s.again = err.Error(), s.k.now().Add(time.Hour)
		return nil
	}
	q.Last = firstLines
	return s.page(q, false)
}

func (s *logsScreen) page(q wire.LogsQuery, older bool) tea.Cmd {
	s.asking = true
	turn := s.turn
	return s.k.ask(3*reading, func(ctx context.Context, p Principal) tea.Msg {
		page := logsPage{of: s, turn: turn, older: older}
		for {
			var answer wire.Logs
			if page.err = p.CallOnce(ctx, wire.OpLogsQuery, &q, &answer); page.err != nil {
				return page
			}
			page.records = append(page.records, records(answer.Records)...)
			if page.pos == 0 {
				page.pos = answer.Pos
			}
			if q.Cursor = answer.Cursor; q.Cursor == "" || !answer.More {
				page.full = len(page.records) >= q.Last
				return page
			}
		}
	})
}

func (s *logsScreen) update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		return s.press(msg)
	case tea.MouseMsg:
		return s.mouse(msg), true
	case logsPage:
		if msg.of == s && msg.turn == s.turn {
			return s.got(msg), true
		}
		return nil, false
	case batch[wire.LogRecord]:
		if s.live == nil || msg.of != s.live {
			return nil, false
		}
		s.pane.Append(s.lines(msg.items)...)
		if msg.ended {
			s.live = nil
			return nil, true
		}
		return tea.Batch(s.live.next(), s.refresh()), true
	case logsScan:
		if msg.of == s {
			s.scanning = false
			return s.scan(), true
		}
		return nil, false
	}
	return s.wake(), false
}

func (s *logsScreen) got(m logsPage) tea.Cmd {
	s.asking = false
	switch {
	case m.err != nil && m.older:
		return nil // asked again when somebody scrolls
	case m.err != nil:
		// What was refused stays so for a while; who was away is asked again.
		s.failed, s.again = errorText(m.err), s.k.now().Add(time.Second)
		if refused(m.err) {
			s.again = s.k.now().Add(time.Hour)
		}
		return nil
	case m.older:
		s.pane.Prepend(s.lines(s.before(s.pane.Oldest(), m.records)), m.full)
		return s.refresh()
	}
	s.loaded, s.failed = true, ""
	s.pane.Append(s.lines(m.records)...)
	s.pane.SetOlder(m.full)
	if s.want.until != "" {
		s.pane.End("until " + s.want.until + ": what comes later is left out")
		return s.refresh()
	}
	return tea.Batch(s.follow(m.pos), s.refresh())
}

// follow brings the lines after a position, for as long as they are wanted.
func (s *logsScreen) follow(pos int64) tea.Cmd {
	q, err := s.want.query(s.k.now(), s.k.zone)
	if err != nil {
		return nil // it was good a moment ago
	}
	q.After = pos
	s.live = followLines(s.k, q)
	return s.live.next()
}

// lines are records for the pane: with the run where a run's own pane has the
// agent, and with the workflow before the task.
func (s *logsScreen) lines(records []wire.LogRecord) []logpane.Line {
	out := make([]logpane.Line, 0, len(records))
	for i := range records {
		r := &records[i]
		line := logpane.Line{Time: r.Time.Time, Task: s.source(r), Agent: r.Run, Stream: r.Stream, Attempt: r.Attempt, Seq: r.Seq}
		switch {
		case r.Gap != nil:
			line.Gap = max(r.Gap.Lines, 1)
			line.Text = "gap: " + plural(int(r.Gap.Lines), "line") + " missing here, of " + clean(r.Workflow+"/"+r.Task)
		case r.Message != nil:
			line.Text = *r.Message
		default:
			line.Text = string(r.MessageBase64)
		}
		out = append(out, line)
	}
	return out
}

// The pane gives a name so much room, and most of it to the task.
const (
	sourceWidth = 20
	sourceTask  = 14
)

// source is whose line it is: workflow/task. Where that is too long, both are cut
// so that something is left of each.
func (s *logsScreen) source(r *wire.LogRecord) string {
	workflow, task := clean(r.Workflow), clean(r.Task)
	if width(workflow)+1+width(task) <= sourceWidth {
		return workflow + "/" + task
	}
	more := s.k.glyph.more
	task = ansi.Truncate(task, max(sourceTask, sourceWidth-1-width(workflow)), more)
	return ansi.Truncate(workflow, sourceWidth-1-width(task), more) + "/" + task
}

// before leaves out what the pane has: a page of older lines ends with those of
// the same instant. Both are in the history's order, so that the oldest line
// divides them.
func (s *logsScreen) before(oldest *logpane.Line, records []wire.LogRecord) []wire.LogRecord {
	if oldest == nil {
		return records
	}
	end := len(records)
	for i := len(records) - 1; i >= 0 && !records[i].Time.Before(oldest.Time); i-- {
		r := &records[i]
		if end = i; r.Run == oldest.Agent && s.source(r) == oldest.Task && r.Attempt == oldest.Attempt && r.Stream == oldest.Stream && r.Seq == oldest.Seq {
			break
		}
	}
	return records[:end]
}

// refresh goes on with a search, and asks for older lines where somebody scrolls
// up to them.
func (s *logsScreen) refresh() tea.Cmd {
	cmd := s.scan()
	if s.asking || !s.loaded || !s.pane.WantsOlder() || !s.k.alive() {
		return cmd
	}
	q, err := s.want.query(s.k.now(), s.k.zone)
	if err != nil {
		return cmd
	}
	q.Last = olderLines
	until := wire.At(s.pane.Oldest().Time.Add(time.Millisecond))
	q.Until = &until
	return tea.Batch(cmd, s.page(q, true))
}

func (s *logsScreen) scan() tea.Cmd {
	if s.scanning || !s.pane.Scan() {
		return nil
	}
	s.scanning = true
	return after(time.Millisecond, logsScan{s})
}
