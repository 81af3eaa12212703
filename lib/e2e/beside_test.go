package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// adopted is an installation whose principal has taken over the agent of one
// that was killed.
func adopted(t *testing.T) (in *harness.Installation, companion int) {
	t.Helper()
	needsProc(t)
	in = harness.New(t)
	in.Workflow("slow.yml", slow)
	in.Workflow("hello.yml", hello)
	in.StartPrincipal()
	in.Must("cdktr-run", "hello")
	companion, ok := in.Companion()
	if !ok {
		t.Fatal("no agent lives beside the principal")
	}
	in.KillPrincipal()
	in.RestartPrincipal()
	in.Must("cdktr-run", "hello")
	if now, ok := in.Companion(); !ok || now != companion {
		t.Fatalf("the agent beside the principal is process %d, it was %d", now, companion)
	}
	return in, companion
}

func TestAdoptedAgentStopsWithThePrincipal(t *testing.T) {
	t.Parallel()
	in, companion := adopted(t)
	run := began(t, in)
	in.StopPrincipal()
	if harness.Living(companion) {
		t.Error("the agent lives on")
	}
	harness.Eventually(t, "nothing lives on", func() bool { return len(in.Living()) == 0 })
	in.RestartPrincipal()
	touch(t, in, "go")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d, want COMPLETED in the second", task.Status, task.Attempt)
	}
}

func TestAdoptedAgentThatDiesIsStartedAgain(t *testing.T) {
	t.Parallel()
	in, companion := adopted(t)
	run := began(t, in)
	kill(t, companion)
	touch(t, in, "go")
	ended, _ := finish(t, in, run)
	if task := ended.Tasks[0]; task.Attempt != 2 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d, want COMPLETED in the second", task.Status, task.Attempt)
	}
	if now, ok := in.Companion(); !ok || now == companion {
		t.Errorf("the agent beside the principal is process %d, it was %d", now, companion)
	}
}

func TestAdoptedAgentThatWasDrainedStaysAway(t *testing.T) {
	t.Parallel()
	in, companion := adopted(t)
	in.Must("cdktr-agent", "drain", harness.LineField(t, in.Must("cdktr-agent", "list", "-o", "json"), "[0].agent"))
	harness.Eventually(t, "it ends", func() bool { return !harness.Living(companion) })
	harness.Eventually(t, "it is not started again", func() bool {
		return strings.Contains(in.Principal().Said(), "drained; it is not started again")
	})
	if _, ok := in.Companion(); ok {
		t.Error("there is an agent beside the principal again")
	}
}

// The agent beside a principal that is gone for good does not stay for ever;
// but as long as it has work it does, and what it did is not lost.
func TestAgentBesideNobodyLeavesWhenItIsIdle(t *testing.T) {
	t.Parallel()
	needsProc(t)
	const alone = 1500 * time.Millisecond // longer than between two signs of life
	in := harness.New(t, "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=1500")
	f := follow(t, in)
	in.Workflow("slow.yml", slow)
	in.StartPrincipalAlone()
	agent := in.Command("cdktr-agent", "--beside-principal", "--alone", alone.String())
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = agent.Wait()
		close(ended)
	}()
	gone := func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
	begun := time.Now()
	harness.Eventually(t, "it is idle beside its principal", func() bool {
		for _, a := range f.agents(t) {
			if a.LastSeen.Sub(begun) > 2*alone {
				return true
			}
		}
		return gone()
	})
	if gone() {
		t.Fatal("it left, though its principal was there")
	}
	run := began(t, in)
	in.KillPrincipal()
	select {
	case <-ended:
		t.Fatal("it left, though its task was running")
	case <-time.After(3 * alone):
	}
	touch(t, in, "go")
	harness.Eventually(t, "it leaves", gone)
	harness.Eventually(t, "nothing lives on", func() bool { return len(in.Living()) == 0 })

	in.StartPrincipal()
	r, _ := finish(t, in, run)
	if task := r.Tasks[0]; task.Attempt != 1 || task.Status != "COMPLETED" {
		t.Errorf("the task is %s in attempt %d, want COMPLETED in the first", task.Status, task.Attempt)
	}
	if got := bare(t, in, run, "stdout"); got != "began\nended\n" {
		t.Errorf("stdout is %q", got)
	}
}
