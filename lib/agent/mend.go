package agent

import "fmt"

// remember takes up the results and lines that earlier incarnations left
// unacknowledged. A result names the last line of each stream; where no file
// has the lines up to there, a gap closes what the death tore: the principal
// waits for them before it takes the result, and drops those that it has.
func (a *Agent) remember() error {
	records, err := a.home.kept(func(file string, err error) {
		a.log.Error("a result cannot be read; it is left where it is", "file", file, "error", err)
	})
	if err != nil {
		return err
	}
	spools, err := a.ship.shelf.left(a.ship.wake)
	if err != nil {
		return fmt.Errorf("read the lines of earlier starts: %w", err)
	}
	for _, r := range records {
		id := r.Result.Attempt
		sp := spools[id]
		if sp == nil {
			sp = newSpool(a.ship.shelf, r.Workflow, id, a.ship.wake)
			spools[id] = sp
		}
		sp.owe(r.Result.Lines, r.Result.Ended.Time)
		a.attempts[id] = &attempt{
			id: id, workflow: r.Workflow, state: stateDone, result: r.Result, kept: true, spool: sp,
		}
	}
	for _, sp := range spools {
		a.ship.add(sp)
	}
	return nil
}

// doubt has the principal told again how far an attempt's streams go, when it
// does not take the result: it may have lost lines that it had acknowledged, and
// wait for them.
func (a *Agent) doubt(at *attempt) {
	if at.spool.doubt() {
		a.ship.add(at.spool)
		a.ship.wake()
	}
}
