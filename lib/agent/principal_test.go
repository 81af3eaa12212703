package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

var errNoAnswer = errors.New("no answer")

// principal is as much of one as an agent sees: it gives out leases, holds a
// result back until its lines are there, and refuses a stream with a hole.
// With faults it loses requests and answers, and does things twice.
type principal struct {
	t *testing.T

	mu      sync.Mutex
	change  chan struct{} // closed when anything happens
	known   wire.AgentRef // the agent that said hello; Agent is empty when there is none
	hello   wire.AgentHello
	hellos  int
	pulls   int
	pull    int64 // sequence number of the newest pull
	held    []wire.Held
	said    [][]wire.Held // held, of each pull
	ready   []wire.Lease
	leased  map[wire.Attempt]wire.Lease
	again   map[wire.Attempt]bool // leases to deliver again
	stops   []wire.Attempt
	drained bool
	bound   bool // a run stays with the agent: it is not released yet
	told    bool // that it is released
	left    bool
	results map[wire.Attempt]wire.Result
	reports int
	lines   map[wire.StreamID][]wire.Line
	appends int
	faults  *rand.Rand
	away    bool
	unknown string           // a task of a run that this principal does not know
	deaf    map[wire.Op]bool // these do not arrive
	mute    map[wire.Op]bool // these are done, and not answered
	refuse  map[wire.Op]*wire.Error
	refused int
	lose    int           // so many signs of life stay without an answer
	timeout time.Duration // of heartbeats
	onHello func()
}

func newPrincipal(t *testing.T) *principal {
	return &principal{
		t: t, change: make(chan struct{}),
		leased: map[wire.Attempt]wire.Lease{}, again: map[wire.Attempt]bool{},
		results: map[wire.Attempt]wire.Result{}, lines: map[wire.StreamID][]wire.Line{},
		timeout: 2 * time.Second,
		deaf:    map[wire.Op]bool{}, mute: map[wire.Op]bool{}, refuse: map[wire.Op]*wire.Error{},
	}
}

// Call implements Link.
func (p *principal) Call(ctx context.Context, op wire.Op, req, result any) error {
	body, err := wire.EncodeRequest(req)
	if err != nil {
		return err
	}
	answer, err := p.serve(ctx, op, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, result)
}

