package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func replayed(t testing.TB, s *Store) []run.Event {
	t.Helper()
	var events []run.Event
	must(t, s.Replay(context.Background(), func(e run.Event) error {
		events = append(events, e)
		return nil
	}))
	return events
}

func TestReplayReturnsEveryFieldOfEveryEvent(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, options(dir))
	d := definition("etl.daily", "extract", "load")
	code, began := 137, epoch.Add(time.Second)
	want := []run.Event{
		{Time: epoch, Kind: run.RunCreated, Workflow: d.ID, Run: "r1", Status: run.Pending,
			Created: &run.Created{Definition: d, Params: map[string]string{"a": "x\x00y", "b": ""}, Defaults: []string{"b"}, Key: "k", Source: "listen"}},
		{Time: epoch, Kind: run.RunCreated, Workflow: d.ID, Run: "r2", Status: run.Pending,
			Created: &run.Created{Definition: d, Params: map[string]string{}, Source: "cron"}},
		{Time: epoch, Kind: run.RunChanged, Workflow: d.ID, Run: "r1", Status: run.Running},
		leased("r1", d.ID, "extract", 1, epoch),
		{Time: epoch, Kind: run.CancelRequested, Workflow: d.ID, Run: "r1", Reason: "by hand"},
		{Time: epoch, Kind: run.TaskChanged, Workflow: d.ID, Run: "r1", Task: "extract", Attempt: 1, Status: run.Cancelled, Reason: "gräßlich\x00",
			Ended: &run.Ended{Outcome: run.Stopped, ExitCode: &code, Started: &began, Ended: epoch, Lines: map[string]int64{"stdout": 9, "system": 2}, Outputs: map[string]string{"rows": "7\x00\"", "empty": ""}}},
		{Time: epoch, Kind: run.TaskChanged, Workflow: d.ID, Run: "r2", Task: "load", Attempt: 1, Status: run.Failed,
			Ended: &run.Ended{Outcome: run.Unable, Ended: epoch}},
	}
	must(t, s.Append(ctx, want[:3]))
	must(t, s.Append(ctx, want[3:]))
	for range 2 {
		got := replayed(t, s)
		if !reflect.DeepEqual(got, want) {
			for i := range want {
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Errorf("event %d:\n got %+v\nwant %+v", i, got[i], want[i])
				}
			}
			t.FailNow()
		}
		if got[0].Created.Definition != got[1].Created.Definition {
			t.Error("runs of one definition do not share it")
		}
		must(t, s.Close())
		s = open(t, options(dir))
	}
}

func TestReplayLeavesOutRunsThatHaveEnded(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	for i, final := range []run.Status{run.Completed, run.Failed, run.Crashed, run.Cancelled, run.Running} {
		id := fmt.Sprintf("r%d", i)
		must(t, s.Append(ctx, []run.Event{created(id, d, epoch), leased(id, d.ID, "extract", 1, epoch),
			ended(id, d.ID, "extract", 1, 1, epoch), changed(id, d.ID, final, epoch)}))
	}
	got := replayed(t, s)
	if len(got) != 4 || got[0].Run != "r4" || got[3].Pos != 20 {
		t.Errorf("got %+v", got)
	}
	stop := errors.New("enough")
	if err := s.Replay(ctx, func(run.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the callback's error became %v", err)
	}
}

// A run that ended and was opened again is open: all of its events come back,
// those of its end too.
func TestReplayReturnsReopenedRunsWhole(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	reopened := run.Event{Time: epoch, Kind: run.RunReopened, Workflow: d.ID, Run: "open", Status: run.Pending, Agent: "web1", AgentRef: run.AgentRef{ID: "a1", Incarnation: 7}}
	again := reopened
	again.Run = "ended"
	var want []run.Event
	for _, e := range []run.Event{
		created("open", d, epoch), created("ended", d, epoch),
		leased("open", d.ID, "extract", 1, epoch), ended("open", d.ID, "extract", 1, 3, epoch), changed("open", d.ID, run.Failed, epoch),
		changed("ended", d.ID, run.Cancelled, epoch), again,
		reopened, {Time: epoch, Kind: run.TaskQueued, Workflow: d.ID, Run: "open", Task: "extract", Attempt: 2, Reason: "the run is retried"},
		changed("ended", d.ID, run.Completed, epoch.Add(time.Second)),
	} {
		must(t, s.Append(ctx, []run.Event{e}))
		if e.Run == "open" {
			e.Pos = s.Durable()
			want = append(want, e)
		}
	}
	if got := replayed(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	story, err := s.Story(ctx, "open")
	if must(t, err); !reflect.DeepEqual(story, want) {
		t.Errorf("the story is %+v", story)
	}
	if story, err := s.Story(ctx, "nobody"); err != nil || len(story) != 0 {
		t.Errorf("a run that is not known has the story %v, %v", story, err)
	}
	page, err := s.ListEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Run: "open"}})
	if must(t, err); len(page.Events) != 5 || page.Events[4].Status != "PENDING" {
		t.Errorf("the changes are %+v", page.Events)
	}
	rows := ""
	list, err := s.db.QueryContext(ctx, "SELECT run || ' ' || status || ' ' || coalesce(strftime(ended, '%S'), 'open') FROM app.runs ORDER BY run")
	must(t, err)
	defer func() { _ = list.Close() }()
	for list.Next() {
		var row string
		must(t, list.Scan(&row))
		rows += row + "; "
	}
	if want := "ended COMPLETED " + epoch.Add(time.Second).Format("05") + "; open PENDING open; "; rows != want {
		t.Errorf("the view of runs is %q, want %q", rows, want)
	}
}

