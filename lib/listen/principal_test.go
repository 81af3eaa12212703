package listen

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// principal is one in memory, with a client before it that tries again. Both
// misbehave as the dice fall: requests and answers are slow or lost, a request
// arrives once more after its answer, work is not taken for a while.
type principal struct {
	random *rand.Rand
	runs   map[string]string // by key
	order  []string          // the workflows of the runs, as they were queued
	sizes  []int             // of the requests
	late   []wire.TriggerItem
}

func newPrincipal(seed int64) *principal {
	return &principal{random: rand.New(rand.NewSource(seed)), runs: map[string]string{}}
}

// chance is true one time in n.
func (p *principal) chance(n int) bool { return p.random.Intn(n) == 0 }

func (p *principal) send(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	p.sizes = append(p.sizes, len(items))
	for {
		if p.chance(4) { // an earlier request that was held up arrives now
			p.serve(p.late)
		}
		time.Sleep(time.Duration(p.random.Intn(20)) * time.Millisecond)
		if p.chance(4) { // lost on the way there
			continue
		}
		p.late = items
		if p.chance(8) {
			return nil, &wire.Error{Code: wire.Unavailable, Message: "the principal is stopping"}
		}
		if err := tooMuch(items); err != nil {
			return nil, err
		}
		answers := p.serve(items)
		if p.chance(4) { // lost on the way back
			continue
		}
		return answers, nil
	}
}

// tooMuch refuses a request for one item in it, as a limit on its size would.
func tooMuch(items []wire.TriggerItem) error {
	for _, item := range items {
		if strings.HasPrefix(item.Workflow, "huge") {
			return fmt.Errorf("encode request: %w", &wire.Error{Code: wire.TooLarge, Message: "too large"})
		}
	}
	return nil
}

func (p *principal) serve(items []wire.TriggerItem) []wire.Triggered {
	var answers []wire.Triggered
	for _, item := range items {
		answers = append(answers, p.trigger(item))
	}
	return answers
}

func (p *principal) trigger(item wire.TriggerItem) wire.Triggered {
	refuse := func(code wire.Code) wire.Triggered {
		return wire.Triggered{Error: &wire.Error{Code: code, Message: string(code)}}
	}
	run, known := p.runs[item.Key]
	switch {
	case item.Key == "":
		panic("an event without a key")
	case known:
		return wire.Triggered{Run: run, Existing: true}
	case strings.HasPrefix(item.Workflow, "bad"):
		return refuse(wire.NotFound)
	case strings.HasPrefix(item.Workflow, "huge"):
		return refuse(wire.TooLarge)
	case strings.HasPrefix(item.Workflow, "busy") && p.chance(2):
		return refuse(wire.Unavailable)
	}
	run = fmt.Sprintf("run%d", len(p.runs))
	p.runs[item.Key] = run
	p.order = append(p.order, item.Workflow)
	return wire.Triggered{Run: run}
}
