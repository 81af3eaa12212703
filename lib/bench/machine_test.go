package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/store"
	"github.com/cdktr/cdktr/lib/wire"
)

// times runs f n times and returns the median.
func times(n int, f func()) time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		begun := time.Now()
		f()
		all[i] = time.Since(begun)
	}
	slices.Sort(all)
	return all[n/2]
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// limits measures what nothing on this machine can be faster than.
func (b *bench) limits() {
	b.spawn = times(100, func() {
		if err := exec.Command("true").Run(); err != nil {
			b.Fatal(err)
		}
	})
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Path: filepath.Join(b.TempDir(), "app.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.commit = times(100, func() {
		event := run.Event{Time: time.Now(), Kind: run.RunChanged, Workflow: "w", Run: "000000000000", Status: run.Running}
		if err := s.Append(ctx, []run.Event{event}); err != nil {
			b.Fatal(err)
		}
	})
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// idle measures a principal with 1,000 scheduled workflows and nothing to do.
func (b *bench) idle() {
	for i := range 1000 {
		b.in.Workflow(fmt.Sprintf("idle/w%d.yml", i), "cron: \"0 2 * * *\"\ntasks: {a: {run: \"true\"}}")
	}
	begun := time.Now()
	p := b.in.StartPrincipalAlone()
	ready := time.Since(begun)
	c := client.New(client.Options{Data: b.in.Data})
	defer c.Close()
	b.trip = times(200, func() {
		if err := c.Call(context.Background(), wire.OpPing, &wire.Plain{}, new(wire.Pong)); err != nil {
			b.Fatal(err)
		}
	})
	before := cpu(p.PID())
	time.Sleep(5 * time.Second) // what is measured is doing nothing
	busy := (cpu(p.PID()) - before).Seconds() / 5 * 100
	b.add("principal with 1,000 scheduled workflows: ready after", ms(ready), "", "300 ms")
	b.add("  memory; share of a core when idle", fmt.Sprintf("%s; %.1f %%", resident(p.PID()), busy), "", "100 MB; 1 %")
	b.in.StopPrincipal()
	b.in = harness.New(b.T)
}

// cpu is the processor time that a process has used.
func cpu(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The fields after the command's name, which may hold spaces.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * time.Second / 100
}

// memory is the resident set of the installation's processes of that program.
func (b *bench) memory(program string) string {
	for _, pid := range b.in.Living() {
		name, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && filepath.Base(name) == program {
			return resident(pid)
		}
	}
	return "?"
}

// resident is the largest resident set that a process has had.
func resident(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "?"
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return fmt.Sprintf("%d MB", kb/1024)
		}
	}
	return "?"
}
