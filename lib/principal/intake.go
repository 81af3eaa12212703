package principal

import (
	"context"
	"fmt"
	"sync"

	"github.com/cdktr/cdktr/lib/brief"
	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/failpoint"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// intake takes the lines of tasks. It checks that each batch continues its
// stream, commits many batches at once, and acknowledges after the commit.
//
// Its goroutine alone writes lines. The others ask, under the lock, how far a
// stream is durable.
type intake struct {
	p        *Principal
	advanced chan struct{} // there are new lines; holds one signal at most

	mu      sync.Mutex
	runs    map[string]*lineage // runs that are open
	guests  map[string]*lineage // runs that are not: late or repeated lines
	missed  int                 // counts what makes a lineage that is just read from the history too old
	anyNews chan struct{}
	runNews map[string]chan struct{}
}

// lineage is the streams of one run.
type lineage struct {
	workflow string
	durable  map[wire.StreamID]int64
}

// maxGuests bounds what is remembered of runs that have ended.
const maxGuests = 1000

// maxIntake bounds the bytes of requests that share a commit.
const maxIntake = 8 << 20

func newIntake(ctx context.Context, p *Principal, open map[string]replayed) (*intake, error) {
	in := &intake{
		p:        p,
		advanced: make(chan struct{}, 1),
		runs:     make(map[string]*lineage, len(open)),
		guests:   map[string]*lineage{},
		anyNews:  make(chan struct{}),
		runNews:  map[string]chan struct{}{},
	}
	// Thousands may be waiting to begin: nothing is asked about those.
	var ids []string
	for id, r := range open {
		if r.begun {
			ids = append(ids, id)
		}
		in.runs[id] = &lineage{workflow: r.workflow, durable: map[wire.StreamID]int64{}}
	}
	if len(ids) == 0 {
		return in, nil
	}
	last, err := p.store.LastLines(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the last lines of the open runs: %w", err)
	}
	for id, seq := range last {
		in.runs[id.Run].durable[id] = seq
	}
	return in, nil
}

// born and forget follow the life of a run; the loop calls them. A run is born
// before any agent hears of it.
func (in *intake) born(id, workflow string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.runs[id] = &lineage{workflow: workflow, durable: map[wire.StreamID]int64{}}
}

// reopen is born for a run that had ended. It is false if known was forgotten
// since it was looked up: there may be late lines that it has not heard of.
func (in *intake) reopen(id string, known *lineage) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.known(id) != known {
		return false
	}
	delete(in.guests, id)
	in.runs[id] = known
	return true
}

func (in *intake) forget(id string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.runs, id)
	in.wake(id)
}

// wake lets those go on who wait for lines of a run. The caller holds the lock.
func (in *intake) wake(id string) {
	if ch := in.runNews[id]; ch != nil {
		close(ch)
		delete(in.runNews, id)
	}
}

// open tells whether the run is known and has not ended.
func (in *intake) open(id string) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.runs[id] != nil
}

// lacks tells whether lines that a result names are not yet durable.
func (in *intake) lacks(id run.AttemptID, lines map[string]int64) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	known := in.runs[id.Run]
	for stream, last := range lines {
		if last > 0 && (known == nil || known.durable[wire.StreamID{Run: id.Run, Task: id.Task, Attempt: id.Attempt, Stream: stream}] < last) {
			return true
		}
	}
	return false
}

// news returns a channel that is closed when lines of the run have come, or
// lines of any run where it is empty; nil when the run has ended and nothing
// is to be waited for.
func (in *intake) news(id string) <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case id == "":
		return in.anyNews
	case in.runs[id] == nil:
		return nil
	}
	ch := in.runNews[id]
	if ch == nil {
		ch = make(chan struct{})
		in.runNews[id] = ch
	}
	return ch
}

