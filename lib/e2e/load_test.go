package e2e

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/sim"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// loadWorkflows are what the load runs. Each task notes where another process
// of its own lives beside it, and in the end how many lines it has printed.
var loadWorkflows = map[string]string{
	"job": `tasks: {a: {shell: sh, run: %[1]q}}`,
	"alone": `
exclusive: true
tasks: {a: {shell: sh, run: %[1]q}}`,
	"dag": `
tasks:
  a: {shell: sh, run: %[1]q}
  b: {shell: sh, depends: a, run: %[1]q}
  c: {shell: sh, depends: a, run: %[1]q}
  d: {shell: sh, depends: [b, c], run: %[1]q}`,
	"joint": `
placement: together
tasks:
  a: {shell: sh, run: %[1]q}
  b: {shell: sh, depends: a, run: %[1]q}
  c: {shell: sh, depends: b, run: %[1]q}`,
	"chatty": `tasks: {a: {shell: sh, run: %[1]q}}`,
	"flaky": `
tasks:
  a: {shell: sh, retries: {limit: 2, delay: 300ms}, run: %[2]q}
  b: {shell: sh, depends: a, env: {FROM: "${{ tasks.a.outputs.run }}"}, run: %[3]q}
  c: {shell: sh, depends: b, if: failure, run: %[1]q}
on_end: {shell: sh, run: %[1]q}`,
}

const (
	loadTask   = locked + `echo "$CDKTR_PARAM_LABEL"; sleep 0.1; i=1` + printed
	loadChatty = locked + `i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "line $i"; [ $((i%20)) != 0 ] || sleep 0.05; done` + printed
	// Fails twice in each run, whatever is lost meanwhile.
	loadFails = locked + `echo "run=$CDKTR_RUN_ID" >>"$CDKTR_OUTPUT"; sleep 0.05; echo one
f=failed-$CDKTR_RUN_ID; [ "$(wc -l 2>/dev/null <$f || echo 0)" -ge 2 ] || { echo >>$f; exit 7; }; i=1` + printed
	loadHanded = locked + `sleep 0.1; [ "$FROM" = "$CDKTR_RUN_ID" ] || exit 8; echo "$FROM"; i=1` + printed
	printed    = `; echo "$CDKTR_RUN_ID $CDKTR_TASK $CDKTR_ATTEMPT $i" >>printed`
)

// load is a shell that starts runs until it is told to stop. It notes what was
// acknowledged: runs, some cancels and retries of them, and how some of them
// ended.
const load = `
n=0
while [ ! -e stop ]; do
	n=$((n+1)); label=$1-$n
	case $((n%10)) in 0) w=chatty;; 4|7) w=flaky;; 1|6) w=dag;; 3) w=joint;; 2|8) w=alone;; *) w=job;; esac
	echo "$label" >>asked
	if [ $((n%7)) = 4 ]; then
		cdktr-run -q -o json --key $label $w label=$label >>ended
	else
		id=$(cdktr-run -q -d --key $label $w label=$label) && echo "$w $label $id" >>acknowledged || echo "$label: $?" >>refused
	fi
	[ $((n%11)) != 7 ] || { cdktr-run -q --cancel $id && echo $id >>cancelled && [ $((n%2)) = 1 ] && {
		cdktr-run -q --wait $id || :
		cdktr-run -q -d --retry $id && echo $id >>retried || echo "$label: retry of $id: $?" >>refused
	}; }
	sleep 0.15
done
`

func writeLoad(in *harness.Installation) {
	for name, text := range loadWorkflows {
		task := loadTask
		if name == "chatty" {
			task = loadChatty
		}
		in.Workflow(name+".yml", fmt.Sprintf(text, task, loadFails, loadHanded))
	}
}

