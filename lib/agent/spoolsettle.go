package agent

import (
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// settle takes note of what became of one call: an acknowledgement for each
// batch, or an error. Where an acknowledgement falls short, or there is none,
// the next take goes on after what is durable.
func (s *spool) settle(batches []wire.LogBatch, acks []wire.LogAck, err error) {
	s.mu.Lock()
	s.flying = false
	if s.open {
		s.note(batches, acks, err)
	}
	s.flight = nil
	done := s.trim()
	s.account()
	s.mu.Unlock()
	s.shelf.ring()
	for _, g := range done {
		s.shelf.retire(g)
	}
}

func (s *spool) note(batches []wire.LogBatch, acks []wire.LogAck, err error) {
	short, back, moved := err != nil, false, false
	for i := range acks {
		durable, st := acks[i].Durable, s.at(batches[i].Stream)
		short = short || durable < batches[i].Last()
		back = back || durable < st.acked
		if durable != st.acked {
			moved = true
			st.acked, st.lost = durable, 0
		}
	}
	for _, l := range s.flight {
		if s.at(l.stream).acked < l.last {
			break
		}
		s.pos = l.place
	}
	if back && len(s.segments) > 0 {
		// The principal has lost what it had acknowledged. What is still here
		// is sent again; a gap stands for the rest.
		s.pos = s.segments[0].base
	}
	if err == nil {
		s.careful = max(0, s.careful-1)
	}
	code := codeOf(err)
	if moved {
		s.shelf.took()
	} else if code == wire.Unavailable {
		s.shelf.refused()
	}
	switch {
	case !s.alone:
	case code == wire.NotFound:
		s.discard() // the principal knows no such run
	case code == wire.BadRequest || code == wire.TooLarge:
		s.refused(err)
	}
	s.alone = code != ""
	if short {
		s.retryAt = time.Now().Add(s.retry.next())
	} else {
		s.retry.reset()
	}
}

// refused deals with a message that had the lines of this spool only and that
// the principal does not take: its records are sent one by one, and a record
// that is not taken even so is given up. A gap will stand for it.
func (s *spool) refused(err error) {
	records := 0
	for _, l := range s.flight {
		records += l.records
	}
	log := s.shelf.log.With("run", s.attempt.Run, "task", s.attempt.Task, "attempt", s.attempt.Attempt, "error", err)
	switch records {
	case 0:
		log.Error("the principal refuses lines and also a gap in their place: they are lost")
		s.discard()
	case 1:
		l := s.flight[len(s.flight)-1]
		log.Error("the principal refuses lines: a gap stands for them", "stream", l.stream, "last", l.last, "bytes", l.bytes)
		s.at(l.stream).lost += l.bytes
		s.pos = l.place
		s.careful = max(0, s.careful-1)
	default:
		s.careful = records
	}
}

// trim takes out the segments of which all is acknowledged. The newest file
// stays: more may be written to it.
func (s *spool) trim() (done []*segment) {
	for len(s.segments) > 0 {
		g := s.segments[0]
		if s.limit(0) > s.pos || g.memory == nil && len(s.segments) == 1 {
			break
		}
		done = append(done, g)
		s.segments = s.segments[1:]
	}
	return done
}
