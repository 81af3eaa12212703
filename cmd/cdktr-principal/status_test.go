package main

import (
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestStatusSaysWhatIsWrong(t *testing.T) {
	failed := "the socket is gone"
	page := func(now wire.PrincipalStatus) string {
		var b strings.Builder
		for _, row := range statusRows(cli.Env{Zone: time.UTC}, &now) {
			b.WriteString(row[0] + ": " + row[1] + "\n")
		}
		return b.String()
	}
	got := page(wire.PrincipalStatus{
		Workflows: 2, Broken: 1,
		Errors: []wire.Problem{{File: "tick.yml", Line: 2, Column: 1, Message: "bad cron"}, {File: "sub", Message: "cannot be read"}},
		Disk:   wire.DiskStatus{Full: true},
		Listeners: []wire.ListenerStatus{
			{Listener: "scheduler", State: "waiting", Restarts: 3, Error: &failed},
		},
	})
	for _, want := range []string{
		"workflows: 2 loaded, 1 with mistakes\n: tick.yml:2:1: bad cron\n: sub: cannot be read\n",
		"no new runs are taken\n", "scheduler: waiting since", "failed 3 times: the socket is gone\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := page(wire.PrincipalStatus{}); !strings.Contains(got, "scheduler: off (--no-scheduler)\n") {
		t.Errorf("no scheduler:\n%s", got)
	}
}
