package cli

import (
	"encoding/json"
	"reflect"
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
		{"hi\u2062dden\u180e", `hi\u2062dden\u180e`},
		{"\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f!"},
		{"\U0001f3f4\U000e0067\U000e0062", "\U0001f3f4" + `\U000e0067\U000e0062`},
		{"\U0001f3f4\U000e007f", "\U0001f3f4" + `\U000e007f`},
		{"\U0001f3f4" + strings.Repeat("\U000e0061", 7) + "\U000e007f", "\U0001f3f4" + strings.Repeat(`\U000e0061`, 7) + `\U000e007f`},
	} {
		if got := Clean(test.in); got != test.want {
			t.Errorf("%q becomes %q, want %q", test.in, got, test.want)
		}
	}
}

func TestCleanLeavesTextOfAllLanguagesAlone(t *testing.T) {
	for _, text := range []string{
		"Zażółć gęślą jaźń", "Съешь же ещё этих мягких булок", "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία", "עטלף אבק נס דרך", "نص حكيم له سر قاطع",
		"می\u200cخواهم", "ऋषियों को सताने वाले", "क्\u200dष", "ภาษา\u200bไทย", "ភាសា\u200bខ្មែរ", "មួយ", "いろはにほへと", "葛\U000e0100", "키스의 고유조건은", "漢字かな交じり文", "e\u0301 ñ", "weich\u00adheit",
		"👩\u200d💻 👍🏽 🏳\ufe0f\u200d🌈 1\ufe0f\u20e3 🇩🇪", "▁▂▃ ░█ ── → ✓ …", "a\u00a0b", "\ufffd",
	} {
		if got := Clean(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
		if got := string(CleanJSON([]byte(text))); got != text {
			t.Errorf("%q becomes %q in JSON", text, got)
		}
	}
}

// harmful tells whether a text could do something to a terminal, or to who
// reads it there. It is written apart from Clean on purpose.
func harmful(s string) bool {
	for flags := range strings.SplitSeq(s, "\U0001f3f4") { // tags are for flags
		s = strings.TrimLeftFunc(flags, func(r rune) bool { return r > 0xe0020 && r <= 0xe007f })
		if strings.ContainsFunc(s, func(r rune) bool {
			return r != '\t' && unicode.Is(unicode.Cc, r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Deprecated) && r != 0x149 && r != 0x673 && r != 0xf77 && r != 0xf79 && r != 0x17a3 && r != 0x17a4 && r != 0x2329 && r != 0x232a || r == 0xfeff || r >= 0xe0000 && r < 0xe0100
		}) {
			return true
		}
	}
	return false
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		"\x1b[31mred\x1b[0m \u202e \xff\r", "\x1b\x1b[mm", "\u009b31m", "\U0001f3f4\U000e0067\U000e007f", "\U0001f3f4\U000e0067\x1b[m\U000e007f", "\xf0\x9f\x8f\x1b[m\xb4", "\xc2\x1b[K\x9b", "a\tb\nc",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := Clean(in)
		if !utf8.ValidString(out) {
			t.Errorf("%q becomes invalid UTF-8", in)
		}
		if harmful(out) {
			t.Errorf("%q becomes %q", in, out)
		}
		if Clean(out) != out {
			t.Errorf("%q changes twice", in)
		}
		if utf8.ValidString(in) && !strings.ContainsRune(in, 0x1b) && !harmful(in) && !strings.ContainsFunc(in, dangerous) && out != in {
			t.Errorf("harmless %q becomes %q", in, out)
		}
	})
}

func FuzzCleanJSON(f *testing.F) {
	f.Add("\u009b31m \u202e \x7f \U000e0041 \x1b \n", "key\u2066")
	f.Fuzz(func(t *testing.T, value, key string) {
		in, err := json.Marshal(map[string]string{key: value})
		if err != nil {
			t.Fatal(err)
		}
		out := CleanJSON(in)
		if harmful(string(out)) {
			t.Errorf("%s becomes %s", in, out)
		}
		var before, after map[string]string
		if json.Unmarshal(in, &before) != nil || json.Unmarshal(out, &after) != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s becomes %s", in, out)
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

func TestCleanJSONFindsWhatIsHarmfulAtEveryPlace(t *testing.T) {
	for _, bad := range []string{"\x7f", "\u009b", "\u202e"} {
		for at := range 20 {
			text := strings.Repeat("x", at) + bad + strings.Repeat("x", 19-at)
			if got := string(CleanJSON([]byte(text))); got == text || harmful(got) {
				t.Errorf("%q stays %q", text, got)
			}
		}
	}
}

func BenchmarkCleanJSONOfAPlainLine(b *testing.B) {
	line := []byte(strings.Repeat(`{"time":"2026-01-02T03:04:05.678Z"} `, 6))
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		CleanJSON(line)
	}
}
