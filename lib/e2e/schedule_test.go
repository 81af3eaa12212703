package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

const everySecond = "cron: \"* * * * * *\"\n"

// notes is a task that notes the slot of its run.
const notes = "tasks: {a: {config: !Subprocess {cmd: sh, args: [-c, 'echo $CDKTR_WORKFLOW $CDKTR_SCHEDULED_TIME >>ran']}}}\n"

// fired are the instants at which runs of a workflow were created.
func fired(t *testing.T, in *harness.Installation, workflow string) []time.Time {
	t.Helper()
	var all []time.Time
	for _, r := range harness.Lines[wire.Run](t, in.Must("cdktr-logs", "--runs", "-w", workflow, "-o", "json")) {
		all = append(all, r.Created.Time)
	}
	return all
}

func TestScheduleInTheDirectoryFiresOnTheSecond(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.StartPrincipal()
	const file = everySecond + notes
	dropped := time.Now()
	in.Workflow("tick.yml", file)
	count := func(n int) {
		t.Helper()
		harness.Eventually(t, fmt.Sprintf("it has fired %d times", n), func() bool { return len(fired(t, in, "tick")) >= n })
	}
	count(2)
	if first := fired(t, in, "tick")[0]; first.Sub(dropped) > 5*time.Second { // budget: loaded within a second, and then the next one
		t.Errorf("the first run came %s after the file", first.Sub(dropped))
	}
	in.Workflow("tick.yml", file+"tasks: [broken")
	harness.Eventually(t, "the mistake is told", func() bool {
		return strings.Contains(in.Must("cdktr-run", "--list", "-o", "json"), `"errors":[{`)
	})
	count(len(fired(t, in, "tick")) + 2)
	if err := os.Remove(filepath.Join(in.Workflows, "tick.yml")); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "it is gone", func() bool { return in.Must("cdktr-run", "--list", "-o", "json") == "" })
	all := fired(t, in, "tick")
	harness.Eventually(t, "all runs end", func() bool { return len(noted(t, in, "ran")) == len(all) })
	var late []time.Duration
	slots := ran(t, in)["tick"]
	for i, slot := range slots {
		late = append(late, all[i].Sub(slot))
		if i > 0 && slot.Sub(slots[i-1]) != time.Second || slot.Nanosecond() != 0 {
			t.Errorf("it ran for %s", slots)
		}
	}
	slices.Sort(late)
	t.Logf("%d slots, late by %v", len(late), late)
	if late[0] < 0 || late[len(late)/2] > 500*time.Millisecond { // budget: 50 ms on an idle machine
		t.Errorf("slots fire late: %v", late)
	}
	time.Sleep(1500 * time.Millisecond) // nothing is to happen in that time
	if n := len(fired(t, in, "tick")); n != len(all) {
		t.Errorf("%d runs after the file was removed", n-len(all))
	}
}

// ran are the slots that tasks have noted, of each workflow in order.
func ran(t *testing.T, in *harness.Installation) map[string][]time.Time {
	t.Helper()
	all := map[string][]time.Time{}
	for _, line := range noted(t, in, "ran") {
		workflow, text, _ := strings.Cut(line, " ")
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[workflow] = append(all[workflow], at)
	}
	for _, slots := range all {
		slices.SortFunc(slots, time.Time.Compare)
	}
	return all
}

