package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// ticking prints the time, slowly, until it is to end.
const ticking = `
tasks:
  a:
    run: |
      until [ -e end ]; do date +%s%N; sleep 0.01; done
`

// A follower hears of lines and events within moments, also when the stream was
// bound anew because a key was revoked, and loses none by that.
func TestNewsArriveWithinMomentsOverARevokedKey(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("tick.yml", ticking)
	in.StartPrincipal()
	in.Must("cdktr-principal", "grant", "ada", "--role", "viewer")
	c := client.New(client.Options{Data: in.Data})
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := make(chan wire.Event, 100)
	followed := make(chan error, 1)
	go func() {
		followed <- c.FollowEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Workflow: "tick"}}, func(some wire.Events) error {
			for _, e := range some.Events {
				events <- e
			}
			return nil
		})
	}()
	id := in.Must("cdktr-run", "-d", "tick")
	var late []time.Duration
	var seqs []int64
	done, revoked := false, false
	end, err := c.FollowRun(t.Context(), id, wire.LogsQuery{Stream: wire.Stdout}, func(some wire.Logs) error {
		now := time.Now()
		for _, raw := range some.Records {
			var r wire.LogRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				return err
			}
			printed, err := strconv.ParseInt(*r.Message, 10, 64)
			if err != nil {
				return err
			}
			late = append(late, now.Sub(time.Unix(0, printed)))
			seqs = append(seqs, r.Seq)
		}
		if len(seqs) > 20 && !revoked {
			revoked = true
			in.Must("cdktr-principal", "revoke", "ada")
		}
		if len(seqs) > 60 && !done {
			done = true
			touch(t, in, "end")
		}
		return nil
	})
	if err != nil || end.Status != "COMPLETED" {
		t.Fatalf("%+v, %v", end, err)
	}
	for i, seq := range seqs {
		if seq != int64(i)+1 {
			t.Fatalf("record %d has number %d", i, seq)
		}
	}
	slices.Sort(late)
	t.Logf("from the task to the follower: median %v, p90 %v, most %v", late[len(late)/2], late[len(late)*9/10], late[len(late)-1])

	var story []string
	for len(story) == 0 || story[len(story)-1] != " COMPLETED" {
		select {
		case e := <-events:
			task := ""
			if e.Task != nil {
				task = *e.Task
			}
			story = append(story, task+" "+e.Status)
		case <-time.After(harness.Patience):
			t.Fatalf("the events that came are %q", story)
		}
	}
	if want := []string{" PENDING", " RUNNING", "a RUNNING", "a COMPLETED", " COMPLETED"}; !slices.Equal(story, want) {
		t.Errorf("the events are %q, want %q", story, want)
	}
	cancel()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Errorf("the follower of events ended with %v", err)
	}
}
