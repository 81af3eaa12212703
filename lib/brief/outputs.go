package brief

import (
	"strings"

	"github.com/cdktr/cdktr/lib/wire"
)

// maxOutputs bounds what one task hands on, names and values together.
const maxOutputs = 64 << 10

// CheckOutputs refuses outputs that no task can have written to its file. An
// agent reports such a task as failed.
func CheckOutputs(outputs map[string]string) *wire.Error {
	total := 0
	for name, value := range outputs {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00\n"):
			return refuse(wire.BadRequest, "output %.40q has no name that an output can have", name)
		case strings.ContainsRune(value, 0):
			return refuse(wire.BadRequest, "output %q holds a NUL byte", name)
		}
		total += len(name) + len(value) + 1
	}
	if total > maxOutputs+1 {
		return refuse(wire.TooLarge, "the outputs have %d bytes; at most %d are taken", total, maxOutputs)
	}
	return nil
}
