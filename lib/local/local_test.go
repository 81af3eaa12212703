package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

func parse(t *testing.T, text string) *workflow.Definition {
	t.Helper()
	def, problems, _ := workflow.Parse("w", "w.yml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return def
}

func start(t *testing.T, text string, o Options) (*Installation, string) {
	t.Helper()
	o.Workflow, o.Agent = parse(t, text), "here"
	o.Slots = max(o.Slots, 1)
	in := New(o)
	t.Cleanup(func() { in.Kill("the test is over"); in.Close() })
	out, err := in.Trigger(t.Context(), wire.TriggerItem{Workflow: "w", Source: "run"})
	if err != nil {
		t.Fatal(err)
	}
	return in, out.Run
}

// end waits for the run and tells its status and those of its tasks.
func end(t *testing.T, in *Installation, id string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w, err := in.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Run(ctx, id)
	if err != nil || r.Status != w.Status || !w.Ended {
		t.Fatalf("%+v, %+v, %v", w, r, err)
	}
	text := r.Status
	for _, task := range r.Tasks {
		text += fmt.Sprintf(" %s:%s", task.Task, task.Status)
	}
	return text
}

// read takes the lines up to the end of the run, as a reader does.
func read(t *testing.T, in *Installation, id string) string {
	t.Helper()
	return readAll(t, in, id, func(wire.LogRecord) {})
}

// readAll is read for who wants to see the records too.
func readAll(t *testing.T, in *Installation, id string, see func(wire.LogRecord)) string {
	t.Helper()
	var b strings.Builder
	q := wire.LogsQuery{Filter: wire.Filter{Run: id}, ByPos: true}
	for over := false; ; {
		select {
		case <-in.ended:
			over = true
		default:
			q.WaitMS = 20
		}
		ask := q
		if over {
			ask.WaitMS = 0
		}
		var page wire.Logs
		if err := in.Call(t.Context(), wire.OpLogsQuery, &ask, &page); err != nil {
			t.Fatal(err)
		}
		for _, raw := range page.Records {
			var r wire.LogRecord
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			see(r)
			if r.Stream != wire.System {
				fmt.Fprintf(&b, "%s %s %d %s\n", r.Task, r.Stream, r.Seq, *r.Message)
			}
		}
		q.Cursor = page.Cursor
		if over && !page.More {
			return b.String()
		}
	}
}

func TestTasksRunWhenAllTheyDependOnHaveCompleted(t *testing.T) {
	const text = `tasks:
  slow: {run: "sleep 0.1; echo slow"}
  fast: {run: "echo fast"}
  join: {depends: [slow, fast], run: "echo join; echo oops >&2"}
`
	in, id := start(t, text, Options{Slots: 3, Lines: true})
	got := read(t, in, id)
	if want := "fast stdout 1 fast\nslow stdout 1 slow\njoin stdout 1 join\njoin stderr 1 oops\n"; got != want &&
		got != "fast stdout 1 fast\nslow stdout 1 slow\njoin stderr 1 oops\njoin stdout 1 join\n" {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := end(t, in, id); got != "COMPLETED slow:COMPLETED fast:COMPLETED join:COMPLETED" {
		t.Error(got)
	}
}

func TestCancelStopsWhatRunsAndEndsTheRest(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: sleep 600}, b: {run: sleep 600}, c: {depends: a, run: x}}", Options{})
	in.Cancel("enough")
	if got := end(t, in, id); got != "CANCELLED a:CANCELLED b:CANCELLED c:CANCELLED" {
		t.Error(got)
	}
	r, err := in.Run(t.Context(), id)
	if err != nil || *r.Tasks[0].Reason != "enough" || *r.Tasks[0].ExitCode != 143 || r.Tasks[1].ExitCode != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCancelBeforeTheRunCancelsIt(t *testing.T) {
	in := New(Options{Workflow: parse(t, "tasks: {a: {run: sleep 600}}"), Slots: 1})
	defer in.Close()
	in.Cancel("early")
	out, err := in.Trigger(t.Context(), wire.TriggerItem{Workflow: "w", Source: "run"})
	if err != nil {
		t.Fatal(err)
	}
	if got := end(t, in, out.Run); got != "CANCELLED a:CANCELLED" {
		t.Error(got)
	}
}

func TestKillEndsWhatDoesNotListen(t *testing.T) {
	// One does not end when it is told to, and nobody reads what the other says.
	in, id := start(t, `tasks: {a: {run: "trap '' TERM; while :; do sleep 0.02; done"}, b: {run: "yes 0123456789"}}`, Options{Slots: 2, Lines: true, Grace: time.Hour})
	full(t, in)
	in.Cancel("first")
	in.Kill("second")
	if got := end(t, in, id); got != "CANCELLED a:CANCELLED b:CANCELLED" {
		t.Error(got)
	}
}

func TestCloseReturnsWhenNoTaskLives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ended")
	in, _ := start(t, fmt.Sprintf(`tasks: {a: {run: "trap 'sleep 0.2; touch %s; exit' TERM; echo ready; while :; do sleep 0.02; done"}}`, file), Options{Lines: true})
	q := wire.LogsQuery{ByPos: true, WaitMS: 20_000, Cursor: "1"} // the first line is the system's
	var page wire.Logs
	if err := in.Call(t.Context(), wire.OpLogsQuery, &q, &page); err != nil {
		t.Fatal(err)
	}
	in.Close()
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func held(in *Installation) int {
	in.lines.mu.Lock()
	defer in.lines.mu.Unlock()
	return in.lines.bytes
}

// full waits until no more lines are taken.
func full(t *testing.T, in *Installation) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); held(in) < mostHeld; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the lines do not come")
		}
	}
}

