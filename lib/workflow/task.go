package workflow

import (
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/yamlfile"
)

// link is one entry of a task's depends, with its place in the file.
type link struct {
	task int // its index
	to   string
	at   *yaml.Node
}

const maxTaskID = 128

const taskIDPattern = `^[A-Za-z0-9_.-]{1,128}$`

// work is a task that is being read, with what is checked when all is there.
type work struct {
	Task
	script   Script
	depends  []link
	inConfig *yaml.Node // a working_directory there
	site     *site
}

func (d *decoder) tasks(w *draft) kind {
	return kind{func(_ string, n *yaml.Node) {
		entries, _ := d.entries("tasks", n)
		switch {
		case n.Kind == yaml.MappingNode && len(n.Content) == 0:
			d.errors.At(n, "tasks is empty; a workflow needs at least one")
		case len(entries) > maxTasks:
			d.errors.At(n, "%d tasks; a workflow has at most %d", len(entries), maxTasks)
			return
		}
		for i, e := range entries {
			d.taskID(e)
			t := &work{Task: Task{ID: e.name, Name: e.name}, site: &site{task: i}}
			if yamlfile.IsNull(e.value) {
				d.errors.At(e.key, "task %s is empty; it needs run or config", quote(e.name))
			} else {
				given := d.task(t, "task "+quote(t.ID), e.key, e.value, d.taskFields(t))
				d.condition(t, given["if"])
			}
			for _, l := range t.depends {
				l.task = i
				w.links = append(w.links, l)
			}
			w.Tasks = append(w.Tasks, t.Task)
			w.keys = append(w.keys, e.key)
		}
	}, func() schema {
		return mapOf(taskIDPattern, ref("task")).with("minProperties", 1).with("maxProperties", maxTasks)
	}}
}

func (d *decoder) taskID(e entry) {
	allowed := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c)
	}
	switch {
	case e.name == "":
		d.errors.At(e.key, "a task's id is empty")
	case len(e.name) > maxTaskID:
		d.errors.At(e.key, "task id %s is longer than %d characters", quote(e.name), maxTaskID)
	case strings.ContainsFunc(e.name, func(c rune) bool { return !allowed(c) }):
		d.errors.At(e.key, "task id %s may have only letters, digits, and _ . -; what people see is its name", quote(e.name))
	}
}

// taskFields are those of an ordinary task: what a handler has too, and what
// has to do with other tasks.
func (d *decoder) taskFields(t *work) table {
	return append(d.workFields(t), table{
		key("depends", "The tasks that must have ended before: a list, or one id.", d.depends(&t.depends)),
		key("dependencies", "An old name; use depends.", d.depends(&t.depends)),
		key("if", "When it runs. success: all that it depends on have completed; failure: one of them failed; always: they have ended.", choice(d, &t.If, "success", IfFailure, IfAlways)),
		key("allow_failure", "true: its failure neither fails the run nor skips what depends on it.", d.flag(&t.AllowFailure)),
	}...)
}

func (d *decoder) workFields(t *work) table {
	return table{
		key("name", "What people see. Default: the id.", d.text(&t.Name)),
		key("description", "What it is for.", d.text(&t.Description)),
		key("run", "A script for the shell; instead of config.", d.script(t)),
		key("shell", "The program that runs the script. Default: bash -euo pipefail, else sh -eu.", d.plain(&t.script.Shell)),
		key("config", "!Subprocess or !UvPython: a program to start with no shell in between; instead of run.", d.config(t)),
		key("working_directory", "Where it runs. Relative: to the agent's working directory, which is the default.", d.template(&t.WorkingDirectory, t.site)),
		key("env", "Variables of this task.", d.env(&t.Env, t.site)),
		key("timeout", "Of each attempt: SIGTERM to its process group, SIGKILL after 10 s, and it is FAILED.", d.duration(&t.Timeout, time.Millisecond)),
		key("retries", "How often a failed attempt is followed by another, and when. A plain number is the limit.", d.retries(&t.Retries)),
	}
}

// task reads what all tasks have. The key is the task's own.
func (d *decoder) task(t *work, what string, at, n *yaml.Node, fields table) map[string]*yaml.Node {
	given := d.record(what, n, fields)
	if t.Name == "" {
		t.Name = t.ID
	}
	run, config := given["run"], given["config"]
	switch {
	case run != nil && config != nil:
		d.errors.At(at, "%s has both run and config; it can have one", what)
	case run != nil:
		t.Action.Script = &t.script
		d.scriptShell(t.script.Shell, run)
	case config == nil && given != nil:
		d.errors.At(at, "%s has neither run nor config", what)
	}
	if shell := given["shell"]; shell != nil && run == nil {
		d.errors.At(shell, "shell is for run; there is no run here")
	}
	if t.inConfig != nil && given["working_directory"] != nil {
		d.errors.At(t.inConfig, "working_directory is given twice, here and in the task")
	}
	if old := given["dependencies"]; old != nil {
		if given["depends"] != nil {
			d.errors.At(old, "both depends and dependencies are given; use depends")
		} else {
			d.warnings.At(old, "dependencies is an old name; use depends")
		}
	}
	return given
}

