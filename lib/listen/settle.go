package listen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// The pause before events that the principal does not take now are sent again.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// settle sends events until each has a run or is refused for good. A batch
// that is refused as a whole is sent again in halves, so that the one event
// that is to blame does no harm to the others.
func (d *Delivery) settle(ctx context.Context, todo []*Outcome) error {
	var since time.Time // when work was first not taken
	for pause := firstPause; len(todo) > 0; pause = min(2*pause, longestPause) {
		answers, err := d.ask(ctx, todo)
		refused, isRefusal := errors.AsType[*wire.Error](err)
		switch {
		case isRefusal && aboutEvents(refused) && len(todo) > 1:
			half := len(todo) / 2
			if err := d.settle(ctx, todo[:half]); err != nil {
				return err
			}
			return d.settle(ctx, todo[half:])
		case isRefusal && (aboutEvents(refused) || refused.Code == wire.Unavailable):
			for range todo {
				answers = append(answers, wire.Triggered{Error: refused})
			}
		case err != nil:
			return err
		}
		var later []*Outcome
		var why, end error
		for i, a := range answers {
			switch {
			case a.Error == nil:
				todo[i].Run, todo[i].Skipped = a.Run, a.Skipped
			case aboutEvents(a.Error):
				todo[i].Err = a.Error
			case a.Error.Code == wire.Unavailable:
				later, why = append(later, todo[i]), a.Error
			default:
				todo[i].Err = a.Error
				end = fmt.Errorf("line %d: %w", todo[i].Line, a.Error)
			}
		}
		if todo = later; end != nil || len(todo) == 0 {
			return end
		}
		if d.Busy != nil {
			d.busy.Do(func() { d.Busy(why) })
		}
		if since.IsZero() {
			since = time.Now()
		}
		if d.RetryFor > 0 {
			left := d.RetryFor - time.Since(since)
			if left <= 0 {
				return fmt.Errorf("%w (tried for %s)", why, d.RetryFor)
			}
			pause = min(pause, left)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

// ask sends events once and returns one answer for each.
func (d *Delivery) ask(ctx context.Context, todo []*Outcome) ([]wire.Triggered, error) {
	items := make([]wire.TriggerItem, len(todo))
	for i, o := range todo {
		items[i] = o.Trigger
	}
	answers, err := d.Send(ctx, items)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(items) {
		return nil, fmt.Errorf("trigger %d events: the principal answered %d", len(items), len(answers))
	}
	for i, a := range answers {
		skipped := a.Skipped != "" && items[i].Scheduled != nil
		if a.Run == "" && a.Error == nil && !skipped {
			return nil, fmt.Errorf("trigger line %d: the principal answered with neither a run nor an error", todo[i].Line)
		}
	}
	return answers, nil
}

// aboutEvents tells the refusals of events, which are for good, from those of
// the whole command: a key without the right, versions that do not fit.
func aboutEvents(e *wire.Error) bool {
	switch e.Code {
	case wire.BadRequest, wire.TooLarge, wire.Conflict, wire.NotFound:
		return true
	}
	return e.Skipped
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
