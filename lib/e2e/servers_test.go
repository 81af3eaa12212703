package e2e

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/harness"
)

// daemon starts a program that runs until the test ends or stops it. Its output
// is in a file.
type daemon struct {
	*exec.Cmd
	said   func() string
	exited chan struct{}
}

func startDaemon(t *testing.T, cmd *exec.Cmd) *daemon {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &daemon{Cmd: cmd, said: func() string { return read(t, log.Name()) }, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // the state says it all
		close(d.exited)
	}()
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("--- %s\n%s", filepath.Base(cmd.Path), d.said())
		}
	})
	return d
}

// kill ends it and its children.
func (d *daemon) kill() {
	_ = syscall.Kill(-d.Process.Pid, syscall.SIGKILL) // gone already: fine
	<-d.exited
}

// stop asks it to end, and tells its exit code.
func (d *daemon) stop(t *testing.T) int {
	t.Helper()
	_ = d.Process.Signal(syscall.SIGTERM) // gone already: fine
	harness.Eventually(t, "the end of "+filepath.Base(d.Path), func() bool {
		select {
		case <-d.exited:
			return true
		default:
			return false
		}
	})
	return d.ProcessState.ExitCode()
}

// postgres is a server on a private socket.
type postgres struct {
	bin, dir string
	as       *syscall.SysProcAttr
}

// startPostgres starts a server that ends with the test. It refuses root, so
// where the test is root it is another user's, in a directory that is its own.
func startPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{bin: postgresBin(t)}
	dir, err := os.MkdirTemp("", "pg-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p.dir, p.as = dir, nobodyIfRoot(t, dir)
	init := p.command("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := p.command("postgres", "-D", "data", "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=8MB", "-c", "max_connections=20")
	d := startDaemon(t, server)
	// SIGQUIT has it end its children too, which are in groups of their own.
	t.Cleanup(func() {
		_ = d.Process.Signal(syscall.SIGQUIT)
		<-d.exited
	})
	harness.Eventually(t, "PostgreSQL is ready", func() bool {
		return p.psql("SELECT 1").Run() == nil
	})
	return p
}

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	if p.as != nil {
		as := *p.as
		cmd.SysProcAttr = &as
	}
	return cmd
}

// url is for clients, whoever they are.
func (p *postgres) url() string { return "host=" + p.dir + " user=postgres dbname=postgres" }

func (p *postgres) psql(sql string) *exec.Cmd {
	return p.command("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", p.url(), "-c", sql)
}

// ask returns what a statement gives, without the last newline.
func (p *postgres) ask(t *testing.T, sql string) string {
	t.Helper()
	out, err := p.psql(sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// postgresBin is where the server's programs are: Debian and brew keep them off
// the PATH.
func postgresBin(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/postgres", "/opt/homebrew/opt/postgresql@*/bin/postgres"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 { // the pattern is good
			return filepath.Dir(found[len(found)-1])
		}
	}
	harness.Need(t, "postgres")
	return ""
}

func nobodyIfRoot(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid) // numbers, on Unix
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// redis is a server on a private socket.
type redis struct{ socket string }

func startRedis(t *testing.T) *redis {
	t.Helper()
	harness.Need(t, "redis-server", "redis-cli")
	dir, err := os.MkdirTemp("", "redis-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	r := &redis{filepath.Join(dir, "s")}
	startDaemon(t, exec.Command("redis-server", "--port", "0", "--unixsocket", r.socket, "--dir", dir, "--save", "", "--appendonly", "no"))
	harness.Eventually(t, "Redis is ready", func() bool { return r.command("PING").Run() == nil })
	return r
}

func (r *redis) command(args ...string) *exec.Cmd {
	return exec.Command("redis-cli", append([]string{"-s", r.socket, "-e", "--no-raw"}, args...)...)
}

// ask returns what a command gives, as redis-cli shows it.
func (r *redis) ask(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
