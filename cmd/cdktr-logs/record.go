package main

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/cdktr/cdktr/lib/wire"
)

// record is what people see of a log record.
type record struct {
	time, workflow, run, task, stream []byte
	attempt, part                     int
	message                           []byte
}

// sameStream tells whether two records are of one stream of one attempt.
func (r *record) sameStream(o *record) bool {
	return r.attempt == o.attempt && bytes.Equal(r.stream, o.stream) && bytes.Equal(r.task, o.task) &&
		bytes.Equal(r.run, o.run) && bytes.Equal(r.workflow, o.workflow)
}

// stable is the record without its message, in memory of its own: not in that
// of a whole page.
func (r *record) stable() record {
	c := *r
	c.message = nil
	for _, field := range []*[]byte{&c.time, &c.workflow, &c.run, &c.task, &c.stream} {
		*field = bytes.Clone(*field)
	}
	return c
}

// read reads a record. The principal writes all of them in one way, which is
// read here without reflection; whatever looks otherwise takes the long way.
func (r *record) read(raw json.RawMessage) error {
	if r.cut(raw) {
		return nil
	}
	var long wire.LogRecord
	if err := json.Unmarshal(raw, &long); err != nil {
		return err
	}
	*r = record{
		time: []byte(long.Time.String()), workflow: []byte(long.Workflow), run: []byte(long.Run), task: []byte(long.Task), stream: []byte(long.Stream),
		attempt: long.Attempt, part: long.Part, message: []byte(text(&long)),
	}
	return nil
}

// cut reads members of the form "key":"value" or "key":123, without white
// space. It gives up where anything else comes, and where a string but the
// message has an escape.
func (r *record) cut(raw []byte) bool {
	*r = record{}
	rest, ok := bytes.CutPrefix(raw, []byte("{"))
	for ok && len(rest) > 0 {
		var key, value []byte
		var quoted, escaped bool
		if key, rest, _, ok = cutString(rest); !ok || len(rest) < 2 || rest[0] != ':' {
			return false
		}
		rest = rest[1:]
		if quoted = rest[0] == '"'; quoted {
			value, rest, escaped, ok = cutString(rest)
		} else {
			n := bytes.IndexAny(rest, ",}")
			if ok = n > 0; ok {
				value, rest = rest[:n], rest[n:]
			}
		}
		if !ok || len(rest) == 0 || !r.set(string(key), value, quoted, escaped) {
			return false
		}
		if string(rest) == "}" {
			return r.time != nil
		}
		rest, ok = bytes.CutPrefix(rest, []byte(","))
	}
	return false
}

func (r *record) set(key string, value []byte, quoted, escaped bool) bool {
	var field *[]byte
	var number *int
	switch key {
	case "time":
		field = &r.time
	case "workflow":
		field = &r.workflow
	case "run":
		field = &r.run
	case "task":
		field = &r.task
	case "stream":
		field = &r.stream
	case "agent":
		return quoted
	case "seq":
		return !quoted
	case "attempt":
		number = &r.attempt
	case "part":
		number = &r.part
	case "message":
		if !quoted || !escaped {
			r.message = value
			return quoted
		}
		var message string
		err := json.Unmarshal(value, &message)
		r.message = []byte(message)
		return err == nil
	default:
		return false
	}
	if number != nil {
		n, err := strconv.Atoi(string(value))
		*number = n
		return !quoted && err == nil
	}
	*field = value
	return quoted && !escaped
}

// cutString cuts a string off, whose quotes are not part of the value, but for
// one with escapes: that is left as it is, with its quotes.
func cutString(text []byte) (value, rest []byte, escaped, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, nil, false, false
	}
	for i := 1; ; {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return nil, nil, false, false
		}
		escaped = escaped || bytes.IndexByte(text[i:i+n], '\\') >= 0
		end := i + n
		slashes := 0
		for escaped && text[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			if escaped {
				return text[:end+1], text[end+1:], true, true
			}
			return text[1:end], text[end+1:], false, true
		}
		i = end + 1
	}
}
