package principal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// disk keeps the disks of the history from running full: a commit that finds no
// room ends the process. Below the reserve no new run is taken, and below half
// of it no line either, so that what is under way can still be written down.
// Both end by themselves.
type disk struct {
	dirs    []string // on the disks that count
	reserve int64    // in bytes; 0: nothing is refused
	measure func(dir string) (free int64, err error)
	log     *slog.Logger

	mu    sync.Mutex
	last  room
	told  shortage  // the worst that the log was told of since there was enough
	short time.Time // when there was not enough the last time
	blind bool      // the log was told that a disk cannot be measured
}

// room is what one look has found.
type room struct {
	at   time.Time
	dir  string // where the least is free
	free int64
}

// shortage is how little room there is.
type shortage int

const (
	enough shortage = iota
	little          // no new runs
	least           // no lines either
)

const (
	// lookEvery is for the log and for who asks nothing.
	lookEvery = time.Second
	// lookAge is how old a look may be that decides something. It costs a few
	// microseconds.
	lookAge = time.Millisecond
	// calmTime is how long there has to be enough before the log says so: at
	// the very edge it would fill with changes.
	calmTime = 3 * time.Second
)

func newDisk(cfg Config) *disk {
	d := &disk{dirs: cfg.Disks, reserve: cfg.Reserve, measure: cfg.Free, log: cfg.Log}
	if d.measure == nil {
		d.measure = freeSpace
	}
	d.look()
	return d
}

// run serves until ctx ends.
func (d *disk) run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			d.look()
		}
	}
}

// look says how much room there is, from a look that is not too old.
func (d *disk) look() room {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.last.at) < lookAge {
		return d.last
	}
	found := room{at: now, free: math.MaxInt64}
	var failed error
	for _, dir := range d.dirs {
		free, err := d.measure(dir)
		switch {
		case err != nil:
			failed = fmt.Errorf("measure the disk with %s: %w", dir, err)
		case free < found.free:
			found.dir, found.free = dir, free
		}
	}
	d.last = found
	d.note(failed)
	return found
}

// note tells the log what has changed. The caller holds the lock.
func (d *disk) note(failed error) {
	if failed != nil && !d.blind {
		d.log.Warn("nobody knows how full a disk is: it is taken for empty", "error", failed)
	}
	d.blind = failed != nil

	now := d.shortage(d.last)
	if now != enough {
		d.short = d.last.at
	}
	attrs := []any{"dir", d.last.dir, "free", size(d.last.free), "reserve", size(d.reserve)}
	switch {
	case now > d.told && now == little:
		d.log.Warn("the disk is nearly full: no new runs are taken", attrs...)
	case now > d.told:
		d.log.Warn("the disk is nearly full: neither new runs nor lines of tasks are taken", attrs...)
	case d.told > enough && d.last.at.Sub(d.short) >= calmTime:
		d.log.Info("there is room on the disk again", attrs...)
		now = enough
	default:
		return
	}
	d.told = now
}

func (d *disk) shortage(r room) shortage {
	switch {
	case r.free >= d.reserve:
		return enough
	case r.free >= d.reserve/2:
		return little
	}
	return least
}

// brimful is how little room makes a disk the likely cause of any failure.
const brimful = 1 << 20

// ExplainFull adds to the error of a start that failed that a disk is full, where
// one is: DuckDB does not always say so itself.
func ExplainFull(err error, dirs []string) error {
	for _, dir := range dirs {
		if free, unknown := freeSpace(dir); unknown == nil && free < brimful && !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "No space left on device") {
			return fmt.Errorf("%w (%w: the disk with %s has %s free)", err, syscall.ENOSPC, dir, size(free))
		}
	}
	return err
}

// refusesRun says why no run can be created now, if that is so.
func (d *disk) refusesRun() *wire.Error {
	r := d.look()
	if d.shortage(r) < little {
		return nil
	}
	return refuse(wire.Unavailable, "the disk with %s is nearly full: %s free, %s are kept in reserve; new runs are taken again when there is room",
		r.dir, size(r.free), size(d.reserve))
}

// refusesLines says why no lines can be stored now, if that is so. Agents keep
// them.
func (d *disk) refusesLines() *wire.Error {
	r := d.look()
	if d.shortage(r) < least {
		return nil
	}
	return refuse(wire.Unavailable, "the disk with %s is nearly full: %s free; lines are taken again when there are %s",
		r.dir, size(r.free), size(d.reserve/2))
}

func (d *disk) status() wire.DiskStatus {
	r := d.look()
	return wire.DiskStatus{Free: r.free, Reserve: d.reserve, Full: d.shortage(r) > enough}
}

// size is a number of bytes for people, rounded down: what is below a bound
// reads as if it were.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
