package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// everyRun goes through the pages of a list.
func everyRun(t *testing.T, s *Store, q wire.RunList) (ids []string, pages int) {
	t.Helper()
	for {
		page, err := s.ListRuns(context.Background(), q)
		must(t, err)
		pages++
		for _, r := range page.Runs {
			ids = append(ids, r.Run)
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return ids, pages
		}
	}
}

func TestListsOfRunsAndEventsArePagedAndFiltered(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	const total = 2300
	var want []string
	var events []run.Event
	for n := range total {
		d := definition("etl.daily", "extract")
		if n%2 == 1 {
			d = definition("etlx", "extract")
		}
		id := fmt.Sprintf("r%04d", n)
		want = append(want, id)
		events = append(events, created(id, d, epoch.Add(time.Duration(n)*time.Second)),
			run.Event{Time: epoch, Kind: run.CancelRequested, Workflow: d.ID, Run: id},
			changed(id, d.ID, run.Running, epoch.Add(time.Hour)), changed(id, d.ID, run.Cancelled, epoch.Add(time.Hour)))
	}
	must(t, s.Append(ctx, events))

	got, pages := everyRun(t, s, wire.RunList{})
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%d runs on %d pages", len(got), pages)
	}
	if got, _ := everyRun(t, s, wire.RunList{Last: 1500}); !slices.Equal(got, want[total-1500:]) {
		t.Errorf("the last 1500 are %d", len(got))
	}
	if got, _ := everyRun(t, s, wire.RunList{Last: 2, Filter: wire.Filter{Workflow: "etl.*"}}); !slices.Equal(got, []string{"r2296", "r2298"}) {
		t.Errorf("the last two of etl.* are %v", got)
	}
	since, until := wire.At(epoch.Add(10*time.Second)), wire.At(epoch.Add(12*time.Second))
	if got, _ := everyRun(t, s, wire.RunList{Filter: wire.Filter{Since: &since, Until: &until}}); !slices.Equal(got, want[10:12]) {
		t.Errorf("since is inclusive, until exclusive: %v", got)
	}
	if got, _ := everyRun(t, s, wire.RunList{Filter: wire.Filter{Run: "r0007"}}); !slices.Equal(got, want[7:8]) {
		t.Errorf("one run: %v", got)
	}

	q := wire.EventsQuery{}
	var before int64
	count := 0
	for {
		page, err := s.ListEvents(ctx, q)
		must(t, err)
		for _, e := range page.Events {
			if e.Pos <= before {
				t.Fatalf("position %d after %d", e.Pos, before)
			}
			before = e.Pos
		}
		count += len(page.Events)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			break
		}
	}
	if count != 3*total {
		t.Errorf("%d status changes, want %d: a request to cancel is none", count, 3*total)
	}
	last, err := s.ListEvents(ctx, wire.EventsQuery{Last: 1})
	must(t, err)
	if len(last.Events) != 1 || last.Events[0].Status != "CANCELLED" || last.Events[0].Pos != 4*total || last.Events[0].Task != nil {
		t.Errorf("the last event is %+v", last.Events)
	}

	found, err := s.FindRuns(ctx, "r000", 3)
	must(t, err)
	if !slices.Equal(found, []string{"r0009", "r0008", "r0007"}) {
		t.Errorf("found %v", found)
	}
	for _, prefix := range []string{"nobody", "r\x000", "r00%", "_0001"} {
		if found, err := s.FindRuns(ctx, prefix, 3); len(found) != 0 || err != nil {
			t.Errorf("FindRuns(%q) = %v, %v", prefix, found, err)
		}
	}
	newest, err := s.LastRuns(ctx)
	must(t, err)
	if len(newest) != 2 || newest["etl.daily"].Run != "r2298" || newest["etlx"].Run != "r2299" || newest["etlx"].Status != "CANCELLED" {
		t.Errorf("last runs %+v", newest)
	}
}

func TestPagesOfRunsWithLargeParametersFitIntoMessages(t *testing.T) {
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	for n := range 8 {
		e := created(fmt.Sprint("r", n), d, epoch)
		e.Created.Params = map[string]string{"big": strings.Repeat("x", 600_000)}
		must(t, s.Append(context.Background(), []run.Event{e}))
	}
	ids, pages := everyRun(t, s, wire.RunList{})
	if len(ids) != 8 || pages != 8 {
		t.Errorf("%d runs on %d pages", len(ids), pages)
	}
}

