// Package rules makes events of lines by a file of rules: which lines are
// events, of which workflow, with which parameters and key. It owns that file's
// format and how a mistake in it is told.
//
// It takes bytes and lines: reading them, and what becomes of an event, is
// lib/listen's.
package rules

import (
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// Rules are a file that has no mistake. The first rule that matches a line is
// the one.
type Rules struct {
	rules []rule
	skip  bool // lines that no rule matches are none of ours
}

// rule has either a match or fields.
type rule struct {
	match    *regexp.Regexp
	fields   []field
	workflow template
	params   []param
	key      *template
	debounce time.Duration
}

type param struct {
	name  string
	value template
}

// Debounces tells that some of the events may be merged.
func (r *Rules) Debounces() bool {
	for _, rule := range r.rules {
		if rule.debounce > 0 {
			return true
		}
	}
	return false
}

// Event is what a line, without its end, means.
func (r *Rules) Event(text []byte) (listen.Event, error) {
	if len(text) == 0 {
		return listen.Event{}, listen.ErrNoEvent
	}
	if !utf8.Valid(text) {
		return listen.Event{}, listen.ErrNotUTF8
	}
	l := &line{text: string(text)}
	for i := range r.rules {
		if r.rules[i].takes(l) {
			return r.rules[i].event(l)
		}
	}
	switch {
	case r.skip:
		return listen.Event{}, listen.ErrNoEvent
	case l.broken():
		return listen.Event{}, fmt.Errorf("no rule matches (%w)", l.notObject)
	}
	return listen.Event{}, errors.New("no rule matches")
}

func (r *rule) takes(l *line) bool {
	if r.match != nil {
		at := r.match.FindStringSubmatchIndex(l.text)
		l.groups, l.matched = at, r.match
		return at != nil
	}
	if !l.isObject() {
		return false
	}
	for _, f := range r.fields {
		if !f.holds(l) {
			return false
		}
	}
	return true
}

func (r *rule) event(l *line) (e listen.Event, err error) {
	e.Trigger.Source = "listen"
	if e.Trigger.Workflow, err = r.workflow.expand(l); err != nil {
		return listen.Event{}, err
	}
	if err := listen.CheckWorkflow(e.Trigger.Workflow); err != nil {
		return listen.Event{}, err
	}
	if len(r.params) > 0 {
		e.Trigger.Params = make(wire.Params, len(r.params))
	}
	for _, p := range r.params {
		if e.Trigger.Params[p.name], err = p.value.expand(l); err != nil {
			return listen.Event{}, err
		}
	}
	if r.key != nil {
		if e.Trigger.Key, err = r.key.expand(l); err != nil {
			return listen.Event{}, err
		}
		if e.Trigger.Key == "" {
			return listen.Event{}, errors.New("the key is empty")
		}
	}
	e.Debounce = r.debounce
	return e, nil
}
