package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/harness"
)

// inOwnMounts runs the calling test again, in a process that has its own view
// of what is mounted, so that nothing stays behind. It is true in that process:
// only there the test goes on.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	const inside = "E2E_OWN_MOUNTS"
	if os.Getenv(inside) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), inside+"=1", "CDKTR_BIN="+filepath.Dir(harness.Bin(t, "cdktr-run")))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	said, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		t.Skipf("no small disk can be mounted here, as that takes root and CAP_SYS_ADMIN: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, said)
	case strings.Contains(string(said), "--- SKIP: "+t.Name()):
		t.Skipf("no small disk can be mounted here:\n%s", said)
	case !strings.Contains(string(said), "--- PASS: "+t.Name()):
		t.Errorf("the test did not run in its own process:\n%s", said)
	}
	return false
}

// smallDisk is a disk with an installation's data directory on it, and a file
// that takes as much of it as the test wants.
type smallDisk struct {
	t      *testing.T
	dir    string
	filler *os.File
}

func mountSmallDisk(t *testing.T, mebibytes int) *smallDisk {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", mebibytes))
	if errors.Is(err, fs.ErrPermission) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // it goes with the process at the latest
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = filler.Close() })
	return &smallDisk{t, dir, filler}
}

// installation has its data on the disk. All the rest is elsewhere.
func (d *smallDisk) installation(env ...string) *harness.Installation {
	d.t.Helper()
	in := harness.New(d.t, append(env, "CDKTR_APP_DATA_DIRECTORY="+d.dir)...)
	in.Data = d.dir
	return in
}

