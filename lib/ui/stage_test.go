package ui

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// updating tells that golden frames are to be written anew: teatest has a flag
// for that, -update.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// stage plays the program: it hands messages to the model one after the other,
// as bubbletea does, and runs its commands. The test's goroutine is the one of
// Update, so that a test may look into the model between two steps. It stands in
// the bubble of a synctest: so a test waits for what is under way, however busy
// the machine is.
type stage struct {
	t    testing.TB
	a    *app
	f    *fake
	msgs chan tea.Msg
	quit bool
	real bool // it stands outside of a bubble, where time is measured

	mu  sync.Mutex
	now time.Time
}

// newStage starts the program on a fake, in a window of w by h.
func newStage(t testing.TB, f *fake, w, h int) *stage { return newStageWith(t, f, w, h, Options{}) }

func newStageWith(t testing.TB, f *fake, w, h int, o Options) *stage {
	t.Helper()
	return openStage(&stage{t: t, f: f}, w, h, o)
}

// newRealStage is a stage on which time goes by.
func newRealStage(t testing.TB, f *fake, w, h int) *stage {
	t.Helper()
	return openStage(&stage{t: t, f: f, real: true}, w, h, Options{})
}

func openStage(s *stage, w, h int, o Options) *stage {
	t, f := s.t, s.f
	t.Helper()
	s.msgs, s.now = make(chan tea.Msg, 1000), noon
	ctx, cancel := context.WithCancel(context.Background())
	if o.Name == "" {
		o.Name = "prod-eu"
	}
	if o.Open == nil {
		o.Open = func(string) (Principal, error) { return f, nil }
	}
	o.Refresh, o.Zone, o.Now = 50*time.Millisecond, time.UTC, s.clock
	p, err := o.Open(o.Name)
	if err != nil {
		t.Fatal(err)
	}
	s.a = newApp(ctx, o, p)
	t.Cleanup(func() {
		cancel()
		s.a.k.session.close()
		if !s.real {
			time.Sleep(time.Hour) // of the bubble: ticks that are under way come to their end
		}
	})
	s.do(s.a.Init())
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// wait lets the clock go on, and the program notice.
func (s *stage) wait(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	s.mu.Unlock()
	s.send(clockTick(s.clock()))
}

// send gives the model a message.
func (s *stage) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
		return
	case tea.QuitMsg:
		s.quit = true
		return
	case tea.BatchMsg:
		for _, cmd := range msg {
			s.do(cmd)
		}
		return
	}
	_, cmd := s.a.Update(msg)
	s.a.View() // bubbletea draws after every message
	s.do(cmd)
}

// do runs a command beside the test, as bubbletea does.
func (s *stage) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() { s.msgs <- cmd() }()
}

// keys presses keys: names such as enter, esc, tab, ctrl+d, or text that is
// written letter by letter. What they cause at once is done when it returns.
func (s *stage) keys(names ...string) {
	s.t.Helper()
	for _, name := range names {
		for _, msg := range press(name) {
			s.send(msg)
			s.settle()
		}
	}
}

func press(name string) []tea.KeyMsg {
	for t := tea.KeyType(-100); t < 128; t++ {
		if t != tea.KeyRunes && (tea.Key{Type: t}).String() == name && name != " " {
			return []tea.KeyMsg{{Type: t}}
		}
	}
	var all []tea.KeyMsg
	for _, r := range name {
		m := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}}
		if r == ' ' {
			m.Type = tea.KeySpace
		}
		all = append(all, m)
	}
	return all
}

// settle takes what commands bring at once: it returns when all goroutines wait
// for something, and the clock has not moved.
func (s *stage) settle() {
	for range 10_000 {
		if s.real {
			time.Sleep(time.Millisecond) // nobody looks at what has come so far
		} else {
			synctest.Wait()
		}
		select {
		case msg := <-s.msgs:
			s.send(msg)
		default:
			return
		}
	}
	s.t.Fatal("commands bring each other without an end")
}

// until plays on until a condition holds.
func (s *stage) until(what string, cond func() bool) {
	s.t.Helper()
	deadline := time.After(5 * time.Second)
	for !cond() {
		select {
		case msg := <-s.msgs:
			s.send(msg)
		case <-deadline:
			s.t.Fatalf("waited in vain: %s\n%s", what, s.frame())
		}
	}
}

// see plays on until the frame has a text.
func (s *stage) see(text string) {
	s.t.Helper()
	s.until("to see "+text, func() bool { return strings.Contains(s.frame(), text) })
}

// gone plays on until the frame has a text no more.
func (s *stage) gone(text string) {
	s.t.Helper()
	s.until("not to see "+text, func() bool { return !strings.Contains(s.frame(), text) })
}

// frame is what the window shows, without styles.
func (s *stage) frame() string {
	s.t.Helper()
	frame := s.a.View()
	fits(s.t, frame, s.a.w, s.a.h)
	return ansi.Strip(frame)
}

// fits fails where a frame is not exactly as big as the window.
func fits(t testing.TB, frame string, w, h int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != h && h >= leastHeight && w >= leastWidth {
		t.Fatalf("%d lines in a window of %d\n%s", len(lines), h, frame)
	}
	for i, l := range lines {
		if wide, narrow := ansi.StringWidth(l), ansi.StringWidthWc(l); wide != w || narrow != w {
			t.Fatalf("line %d has %d or %d cells, not %d: %q", i, wide, narrow, w, l)
		}
		if rest := ansi.Strip(l); strings.ContainsFunc(rest, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("line %d has control characters: %q", i, rest)
		}
	}
}

// golden compares the frame with a file of testdata.
func (s *stage) golden(name string) {
	s.t.Helper()
	path := filepath.Join("testdata", name+".txt")
	got := s.frame() + "\n"
	if updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s: the frame is\n%s\nnot\n%s", name, got, want)
	}
}