// The memory that a noisy task takes is bounded: it waits for its reader.
func TestTasksWaitForTheReader(t *testing.T) {
	const lines = 60_000 // far more than are held
	in, id := start(t, fmt.Sprintf("tasks: {a: {run: seq %d}}", lines), Options{Lines: true})
	full(t, in)
	if n := held(in); n > mostHeld+1000 {
		t.Errorf("%d bytes are held", n)
	}
	var want strings.Builder
	for i := range lines {
		fmt.Fprintf(&want, "a stdout %d %d\n", i+1, i+1)
	}
	if got := read(t, in, id); got != want.String() {
		t.Errorf("%d bytes were read, not %d", len(got), want.Len())
	}
	if got := end(t, in, id); got != "COMPLETED a:COMPLETED" || held(in) > 2*pageSize {
		t.Errorf("%s, %d bytes are held", got, held(in))
	}
}

func TestLinesThatNobodyWantsAreNotKept(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: seq 100000}}", Options{})
	if got := end(t, in, id); got != "COMPLETED a:COMPLETED" || in.lines.bytes+len(in.lines.held) > 0 {
		t.Errorf("%s, %d bytes are held", got, in.lines.bytes)
	}
}

// An answer that was lost on the way is given again: only asking for what comes
// after a line forgets it.
func TestSameCursorGivesTheSameLines(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: seq 3}}", Options{Lines: true})
	end(t, in, id)
	ask := func(cursor string) wire.Logs {
		var page wire.Logs
		if err := in.Call(t.Context(), wire.OpLogsQuery, &wire.LogsQuery{ByPos: true, Cursor: cursor}, &page); err != nil {
			t.Fatal(err)
		}
		return page
	}
	first, again := ask(""), ask("")
	if len(first.Records) != 5 || len(again.Records) != 5 || first.Cursor != again.Cursor {
		t.Errorf("%d lines, then %d", len(first.Records), len(again.Records))
	}
	if rest := ask(first.Cursor); len(rest.Records) != 0 || rest.Cursor != first.Cursor {
		t.Errorf("%+v", rest)
	}
}

func TestOnlyTheRunIsKnown(t *testing.T) {
	in, id := start(t, "tasks: {a: {run: ':'}}", Options{})
	code := func(err error) wire.Code {
		var refused *wire.Error
		if !errors.As(err, &refused) {
			return ""
		}
		return refused.Code
	}
	if _, err := in.Run(t.Context(), "other"); code(err) != wire.NotFound {
		t.Error(err)
	}
	if _, err := in.Wait(t.Context(), "other"); code(err) != wire.NotFound {
		t.Error(err)
	}
	if _, err := in.Trigger(t.Context(), wire.TriggerItem{Workflow: "w", Source: "run"}); code(err) != wire.Conflict {
		t.Error(err)
	}
	if err := in.Call(t.Context(), wire.OpWorkflowList, &wire.WorkflowList{}, nil); code(err) != wire.UnknownOp {
		t.Error(err)
	}
	var r wire.Run
	if err := in.Call(t.Context(), wire.OpRunGet, &wire.RunRef{Run: id}, &r); err != nil || r.Run != id {
		t.Errorf("%+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := in.Wait(ctx, id); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
