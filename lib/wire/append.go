package wire

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON writes the record as cdktr-logs prints it: the keys in the
// documented order, nothing escaped that need not be, always valid UTF-8.
func (r *LogRecord) AppendJSON(b []byte) []byte { return r.AppendWith(b, r.AppendHead(nil)) }

// AppendHead writes what the records of a stream share, for AppendWith.
func (r *LogRecord) AppendHead(b []byte) []byte {
	b = append(b, `","workflow":`...)
	b = appendString(b, r.Workflow)
	b = append(b, `,"run":`...)
	b = appendString(b, r.Run)
	b = append(b, `,"task":`...)
	b = appendString(b, r.Task)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(r.Attempt), 10)
	b = append(b, `,"agent":`...)
	b = appendString(b, r.Agent)
	b = append(b, `,"stream":`...)
	b = appendString(b, r.Stream)
	return append(b, `,"seq":`...)
}

// AppendWith is AppendJSON with the head written before.
func (r *LogRecord) AppendWith(b, head []byte) []byte {
	b = append(b, `{"time":"`...)
	b = appendTime(b, r.Time.Time)
	b = append(b, head...)
	b = strconv.AppendInt(b, r.Seq, 10)
	if r.Part != 0 {
		b = append(b, `,"part":`...)
		b = strconv.AppendInt(b, int64(r.Part), 10)
	}
	switch {
	case r.Gap != nil:
		b = append(b, `,"gap":`...)
		b = r.Gap.appendJSON(b)
	case r.MessageBase64 != nil:
		b = append(b, `,"message_base64":`...)
		b = appendBase64(b, r.MessageBase64)
	case r.Message != nil:
		b = append(b, `,"message":`...)
		b = appendString(b, *r.Message)
	default:
		b = append(b, `,"message":""`...)
	}
	return append(b, '}')
}

// appendTime writes t in timeLayout: there is one in every record.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, timeLayout)
	}
	digits := func(n, count int) {
		for unit := int(math.Pow10(count - 1)); unit > 0; unit /= 10 {
			b = append(b, byte('0'+n/unit%10))
		}
	}
	digits(year, 4)
	b = append(b, '-')
	digits(int(month), 2)
	b = append(b, '-')
	digits(day, 2)
	b = append(b, 'T')
	digits(hour, 2)
	b = append(b, ':')
	digits(minute, 2)
	b = append(b, ':')
	digits(second, 2)
	b = append(b, '.')
	digits(t.Nanosecond()/1e6, 3)
	return append(b, 'Z')
}

// AppendJSON writes the page; its records are JSON already.
func (l Logs) AppendJSON(b []byte) []byte {
	size := 128 + len(l.Cursor)
	for _, r := range l.Records {
		size += len(r) + 1
	}
	b = slices.Grow(b, size)
	b = append(b, `{"records":[`...)
	for i, r := range l.Records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	b = append(b, ']')
	if l.Cursor != "" {
		b = append(b, `,"cursor":`...)
		b = appendString(b, l.Cursor)
	}
	b = append(b, `,"more":`...)
	b = strconv.AppendBool(b, l.More)
	b = append(b, `,"pos":`...)
	b = strconv.AppendInt(b, l.Pos, 10)
	return append(b, '}')
}

// AppendJSON writes the request.
func (r *LogAppend) AppendJSON(b []byte) []byte {
	b = slices.Grow(b, r.sizeHint())
	b = append(b, `{"v":`...)
	b = strconv.AppendInt(b, int64(r.V), 10)
	b = append(b, `,"id":`...)
	b = appendString(b, r.ID)
	b = append(b, `,"op":`...)
	b = appendString(b, string(r.Op))
	b = append(b, `,"agent":`...)
	b = appendString(b, r.Agent)
	b = append(b, `,"batches":[`...)
	for i := range r.Batches {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.Batches[i].appendJSON(b)
	}
	return append(b, "]}"...)
}

// sizeHint is about how long the request is, if nothing must be escaped.
func (r *LogAppend) sizeHint() int {
	n := 128
	for i := range r.Batches {
		b := &r.Batches[i]
		n += 128 + len(b.Workflow) + len(b.Run) + len(b.Task)
		for _, piece := range b.Encoded {
			n += len(piece) + 1
		}
		for j := range b.Lines {
			n += 32 + len(b.Lines[j].Text) + base64.StdEncoding.EncodedLen(len(b.Lines[j].Bytes))
		}
	}
	return n
}

func (l *LogBatch) appendJSON(b []byte) []byte {
	b = append(b, `{"workflow":`...)
	b = appendString(b, l.Workflow)
	b = append(b, `,"run":`...)
	b = appendString(b, l.Run)
	b = append(b, `,"task":`...)
	b = appendString(b, l.Task)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(l.Attempt), 10)
	b = append(b, `,"stream":`...)
	b = appendString(b, l.Stream)
	b = append(b, `,"first":`...)
	b = strconv.AppendInt(b, l.First, 10)
	b = append(b, `,"lines":[`...)
	if len(l.Encoded) > 0 {
		for i, piece := range l.Encoded {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, piece...)
		}
	} else {
		b = AppendLines(b, l.Lines)
	}
	return append(b, "]}"...)
}

// AppendLines writes lines as a batch has them between its brackets.
func AppendLines(b []byte, lines []Line) []byte {
	for i := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = lines[i].appendJSON(b)
	}
	return b
}

func (l *Line) appendJSON(b []byte) []byte {
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, l.Time, 10)
	if l.Text != "" {
		b = append(b, `,"m":`...)
		b = appendString(b, l.Text)
	}
	if len(l.Bytes) > 0 {
		b = append(b, `,"b":`...)
		b = appendBase64(b, l.Bytes)
	}
	if l.Part != 0 {
		b = append(b, `,"p":`...)
		b = strconv.AppendInt(b, int64(l.Part), 10)
	}
	if l.Gap != nil {
		b = append(b, `,"g":`...)
		b = l.Gap.appendJSON(b)
	}
	return append(b, '}')
}

func (g *Gap) appendJSON(b []byte) []byte {
	b = append(b, `{"lines":`...)
	b = strconv.AppendInt(b, g.Lines, 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, g.Bytes, 10)
	return append(b, '}')
}

func appendBase64(b, data []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, data)
	return append(b, '"')
}

// simple tells whether eight bytes are ASCII that stands for itself.
func simple(s string) bool {
	_ = s[7]
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return w&0x8080808080808080 == 0 && !special(w)
}

// appendString writes s as a JSON string; bytes that are not UTF-8 become the
// replacement character.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		for len(s)-i >= 8 && simple(s[i:i+8]) {
			i += 8
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c < utf8.RuneSelf && plain(c) {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		switch {
		case c >= utf8.RuneSelf:
			b = append(b, "\uFFFD"...)
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
