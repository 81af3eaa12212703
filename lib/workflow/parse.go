package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/cdktr/cdktr/lib/schedule"
	"gopkg.in/yaml.v3"
)

// Parse reads one workflow file. It returns the definition, or nil with all
// that is wrong, and apart from that what is only doubtful. Both are in the
// file's order. The file's name is for the problems alone; the id is the
// workflow's, see IDFromPath.
func Parse(id, file string, data []byte) (def *Definition, errors, warnings []Problem) {
	d := &decoder{errors: report{file: file}, warnings: report{file: file}}
	def = d.file(id, data)
	errors, warnings = d.errors.sorted(), d.warnings.sorted()
	if len(errors) > 0 {
		return nil, errors, warnings
	}
	def.Hash = hash(id, data)
	return def, nil, warnings
}

// hash ties a definition to its id and content: equal files with different ids
// are different definitions.
func hash(id string, data []byte) string {
	h := sha256.New()
	h.Write([]byte(id))
	h.Write([]byte{0})
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (d *decoder) file(id string, data []byte) *Definition {
	document := source(&d.errors, data)
	if document == nil || !withinLimits(&d.errors, document) {
		return nil
	}
	root := resolve(document.Content[0])
	if isNull(root) {
		d.errors.add(1, 1, "the file is empty; a workflow needs tasks")
		return nil
	}
	return d.workflow(id, root)
}

func (d *decoder) workflow(id string, n *yaml.Node) *Definition {
	def := &Definition{ID: id}
	var keys []*yaml.Node
	var links []link
	fields := table{
		"name":          d.text(&def.Name),
		"description":   d.text(&def.Description),
		"cron":          d.cron(&def.Cron),
		"start_time":    d.instant(&def.StartTime),
		"params":        d.params(&def.Params),
		"env":           d.env(&def.Env),
		"placement":     choice(d, &def.Placement, "spread", Together),
		"on_agent_loss": choice(d, &def.OnAgentLoss, "rerun", FailOnLoss),
		"exclusive":     d.flag(&def.Exclusive),
		"tasks": func(_ string, n *yaml.Node) {
			def.Tasks, keys, links = d.tasks(n)
			if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
				d.errors.at(n, "tasks is empty; a workflow needs at least one")
			}
		},
	}
	given := d.record("a workflow", n, fields)
	if given != nil && given["tasks"] == nil {
		d.noTasks(n)
	}
	if def.Name == "" {
		def.Name = id
	}
	d.dag(def.Tasks, links)
	d.sizes(def, keys)
	return def
}

// noTasks tells a tasks key that holds nothing from one that is not there.
func (d *decoder) noTasks(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "tasks" {
			d.errors.at(n.Content[i], "tasks is empty; a workflow needs at least one")
			return
		}
	}
	d.errors.at(n, "there is no key \"tasks\"; a workflow needs at least one task")
}

func (d *decoder) cron(into *string) reader {
	return func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if !ok {
			return
		}
		if _, err := schedule.Parse(text); err != nil {
			d.errors.at(n, "cron %s: %v", quote(text), err)
		}
		*into = text
	}
}

func (d *decoder) instant(into **time.Time) reader {
	return func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if !ok {
			return
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil && n.ShortTag() == "!!timestamp" {
			err = n.Decode(&at)
		}
		at = at.UTC()
		// Outside of these years there is no RFC 3339 to store it as.
		if err != nil || at.Year() < 1 || at.Year() > 9999 {
			d.errors.at(n, "%s %s is no RFC 3339 time, such as 2026-01-02T15:04:05Z", key, quote(text))
			return
		}
		*into = &at
	}
}