// serve is Call after the request has travelled.
func (p *principal) serve(ctx context.Context, op wire.Op, body []byte) ([]byte, error) {
	if len(body) > wire.MaxMessage {
		p.t.Errorf("%s has %d bytes", op, len(body))
	}
	p.mu.Lock()
	luck := 0
	if p.faults != nil {
		luck = p.faults.IntN(12)
	}
	away, refusal := p.away || p.deaf[op], p.refuse[op]
	if refusal != nil {
		p.refused++
		p.changed()
	}
	p.mu.Unlock()
	if refusal != nil {
		return nil, refusal
	}
	if away || luck == 1 {
		return nil, errNoAnswer
	}
	if luck == 2 && op != wire.OpAgentPull {
		_, _ = p.handle(ctx, op, body)
	}
	answer, err := p.handle(ctx, op, body)
	p.mu.Lock()
	mute := p.mute[op]
	p.mu.Unlock()
	if mute || luck == 3 {
		return nil, errNoAnswer
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func decode[T any](body []byte) (req T) {
	if err := json.Unmarshal(body, &req); err != nil {
		panic(err)
	}
	return req
}

func (p *principal) handle(ctx context.Context, op wire.Op, body []byte) (any, error) {
	switch op {
	case wire.OpAgentHello:
		return p.welcome(decode[wire.AgentHello](body))
	case wire.OpAgentPull:
		return p.work(ctx, decode[wire.AgentPull](body))
	case wire.OpAgentRenew:
		p.mu.Lock()
		lost := p.lose > 0
		p.lose -= min(p.lose, 1)
		p.mu.Unlock()
		if lost {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return p.checked(decode[wire.AgentRenew](body).AgentRef, func() {})
	case wire.OpAgentLeave:
		return p.checked(decode[wire.AgentLeave](body).AgentRef, func() { p.left = true })
	case wire.OpAgentReport:
		return p.result(ctx, decode[wire.AgentReport](body))
	case wire.OpAgentDrain:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.drained = true
		p.changed()
		return wire.Nothing{}, nil
	case wire.OpLogsAppend:
		return p.append(decode[wire.LogAppend](body))
	}
	return nil, fmt.Errorf("op %s", op)
}

// changed is called under the lock.
func (p *principal) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

func (p *principal) checked(ref wire.AgentRef, do func()) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check(ref); err != nil {
		return nil, err
	}
	do()
	p.changed()
	return wire.Nothing{}, nil
}

func (p *principal) check(ref wire.AgentRef) error {
	switch {
	case ref.Agent == p.known.Agent && ref.Incarnation < p.known.Incarnation:
		return &wire.Error{Code: wire.Fenced, Message: "started again since"}
	case ref != p.known:
		return &wire.Error{Code: wire.NotFound, Message: "say hello"}
	}
	return nil
}

func (p *principal) welcome(h wire.AgentHello) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.onHello != nil {
		p.onHello()
	}
	p.known, p.hello, p.pull, p.told = h.AgentRef, h, 0, false
	p.hellos++
	w := wire.AgentWelcome{Epoch: "e", Logs: "tcp://logs", HeartbeatTimeoutMS: int(p.timeout.Milliseconds())}
	for _, held := range h.Held {
		if _, ok := p.leased[held.Attempt]; ok {
			w.Keep = append(w.Keep, held.Attempt)
		} else {
			w.Kill = append(w.Kill, held.Attempt)
		}
	}
	p.changed()
	return w, nil
}

func (p *principal) work(ctx context.Context, req wire.AgentPull) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check(req.AgentRef); err != nil {
		return nil, err
	}
	if req.Seq <= p.pull {
		return wire.AgentWork{}, nil
	}
	p.pull, p.held = req.Seq, req.Held
	p.pulls, p.said = p.pulls+1, append(p.said, req.Held)
	has := map[wire.Attempt]bool{}
	for _, h := range req.Held {
		has[h.Attempt] = true
	}
	for id := range p.leased {
		p.again[id] = !has[id]
	}
	p.changed()
	expired := time.After(300 * time.Millisecond)
	for {
		if p.pull != req.Seq {
			return wire.AgentWork{}, nil
		}
		w := wire.AgentWork{Stop: p.stops, Drain: p.drained && !p.bound}
		p.stops = nil
		for id, again := range p.again {
			if lease, ok := p.leased[id]; again && ok {
				w.Leases = append(w.Leases, lease)
			}
		}
		clear(p.again)
		for len(p.ready) > 0 && len(p.leased) < p.hello.Slots && (!p.drained || p.bound) {
			lease := p.ready[0]
			p.ready, p.leased[lease.Attempt] = p.ready[1:], lease
			w.Leases = append(w.Leases, lease)
		}
		news := w.Drain && !p.told
		p.told = p.told || w.Drain
		if len(w.Leases)+len(w.Stop) > 0 || news {
			return w, nil
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
			p.mu.Lock()
		case <-expired:
			p.mu.Lock()
			return w, nil
		case <-ctx.Done():
			p.mu.Lock()
			return nil, ctx.Err()
		}
	}
}

