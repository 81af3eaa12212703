package agent

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// remember takes up the results that earlier incarnations left unacknowledged.
func (a *Agent) remember() error {
	records, err := a.home.kept(func(file string, err error) {
		a.log.Error("a result cannot be read; it is left where it is", "file", file, "error", err)
	})
	if err != nil {
		return err
	}
	for _, r := range records {
		id := r.Result.Attempt
		a.attempts[id] = &attempt{
			id: id, workflow: r.Workflow, state: stateDone, result: r.Result,
			kept: true, lost: len(r.Result.Lines) > 0,
		}
	}
	return nil
}

// mend closes what the death of an earlier incarnation tore: lines that it had
// not delivered are gone, and the principal waits for them before it takes the
// result. A gap record says how many they were, and the result then names its
// number as the stream's last.
func (a *Agent) mend(at *attempt) {
	link, session := a.o.Logs(a.logsAt), a.session
	a.calls.Go(func() {
		last, err := fill(a.ctx, link, a.home.name, at.workflow, at.result)
		if err == nil {
			mended := at.result
			mended.Lines = last
			err = a.home.keep(record{Workflow: at.workflow, Result: mended})
		}
		a.post(func() {
			if session != a.session {
				return
			}
			at.reporting = false
			if err != nil {
				a.after(at.retry.next(), func() { a.report(at) })
				return
			}
			at.lost, at.result.Lines = false, last
			a.report(at)
		})
	})
}

// fill makes every stream of a result end in the history, and returns where.
func fill(ctx context.Context, link Link, agent, workflow string, r wire.Result) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ends := map[string]int64{}
	for stream, last := range r.Lines {
		// The first try tells where the history ends; what is already there
		// is dropped.
		for first := last; ; {
			gap := wire.Line{Time: r.Ended.UnixMilli(), Gap: &wire.Gap{Lines: last - first + 1}}
			req := &wire.LogAppend{Agent: agent, Batches: []wire.LogBatch{{
				Workflow: workflow, Run: r.Run, Task: r.Task, Attempt: r.Attempt.Attempt,
				Stream: stream, First: first, Lines: []wire.Line{gap},
			}}}
			var answer wire.LogAppended
			if err := link.Call(ctx, wire.OpLogsAppend, req, &answer); err != nil {
				return nil, err
			}
			if len(answer.Batches) == 1 && answer.Batches[0].Durable >= first {
				ends[stream] = first
				break
			}
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return nil, err
			}
			if len(answer.Batches) == 1 {
				first = answer.Batches[0].Durable + 1
			}
		}
	}
	return ends, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
