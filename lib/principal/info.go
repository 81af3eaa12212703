package principal

import (
	"context"
	"os"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

func (p *Principal) ping(_ context.Context, c *call, _ *wire.Plain) {
	c.ok(wire.Pong{Version: p.cfg.Version, Time: wire.At(time.Now())})
}

func (p *Principal) status(ctx context.Context, c *call, _ *wire.Plain) {
	room := p.disk.status()
	shown := p.definitions.shown.Load()
	loaded, broken := shown.counts()
	p.loop.submit(ctx, func(l *loop) {
		now := l.machine.Counts()
		c.ok(wire.PrincipalStatus{
			Version:   p.cfg.Version,
			Epoch:     p.epoch,
			Started:   wire.At(p.started),
			PID:       os.Getpid(),
			Pos:       p.store.Durable(),
			Workflows: loaded,
			Broken:    broken,
			OpenRuns:  now.OpenRuns,
			Ready:     now.ReadyTasks,
			Running:   now.RunningTasks,
			Agents:    now.Agents,
			Live:      p.live.pub.Endpoint(),
			Disk:      room,
			Listeners: p.listenerStatus(),
			Errors:    shown.errors(mostErrors),
		})
	})
}

// mostErrors bounds how many mistakes in files a status tells; a list has all.
const mostErrors = 100

// errors are the first mistakes, those of the directory before those of files.
func (c *Catalog) errors(most int) []wire.Problem {
	out := []wire.Problem{}
	add := func(problems []workflow.Problem) {
		for _, p := range problems[:min(len(problems), most-len(out))] {
			out = append(out, wire.Problem(p))
		}
	}
	add(c.Problems)
	for _, e := range c.Entries {
		add(e.Problems)
	}
	return out
}

// shutdown answers first: the answer is in the socket's queue when the stop
// begins.
func (p *Principal) shutdown(_ context.Context, c *call, _ *wire.Plain) {
	c.ok(wire.Nothing{})
	p.tell()
}

func (p *Principal) listAgents(ctx context.Context, c *call, req *wire.AgentList) {
	p.loop.submit(ctx, func(l *loop) {
		out := wire.Agents{Agents: []wire.Agent{}}
		for _, a := range l.machine.Agents() {
			if a.Name <= req.Cursor {
				continue
			}
			if len(out.Agents) == pageSize {
				out.Cursor = out.Agents[pageSize-1].Agent
				break
			}
			labels := a.Labels
			if labels == nil {
				labels = map[string]string{}
			}
			out.Agents = append(out.Agents, wire.Agent{
				Agent:    a.Name,
				Status:   string(a.Status),
				Slots:    a.Slots,
				Running:  len(a.Attempts),
				Labels:   labels,
				Version:  a.Version,
				LastSeen: wire.MaybeAt(a.Seen),
				Tasks:    attemptsOut(a.Attempts),
			})
		}
		c.ok(out)
	})
}
