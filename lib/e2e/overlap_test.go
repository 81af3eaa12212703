package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// held is a workflow whose task runs until there is a file with the run's id.
func held(rules string) string {
	return rules + "\ntasks: {a: {run: 'until [ -e \"go-$CDKTR_RUN_ID\" ]; do sleep 0.01; done'}}\n"
}

// One workflow for each rule, what comes of a second and a third run, and of a
// principal that is killed while one waits.
func TestOverlapRules(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	for name, rules := range map[string]string{"skip": "overlap: skip", "queue": "overlap: queue", "replace": "overlap: replace", "two": "max_active_runs: 2"} {
		in.Workflow(name+".yml", held(rules))
	}
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "20")
	start := func(name string) string { return in.Must("cdktr-run", "-d", name) }
	first := map[string]string{}
	for _, name := range []string{"skip", "queue", "replace", "two"} {
		first[name] = start(name)
	}
	for name, run := range first {
		harness.Eventually(t, "the first run of "+name+" runs", func() bool { return show(t, in, run).Status == "RUNNING" })
	}

	said := "cdktr-run: workflow skip is active: run " + first["skip"] + " (overlap: skip)\n"
	if got := in.Run("cdktr-run", "skip"); got.Code != 75 || got.Stderr != said || got.Stdout != "" {
		t.Errorf("skip: %+v", got)
	}
	second := map[string]string{"queue": start("queue"), "replace": start("replace"), "two": start("two")}
	third := start("two")
	waits := func(run string) (reason string) {
		r := show(t, in, run)
		if r.Status == "PENDING" && r.Tasks[0].Reason != nil {
			return *r.Tasks[0].Reason
		}
		return r.Status
	}
	want := "waits for run " + first["queue"] + " to end (overlap: queue)"
	if got := waits(second["queue"]); got != want {
		t.Errorf("the second of queue: %q", got)
	}
	if got := waits(third); !strings.HasPrefix(got, "waits for run ") || !strings.HasSuffix(got, " to end (max_active_runs: 2)") {
		t.Errorf("the third of two: %q", got)
	}
	harness.Eventually(t, "the second of two runs", func() bool { return show(t, in, second["two"]).Status == "RUNNING" })

	replaced := in.Run("cdktr-run", "--wait", first["replace"])
	if replaced.Code != 3 {
		t.Errorf("the first of replace: %+v", replaced)
	}
	if reason := show(t, in, first["replace"]).Tasks[0].Reason; reason == nil || *reason != "replaced by run "+second["replace"]+" (overlap: replace)" {
		t.Errorf("the first of replace ended because %v", reason)
	}
	harness.Eventually(t, "the second of replace runs", func() bool { return show(t, in, second["replace"]).Status == "RUNNING" })

	in.KillPrincipal()
	in.RestartPrincipal()
	if got := waits(second["queue"]); got != want {
		t.Errorf("after the restart the second of queue: %q", got)
	}
	for _, run := range []string{first["skip"], first["queue"], second["queue"], second["replace"], first["two"], second["two"], third} {
		touch(t, in, "go-"+run)
		in.Must("cdktr-run", "--wait", run)
	}
	if begun, ended := show(t, in, second["queue"]).Started, show(t, in, first["queue"]).Ended; begun.Before(ended.Time) {
		t.Errorf("the second of queue began at %v, the first ended at %v", begun, ended)
	}
	run := start("skip")
	touch(t, in, "go-"+run)
	in.Must("cdktr-run", "--wait", run)
}

func TestPausedWorkflowStaysPausedOverKill(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("tick.yml", "cron: '* * * * * *'\ntasks: {a: {run: 'true'}}\n")
	in.StartPrincipal()
	listed := func() wire.Workflow { return one[wire.Workflow](t, in.Must("cdktr-run", "--list")) }
	runs := func() int { return len(harness.Lines[wire.Run](t, in.Must("cdktr-logs", "--runs", "-n", "all"))) }
	if w := listed(); w.Paused || w.Next == nil {
		t.Errorf("it begins as %+v", w)
	}
	harness.Eventually(t, "it ticks", func() bool { return runs() > 0 })
	in.Must("cdktr-run", "--pause", "tick")
	before := runs()
	in.KillPrincipal()
	in.RestartPrincipal()
	if w := listed(); !w.Paused || w.Next != nil {
		t.Errorf("after kill -9 it is %+v", w)
	}
	if got := in.Run("cdktr-run", "-q", "tick"); got.Code != 0 {
		t.Errorf("it cannot be started by hand: %+v", got)
	}
	in.Must("cdktr-run", "--pause", "tick") // again: no error
	if got := in.Run("cdktr-run", "--pause", "tock"); got.Code != 66 || !strings.Contains(got.Stderr, `did you mean "tick"?`) {
		t.Errorf("another name: %+v", got)
	}
	if after := runs(); after != before+1 {
		t.Errorf("%d runs before the pause, %d after it with one by hand", before, after)
	}
	in.Must("cdktr-run", "--resume", "tick")
	in.KillPrincipal()
	in.RestartPrincipal()
	if w := listed(); w.Paused || w.Next == nil {
		t.Errorf("resumed it is %+v", w)
	}
	harness.Eventually(t, "it ticks again", func() bool { return runs() > before+1 })
	events := harness.Lines[struct{ Run *string }](t, in.Must("cdktr-logs", "--events", "-n", "all", "-w", "tick"))
	if slices.ContainsFunc(events, func(e struct{ Run *string }) bool { return e.Run != nil && *e.Run == "" }) {
		t.Error("an event has an empty run")
	}
}
