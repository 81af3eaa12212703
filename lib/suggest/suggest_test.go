package suggest

import (
	"strings"
	"testing"
)

func TestSuggestionIsNearOrNone(t *testing.T) {
	ids := []string{"hello", "etl.daily", "etl.weekly", "nightly", "load", "lead"}
	for name, want := range map[string]string{
		"helo": "hello", "hlelo": "hello", "HELLO": "hello", "etl.dayly": "etl.daily", "daily": "etl.daily", "weekly": "etl.weekly",
		"laod": "load", "lad": "load", "x": "", "": "", "backup": "", strings.Repeat("y", 500): "", "nihgtyl": "nightly",
	} {
		if got := Name(name, ids); got != want {
			t.Errorf("Name(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestHintEndsAMessage(t *testing.T) {
	if got := "no " + Hint("helo", []string{"hello"}) + Hint("x", []string{"hello"}); got != `no  (did you mean "hello"?)` {
		t.Errorf("%q", got)
	}
}