func TestBadCursorIsABadRequest(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	for _, cursor := range []string{"x", "1.2", "1.2.3.4", "1..3", "'.1.2", "99999999999999999999.1.1"} {
		_, runs := s.ListRuns(ctx, wire.RunList{Cursor: cursor})
		_, events := s.ListEvents(ctx, wire.EventsQuery{Cursor: cursor})
		_, logs := s.ListLogs(ctx, wire.LogsQuery{Cursor: cursor})
		for _, err := range []error{runs, events, logs} {
			var bad *wire.Error
			if !errors.As(err, &bad) || bad.Code != wire.BadRequest {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	}
}

func TestEmptyHistoryAnswersEveryQuery(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	runs, err := s.ListRuns(ctx, wire.RunList{Last: 3})
	if err != nil || runs.Runs == nil || len(runs.Runs) != 0 || runs.Cursor != "" {
		t.Errorf("runs %+v, %v", runs, err)
	}
	events, err := s.ListEvents(ctx, wire.EventsQuery{Last: 3})
	if err != nil || events.Events == nil || len(events.Events) != 0 || events.Cursor != "" {
		t.Errorf("events %+v, %v", events, err)
	}
	logs, err := s.ListLogs(ctx, wire.LogsQuery{Last: 3, ByPos: true})
	if err != nil || logs.Records == nil || len(logs.Records) != 0 || logs.More || logs.Cursor == "" {
		t.Errorf("logs %+v, %v", logs, err)
	}
	last, err := s.LastLines(ctx, nil)
	if err != nil || len(last) != 0 {
		t.Errorf("last lines %v, %v", last, err)
	}
	if s.Durable() != 0 {
		t.Errorf("durable is %d", s.Durable())
	}
	must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", 1, epoch, "x")}))
	if got := fmt.Sprint(follow(t, s, wire.LogsQuery{ByPos: true, Cursor: logs.Cursor})); got != "[x]" {
		t.Errorf("following from the empty end: %s", got)
	}
}

func TestNewestLinesOfNothingAreNone(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	must(t, s.Append(ctx, []run.Event{created("r1", d, epoch)})) // there is a position, and no line
	later := wire.At(epoch.Add(24 * time.Hour))
	for _, q := range []wire.LogsQuery{{Last: 2}, {Last: 2, Filter: wire.Filter{Since: &later}}} {
		for _, q.ByPos = range []bool{false, true} {
			if got := follow(t, s, q); len(got) > 0 {
				t.Errorf("%+v: %v", q, got)
			}
		}
		must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", 1, epoch, "x")}))
	}

	// The way back has come to its beginning, and nobody remembers where it was.
	s.look = 0
	q := wire.LogsQuery{Last: 5, ByPos: true, After: 1}
	page, err := s.ListLogs(ctx, q)
	must(t, err)
	if !page.More {
		t.Fatal("a look that is over at once took one page")
	}
	s.readers.mu.Lock()
	s.readers.drop(len(s.readers.kept))
	s.readers.mu.Unlock()
	q.Cursor = page.Cursor
	if got := fmt.Sprint(follow(t, s, q)); got != "[x x]" {
		t.Errorf("the newest 5 of 2 lines are %s", got)
	}
}

// TestViewsHaveTheNamesOfTheOutput reads the files as a person with DuckDB's
// own shell does.
func TestViewsHaveTheNamesOfTheOutput(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, options(dir))
	d := definition("etl.daily", "extract")
	must(t, s.Append(ctx, []run.Event{created("r1", d, epoch), changed("r1", d.ID, run.Running, epoch), leased("r1", d.ID, "extract", 1, epoch),
		ended("r1", d.ID, "extract", 1, 1, epoch), changed("r1", d.ID, run.Failed, epoch.Add(time.Second))}))
	must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", 1, epoch, "hello")}))
	log := s.days.dates[0]
	must(t, s.Close())

	o := options(dir)
	must(t, o.complete())
	connector, err := instance(o)
	must(t, err)
	p := &Store{db: sql.OpenDB(connector)}
	t.Cleanup(func() { _ = p.db.Close() })
	must(t, attach(ctx, p.db, o.Path, "mine", " (READ_ONLY)"))
	must(t, attach(ctx, p.db, o.LogDir+"/"+log+".db", "mylog", " (READ_ONLY)"))
	for query, want := range map[string]string{
		`SELECT concat_ws(' ', run, workflow, status, "trigger", created, started, ended) FROM mine.runs`:                     "r1 etl.daily FAILED run 2026-01-02 03:04:05.678 2026-01-02 03:04:05.678 2026-01-02 03:04:06.678",
		`SELECT string_agg(status, ' ' ORDER BY pos) FROM mine.run_status WHERE run = 'r1'`:                                   "PENDING RUNNING FAILED",
		`SELECT string_agg(concat_ws(' ', task, attempt, status, agent, exit_code), ', ' ORDER BY pos) FROM mine.task_status`: "extract 1 RUNNING web1, extract 1 FAILED web1 1",
		`SELECT concat_ws(' ', time, workflow, run, task, attempt, agent, stream, seq, message) FROM mylog.logs`:              "2026-01-02 03:04:05.678 etl.daily r1 extract 1 web1 stdout 1 hello",
	} {
		var got string
		must(t, p.db.QueryRow(query).Scan(&got))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", query, got, want)
		}
	}
}

// What was acknowledged of a run is shown, whatever else is being written.
func TestRunsAreSeenWhileLinesAreBeingWritten(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	d := definition("etl.daily", "extract")
	s.pos.take(lineWriter, 1) // a commit of lines is under way
	must(t, s.Append(ctx, []run.Event{created("run1", d, epoch), changed("run1", d.ID, run.Completed, epoch)}))
	if got, err := s.GetRun(ctx, "run1"); err != nil || got == nil || got.Status != "COMPLETED" {
		t.Errorf("the run is %+v, %v", got, err)
	}
	if ids, err := s.FindRuns(ctx, "run", 2); err != nil || len(ids) != 1 {
		t.Errorf("found %v, %v", ids, err)
	}
	if list, err := s.ListRuns(ctx, wire.RunList{}); err != nil || len(list.Runs) != 1 || list.Runs[0].Status != "COMPLETED" {
		t.Errorf("listed %+v, %v", list, err)
	}
	if list, err := s.ListEvents(ctx, wire.EventsQuery{}); err != nil || len(list.Events) != 2 {
		t.Errorf("events %+v, %v", list, err)
	}
	if last, err := s.LastRuns(ctx); err != nil || last[d.ID].Status != "COMPLETED" {
		t.Errorf("last %+v, %v", last, err)
	}
}
