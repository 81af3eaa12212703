package sim

import (
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// ended is a history of runs that have come as far as their status.
func ended(t *testing.T, runs map[string]run.Status) *History {
	t.Helper()
	h := NewHistory()
	add := func(ev run.Event) {
		ev.Workflow = "w"
		if err := h.Add(ev); err != nil {
			t.Fatal(err)
		}
	}
	for id, status := range runs {
		add(run.Event{Kind: run.RunCreated, Run: id, Created: &run.Created{
			Definition: &workflow.Definition{ID: "w", Tasks: []workflow.Task{{ID: "a"}}}, Key: "key of " + id}})
		if status == run.Cancelled {
			add(run.Event{Kind: run.CancelRequested, Run: id})
			add(run.Event{Kind: run.TaskChanged, Run: id, Task: "a", Status: status})
			add(run.Event{Kind: run.RunChanged, Run: id, Status: status})
			continue
		}
		add(run.Event{Kind: run.RunChanged, Run: id, Status: run.Running})
		add(run.Event{Kind: run.TaskChanged, Run: id, Task: "a", Status: run.Running, Attempt: 1, AgentRef: run.AgentRef{ID: "x"}})
		if status != run.Running {
			add(run.Event{Kind: run.TaskChanged, Run: id, Task: "a", Status: status, Attempt: 1, AgentRef: run.AgentRef{ID: "x"}, Ended: &run.Ended{}})
			add(run.Event{Kind: run.RunChanged, Run: id, Status: status})
		}
	}
	return h
}

func TestAccountSeesWhatWasNotKept(t *testing.T) {
	h := ended(t, map[string]run.Status{"done": run.Completed, "failed": run.Failed, "open": run.Running, "cancelled": run.Cancelled})
	for _, c := range []struct {
		name string
		tell func(a *Account) error
		want string // of Settle; empty: all was kept
	}{
		{"all kept", func(a *Account) error {
			a.Cancelled("cancelled")
			return first(a.Triggered("w", "", "done"), a.Triggered("w", "k", "failed"), a.Ended("done", run.Completed), a.Ended("cancelled", run.Cancelled))
		}, ""},
		{"told twice", func(a *Account) error {
			return first(a.Triggered("w", "key of done", "done"), a.Triggered("w", "key of done", "done"), a.Ended("done", run.Completed), a.Ended("done", run.Completed))
		}, ""},
		{"a run is lost", func(a *Account) error { return a.Triggered("w", "", "gone") }, "run gone was acknowledged and is not in the history"},
		{"a run never ends", func(a *Account) error { return a.Triggered("w", "", "open") }, "run open never ended: it is RUNNING"},
		{"another workflow ran", func(a *Account) error { return a.Triggered("v", "", "done") }, "run done was acknowledged as one of v and is one of w"},
		{"a key has another run", func(a *Account) error { return a.Triggered("w", "key of done", "failed") }, `key "key of done" was answered with run failed and made run done`},
		{"another end was told", func(a *Account) error { return a.Ended("failed", run.Completed) }, "run failed was told to be COMPLETED and is FAILED"},
		{"an end was told too early", func(a *Account) error { return a.Ended("open", run.Completed) }, "run open never ended: it is RUNNING"},
		{"a cancel is lost", func(a *Account) error { a.Cancelled("done"); return nil }, "the cancel of run done was acknowledged and it is COMPLETED"},
	} {
		var a Account
		if err := c.tell(&a); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var got []string
		for _, err := range a.Settle(h) {
			got = append(got, err.Error())
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAccountSeesWhatCannotBothBeTrue(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(a *Account) error
		then func(a *Account) error
	}{
		{"one key, two runs", func(a *Account) error { return a.Triggered("w", "k", "r1") }, func(a *Account) error { return a.Triggered("w", "k", "r2") }},
		{"one run, two keys", func(a *Account) error { return a.Triggered("w", "k", "r1") }, func(a *Account) error { return a.Triggered("w", "l", "r1") }},
		{"one run with a key and without", func(a *Account) error { return a.Triggered("w", "", "r1") }, func(a *Account) error { return a.Triggered("w", "k", "r1") }},
		{"one run of two workflows", func(a *Account) error { return a.Triggered("w", "", "r1") }, func(a *Account) error { return a.Triggered("v", "", "r1") }},
		{"two ends", func(a *Account) error { return a.Ended("r1", run.Failed) }, func(a *Account) error { return a.Ended("r1", run.Crashed) }},
		{"an end that is none", func(a *Account) error { return nil }, func(a *Account) error { return a.Ended("r1", run.Running) }},
		{"no run", func(a *Account) error { return nil }, func(a *Account) error { return a.Triggered("w", "", "") }},
	} {
		var a Account
		if err := c.tell(&a); err != nil {
			t.Errorf("%s: the good part: %v", c.name, err)
		}
		if c.then(&a) == nil {
			t.Errorf("%s: not seen", c.name)
		}
	}
	var a Account
	if err := first(a.Triggered("v", "k", "r1"), a.Triggered("w", "k", "r2")); err != nil {
		t.Errorf("a key is its workflow's own: %v", err)
	}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
