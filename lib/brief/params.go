package brief

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
	"github.com/cdktr/cdktr/lib/wire"
	"github.com/cdktr/cdktr/lib/workflow"
)

// Bounds of the parameters of a run. A value becomes one environment variable,
// which execve takes up to 128 KiB.
const (
	MaxParam     = 64 << 10
	maxParamName = 128
	maxParams    = 512 << 10
)

// Params adds the defaults, names those that it added, and refuses what the
// workflow does not declare, what does not fit its type or pattern, and what
// lacks a parameter that has no default.
func Params(def *workflow.Definition, given wire.Params) (out map[string]string, defaults []string, refused *wire.Error) {
	out = make(map[string]string, len(def.Params)+len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if refused := checkParam(def, name, given[name]); refused != nil {
			return nil, nil, refused
		}
		out[name] = given[name]
	}
	var missing []string
	for name, value := range def.Params {
		if _, set := given[name]; set {
			continue
		}
		if def.ParamRules[name].Required {
			missing = append(missing, name)
		}
		out[name] = value
		defaults = append(defaults, name)
	}
	if missing != nil {
		slices.Sort(missing)
		return nil, nil, refuse(wire.BadRequest, "workflow %q needs a value for %s", def.ID, strings.Join(missing, ", "))
	}
	slices.Sort(defaults)
	// As JSON, where six bytes may stand for one: a lease has to fit into a message.
	text, err := wire.EncodeRequest(given)
	if err != nil || len(text) > maxParams {
		return nil, nil, refuse(wire.TooLarge, "the parameters have more than %d bytes together, as JSON", maxParams)
	}
	return out, defaults, nil
}

func checkParam(def *workflow.Definition, name, value string) *wire.Error {
	switch {
	case name == "":
		return refuse(wire.BadRequest, "a parameter needs a name")
	case len(name) > maxParamName:
		return refuse(wire.TooLarge, "the parameter name %.20q… has %d bytes; at most %d are taken", name, len(name), maxParamName)
	case len(value) > MaxParam:
		return refuse(wire.TooLarge, "parameter %q has %d bytes; at most %d are taken", name, len(value), MaxParam)
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
	if err := def.ParamRules[name].Check(value); err != nil {
		return refuse(wire.BadRequest, "parameter %q %v", name, err)
	}
	return nil
}

func refuse(code wire.Code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
