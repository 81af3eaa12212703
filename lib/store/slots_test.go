package store

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func schedules(t testing.TB, s *Store) map[string]run.Scheduled {
	t.Helper()
	found := map[string]run.Scheduled{}
	must(t, s.Schedules(context.Background(), func(v run.Scheduled) error {
		found[v.Workflow] = v
		return nil
	}))
	return found
}

func slotAt(minute int) *run.Slot {
	return &run.Slot{Schedule: "CRON_TZ=UTC 0 * * * * *", Time: epoch.Truncate(time.Minute).Add(time.Duration(minute) * time.Minute)}
}

func fired(id string, d string, source string, slot *run.Slot) run.Event {
	e := created(id, definition(d, "extract"), epoch)
	e.Created.Source, e.Created.Slot = source, slot
	return e
}

func skipped(d string, slot *run.Slot) run.Event {
	return run.Event{Time: epoch, Kind: run.SlotSkipped, Workflow: d, Status: run.Skipped, Slot: slot, Reason: "the slot of now: no"}
}

func TestNewestDecisionAndPauseSurviveReopening(t *testing.T) {
	ctx := context.Background()
	resumed := epoch.Add(time.Hour)
	of := func(w string, kind run.Kind) run.Event { return run.Event{Time: resumed, Kind: kind, Workflow: w} }
	long := fired("r4", "long", "cron", slotAt(9))
	long.Created.Params, long.Created.Defaults = map[string]string{}, strings.Fields(strings.Repeat("name ", 2000))
	dir := t.TempDir()
	s := open(t, options(dir))
	for _, e := range []run.Event{
		fired("r1", "fires", "cron", slotAt(3)), fired("r2", "fires", "run", slotAt(7)), fired("r3", "fires", "cron", nil), changed("r1", "fires", run.Completed, epoch),
		skipped("skips", slotAt(4)), {Time: epoch, Kind: run.ScheduleSet, Workflow: "skips", Slot: slotAt(2)},
		fired("r5", "paused", "cron", slotAt(1)), of("paused", run.WorkflowPaused),
		of("resumed", run.WorkflowPaused), skipped("resumed", slotAt(1)), of("resumed", run.WorkflowResumed),
		of("after", run.WorkflowResumed), skipped("after", slotAt(5)),
		of("never", run.WorkflowPaused), fired("r6", "manual", "run", nil), long,
	} {
		must(t, s.Append(ctx, []run.Event{e}))
	}
	text := slotAt(0).Schedule
	want := map[string]run.Scheduled{
		"fires":   {Workflow: "fires", Decided: *slotAt(3)},
		"skips":   {Workflow: "skips", Decided: *slotAt(2)}, // the newest, not the latest
		"paused":  {Workflow: "paused", Decided: *slotAt(1), Paused: true},
		"resumed": {Workflow: "resumed", Decided: run.Slot{Schedule: text, Time: resumed}},
		"after":   {Workflow: "after", Decided: *slotAt(5)},
		"never":   {Workflow: "never", Paused: true},
		"long":    {Workflow: "long", Decided: *slotAt(9)},
	}
	for range 2 {
		if got := schedules(t, s); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		must(t, s.Close())
		s = open(t, options(dir))
	}
}

func TestSlotsComeBackWithTheirEvents(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	want := []run.Event{
		fired("r1", "etl", "cron", slotAt(3)),
		{Time: epoch, Kind: run.RunHeld, Workflow: "etl", Run: "r1", Reason: "waits for run r0 to end (overlap: queue)"},
		{Time: epoch, Kind: run.RunReleased, Workflow: "etl", Run: "r1"},
	}
	must(t, s.Append(ctx, want))
	if got := replayed(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What happens to a workflow without a run is no run, and is seen among the
// changes of status alone.
func TestSkippedSlotIsAnEventAndNoRun(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	must(t, s.Append(ctx, []run.Event{
		{Time: epoch, Kind: run.ScheduleSet, Workflow: "etl", Slot: slotAt(0)},
		skipped("etl", slotAt(1)),
		{Time: epoch, Kind: run.WorkflowPaused, Workflow: "etl"},
		{Time: epoch, Kind: run.WorkflowResumed, Workflow: "etl"},
	}))
	page, err := s.ListEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Workflow: "e*"}, Grep: "slot of now"})
	if must(t, err); len(page.Events) != 1 || page.Events[0].Status != "SKIPPED" || page.Events[0].Run != "" || page.Events[0].Task != nil || *page.Events[0].Reason != "the slot of now: no" {
		t.Errorf("the changes are %+v", page.Events)
	}
	if got := replayed(t, s); len(got) != 0 {
		t.Errorf("the replay has %+v", got)
	}
	runs, err := s.ListRuns(ctx, wire.RunList{})
	if must(t, err); len(runs.Runs) != 0 {
		t.Errorf("the runs are %+v", runs.Runs)
	}
	if runs, err = s.ListRuns(ctx, wire.RunList{After: 1}); err != nil || len(runs.Runs) != 0 {
		t.Errorf("the changed runs are %+v, %v", runs.Runs, err)
	}
	found, err := s.FindRuns(ctx, "", 9)
	if must(t, err); len(found) != 0 {
		t.Errorf("found %v", found)
	}
	last, err := s.LastRuns(ctx)
	if must(t, err); len(last) != 0 {
		t.Errorf("the last runs are %v", last)
	}
	if n := count(t, s, "SELECT count(*) FROM app.runs"); n != 0 {
		t.Errorf("the view has %d runs", n)
	}
	if n := count(t, s, "SELECT count(*) FROM app.run_status WHERE run IS NULL AND status = 'SKIPPED'"); n != 1 {
		t.Errorf("run_status has %d skipped slots", n)
	}
}

func count(t testing.TB, s *Store, query string) (n int) {
	t.Helper()
	must(t, s.db.QueryRow(query).Scan(&n))
	return n
}

// A database keeps the views of the program that made it. The next program has
// views of its own, and so has the one before, if it comes back.
func TestDatabaseOfAnotherBuildGetsTheViewsOfThisOne(t *testing.T) {
	ctx := context.Background()
	for name, marked := range map[string]string{
		"made before views had a mark": "DELETE FROM app.meta WHERE name = 'views'",
		"made by another build":        "INSERT INTO app.meta VALUES ('views', 'of another', now()::TIMESTAMP)",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, options(dir))
			must(t, s.Append(ctx, []run.Event{fired("r1", "etl", "cron", slotAt(0)), skipped("etl", slotAt(1))}))
			_, err := s.db.Exec("CREATE OR REPLACE VIEW app.runs AS SELECT run FROM app.events WHERE status IS NOT NULL")
			must(t, err)
			_, err = s.db.Exec(marked)
			must(t, err)
			if n := count(t, s, "SELECT count(*) FROM app.runs"); n != 2 {
				t.Fatalf("the old view has %d rows", n)
			}
			must(t, s.Close())
			made := 0
			for again := range 2 {
				s = open(t, options(dir))
				if n := count(t, s, "SELECT count(workflow) FROM app.runs"); n != 1 {
					t.Errorf("the view has %d runs", n)
				}
				n := count(t, s, "SELECT count(*) FROM app.meta WHERE name = 'views'")
				if again == 0 {
					made = n
				} else if n != made {
					t.Error("they were made again without need")
				}
				must(t, s.Close())
			}
		})
	}
}
