package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

// The test binary is an agent where this names its principal's address.
const childVariable = "CDKTR_TEST_AGENT_OF"

func TestMain(m *testing.M) {
	if IsWatchdog(os.Args) {
		Watch(os.Stdin, os.Stdout, os.Stderr)
		os.Exit(0)
	}
	if address := os.Getenv(childVariable); address != "" {
		os.Exit(child(address))
	}
	os.Exit(m.Run())
}

func child(address string) int {
	link := httpLink(address)
	a, err := New(Options{Name: "box", Dir: os.Args[1], Slots: 2, API: link, Logs: func(string) Link { return link }})
	if err == nil {
		err = a.Run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// httpLink reaches a principal in another process.
type httpLink string

func (l httpLink) Call(ctx context.Context, op wire.Op, req, result any) error {
	body, err := wire.EncodeRequest(req)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, string(l)+"/"+string(op), bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusConflict:
		refused := new(wire.Error)
		if err := json.Unmarshal(answer, refused); err != nil {
			return err
		}
		return refused
	case resp.StatusCode != http.StatusOK:
		return errNoAnswer
	}
	return json.Unmarshal(answer, result)
}

func (p *principal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer, err := p.serve(r.Context(), wire.Op(strings.TrimPrefix(r.URL.Path, "/")), body)
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(refused)
	case err != nil:
		w.WriteHeader(http.StatusBadGateway)
	default:
		_, _ = w.Write(answer)
	}
}

// process starts an agent as a process of its own, and returns what kills it.
func process(t *testing.T, address, dir string) (kill func()) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), childVariable+"="+address)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return kill
}

func TestResultAndLinesSurviveKillOfTheAgent(t *testing.T) {
	all := []string{"up", "1", "2", "3"}
	for _, c := range []struct {
		name   string
		lost   []wire.Op // what does not arrive before the agent is killed
		wiped  bool      // and the files with the lines are gone
		stdout []string
		system []string
	}{
		{"lines delivered", []wire.Op{wire.OpAgentReport}, false, all, []string{"started", "exit"}},
		{"lines not delivered", []wire.Op{wire.OpAgentReport, wire.OpLogsAppend}, false, all, []string{"started", "exit"}},
		{"lines lost", []wire.Op{wire.OpAgentReport, wire.OpLogsAppend}, true, []string{"up", "[gap 3]"}, []string{"started", "[gap 1]"}},
	} {
		p := newPrincipal(t)
		server := httptest.NewServer(p)
		dir := t.TempDir()
		kill := process(t, server.URL, dir)
		spec := script("echo once >> ran; echo up; until [ -e go ]; do sleep 0.01; done; seq 3; exit 7")
		spec.Dir = dir
		id := p.give("t", spec)
		p.awaitLine(id, "stdout", "up")
		p.locked(func() {
			for _, op := range c.lost {
				p.deaf[op] = true
			}
		})
		write(t, dir, "go", "")
		until(t, "the result is on disk", func() bool { return len(kept(t, dir)) == 1 })
		if !p.deafTo(wire.OpLogsAppend) {
			p.await("the last line", func() bool { return len(p.lines[streamOf(id, "system")]) == 2 })
		}
		kill()
		if c.wiped {
			for _, file := range spooled(t, dir) {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
		}
		p.locked(func() { clear(p.deaf) })
		killSecond := process(t, server.URL, dir)

		r := p.awaitResult(id)
		if r.Outcome != "exited" || *r.ExitCode != 7 || r.Lines["stdout"] != 4 || r.Lines["system"] != 2 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if p.known.Incarnation != 2 || len(p.hello.Held) != 1 || p.hello.Held[0].State != "done" {
			t.Errorf("%s: the second start said %+v", c.name, p.hello)
		}
		if got := p.texts(id, "stdout"); !slices.Equal(got, c.stdout) {
			t.Errorf("%s: stdout %q", c.name, got)
		}
		got := p.texts(id, "system")
		for i, want := range c.system {
			if i >= len(got) || !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: system %q", c.name, got)
				break
			}
		}
		if got := read(t, dir, "ran"); got != "once\n" {
			t.Errorf("%s: ran %q", c.name, got)
		}
		until(t, "the result is forgotten", func() bool { return len(kept(t, dir)) == 0 })
		until(t, "no lines are left on disk", func() bool { return len(spooled(t, dir)) == 0 })
		killSecond()
		server.CloseClientConnections()
		server.Close()
	}
}

// spooled lists the files with lines below an agents' directory.
func spooled(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "spool", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, empty)
}

// A kill -9 in the middle of a task that prints without end, with a principal
// that takes no more: all that was read from the task arrives later.
func TestKillOfTheAgentLosesNoLineThatItHadRead(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	dir := t.TempDir()
	kill := process(t, server.URL, dir)
	id := p.give("t", script("echo up; exec seq 100000000"))
	p.awaitLine(id, "stdout", "up")
	p.locked(func() { p.deaf[wire.OpLogsAppend] = true })
	until(t, "there are two files", func() bool { return len(spooled(t, dir)) >= 2 })
	kill()
	last := int64(0)
	for _, file := range spooled(t, dir) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b = b[slotSize:]
		for {
			e, size, err := readRecord(b)
			if err != nil {
				break
			}
			b = b[size:]
			if e.stream == wire.Stdout {
				last = e.last()
			}
		}
	}
	if last < 100_000 {
		t.Fatalf("only %d lines are on disk", last)
	}
	p.locked(func() {
		clear(p.deaf)
		delete(p.leased, id) // the attempt crashed with its agent
	})
	defer process(t, server.URL, dir)()
	p.await("the lines", func() bool { return int64(len(p.lines[streamOf(id, "stdout")])) >= last })
	for i, text := range p.texts(id, "stdout") {
		if i > 0 && text != strconv.Itoa(i) {
			t.Fatalf("line %d is %q", i, text)
		}
	}
	until(t, "no lines are left on disk", func() bool { return len(spooled(t, dir)) == 0 })
}
