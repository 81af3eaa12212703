package principal

import (
	"maps"
	"slices"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Bounds of what a trigger may carry. A value becomes one environment variable,
// which execve takes up to 128 KiB.
const (
	runIDLen     = 12
	maxKey       = 1 << 10
	maxParamName = 128
	maxParam     = 64 << 10
	maxParams    = 512 << 10
	maxTriggers  = 10_000
)

func checkParam(def *workflow.Definition, name, value string) *wire.Error {
	switch {
	case name == "":
		return refuse(wire.BadRequest, "a parameter needs a name")
	case len(name) > maxParamName:
		return refuse(wire.TooLarge, "the parameter name %.20q… has %d bytes; at most %d are taken", name, len(name), maxParamName)
	case len(value) > maxParam:
		return refuse(wire.TooLarge, "parameter %q has %d bytes; at most %d are taken", name, len(value), maxParam)
	case strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0):
		return refuse(wire.BadRequest, "parameter %q holds a NUL byte", name)
	}
	if def.Params == nil {
		return nil
	}
	if _, declared := def.Params[name]; !declared {
		known := slices.Sorted(maps.Keys(def.Params))
		return refuse(wire.BadRequest, "workflow %q has no parameter %q%s", def.ID, name, suggest.Hint(name, known))
	}
	return nil
}

func candidates(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}