// taskSchema is of a task, or of a handler.
func (d *decoder) taskSchema(handler bool) schema {
	t := &work{site: &site{}}
	fields := d.taskFields(t)
	if handler {
		fields = d.workFields(t)
	}
	return fields.schema().with("oneOf", exactlyOne("run", "config"))
}

// depends takes a list or one text.
func (d *decoder) depends(into *[]link) kind {
	var texts []string
	list := d.texts(&texts, func(_ string, n *yaml.Node, text string) {
		*into = append(*into, link{to: text, at: n})
	})
	return kind{func(key string, n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			list.read(key, n)
		} else if text, ok := d.scalar(key, n); ok {
			*into = append(*into, link{to: text, at: n})
		}
	}, func() schema { return anyOf(list.schema(), textSchema()) }}
}

func (d *decoder) script(t *work) kind {
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if ok && strings.TrimSpace(text) == "" {
			d.errors.At(n, "%s is empty", key)
		}
		t.script.Text = text
		d.use(n, text, t.site)
	}, func() schema { return textSchema().with("minLength", 1) }}
}

// isAction tells the tags that say what a config is.
func isAction(tag string) bool { return tag == "!Subprocess" || tag == "!UvPython" }

func (d *decoder) config(t *work) kind {
	return kind{func(_ string, n *yaml.Node) {
		tag := n.ShortTag()
		switch {
		case !isAction(tag) && strings.HasPrefix(tag, "!!"):
			d.errors.At(n, "config needs a tag that says what it is: !Subprocess or !UvPython")
			return
		case !isAction(tag):
			d.errors.At(n, "unknown tag %s%s", quote(tag), suggest.Hint(tag, []string{"!Subprocess", "!UvPython"}))
			return
		case n.Kind != yaml.MappingNode:
			d.errors.At(n, "%s needs a mapping below it, indented further than config", tag)
			return
		}
		var fields table
		if tag == "!Subprocess" {
			t.Action.Subprocess = &Subprocess{}
			fields = d.subprocessFields(t, t.Action.Subprocess)
		} else {
			t.Action.UvPython = &UvPython{}
			fields = d.uvPythonFields(t, t.Action.UvPython)
		}
		given := d.record(tag, n, fields)
		for _, f := range fields {
			if !f.required {
				continue
			}
			if v := given[f.name]; v == nil {
				d.errors.At(n, "%s needs %s", tag, f.name)
			} else if v.Kind == yaml.ScalarNode && v.Value == "" {
				d.errors.At(v, "%s is empty", f.name)
			}
		}
		if p := t.Action.UvPython; p != nil && p.IsUvProject && len(p.Packages) > 0 {
			d.warnings.At(given["packages"], "packages is not used in a uv project, which has its own")
		}
		t.inConfig = given["working_directory"]
	}, func() schema {
		return anyOf(
			d.subprocessFields(t, new(Subprocess)).schema().with("description", "!Subprocess: a program."),
			d.uvPythonFields(t, new(UvPython)).schema().with("description", "!UvPython: a Python script, run by uv."))
	}}
}

func (d *decoder) subprocessFields(t *work, p *Subprocess) table {
	return table{
		needed("cmd", "The program: found on PATH, or by its path.", d.template(&p.Cmd, t.site)),
		key("args", "Its arguments, each as it is written.", d.texts(&p.Args, d.argument(t.site))),
		d.directoryInConfig(t),
	}
}

func (d *decoder) uvPythonFields(t *work, p *UvPython) table {
	return table{
		needed("script_path", "The script.", d.plain(&p.ScriptPath)),
		key("packages", "What uv run --with gets; not for a uv project.", d.texts(&p.Packages, d.argument(nil))),
		key("is_uv_project", "true: the script is in a uv project, or says in its head what it needs (PEP 723).", d.flag(&p.IsUvProject)),
		key("uv_path", "The program uv. Default: uv on PATH.", d.plain(&p.UvPath)),
		d.directoryInConfig(t),
	}
}

// directoryInConfig is a working_directory where existing files have it. The
// task's own wins where both are given, which is an error anyway.
func (d *decoder) directoryInConfig(t *work) field {
	return key("working_directory", "The same as the task's.", kind{func(key string, n *yaml.Node) {
		if text, ok := d.scalar(key, n); ok && t.WorkingDirectory == "" {
			t.WorkingDirectory = text
			d.use(n, text, t.site)
		}
	}, textSchema})
}
