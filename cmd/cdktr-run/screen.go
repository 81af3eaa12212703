package main

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/cli"
)

// screen draws frames in place at the bottom of a terminal. It hides no cursor
// and changes no mode for longer than one write, so that there is nothing to put
// right when the command ends, however it does. What else is written through it
// comes above the frame.
type screen struct {
	w     io.Writer
	size  func() (width, height int)
	color bool

	mu    sync.Mutex
	rows  []row // the frame that is there
	width int   // of the terminal when it was drawn
}

// newScreen returns the terminal that stderr is, or nil where it is none that
// can be drawn on.
func newScreen(env cli.Env) *screen {
	f, ok := env.Stderr.(*os.File)
	if term, _ := env.Getenv("TERM"); !ok || !env.ErrTerminal || term == "dumb" {
		return nil
	}
	size := func() (int, int) {
		ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
		if err != nil || ws.Col == 0 || ws.Row == 0 {
			return 80, 24
		}
		return int(ws.Col), int(ws.Row)
	}
	return &screen{w: f, size: size, color: env.ErrColor}
}

// draw replaces the frame. Where it is the same one nothing is written.
func (s *screen) draw(picture func(width, height int) []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, height := s.size()
	rows := picture(width, height)
	if width == s.width && slices.Equal(rows, s.rows) {
		return
	}
	var b strings.Builder
	b.WriteString("\x1b[?7l") // a line that is too long does not wrap
	b.WriteString(s.back(width))
	for _, r := range rows {
		b.WriteString(s.paint(r))
		b.WriteString("\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?7h")
	// A terminal that is gone is not this view's to report.
	_, _ = io.WriteString(s.w, b.String())
	s.rows, s.width = rows, width
}

// Write takes the frame away; the next draw brings it back below.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rows) > 0 {
		width, _ := s.size()
		if _, err := io.WriteString(s.w, s.back(width)+"\x1b[J"); err != nil {
			return 0, err
		}
		s.rows = nil
	}
	return s.w.Write(p)
}

// back moves the cursor to the beginning of the frame. A terminal that has
// become narrower has broken the lines that no longer fit.
func (s *screen) back(width int) string {
	up := 0
	for _, r := range s.rows {
		up += max((cells(r.text)+width-1)/width, 1)
	}
	if up == 0 {
		return "\r"
	}
	return "\r\x1b[" + strconv.Itoa(up) + "A"
}

func (s *screen) paint(r row) string {
	style := styleOf(r.status)
	if !s.color || style == "" {
		return r.text
	}
	end := r.at + len(r.status)
	return r.text[:r.at] + "\x1b[" + style + "m" + r.text[r.at:end] + "\x1b[0m" + r.text[end:]
}

func styleOf(status string) string {
	switch status {
	case "COMPLETED":
		return "32"
	case "FAILED", "CRASHED":
		return "31"
	case "RUNNING":
		return "36"
	case "WAITING", "CANCELLED":
		return "33"
	case "PENDING", "SKIPPED":
		return "2"
	}
	return ""
}