// startLoad starts so many shells; the function lets them end and waits for it.
func startLoad(t *testing.T, in *harness.Installation, shells int) (stop func()) {
	t.Helper()
	var all []*exec.Cmd
	for i := range shells {
		cmd := in.Command("sh", "-c", load, "load", fmt.Sprint("s", i))
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	return func() {
		t.Helper()
		touch(t, in, "stop")
		for _, cmd := range all {
			hangs := time.AfterFunc(harness.Patience, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
			if err := cmd.Wait(); err != nil {
				t.Errorf("a shell that starts runs: %v", err)
			}
			hangs.Stop()
		}
	}
}

// figures are what a load came to.
type figures struct {
	asked, acknowledged, runs, attempts, crashes, crashed, cancelled, retried, lines int
}

// judgeLoad waits until all runs have ended, and holds the history against what
// the shells were told and against itself.
func judgeLoad(t *testing.T, in *harness.Installation) (is figures) {
	t.Helper()
	harness.Eventually(t, "all runs end", func() bool {
		return !slices.ContainsFunc(runs(t, in), func(r wire.Run) bool { return r.Ended == nil })
	})
	told := new(sim.Account)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	for _, line := range noted(t, in, "acknowledged") {
		var name, label, id string
		_, err := fmt.Sscan(line, &name, &label, &id)
		check(err)
		check(told.Triggered(name, label, id))
		is.acknowledged++
	}
	for _, r := range harness.Lines[wire.Run](t, strings.Join(noted(t, in, "ended"), "\n")) {
		check(told.Triggered(r.Workflow, r.Params["label"], r.Run))
		check(told.Ended(r.Run, run.Status(r.Status)))
		is.acknowledged++
	}
	for _, id := range noted(t, in, "cancelled") {
		told.Cancelled(id)
		is.cancelled++
	}
	is.retried = len(noted(t, in, "retried"))
	for _, what := range noted(t, in, "refused") {
		t.Errorf("a trigger or a retry was refused: %s", what)
	}
	is.asked = len(noted(t, in, "asked"))

	history := judgeEvents(t, in, &is)
	for _, err := range told.Settle(history) {
		t.Error(err)
	}
	labels := map[string]string{}
	for _, r := range runs(t, in) {
		if first := labels[r.Params["label"]]; first != "" {
			t.Errorf("key %s has the runs %s and %s", r.Params["label"], first, r.Run)
		}
		labels[r.Params["label"]] = r.Run
		if r.Status == "FAILED" {
			t.Errorf("run %s of %s is FAILED", r.Run, r.Workflow)
		}
	}
	if is.runs > is.asked {
		t.Errorf("%d runs were asked for, there are %d", is.asked, is.runs)
	}
	judgeLines(t, in, history, &is)
	for _, double := range noted(t, in, "doubles") {
		t.Errorf("there ran twice at a time: %s", double)
	}
	return is
}

func judgeEvents(t *testing.T, in *harness.Installation, is *figures) *sim.History {
	t.Helper()
	var definitions []*workflow.Definition
	for name, text := range loadWorkflows {
		d, _, err := workflow.Parse(name, name+".yml", []byte(fmt.Sprintf(text, "true", "true", "true")))
		if err != nil {
			t.Fatal(err)
		}
		definitions = append(definitions, d)
	}
	shown := harness.Lines[wire.Event](t, in.Must("cdktr-logs", "--events", "-o", "json"))
	history, broken := sim.ReadHistory(shown, definitions...)
	for _, err := range broken {
		t.Error(err)
	}
	is.runs = len(history.Order)
	for _, e := range shown {
		switch {
		case e.Task != nil && e.Status == "RUNNING":
			is.attempts++
		case e.Task != nil && e.Status == "CRASHED":
			is.crashes++
		case e.Task == nil && e.Status == "CRASHED":
			is.crashed++
		}
	}
	return history
}

// judgeLines holds the lines of all runs to have no hole and no double, and
// those of each task that completed to be all that it noted to have printed. One
// that was killed after its note may have lost what its agent had not read.
func judgeLines(t *testing.T, in *harness.Installation, history *sim.History, is *figures) {
	t.Helper()
	lines := sim.Lines{MayGap: sim.NoGap}
	all := harness.Lines[wire.LogRecord](t, in.Must("cdktr-logs", "-o", "json"))
	for i := range all {
		if err := lines.Add(&all[i]); err != nil {
			t.Error(err)
		}
	}
	is.lines = len(all)
	for _, err := range lines.Attempts(history) {
		t.Error(err)
	}
	notes := map[run.AttemptID]int64{}
	for _, note := range noted(t, in, "printed") {
		var id run.AttemptID
		var n int64
		if _, err := fmt.Sscan(note, &id.Run, &id.Task, &id.Attempt, &n); err != nil {
			t.Fatalf("the note %q: %v", note, err)
		}
		notes[id] = n
	}
	ends := map[wire.StreamID]int64{}
	for _, e := range harness.Lines[wire.Event](t, in.Must("cdktr-logs", "--events", "-o", "json")) {
		if e.Task == nil || e.Status != "COMPLETED" {
			continue
		}
		id := run.AttemptID{Run: e.Run, Task: *e.Task, Attempt: *e.Attempt}
		if notes[id] == 0 {
			t.Errorf("%v is COMPLETED and has not come to its end", id)
		}
		ends[wire.StreamID{Run: id.Run, Task: id.Task, Attempt: id.Attempt, Stream: wire.Stdout}] = notes[id]
	}
	for _, err := range lines.Ends(ends) {
		t.Error(err)
	}
}
