package agent

import "time"

// bounds say how much is kept of lines that are not acknowledged, in bytes.
type bounds struct {
	attempt int64 // of one attempt
	agent   int64 // of all together
	memory  int64 // of one attempt where the disk takes nothing; twice that of all
	segment int64 // of one file: then comes a new one
}

const attemptBound = 64 << 20

// newBounds derives the others from that of an attempt. A file is a small part
// of what an attempt may hold, also when all slots share the agent's bound: so
// there is a middle to give up.
func newBounds(attempt int64, slots int) bounds {
	if attempt <= 0 {
		attempt = attemptBound
	}
	agent := 4 * attempt
	return bounds{
		attempt: attempt, agent: agent, memory: attempt / 2,
		segment: min(attempt/8, max(agent/8/int64(max(slots, 1)), callSize)),
	}
}

// The principal counts as away when nothing was acknowledged in so many looks
// at what is owed. Looks, and not an instant: an agent that was frozen must
// first read the answers that came meanwhile.
const (
	lookEvery = 250 * time.Millisecond
	mostLooks = 12
)

// presence is whether the principal takes lines.
type presence struct {
	looks int
	away  bool
}

// took takes note of an acknowledgement, refused of a principal that is there
// and can take nothing for now.
func (f *shelf) took() { f.presence(presence{}) }

func (f *shelf) refused() { f.presence(presence{looks: mostLooks, away: true}) }

// watched takes note that time has passed.
func (f *shelf) watched(owed bool) {
	f.mu.Lock()
	p := f.present
	f.mu.Unlock()
	if !owed {
		p.looks = 0
	} else if p.looks++; p.looks >= mostLooks {
		p.away = true
	}
	f.presence(p)
}

func (f *shelf) presence(p presence) {
	f.mu.Lock()
	news := f.present.away != p.away
	f.present = p
	f.mu.Unlock()
	if news {
		f.ring()
	}
}

func (f *shelf) away() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.present.away
}

// holding is what one spool has.
type holding struct{ bytes, memory int64 }

// account takes note of what a spool holds now.
func (f *shelf) account(s *spool, h holding) {
	f.mu.Lock()
	was := f.holds[s]
	f.held.bytes += h.bytes - was.bytes
	f.held.memory += h.memory - was.memory
	if h == (holding{}) {
		delete(f.holds, s)
	} else {
		f.holds[s] = h
	}
	f.mu.Unlock()
	if h.bytes < was.bytes {
		f.ring()
	}
}

// total is what all spools hold.
func (f *shelf) total() holding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// news returns a channel that is closed when there may be room, or when there
// is nobody to wait for any more. It is asked for before the look that it is
// to follow.
func (f *shelf) news() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

func (f *shelf) ring() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}
