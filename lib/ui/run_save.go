package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// saved tells what came of writing lines to a file.
type saved struct {
	of    *runScreen
	path  string
	lines int
	err   error
}

func (m saved) tell() tea.Cmd {
	if m.err != nil {
		return toast(bad, "save: "+errorText(m.err))
	}
	return toast(good, "saved "+plural(m.lines, "line")+" to "+clean(m.path))
}

// save writes all lines that the pane is about to a new file, from the history.
func (s *runScreen) save() tea.Cmd {
	if s.past == nil || !s.logs.shown {
		return toast(info, "choose a task first: enter")
	}
	if !s.k.alive() {
		return toast(bad, "save: not now: the principal is away")
	}
	q := s.logs.query(0)
	name := "cdktr-" + s.past.run.Run
	if q.Task != "" {
		name += "-" + filepath.Base(filepath.Clean("/"+q.Task))
	}
	return tea.Batch(toast(info, "saving to "+clean(name)+".log"), s.k.ask(10*time.Minute, func(ctx context.Context, p Principal) tea.Msg {
		path, lines, err := saveLines(ctx, p, q, name)
		return saved{of: s, path: path, lines: lines, err: err}
	}))
}

func saveLines(ctx context.Context, p Principal, q wire.LogsQuery, name string) (path string, lines int, err error) {
	f, err := create(name)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriter(f)
	for {
		var page wire.Logs
		if err := p.CallOnce(ctx, wire.OpLogsQuery, &q, &page); err != nil {
			return f.Name(), lines, err
		}
		for _, r := range records(page.Records) {
			_, _ = w.WriteString(saveLine(&r)) // Flush tells
			lines++
		}
		if q.Cursor = page.Cursor; q.Cursor == "" || !page.More {
			return f.Name(), lines, w.Flush()
		}
	}
}

// saveLine is a line of the file: the message is as the task wrote it.
func saveLine(r *wire.LogRecord) string {
	text := string(r.MessageBase64)
	switch {
	case r.Gap != nil:
		text = fmt.Sprintf("-- %d lines are missing here --", r.Gap.Lines)
	case r.Message != nil:
		text = *r.Message
	}
	return strings.Join([]string{r.Time.String(), r.Task, fmt.Sprint(r.Attempt), r.Agent, r.Stream, text}, " ") + "\n"
}

// create makes a file of that name, or with a number where there is one.
func create(name string) (*os.File, error) {
	path := name + ".log"
	for n := 2; ; n++ {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil || !errors.Is(err, fs.ErrExist) || n > 1000 {
			return f, err
		}
		path = fmt.Sprintf("%s-%d.log", name, n)
	}
}
