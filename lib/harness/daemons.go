package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// StartPrincipal starts cdktr-principal with an agent, on free ports, and
// returns when it is ready. A flag given here comes after those, and so wins.
func (in *Installation) StartPrincipal(flags ...string) *Process {
	in.t.Helper()
	return in.StartPrincipalAlone(append([]string{"--with-agent"}, flags...)...)
}

// StartPrincipalAlone is StartPrincipal without an agent.
func (in *Installation) StartPrincipalAlone(flags ...string) *Process {
	in.t.Helper()
	return in.must(in.startPrincipal(flags))
}

// BuildToFail builds what the two functions below start, if that was not done:
// it takes a while.
func (in *Installation) BuildToFail() {
	in.t.Helper()
	if _, err := builtToFail(); err != nil {
		in.t.Fatal(err)
	}
}

// StartPrincipalToFail starts a principal, without an agent, that kills itself
// at the N-th hit of a failpoint, given as name:N. It returns at once: the end
// may come before the principal is ready.
func (in *Installation) StartPrincipalToFail(failpoint string) *Process {
	in.t.Helper()
	return in.must(in.startToFail("principal", "cdktr-principal", failpoint, "--port", "0", "--workflows", in.Workflows))
}

// StartAgentToFail is StartAgent for an agent that kills itself at the N-th hit
// of a failpoint. It returns at once, as StartPrincipalToFail does.
func (in *Installation) StartAgentToFail(name, failpoint string, flags ...string) *Process {
	in.t.Helper()
	p := in.must(in.startToFail("agent "+name, "cdktr-agent", failpoint, append([]string{"--name", name}, flags...)...))
	in.agents[name] = p
	return p
}

// RestartPrincipal stops the principal where it still runs, and starts it with
// the same flags. Its ports may be other ones.
func (in *Installation) RestartPrincipal() *Process {
	in.t.Helper()
	if err := in.stopPrincipal(); err != nil {
		in.t.Fatal(err)
	}
	return in.must(in.startPrincipal(in.flags))
}

// KillPrincipal ends the principal with kill -9. The agent that it started
// lives on.
func (in *Installation) KillPrincipal() {
	in.t.Helper()
	if err := in.killPrincipal(); err != nil {
		in.t.Fatal(err)
	}
}

// StopPrincipal sends SIGTERM; the principal must end with exit code 0.
func (in *Installation) StopPrincipal() {
	in.t.Helper()
	if err := in.stopPrincipal(); err != nil {
		in.t.Fatal(err)
	}
}

// Principal is the principal that was started last.
func (in *Installation) Principal() *Process { return in.principal }

// StartAgent starts a further agent and returns when the principal lists it.
func (in *Installation) StartAgent(name string, flags ...string) *Process {
	in.t.Helper()
	return in.must(in.startAgent(name, flags))
}

// Agent is the agent of that name that was started last, or nil.
func (in *Installation) Agent(name string) *Process { return in.agents[name] }

// Companion is the process id of the agent that --with-agent started or
// adopted, and whether it lives.
func (in *Installation) Companion() (pid int, living bool) {
	text, err := os.ReadFile(filepath.Join(in.Data, "agents", "beside.lock"))
	if err != nil {
		return 0, false
	}
	number, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err = strconv.Atoi(number)
	return pid, err == nil && Living(pid)
}

func (in *Installation) must(p *Process, err error) *Process {
	in.t.Helper()
	if err != nil {
		in.t.Fatal(err)
	}
	return p
}

func (in *Installation) startPrincipal(flags []string) (*Process, error) {
	args := append([]string{"--port", "0", "--workflows", in.Workflows}, flags...)
	p, err := in.daemon("principal", "cdktr-principal", args...)
	if err != nil {
		return nil, err
	}
	in.principal, in.flags = p, flags
	return p, in.ready(p, "to write principal.json", func() bool {
		a, ok := in.Address()
		return ok && a.PID == p.PID()
	})
}

func (in *Installation) killPrincipal() error {
	if in.principal == nil {
		return fmt.Errorf("no principal was started")
	}
	return in.principal.Kill()
}

func (in *Installation) stopPrincipal() error {
	if in.principal == nil {
		return fmt.Errorf("no principal was started")
	}
	select {
	case <-in.principal.Exited():
		return nil
	default:
	}
	code, err := in.principal.Stop()
	if err == nil && code != 0 {
		err = fmt.Errorf("the principal ended with exit code %d on SIGTERM", code)
	}
	return err
}

func (in *Installation) startAgent(name string, flags []string) (*Process, error) {
	p, err := in.daemon("agent "+name, "cdktr-agent", append([]string{"--name", name}, flags...)...)
	if err != nil {
		return nil, err
	}
	in.agents[name] = p
	return p, in.ready(p, "to be listed", func() bool {
		r, err := in.run("cdktr-agent", "list", "-o", "json")
		if err != nil || r.Code != 0 {
			return false
		}
		status, err := lineField(r.Stdout, "[agent="+name+"].status")
		return err == nil && status != "LOST"
	})
}

func (in *Installation) daemon(name, command string, args ...string) (*Process, error) {
	return in.start(name, in.env, filepath.Join(in.bin, command), args...)
}

func (in *Installation) startToFail(name, command, failpoint string, args ...string) (*Process, error) {
	dir, err := builtToFail()
	if err != nil {
		return nil, err
	}
	return in.start(name, append(in.Env(), "CDKTR_FAILPOINT="+failpoint), filepath.Join(dir, command), args...)
}

func (in *Installation) start(name string, env []string, path string, args ...string) (*Process, error) {
	log := filepath.Join(in.Dir, fmt.Sprintf(".log-%d", len(in.daemons)+1))
	p, err := start(name, in.Dir, log, env, path, args...)
	if err != nil {
		return nil, err
	}
	in.daemons = append(in.daemons, p)
	return p, nil
}

// ready waits for a daemon that has just been started.
func (in *Installation) ready(p *Process, what string, cond func() bool) error {
	ended := false
	ok := until(func() bool {
		select {
		case <-p.Exited():
			ended = true
			return true
		default:
			return cond()
		}
	})
	switch {
	case ended:
		return fmt.Errorf("%s ended with exit code %d instead of getting ready\n%s", p.Name, p.Code(), p.Said())
	case !ok:
		p.dump()
		return fmt.Errorf("waited %v in vain for %s %s\n%s", Patience, p.Name, what, p.Said())
	}
	return nil
}

// signals are those that scripts name.
var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL,
	"USR1": syscall.SIGUSR1, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}
