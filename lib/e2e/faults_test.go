package e2e

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// faultTimeout is the heartbeat timeout while both sides are killed.
const faultTimeout = 1500 * time.Millisecond

// Shells start runs; meanwhile the principal and its three agents die, freeze
// and come back, round after round, as a seed has it. In the end all that was
// acknowledged is there and has ended, once, and the history keeps its
// promises. CDKTR_FAULT_ROUNDS and CDKTR_FAULT_SEED choose.
func TestAcknowledgedRunsSurviveFaultsOnBothSides(t *testing.T) {
	t.Parallel()
	harness.Need(t, "flock")
	needsProc(t)
	rounds, seed := setting(t, "CDKTR_FAULT_ROUNDS", 6), setting(t, "CDKTR_FAULT_SEED", time.Now().UnixNano())
	t.Logf("CDKTR_FAULT_SEED=%d", seed)

	in := harness.New(t,
		"CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=200",
		fmt.Sprintf("CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS=%d", faultTimeout.Milliseconds()))
	w := &wreck{T: t, in: in, random: rand.New(rand.NewSource(seed)), done: map[string]int{}}
	in.BuildToFail()
	writeLoad(in)
	in.StartPrincipalAlone()
	stop := startLoad(t, in, 3)
	for i := range 3 {
		w.agents = append(w.agents, &victim{name: fmt.Sprint("web", i+1)})
	}
	w.mend(true)
	begun := time.Now()
	for range rounds {
		w.round()
	}
	w.mend(true)
	took := time.Since(begun)
	stop()
	is := judgeLoad(t, in)
	t.Logf("%d rounds in %v: %s", rounds, took.Round(time.Second), w.told())
	t.Logf("%d asked for, %d acknowledged, %d runs, %d cancels and %d retries acknowledged, %d attempts, %d of them CRASHED, %d runs CRASHED, %d lines",
		is.asked, is.acknowledged, is.runs, is.cancelled, is.retried, is.attempts, is.crashes, is.crashed, is.lines)

	in.StopPrincipal()
	for _, a := range w.agents {
		if err := in.Agent(a.name).Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	harness.Eventually(t, "nothing lives on", func() bool { return len(in.Living()) == 0 })
}

func setting(t *testing.T, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// wreck breaks an installation and mends it.
type wreck struct {
	*testing.T
	in     *harness.Installation
	random *rand.Rand
	agents []*victim
	seen   int // runs acknowledged before the last fault
	done   map[string]int
}

// victim is an agent; what was done to it may outlast a round.
type victim struct {
	name   string
	wakeAt time.Time // set while it is frozen
}

// round waits until the load has come on a little and does one thing.
func (w *wreck) round() {
	w.Helper()
	w.mend(false)
	want := w.seen + 1 + w.random.Intn(4)
	impatient := time.Now().Add(faultTimeout)
	harness.Eventually(w, "runs are acknowledged", func() bool {
		if time.Now().After(impatient) { // all shells may wait for the ends of runs
			w.mend(true)
		}
		w.seen = len(noted(w.T, w.in, "acknowledged"))
		return w.seen >= want
	})
	time.Sleep(time.Duration(w.random.Intn(50_000)) * time.Microsecond) // no place is waited for: any will do
	a := w.agents[w.random.Intn(len(w.agents))]
	faults := []struct {
		name  string
		odds  int
		doing func()
	}{
		{"principal killed", 4, func() { w.in.KillPrincipal(); w.in.RestartPrincipal() }},
		{"principal dead at a failpoint", 4, w.failPrincipal},
		{"agent killed", 4, func() { w.killAgent(a) }},
		{"agent to die at a failpoint", 4, func() { w.failAgent(a) }},
		{"agent frozen", 3, func() { w.freezeAgent(a) }},
		{"both killed", 3, func() { w.killAgent(a); w.in.KillPrincipal(); w.in.RestartPrincipal() }},
		{"watchdog killed", 2, func() { w.killWatchdog(a) }},
	}
	at := w.random.Intn(24)
	for _, f := range faults {
		if at -= f.odds; at < 0 {
			w.done[f.name]++
			f.doing()
			return
		}
	}
}

// mend wakes and starts again what is due: each agent that is dead with even
// odds, or with all set everything.
func (w *wreck) mend(all bool) {
	w.Helper()
	for _, a := range w.agents {
		if !a.wakeAt.IsZero() && (all || time.Now().After(a.wakeAt)) {
			a.wakeAt = time.Time{}
			w.signal(a, syscall.SIGCONT)
		}
		if w.dead(a) && (all || w.random.Intn(2) == 0) {
			w.in.StartAgent(a.name, "--max-concurrent", "4")
		}
	}
}

func (w *wreck) dead(a *victim) bool {
	p := w.in.Agent(a.name)
	if p == nil {
		return true
	}
	select {
	case <-p.Exited():
		return true
	default:
		return false
	}
}

func (w *wreck) signal(a *victim, s syscall.Signal) {
	w.Helper()
	if err := w.in.Agent(a.name).Signal(s); err != nil {
		w.Fatal(err)
	}
}

func (w *wreck) killAgent(a *victim) {
	w.Helper()
	a.wakeAt = time.Time{}
	if err := w.in.Agent(a.name).Kill(); err != nil {
		w.Fatal(err)
	}
}

func (w *wreck) freezeAgent(a *victim) {
	w.Helper()
	a.wakeAt = time.Now().Add(faultTimeout + time.Duration(w.random.Int63n(int64(faultTimeout))))
	w.signal(a, syscall.SIGSTOP)
}

// failAgent has an agent die by itself, soon or later.
func (w *wreck) failAgent(a *victim) {
	w.Helper()
	w.killAgent(a)
	place := agentPlaces[w.random.Intn(len(agentPlaces))]
	w.in.StartAgentToFail(a.name, fmt.Sprintf("%s:%d", place, 1+w.random.Intn(6)), "--max-concurrent", "4")
}

// failPrincipal has the principal die by itself; one that takes too long is
// killed.
func (w *wreck) failPrincipal() {
	w.Helper()
	w.in.KillPrincipal()
	place := principalPlaces[w.random.Intn(len(principalPlaces))]
	doomed := w.in.StartPrincipalToFail(fmt.Sprintf("%s:%d", place, 1+w.random.Intn(8)))
	select {
	case <-doomed.Exited():
	case <-time.After(faultTimeout):
		if err := doomed.Kill(); err != nil {
			w.Fatal(err)
		}
	}
	w.in.RestartPrincipal()
}

func (w *wreck) killWatchdog(a *victim) {
	w.Helper()
	if w.dead(a) {
		return
	}
	for _, pid := range harness.Watchdogs(w.in.Agent(a.name).PID()) {
		kill(w.T, pid)
	}
}

// told is what was done, for the log.
func (w *wreck) told() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(w.done)) {
		all = append(all, fmt.Sprintf("%d × %s", w.done[name], name))
	}
	return strings.Join(all, ", ")
}
