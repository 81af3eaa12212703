package ui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/ui/logpane"
	"github.com/cdktr/cdktr/lib/wire"
)

// runLogs is the lines of one task of a run, or of all: the newest of the
// history, then what comes, and older ones when somebody scrolls up to them.
type runLogs struct {
	s     *runScreen
	pane  *logpane.Pane
	all   *logpane.Pane // with the names of tasks
	one   *logpane.Pane
	task  string
	shown bool // a task, or all, was chosen

	loaded, asking bool
	atError        bool // go to the first error when the lines are here
	attempt        int
	live           *stream[wire.LogRecord]
	scanning       bool
}

const (
	firstLines = 2000
	olderLines = 1000
)

// News of the log pane.
type (
	linesPage struct {
		of      *runLogs
		task    string
		records []wire.LogRecord
		pos     int64
		older   bool // of what is there; else it is the first page
		full    bool // there may be more before it
		atError bool // it is what is round the first error; full: there is more after it
		err     error
	}
	scanTick struct{ of *runLogs }
)

func newRunLogs(s *runScreen) *runLogs {
	l := &runLogs{s: s}
	l.one = logpane.New(logpane.Options{Clean: clean, ASCII: s.k.ascii})
	l.all = logpane.New(logpane.Options{Clean: clean, ASCII: s.k.ascii, Tasks: true})
	l.pane = l.all
	return l
}

func (l *runLogs) stop() {
	if l.live != nil {
		l.live.stop()
		l.live = nil
	}
}

// open shows the lines of a task, or with none those of all.
func (l *runLogs) open(task string) tea.Cmd {
	if l.shown && l.task == task && l.loaded {
		return nil
	}
	l.stop()
	l.pane = l.one
	if task == "" {
		l.pane = l.all
	}
	l.pane.Clear()
	l.pane.Follow(true)
	l.task, l.shown, l.loaded, l.asking, l.attempt, l.atError = task, true, false, false, 0, false
	return l.wake()
}

func (l *runLogs) openAtError(task string) tea.Cmd {
	cmd := l.open(task)
	if !l.loaded {
		l.atError = true
		return cmd
	}
	return tea.Batch(cmd, l.first())
}

// reload forgets what is here, and begins with the newest lines again.
func (l *runLogs) reload() tea.Cmd {
	l.loaded = false
	return l.open(l.task)
}

// wake asks for the first page as soon as that is possible.
func (l *runLogs) wake() tea.Cmd {
	if !l.shown || l.loaded || l.asking || !l.s.k.alive() || l.s.past == nil {
		return nil
	}
	l.asking = true
	return l.page(l.query(firstLines), false)
}

func (l *runLogs) query(last int) wire.LogsQuery {
	return wire.LogsQuery{Filter: wire.Filter{Workflow: l.s.past.run.Workflow, Run: l.s.past.run.Run}, Task: l.task, Last: last}
}

func (l *runLogs) page(q wire.LogsQuery, older bool) tea.Cmd {
	return l.s.k.ask(3*reading, func(ctx context.Context, p Principal) tea.Msg {
		page := linesPage{of: l, task: q.Task, older: older}
		last := q.Last
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
				page.full = len(page.records) >= last
				return page
			}
		}
	})
}

func (l *runLogs) update(msg tea.Msg) (cmd tea.Cmd, ours bool) {
	switch msg := msg.(type) {
	case linesPage:
		if msg.of != l {
			return nil, false
		}
		if msg.task == l.task {
			return l.got(msg), true
		}
		return nil, true
	case batch[wire.LogRecord]:
		if l.live == nil || msg.of != l.live {
			return nil, false
		}
		l.pane.Append(l.lines(msg.items, true)...)
		if msg.ended {
			l.live = nil
			return nil, true
		}
		return tea.Batch(l.live.next(), l.refresh()), true
	case scanTick:
		if msg.of != l {
			return nil, false
		}
		l.scanning = false
		return l.scan(), true
	}
	return nil, false
}

func (l *runLogs) got(m linesPage) tea.Cmd {
	l.asking = false
	if m.err != nil && !m.atError {
		return nil // asked again with the next message, when the principal is there
	}
	if m.atError {
		return l.foundError(m)
	}
	if m.older {
		l.pane.Prepend(l.lines(l.before(m.records), false), m.full)
		return l.refresh()
	}
	l.loaded = true
	l.pane.Append(l.lines(m.records, true)...)
	l.pane.SetOlder(m.full)
	var seek tea.Cmd
	if l.atError {
		seek = l.first()
	}
	return tea.Batch(l.follow(m.pos), l.refresh(), seek)
}

