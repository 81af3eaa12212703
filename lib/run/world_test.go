package run

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/workflow"
)

// world is a machine with a log and obedient agents around it, driven by the
// lines of a transcript.
type world struct {
	t         *testing.T
	config    Config
	m         *Machine
	now       Now
	workflows map[string]*workflow.Definition
	log       []Event
	token     Token
	agents    map[string]*puppet // by name
	tokens    map[Token]*puppet
	out       []string
	leases    bool // print what they carry
}

func newWorld(t *testing.T) *world {
	w := &world{
		t:         t,
		now:       Now{Wall: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)},
		workflows: make(map[string]*workflow.Definition),
		agents:    make(map[string]*puppet),
		tokens:    make(map[Token]*puppet),
	}
	w.m = New(w.config)
	return w
}

// do carries out one line of a transcript and adds to what it printed.
func (w *world) do(s string) {
	l := parseLine(s)
	switch l.verb {
	case "workflow": // workflow join fast slow/retries:2/delay:10s join<fast,slow/if:always on_end placement=together
		w.define(l)
	case "trigger": // trigger w=join run=r1 key=k params=a:1,b:2
		w.apply(Trigger{Token: w.next(), Run: l.named["run"], Workflow: w.workflows[l.named["w"]], Params: l.pairs("params"), Key: l.named["key"], Source: "run"})
	case "slot": // slot join @10s run=r1 of=hourly source=cron: a trigger for a slot
		w.apply(Trigger{Token: w.next(), Run: l.named["run"], Workflow: w.workflows[l.words[0]], Key: l.named["key"], Source: or(l.named["source"], SourceCron), Slot: w.slot(l)})
	case "decide": // decide join @10s of=hourly reason=missed
		w.apply(Decide{Token: w.next(), Workflow: l.words[0], Slot: *w.slot(l), Reason: l.named["reason"]})
	case "pause", "resume":
		w.apply(Pause{Token: w.next(), Workflow: l.words[0], Resume: l.verb == "resume"})
	case "schedule":
		w.print("%s", scheduled(w.m.Schedule(l.words[0])))
	case "agent": // agent a1 slots=2: says hello and pulls from then on
		p := w.puppet(l)
		p.obedient = true
		w.hello(p)
	case "hello": // hello a1 id=x inc=2 held=r1/x#1,r1/y#1:done: this and no more
		w.hello(w.puppet(l))
	case "pull": // pull a1 seq=3 held=…
		p := w.puppet(l)
		p.seq = l.number("seq", p.seq+1)
		w.pull(p)
	case "result": // result r1/a#1 exit=0 by=a1; or one of: unable stopped dropped
		w.result(l)
	case "retry": // retry r1 after=7
		id := l.words[0]
		w.apply(Retry{Token: w.next(), Run: id, Story: w.story(id), After: l.number("after", int64(len(w.log)))})
	case "why": // why r1
		why := w.m.Why(l.words[0])
		for _, task := range slices.Sorted(maps.Keys(why)) {
			w.print("%s: %s", task, why[task])
		}
	case "leases": // from now on: what leases carry
		w.leases = true
	case "deadline":
		due, _ := w.m.Deadline()
		w.print("in %v", due-w.now.Mono)
	case "scheduled": // scheduled r1: what its leases say
		w.print("%s", w.m.runs[l.words[0]].scheduled.Format("15:04:05"))
	case "cancel":
		w.apply(Cancel{Token: w.next(), Run: l.words[0]})
	case "renew":
		w.apply(Renew{Token: w.next(), Agent: w.puppet(l).ref})
	case "drain":
		w.apply(Drain{Token: w.next(), Name: l.words[0]})
	case "leave":
		p := w.puppet(l)
		p.obedient = false
		w.apply(Leave{Token: w.next(), Agent: p.ref})
	case "expire":
		w.apply(Expire{Token: w.agents[l.words[0]].token})
	case "silence": // the agent falls silent, or the answer to it is lost
		w.agents[l.words[0]].obedient = false
	case "forget": // forget a1 r1/x#1: the agent never got it, or lost it
		w.puppetForget(w.agents[l.words[0]], parseAttempt(l.words[1]))
	case "wait":
		d, err := time.ParseDuration(l.words[0])
		if err != nil {
			w.t.Fatal(err)
		}
		w.wait(d)
	case "sleep": // the principal itself is stopped for a while
		d, err := time.ParseDuration(l.words[0])
		if err != nil {
			w.t.Fatal(err)
		}
		w.now.Mono += d
		w.now.Wall = w.now.Wall.Add(d)
		w.apply(Tick{})
	case "clock": // the wall clock is set
		w.now.Wall = w.now.Wall.Add(time.Duration(w.duration(l.words[0])))
	case "advance": // time passes, and nobody has looked yet
		d := time.Duration(w.duration(l.words[0]))
		w.now.Mono += d
		w.now.Wall = w.now.Wall.Add(d)
	case "restart": // the principal dies and replays its log
		w.restart()
	case "state":
		if !strings.HasSuffix(w.m.String(), "\n") {
			w.print("no open runs")
			break
		}
		w.print("%s", strings.TrimSuffix(w.m.String(), "\n"))
	case "agents":
		for _, a := range w.m.Agents() {
			w.print("%s %s slots=%d holds=%v", a.Name, a.Status, a.Slots, names(a.Attempts))
		}
	default:
		w.t.Fatalf("unknown verb in transcript: %q", s)
	}
}

