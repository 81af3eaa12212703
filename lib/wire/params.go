package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// UnmarshalJSON reads an object of values of any kind; see Params.
func (p *Params) UnmarshalJSON(b []byte) error {
	s := scanner{text: bytes.ToValidUTF8(b, []byte("\uFFFD"))}
	if s.peek() == 'n' {
		_, err := s.word()
		return err
	}
	if s.peek() != '{' {
		return fmt.Errorf("parameters must be an object, not %s", kind(s.peek()))
	}
	out := make(Params)
	err := s.object(func(key []byte) error {
		name := string(key)
		if _, twice := out[name]; twice {
			return fmt.Errorf("%q is given twice", name)
		}
		value, err := s.param()
		out[name] = value
		return err
	})
	if err != nil {
		return err
	}
	*p = out
	return s.end()
}

// param reads one value as the text that a task will see.
func (s *scanner) param() (string, error) {
	switch s.peek() {
	case '"':
		text, err := s.str()
		return string(text), err
	case 'n':
		_, err := s.word()
		return "", err
	case '{', '[':
		text, err := s.value()
		if err != nil {
			return "", err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			return "", err
		}
		return compact.String(), nil
	}
	text, err := s.value()
	return string(text), err
}
