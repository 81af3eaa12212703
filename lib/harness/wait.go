package harness

import (
	"testing"
	"time"
)

// Patience is how long the harness waits for anything. It is long because
// machines are slow, and costs nothing where they are not.
const Patience = 30 * time.Second

// until asks again and again whether cond holds, until it does or patience is
// at an end.
func until(cond func() bool) bool {
	deadline := time.Now().Add(Patience)
	for pause := time.Millisecond; !cond(); pause = min(2*pause, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}

// Eventually waits until cond holds, and fails the test when it never does.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if !until(cond) {
		t.Fatalf("waited %v in vain: %s", Patience, what)
	}
}