// first goes to the first error, or to the last lines where nothing looks like
// one. It may be among older lines: then they are asked for.
func (l *runLogs) first() tea.Cmd {
	l.atError = false
	if !l.pane.FirstError() {
		l.pane.Bottom()
	}
	if l.pane.Older() && l.s.k.alive() && !l.asking {
		return l.seekError()
	}
	return nil
}

// before leaves out what the pane has: a page of older lines ends with those of
// the same instant.
func (l *runLogs) before(records []wire.LogRecord) []wire.LogRecord {
	oldest := l.pane.Oldest()
	for oldest != nil && len(records) > 0 {
		r := &records[len(records)-1]
		if r.Time.Before(oldest.Time) {
			break
		}
		if r.Task == oldest.Task && r.Attempt == oldest.Attempt && r.Stream == oldest.Stream && r.Seq < oldest.Seq {
			break
		}
		records = records[:len(records)-1]
	}
	return records
}

// follow brings the lines after a position, for as long as the screen wants them.
func (l *runLogs) follow(pos int64) tea.Cmd {
	q := l.query(0)
	q.After = pos
	l.live = followLines(l.s.k, q)
	return l.live.next()
}

// lines are records for the pane. In the lines of one task a new attempt begins
// with a note.
func (l *runLogs) lines(records []wire.LogRecord, notes bool) []logpane.Line {
	out := make([]logpane.Line, 0, len(records))
	for i := range records {
		r := &records[i]
		if notes && l.task != "" && r.Attempt != l.attempt {
			if r.Attempt > 1 {
				out = append(out, logpane.Line{Note: true, Text: fmt.Sprintf("attempt %d", r.Attempt)})
			}
			l.attempt = r.Attempt
		}
		line := logpane.Line{Time: r.Time.Time, Task: r.Task, Agent: r.Agent, Stream: r.Stream, Attempt: r.Attempt, Seq: r.Seq}
		switch {
		case r.Gap != nil:
			line.Gap = max(r.Gap.Lines, 1)
			line.Text = "gap: " + logpane.Count(r.Gap.Lines) + " lines are missing here"
		case r.Message != nil:
			line.Text = *r.Message
		default:
			line.Text = string(r.MessageBase64)
		}
		out = append(out, line)
	}
	return out
}

// refresh says below the last line when no more will come, goes on with a search,
// and asks for older lines where somebody scrolls up to them.
func (l *runLogs) refresh() tea.Cmd {
	if !l.loaded {
		return nil
	}
	l.pane.End(l.end())
	return tea.Batch(l.scan(), l.older())
}

func (l *runLogs) end() string {
	s := l.s
	what := ""
	if i := s.task(l.task); i >= 0 {
		switch t := &s.drawn.Tasks[i]; t.Status {
		case "COMPLETED", "FAILED", "CRASHED", "CANCELLED":
			what = "task finished"
		case "SKIPPED":
			return "the task was skipped: it has no lines"
		}
	} else if l.task == "" && s.drawn.Final() {
		what = "run finished"
	}
	if what == "" {
		return ""
	}
	text := "end of stream: " + what
	if !l.pane.Older() {
		text += ", " + plural(l.pane.Lines(), "line")
	}
	gaps, lost := l.pane.Gaps()
	if gaps == 0 {
		return text + ", no gaps"
	}
	return text + fmt.Sprintf(", %s with %s missing", plural(int(gaps), "gap"), plural(int(lost), "line"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

func (l *runLogs) scan() tea.Cmd {
	if l.scanning || !l.pane.Scan() {
		return nil
	}
	l.scanning = true
	return after(time.Millisecond, scanTick{l})
}

func (l *runLogs) older() tea.Cmd {
	if l.asking || !l.loaded || !l.pane.WantsOlder() || !l.s.k.alive() {
		return nil
	}
	l.asking = true
	q := l.query(olderLines)
	until := wire.At(l.pane.Oldest().Time.Add(time.Millisecond))
	q.Until = &until
	return l.page(q, true)
}
