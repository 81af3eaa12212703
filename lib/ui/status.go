package ui

import (
	"strconv"
	"strings"

	"github.com/cdktr/cdktr/lib/wire"
)

// state is how a status is shown: a glyph, a word and a look.
type state struct {
	glyph, word string
	look        style
}

// runState is the state of a run.
func (k *kit) runState(status string) state {
	g, s := &k.glyph, &k.style
	switch status {
	case "RUNNING":
		return state{g.running, "running", s.busy}
	case "COMPLETED":
		return state{g.ok, "success", s.good}
	case "FAILED":
		return state{g.failed, "failed", s.bad}
	case "CRASHED":
		return state{g.lost, "lost", s.bad}
	case "CANCELLED":
		return state{g.cancelled, "cancelled", s.off}
	case "PENDING":
		return state{g.queued, "queued", s.waiting}
	}
	return state{"?", strings.ToLower(clean(status)), s.off}
}

// taskState is the state of a task: short, as in a table.
func (k *kit) taskState(t *wire.Task) state {
	g, s := &k.glyph, &k.style
	switch t.Status {
	case "RUNNING":
		return state{g.running, "run", s.busy}
	case "COMPLETED":
		return state{g.ok, "ok", s.good}
	case "FAILED":
		word := "fail"
		if t.ExitCode != nil {
			word = strconv.Itoa(*t.ExitCode)
		}
		return state{g.failed, word, s.bad}
	case "CRASHED":
		return state{g.lost, "lost", s.bad}
	case "SKIPPED":
		return state{g.skipped, "skip", s.off}
	case "CANCELLED":
		return state{g.cancelled, "cancel", s.off}
	case "WAITING":
		return state{g.queued, "retry", s.waiting}
	case "PENDING":
		return state{g.waiting, "wait", s.off}
	}
	return state{"?", strings.ToLower(clean(t.Status)), s.off}
}

// results are the states of a workflow's newest runs, a glyph each, the newest
// first.
func (k *kit) results(workflow string, n int) string {
	var b strings.Builder
	for _, row := range k.world.newest(workflow, n) {
		st := k.runState(row.Status)
		b.WriteString(st.look.paint(st.glyph))
	}
	return b.String()
}

// statusNamed tells whether a word in a filter begins a status: its own name, or
// what the screen calls it.
func statusNamed(status, word string) bool {
	begins := func(names ...string) bool {
		for _, name := range names {
			if strings.HasPrefix(name, word) {
				return true
			}
		}
		return false
	}
	switch status {
	case "PENDING":
		return begins("pending", "queued", "waiting")
	case "RUNNING":
		return begins("running")
	case "COMPLETED":
		return begins("completed", "success", "ok", "done")
	case "FAILED":
		return begins("failed")
	case "CRASHED":
		return begins("crashed", "lost", "failed")
	case "CANCELLED":
		return begins("cancelled", "canceled")
	}
	return begins(strings.ToLower(status))
}
