package sim

import (
	"fmt"
	"sync"

	"github.com/cdktr/cdktr/lib/run"
)

// Account is what clients were told. What was acknowledged is a promise: it is
// settled with the history once all runs have ended. It is safe for
// concurrent use; the zero value is empty.
type Account struct {
	mu    sync.Mutex
	order []string
	runs  map[string]*promise
	keys  map[string]string // workflow and key -> run
}

// promise is what clients were told of one run.
type promise struct {
	workflow  string
	key       string
	cancelled bool
	ended     run.Status
}

// Triggered notes that a trigger was answered with a run. The key is "" where
// there was none.
func (a *Account) Triggered(workflow, key, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if id == "" {
		return fmt.Errorf("trigger of %s with key %q was answered with no run", workflow, key)
	}
	p := a.about(id)
	switch {
	case p.workflow != "" && p.workflow != workflow:
		return fmt.Errorf("run %s was acknowledged as one of %s and of %s", id, p.workflow, workflow)
	case p.key != "" && key != "" && p.key != key:
		return fmt.Errorf("run %s was acknowledged for key %q and for key %q", id, p.key, key)
	case p.workflow != "" && p.key != key:
		return fmt.Errorf("run %s was acknowledged with and without key %q", id, p.key+key)
	}
	p.workflow, p.key = workflow, key
	if key == "" {
		return nil
	}
	if a.keys == nil {
		a.keys = make(map[string]string)
	}
	if first := a.keys[keyOf(workflow, key)]; first != "" && first != id {
		return fmt.Errorf("key %q of %s was answered with run %s and with run %s", key, workflow, first, id)
	}
	a.keys[keyOf(workflow, key)] = id
	return nil
}

// Cancelled notes that a cancel was acknowledged, not refused: the run will be
// CANCELLED, or is so already.
func (a *Account) Cancelled(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.about(id).cancelled = true
}

// Ended notes that somebody who waited was told how a run has ended.
func (a *Account) Ended(id string, status run.Status) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.about(id)
	switch {
	case !status.Final():
		return fmt.Errorf("run %s was told to have ended as %q", id, status)
	case p.ended != "" && p.ended != status:
		return fmt.Errorf("run %s was told to be %s and to be %s", id, p.ended, status)
	}
	p.ended = status
	return nil
}

// Settle holds all that was told against a history that is to be complete:
// nothing is under way any more.
func (a *Account) Settle(h *History) []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var broken []error
	for _, id := range a.order {
		if err := a.runs[id].settle(id, h); err != nil {
			broken = append(broken, err)
		}
	}
	return broken
}

func (p *promise) settle(id string, h *History) error {
	r := h.Runs[id]
	if r == nil {
		return fmt.Errorf("run %s was acknowledged and is not in the history", id)
	}
	if p.workflow != "" && p.workflow != r.Definition.ID {
		return fmt.Errorf("run %s was acknowledged as one of %s and is one of %s", id, p.workflow, r.Definition.ID)
	}
	// What real commands print names no keys: then there is nothing to compare.
	if made := h.ByKey(p.workflow, p.key); p.key != "" && made != "" && made != id {
		return fmt.Errorf("key %q was answered with run %s and made run %s", p.key, id, made)
	}
	switch {
	case !r.Status.Final():
		return fmt.Errorf("run %s never ended: it is %s", id, r.Status)
	case r.Reopened > 0: // what was told may be of an earlier life
	case p.ended != "" && p.ended != r.Status:
		return fmt.Errorf("run %s was told to be %s and is %s", id, p.ended, r.Status)
	case p.cancelled && r.Status != run.Cancelled:
		return fmt.Errorf("the cancel of run %s was acknowledged and it is %s", id, r.Status)
	}
	return nil
}

func (a *Account) about(id string) *promise {
	p := a.runs[id]
	if p == nil {
		if a.runs == nil {
			a.runs = make(map[string]*promise)
		}
		p = &promise{}
		a.runs[id] = p
		a.order = append(a.order, id)
	}
	return p
}

func keyOf(workflow, key string) string { return workflow + "\x00" + key }
