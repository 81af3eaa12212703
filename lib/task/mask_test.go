package task

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func secretsOf(values ...string) map[string]string {
	all := map[string]string{}
	for i, v := range values {
		all[fmt.Sprintf("S%d", i)] = v
	}
	return all
}

// oracle masks a text that is there as a whole, in the plainest way: every byte
// that is in any place of any form is hidden, and places that share bytes
// become one ***.
func oracle(text string, secrets map[string]string) string {
	hidden, joined := make([]bool, len(text)), make([]bool, len(text)+1)
	for _, value := range secrets {
		for _, form := range forms(value) {
			for i := range len(text) {
				if !strings.HasPrefix(text[i:], form) {
					continue
				}
				for k := range len(form) {
					hidden[i+k] = true
					joined[i+k] = joined[i+k] || k > 0
				}
			}
		}
	}
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case !joined[i]:
			b.WriteString(stars)
		}
	}
	return b.String()
}

// masked feeds the text in pieces that end where it is cut.
func masked(secrets map[string]string, text string, cuts ...int) string {
	stream := masker{mask: newMask(secrets)}
	var b strings.Builder
	last := 0
	for _, cut := range append(cuts, len(text)) {
		chunk := []byte(text[last:cut])
		b.Write(stream.feed(chunk))
		for i := range chunk { // the buffer is used again
			chunk[i] = '!'
		}
		last = cut
	}
	b.Write(stream.flush())
	return b.String()
}

func TestSecretsAreMaskedAsWholeValues(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"no secret", nil, "hunter2", "hunter2"},
		{"an empty one", []string{""}, "hunter2", "hunter2"},
		{"one", []string{"hunter2"}, "a hunter2 b hunter2", "a *** b ***"},
		{"twice in a row", []string{"hunter2"}, "hunter2hunter2", "******"},
		{"only a part", []string{"hunter2"}, "hunter hunter1 unter2", "hunter hunter1 unter2"},
		{"a beginning that fails and begins again", []string{"aab"}, "aaab", "a***"},
		{"one in another", []string{"ter", "hunter2"}, "hunter2 ter hunter", "*** *** hun***"},
		{"two that overlap", []string{"abcd", "cdef"}, "abcdef", "***"},
		{"over itself", []string{"aba"}, "ababa", "***"},
		{"a chain", []string{"abcd", "cdef", "efgh"}, "-abcdefgh-", "-***-"},
		{"a newline", []string{"one\ntwo"}, "x one\ntwo\none", "x ***\none"},
		{"a newline at its end", []string{"one\n"}, "[one]", "[***]"},
		{"one byte", []string{"a"}, "banana", "b***n***n***"},
		{"two bytes", []string{"an"}, "banana", "b******a"},
		{"stars", []string{"*"}, "a*b", "a***b"},
		{"what masks look like", []string{"***"}, "*** ****", "*** ***"},
		{"not UTF-8", []string{"\xff\x00"}, "a\xff\x00b\xff", "a***b\xff"},
	} {
		secrets := secretsOf(c.secrets...)
		if got := masked(secrets, c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := newMask(secrets).text(c.text); got != c.want {
			t.Errorf("%s, as one text: %q, want %q", c.name, got, c.want)
		}
		if got := oracle(c.text, secrets); got != c.want {
			t.Errorf("%s: the oracle says %q", c.name, got)
		}
	}
}

// Every split in three must give what the whole gives.
func TestMaskingDoesNotDependOnTheChunks(t *testing.T) {
	for _, c := range [][]string{
		{"aab aaab aabaab aa\n", "aab", "aabaa", "b"},
		{"hunter2 hunhunter2\nhunter", "hunter2", "hunter", "2\nhun"},
		{"abcdefgh abcd efgh", "abcd", "cdef", "efgh", "h a"},
		{"x aHVudGVyMg== 1aHVudGVyMg 2", "hunter2"},
	} {
		secrets := secretsOf(c[1:]...)
		want := oracle(c[0], secrets)
		for i := range len(c[0]) + 1 {
			for k := i; k <= len(c[0]); k++ {
				if got := masked(secrets, c[0], i, k); got != want {
					t.Fatalf("%q cut at %d and %d: %q, want %q", c[0], i, k, got, want)
				}
			}
		}
	}
}

func TestMaskingOfRandomTextsIsTheOracles(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		word := func(most int) string {
			b := make([]byte, 1+r.IntN(most))
			for i := range b {
				b[i] = "ab\n"[r.IntN(3)]
			}
			return string(b)
		}
		secrets := secretsOf(word(4), word(6), word(9))
		text := ""
		for range 12 {
			switch all := forms(secrets[fmt.Sprintf("S%d", r.IntN(3))]); r.IntN(3) {
			case 0:
				text += word(5)
			default:
				form := all[r.IntN(len(all))]
				text += form[:r.IntN(len(form)+1)] + form[r.IntN(len(form)):]
			}
		}
		checkMask(t, secrets, text, r)
	}
}