func (w *world) print(format string, args ...any) {
	w.out = append(w.out, fmt.Sprintf(format, args...))
}

func (w *world) next() Token {
	w.token++
	return w.token
}

// story is all events of a run.
func (w *world) story(id string) []Event {
	var story []Event
	for _, ev := range w.log {
		if ev.Run == id {
			story = append(story, ev)
		}
	}
	return story
}

func (w *world) result(l line) {
	id := parseAttempt(l.words[0])
	by := w.agents[l.named["by"]]
	if by == nil {
		for _, name := range w.puppets() {
			for _, h := range w.agents[name].held {
				if h.AttemptID == id {
					by = w.agents[name]
				}
			}
		}
	}
	if by == nil {
		w.t.Fatalf("nobody holds %s", l.words[0])
	}
	res := Result{AttemptID: id, Outcome: Exited, Reason: l.named["reason"], Ended: w.now.Wall, Outputs: l.pairs("outputs")}
	if n := l.number("bytes", 0); n > 0 {
		res.Outputs = map[string]string{"x": strings.Repeat("x", int(n))}
	}
	if len(l.words) > 1 {
		res.Outcome = Outcome(l.words[1])
	} else {
		code := int(l.number("exit", 0))
		res.ExitCode = &code
	}
	w.puppetForget(by, id)
	w.apply(Report{Token: w.next(), Agent: by.ref, Result: res})
}

// wait lets time pass, with its ticks and its heartbeats.
func (w *world) wait(d time.Duration) {
	const beat = 5 * time.Second
	end := w.now.Mono + d
	for w.now.Mono < end {
		to := min(end, (w.now.Mono/beat+1)*beat)
		if due, ok := w.m.Deadline(); ok && due <= to {
			to = max(due, w.now.Mono)
		}
		w.now.Wall = w.now.Wall.Add(to - w.now.Mono)
		w.now.Mono = to
		if due, ok := w.m.Deadline(); ok && due <= to {
			w.apply(Tick{})
		}
		if to%beat == 0 {
			for _, name := range w.puppets() {
				if p := w.agents[name]; p.obedient {
					w.apply(Renew{Agent: p.ref})
				}
			}
		}
	}
}

// restart takes the principal's place after its death.
func (w *world) restart() {
	w.m = w.replay()
	w.m.Start(w.now)
}