// run serves until ctx ends.
func (in *intake) run(ctx context.Context) error {
	requests := in.p.logs.Requests()
	for {
		var batch []*intakeCall
		var size int
		select {
		case <-ctx.Done():
			return nil
		case r, open := <-requests:
			if !open {
				return nil
			}
			batch = in.take(batch, r)
			size = len(r.Body)
		}
		for size < maxIntake {
			select {
			case r := <-requests:
				if r == nil {
					return nil
				}
				batch = in.take(batch, r)
				size += len(r.Body)
				continue
			default:
			}
			break
		}
		if err := in.store(ctx, batch); err != nil {
			return err
		}
	}
}

// intakeCall is one LogAppend on its way.
type intakeCall struct {
	*call
	req  wire.LogAppend
	acks []wire.LogAck
	bad  *wire.Error
}

// take decodes a request. One that cannot be taken is answered here.
func (in *intake) take(batch []*intakeCall, r *bus.Request) []*intakeCall {
	c := &intakeCall{call: in.p.newCall(r)}
	header, refused := wire.DecodeHeader(r.Body)
	c.header = header
	if refused == nil {
		refused = in.p.allow(c.call, []string{agent})
	}
	if refused == nil && header.Op == wire.OpPing {
		in.p.ping(context.Background(), c.call, nil)
		return batch
	}
	if refused == nil && header.Op != wire.OpLogsAppend {
		refused = refuse(wire.UnknownOp, "this port takes %s only, not %q", wire.OpLogsAppend, header.Op)
	}
	if refused == nil {
		refused = wire.DecodeRequest(r.Body, &c.req)
	}
	if refused == nil && len(c.req.Agent) > wire.MaxName {
		refused = refuse(wire.TooLarge, "the agent's name has %d bytes; at most %d are taken", len(c.req.Agent), wire.MaxName)
	}
	if refused != nil {
		c.refuse(refused)
		return batch
	}
	return append(batch, c)
}

// store commits what is new in the calls and answers them.
func (in *intake) store(ctx context.Context, calls []*intakeCall) error {
	if full := in.p.disk.refusesLines(); full != nil {
		for _, c := range calls {
			c.refuse(full)
		}
		return nil
	}
	var fresh []wire.LogBatch
	ahead := map[wire.StreamID]int64{} // durable once this commit is
	for _, c := range calls {
		for i := range c.req.Batches {
			b := &c.req.Batches[i]
			b.Agent = c.req.Agent
			ack, lines, refused := in.place(ctx, b, ahead)
			if refused != nil {
				c.bad = refused
				break
			}
			if len(lines) > 0 {
				b.First, b.Lines = ack-int64(len(lines))+1, lines
				fresh = append(fresh, *b)
				ahead[b.ID()] = ack
			}
			c.acks = append(c.acks, wire.LogAck{Durable: ack})
		}
	}
	if len(fresh) > 0 {
		// Not ctx: a shutdown must not tear a commit.
		if err := in.p.store.AppendLines(context.Background(), fresh); err != nil {
			return fmt.Errorf("commit %d batches of lines: %w", len(fresh), err)
		}
		// Before anybody can learn of them: see live.
		in.p.live.arrived(fresh)
		in.advance(ahead)
	}
	failpoint.Hit("principal.before-acknowledge-lines")
	for _, c := range calls {
		if c.bad != nil {
			c.refuse(c.bad)
		} else {
			c.ok(wire.LogAppended{Batches: c.acks})
		}
	}
	return nil
}

