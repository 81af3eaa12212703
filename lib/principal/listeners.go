package principal

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// Source is an event source that runs in the principal. It is supervised: its
// failures are its own.
type Source struct {
	Name string
	Make func(Inside) Hearer
}

// Hearer is a listener that hears what became of its events.
type Hearer interface {
	listen.Listener
	Told(ctx context.Context, batch []listen.Outcome) error
}

// Inside is what a source in the principal has of it: requests that everybody
// can send from outside, and a word when it is time to ask again.
type Inside struct {
	p *Principal

	Log       *slog.Logger
	Workflows <-chan struct{} // other definitions are in force
	Pauses    <-chan struct{} // a workflow was paused or resumed
}

// Schedules asks for all schedules.
func (in Inside) Schedules(ctx context.Context) ([]wire.Schedule, error) {
	var all []wire.Schedule
	for cursor := ""; ; {
		var page wire.Schedules
		if err := in.ask(ctx, wire.OpScheduleList, &wire.ScheduleList{Cursor: cursor}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Schedules...)
		if cursor = page.Cursor; cursor == "" {
			return all, nil
		}
	}
}

// Decide says of slots that they have no run.
func (in Inside) Decide(ctx context.Context, batch []wire.Decision) error {
	for len(batch) > 0 {
		n := min(len(batch), 1000) // with reasons, well within a message
		if err := in.ask(ctx, wire.OpScheduleDecide, &wire.ScheduleDecide{Batch: batch[:n]}, nil); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

func (in Inside) trigger(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	var out wire.Triggered
	err := in.ask(ctx, wire.OpRunTrigger, &wire.Trigger{Batch: items}, &out)
	return out.Batch, err
}

type request interface{ SetHeader(wire.Header) }

func (in Inside) ask(ctx context.Context, op wire.Op, req request, result any) error {
	const id = "local" // each has its own way back
	req.SetHeader(wire.Header{V: wire.Version, ID: id, Op: op})
	body, err := wire.EncodeRequest(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", op, err)
	}
	reply, err := in.p.Local(ctx, body)
	if err != nil {
		return err
	}
	return wire.DecodeReply(reply, id, result)
}

// listeners are the supervised sources.
type listeners struct {
	all  []*listen.Supervisor
	hush context.CancelFunc // ends all of them
	life context.Context
}

func (p *Principal) newListeners(sources []Source) *listeners {
	k := &listeners{}
	k.life, k.hush = context.WithCancel(context.Background())
	for _, source := range sources {
		in := Inside{p: p, Log: p.cfg.Log, Workflows: p.definitions.subscribe(), Pauses: p.schedules.subscribe()}
		hearer := source.Make(in)
		k.all = append(k.all, &listen.Supervisor{Name: source.Name, Listener: hearer, Send: in.trigger, Told: hearer.Told, Log: p.cfg.Log})
	}
	return k
}

// run supervises until ctx ends, or the principal starts nothing new.
func (k *listeners) run(ctx context.Context) error {
	listening, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(k.life, cancel)()
	var all sync.WaitGroup
	for _, s := range k.all {
		all.Go(func() { s.Run(listening) })
	}
	all.Wait()
	<-ctx.Done() // the first part that ends, ends the principal
	return nil
}

func (p *Principal) listenerStatus() []wire.ListenerStatus {
	all := []wire.ListenerStatus{}
	for _, s := range p.listeners.all {
		all = append(all, s.Status())
	}
	return all
}
