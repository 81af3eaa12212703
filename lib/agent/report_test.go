package agent

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A result that the principal refuses is handed in for ever: its run never ends.
func TestReasonIsNoLongerThanThePrincipalTakes(t *testing.T) {
	for _, s := range []string{"", "exit 1", strings.Repeat("x", maxReason), strings.Repeat("é", maxReason), "x" + strings.Repeat("é", maxReason)} {
		got := bounded(s)
		if len(got) > maxReason || !utf8.ValidString(got) || len(s) <= maxReason && got != s {
			t.Errorf("of %d bytes %d are left: %.20q", len(s), len(got), got)
		}
	}
}
