package store

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// The measures of log files are kept in a file beside them, so that a query
// need not open each of them to know that it holds nothing for it. What the
// file says of a log file counts as long as that has not changed since; of one
// that it does not know, the first query finds out. So it may be lost.
const spansFile = "spans.json"

type noted struct {
	Size     int64    `json:"size"`
	Modified int64    `json:"modified"` // nanoseconds since 1970
	Pos      [2]int64 `json:"pos"`
	Time     [2]int64 `json:"time"`
	Largest  int64    `json:"largest"`
}

// state is what must not have changed; false while there are commits that are
// not in the file itself yet.
func (d *days) state(date string) (noted, bool) {
	info, err := os.Stat(d.path(date))
	if err != nil {
		return noted{}, false
	}
	waiting, err := exists(d.path(date) + ".wal")
	return noted{Size: info.Size(), Modified: info.ModTime().UnixNano()}, err == nil && !waiting
}

func (d *days) readSpans() map[string]day {
	known := make(map[string]day)
	text, err := os.ReadFile(filepath.Join(d.dir, spansFile))
	if err != nil {
		return known
	}
	var all map[string]noted
	if json.Unmarshal(text, &all) != nil {
		return known
	}
	for _, date := range d.dates {
		n, there := all[date]
		if now, ok := d.state(date); ok && there && now.Size == n.Size && now.Modified == n.Modified {
			known[date] = day{date: date, pos: span{n.Pos[0], n.Pos[1]}, time: span{n.Time[0], n.Time[1]}, size: n.Largest}
		}
	}
	return known
}

// writeSpans notes the measures of the files that no commit is waiting for.
func (d *days) writeSpans() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.attached) == 0 {
		return // nothing was found out, and a start that is refused writes nothing
	}
	all := make(map[string]noted)
	for _, date := range d.dates {
		at, ok := d.known[date]
		if attached := d.attached[date]; attached != nil {
			at, ok = *attached, true
		}
		if n, whole := d.state(date); ok && whole {
			n.Pos, n.Time, n.Largest = [2]int64{at.pos.min, at.pos.max}, [2]int64{at.time.min, at.time.max}, at.size
			all[date] = n
		}
	}
	path := filepath.Join(d.dir, spansFile)
	text, err := json.Marshal(all)
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		d.log.Warn("the measures of the log files are not noted; the next start finds them out again", "error", err)
	}
}
