package agent

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestOutputsSurviveKillOfTheAgent(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	dir := t.TempDir()
	kill := process(t, server.URL, dir)
	p.await("a pull", func() bool { return p.pull > 0 })
	p.locked(func() { p.deaf[wire.OpAgentReport] = true })
	id := p.give("t", script("echo rows=7 > $CDKTR_OUTPUT; echo 'quoted=\"ü\"' >> $CDKTR_OUTPUT"))
	until(t, "the result is on disk", func() bool { return len(kept(t, dir)) == 1 })
	kill()
	p.locked(func() { clear(p.deaf) })
	defer process(t, server.URL, dir)()
	if r := p.awaitResult(id); r.Outcome != "exited" || *r.ExitCode != 0 || len(r.Outputs) != 2 || r.Outputs["rows"] != "7" || r.Outputs["quoted"] != `"ü"` {
		t.Errorf("%+v", r)
	}
}

// What a killed agent left of its tasks' files goes at its next start, whatever
// they were made into.
func TestFilesOfTasksOfADeadAgentAreRemoved(t *testing.T) {
	p := newPrincipal(t)
	server := httptest.NewServer(p)
	defer server.Close()
	defer server.CloseClientConnections()
	dir := t.TempDir()
	kill := process(t, server.URL, dir)
	id := p.give("t", script(`rm "$CDKTR_OUTPUT"; mkdir -p "$CDKTR_OUTPUT/in/it"; echo > "$CDKTR_OUTPUT/file"; echo "$CDKTR_OUTPUT"; sleep 1000`))
	p.await("the name of the file", func() bool { return len(p.lines[streamOf(id, "stdout")]) == 1 })
	temp := filepath.Join(dir, "box", "tmp")
	if got := p.texts(id, "stdout")[0]; filepath.Dir(got) != temp || !strings.HasPrefix(filepath.Base(got), "cdktr-output-") {
		t.Errorf("outputs go to %s", got)
	}
	kill()
	if left, _ := os.ReadDir(temp); len(left) != 2 { // the script's file too
		t.Fatalf("%v", left)
	}
	defer process(t, server.URL, dir)()
	p.await("the second start", func() bool { return p.hellos == 2 })
	if left, err := os.ReadDir(temp); len(left) > 0 || err != nil {
		t.Errorf("%v, %v", left, err)
	}
}