// The principal is away for some seconds, and killed more than once while it
// catches up.
func TestMissedSlotsAreCaughtUpWithOnce(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("none.yml", everySecond+"catchup: none\n"+notes)
	in.Workflow("latest.yml", everySecond+"catchup: latest\n"+notes)
	in.Workflow("all.yml", everySecond+"catchup: all\n"+notes)
	for i := range 10 {
		in.Workflow(fmt.Sprintf("more%d.yml", i), everySecond+"catchup: all\n"+notes)
	}
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "8")
	harness.Eventually(t, "they fire", func() bool { return len(fired(t, in, "none")) > 0 && len(fired(t, in, "latest")) > 0 })
	in.KillPrincipal()
	from := time.Now()
	time.Sleep(3500 * time.Millisecond) // three slots
	to := time.Now()
	for _, after := range []time.Duration{0, 2 * time.Millisecond, 10 * time.Millisecond} {
		in.RestartPrincipal() // ready, and about to catch up
		time.Sleep(after)
		in.KillPrincipal()
	}
	in.RestartPrincipal()
	harness.Eventually(t, "all fire again, and their runs end", func() bool {
		for workflow := range map[string]bool{"none": true, "latest": true, "all": true, "more0": true} {
			if all := fired(t, in, workflow); len(all) == 0 || !all[len(all)-1].After(to.Add(time.Second)) {
				return false
			}
		}
		return true
	})
	in.StopPrincipal()
	in.StartPrincipalAlone("--no-scheduler")
	harness.Eventually(t, "all runs end", func() bool {
		return !slices.ContainsFunc(runs(t, in), func(r wire.Run) bool { return r.Ended == nil })
	})
	newest := to.Truncate(time.Second)
	for workflow, slots := range ran(t, in) {
		missed := 0
		for i, slot := range slots {
			if i > 0 && slot.Equal(slots[i-1]) {
				t.Errorf("%s ran twice for %s", workflow, slot)
			}
			if workflow != "none" && workflow != "latest" && i > 0 && slot.Sub(slots[i-1]) != time.Second {
				t.Errorf("%s ran for %s after %s", workflow, slot, slots[i-1])
			}
			if slot.After(from) && !slot.After(to) {
				missed++
				if workflow == "latest" && slot.Before(newest) {
					t.Errorf("%s ran for %s; %s is newer", workflow, slot, newest)
				}
			}
		}
		t.Logf("%s: %d runs, %d for slots that were missed", workflow, len(slots), missed)
		if workflow == "none" && missed > 0 || workflow != "none" && workflow != "latest" && missed < 3 {
			t.Errorf("%s has %d runs for slots that were missed", workflow, missed)
		}
	}
	if n := len(ran(t, in)); n != 13 {
		t.Errorf("%d workflows ran", n)
	}
	skipped := in.Must("cdktr-logs", "--events", "-w", "none", "-o", "json")
	if !strings.Contains(skipped, "slots missed from") || !strings.Contains(skipped, `"status":"SKIPPED"`) {
		t.Errorf("the history does not say what was skipped:\n%s", skipped)
	}
}

// How fast this is on a machine of its own, the benchmark says.
func TestManyWorkflowsInOneSecondFireOnceEach(t *testing.T) {
	t.Parallel()
	const workflows = 1000
	in := harness.New(t)
	due := time.Now().UTC().Truncate(time.Second).Add(8 * time.Second)
	for i := range workflows {
		in.Workflow(fmt.Sprintf("w%d.yml", i), fmt.Sprintf("cron: \"%d %d %d * * *\"\ntasks: {a: {run: echo hello}}\n", due.Second(), due.Minute(), due.Hour()))
	}
	in.StartPrincipalAlone()
	if ready := time.Now(); !ready.Before(due) {
		t.Skipf("the machine is too busy: ready %s after the slot", ready.Sub(due))
	}
	var all []wire.Run
	harness.Eventually(t, "all have fired", func() bool { all = runs(t, in); return len(all) >= workflows })
	seen := map[string]bool{}
	last := due
	for _, r := range all {
		if seen[r.Workflow] || r.Created.Before(due) {
			t.Errorf("%s fired twice, or early: %s", r.Workflow, r.Created)
		}
		seen[r.Workflow] = true
		if r.Created.After(last) {
			last = r.Created.Time
		}
	}
	t.Logf("%d runs are queued %s after their slot", len(all), last.Sub(due))
	if took := last.Sub(due); took > 10*time.Second { // budget: a second for ten times as many
		t.Errorf("it took %s", took)
	}
}

func TestPrincipalWithoutAScheduler(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("tick.yml", everySecond+"tasks: {a: {run: echo hello}}\n")
	in.StartPrincipalAlone("--no-scheduler")
	c := client.New(client.Options{Data: in.Data})
	defer c.Close()
	listeners := func() []wire.ListenerStatus {
		t.Helper()
		var status wire.PrincipalStatus
		if err := c.Call(context.Background(), wire.OpStatus, &wire.Plain{}, &status); err != nil {
			t.Fatal(err)
		}
		return status.Listeners
	}
	if all := listeners(); len(all) != 0 {
		t.Errorf("it has listeners: %+v", all)
	}
	time.Sleep(1100 * time.Millisecond) // nothing is to happen in that time
	if n := len(fired(t, in, "tick")); n > 0 {
		t.Errorf("%d runs without a scheduler", n)
	}
	in.StopPrincipal()
	in.StartPrincipalAlone()
	harness.Eventually(t, "it fires", func() bool { return len(fired(t, in, "tick")) > 0 })
	if all := listeners(); len(all) != 1 || all[0].Listener != "scheduler" || all[0].State != "running" || all[0].Events < 1 || all[0].Error != nil {
		t.Errorf("listeners: %+v", all)
	}
}
