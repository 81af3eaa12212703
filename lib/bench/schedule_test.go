package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// dueAtOnce measures 10,000 workflows that are due in the same second, and how
// late one is that is due every second.
func (b *bench) dueAtOnce() {
	const workflows = 10_000
	in := harness.New(b.T)
	due := time.Now().UTC().Truncate(time.Second).Add(15 * time.Second)
	cron := fmt.Sprintf("cron: \"%d %d %d * * *\"\ntasks: {a: {run: \"true\"}}", due.Second(), due.Minute(), due.Hour())
	for i := range workflows {
		in.Workflow(fmt.Sprintf("%d/w%d.yml", i/1000, i), cron)
	}
	in.Workflow("tick.yml", "cron: \"* * * * * *\"\ntasks: {a: {run: \"true\"}}")
	in.StartPrincipalAlone()
	if time.Now().After(due) {
		b.Fatal("this machine needs more than 15 s to write and read 10,000 files")
	}
	idle := time.Now().Add(2 * time.Second)                  // by then the schedules are taken in
	time.Sleep(time.Until(due.Add(2500 * time.Millisecond))) // what is measured happens meanwhile
	c := client.New(client.Options{Data: in.Data})
	defer c.Close()
	seen := map[string]int{}
	var last, late time.Duration
	for req := (wire.RunList{}); ; {
		var page wire.Runs
		if err := c.Call(context.Background(), wire.OpRunList, &req, &page); err != nil {
			b.Fatal(err)
		}
		for _, r := range page.Runs {
			if r.Workflow == "tick" {
				if r.Created.After(idle) && r.Created.Before(due) {
					late = max(late, r.Created.Sub(r.Created.Truncate(time.Second)))
				}
				continue
			}
			seen[r.Workflow]++
			last = max(last, r.Created.Sub(due))
		}
		if req.Cursor = page.Cursor; req.Cursor == "" {
			break
		}
	}
	doubled := 0
	for _, n := range seen {
		if n > 1 {
			doubled++
		}
	}
	b.add("10,000 cron workflows due at once, all queued after", fmt.Sprintf("%s; %d, %d doubled", ms(last), len(seen), doubled), "", "1 s")
	b.add("  a slot fires late by, at most", ms(late), "commit "+ms(b.commit), "50 ms")
	in.StopPrincipal()
}
