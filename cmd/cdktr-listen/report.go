package main

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// report tells what became of the lines.
type report struct {
	out, err io.Writer
	letters  *letters // nil: there are none
	first    bool     // the first refused line ends it all
	refused  int
}

// accepted is a line of stdout.
type accepted struct {
	Line     int64  `json:"line"`
	Workflow string `json:"workflow"`
	Run      string `json:"run"`
}

// refused is a line of stderr and, with what was read, a dead letter.
type refused struct {
	Line   int64   `json:"line"`
	Error  string  `json:"error"`
	Event  *string `json:"event,omitempty"`
	Base64 []byte  `json:"event_base64,omitempty"`
	*again
}

// again is, in the letter of a line that was given up, the event to send for it.
// With its key it is the same run, should the line have become one.
type again struct {
	Workflow string      `json:"workflow"`
	Params   wire.Params `json:"params"`
	Key      string      `json:"key"`
}

// batch tells a part of the lines. Before an acknowledgement is out, the dead
// letters of all lines before it are on disk: who starts again after the last
// one told loses nothing.
func (r *report) batch(outcomes []listen.Outcome) error {
	var out, talk, letters bytes.Buffer
	before := 0 // bytes of out that stand before the first letter
	for _, o := range outcomes {
		var err error
		if o.Err == nil {
			err = cli.NewEncoder(&out).Encode(accepted{o.Line, o.Trigger.Workflow, o.Run})
		} else {
			_, given := errors.AsType[*listen.Undelivered](o.Err)
			if !given {
				r.refused++
			}
			bad := refused{Line: o.Line, Error: o.Err.Error()}
			if letters.Len() == 0 {
				before = out.Len()
			}
			err = cli.NewEncoder(&talk).Encode(bad)
			if text := string(o.Text); utf8.ValidString(text) {
				bad.Event = &text
			} else {
				bad.Base64 = o.Text
			}
			if given {
				bad.again = &again{o.Trigger.Workflow, o.Trigger.Params, o.Trigger.Key}
			}
			if err == nil {
				err = cli.NewEncoder(&letters).Encode(bad)
			}
		}
		if err != nil {
			return cli.Exitf(cli.Bug, "line %d: %w", o.Line, err)
		}
	}
	var lost error
	if r.letters != nil && letters.Len() > 0 {
		if err := r.letters.append(letters.Bytes()); err != nil {
			lost = cli.Exitf(cli.IO, "keep dead letters: %w", err)
			out.Truncate(before)
		}
	}
	_, _ = r.err.Write(talk.Bytes()) // a closed stderr is somebody's wish
	if _, err := r.out.Write(out.Bytes()); err != nil || lost != nil {
		return cmp.Or(lost, err)
	}
	if r.first && r.refused > 0 {
		return errFirst
	}
	return nil
}
