package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// Among so many runs two begin alike: the odds against it are 10^8 to one.
func TestPrefixOfARunIsTakenUnlessItIsAmbiguous(t *testing.T) {
	t.Parallel()
	const many = 8000
	in := harness.New(t)
	in.Workflow("w.yml", "tasks: {a: {run: 'true'}}")
	in.StartPrincipalAlone()

	c := client.New(client.Options{Data: in.Data})
	defer c.Close()
	request := &wire.Trigger{}
	for i := range many {
		request.Batch = append(request.Batch, wire.TriggerItem{Workflow: "w", Key: fmt.Sprint(i)})
	}
	var answer wire.Triggered
	if err := c.Call(context.Background(), wire.OpRunTrigger, request, &answer); err != nil {
		t.Fatal(err)
	}
	byPrefix := map[string][]string{}
	for _, started := range answer.Batch {
		if len(started.Run) != 12 || started.Error != nil {
			t.Fatalf("a run was answered with %+v", started)
		}
		byPrefix[started.Run[:4]] = append(byPrefix[started.Run[:4]], started.Run)
	}
	alone, alike := "", ""
	for prefix, ids := range byPrefix {
		if len(ids) > 1 {
			alike = prefix
		} else {
			alone = prefix
		}
	}
	if got := show(t, in, alone).Run; got != byPrefix[alone][0] {
		t.Errorf("%s is run %s, want %s", alone, got, byPrefix[alone][0])
	}
	for _, args := range [][]string{{"cdktr-run", "--show"}, {"cdktr-run", "--wait"}, {"cdktr-run", "--cancel"}, {"cdktr-logs", "-r"}} {
		r := in.Run(args[0], append(args[1:], alike)...)
		for _, id := range byPrefix[alike] {
			if r.Code != 66 || !strings.Contains(r.Stderr, id) {
				t.Errorf("%v %s: want exit code 66 and %s named, got %+v", args, alike, id, r)
			}
		}
		if r := in.Run(args[0], append(args[1:], alone[:3])...); r.Code == 0 || r.Stdout != "" {
			t.Errorf("%v %s: three characters are too few, got %+v", args, alone[:3], r)
		}
	}
	for _, id := range byPrefix[alike] {
		if got := show(t, in, id[:11]).Run; got != id {
			t.Errorf("%s is run %s, want %s", id[:11], got, id)
		}
	}
}
