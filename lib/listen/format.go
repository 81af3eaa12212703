package listen

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/wire"
)

// Format says what a line means.
//
// Without a Workflow a line is an object {"workflow":…,"params":…,"key":…} or
// the bare id of a workflow. With one, an object is its parameters, and any
// other line is the value of the parameter Param. What begins with a brace is
// an object: one with a mistake is refused, not passed on as text.
type Format struct {
	Workflow string
	Param    string
}

// maxID is longer than the path of a workflow file can be.
const maxID = 4096

// event is the line of an object.
type event struct {
	Workflow string      `json:"workflow"`
	Params   wire.Params `json:"params"`
	Key      string      `json:"key"`
}

// empty tells that a line, without its end, is no event at all.
func (f Format) empty(line []byte) bool {
	if f.Workflow == "" {
		line = bytes.TrimSpace(line)
	}
	return len(line) == 0
}

// Parse reads one line, without its end, that is not empty.
func (f Format) Parse(line []byte) (wire.TriggerItem, error) {
	item := wire.TriggerItem{Workflow: f.Workflow, Source: "listen"}
	if !utf8.Valid(line) {
		return wire.TriggerItem{}, ErrNotUTF8
	}
	text := bytes.TrimSpace(line)
	object := bytes.HasPrefix(text, []byte("{"))
	switch {
	case object && f.Workflow != "":
		if err := item.Params.UnmarshalJSON(text); err != nil {
			return wire.TriggerItem{}, fmt.Errorf("read parameters: %w", err)
		}
	case f.Workflow != "":
		item.Params = wire.Params{f.Param: string(line)}
	case object:
		var e event
		if err := wire.DecodeRequest(text, &e); err != nil {
			return wire.TriggerItem{}, fmt.Errorf("read event: %w", err)
		}
		if e.Workflow == "" {
			return wire.TriggerItem{}, errors.New(`read event: field "workflow" is missing`)
		}
		item.Workflow, item.Params, item.Key = e.Workflow, e.Params, e.Key
	default:
		item.Workflow = string(text)
	}
	if err := CheckWorkflow(item.Workflow); err != nil {
		return wire.TriggerItem{}, err
	}
	return item, nil
}

// CheckWorkflow tells what can be the id of a workflow.
func CheckWorkflow(id string) error {
	switch {
	case id == "":
		return errors.New("the id of the workflow is empty")
	case len(id) > maxID:
		return fmt.Errorf("%d bytes are too long for the id of a workflow", len(id))
	}
	return nil
}

// Event is what a line, without its end, means.
func (f Format) Event(line []byte) (Event, error) {
	if f.empty(line) {
		return Event{}, ErrNoEvent
	}
	item, err := f.Parse(line)
	return Event{Trigger: item}, err
}
