package brief

import (
	"maps"
	"strconv"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Spec turns a leased task into what its agent runs. The definition is the
// one that the run started with.
func Spec(l run.Lease) wire.Spec {
	env := maps.Clone(l.Definition.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, l.Task.Env)
	for name, value := range l.Params {
		env[workflow.ParamVariable(name)] = value
	}
	env["CDKTR_RUN_ID"] = l.Run
	env["CDKTR_WORKFLOW"] = l.Definition.ID
	env["CDKTR_TASK"] = l.AttemptID.Task
	env["CDKTR_ATTEMPT"] = strconv.Itoa(l.Attempt)

	spec := wire.Spec{Dir: l.Task.WorkingDirectory, Env: env}
	switch a := l.Task.Action; {
	case a.Subprocess != nil:
		spec.Argv = append([]string{a.Subprocess.Cmd}, a.Subprocess.Args...)
	case a.UvPython != nil:
		spec.Uv = &wire.UvSpec{
			Script:    a.UvPython.ScriptPath,
			Packages:  a.UvPython.Packages,
			IsProject: a.UvPython.IsUvProject,
			Path:      a.UvPython.UvPath,
		}
	case a.Script != nil:
		spec.Script, spec.Shell = &a.Script.Text, a.Script.Shell
	}
	return spec
}
