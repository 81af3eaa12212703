package workflow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/yamlfile"
)

// Parse reads one workflow file. It returns the definition, or nil with all
// that is wrong, and apart from that what is only doubtful. Both are in the
// file's order. The file's name is for the problems alone; the id is the
// workflow's, see IDFromPath.
func Parse(id, file string, data []byte) (def *Definition, errors, warnings []Problem) {
	report := yamlfile.Report{File: file, Most: maxProblems}
	d := &decoder{errors: report, warnings: report}
	def = d.file(id, data)
	errors, warnings = d.errors.Sorted(), d.warnings.Sorted()
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
	d.data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	document := source(&d.errors, data)
	if document == nil || !withinLimits(&d.errors, document) {
		return nil
	}
	return d.workflow(id, document.Content[0])
}

// draft is a definition that is being read, with the places of what is checked
// when all is there.
type draft struct {
	Definition
	keys  []*yaml.Node // of the tasks
	links []link
	own   map[string]*yaml.Node // the keys of the file itself

	hasCron bool // and it is a text
}

func (d *decoder) workflow(id string, n *yaml.Node) *Definition {
	w := &draft{}
	w.ID = id
	w.own = d.record("a workflow", n, d.workflowFields(w))
	if w.own != nil && w.own["tasks"] == nil {
		d.noTasks(n)
	}
	if w.Name == "" {
		w.Name = id
	}
	d.scheduled(w)
	acyclic := d.dag(w.Tasks, w.links)
	d.handlerIDs(w)
	d.secretsApart(w)
	d.expressions(&w.Definition, acyclic)
	d.sizes(w)
	return &w.Definition
}

func (d *decoder) workflowFields(w *draft) table {
	return table{
		key("name", "What people see. Default: the id, which is the file's path.", d.text(&w.Name)),
		key("description", "What it is for.", d.text(&w.Description)),
		key("cron", "When it runs by itself: five fields, six with seconds, or @daily and the like; UTC unless timezone says otherwise, or it begins with CRON_TZ=ZONE.", d.cron(w)),
		key("timezone", "Of cron: an IANA name, such as Europe/London.", d.zone(&w.Timezone)),
		key("start_time", "No scheduled run before it (RFC 3339).", d.instant(&w.StartTime)),
		key("catchup", "Which slots are run that were missed while the principal was away: none, the latest, or all.", choice(d, &w.Catchup, "none", CatchupLatest, CatchupAll)),
		key("catchup_window", "No slot is caught up with that is older.", d.duration(&w.CatchupWindow, time.Second).usually("24h")),
		key("overlap", "What becomes of a slot or a trigger while a run is active: another run, none, one that waits, or one that replaces it.", choice(d, &w.Overlap, "allow", OverlapSkip, OverlapQueue, OverlapReplace)),
		key("max_active_runs", "How many runs may be active at once. Default: one; with overlap: allow, any number.", d.whole(&w.MaxActiveRuns, 1, maxActiveRuns)),
		key("params", "The parameters with their defaults. Without it a trigger may pass any name.", d.params(w)),
		key("env", "Variables for all tasks; a task's own wins.", d.env(&w.Env, &site{inFile: true})),
		key("secrets", "Names of variables that the agent takes from its environment or its secrets.env. Their values are masked in all lines.", d.secrets(&w.Secrets)),
		key("timeout", "Of the run: then its tasks are stopped, and it is FAILED.", d.duration(&w.Timeout, time.Millisecond)),
		key("priority", "Of runs that wait for a free slot, the higher one comes first.", d.whole(&w.Priority, -maxPriority, maxPriority).usually(0)),
		key("agents", "Labels that an agent must have to get a task.", d.labels(&w.Agents)),
		key("placement", "spread: each task on whatever agent is free; together: all of a run on one.", choice(d, &w.Placement, "spread", Together)),
		key("on_agent_loss", "What becomes of a task whose agent is lost: it runs again, or the run ends.", choice(d, &w.OnAgentLoss, "rerun", FailOnLoss)),
		key("exclusive", "true: its tasks never run twice at once, on whatever agents.", d.flag(&w.Exclusive)),
		key(OnSuccessID, "A task that runs when all others have ended and the run has completed.", d.handler(&w.OnSuccess)),
		key(OnFailureID, "A task that runs when all others have ended and the run has failed or crashed.", d.handler(&w.OnFailure)),
		key(OnEndID, "A task that runs at the end of every run, after the other handlers.", d.handler(&w.OnEnd)),
		needed("tasks", "The tasks by their ids, at least one.", d.tasks(w)),
	}
}

// noTasks tells a tasks key that holds nothing from one that is not there.
func (d *decoder) noTasks(n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "tasks" {
			d.errors.At(n.Content[i], "tasks is empty; a workflow needs at least one")
			return
		}
	}
	d.errors.At(n, "there is no key \"tasks\"; a workflow needs at least one task")
}

func (d *decoder) instant(into **time.Time) kind {
	return kind{func(key string, n *yaml.Node) {
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
			d.errors.At(n, "%s %s is no RFC 3339 time, such as 2026-01-02T15:04:05Z", key, quote(text))
			return
		}
		*into = &at
	}, func() schema { return schema{"type": "string", "pattern": "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"} }}
}
