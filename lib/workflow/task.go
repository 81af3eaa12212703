package workflow

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/suggest"
)

// link is one entry of a task's depends, with its place in the file.
type link struct {
	task int // its index
	to   string
	at   *yaml.Node
}

const maxTaskID = 128

// tasks also returns the keys of the tasks, in the same order.
func (d *decoder) tasks(n *yaml.Node) (tasks []Task, keys []*yaml.Node, links []link) {
	entries, _ := d.entries("tasks", n)
	if len(entries) > maxTasks {
		d.errors.at(n, "%d tasks; a workflow has at most %d", len(entries), maxTasks)
		return nil, nil, nil
	}
	for i, e := range entries {
		d.taskID(e)
		t := Task{ID: e.name, Name: e.name}
		if isNull(e.value) {
			d.errors.at(e.key, "task %s is empty; it needs run or config", quote(e.name))
		} else {
			for _, l := range d.task(&t, e) {
				l.task = i
				links = append(links, l)
			}
		}
		tasks = append(tasks, t)
		keys = append(keys, e.key)
	}
	return tasks, keys, links
}

func (d *decoder) taskID(e entry) {
	allowed := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c)
	}
	switch {
	case e.name == "":
		d.errors.at(e.key, "a task's id is empty")
	case len(e.name) > maxTaskID:
		d.errors.at(e.key, "task id %s is longer than %d characters", quote(e.name), maxTaskID)
	case strings.ContainsFunc(e.name, func(c rune) bool { return !allowed(c) }):
		d.errors.at(e.key, "task id %s may have only letters, digits, and _ . -; what people see is its name", quote(e.name))
	}
}

func (d *decoder) task(t *Task, e entry) []link {
	var script Script
	var depends []link
	var inConfig *yaml.Node // a working_directory there
	given := d.record("task "+quote(t.ID), e.value, table{
		"name":              d.text(&t.Name),
		"description":       d.text(&t.Description),
		"depends":           d.depends(&depends),
		"dependencies":      d.depends(&depends),
		"working_directory": d.text(&t.WorkingDirectory),
		"env":               d.env(&t.Env),
		"run":               d.script(&script.Text),
		"shell":             d.text(&script.Shell),
		"config":            func(_ string, n *yaml.Node) { inConfig = d.config(t, n) },
	})
	if t.Name == "" {
		t.Name = t.ID
	}
	run, config := given["run"], given["config"]
	switch {
	case run != nil && config != nil:
		d.errors.at(e.key, "task %s has both run and config; it can have one", quote(t.ID))
	case run != nil:
		t.Action.Script = &script
	case config == nil && given != nil:
		d.errors.at(e.key, "task %s has neither run nor config", quote(t.ID))
	}
	if shell := given["shell"]; shell != nil && run == nil {
		d.errors.at(shell, "shell is for run; there is no run here")
	}
	if inConfig != nil && given["working_directory"] != nil {
		d.errors.at(inConfig, "working_directory is given twice, here and in the task")
	}
	if old := given["dependencies"]; old != nil {
		if given["depends"] != nil {
			d.errors.at(old, "both depends and dependencies are given; use depends")
		} else {
			d.warnings.at(old, "dependencies is an old name; use depends")
		}
	}
	return depends
}

// depends takes a list or one text.
func (d *decoder) depends(into *[]link) reader {
	return func(key string, n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			if text, ok := d.scalar(key, n); ok {
				*into = append(*into, link{to: text, at: n})
			}
			return
		}
		var texts []string
		d.texts(&texts, func(_ string, n *yaml.Node, text string) {
			*into = append(*into, link{to: text, at: n})
		})(key, n)
	}
}

func (d *decoder) script(into *string) reader {
	return func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if ok && strings.TrimSpace(text) == "" {
			d.errors.at(n, "%s is empty", key)
		}
		*into = text
	}
}

// isAction tells the tags that say what a config is.
func isAction(tag string) bool { return tag == "!Subprocess" || tag == "!UvPython" }

// config returns the working_directory in it, if there is one: existing files
// have it there, in both kinds.
func (d *decoder) config(t *Task, n *yaml.Node) (workingDirectory *yaml.Node) {
	tag := n.ShortTag()
	switch {
	case !isAction(tag) && strings.HasPrefix(tag, "!!"):
		d.errors.at(n, "config needs a tag that says what it is: !Subprocess or !UvPython")
		return nil
	case !isAction(tag):
		d.errors.at(n, "unknown tag %s%s", quote(tag), suggest.Hint(tag, []string{"!Subprocess", "!UvPython"}))
		return nil
	case n.Kind != yaml.MappingNode:
		d.errors.at(n, "%s needs a mapping below it, indented further than config", tag)
		return nil
	}
	var required string
	var fields table
	if tag == "!Subprocess" {
		p := &Subprocess{}
		t.Action.Subprocess = p
		required = "cmd"
		fields = table{"cmd": d.text(&p.Cmd), "args": d.texts(&p.Args, d.argument)}
	} else {
		p := &UvPython{}
		t.Action.UvPython = p
		required = "script_path"
		fields = table{"script_path": d.text(&p.ScriptPath), "packages": d.texts(&p.Packages, d.argument), "is_uv_project": d.flag(&p.IsUvProject), "uv_path": d.text(&p.UvPath)}
	}
	// The task's own wins where both are given, which is an error anyway.
	fields["working_directory"] = func(key string, n *yaml.Node) {
		if text, ok := d.scalar(key, n); ok && t.WorkingDirectory == "" {
			t.WorkingDirectory = text
		}
	}
	given := d.record(tag, n, fields)
	if v := given[required]; v == nil {
		d.errors.at(n, "%s needs %s", tag, required)
	} else if v.Kind == yaml.ScalarNode && v.Value == "" {
		d.errors.at(v, "%s is empty", required)
	}
	if p := t.Action.UvPython; p != nil && p.IsUvProject && len(p.Packages) > 0 {
		d.warnings.at(given["packages"], "packages is not used in a uv project, which has its own")
	}
	return given["working_directory"]
}
