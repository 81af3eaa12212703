package task

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

type piece struct {
	text string
	part int
}

func splitAll(chunks ...string) []piece {
	var (
		s   splitter
		got []piece
	)
	emit := func(text string, part int) { got = append(got, piece{text, part}) }
	for _, c := range chunks {
		s.feed(c, emit)
	}
	s.flush(emit)
	return got
}

// rebuilt is the stream that the pieces came from, with a newline at its end.
func rebuilt(pieces []piece) string {
	var b strings.Builder
	for i, p := range pieces {
		if i > 0 && p.part <= 1 {
			b.WriteByte('\n')
		}
		b.WriteString(p.text)
	}
	if len(pieces) > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

func TestLinesKeepTheirBytes(t *testing.T) {
	for _, c := range []struct {
		name   string
		chunks []string
		want   []piece
	}{
		{"nothing", nil, nil},
		{"an empty line", []string{"\n"}, []piece{{"", 0}}},
		{"no final newline", []string{"a\nb"}, []piece{{"a", 0}, {"b", 0}}},
		{"a line over three chunks", []string{"a", "b", "c\nd\n"}, []piece{{"abc", 0}, {"d", 0}}},
		{"a newline alone in its chunk", []string{"a", "\n", "\n"}, []piece{{"a", 0}, {"", 0}}},
		{"carriage returns stay", []string{"a\r\n10%\r20%\r\n"}, []piece{{"a\r", 0}, {"10%\r20%\r", 0}}},
		{"NUL and bytes that are not UTF-8", []string{"\x00\xff\n\xfe"}, []piece{{"\x00\xff", 0}, {"\xfe", 0}}},
	} {
		if got := splitAll(c.chunks...); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLongLinesComeInNumberedParts(t *testing.T) {
	whole := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		name  string
		input string
		want  []piece
	}{
		{"as long as a line may be", whole + "\n", []piece{{whole, 0}}},
		{"one byte more", whole + "y\nz\n", []piece{{whole, 1}, {"y", 2}, {"z", 0}}},
		{"twice as long, no newline", whole + whole, []piece{{whole, 1}, {whole, 2}}},
		{"two long ones", whole + "a\n" + whole + "b\n", []piece{{whole, 1}, {"a", 2}, {whole, 1}, {"b", 2}}},
		{"a character at the cut", whole[:maxLine-1] + "é\n", []piece{{whole[:maxLine-1], 1}, {"é", 2}}},
		{"no UTF-8 at the cut", whole[:maxLine-4] + "\x80\x80\x80\x80\x80\n", []piece{{whole[:maxLine-4] + "\x80\x80\x80\x80", 1}, {"\x80", 2}}},
	} {
		for _, size := range []int{chunkSize, 100_003, len(c.input)} {
			got := splitAll(chunked(c.input, size)...)
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, in chunks of %d: got %s", c.name, size, outline(got))
			}
		}
	}
}

func chunked(s string, size int) []string {
	var all []string
	for len(s) > size {
		all, s = append(all, s[:size]), s[size:]
	}
	return append(all, s)
}

func outline(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		fmt.Fprintf(&b, "[%d bytes, part %d] ", len(p.text), p.part)
	}
	return b.String()
}

func TestALineFitsIntoAMessageWhateverItHolds(t *testing.T) {
	for _, c := range []struct {
		name  string
		text  string
		bytes bool
	}{
		{"text", strings.Repeat("x", maxLine), false},
		{"umlauts", strings.Repeat("ä", maxLine/2), false},
		{"control characters", strings.Repeat("\x00", maxLine), true},
		{"a few control characters", strings.Repeat("\x1b[0m", 100), false},
		{"not UTF-8", "\xff", true},
	} {
		line := newLine(1, c.text, 0)
		if got := line.Bytes != nil; got != c.bytes {
			t.Errorf("%s: as bytes: %v, want %v", c.name, got, c.bytes)
		}
		if string(line.Bytes)+line.Text != c.text {
			t.Errorf("%s: changed", c.name)
		}
	}
}

// Whatever a task writes, in whatever chunks: parts and lines, joined, are it.
func FuzzSplitterLosesNothing(f *testing.F) {
	f.Add([]byte("a\nb\r\n\x00\xff"), 1, false)
	f.Add([]byte("\n\n"), 3, true)
	f.Add([]byte("é"), 1, true)
	f.Fuzz(func(t *testing.T, input []byte, size int, long bool) {
		if len(input) > 1<<16 {
			return
		}
		if long { // move the input across the bound of a line
			input = append(bytes.Repeat([]byte{'x'}, maxLine-len(input)/2), input...)
			size = max(size, 1000)
		}
		got := splitAll(chunked(string(input), max(size, 1))...)
		want := string(input)
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if rebuilt(got) != want {
			t.Fatalf("rebuilt %d bytes, want %d: %s", len(rebuilt(got)), len(want), outline(got))
		}
		for _, p := range got {
			if len(p.text) > maxLine {
				t.Fatalf("a record of %d bytes", len(p.text))
			}
			if utf8.Valid(input) && !utf8.ValidString(p.text) {
				t.Fatalf("a character was cut: %q", p.text[:min(20, len(p.text))])
			}
		}
	})
}

func BenchmarkShortLines(b *testing.B) {
	input := strings.Repeat("this is a line of ordinary length, as programs print\n", 1_000_000)
	chunks := chunked(input, chunkSize)
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		var s splitter
		n := 0
		for _, c := range chunks {
			s.feed(string([]byte(c)), func(text string, part int) {
				if newLine(1, text, part).Bytes == nil {
					n++
				}
			})
		}
		if n != 1_000_000 {
			b.Fatal(n)
		}
	}
}
