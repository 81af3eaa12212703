package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// However the principal is told to stop, its agent hands in what it has and
// says goodbye to a principal that still listens.
func TestPrincipalStopsItsAgentBeforeItself(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*harness.Installation) error{
		"SIGTERM": func(in *harness.Installation) error { return in.Principal().Signal(syscall.SIGTERM) },
		"over the API": func(in *harness.Installation) error {
			c := client.New(client.Options{Data: in.Data})
			defer c.Close()
			return c.Call(t.Context(), wire.OpShutdown, &wire.Plain{}, &wire.Nothing{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := harness.New(t)
			in.Workflow("slow.yml", slow)
			p := in.StartPrincipal()
			run := began(t, in)
			if err := stop(in); err != nil {
				t.Fatal(err)
			}
			<-p.Exited()
			if p.Code() != 0 || !strings.Contains(p.Said(), "agent left") {
				t.Errorf("exit code %d; it said\n%s", p.Code(), p.Said())
			}
			if living := in.Living(); len(living) != 0 {
				t.Errorf("processes %v live on", living)
			}
			touch(t, in, "go")
			in.RestartPrincipal()
			in.Must("cdktr-run", "--wait", run)
			if task := show(t, in, run).Tasks[0]; task.Attempt != 2 {
				t.Errorf("the task is %+v, want it in its second attempt", task)
			}
		})
	}
}
