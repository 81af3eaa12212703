package task

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestStraysOfManyAreEndedTogether(t *testing.T) {
	var (
		s       Strays
		found   atomic.Int64
		working sync.WaitGroup
		left    []ID
	)
	for i := range 30 {
		a := wire.Attempt{Run: "r", Task: fmt.Sprint("many", i), Attempt: 1}
		if i%3 == 0 {
			left = append(left, sleeper(t, a, syscall.SysProcAttr{Setpgid: true}))
		}
		working.Go(func() {
			ok, err := s.end(a)
			if err != nil {
				t.Error(err)
			}
			if ok {
				found.Add(1)
			}
		})
	}
	working.Wait()
	if found.Load() != 10 {
		t.Errorf("%d of 10 were found", found.Load())
	}
	for _, id := range left {
		if id.Alive() {
			t.Errorf("process %d lives on", id.PID)
		}
	}
}
