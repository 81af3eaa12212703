package brief

import (
	"fmt"
	"strconv"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// maxArgument is the most that a program can be given as one argument or
// variable, with its end.
const maxArgument = 128 << 10

// values knows what the expressions of one lease stand for.
type values struct {
	lease run.Lease
	env   map[string]string // the file's
	room  int               // bytes that values may still take: a few texts may name one value very often
}

func newValues(l run.Lease) *values {
	return &values{lease: l, env: map[string]string{}, room: wire.MaxMessage}
}

// argument expands a text that becomes one argument or one variable.
func (v *values) argument(where, text string) (string, error) {
	out, err := workflow.Expand(text, v.of)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", where, err)
	case len(out) >= maxArgument && out != text:
		return "", fmt.Errorf("%s: with its values it has %d bytes; a program can be given less than %d in one piece", where, len(out), maxArgument)
	}
	return out, nil
}

// of is the value of an expression. What a definition was checked for when it
// was loaded is checked again: it may have been loaded by another version.
func (v *values) of(r workflow.Reference) (string, error) {
	value, err := v.find(r)
	if err != nil {
		return "", err
	}
	if v.room -= len(value); v.room < 0 {
		return "", fmt.Errorf("the values of its expressions have more than %d bytes together", wire.MaxMessage)
	}
	return value, nil
}

func (v *values) find(r workflow.Reference) (string, error) {
	value, there := "", false
	switch {
	case r.From == workflow.FromParams:
		value, there = v.lease.Params[r.Name]
	case r.From == workflow.FromEnv:
		value, there = v.env[r.Name]
	case r.From == workflow.FromTasks:
		return v.output(r)
	case r.Name == "id":
		return v.lease.Run, nil
	case r.Name == "attempt":
		return strconv.Itoa(v.lease.Attempt), nil
	}
	if !there {
		return "", fmt.Errorf("there is no %s in this run", r)
	}
	return value, nil
}

// output is empty where the other task did not complete, and for a handler,
// which has to run whatever there is. A completed task that did not write what
// it was to write is a mistake.
func (v *values) output(r workflow.Reference) (string, error) {
	value, there := v.lease.Outputs[r.Task][r.Name]
	if !there && v.lease.Ended[r.Task] == run.Completed && v.lease.Outcome == "" {
		return "", fmt.Errorf("task %q has completed without the output %q", r.Task, r.Name)
	}
	return value, nil
}