func (d *smallDisk) free() int64 {
	d.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		d.t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// leave fills the disk, or makes room, until so much is free.
func (d *smallDisk) leave(bytes int64) {
	d.t.Helper()
	harness.Eventually(d.t, "the disk is filled", func() bool {
		info, err := d.filler.Stat()
		if err != nil {
			d.t.Fatal(err)
		}
		more := d.free() - bytes
		size := max(info.Size()+more, 0)
		if more > 0 {
			err = unix.Fallocate(int(d.filler.Fd()), 0, 0, size)
		} else {
			err = d.filler.Truncate(size)
		}
		if errors.Is(err, unix.ENOSPC) {
			return false // somebody else wrote meanwhile
		}
		if err != nil {
			d.t.Fatal(err)
		}
		return true
	})
}

const mib = 1 << 20

// What is under way on a disk that is nearly full, ends; what is new waits
// outside.
func TestDiskThatIsNearlyFull(t *testing.T) {
	t.Parallel()
	if !inOwnMounts(t) {
		return
	}
	disk := mountSmallDisk(t, 128)
	in := disk.installation("CDKTR_DISK_RESERVE_MB=48")
	in.Workflow("hello.yml", "tasks: {a: {run: echo hello}}")
	for _, name := range []string{"one", "two"} {
		in.Workflow(name+".yml", "tasks:\n  a:\n    run: |\n      "+await+"      touch began-"+name+"; await go-"+name+"; seq -f 'line %g' 20000; touch ended-"+name+"\n")
	}
	in.StartPrincipal()
	one := in.Must("cdktr-run", "-d", "--key", "k", "one")
	two := in.Must("cdktr-run", "-d", "two")
	awaitFile(t, in, "began-one")
	awaitFile(t, in, "began-two")

	disk.leave(36 * mib)
	r := in.Run("cdktr-run", "-d", "hello")
	if r.Code != 75 || !strings.Contains(r.Stderr, "the disk with "+disk.dir+" is nearly full: 3") || !strings.Contains(r.Stderr, "48 MiB are kept in reserve") {
		t.Errorf("on a disk that is nearly full: %+v", r)
	}
	if got := in.Must("cdktr-run", "-d", "--key", "k", "one"); got != one {
		t.Errorf("the key of run %s gave %s", one, got)
	}
	listen := in.Command("cdktr-listen")
	listen.Stdin = strings.NewReader("hello\n")
	var told, said strings.Builder
	listen.Stdout, listen.Stderr = &told, &said
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	touch(t, in, "go-one")
	if ended, code := finish(t, in, one); code != 0 {
		t.Errorf("the run that was under way is %+v", ended)
	}
	if n := numbered(t, bare(t, in, one, "stdout")); n != 20000 {
		t.Errorf("the history has %d of its lines", n)
	}

	// Half of the reserve: the lines stay with the agent, the task ends, and
	// the result waits for them.
	disk.leave(12 * mib)
	touch(t, in, "go-two")
	awaitFile(t, in, "ended-two")
	harness.Eventually(t, "the agent hears that its lines are not taken", func() bool {
		return strings.Contains(read(t, filepath.Join(in.Data, "agents", "beside.log")), "lines are taken again when there are 24 MiB")
	})
	if got := show(t, in, two).Status; got != "RUNNING" {
		t.Errorf("the run whose lines are missing is %s", got)
	}
	in.Must("cdktr-agent", "list")

	disk.leave(60 * mib)
	if ended, code := finish(t, in, two); code != 0 || ended.Tasks[0].Attempt != 1 {
		t.Errorf("the run that had to wait is %+v", ended)
	}
	if n := numbered(t, bare(t, in, two, "stdout")); n != 20000 {
		t.Errorf("the history has %d of its lines", n)
	}
	if err := listen.Wait(); err != nil || !strings.Contains(told.String(), `"run":"`) || !strings.Contains(said.String(), "nearly full") {
		t.Errorf("listen: %v\n%s%s", err, told.String(), said.String())
	}
	in.Must("cdktr-run", "-q", "hello")
	for what, want := range map[string]int{"no new runs are taken": 1, "neither new runs nor lines": 1} {
		if got := strings.Count(in.Principal().Said(), what); got != want {
			t.Errorf("the principal said %q %d times", what, got)
		}
	}
}

// A commit that finds no room ends the principal, and so does one that DuckDB
// makes by itself while nobody asks for anything. What was acknowledged is
// there when there is room again.
func TestDiskThatIsFull(t *testing.T) {
	t.Parallel()
	if !inOwnMounts(t) {
		return
	}
	disk := mountSmallDisk(t, 64)
	in := disk.installation("CDKTR_DISK_RESERVE_MB=0")
	in.Workflow("hello.yml", "params: {text: ''}\ntasks: {a: {run: echo hello}}")
	ends := func(code int, said string) {
		t.Helper()
		if code != 74 || !strings.Contains(said, "o space left on device") || strings.Contains(said, "goroutine ") || strings.Contains(said, "Stack Trace") || strings.Contains(said, "duckdb.org") {
			t.Errorf("a principal on a full disk ended with exit code %d\n%s", code, said)
		}
	}
	acknowledged := map[string]string{} // keys by run
	fill := func(what string, most, size int) {
		t.Helper()
		in.StartPrincipalAlone()
		disk.leave(200 << 10)
		for n := range most {
			key := fmt.Sprint(what, n)
			trigger := in.Command("cdktr-run", "-d", "--key", key, "hello", "text="+strings.Repeat("x", size))
			trigger.Env = append(in.Env(), "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS=500", "CDKTR_RETRY_ATTEMPTS=1") // the principal ends meanwhile
			run, err := trigger.Output()
			if err != nil {
				break
			}
			acknowledged[strings.TrimSpace(string(run))] = key
		}
		select {
		case <-in.Principal().Exited():
		case <-time.After(harness.Patience):
			t.Fatal("the principal goes on, on a full disk")
		}
		ends(in.Principal().Code(), in.Principal().Said())
		if _, there := in.Address(); there {
			t.Error("principal.json is still there")
		}
	}
	fill("large", 50, 20_000)
	disk.leave(16 * mib)
	fill("small", 25, 1)
	if len(acknowledged) == 0 {
		t.Error("no run was acknowledged while the disk ran full")
	}

	disk.leave(0)
	r := in.Run("cdktr-principal", "--port", "0", "--workflows", in.Workflows)
	ends(r.Code, r.Stderr)
	if r := in.Run("cdktr-principal", "grant", "web1", "--role", "agent"); r.Code != 74 || r.Stdout != "" {
		t.Errorf("a key for which there is no room: %+v", r)
	}

	disk.leave(16 * mib)
	in.StartPrincipal()
	for run, key := range acknowledged {
		if ended, code := finish(t, in, run); code != 0 {
			t.Errorf("run %s, key %s, is %s", run, key, ended.Status)
		}
	}
	in.Must("cdktr-principal", "grant", "web1", "--role", "agent")
}

func awaitFile(t *testing.T, in *harness.Installation, name string) {
	t.Helper()
	harness.Eventually(t, name+" is there", func() bool {
		_, err := os.Stat(filepath.Join(in.Dir, name))
		return err == nil
	})
}
