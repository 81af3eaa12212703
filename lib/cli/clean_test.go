package cli

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanMakesTextHarmless(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain <b>&\ttext ~", "plain <b>&\ttext ~"},
		{"naïve 日本 👩‍💻", "naïve 日本 👩‍💻"},
		{"\x1b[1;31mred\x1b[0m\x1b[K", "red"},
		{"\x1b[2Jwiped", `\x1b[2Jwiped`},
		{"\x1b]0;title\x07", `\x1b]0;title\x07`},
		{"\x1b[31", `\x1b[31`},
		{"\x1b\x1b[mm", `\x1bm`},
		{"10%\r20%\r", `10%\x0d20%`},
		{"a\x00b\x08\x7f", `a\x00b\x08\x7f`},
		{"c1 \u009b31m", `c1 \x9b31m`},
		{"not \xff\x9b utf8", `not \xff\x9b utf8`},
		{"evil\u202egnp.exe", `evil\u202egnp.exe`},
		{"\u2066x\u2069\u200f\u061c", `\u2066x\u2069\u200f\u061c`},
		{"line\u2028two\nthree", `line\u2028two\x0athree`},
		{"tag\U000e0041", `tag\U000e0041`},
	} {
		if got := Clean(test.in); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m \u202e \xff\r")
	f.Fuzz(func(t *testing.T, in string) {
		out := Clean(in)
		if !utf8.ValidString(out) {
			t.Errorf("%q becomes invalid UTF-8", in)
		}
		if i := strings.IndexFunc(out, func(r rune) bool {
			return r != '\t' && unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r)
		}); i >= 0 {
			t.Errorf("%q becomes %q", in, out)
		}
		if Clean(out) != out {
			t.Errorf("%q changes twice", in)
		}
	})
}

func BenchmarkCleanPlainLine(b *testing.B) {
	line := strings.Repeat("an ordinary line of a log ", 4)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		Clean(line)
	}
}
