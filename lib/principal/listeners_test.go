package principal

import (
	"context"
	"errors"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/listen"
	"github.com/cdktr/cdktr/lib/wire"
)

// source is a hearer of two functions.
type source struct {
	listen func(ctx context.Context, emit func([]listen.Event) error) error
	told   func(batch []listen.Outcome)
}

func (s *source) Listen(ctx context.Context, emit func([]listen.Event) error) error {
	return s.listen(ctx, emit)
}

func (s *source) Told(_ context.Context, batch []listen.Outcome) error {
	s.told(batch)
	return nil
}

func withSource(name string, make func(Inside) Hearer) func(*Config) {
	return func(c *Config) { c.Sources = append(c.Sources, Source{Name: name, Make: make}) }
}

func (s *site) listeners() []wire.ListenerStatus {
	s.t.Helper()
	return ask[wire.PrincipalStatus](s.t, s.admin, wire.OpStatus, &wire.Plain{}).Listeners
}

// broken is a source that does nothing but fail.
func broken(Inside) Hearer {
	return &source{listen: func(context.Context, func([]listen.Event) error) error { panic("no source") }}
}

func TestSourceTriggersRunsAndHearsOfThem(t *testing.T) {
	heard := make(chan listen.Outcome, 2)
	good := func(Inside) Hearer {
		return &source{
			listen: func(ctx context.Context, emit func([]listen.Event) error) error {
				err := emit([]listen.Event{
					{Line: 1, Trigger: wire.TriggerItem{Workflow: "hello", Key: "a"}},
					{Line: 2, Trigger: wire.TriggerItem{Workflow: "helo", Key: "b"}},
				})
				<-ctx.Done()
				return err
			},
			told: func(batch []listen.Outcome) {
				for _, o := range batch {
					heard <- o
				}
			},
		}
	}
	s := newSite(t, withSource("broken", broken), withSource("good", good))
	first, second := <-heard, <-heard
	if again := s.trigger("hello", "a"); again.Run != first.Run || !again.Existing {
		t.Errorf("%+v, the source heard of %q", again, first.Run)
	}
	if e, ok := errors.AsType[*wire.Error](second.Err); !ok || e.Code != wire.NotFound {
		t.Errorf("heard %v", second.Err)
	}
	harness.Eventually(t, "the status tells of both", func() bool {
		all := s.listeners()
		return len(all) == 2 && all[0].Listener == "broken" && all[0].State == "waiting" && all[0].Error != nil && *all[0].Error == "panic: no source" &&
			all[1].Listener == "good" && all[1].State == "running" && all[1].Events == 2 && all[1].Error == nil
	})
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

// A principal that starts nothing new goes on for what is to end.
func TestSourcesEndBeforeThePrincipal(t *testing.T) {
	ended := make(chan struct{})
	s := newSite(t, withSource("patient", func(Inside) Hearer {
		return &source{listen: func(ctx context.Context, _ func([]listen.Event) error) error {
			<-ctx.Done()
			close(ended)
			return nil
		}}
	}))
	s.listeners()
	s.p.StartNoMore()
	<-ended
	s.listeners()
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func TestSourceIsToldOfChanges(t *testing.T) {
	var in Inside
	s := newSite(t, withSource("curious", func(i Inside) Hearer {
		in = i
		return &source{listen: func(ctx context.Context, _ func([]listen.Event) error) error { <-ctx.Done(); return nil }}
	}))
	put(t, s.p.cfg.Workflows, "daily.yml", "cron: '@daily'\ntimezone: Europe/London\ntasks: {a: {run: x}}\n")
	ask[wire.Reloaded](t, s.admin, wire.OpReload, &wire.Plain{})
	<-in.Workflows
	all, err := in.Schedules(t.Context())
	if err != nil || len(all) != 1 || all[0].Workflow != "daily" || all[0].Timezone != "Europe/London" || all[0].Decided != nil {
		t.Errorf("%+v, %v", all, err)
	}
	ask[wire.Nothing](t, s.admin, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: "daily"})
	<-in.Pauses
	slot := wire.Slot{Schedule: "x", Time: wire.At(s.p.started)}
	if err := in.Decide(t.Context(), []wire.Decision{{Workflow: "daily", Slot: slot, Reason: "no"}}); err != nil {
		t.Error(err)
	}
	if all, err = in.Schedules(t.Context()); err != nil || !all[0].Paused || all[0].Decided == nil || *all[0].Decided != slot {
		t.Errorf("%+v, %v", all, err)
	}
}
