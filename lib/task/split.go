package task

import (
	"strings"
	"unicode/utf8"
)

// maxLine is the longest line that stays one record, in bytes.
const maxLine = 1 << 20

// splitter cuts a stream of bytes into lines. Only the newline that ends a
// line is taken away: any other byte, a carriage return too, is kept. A line
// longer than maxLine comes as parts, counted from 1; part is 0 for all
// others. So parts and lines, joined, are the stream again.
type splitter struct {
	open []byte // the unfinished line, at most maxLine
	part int    // of the unfinished line: how many are out
}

func (s *splitter) feed(chunk string, emit func(line string, part int)) {
	for {
		line, rest, ended := strings.Cut(chunk, "\n")
		if len(s.open)+len(line) > maxLine {
			line = s.join(line)
			for len(line) > maxLine {
				n := cutAt(line)
				s.part++
				emit(line[:n], s.part)
				line = line[n:]
			}
		}
		if !ended {
			s.open = append(s.open, line...)
			return
		}
		s.end(s.join(line), emit)
		chunk = rest
	}
}

// flush hands out a last line that has no newline.
func (s *splitter) flush(emit func(line string, part int)) {
	if len(s.open) > 0 {
		s.end(s.join(""), emit)
	}
}

func (s *splitter) end(line string, emit func(line string, part int)) {
	if s.part > 0 {
		s.part++
	}
	emit(line, s.part)
	s.part = 0
}

func (s *splitter) join(line string) string {
	if len(s.open) == 0 {
		return line
	}
	line = string(append(s.open, line...))
	s.open = s.open[:0]
	return line
}

// cutAt returns where to cut a line longer than maxLine: not inside of a UTF-8
// character, if that is what is there.
func cutAt(line string) int {
	for n := maxLine; n > maxLine-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) {
			return n
		}
	}
	return maxLine
}
