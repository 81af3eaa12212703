package main

import (
	"io"
	"strings"
	"testing"
)

// glass is a terminal that knows what a screen writes. It keeps all lines, as
// one that scrolls does.
type glass struct {
	lines []string
	row   int
	width int
}

func (g *glass) Write(p []byte) (int, error) {
	for s := string(p); s != ""; {
		switch {
		case strings.HasPrefix(s, "\x1b["):
			end := 2
			for s[end] < '@' {
				end++
			}
			arg, verb := s[2:end], s[end]
			s = s[end+1:]
			switch verb {
			case 'A':
				n := 0
				for _, c := range arg {
					n = 10*n + int(c-'0')
				}
				g.row -= n
				if g.row < 0 {
					panic("above the first line")
				}
			case 'J':
				g.lines = g.lines[:g.row+1]
				g.lines[g.row] = ""
			case 'K', 'm', 'h', 'l':
			default:
				panic("unknown: " + arg + string(verb))
			}
		case s[0] == '\n':
			g.row++
			for len(g.lines) <= g.row {
				g.lines = append(g.lines, "")
			}
			s = s[1:]
		case s[0] == '\r':
			s = s[1:]
		default:
			end := strings.IndexAny(s, "\r\n\x1b")
			if end < 0 {
				end = len(s)
			}
			g.lines[g.row] = s[:end]
			s = s[end:]
		}
	}
	return len(p), nil
}

func (g *glass) String() string { return strings.Join(g.lines, "\n") }

func picture1(lines ...string) func(int, int) []row {
	var rows []row
	for _, l := range lines {
		rows = append(rows, row{text: l})
	}
	return func(int, int) []row { return rows }
}

func TestFrameIsDrawnOverTheOneBefore(t *testing.T) {
	g := &glass{lines: []string{"$ cdktr-run hello", ""}, row: 1, width: 80}
	s := &screen{w: g, size: func() (int, int) { return g.width, 24 }}
	const before = "$ cdktr-run hello\n"
	for _, step := range []struct {
		lines []string
		want  string
	}{
		{[]string{"run", "a"}, "run\na\n"},
		{[]string{"run", "a", "b"}, "run\na\nb\n"},
		{[]string{"run"}, "run\n"},
		{[]string{"run", "a"}, "run\na\n"},
	} {
		s.draw(picture1(step.lines...))
		if g.String() != before+step.want {
			t.Fatalf("drew %q\ngot  %q\nwant %q", step.lines, g, before+step.want)
		}
	}
	// Other text comes above the frame.
	if _, err := io.WriteString(s, "waiting\n"); err != nil {
		t.Fatal(err)
	}
	s.draw(picture1("run", "a"))
	if want := before + "waiting\nrun\na\n"; g.String() != want {
		t.Errorf("got %q, want %q", g, want)
	}
}

func TestSameFrameIsNotWrittenTwice(t *testing.T) {
	var out strings.Builder
	width := 80
	s := &screen{w: &out, size: func() (int, int) { return width, 24 }}
	s.draw(picture1("run", "a"))
	n := out.Len()
	s.draw(picture1("run", "a"))
	if out.Len() != n {
		t.Error("it is")
	}
	width = 40
	s.draw(picture1("run", "a"))
	if out.Len() == n {
		t.Error("a resized terminal got no new frame")
	}
}

// A terminal that became narrower has broken the long lines in two.
func TestFrameOnANarrowerTerminalCountsBrokenLines(t *testing.T) {
	var out strings.Builder
	width := 20
	s := &screen{w: &out, size: func() (int, int) { return width, 24 }}
	s.draw(picture1(strings.Repeat("x", 20), "short"))
	out.Reset()
	width = 8
	s.draw(picture1("x", "short"))
	if !strings.Contains(out.String(), "\x1b[4A") {
		t.Errorf("wrote %q", out.String())
	}
}

func TestStatusesAreInColourWhereItIsWanted(t *testing.T) {
	for _, test := range []struct {
		color bool
		want  string
	}{{true, "a  \x1b[31mFAILED\x1b[0m  exit 1"}, {false, "a  FAILED  exit 1"}} {
		s := &screen{color: test.color}
		if got := s.paint(newRow("a  ", "FAILED", "  exit 1", 80)); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
