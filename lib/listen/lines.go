package listen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Lines is a listener for which each line of In is an event. Memory does not
// grow with the length of a line: one of more than Max bytes, its end not
// counted, is bad, and its first Max bytes are kept.
//
// A byte order mark before the first line is left out.
type Lines struct {
	In  io.Reader
	Max int

	// Parse says what a line, without its end, means; nil: Format{}.Event. An
	// error but for ErrNoEvent says what is wrong with it.
	Parse func(line []byte) (Event, error)
}

const byteOrderMark = "\uFEFF"

// chunk is how much is read at once: what a pipe holds.
const chunk = 64 << 10

// Listen emits, after each read, the lines that are whole by then. The end of
// ctx ends the reading, of a file at once; lines that were read are emitted
// even so, and a line that was broken off is bad.
func (l Lines) Listen(ctx context.Context, emit func([]Event) error) error {
	in, err := newInput(ctx, l.In)
	if err != nil {
		return err
	}
	defer in.close()
	if l.Parse == nil {
		l.Parse = Format{}.Event
	}
	s := splitter{Lines: l}
	buf := make([]byte, chunk)
	for {
		n, err := in.read(buf)
		if events := s.split(buf[:n]); len(events) > 0 {
			if err := emit(events); err != nil {
				return err
			}
		}
		if err == nil {
			continue
		}
		last := s.end(err)
		if len(last) > 0 {
			if err := emit(last); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, errStopped) {
			return nil
		}
		return fmt.Errorf("read line %d: %w", s.line+1, err)
	}
}

// splitter cuts what was read into lines.
type splitter struct {
	Lines
	line int64  // how many lines have ended
	open []byte // of the line that has not ended: at most Max bytes, a byte order mark, one more for CR, one more to tell
}

func (s *splitter) split(text []byte) []Event {
	var events []Event
	for {
		i := bytes.IndexByte(text, '\n')
		if i < 0 {
			s.keep(text)
			return events
		}
		s.keep(text[:i])
		events = s.finish(events, nil)
		text = text[i+1:]
	}
}

func (s *splitter) keep(text []byte) {
	room := s.Max + len(byteOrderMark) + 2 - len(s.open)
	s.open = append(s.open, text[:min(room, len(text))]...)
}

// end takes what follows the last line end, when reading ended with why.
func (s *splitter) end(why error) []Event {
	if len(s.open) == 0 {
		return nil
	}
	if errors.Is(why, io.EOF) {
		return s.finish(nil, nil)
	}
	return s.finish(nil, fmt.Errorf("the line was broken off: %w", why))
}

// finish makes an event of the open line, which is bad where broken is not nil.
func (s *splitter) finish(events []Event, broken error) []Event {
	s.line++
	text := bytes.TrimSuffix(s.open, []byte("\r"))
	s.open = s.open[:0]
	if s.line == 1 {
		text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	}
	e := Event{Bad: broken}
	switch {
	case len(text) > s.Max:
		text = whole(text[:s.Max])
		e.Bad = fmt.Errorf("the line is longer than %d bytes; its beginning is kept", s.Max)
	case broken == nil:
		var err error
		if e, err = s.Parse(text); errors.Is(err, ErrNoEvent) {
			return events
		}
		e.Bad = err
	}
	e.Line, e.Text = s.line, bytes.Clone(text)
	return append(events, e)
}

// whole leaves out a character that was cut at the end.
func whole(text []byte) []byte {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}
