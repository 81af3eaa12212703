package workflow

import (
	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/schedule"
)

const maxActiveRuns = 10_000

// cron reads a text; scheduled reads it as a schedule, when the zone is known.
func (d *decoder) cron(w *draft) kind {
	return kind{func(key string, n *yaml.Node) { w.Cron, w.hasCron = d.scalar(key, n) },
		func() schema { return schema{"type": "string", "minLength": 1} }}
}

func (d *decoder) zone(into *string) kind {
	return kind{func(key string, n *yaml.Node) {
		text, ok := d.scalar(key, n)
		if !ok {
			return
		}
		if err := schedule.CheckZone(text); err != nil {
			d.errors.At(n, "%s: %v", key, err)
			return
		}
		*into = text
	}, func() schema { return schema{"type": "string", "minLength": 1} }}
}

// scheduled checks the keys that say when a workflow runs, one against the
// other.
func (d *decoder) scheduled(w *draft) {
	if w.hasCron {
		if _, err := schedule.ParseIn(w.Cron, w.Timezone); err != nil {
			d.errors.At(w.own["cron"], "cron %s: %v", quote(w.Cron), err)
		}
	} else if w.own["cron"] == nil {
		for _, key := range []string{"timezone", "start_time", "catchup", "catchup_window"} {
			if n := w.own[key]; n != nil {
				d.warnings.At(n, "%s is for cron; there is no cron here", key)
			}
		}
		return
	}
	if n := w.own["catchup_window"]; n != nil && w.Catchup == "" {
		d.warnings.At(n, "catchup_window is for catchup: latest or all; there is none here")
	}
}
