package e2e

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// stream is a shell that starts runs without end and notes each that was
// acknowledged. Every second run has a key of its own.
const stream = `
n=0
while :; do
	n=$((n+1)); label=$1-$n; key=
	[ $((n%2)) = 0 ] || key="--key $label"
	echo "$label" >>asked
	id=$(cdktr-run -q -d $key job label=$label) && echo "$label $id" >>acknowledged
done
`

// Three shells start runs, the principal is killed again and again, in the end
// the shells too. What was acknowledged is there, once, and ends; of what was
// not, there is at most one run.
func TestAcknowledgedRunsSurviveKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	const rounds = 4
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))

	in := harness.New(t, "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=200")
	in.Workflow("job.yml", "tasks: {a: {config: !Subprocess {cmd: sh, args: [-c, 'echo $CDKTR_PARAM_LABEL >>ran']}}}")
	in.StartPrincipalAlone()
	in.StartAgent("web1", "--max-concurrent", "4")
	shells := in.Command("sh", "-c", fmt.Sprintf("for i in a b c; do sh -c '%s' $i $i & done; wait", strings.ReplaceAll(stream, "'", `'\''`)))
	shells.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shells.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for range rounds {
		some := seen + 3 + random.Intn(12)
		harness.Eventually(t, "runs are acknowledged", func() bool { seen = len(noted(t, in, "acknowledged")); return seen >= some })
		time.Sleep(time.Duration(random.Intn(20_000)) * time.Microsecond) // no place is waited for: any will do
		in.KillPrincipal()
		in.RestartPrincipal()
	}
	some := len(noted(t, in, "acknowledged")) + 3
	harness.Eventually(t, "runs are acknowledged again", func() bool { return len(noted(t, in, "acknowledged")) >= some })
	in.KillPrincipal()
	if err := syscall.Kill(-shells.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = shells.Wait()
	in.RestartPrincipal()

	acknowledged := map[string]string{}
	for _, line := range noted(t, in, "acknowledged") {
		label, id, _ := strings.Cut(line, " ")
		acknowledged[label] = id
	}
	harness.Eventually(t, "all runs end", func() bool {
		return !slices.ContainsFunc(runs(t, in), func(r wire.Run) bool { return r.Ended == nil })
	})
	there := map[string]int{}
	for _, r := range runs(t, in) {
		label := r.Params["label"]
		if there[label]++; there[label] > 1 {
			t.Errorf("%s has %d runs", label, there[label])
		}
		if id := acknowledged[label]; id != "" && id != r.Run {
			t.Errorf("%s is run %s, acknowledged was %s", label, r.Run, id)
		}
		if r.Status != "COMPLETED" {
			t.Errorf("run %s is %s", r.Run, r.Status)
		}
	}
	for label, id := range acknowledged {
		if there[label] == 0 {
			t.Errorf("%s was acknowledged as run %s and is gone", label, id)
		}
	}
	// Only the principal died: no task of the agent ran twice.
	ran := map[string]int{}
	for _, label := range noted(t, in, "ran") {
		ran[label]++
	}
	for label, n := range there {
		if ran[label] != n {
			t.Errorf("%s has %d runs, its task ran %d times", label, n, ran[label])
		}
	}
	asked := len(noted(t, in, "asked"))
	t.Logf("%d asked for, %d acknowledged, %d runs, %d kills", asked, len(acknowledged), len(there), rounds+1)
	if len(there) > asked {
		t.Errorf("%d runs were asked for, there are %d", asked, len(there))
	}
}

// noted are the whole lines of a file that shells append to.
func noted(t *testing.T, in *harness.Installation, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(in.Dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1]
}

// What runs, runs on while the principal is away: its output and its result
// are handed in afterwards.
func TestRestartOfThePrincipalKillsNoRunningTask(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("slow.yml", `
tasks:
  a: {run: "echo before; until [ -e go ]; do sleep 0.01; done; echo after; echo done >ended"}
  b: {depends: a, run: "echo last"}
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "slow")
	harness.Eventually(t, "the first line is in the history", func() bool { return bare(t, in, run, "stdout") == "before\n" })
	in.KillPrincipal()
	touch(t, in, "go")
	harness.Eventually(t, "the task ends without a principal", func() bool {
		_, err := os.Stat(filepath.Join(in.Dir, "ended"))
		return err == nil
	})
	in.RestartPrincipal()
	in.Must("cdktr-run", "--wait", run)
	r := show(t, in, run)
	if statuses(r) != "a COMPLETED, b COMPLETED" || r.Tasks[0].Attempt != 1 {
		t.Errorf("the tasks are %s, the first after %d attempts", statuses(r), r.Tasks[0].Attempt)
	}
	if got := bare(t, in, run, "stdout"); got != "before\nafter\nlast\n" {
		t.Errorf("stdout is %q", got)
	}
}

// A principal killed while a task prints: no line is lost or doubled.
func TestNoLineIsLostOrDoubledByKillOfThePrincipal(t *testing.T) {
	t.Parallel()
	in := harness.New(t)
	in.Workflow("talk.yml", `
tasks: {a: {run: "i=0; until [ -e enough ]; do i=$((i+1)); echo line $i; echo err $i >&2; [ $((i%20)) != 0 ] || sleep 0.005; done; echo $i >count"}}
`)
	in.StartPrincipalAlone()
	in.StartAgent("web1")
	run := in.Must("cdktr-run", "-d", "talk")
	for range 3 {
		seen := len(bare(t, in, run, "stdout"))
		harness.Eventually(t, "more lines come", func() bool { return len(bare(t, in, run, "stdout")) > seen })
		in.KillPrincipal()
		in.RestartPrincipal()
	}
	touch(t, in, "enough")
	in.Must("cdktr-run", "--wait", run)
	var n int
	if _, err := fmt.Sscan(read(t, filepath.Join(in.Dir, "count")), &n); err != nil {
		t.Fatal(err)
	}
	for stream, word := range map[string]string{"stdout": "line", "stderr": "err"} {
		lines := strings.Split(strings.TrimSuffix(bare(t, in, run, stream), "\n"), "\n")
		for i, line := range lines {
			if want := fmt.Sprintf("%s %d", word, i+1); line != want {
				t.Fatalf("%s: line %d is %q, want %q", stream, i+1, line, want)
			}
		}
		if len(lines) != n {
			t.Errorf("%s: %d lines, the task wrote %d", stream, len(lines), n)
		}
	}
}
