//go:build failpoint

package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// TestKillAtEveryPlaceOfACommitLosesNothingAcknowledged kills the child of
// TestWriterUntilKilled at its fifth commit, exactly there.
func TestKillAtEveryPlaceOfACommitLosesNothingAcknowledged(t *testing.T) {
	for point, want := range map[string]struct{ events, lines int64 }{
		"store.events.before-commit":   {4, 4},
		"store.events.after-commit":    {5, 4},
		"store.events.after-side-file": {5, 4},
		"store.lines.before-commit":    {5, 4},
		"store.lines.after-commit":     {5, 5},
		"store.lines.after-side-file":  {5, 5},
	} {
		t.Run(point, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "-test.run=^TestWriterUntilKilled$")
			cmd.Env = append(os.Environ(), "STORE_WRITER="+dir, "CDKTR_FAILPOINT="+point+":5")
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Run(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the writer ended with %v", err)
			}
			if !strings.HasSuffix(out.String(), "acked 4\n") {
				t.Errorf("the writer said %q", out.String())
			}
			s := open(t, options(dir))
			events := len(replayed(t, s))
			last, err := s.LastLines(context.Background(), []string{"r1"})
			must(t, err)
			lines := last[wire.StreamID{Run: "r1", Task: "extract", Attempt: 1, Stream: "stdout"}]
			if fmt.Sprint(events, lines) != fmt.Sprint(want.events, want.lines) {
				t.Errorf("%d events and %d lines are there, want %d and %d", events, lines, want.events, want.lines)
			}
			next := []run.Event{created("r2", definition("etl.daily", "extract"), epoch)}
			must(t, s.Append(context.Background(), next))
			if next[0].Pos <= want.events+want.lines {
				t.Errorf("position %d was given out twice", next[0].Pos)
			}
		})
	}
}
