package timeline

import "time"

// Critical is how long the critical path is.
func (r *Run) Critical(now time.Time) time.Duration {
	_, length := r.critical(now)
	return length
}

// critical finds the tasks that the run's end waited for: the one that ended
// last, of those that it depends on the one that ended last, and so on. The
// length is how long these took; time in which none of them ran is not in it.
func (r *Run) critical(now time.Time) (path []bool, length time.Duration) {
	path = make([]bool, len(r.Tasks))
	end := make([]time.Time, len(r.Tasks))
	at := -1
	for i := range r.Tasks {
		t := &r.Tasks[i]
		if a := t.Latest(); a != nil {
			end[i] = a.end(now)
			if !t.Handler && (at < 0 || end[i].After(end[at])) {
				at = i
			}
		}
	}
	for at >= 0 && !path[at] {
		path[at] = true
		length += r.Tasks[at].Spent(now)
		next := -1
		for _, d := range r.Tasks[at].Depends {
			if !end[d].IsZero() && (next < 0 || end[d].After(end[next])) {
				next = d
			}
		}
		at = next
	}
	return path, length
}