func (p *principal) result(ctx context.Context, req wire.AgentReport) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check(req.AgentRef); err != nil {
		return nil, err
	}
	p.reports++
	r := req.Result
	expired := time.After(2 * time.Second)
	for {
		if _, before := p.results[r.Attempt]; before {
			return wire.Nothing{}, nil
		}
		if _, ok := p.leased[r.Attempt]; !ok {
			return nil, &wire.Error{Code: wire.Fenced, Message: "superseded"}
		}
		if !p.lacks(r) {
			p.results[r.Attempt] = r
			delete(p.leased, r.Attempt)
			p.changed()
			return wire.Nothing{}, nil
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
			p.mu.Lock()
		case <-expired:
			p.mu.Lock()
			return nil, errNoAnswer
		case <-ctx.Done():
			p.mu.Lock()
			return nil, ctx.Err()
		}
	}
}

func (p *principal) lacks(r wire.Result) bool {
	for stream, last := range r.Lines {
		if int64(len(p.lines[streamOf(r.Attempt, stream)])) < last {
			return true
		}
	}
	return false
}

func streamOf(a wire.Attempt, stream string) wire.StreamID {
	return wire.StreamID{Run: a.Run, Task: a.Task, Attempt: a.Attempt, Stream: stream}
}

func (p *principal) append(req wire.LogAppend) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appends++
	var answer wire.LogAppended
	for _, b := range req.Batches {
		if b.Task == p.unknown {
			return nil, &wire.Error{Code: wire.NotFound, Message: "no such run"}
		}
	}
	for _, b := range req.Batches {
		have := p.lines[b.ID()]
		if gap := b.Lines; len(gap) == 1 && gap[0].Gap != nil && b.First-gap[0].Gap.Lines <= int64(len(have)) && b.First > int64(len(have)) {
			gap[0].Gap.Lines = b.First - int64(len(have))
			for int64(len(have)) < b.First-1 {
				have = append(have, wire.Line{Gap: new(wire.Gap)}) // what the gap stands for
			}
		}
		if b.First <= int64(len(have))+1 {
			for i, l := range b.Lines {
				if at := int(b.First) - 1 + i; at >= len(have) {
					have = append(have, l)
				}
			}
			p.lines[b.ID()] = have
		}
		answer.Batches = append(answer.Batches, wire.LogAck{Durable: int64(len(have))})
	}
	p.changed()
	return answer, nil
}

// What tests do with it.

func (p *principal) deafTo(op wire.Op) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deaf[op]
}

func (p *principal) locked(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	p.changed()
}

// give queues a task and returns its first attempt.
func (p *principal) give(name string, spec wire.Spec) wire.Attempt {
	return p.lease(wire.Lease{Attempt: wire.Attempt{Run: "r1", Task: name, Attempt: 1}, Workflow: "w", Spec: spec})
}

// lease queues a lease.
func (p *principal) lease(l wire.Lease) wire.Attempt {
	p.locked(func() { p.ready = append(p.ready, l) })
	return l.Attempt
}

// await waits until the condition, which is asked under the lock, holds.
func (p *principal) await(what string, holds func() bool) {
	p.t.Helper()
	limit := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		ok, change := holds(), p.change
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-change:
		case <-limit:
			p.t.Fatalf("never: %s", what)
		}
	}
}

func (p *principal) awaitResult(id wire.Attempt) (r wire.Result) {
	p.t.Helper()
	p.await("a result of "+id.Task, func() (ok bool) {
		r, ok = p.results[id]
		return ok
	})
	return r
}

func (p *principal) awaitLine(id wire.Attempt, stream, text string) {
	p.t.Helper()
	p.await(fmt.Sprintf("%q on %s of %s", text, stream, id.Task), func() bool {
		for _, l := range p.lines[streamOf(id, stream)] {
			if l.Text == text {
				return true
			}
		}
		return false
	})
}

// texts are the lines of a stream; a gap reads [gap n].
func (p *principal) texts(id wire.Attempt, stream string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines[streamOf(id, stream)] {
		text := l.Text + string(l.Bytes)
		if l.Gap != nil {
			if l.Gap.Lines == 0 {
				continue
			}
			text = fmt.Sprintf("[gap %d]", l.Gap.Lines)
		}
		all = append(all, text)
	}
	return all
}
