package task

import (
	"context"
	"sync"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Strays ends what has left the groups of tasks that were ended before their
// time. Such processes are known by their environment, and finding them means a
// look at all that the machine runs: so those who come while somebody looks
// share the next look. The zero value is ready, for any number of goroutines.
type Strays struct {
	gate  sync.Mutex // of next
	next  *look
	looks sync.Mutex // held while one looks
}

type look struct {
	wanted map[wire.Attempt]bool // true: some were found; belongs to gate, and to the one who looks
	over   bool
	err    error
}

// strayTime bounds the wait for strays to go after SIGKILL.
const strayTime = 5 * time.Second

// end returns when nothing is left of an attempt, and says whether anything was
// there.
func (s *Strays) end(a wire.Attempt) (found bool, err error) {
	s.gate.Lock()
	if s.next == nil {
		s.next = &look{wanted: map[wire.Attempt]bool{}}
	}
	mine := s.next
	mine.wanted[a] = false
	s.gate.Unlock()

	s.looks.Lock()
	defer s.looks.Unlock()
	if !mine.over {
		s.gate.Lock()
		s.next = nil // it is mine: each earlier one is over
		s.gate.Unlock()
		mine.err = mine.endAll()
		mine.over = true
	}
	return mine.wanted[a], mine.err
}

func (l *look) endAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), strayTime)
	defer cancel()
	_, err := EndAll(ctx, func(a wire.Attempt) bool {
		_, wanted := l.wanted[a]
		if wanted {
			l.wanted[a] = true
		}
		return wanted
	})
	return err
}
