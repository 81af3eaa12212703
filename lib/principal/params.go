package principal

import "strings"

// Bounds of what a trigger may carry beside its parameters.
const (
	maxKey      = 1 << 10
	maxTriggers = 10_000
)

func candidates(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}
