package run

import (
	"time"
)

// maxLosses is how many attempts of a task may be CRASHED: the last one
// crashes the run.
const maxLosses = 3

// Config is what a machine may be told. The zero value is good.
type Config struct {
	HeartbeatTimeout time.Duration // an agent without a sign for so long is lost; default 30 s
	KeyAge           time.Duration // how long idempotency keys are remembered; default 7 days
	KeyLimit         int           // how many of them per workflow; default 1,000,000
}

// Machine is the state of all runs that have not ended, of the agents, and of
// who waits for what. It is not safe for concurrent use.
type Machine struct {
	config Config
	mono   time.Duration // never goes back
	wall   time.Time     // of the newest event or later: never goes back

	// What the events tell.
	runs     map[string]*openRun
	ended    map[string]*openRun // that may be opened again by the next event: none between two commands
	graphs   graphs
	created  uint64 // runs so far
	readied  uint64 // tasks that became ready so far
	running  int    // tasks that are leased
	queue    *queue // with the agents that wait
	atHome   int    // tasks that wait for the agent that their run is bound to
	alarms   heap[*alarm]
	gates    map[string]*gate // by workflow
	ajar     []*gate          // that may have somebody to let in
	keys     keys
	accepted accepted

	schedules map[string]Scheduled // by workflow

	// What only the agents' messages tell; a restart begins without.
	agents    map[string]*agent // by id
	names     map[string]*agent // by name: agents that are there or expected back
	parked    map[Token]*agent
	deadlines heap[*agent] // by when they are lost, or forgotten
	sweep     time.Duration

	// What the command under way has brought so far.
	events  []Event
	effects []Effect
	answers []*agent // whose parked pull may have something to say
}

// New returns an empty machine. To continue from a log, call RestoreKey for
// each remembered key, RestoreScheduled for each workflow that the log knows a
// schedule of, and Restore for each event of the runs that have not
// ended, then Start.
func New(c Config) *Machine {
	if c.HeartbeatTimeout <= 0 {
		c.HeartbeatTimeout = 30 * time.Second
	}
	if c.KeyAge <= 0 {
		c.KeyAge = 7 * 24 * time.Hour
	}
	if c.KeyLimit <= 0 {
		c.KeyLimit = 1_000_000
	}
	return &Machine{
		config:    c,
		runs:      make(map[string]*openRun),
		ended:     make(map[string]*openRun),
		graphs:    make(graphs),
		queue:     newQueue(),
		alarms:    newAlarms(),
		gates:     make(map[string]*gate),
		keys:      newKeys(c.KeyAge, c.KeyLimit),
		agents:    make(map[string]*agent),
		names:     make(map[string]*agent),
		parked:    make(map[Token]*agent),
		schedules: make(map[string]Scheduled),
		deadlines: heap[*agent]{
			before: func(a, b *agent) bool {
				if a.due != b.due {
					return a.due < b.due
				}
				return a.ref.ID < b.ref.ID
			},
			at: func(a *agent) *int { return &a.inDeadlines },
		},
	}
}

// Apply decides what cmd means, changes the state, and returns the events that
// say how and the effects that tell others. The caller makes the events
// durable before it lets any of the effects out; it owns both slices.
func (m *Machine) Apply(now Now, cmd Command) ([]Event, []Effect) {
	before := m.mono
	m.observe(now)
	m.forgiveOwnSleep(before)
	m.events, m.effects, m.answers = nil, nil, m.answers[:0]
	switch c := cmd.(type) {
	case Trigger:
		m.trigger(c)
	case Decide:
		m.decide(c)
	case Pause:
		m.pause(c)
	case Cancel:
		m.cancel(c)
	case Retry:
		m.retry(c)
	case Hello:
		m.hello(c)
	case Pull:
		m.pull(c)
	case Renew:
		m.renew(c)
	case Report:
		m.report(c)
	case Drain:
		m.drain(c)
	case Leave:
		m.leave(c)
	case Expire:
		m.expire(c)
	case Tick:
		m.tick()
	}
	m.letIn()
	m.dispatch()
	m.answer()
	clear(m.ended)
	return m.events, m.effects
}

// Deadline is when the next Tick is due. Ok is false when none is. While there
// are agents that can be lost, ticks come often enough to tell the silence of
// all of them from an absence of the principal.
func (m *Machine) Deadline() (mono time.Duration, ok bool) {
	a, ok := m.deadlines.first()
	if ok {
		mono = a.due
	}
	if ok && len(m.names) > 0 {
		mono = min(mono, m.mono+m.config.HeartbeatTimeout/4)
	}
	if next, some := m.alarms.first(); some && (!ok || next.due < mono) {
		mono, ok = next.due, true
	}
	if m.keys.size > 0 && (!ok || m.sweep < mono) {
		mono, ok = m.sweep, true
	}
	return mono, ok
}

// sweepEvery is how often keys are looked at for their age alone.
const sweepEvery = time.Hour

func (m *Machine) tick() {
	if m.mono >= m.sweep {
		m.keys.expire(m.wall)
		m.sweep = m.mono + sweepEvery
	}
	m.ring()
	for {
		a, ok := m.deadlines.first()
		if !ok || a.due > m.mono {
			return
		}
		if a.state == lost {
			m.forget(a)
			continue
		}
		m.lose(a)
	}
}

// observe takes the time over. Neither clock goes back.
func (m *Machine) observe(now Now) {
	m.mono = max(m.mono, now.Mono)
	m.noteWall(now.Wall)
}

func (m *Machine) noteWall(t time.Time) {
	t = t.Round(0).UTC() // compare what will be written, not Go's hidden monotonic reading
	if t.After(m.wall) {
		m.wall = t
	}
}

// emit makes ev happen. T is nil in an event of the run itself, r in a
// RunCreated, and in an event of a workflow.
func (m *Machine) emit(r *openRun, t *task, ev Event) {
	ev.Time = m.wall
	if r != nil {
		ev.Run, ev.Workflow = r.id, r.definition.ID
	}
	if t != nil {
		ev.Task = t.spec().ID
	}
	m.fold(r, t, &ev)
	if r == nil {
		m.noteScheduled(&ev)
	}
	m.events = append(m.events, ev)
}

func (m *Machine) effect(e Effect) { m.effects = append(m.effects, e) }

func (m *Machine) done(token Token) {
	if token != 0 {
		m.effect(Done{Token: token})
	}
}

func (m *Machine) refuse(token Token, code Code, message string) {
	if token != 0 {
		m.effect(Refused{Token: token, Code: code, Message: message})
	}
}
