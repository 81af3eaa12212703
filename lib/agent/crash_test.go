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
	"slices"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

// The test binary is an agent where this names its principal's address.
const childVariable = "CDKTR_TEST_AGENT_OF"

func TestMain(m *testing.M) {
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
	body, err := json.Marshal(req)
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

func TestResultSurvivesKillOfTheAgent(t *testing.T) {
	for _, c := range []struct {
		name   string
		lost   []wire.Op // what does not arrive before the agent is killed
		stdout []string
		system []string
	}{
		{"lines delivered", []wire.Op{wire.OpAgentReport}, []string{"up", "1", "2", "3"}, []string{"started", "exit"}},
		{"lines not delivered", []wire.Op{wire.OpAgentReport, wire.OpLogsAppend}, []string{"up", "[gap 3]"}, []string{"started", "[gap 1]"}},
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
		p.locked(func() { clear(p.deaf) })
		killSecond := process(t, server.URL, dir)

		r := p.awaitResult(id)
		if r.Outcome != "exited" || *r.ExitCode != 7 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if p.known.Incarnation != 2 || len(p.hello.Held) != 1 || p.hello.Held[0].State != "done" {
			t.Errorf("%s: the second start said %+v", c.name, p.hello)
		}
		if got := p.texts(id, "stdout"); !slices.Equal(got, c.stdout) || r.Lines["stdout"] != int64(len(got)) {
			t.Errorf("%s: stdout %q, the result names %d", c.name, got, r.Lines["stdout"])
		}
		for i, got := range p.texts(id, "system") {
			if i >= len(c.system) || !strings.HasPrefix(got, c.system[i]) {
				t.Errorf("%s: system line %d is %q", c.name, i+1, got)
			}
		}
		if got := read(t, dir, "ran"); got != "once\n" {
			t.Errorf("%s: ran %q", c.name, got)
		}
		until(t, "the result is forgotten", func() bool { return len(kept(t, dir)) == 0 })
		killSecond()
		server.CloseClientConnections()
		server.Close()
	}
}
