package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// The two machines: network namespaces on one cable. The first is the
// principal's.
const (
	firstAddress  = "10.99.7.1"
	secondAddress = "10.99.7.2"
)

// machine is an installation in a network namespace: all that it shares with
// another one is the cable.
type machine struct {
	*harness.Installation
	t         *testing.T
	namespace string
}

// twoMachines makes the namespaces and the cable; they go with the test.
func twoMachines(t *testing.T) (first, second string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("SKIP-TOOL ip: not on the PATH (package iproute2)")
	}
	first, second = fmt.Sprintf("cdktr-%d-1", os.Getpid()), fmt.Sprintf("cdktr-%d-2", os.Getpid())
	ip := func(args ...string) error {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
		return nil
	}
	for _, name := range []string{first, second} {
		if err := ip("netns", "add", name); err != nil {
			t.Skipf("two machines cannot be made here, as that takes root and CAP_SYS_ADMIN: %v", err)
		}
		t.Cleanup(func() {
			if err := ip("netns", "delete", name); err != nil {
				t.Error(err)
			}
		})
	}
	err := errors.Join(
		ip("link", "add", "cable", "netns", first, "type", "veth", "peer", "name", "cable", "netns", second),
		ip("-n", first, "address", "add", firstAddress+"/24", "dev", "cable"),
		ip("-n", second, "address", "add", secondAddress+"/24", "dev", "cable"))
	for _, name := range []string{first, second} {
		err = errors.Join(err, ip("-n", name, "link", "set", "lo", "up"), ip("-n", name, "link", "set", "cable", "up"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return first, second
}

func newMachine(t *testing.T, namespace, name string) *machine {
	t.Helper()
	return &machine{harness.New(t, "WHERE="+name), t, namespace}
}

func (m *machine) run(name string, args ...string) harness.Result {
	m.t.Helper()
	return m.Run("ip", append([]string{"netns", "exec", m.namespace, harness.Bin(m.t, name)}, args...)...)
}

func (m *machine) must(name string, args ...string) string {
	m.t.Helper()
	r := m.run(name, args...)
	if r.Code != 0 {
		m.t.Fatalf("%s %v: exit code %d\n%s%s", name, args, r.Code, r.Stdout, r.Stderr)
	}
	return strings.TrimSuffix(r.Stdout, "\n")
}

// daemon starts a daemon; kill ends it with kill -9. What it says is shown when
// the test fails.
func (m *machine) daemon(name string, args ...string) (kill func()) {
	m.t.Helper()
	cmd := m.Command("ip", append([]string{"netns", "exec", m.namespace, harness.Bin(m.t, name)}, args...)...)
	log, err := os.CreateTemp(m.Dir, ".log-*")
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := false
	kill = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Kill() // gone already: fine
		_ = cmd.Wait()
	}
	m.t.Cleanup(func() {
		kill()
		if m.t.Failed() {
			m.t.Logf("--- %s\n%s", name, read(m.t, log.Name()))
		}
	})
	return kill
}

// principal starts the principal, on its own three ports, and returns when it
// is ready.
func (m *machine) principal(host string) (kill func()) {
	m.t.Helper()
	_ = os.Remove(filepath.Join(m.Data, "principal.json")) // of one that was killed
	kill = m.daemon("cdktr-principal", "--host", host, "--workflows", m.Workflows)
	harness.Eventually(m.t, "the principal is ready", func() bool { _, ok := m.Address(); return ok })
	return kill
}

// carry copies a join file, and has a command of the other machine take it.
func (m *machine) carry(to *machine, file, command string) {
	m.t.Helper()
	write(m.t, filepath.Join(to.Dir, file), read(m.t, filepath.Join(m.Dir, file)))
	to.must(command, "--join", file)
}

func (m *machine) grant(name, role string) {
	m.t.Helper()
	write(m.t, filepath.Join(m.Dir, name+".join"), m.must("cdktr-principal", "grant", name, "--role", role, "--address", firstAddress)+"\n")
}

func TestTwoMachines(t *testing.T) {
	for _, host := range []string{firstAddress, "0.0.0.0"} {
		t.Run("listening on "+host, func(t *testing.T) { playTwoMachines(t, host) })
	}
}

func playTwoMachines(t *testing.T, host string) {
	one, other := twoMachines(t)
	db, web := newMachine(t, one, "db1"), newMachine(t, other, "web1")
	db.Workflow("hello.yml", "tasks: {a: {run: 'echo hello from $WHERE'}}")
	db.Workflow("slow.yml", "tasks:\n  a:\n    run: |\n      "+await+"      touch begun; await go; echo $WHERE is done\n")
	kill := db.principal(host)

	// Keys are made there, carried over, and joined here: one for the agent, one
	// for people.
	db.grant("web1", "agent")
	db.grant("ada", "operator")
	db.carry(web, "web1.join", "cdktr-agent")
	db.carry(web, "ada.join", "cdktr-run")
	web.daemon("cdktr-agent", "--name", "web1")
	if got := web.must("cdktr-run", "-l", "hello"); got != "hello from web1" {
		t.Errorf("the task said %q", got)
	}
	if got := web.must("cdktr-logs", "-w", "hello", "-s", "stdout", "-o", "cat"); got != "hello from web1" {
		t.Errorf("the history has %q", got)
	}
	if got := web.pipe("hello\nhello\n", "cdktr-listen"); strings.Count(got, `"workflow":"hello","run":"`) != 2 {
		t.Errorf("listen printed %q", got)
	}
	if got := harness.Field(t, web.must("cdktr-agent", "list"), "agent"); got != "web1" {
		t.Errorf("the agent is %q", got)
	}
	if got := db.must("cdktr-run", "-l", "hello"); got != "hello from web1" {
		t.Errorf("from the principal's machine: %q", got)
	}

	// The principal goes away in the middle of a task, and comes back.
	id := web.must("cdktr-run", "-d", "slow")
	web.awaitFile("begun")
	kill()
	touch(t, web.Installation, "go")
	kill = db.principal(host)
	web.must("cdktr-run", "-q", "--wait", id)
	if got := web.must("cdktr-logs", "-r", id, "-s", "stdout", "-o", "cat"); got != "web1 is done" {
		t.Errorf("the history has %q", got)
	}
	if got := harness.Field(t, web.must("cdktr-run", "--show", id, "-o", "json"), "tasks[0].attempt"); got != "1" {
		t.Errorf("it took attempt %s", got)
	}

	web.strangers(db)

	// A key that is revoked: the task goes to another agent, the person is out.
	removeFiles(t, web.Dir, "begun", "go")
	id = web.must("cdktr-run", "-d", "slow")
	web.awaitFile("begun")
	next := newMachine(t, other, "web2")
	db.grant("web2", "agent")
	db.carry(next, "web2.join", "cdktr-agent")
	next.daemon("cdktr-agent", "--name", "web2")
	db.must("cdktr-principal", "revoke", "web1")
	next.awaitFile("begun")
	touch(t, web.Installation, "go") // its result is late, and of no use
	touch(t, next.Installation, "go")
	web.must("cdktr-run", "-q", "--wait", id)
	if got := web.must("cdktr-logs", "-r", id, "-s", "stdout", "-o", "cat"); got != "web2 is done" {
		t.Errorf("the history has %q", got)
	}
	if got := web.must("cdktr-agent", "list"); harness.Field(t, got, "agent") != "web2" {
		t.Errorf("the agents are %s", got)
	}
	db.must("cdktr-principal", "revoke", "ada")
	if r := web.run("cdktr-run", "-d", "hello"); r.Code != 77 || !strings.Contains(r.Stderr, "refused this key") {
		t.Errorf("with a revoked key: %+v", r)
	}
	kill()
	db.principal(host)
	if r := web.run("cdktr-run", "-d", "hello"); r.Code != 77 {
		t.Errorf("with a revoked key, after a restart: %+v", r)
	}
}

// strangers are those whose join file is of another principal.
func (m *machine) strangers(db *machine) {
	m.t.Helper()
	elsewhere := newMachine(m.t, m.namespace, "elsewhere")
	elsewhere.grant("eve", "admin") // by a principal that has never run
	right, wrong := read(m.t, filepath.Join(db.Dir, "ada.join")), read(m.t, filepath.Join(elsewhere.Dir, "eve.join"))
	key := func(text string) string { return principalKey.FindString(text) }
	for name, c := range map[string]struct {
		text string
		code int
		says string
	}{
		"another principal's":              {wrong, 69, "cannot reach the principal at tcp://" + firstAddress + ":5561"},
		"with this one's key, not granted": {strings.Replace(wrong, key(wrong), key(right), 1), 77, "refused this key"},
	} {
		eve := newMachine(m.t, m.namespace, "eve")
		write(m.t, filepath.Join(eve.Dir, "eve.join"), c.text)
		eve.must("cdktr-run", "--join", "eve.join")
		write(m.t, filepath.Join(eve.Dir, ".env"), "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500\nCDKTR_RETRY_ATTEMPTS=2\n")
		if r := eve.run("cdktr-run", "-d", "hello"); r.Code != c.code || !strings.Contains(r.Stderr, c.says) {
			m.t.Errorf("a join file, %s: %+v", name, r)
		}
	}
}

var principalKey = regexp.MustCompile(`principal-key = .*`)

func (m *machine) awaitFile(name string) {
	m.t.Helper()
	harness.Eventually(m.t, name+" is there", func() bool {
		_, err := os.Stat(filepath.Join(m.Dir, name))
		return err == nil
	})
}

func removeFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// pipe runs a command with a text as its stdin.
func (m *machine) pipe(stdin, name string, args ...string) string {
	m.t.Helper()
	cmd := m.Command("ip", append([]string{"netns", "exec", m.namespace, harness.Bin(m.t, name)}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}
