package brief

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Lease turns a leased task into what its agent gets, with the values of its
// expressions. The definition is the one that the run started with. An error
// says why the task cannot be run.
func Lease(l run.Lease) (wire.Lease, error) {
	out := wire.Lease{
		Attempt:   wire.Attempt{Run: l.Run, Task: l.AttemptID.Task, Attempt: l.Attempt},
		Workflow:  l.Definition.ID,
		Exclusive: l.Definition.Exclusive,
		TimeoutMS: time.Duration(l.Task.Timeout).Milliseconds(),
		Secrets:   l.Definition.Secrets,
		Again:     l.Again,
	}
	v := newValues(l)
	env, err := v.environment()
	if err != nil {
		return wire.Lease{}, err
	}
	out.Spec.Env = env
	if out.Spec.Dir, err = v.argument("working_directory", l.Task.WorkingDirectory); err != nil {
		return wire.Lease{}, err
	}
	switch a := l.Task.Action; {
	case a.Subprocess != nil:
		out.Spec.Argv, err = v.command(a.Subprocess)
	case a.UvPython != nil:
		out.Spec.Uv = &wire.UvSpec{
			Script:    a.UvPython.ScriptPath,
			Packages:  a.UvPython.Packages,
			IsProject: a.UvPython.IsUvProject,
			Path:      a.UvPython.UvPath,
		}
	case a.Script != nil:
		out.Spec.Script, err = v.script(a.Script.Text, env)
		out.Spec.Shell = a.Script.Shell
	}
	if err != nil {
		return wire.Lease{}, err
	}
	return out, nil
}

// environment is what a task has on top of its agent's own. Stronger comes
// later: the workflow's env, the task's, the parameters, CDKTR's own.
func (v *values) environment() (map[string]string, error) {
	env := map[string]string{}
	if err := v.variables("env", v.lease.Definition.Env, env); err != nil {
		return nil, err
	}
	for name := range v.lease.Definition.Env {
		v.env[name] = env[name]
	}
	if err := v.variables("env of the task", v.lease.Task.Env, env); err != nil {
		return nil, err
	}
	for name, value := range v.lease.Params {
		env[workflow.ParamVariable(name)] = value
	}
	env["CDKTR_RUN_ID"] = v.lease.Run
	env["CDKTR_WORKFLOW"] = v.lease.Definition.ID
	env["CDKTR_TASK"] = v.lease.AttemptID.Task
	env["CDKTR_ATTEMPT"] = strconv.Itoa(v.lease.Attempt)
	env["CDKTR_SCHEDULED_TIME"] = wire.At(v.lease.Scheduled).String()
	if v.lease.Outcome != "" {
		env["CDKTR_STATUS"] = string(v.lease.Outcome)
	}
	return env, nil
}

func (v *values) variables(of string, texts, into map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		value, err := v.argument(of+": "+name, texts[name])
		if err != nil {
			return err
		}
		into[name] = value
	}
	return nil
}

func (v *values) command(p *workflow.Subprocess) ([]string, error) {
	argv := make([]string, 0, 1+len(p.Args))
	for i, text := range append([]string{p.Cmd}, p.Args...) {
		where := "cmd"
		if i > 0 {
			where = "args"
		}
		value, err := v.argument(where, text)
		if err != nil {
			return nil, err
		}
		argv = append(argv, value)
	}
	if argv[0] == "" {
		return nil, fmt.Errorf("cmd: %s is empty in this run", p.Cmd)
	}
	return argv, nil
}

// script puts the values into variables, and references to these into the
// text: so a value never becomes code.
func (v *values) script(text string, env map[string]string) (*string, error) {
	variables := map[workflow.Reference]string{}
	out, err := workflow.Expand(text, func(r workflow.Reference) (string, error) {
		variable, known := variables[r]
		if !known {
			value, err := v.of(r)
			if err != nil {
				return "", err
			}
			variable = "CDKTR_EXPR_" + strconv.Itoa(len(variables)+1)
			variables[r], env[variable] = variable, value
		}
		return "${" + variable + "}", nil
	})
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return &out, nil
}
