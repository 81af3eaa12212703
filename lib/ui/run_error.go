package ui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// alarms is what the history is asked for, where the first error may be among
// lines that are not here: the words that logpane knows.
const alarms = `\b(error|fatal|panic|traceback|failed|failure|exception)\b`

// beforeError is how much time before the first error is shown with it.
const beforeError = 2 * time.Second

// seekError looks for the first error in the history, and shows it with what is
// round it.
func (l *runLogs) seekError() tea.Cmd {
	l.asking = true
	q := l.query(0)
	return l.s.k.ask(3*reading, func(ctx context.Context, p Principal) tea.Msg {
		page := linesPage{of: l, task: q.Task, atError: true}
		for _, stream := range []string{wire.Stderr, ""} {
			found, err := firstMatch(ctx, p, q, stream)
			if err != nil {
				page.err = err
				return page
			}
			if found == nil {
				continue
			}
			since := wire.At(found.Time.Add(-beforeError))
			around := q
			around.Since = &since
			var answer wire.Logs
			page.err = p.CallOnce(ctx, wire.OpLogsQuery, &around, &answer)
			page.records, page.full, page.pos = records(answer.Records), answer.More, answer.Pos
			return page
		}
		return page
	})
}

func firstMatch(ctx context.Context, p Principal, q wire.LogsQuery, stream string) (*wire.LogRecord, error) {
	q.Stream, q.Grep = stream, alarms
	for {
		var answer wire.Logs
		if err := p.CallOnce(ctx, wire.OpLogsQuery, &q, &answer); err != nil {
			return nil, err
		}
		for _, r := range records(answer.Records) {
			if r.Stream != wire.System {
				return &r, nil
			}
		}
		if q.Cursor = answer.Cursor; q.Cursor == "" || !answer.More {
			return nil, nil
		}
	}
}

// foundError takes the lines round the first error. Where there are more after
// them, the pane has a hole at its end, until somebody follows again.
func (l *runLogs) foundError(m linesPage) tea.Cmd {
	if m.err == nil && len(m.records) > 0 {
		l.stop()
		l.pane.Clear()
		l.attempt = 0
		l.pane.Prepend(l.lines(m.records, true), true)
		if m.full {
			l.pane.Leave()
		} else {
			// These are the last lines: new ones go on from here.
			return tea.Batch(l.follow(m.pos), l.aim())
		}
	}
	return l.aim()
}

// aim goes to the first error of the lines that are here, or to their end.
func (l *runLogs) aim() tea.Cmd {
	if !l.pane.FirstError() {
		l.pane.Bottom()
	}
	return l.refresh()
}
