package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// definitionText writes a definition for people, in lines of at most w cells, and
// tells where each task begins.
func definitionText(k *kit, def *workflow.Definition, w int) (lines []string, parts map[string]int) {
	t := &telling{k: k, w: w}
	parts = make(map[string]int)
	t.head("workflow " + def.ID)
	if def.Name != def.ID {
		t.say("name", def.Name)
	}
	t.say("description", def.Description)
	t.schedule(def)
	t.params(def)
	t.pairs("env", def.Env)
	t.say("secrets", strings.Join(def.Secrets, ", "))
	t.pairs("agents", def.Agents)
	t.say("placement", string(def.Placement))
	t.say("on agent loss", string(def.OnAgentLoss))
	t.flag("exclusive", def.Exclusive)
	t.duration("timeout", def.Timeout)
	if def.Priority != 0 {
		t.say("priority", fmt.Sprint(def.Priority))
	}
	for _, task := range allTasks(def) {
		t.lines = append(t.lines, "")
		parts[task.ID] = len(t.lines)
		t.task(task)
	}
	return t.lines, parts
}

// telling writes names and values.
type telling struct {
	k     *kit
	w     int
	lines []string
}

const nameWidth = 15

func (t *telling) head(text string) {
	t.lines = append(t.lines, t.k.style.strong.paint(clean(text)))
}

// say writes a name and its value, which may have several lines, if there is one.
func (t *telling) say(name, value string) {
	if value == "" {
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(value, "\n"), "\n") {
		for _, part := range wrap(clean(line), t.w-nameWidth-2) {
			t.lines = append(t.lines, "  "+t.k.style.dim.paint(t.k.pad(name, nameWidth))+part)
			name = ""
		}
	}
}

func (t *telling) flag(name string, on bool) {
	if on {
		t.say(name, "yes")
	}
}

func (t *telling) duration(name string, d workflow.Duration) {
	if d != 0 {
		t.say(name, d.String())
	}
}

func (t *telling) pairs(name string, all map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		t.say(name, key+"="+all[key])
		name = " "
	}
}

func (t *telling) schedule(def *workflow.Definition) {
	text := def.Cron
	if text != "" && def.Timezone != "" {
		text += "  (" + def.Timezone + ")"
	}
	t.say("schedule", text)
	if def.StartTime != nil {
		t.say("not before", def.StartTime.Format(time.RFC3339))
	}
	if def.Catchup != "" {
		text = string(def.Catchup)
		if def.CatchupWindow != 0 {
			text += ", of the last " + def.CatchupWindow.String()
		}
		t.say("catch up", text)
	}
	t.say("overlap", string(def.Overlap))
	if n := def.Limit(); n > 0 {
		t.say("runs at once", fmt.Sprint(n))
	}
}

func (t *telling) params(def *workflow.Definition) {
	switch {
	case def.Params == nil:
		t.say("params", "any")
		return
	case len(def.Params) == 0:
		t.say("params", "none")
	}
	name := "params"
	for _, param := range slices.Sorted(maps.Keys(def.Params)) {
		t.say(name, param+": "+ruleText(def.ParamRules[param], def.Params[param]))
		name = " "
	}
}

func (t *telling) task(task *workflow.Task) {
	t.head("task " + task.ID)
	if task.Name != task.ID {
		t.say("name", task.Name)
	}
	t.say("description", task.Description)
	t.say("depends on", strings.Join(task.Depends, ", "))
	t.say("if", string(task.If))
	t.action(&task.Action)
	t.say("directory", task.WorkingDirectory)
	t.pairs("env", task.Env)
	t.duration("timeout", task.Timeout)
	if r := task.Retries; r.Limit > 0 {
		text := plural(r.Limit, "time")
		if r.Delay != 0 {
			text += ", after " + r.Delay.String()
		}
		if r.Backoff > 1 {
			text += fmt.Sprintf(", each time %g times longer", r.Backoff)
		}
		if r.MaxDelay != 0 {
			text += ", at most " + r.MaxDelay.String()
		}
		t.say("retries", text)
	}
	t.flag("may fail", task.AllowFailure)
}

func (t *telling) action(a *workflow.Action) {
	switch {
	case a.Subprocess != nil:
		t.say("command", actionText(a))
	case a.UvPython != nil:
		t.say("python", a.UvPython.ScriptPath)
		t.say("packages", strings.Join(a.UvPython.Packages, ", "))
		t.flag("uv project", a.UvPython.IsUvProject)
		t.say("uv", a.UvPython.UvPath)
	case a.Script != nil:
		t.say("shell", a.Script.Shell)
		t.say("run", a.Script.Text)
	}
}

// actionText is what a task does, in one line.
func actionText(a *workflow.Action) string {
	switch {
	case a.Subprocess != nil:
		words := []string{a.Subprocess.Cmd}
		for _, arg := range a.Subprocess.Args {
			if arg == "" || strings.ContainsAny(arg, " \t\n'\"\\$") {
				arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
			}
			words = append(words, arg)
		}
		return strings.Join(words, " ")
	case a.UvPython != nil:
		return strings.Join(append([]string{"uv run", a.UvPython.ScriptPath}, a.UvPython.Packages...), " ")
	case a.Script != nil:
		return strings.Join(strings.Fields(strings.ReplaceAll(strings.TrimSpace(a.Script.Text), "\n", " ; ")), " ")
	}
	return ""
}
