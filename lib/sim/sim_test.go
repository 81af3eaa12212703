package sim

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// TestPromisesHoldInEverySeed lives through many histories.
// CDKTR_SIM_SEEDS sets how many; CDKTR_SIM_SEED names one, told in full.
func TestPromisesHoldInEverySeed(t *testing.T) {
	if s := os.Getenv("CDKTR_SIM_SEED"); s != "" {
		if err := Simulate(number(t, s), t.Logf); err != nil {
			t.Fatal(err)
		}
		return
	}
	seeds := uint64(1500)
	if testing.Short() {
		seeds = 200
	}
	if s := os.Getenv("CDKTR_SIM_SEEDS"); s != "" {
		seeds = number(t, s)
	}
	var (
		next   atomic.Uint64
		broken atomic.Int64
		wg     sync.WaitGroup
	)
	for range 2 {
		wg.Go(func() {
			for seed := next.Add(1); seed <= seeds && broken.Load() < 5; seed = next.Add(1) {
				if err := Simulate(seed, nil); err != nil {
					broken.Add(1)
					t.Errorf("%v\n(again, told in full: CDKTR_SIM_SEED=%d go test -v ./lib/sim)", err, seed)
				}
			}
		})
	}
	wg.Wait()
}

func number(t *testing.T, s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("not a number of seeds: %q", s)
	}
	return n
}
