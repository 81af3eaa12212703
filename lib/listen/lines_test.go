package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// hear is all that a listener emits.
func hear(t *testing.T, l Listener) []Event {
	t.Helper()
	var all []Event
	err := l.Listen(t.Context(), func(some []Event) error { all = append(all, some...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// words says of events where they were and what they are.
func words(events []Event) []string {
	var out []string
	for _, e := range events {
		text := fmt.Sprintf("%d %s", e.Line, e.Text)
		if e.Bad != nil {
			text += ": " + e.Bad.Error()
		} else if e.Trigger.Workflow != strings.TrimSpace(string(e.Text)) {
			text += " became " + e.Trigger.Workflow
		}
		out = append(out, text)
	}
	return out
}

func TestLinesAreCountedAndCut(t *testing.T) {
	const max = 8
	long := func(n int, kept string) string {
		return fmt.Sprintf("%d %s: the line is longer than 8 bytes; its beginning is kept", n, kept)
	}
	for _, c := range []struct {
		input string
		want  []string
	}{
		{"", nil},
		{"\n\n\r\n \t\n", nil},
		{"a\nb\n", []string{"1 a", "2 b"}},
		{"a\nb", []string{"1 a", "2 b"}},
		{"\na\r\n\r\n b \r\nc\r", []string{"2 a", "4  b ", "5 c"}},
		{"12345678\n12345678\r\n12345678", []string{"1 12345678", "2 12345678", "3 12345678"}},
		{"123456789\na\n123456789\r\n123456789", []string{long(1, "12345678"), "2 a", long(3, "12345678"), long(4, "12345678")}},
		{"12345678\r9\na", []string{long(1, "12345678"), "2 a"}},
		{"\uFEFFa\n\uFEFFb\n", []string{"1 a", "2 \uFEFFb"}},
		{"\uFEFF\na", []string{"2 a"}},
		{"\uFEFF12345678\r\n\uFEFF12345678", []string{"1 12345678", long(2, "\uFEFF12345")}},
		{"\uFEFF123456789\n", []string{long(1, "12345678")}},
		{"         \n", []string{long(1, "        ")}},
		{"123456\u20ac\na", []string{long(1, "123456"), "2 a"}},
		{"12345\u20ac9\n", []string{long(1, "12345\u20ac")}},
		{"1234567\xff\xff\n", []string{long(1, "1234567\xff")}},
		{"\xff\na\n", []string{"1 \xff: the line is not UTF-8", "2 a"}},
		{strings.Repeat("x", 3*chunk) + "\na\n", []string{long(1, "xxxxxxxx"), "2 a"}},
	} {
		for name, in := range map[string]io.Reader{
			"whole":        strings.NewReader(c.input),
			"byte by byte": iotest.OneByteReader(strings.NewReader(c.input)),
			"with its end": iotest.DataErrReader(strings.NewReader(c.input)),
		} {
			if got := words(hear(t, Lines{In: in, Max: max})); !slices.Equal(got, c.want) {
				t.Errorf("%.40q %s:\n got %q\nwant %q", c.input, name, got, c.want)
			}
		}
	}
}

func TestLongLineTakesNoMemory(t *testing.T) {
	s := splitter{Lines: Lines{Max: 1000, Parse: Format{}.Event}}
	text := []byte(strings.Repeat("x", chunk))
	for range 100 {
		if events := s.split(text); len(events) > 0 {
			t.Fatalf("an event before the line's end: %.40s", events[0].Text)
		}
	}
	if cap(s.open) > 4000 {
		t.Errorf("%d bytes are held of a line of which 1000 are kept", cap(s.open))
	}
}

func TestReadErrorLosesNoLine(t *testing.T) {
	broken := errors.New("the disk is gone")
	in := io.MultiReader(strings.NewReader("a\nb\nc"), iotest.ErrReader(broken))
	var got []Event
	err := Lines{In: in, Max: 100}.Listen(t.Context(), func(some []Event) error { got = append(got, some...); return nil })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("the error is %v", err)
	}
	if want := []string{"1 a", "2 b", "3 c: the line was broken off: the disk is gone"}; !slices.Equal(words(got), want) {
		t.Errorf("got %q", words(got))
	}
}

// The end of the context ends the wait for a pipe that stays open, and what
// comes later is left to others.
func TestStopEndsTheWaitAndKeepsWhatWasRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	r.Fd() // blocking, as stdin is
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	heard := make(chan Event)
	ended := make(chan error)
	go func() {
		ended <- Lines{In: r, Max: 100}.Listen(ctx, func(some []Event) error {
			for _, e := range some {
				heard <- e
			}
			return nil
		})
	}()
	fmt.Fprint(w, "a\nb\nc")
	got := []Event{<-heard, <-heard}
	stop()
	got = append(got, <-heard)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if want := []string{"1 a", "2 b", "3 c: the line was broken off: interrupted"}; !slices.Equal(words(got), want) {
		t.Errorf("got %q", words(got))
	}
	fmt.Fprint(w, "for others")
	buf := make([]byte, 100)
	if n, err := r.Read(buf); string(buf[:n]) != "for others" {
		t.Errorf("others read %q, %v", buf[:n], err)
	}
}

// However the input comes in pieces, the lines are the same.
func TestPiecesDoNotMatter(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	alphabet := []string{"\n", "\r", "\r\n", "a", "bc", " ", "\u20ac", "\xff", "0123456789"}
	for range 2000 {
		var input strings.Builder
		for range random.Intn(30) {
			input.WriteString(alphabet[random.Intn(len(alphabet))])
		}
		want := words(hear(t, Lines{In: strings.NewReader(input.String()), Max: 8}))
		s := splitter{Lines: Lines{Max: 8, Parse: Format{}.Event}}
		var got []Event
		for rest := input.String(); rest != ""; {
			n := 1 + random.Intn(len(rest))
			got = append(got, s.split([]byte(rest[:n]))...)
			rest = rest[n:]
		}
		got = append(got, s.end(io.EOF)...)
		if !slices.Equal(words(got), want) {
			t.Fatalf("%q:\n got %q\nwant %q", input.String(), words(got), want)
		}
	}
}
