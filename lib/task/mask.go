package task

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// stars stand for a secret.
const stars = "***"

// leastEncoded is the length from which a value is looked for in base64 too:
// what is sure of a shorter one is too little to be told from other text.
const leastEncoded = 6

// mask knows the secrets of a task in all forms in which they are looked for.
// It does not change. A nil mask knows none.
type mask struct {
	forms [256][]form          // by their first byte, the longest first
	pairs [1 << 16 / 64]uint64 // a bit for each first two bytes of a form
}

// form is one way in which a secret may be written.
type form struct{ text, name string }

// newMask takes secrets by their names. Empty values are none.
func newMask(secrets map[string]string) *mask {
	var m *mask
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for _, text := range forms(secrets[name]) {
			if m == nil {
				m = new(mask)
			}
			m.forms[text[0]] = append(m.forms[text[0]], form{text, name})
			for next := range 256 {
				if len(text) == 1 || int(text[1]) == next {
					pair := int(text[0])<<8 | next
					m.pairs[pair/64] |= 1 << (pair % 64)
				}
			}
		}
	}
	if m != nil {
		for _, all := range m.forms {
			slices.SortStableFunc(all, func(a, b form) int { return cmp.Compare(len(b.text), len(a.text)) })
		}
	}
	return m
}

// forms returns the value, and what is sure to be in the base64 of any text that
// holds it: that depends on how many bytes are before it, modulo three. The
// characters at both ends have bits of other bytes in them, and are left away,
// but for the value alone.
func forms(value string) []string {
	var all []string
	add := func(text string) {
		if text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	add(value)
	add(strings.TrimRight(value, "\r\n")) // as a shell's $( ) and many programs take it
	if len(value) < leastEncoded {
		return all
	}
	for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		add(alphabet.EncodeToString([]byte(value)))
		bare := alphabet.WithPadding(base64.NoPadding)
		add(bare.EncodeToString([]byte(value)))
		for before := range 3 {
			text := bare.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
			add(text[(8*before+5)/6 : 8*(before+len(value))/6])
		}
	}
	return all
}

// next returns the first position from i on where a form may begin.
func (m *mask) next(text []byte, i int) int {
	for ; i+1 < len(text); i++ {
		pair := int(text[i])<<8 | int(text[i+1])
		if m.pairs[pair/64]&(1<<(pair%64)) != 0 {
			return i
		}
	}
	if i < len(text) && len(m.forms[text[i]]) == 0 {
		i++
	}
	return i
}

// at returns the longest form that text begins with. open says that with more
// text it might be a longer one.
func (m *mask) at(text []byte) (found form, open bool) {
	for _, f := range m.forms[text[0]] {
		if n := len(f.text); n <= len(text) {
			if string(text[:n]) == f.text {
				return f, open
			}
		} else if f.text[:len(text)] == string(text) {
			open = true
		}
	}
	return form{}, open
}

// text masks a whole text.
func (m *mask) text(s string) string {
	if m == nil {
		return s
	}
	stream := masker{mask: m}
	return string(stream.pass([]byte(s), true))
}

// within returns the name of a secret that the text holds, or empty.
func (m *mask) within(s string) string {
	if m == nil {
		return ""
	}
	text := []byte(s)
	for i := m.next(text, 0); i < len(text); i = m.next(text, i+1) {
		if found, _ := m.at(text[i:]); found.name != "" {
			return found.name
		}
	}
	return ""
}

// masker masks one stream: each byte that belongs to a form of a secret is
// hidden, also where forms overlap, and each run of forms that overlap becomes
// one ***. It holds back only what may be the beginning of a form.
type masker struct {
	mask   *mask // nil: nothing is masked
	held   []byte
	hidden int // so many bytes from the start of held on belong to a *** that is out

	whole, out []byte // buffers
}

// feed takes what comes next, and returns what can go out. That may be a part
// of chunk, and is valid until the next call.
func (s *masker) feed(chunk []byte) []byte { return s.pass(chunk, false) }

// flush returns the rest at the stream's end.
func (s *masker) flush() []byte { return s.pass(nil, true) }

func (s *masker) pass(chunk []byte, last bool) []byte {
	if s.mask == nil {
		return chunk
	}
	text := chunk
	if len(s.held) > 0 {
		s.whole = append(append(s.whole[:0], s.held...), chunk...)
		text = s.whole
	}
	// Invariant: text[:shown] is out or hidden; no form that begins before i
	// reaches beyond shown, or else is known.
	out, shown, i := s.out[:0], s.hidden, s.mask.next(text, 0)
	for ; i < len(text); i = s.mask.next(text, i+1) {
		found, open := s.mask.at(text[i:])
		if open && !last {
			break
		}
		if found.text == "" {
			continue
		}
		if i >= shown {
			out = append(append(out, text[shown:i]...), stars...)
		}
		shown = max(shown, i+len(found.text))
	}
	s.held, s.hidden = append(s.held[:0], text[i:]...), max(0, shown-i)
	rest := text[min(shown, i):i]
	if len(out) == 0 {
		return rest
	}
	s.out = append(out, rest...)
	return s.out
}
