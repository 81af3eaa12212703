package ui

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// askCancel asks whether a run shall be cancelled, and does it.
func (k *kit) askCancel(id string) tea.Cmd {
	if row := k.world.run(id); row != nil && final(row.Status) {
		return toast(info, "run "+id+" has ended: "+k.runState(row.Status).word)
	}
	return k.confirm("Cancel run "+id+"?", k.about(id, "Its tasks are stopped; what has ended stays."), "cancel "+id,
		func(ctx context.Context, p Principal) (string, error) {
			err := p.Call(ctx, wire.OpRunCancel, &wire.RunRef{Run: id}, nil)
			return "cancelled: " + id, err
		})
}

// askRetry asks whether a run shall be opened again, and does it.
func (k *kit) askRetry(id string) tea.Cmd {
	if row := k.world.run(id); row != nil {
		switch {
		case !final(row.Status):
			return toast(info, "run "+id+" has not ended yet: x cancels it")
		case row.Status == "COMPLETED":
			return toast(info, "run "+id+" has completed: r runs the workflow again")
		}
	}
	return k.confirm("Retry run "+id+"?", k.about(id, "It goes on from the failed tasks; completed ones are kept."), "retry "+id,
		func(ctx context.Context, p Principal) (string, error) {
			// The position of the run's end makes a request that comes twice
			// one retry.
			var end wire.RunWaited
			if err := p.Call(ctx, wire.OpRunWait, &wire.RunWait{Run: id, TimeoutMS: 1}, &end); err != nil {
				return "", err
			}
			again := &wire.RunRetry{Run: end.Run}
			if end.Ended {
				again.After = end.Pos
			}
			err := p.Call(ctx, wire.OpRunRetry, again, new(wire.RunWaited))
			return "retried: " + end.Run, err
		})
}

// about says what a run is, for a question.
func (k *kit) about(id, consequence string) []string {
	lines := []string{consequence}
	if row := k.world.run(id); row != nil {
		lines = append([]string{row.Workflow + ", " + k.runState(row.Status).word}, lines...)
	}
	return lines
}

// copy puts text into the clipboard of the terminal.
func (k *kit) copy(text string) tea.Cmd { return send(copied(text)) }
