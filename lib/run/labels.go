package run

import (
	"maps"
	"slices"
	"strings"
)

// fits tells whether the agent has all labels that a workflow asks for.
func (a *agent) fits(want map[string]string) bool {
	for name, value := range want {
		if has, ok := a.labels[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// labelKey is equal for equal labels, and empty for none.
func labelKey(labels map[string]string) string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b = part(part(b, name), labels[name])
	}
	return string(b)
}

// labelWords is labels for people: "label gpu=true".
func labelWords(labels map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, name+"="+labels[name])
	}
	if len(all) == 1 {
		return "label " + all[0]
	}
	return "labels " + strings.Join(all, ", ")
}

// relabel takes from an agent the runs that are bound to it and that it may not
// have any more, now that it has come back with other labels.
func (m *Machine) relabel(a *agent) {
	for _, r := range slices.Clone(a.bound) {
		if want := r.definition.Agents; !a.fits(want) {
			m.evict(a, r, "agent "+a.name+" came back without "+labelWords(want))
		}
	}
}

// evict crashes what an agent holds of a run that is bound to it, and lets the
// rest go elsewhere.
func (m *Machine) evict(a *agent, r *openRun, reason string) {
	for _, t := range slices.Clone(a.holds) {
		if t.run == r {
			m.crash(t, reason, nil)
		}
	}
	if r.home == a {
		m.strand(r, reason)
	}
}
