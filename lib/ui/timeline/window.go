package timeline

import "time"

// Window is the part of the run's time that is seen. The zero value is all of it.
type Window struct {
	Span time.Duration // 0: all
	From time.Duration // since the run began, without the pauses
	Tail bool          // the end is seen, whatever From is: it goes along with a run
}

// shortest is the smallest span: below it nothing more is to be seen.
const shortest = 20 * time.Millisecond

// clock is the run's time: since it began, without what lies between an end and
// its reopening.
type clock struct {
	begin  time.Time
	pauses []Pause
}

func (r *Run) clock() clock {
	begin := r.Created
	if begin.IsZero() {
		begin = r.Started
	}
	for i := range r.Tasks {
		for _, a := range r.Tasks[i].Attempts {
			if begin.IsZero() || a.Started.Before(begin) {
				begin = a.Started
			}
		}
	}
	return clock{begin, r.Closed}
}

// at is the run's time at an instant.
func (c clock) at(t time.Time) time.Duration {
	d := t.Sub(c.begin)
	for _, p := range c.pauses {
		switch {
		case !t.Before(p.To):
			d -= p.To.Sub(p.From)
		case t.After(p.From):
			d -= t.Sub(p.From)
		}
	}
	return max(d, 0)
}

// wall is the instant at a time of the run.
func (c clock) wall(d time.Duration) time.Time {
	t := c.begin.Add(d)
	for _, p := range c.pauses {
		if t.After(p.From) {
			t = t.Add(p.To.Sub(p.From))
		}
	}
	return t
}

// Length is how long the run has taken, without its pauses.
func (r *Run) Length(now time.Time) time.Duration {
	c := r.clock()
	end := c.begin
	if r.Final() {
		end = later(end, r.Ended)
	} else {
		end = later(end, now)
	}
	for i := range r.Tasks {
		for j := range r.Tasks[i].Attempts {
			end = later(end, r.Tasks[i].Attempts[j].end(now))
		}
	}
	return max(c.at(end), time.Millisecond)
}

// In halves the window around its middle, or around the end that it goes along
// with.
func (w Window) In(length time.Duration) Window {
	from, span := w.bounds(length)
	half := max(span/2, shortest)
	if half >= span {
		return w
	}
	w.From, w.Span = from+(span-half)/2, half
	return w
}

// Out doubles it; at last all is seen.
func (w Window) Out(length time.Duration) Window {
	from, span := w.bounds(length)
	if span*2 >= length {
		return Window{}
	}
	w.From, w.Span = max(from-span/2, 0), span*2
	return w.within(length)
}

// Pan moves it by so many quarters of its span. One that comes to the end stays
// there.
func (w Window) Pan(quarters int, length time.Duration) Window {
	if w.Span == 0 {
		return w
	}
	from, span := w.bounds(length)
	w.From = max(from+time.Duration(quarters)*span/4, 0)
	w.Tail = w.From+span >= length
	return w.within(length)
}

// Show moves it so that a time of the run is in it.
func (w Window) Show(at, length time.Duration) Window {
	from, span := w.bounds(length)
	if w.Span == 0 || at >= from && at < from+span {
		return w
	}
	w.From, w.Tail = max(at-span/4, 0), false
	return w.within(length)
}

func (w Window) within(length time.Duration) Window {
	w.From = max(min(w.From, length-w.Span), 0)
	return w
}

func (w Window) bounds(length time.Duration) (from, span time.Duration) {
	switch {
	case w.Span == 0:
		return 0, length
	case w.Tail:
		return max(length-w.Span, 0), w.Span
	}
	return w.From, w.Span
}
