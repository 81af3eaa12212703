package principal

import "time"

const (
	quietAfter = 30 * time.Millisecond  // so long after the last of a burst of changes it is looked at,
	burstMost  = 200 * time.Millisecond // and after so long in any case.
	calmAfter  = 150 * time.Millisecond // What is missing so long after the last change is gone,
	unrestMost = time.Second            // also where something changes without end.
	backFor    = 600 * time.Millisecond // A directory that is back may still be filled.
	againFirst = 25 * time.Millisecond  // What could not be taken is looked at again,
	againMost  = 500 * time.Millisecond // less and less often.
)

// leftover is what a look at the directory has left for another one.
type leftover struct {
	gone    bool // the directory itself cannot be read
	missing bool // files that were there may just be written anew
	busy    bool // files are being written
}

// pace decides when the directory is looked at. It knows no clock.
type pace struct {
	first, last time.Time // of the news that was not looked at
	since       time.Time // when the unrest began that calms down at calmAt
	calmAt      time.Time
	left        leftover
	again       time.Time // when to look at what was left
	pause       time.Duration
}

// news is a change that the file system told of.
func (p *pace) news(now time.Time) {
	if p.first.IsZero() {
		p.first = now
	}
	if p.calm(now) {
		p.since = now
	}
	p.last, p.pause = now, 0
	if at := earlier(now.Add(calmAfter), p.since.Add(unrestMost)); at.After(p.calmAt) {
		p.calmAt = at
	}
}

// calm tells whether nothing has changed for long enough that what is missing
// still is gone for good.
func (p *pace) calm(now time.Time) bool { return !now.Before(p.calmAt) }

// pressing tells whether there is news that has waited long enough.
func (p *pace) pressing(now time.Time) bool {
	return !p.first.IsZero() && !now.Before(p.settled())
}

func (p *pace) settled() time.Time { return earlier(p.last.Add(quietAfter), p.first.Add(burstMost)) }

// wait is how long there is nothing to do.
func (p *pace) wait(now time.Time) time.Duration {
	var due time.Time
	if !p.first.IsZero() {
		due = p.settled()
	}
	if !p.again.IsZero() && (due.IsZero() || p.again.Before(due)) {
		due = p.again
	}
	if due.IsZero() {
		return time.Hour
	}
	return max(due.Sub(now), 0)
}

// looked is told of each look.
func (p *pace) looked(now time.Time, left leftover) {
	p.first, p.last = time.Time{}, time.Time{}
	if p.left.gone && !left.gone {
		p.since, p.calmAt = now, now.Add(backFor)
	}
	if left.missing && p.calm(now) && !p.left.missing {
		p.calmAt = now.Add(calmAfter)
	}
	p.left = left
	p.postpone(now)
}

// postpone puts off what was left.
func (p *pace) postpone(now time.Time) {
	p.again = time.Time{}
	switch {
	case p.left.gone:
		p.again = now.Add(againMost)
	case p.left.busy:
		p.pause = min(max(2*p.pause, againFirst), againMost)
		p.again = now.Add(p.pause)
	}
	if p.left.missing && (p.again.IsZero() || p.calmAt.Before(p.again)) {
		p.again = p.calmAt
		if p.calm(now) {
			p.again = now.Add(againFirst)
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