// replay makes a machine of what a store would give back: the events of the runs
// that have not ended. It must be the machine that is there.
func (w *world) replay() *Machine {
	open := make(map[string]bool)
	for _, ev := range w.log {
		open[ev.Run] = ev.Run != "" && !(ev.Kind == RunChanged && ev.Status.Final())
	}
	m := New(w.config)
	for _, s := range w.scheduled() {
		m.RestoreScheduled(s)
	}
	for _, ev := range w.log {
		if ev.Kind == RunCreated {
			m.RestoreKey(Key{Workflow: ev.Workflow, Key: ev.Created.Key, Run: ev.Run, Params: ev.Created.Params, Time: ev.Time})
		}
	}
	for _, ev := range w.log {
		if open[ev.Run] {
			if err := m.Restore(ev); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if live, replayed := w.m.String(), m.String(); live != replayed {
		w.t.Fatalf("replay differs\nlive:\n%s\nreplayed:\n%s", live, replayed)
	}
	return m
}

func (w *world) apply(cmd Command) {
	events, effects := w.m.Apply(w.now, cmd)
	for _, ev := range events {
		if before := w.story(ev.Run); len(before) > 0 && ev.Time.Before(before[len(before)-1].Time) {
			w.t.Errorf("the time of run %s goes back to %v", ev.Run, ev.Time)
		}
		ev.Pos = int64(len(w.log) + 1)
		w.log = append(w.log, ev)
	}
	if len(events) > 0 {
		w.replay() // the principal may die at any time
	}
	leased := make(map[AttemptID]bool)
	for _, ev := range events {
		switch {
		case ev.Kind == CancelRequested:
			w.print("%s is to be cancelled", ev.Run)
		case ev.Kind == RunTimedOut:
			w.print("%s is over time%s", ev.Run, because(ev.Reason))
		case ev.Kind == RunReopened:
			w.print("%s %s again", ev.Run, ev.Status)
		case ev.Kind == RunHeld:
			w.print("%s held%s", ev.Run, because(ev.Reason))
		case ev.Kind == RunReleased:
			w.print("%s released%s", ev.Run, because(ev.Agent))
		case ev.Run == "":
			w.print("%s %s%s%s", ev.Workflow, ev.Kind, slotted(ev.Slot), because(ev.Reason))
		case ev.Kind == TaskQueued:
			w.print("%s/%s#%d queued%s", ev.Run, ev.Task, ev.Attempt, because(ev.Reason))
		case ev.Kind != TaskChanged:
			w.print("%s %s%s", ev.Run, ev.Status, because(ev.Reason))
		case ev.Status == Running:
			leased[AttemptID{ev.Run, ev.Task, ev.Attempt}] = true
			w.print("lease %s/%s#%d -> %s", ev.Run, ev.Task, ev.Attempt, ev.Agent)
		default:
			w.print("%s/%s#%d %s%s", ev.Run, ev.Task, ev.Attempt, ev.Status, because(ev.Reason))
		}
	}
	var again []*puppet
	for _, e := range effects {
		switch e := e.(type) {
		case Triggered:
			switch {
			case e.Existing:
				w.print("existing %s", e.Run)
			case e.Skipped != "":
				w.print("skipped: %s", e.Skipped)
			}
		case Done:
			if len(events) == 0 {
				w.print("done")
			}
		case Refused:
			w.print("refused %s: %s%s", e.Code, e.Message, map[bool]string{true: " [skipped]"}[e.Skipped])
			if p := w.tokens[e.Token]; p != nil {
				p.obedient = false
			}
		case Welcome:
			w.print("welcome %s keep=%v kill=%v", w.tokens[e.Token].name, names(e.Keep), names(e.Kill))
			p := w.tokens[e.Token]
			for _, id := range e.Kill {
				w.puppetForget(p, id)
			}
			again = append(again, p)
		case AgentChanged:
			w.print("agent %s %s%s", e.Name, orGone(e.Status), because(e.Reason))
		case Work:
			p := w.tokens[e.Token]
			for _, l := range e.Leases {
				if !leased[l.AttemptID] {
					w.print("again %s -> %s", name(l.AttemptID), p.name)
				}
				if w.leases {
					w.print("  %s", carries(l))
				}
				p.held = append(p.held, Held{AttemptID: l.AttemptID})
			}
			for _, id := range e.Stop {
				w.print("stop %s -> %s", name(id), p.name)
				for i := range p.held {
					if p.held[i].AttemptID == id {
						p.held[i].State = HeldStopping
					}
				}
			}
			if e.Drain {
				w.print("drain -> %s", p.name)
			}
			if len(e.Leases)+len(e.Stop) == 0 && !e.Drain {
				w.print("nothing -> %s", p.name)
			}
			if p.token == e.Token {
				again = append(again, p)
			}
		}
	}
	for _, p := range again {
		if p.obedient {
			p.seq++
			w.pull(p)
		}
	}
}
