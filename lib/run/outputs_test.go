package run

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Outputs are counted as they travel: what has to be escaped must not make a run
// too large for a message.
func TestOutputsAreCountedAsTheyTravel(t *testing.T) {
	for _, s := range []string{"", "plain", `a "b" \c`, "\x01\x1f\t\x7f", "é€😀", "\xff\xfe", "\u2028<&>", "\ufffd"} {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got, needs := written(s), buf.Len()-len(`""`+"\n"); got < needs {
			t.Errorf("%q counts as %d bytes and needs %d", s, got, needs)
		}
	}
	task := &task{run: &openRun{}}
	if task.room(map[string]string{"x": strings.Repeat("\x01", maxOutputs/6+1)}) || !task.room(map[string]string{"x": strings.Repeat("x", maxOutputs-1)}) {
		t.Error("the bound is not where it is said to be")
	}
}
