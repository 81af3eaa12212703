package local

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestFollowerHearsEachChangeOnceAndInOrder(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: 'true'}, b: {depends: a, run: exit 3}}", Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var told []string
	follow := func(after int64) {
		told = nil
		err := in.FollowEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Run: id}, After: after}, func(page wire.Events) error {
			for _, e := range page.Events {
				name := "run"
				if e.Task != nil {
					name = *e.Task
				}
				if told = append(told, name+" "+e.Status); name == "run" && e.Status == "FAILED" {
					return errEnough
				}
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	const all = "run PENDING, run RUNNING, a RUNNING, a COMPLETED, b RUNNING, b FAILED, run FAILED"
	if follow(0); strings.Join(told, ", ") != all {
		t.Errorf("heard %q", told)
	}
	if follow(5); strings.Join(told, ", ") != "b FAILED, run FAILED" {
		t.Errorf("after the fifth: %q", told)
	}
}

var errEnough = errors.New("enough")

func TestRunSaysWhatItsTasksWaitFor(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: sleep 600}, b: {depends: a, run: 'true'}, c: {run: 'true'}}", Options{})
	r, err := in.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if b, c := r.Tasks[1].Reason, r.Tasks[2].Reason; b == nil || *b != "waits for a" || c == nil || *c != "waits for a free slot" {
		t.Errorf("%+v", r.Tasks)
	}
}