func TestKeysAreTheNewestOldestFirst(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	for i := range 6 {
		e := created(fmt.Sprintf("r%d", i), d, epoch.Add(time.Duration(i)*time.Hour))
		if i != 3 {
			e.Created.Key, e.Created.Params = fmt.Sprintf("k%d", i), map[string]string{"n": fmt.Sprint(i), "filled in": "x"}
			e.Created.Defaults = []string{"filled in"}
		}
		must(t, s.Append(ctx, []run.Event{e}))
	}
	got := ""
	must(t, s.Keys(ctx, epoch.Add(time.Hour), 3, func(k run.Key) error {
		got += fmt.Sprint(k.Workflow, " ", k.Key, " ", k.Run, " ", k.Params, " ", k.Time.Sub(epoch), "; ")
		return nil
	}))
	if want := "etl.daily k2 r2 map[n:2] 2h0m0s; etl.daily k4 r4 map[n:4] 4h0m0s; etl.daily k5 r5 map[n:5] 5h0m0s; "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A week of slots would make the start slow, and nothing needs their keys.
func TestKeysOfSlotsAreThoseOfTheLastDay(t *testing.T) {
	ctx := context.Background()
	o := options(t.TempDir())
	o.Now = func() time.Time { return epoch.Add(48 * time.Hour) }
	s := open(t, o)
	d := definition("etl.daily", "extract")
	for _, c := range []struct {
		id, key, source string
		at              time.Duration
		slot            bool
	}{
		{"old-slot", "cron:1", "cron", 23 * time.Hour, true},
		{"new-slot", "cron:2", "cron", 25 * time.Hour, true},
		{"future-slot", "cron:3", "cron", 72 * time.Hour, true},
		{"own-key", "mine", "cron", time.Hour, true},
		{"by-hand", "cron:4", "run", time.Hour, false},
		{"no-slot", "cron:5", "cron", time.Hour, false},
	} {
		e := created(c.id, d, epoch.Add(c.at))
		e.Created.Key, e.Created.Source = c.key, c.source
		if c.slot {
			e.Created.Slot = &run.Slot{Schedule: "* * * * *", Time: epoch.Add(c.at)}
		}
		must(t, s.Append(ctx, []run.Event{e}))
	}
	var got []string
	must(t, s.Keys(ctx, epoch, 100, func(k run.Key) error {
		got = append(got, k.Run)
		return nil
	}))
	if want := []string{"new-slot", "future-slot", "own-key", "by-hand", "no-slot"}; !slices.Equal(got, want) {
		t.Errorf("keys of %q, want those of %q", got, want)
	}
}

func TestFailedCommitEndsTheWriter(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	must(t, s.Append(ctx, []run.Event{created("r1", d, epoch)}))
	bad := created("r2", d, epoch)
	bad.Created.Definition = nil
	if err := s.Append(ctx, []run.Event{bad}); !errors.Is(err, ErrDisk) {
		t.Fatal(err)
	}
	if err := s.Append(ctx, []run.Event{created("r3", d, epoch)}); err == nil {
		t.Error("an append after a failed one was accepted")
	}
	must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", 1, epoch, "x")}))
	if s.Durable() != 1 {
		t.Errorf("durable is %d: nothing above the failed batch may be", s.Durable())
	}
	if page, err := s.ListLogs(ctx, wire.LogsQuery{ByPos: true}); err != nil || len(page.Records) != 0 {
		t.Errorf("%d lines above the failed batch are visible, %v", len(page.Records), err)
	}
}

// TestRunsAgreeWithASimpleFold appends random histories and holds every answer
// about runs against a model that is kept beside them.
func TestRunsAgreeWithASimpleFold(t *testing.T) {
	ctx := context.Background()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "a", "b", "c")
	model := make(map[string]*wire.Run)
	var order []string
	now := epoch
	var pending []run.Event
	emit := func(e run.Event) { pending = append(pending, e) }
	for step := range 2000 {
		now = now.Add(time.Duration(1+r.IntN(2000)) * time.Millisecond)
		at := wire.At(now)
		if len(order) == 0 || r.IntN(20) == 0 {
			id := fmt.Sprintf("run%04d", step)
			e := created(id, d, now)
			e.Created.Params = map[string]string{"step": fmt.Sprint(step)}
			emit(e)
			m := &wire.Run{Run: id, Workflow: d.ID, Status: "PENDING", Trigger: "run", Params: wire.Params(e.Created.Params), Created: &at}
			for _, task := range d.Tasks {
				m.Tasks = append(m.Tasks, wire.Task{Task: task.ID, Status: "PENDING", Outputs: map[string]string{}})
			}
			model[id], order = m, append(order, id)
		}
		m := model[order[r.IntN(len(order))]]
		task := &m.Tasks[r.IntN(3)]
		switch {
		case m.Ended != nil && m.Status != "COMPLETED" && r.IntN(4) == 0:
			emit(run.Event{Time: now, Kind: run.RunReopened, Workflow: d.ID, Run: m.Run, Status: run.Pending})
			m.Status, m.Ended = "PENDING", nil
		case m.Ended != nil:
		case m.Status == "PENDING":
			emit(changed(m.Run, d.ID, run.Running, now))
			if m.Status = "RUNNING"; m.Started == nil {
				m.Started = &at
			}
		case r.IntN(30) == 0:
			final := []run.Status{run.Completed, run.Failed, run.Crashed, run.Cancelled}[r.IntN(4)]
			emit(changed(m.Run, d.ID, final, now))
			m.Status, m.Ended = string(final), &at
		case task.Status == "RUNNING" && r.IntN(3) > 0:
			code := r.IntN(2)
			e := ended(m.Run, d.ID, task.Task, task.Attempt, code, now)
			began := wire.At(*e.Ended.Started)
			task.Status, task.ExitCode, task.Started, task.Ended = string(e.Status), &code, &began, &at
			if e.Reason = "exit"; code != 0 {
				reason := "exit"
				task.Reason = &reason
			}
			if code == 0 {
				task.Outputs = map[string]string{"step": fmt.Sprint(step), "": "\n"}
				e.Ended.Outputs = task.Outputs
			}
			emit(e)
		case task.Status == "RUNNING":
			reason := "agent lost"
			emit(run.Event{Time: now, Kind: run.TaskChanged, Workflow: d.ID, Run: m.Run, Task: task.Task, Attempt: task.Attempt,
				Status: run.Crashed, Reason: reason})
			task.Status, task.Reason, task.Ended = "CRASHED", &reason, &at
		case task.Attempt > 0 && task.Status != "PENDING" && r.IntN(2) == 0:
			reason := "agent lost"
			coming := task.Attempt + 1
			emit(run.Event{Time: now, Kind: run.TaskQueued, Workflow: d.ID, Run: m.Run, Task: task.Task, Attempt: coming, Reason: reason})
			*task = wire.Task{Task: task.Task, Status: "PENDING", Attempt: coming, Reason: &reason, Outputs: map[string]string{}}
		default:
			attempt := task.Attempt + 1
			if task.Status == "PENDING" && task.Attempt > 0 {
				attempt = task.Attempt
			}
			emit(leased(m.Run, d.ID, task.Task, attempt, now))
			agent := "web1"
			*task = wire.Task{Task: task.Task, Status: "RUNNING", Attempt: attempt, Agent: &agent, Started: &at, Outputs: map[string]string{}}
		}
		if r.IntN(10) == 0 || step == 1999 {
			must(t, s.Append(ctx, pending))
			pending = nil
		}
	}
	asJSON := func(v any) string {
		b, err := json.Marshal(v)
		must(t, err)
		return string(b)
	}
	for id, want := range model {
		got, err := s.GetRun(ctx, id)
		must(t, err)
		if asJSON(got) != asJSON(want) {
			t.Fatalf("run %s:\n got %s\nwant %s", id, asJSON(got), asJSON(want))
		}
	}
	list, err := s.ListRuns(ctx, wire.RunList{})
	must(t, err)
	if len(list.Runs) != len(order) {
		t.Fatalf("%d runs are listed, want %d", len(list.Runs), len(order))
	}
	for i, got := range list.Runs {
		want := *model[order[i]]
		want.Tasks = nil
		if asJSON(got) != asJSON(want) {
			t.Fatalf("listed run %d:\n got %s\nwant %s", i, asJSON(got), asJSON(want))
		}
	}
	last, err := s.LastRuns(ctx)
	must(t, err)
	if asJSON(last[d.ID]) != asJSON(list.Runs[len(list.Runs)-1]) {
		t.Errorf("the last run is %s", asJSON(last[d.ID]))
	}
	openRuns := make(map[string]bool)
	for _, e := range replayed(t, s) {
		openRuns[e.Run] = true
	}
	for id, m := range model {
		if openRuns[id] == (m.Ended != nil) {
			t.Errorf("run %s is %s; replayed: %v", id, m.Status, openRuns[id])
		}
	}
}

func TestGetRunKnowsOnlyWhatThereIs(t *testing.T) {
	s := open(t, options(t.TempDir()))
	for _, id := range []string{"", "nobody", "a\x00b", "' OR 1=1 --"} {
		if got, err := s.GetRun(context.Background(), id); got != nil || err != nil {
			t.Errorf("GetRun(%q) = %v, %v", id, got, err)
		}
	}
}
