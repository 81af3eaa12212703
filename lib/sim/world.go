package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/workflow"
)

// world is everything, with the one source of chance and the one clock.
type world struct {
	rng    *rand.Rand
	now    time.Duration
	skew   time.Duration // what jumps have made of the wall clock
	agenda agenda

	faults    bool     // off at the end: then every run has to end
	hanging   []string // runs with a process that does not end by itself
	odds      odds
	workflows []*workflow.Definition
	crons     []int // of the first of them: which schedule each has by now
	principal *principal
	agents    []*agent
	clients   clients
	judge     judge

	trace  func(format string, args ...any)
	traced bool // somebody reads it
	steps  int
	err    error // the first broken promise
}

// odds is how bad this world is. Each seed draws its own, so that some worlds
// have one kind of trouble only, and much of it.
type odds struct {
	lose, double, late float64
	principalCrash     float64 // weights of what strikes next
	principalFreeze    float64
	agentCrash         float64
	agentFreeze        float64
	agentStop          float64
	drain              float64
	cut                float64
	jump               float64
	every              time.Duration // between strikes, on average
}

const (
	heartbeat   = 30 * time.Second
	callTimeout = 3 * time.Second
	pullTimeout = 25 * time.Second
	pullExpiry  = 20 * time.Second
)

// Simulate lives through the history of a seed and returns the first promise
// that it breaks. Trace, if not nil, is told what happens.
func Simulate(seed uint64, trace func(format string, args ...any)) error {
	w := newWorld(seed, trace)
	w.begin()
	trouble := w.between(50*time.Second, 200*time.Second)
	w.until(trouble, func() bool { return false })
	w.heal()
	w.until(trouble+20*time.Minute, w.quiet)
	if w.err == nil {
		w.err = w.judgeEnd()
	}
	if w.err != nil {
		return fmt.Errorf("seed %d, step %d, %v: %w", seed, w.steps, w.now, w.err)
	}
	return nil
}

func newWorld(seed uint64, trace func(string, ...any)) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0x63646b7472)), faults: true, traced: trace != nil}
	w.trace = func(format string, args ...any) {
		if trace != nil {
			trace("%6d %9.3fs "+format, append([]any{w.steps, w.now.Seconds()}, args...)...)
		}
	}
	w.judge = newJudge(w)
	pick := func(of ...float64) float64 { return of[w.rng.IntN(len(of))] }
	w.odds = odds{
		lose:            pick(0, 0, 0.02, 0.1, 0.3),
		double:          pick(0, 0, 0.05, 0.2),
		late:            pick(0, 0.02, 0.1),
		principalCrash:  pick(0, 1, 4),
		principalFreeze: pick(0, 0, 1),
		agentCrash:      pick(0, 1, 4),
		agentFreeze:     pick(0, 1, 3),
		agentStop:       pick(0, 0, 1),
		drain:           pick(0, 0, 1),
		cut:             pick(0, 0, 1, 4),
		jump:            pick(0, 0, 1),
		every:           w.between(2*time.Second, 20*time.Second),
	}
	for i := range 1 + w.rng.IntN(4) {
		w.workflows = append(w.workflows, w.drawWorkflow(fmt.Sprintf("w%d", i)))
	}
	w.crons = make([]int, w.rng.IntN(len(w.workflows)+1))
	w.principal = newPrincipal(w)
	agents := 1 + w.rng.IntN(4)
	machine := func() int { return w.rng.IntN(1 + agents/2) }
	for i := range agents {
		id := fmt.Sprintf("a%d", i)
		w.agents = append(w.agents, newAgent(w, id, id, 1+w.rng.IntN(4), machine()))
	}
	if w.chance(0.1) { // somebody else with the same name
		stranger := newAgent(w, "stranger", "a0", 1, machine())
		stranger.first = true // it may be the one that is left
		w.agents = append(w.agents, stranger)
	}
	w.agents[0].first = true
	w.clients = clients{w: w, keys: 1 + w.rng.IntN(10)}
	return w
}

func (w *world) begin() {
	w.principal.start()
	for _, a := range w.agents {
		w.after(w.upTo(5*time.Second), a.start)
	}
	w.clients.begin()
	w.after(w.upTo(w.odds.every), w.strike)
}

// until lets things happen up to an instant, or until done.
func (w *world) until(end time.Duration, done func() bool) {
	const tooMany = 500_000
	for w.err == nil && !done() {
		e, ok := w.agenda.next()
		if !ok || e.at > end {
			w.now = end
			if ok {
				w.agenda.add(e.at, e.what)
			}
			return
		}
		w.now = max(w.now, e.at)
		w.steps++
		if w.steps > tooMany {
			w.fail("the world does not come to rest")
		}
		e.what()
	}
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
		w.trace("BROKEN: %v", w.err)
	}
}

func (w *world) clock() run.Now {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	return run.Now{Wall: start.Add(w.now + w.skew), Mono: w.now}
}

func (w *world) after(d time.Duration, what func()) { w.agenda.add(w.now+d, what) }

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d) + 1))
}

func (w *world) between(from, to time.Duration) time.Duration { return from + w.upTo(to-from) }

// send carries a message: perhaps never, perhaps twice, perhaps late.
func (w *world) send(deliver func()) {
	if w.faults && w.chance(w.odds.lose) {
		return
	}
	copies := 1
	if w.faults && w.chance(w.odds.double) {
		copies = 2
	}
	for range copies {
		d := w.between(100*time.Microsecond, 2*time.Millisecond)
		if w.faults && w.chance(w.odds.late) {
			d = w.upTo(10 * time.Second)
		}
		w.after(d, deliver)
	}
}

// call sends a command to the principal and brings its answer back, over a link
// that may be cut. Either may get lost; the caller has its own patience.
// Connections die with the principal, and what is on its way to it with them.
func (w *world) call(l *link, make func(run.Token) run.Command, answer func(run.Effect)) {
	p := w.principal
	if !p.up {
		return
	}
	life := p.life
	w.send(func() {
		if p.up && p.life == life && w.now >= l.noRequests {
			p.receive(make, func(e run.Effect) {
				if w.now >= l.noAnswers {
					answer(e)
				}
			})
		}
	})
}
