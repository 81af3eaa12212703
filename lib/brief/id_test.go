package brief

import (
	"strings"
	"testing"
)

func TestRunIDsAreEvenlyDrawn(t *testing.T) {
	const draws = 30_000
	seen := map[string]bool{}
	var count [128]int
	for range draws {
		id := RunID()
		if len(id) != RunIDLen || seen[id] {
			t.Fatalf("id %q is not of %d characters, or came twice", id, RunIDLen)
		}
		seen[id] = true
		for _, c := range []byte(id) {
			count[c]++
		}
	}
	// Each character is expected 10,000 times; 600 is six standard deviations.
	const expected = draws * RunIDLen / 36
	for c, n := range count {
		wanted := strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz", rune(c))
		if !wanted && n > 0 || wanted && (n < expected-600 || n > expected+600) {
			t.Errorf("%q came %d times", rune(c), n)
		}
	}
}
