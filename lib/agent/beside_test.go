package agent

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAdopterLearnsThatItsAgentWasDrained(t *testing.T) {
	for _, drained := range []bool{false, true} {
		dir := t.TempDir()
		place, err := TakeBeside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := TakeBeside(dir); !errors.Is(err, ErrBeside) {
			t.Fatal(err)
		}
		adopted := make(chan error, 1)
		go func() { adopted <- Adopt(context.Background(), dir, time.Minute) }()
		if drained {
			if err := place.Drained(); err != nil {
				t.Fatal(err)
			}
		}
		if err := place.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-adopted; errors.Is(err, ErrDrained) != drained || !drained && err != nil {
			t.Errorf("drained %v: %v", drained, err)
		}
	}
}

// The word of a drained agent is about that one only.
func TestNextAgentTakesThePlaceAnew(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []error{ErrDrained, nil} {
		place, err := TakeBeside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if want != nil {
			if err := place.Drained(); err != nil {
				t.Fatal(err)
			}
		}
		if err := place.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Adopt(context.Background(), dir, time.Minute); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