// place finds where a batch stands in its stream: up to where the stream is
// durable once the batch is stored, and which of its lines are new. Of a gap
// new is what it stands for beyond what is durable.
func (in *intake) place(ctx context.Context, b *wire.LogBatch, ahead map[wire.StreamID]int64) (int64, []wire.Line, *wire.Error) {
	if !streams[b.Stream] || b.First < 1 || b.Attempt < 1 || b.Task == "" {
		return 0, nil, refuse(wire.BadRequest, "a batch needs a task, an attempt and a first sequence number from 1 on, and one of the streams stdout, stderr, system")
	}
	gap, refused := gapOf(b)
	if refused != nil {
		return 0, nil, refused
	}
	known, err := in.lineage(ctx, b.Run)
	if err != nil {
		// Never not_found: the sender would throw its lines away.
		in.p.cfg.Log.Error("lines of an ended run cannot be placed", "run", b.Run, "error", err)
		return 0, nil, refuse(wire.Unavailable, "the history of run %q cannot be read now; try again", b.Run)
	}
	if known == nil {
		return 0, nil, refuse(wire.NotFound, "lines of run %q, which is not known here", b.Run)
	}
	// The run's own workflow, not the one that the message claims.
	b.Workflow = known.workflow

	in.mu.Lock()
	durable := known.durable[b.ID()]
	in.mu.Unlock()
	if pending, ok := ahead[b.ID()]; ok {
		durable = pending
	}
	first, last := b.First, b.Last()
	if gap != nil {
		first = last - gap.Lines + 1
	}
	switch {
	case first > durable+1 || last <= durable:
		return durable, nil, nil // a hole: the sender goes on from there; or nothing new
	case gap != nil:
		missing := *gap
		if first <= durable {
			missing = wire.Gap{Lines: last - durable} // how many bytes these had nobody knows
		}
		return last, []wire.Line{{Time: b.Lines[0].Time, Gap: &missing}}, nil
	}
	return last, b.Lines[durable+1-first:], nil
}

// gapOf returns the gap that a batch is, or nil.
func gapOf(b *wire.LogBatch) (*wire.Gap, *wire.Error) {
	for i := range b.Lines {
		gap := b.Lines[i].Gap
		switch {
		case gap == nil:
		case len(b.Lines) > 1:
			return nil, refuse(wire.BadRequest, "a gap must be the only line of its batch")
		case gap.Lines < 1 || gap.Lines > b.First || gap.Bytes < 0:
			return nil, refuse(wire.BadRequest, "a gap of %d lines and %d bytes cannot end with number %d", gap.Lines, gap.Bytes, b.First)
		default:
			return gap, nil
		}
	}
	return nil, nil
}

// lineage returns what is known of a run: from memory while it is open, else
// from the history.
func (in *intake) lineage(ctx context.Context, id string) (*lineage, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		known := in.known(id)
		if known != nil || len(id) != brief.RunIDLen {
			return known, nil
		}
		missed := in.missed
		in.mu.Unlock()
		known, err := in.remembered(ctx, id)
		in.mu.Lock()
		switch other := in.known(id); {
		case err != nil || known == nil || other != nil:
			return other, err
		case in.missed == missed:
			if len(in.guests) >= maxGuests {
				clear(in.guests)
				in.missed++
			}
			in.guests[id] = known
			return known, nil
		}
	}
}

// known is the lineage in memory, or nil. The caller holds the lock.
func (in *intake) known(id string) *lineage {
	if open := in.runs[id]; open != nil {
		return open
	}
	return in.guests[id]
}

// remembered is what the history has of a run, or nil.
func (in *intake) remembered(ctx context.Context, id string) (*lineage, error) {
	r, err := in.p.store.GetRun(ctx, id)
	if err != nil || r == nil {
		return nil, err
	}
	last, err := in.p.store.LastLines(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	return &lineage{workflow: r.Workflow, durable: last}, nil
}

// advance publishes how far the streams are durable now.
func (in *intake) advance(ahead map[wire.StreamID]int64) {
	in.mu.Lock()
	for id, last := range ahead {
		if known := in.known(id.Run); known != nil {
			known.durable[id] = last
		} else {
			in.missed++
		}
		in.wake(id.Run)
	}
	close(in.anyNews)
	in.anyNews = make(chan struct{})
	in.mu.Unlock()
	select {
	case in.advanced <- struct{}{}:
	default:
	}
}