func checkMask(t *testing.T, secrets map[string]string, text string, r *rand.Rand) {
	t.Helper()
	var cuts []int
	for range r.IntN(8) {
		cuts = append(cuts, r.IntN(len(text)+1))
	}
	slices.Sort(cuts)
	got, want := masked(secrets, text, cuts...), oracle(text, secrets)
	if got != want {
		t.Fatalf("secrets %q, text %q, cut at %v:\n%q, want\n%q", secrets, text, cuts, got, want)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("hunter2", "ter", "x hunter2 aHVudGVyMg==\n", uint64(1))
	f.Add("aba", "ab\n", "ababab\nab", uint64(2))
	f.Fuzz(func(t *testing.T, one, two, text string, seed uint64) {
		if len(one)+len(two) > 200 || len(text) > 2000 {
			return
		}
		checkMask(t, secretsOf(one, two), text, rand.New(rand.NewPCG(seed, 2)))
	})
}

// Whatever is around a secret, no character of base64 is shown whose bits are
// all the secret's.
func TestSecretIsMaskedInBase64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	some := func(most int) []byte {
		b := make([]byte, r.IntN(most))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 2000 {
		secret := append(some(40), "\xfb\xff\xfe~?>"...) // with + and / in it
		before, after := some(20), some(20)
		whole := slices.Concat(before, secret, after)
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString(whole)
			from, to := (8*len(before)+5)/6, 8*(len(before)+len(secret))/6
			got := newMask(map[string]string{"S": string(secret)}).text(text)
			left, right, ok := strings.Cut(got, stars)
			if !ok || !strings.HasPrefix(text[:from], left) || !strings.HasSuffix(text[to:], right) {
				t.Fatalf("%q in %q: %q", secret, text, got)
			}
		}
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		for _, secret := range []string{"hunter", "hunter2", "hunter22"} {
			if got := newMask(secretsOf(secret)).text(enc.EncodeToString([]byte(secret))); got != stars {
				t.Errorf("%s alone in base64: %s", secret, got)
			}
		}
	}
}

// A prompt, or a progress bar, must not wait for what comes next.
func TestNothingIsHeldBackButABeginningOfASecret(t *testing.T) {
	stream := masker{mask: newMask(secretsOf("hunter2", "terse"))}
	for _, c := range []struct{ chunk, out string }{
		{"Password: ", "Password: "},
		{"x hun", "x "},
		{"ter", ""},
		{"1", "hunter1"},
		{"hunter2", stars},
		{"hunter", ""},
		{"se!", "hun***!"},
		{"ter", ""},
	} {
		if got := string(stream.feed([]byte(c.chunk))); got != c.out {
			t.Errorf("after %q: %q, want %q", c.chunk, got, c.out)
		}
	}
	if got := string(stream.flush()); got != "ter" {
		t.Errorf("at the end: %q", got)
	}
}

func TestSecretInAnOutputIsFound(t *testing.T) {
	m := newMask(map[string]string{"A": "alpha-secret", "B": "beta"})
	for text, want := range map[string]string{
		"":               "",
		"alpha beta"[:9]: "",
		"x alpha-secret": "A",
		"xbetax":         "B",
		base64.StdEncoding.EncodeToString([]byte("..alpha-secret")): "A",
	} {
		if got := m.within(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A long secret that is much like itself is the worst that can be.
func TestLongSecretsDoNotMakeMaskingSlow(t *testing.T) {
	began := time.Now()
	m := newMask(secretsOf(strings.Repeat("a", 64<<10)))
	stream := masker{mask: m}
	out := 0
	for range 16 {
		out += len(stream.feed(bytes.Repeat([]byte("aaaaaaab"), 2<<10)))
		out += len(stream.feed(bytes.Repeat([]byte("a"), 16<<10)))
	}
	out += len(stream.flush())
	if took := time.Since(began); out != 512<<10 || took > 30*time.Second { // what is quadratic takes minutes
		t.Errorf("%d bytes in %s", out, took)
	}
}

func BenchmarkMask(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	secrets := map[string]string{}
	for i := range 5 {
		secrets[fmt.Sprint(i)] = fmt.Sprintf("%x", [4]uint32{r.Uint32(), r.Uint32(), r.Uint32(), r.Uint32()})
	}
	text := bytes.Repeat([]byte("2026-01-02 10:00:00 INFO a line of output as programs write them, id=7f3a99c2\n"), 1000)[:chunkSize]
	for _, c := range []struct {
		name    string
		secrets map[string]string
	}{{"none", nil}, {"five", secrets}} {
		b.Run(c.name, func(b *testing.B) {
			stream := masker{mask: newMask(c.secrets)}
			b.SetBytes(chunkSize)
			for b.Loop() {
				stream.feed(text)
			}
		})
	}
}
