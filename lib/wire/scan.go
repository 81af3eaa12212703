package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a message.
const maxDepth = 64

// scanner reads JSON text piece by piece. It accepts exactly what RFC 8259
// does, and never more than maxDepth levels. Its text must be valid UTF-8.
type scanner struct {
	text  []byte
	at    int
	depth int
}

// syntaxError is text that is not JSON, or is nested too deeply.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.at) }

func (s *scanner) fail(what string) error { return &syntaxError{s.at, what} }

// unexpected says what is wrong at the current place.
func (s *scanner) unexpected(wanted string) error {
	if s.at >= len(s.text) {
		return s.fail("the text ends where " + wanted + " should be")
	}
	r, _ := utf8.DecodeRune(s.text[s.at:])
	return s.fail(strconv.QuoteRune(r) + " where " + wanted + " should be")
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// end makes sure that nothing follows.
func (s *scanner) end() error {
	if s.peek(); s.at < len(s.text) {
		return s.fail("more follows the end of the message")
	}
	return nil
}

// object calls member with each key, with the scanner before its value, which
// member must read.
func (s *scanner) object(member func(key []byte) error) error {
	if err := s.open('{', "an object"); err != nil {
		return err
	}
	if s.peek() == '}' {
		return s.close()
	}
	for {
		if s.peek() != '"' {
			return s.unexpected("a key")
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return s.unexpected("':'")
		}
		s.at++
		if err := member(key); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case '}':
			return s.close()
		default:
			return s.unexpected("',' or '}'")
		}
	}
}

// list calls item with the scanner before each element, which it must read.
func (s *scanner) list(item func() error) error {
	if err := s.open('[', "a list"); err != nil {
		return err
	}
	if s.peek() == ']' {
		return s.close()
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.at++
		case ']':
			return s.close()
		default:
			return s.unexpected("',' or ']'")
		}
	}
}

func (s *scanner) open(c byte, what string) error {
	if s.peek() != c {
		return s.unexpected(what)
	}
	if s.depth++; s.depth > maxDepth {
		return s.fail("too deeply nested")
	}
	s.at++
	return nil
}

func (s *scanner) close() error {
	s.depth--
	s.at++
	return nil
}

// plain tells which bytes stand for themselves in a string.
func plain(c byte) bool { return c != '"' && c != '\\' && c >= 0x20 }

// skipPlain goes to the next byte that does not stand for itself, eight at a
// time: most of a page is that.
func (s *scanner) skipPlain() {
	text, at := s.text, s.at
	for len(text)-at >= 8 && !special(binary.LittleEndian.Uint64(text[at:])) {
		at += 8
	}
	for at < len(text) && plain(text[at]) {
		at++
	}
	s.at = at
}

// special tells whether one of eight bytes may not be plain. Each byte is
// compared by a subtraction that borrows where it is less.
func special(w uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	zero := func(x uint64) uint64 { return (x - ones) & ^x }
	return ((w-ones*0x20)&^w|zero(w^ones*'"')|zero(w^ones*'\\'))&tops != 0
}

// str reads a string. The result may share memory with the text.
func (s *scanner) str() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected("a string")
	}
	s.at++
	start := s.at
	s.skipPlain()
	if s.at < len(s.text) && s.text[s.at] == '"' {
		s.at++
		return s.text[start : s.at-1], nil
	}
	return s.escaped(append([]byte(nil), s.text[start:s.at]...))
}

// escaped reads the rest of a string that has escapes.
func (s *scanner) escaped(out []byte) ([]byte, error) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return out, nil
		case c == '\\':
			var err error
			if out, err = s.escape(out); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, s.fail("a control character in a string")
		default:
			start := s.at
			s.skipPlain()
			out = append(out, s.text[start:s.at]...)
		}
	}
	return nil, s.fail("a string does not end")
}

func (s *scanner) escape(out []byte) ([]byte, error) {
	if s.at+1 >= len(s.text) {
		return nil, s.fail("a string does not end")
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := s.text[s.at+1]
	for i := range len(from) {
		if from[i] == c {
			s.at += 2
			return append(out, to[i]), nil
		}
	}
	r, ok := s.unit(s.at)
	if !ok {
		return nil, s.fail("a bad escape in a string")
	}
	s.at += 6
	if utf16.IsSurrogate(r) {
		low, ok := s.unit(s.at)
		if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
			s.at += 6
		} else {
			r = utf8.RuneError
		}
	}
	return utf8.AppendRune(out, r), nil
}

// unit reads \uXXXX at a place.
func (s *scanner) unit(at int) (rune, bool) {
	if at+6 > len(s.text) || s.text[at] != '\\' || s.text[at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.text[at+2 : at+6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number and returns it as written.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	start := s.at
	s.accept('-')
	if !s.accept('0') && !s.digits() {
		return nil, s.unexpected("a digit")
	}
	if s.accept('.') && !s.digits() {
		return nil, s.unexpected("a digit")
	}
	if s.accept('e') || s.accept('E') {
		if !s.accept('+') {
			s.accept('-')
		}
		if !s.digits() {
			return nil, s.unexpected("a digit")
		}
	}
	return s.text[start:s.at], nil
}

func (s *scanner) accept(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// word reads true, false or null.
func (s *scanner) word() (string, error) {
	s.peek()
	for _, w := range [...]string{"true", "false", "null"} {
		if len(s.text)-s.at >= len(w) && string(s.text[s.at:s.at+len(w)]) == w {
			s.at += len(w)
			return w, nil
		}
	}
	return "", s.unexpected("a value")
}

// value reads any value and returns its text.
func (s *scanner) value() ([]byte, error) {
	c := s.peek()
	start := s.at
	var err error
	switch {
	case c == '{':
		err = s.object(func([]byte) error { _, err := s.value(); return err })
	case c == '[':
		err = s.list(func() error { _, err := s.value(); return err })
	case c == '"':
		_, err = s.str()
	case c == '-' || '0' <= c && c <= '9':
		_, err = s.number()
	default:
		_, err = s.word()
	}
	if err != nil {
		return nil, err
	}
	return s.text[start:s.at], nil
}

// kind names the value that begins with c, for messages to people.
func kind(c byte) string {
	switch {
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '"':
		return "a string"
	case c == 't' || c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	}
	return "a number"
}
