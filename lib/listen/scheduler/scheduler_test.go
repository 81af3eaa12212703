package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestDailySlotFiresOnceWhereClocksAreSet(t *testing.T) {
	inWorld(t, "2026-03-28T00:00:00Z", func(t *testing.T, w *world) {
		w.add("daily", "30 1 * * *", "Europe/London", "none")
		w.start(t)
		w.until("2026-03-30T12:00:00Z")
		same(t, "in spring", w.did(), "daily 2026-03-28T01:30:00Z", "daily 2026-03-29T01:00:00Z", "daily 2026-03-30T00:30:00Z")
	})
	inWorld(t, "2026-10-24T00:00:00Z", func(t *testing.T, w *world) {
		w.add("daily", "30 1 * * *", "Europe/London", "none")
		w.start(t)
		w.until("2026-10-26T12:00:00Z")
		same(t, "in autumn", w.did(), "daily 2026-10-24T00:30:00Z", "daily 2026-10-25T00:30:00Z", "daily 2026-10-26T01:30:00Z")
	})
}

func TestStepsFireOnWhereClocksAreSet(t *testing.T) {
	for _, day := range []string{"2026-03-29", "2026-10-25"} {
		inWorld(t, day+"T00:00:00Z", func(t *testing.T, w *world) {
			w.add("steps", "*/5 * * * *", "Europe/London", "none")
			w.start(t)
			w.until(day + "T04:00:00Z")
			var want []string
			for slot := at(day + "T00:05:00Z"); !slot.After(at(day + "T04:00:00Z")); slot = slot.Add(5 * time.Minute) {
				want = append(want, "steps "+slot.Format(time.RFC3339))
			}
			same(t, day, w.did(), want...)
		})
	}
}

func TestMissedSlotsAfterAStart(t *testing.T) {
	const day = "2026-01-02"
	for _, c := range []struct {
		catchup, window string
		runs            []string
		skipped         []string
	}{
		{"none", "24h0m0s", nil, []string{"w 3 slots missed from 2026-01-02T03:00:00Z to 2026-01-02T05:00:00Z: catchup is none"}},
		{"latest", "24h0m0s", slots("w", day, "05:00:00"), []string{"w 2 slots missed from 2026-01-02T03:00:00Z to 2026-01-02T04:00:00Z: catchup is latest"}},
		{"all", "24h0m0s", slots("w", day, "03:00:00", "04:00:00", "05:00:00"), nil},
		{"all", "1h30m0s", slots("w", day, "04:00:00", "05:00:00"), []string{"w 1 slot missed at 2026-01-02T03:00:00Z: older than the catchup_window of 1h30m0s"}},
		{"latest", "10m0s", nil, []string{"w 3 slots missed from 2026-01-02T03:00:00Z to 2026-01-02T05:00:00Z: older than the catchup_window of 10m0s"}},
	} {
		inWorld(t, day+"T01:30:00Z", func(t *testing.T, w *world) {
			w.add("w", "0 * * * *", "", c.catchup).CatchupWindow = c.window
			w.start(t)
			w.until(day + "T02:30:00Z")
			w.end()
			w.jump(day + "T05:30:00Z")
			w.start(t)
			w.start(t) // whoever looks once more finds nothing
			w.until(day + "T06:30:00Z")
			want := append(slots("w", day, "02:00:00"), c.runs...)
			same(t, c.catchup+" "+c.window, w.did(), append(want, slots("w", day, "06:00:00")...)...)
			same(t, c.catchup+" "+c.window+" skipped", w.skipped, c.skipped...)
		})
	}
}

// Seconds count too, where a principal was away.
func TestShortAbsenceIsOne(t *testing.T) {
	for catchup, want := range map[string][]string{"none": nil, "latest": {"03"}, "all": {"01", "02", "03"}} {
		inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
			w.add("w", "* * * * * *", "", catchup)
			w.start(t)
			w.end()
			w.jump("2026-01-02T01:30:03Z")
			w.start(t)
			w.until("2026-01-02T01:30:04Z")
			var all []string
			for _, second := range append(want, "04") {
				all = append(all, "w 2026-01-02T01:30:"+second+"Z")
			}
			same(t, catchup, w.did(), all...)
		})
	}
}

// A schedule that was never seen before has missed nothing.
func TestNewScheduleBeginsNow(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "0 * * * *", "", "all")
		w.start(t)
		same(t, "set", w.set, "w")
		w.end()
		w.jump("2026-01-02T02:30:00Z")
		w.start(t)
		same(t, "missed since then", w.did(), "w 2026-01-02T02:00:00Z")
		if !w.keys["wcron:2026-01-02T02:00:00Z"] {
			t.Errorf("its key is another: %v", w.keys)
		}
		same(t, "set", w.set, "w")
	})
}

func TestKilledWhileCatchingUpEachSlotOnce(t *testing.T) {
	inWorld(t, "2026-01-02T00:00:00Z", func(t *testing.T, w *world) {
		w.add("w", "*/10 * * * * *", "", "all")
		w.start(t)
		w.end()
		w.jump("2026-01-02T02:00:00Z")
		for _, most := range []int{1, 2, 99, 100, 101, 430, 0} {
			w.most = most
			w.start(t)
			w.end()
		}
		w.most = 0
		w.start(t)
		runs := w.did()
		if len(runs) != 720 || !slices.IsSorted(runs) || len(slices.Compact(runs)) != 720 || runs[0] != "w 2026-01-02T00:00:10Z" {
			t.Errorf("%d runs, the first %s", len(runs), runs[0])
		}
	})
}

func TestPausedWorkflowHasNoSlots(t *testing.T) {
	inWorld(t, "2026-01-02T00:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "0 * * * *", "", "all")
		w.add("other", "30 * * * *", "", "all")
		w.start(t)
		w.until("2026-01-02T01:10:00Z")
		w.change(func() { w.schedules[0].Paused = true })
		w.tell()
		w.until("2026-01-02T04:10:00Z")
		w.end()
		w.start(t) // durable
		w.until("2026-01-02T05:10:00Z")
		w.change(func() {
			w.schedules[0].Paused = false
			w.decided["w"] = wire.Slot{Schedule: w.decided["w"].Schedule, Time: wire.At(w.clock.Now())}
		})
		w.tell()
		w.until("2026-01-02T06:10:00Z")
		var mine []string
		for _, run := range w.did() {
			if run[0] == 'w' {
				mine = append(mine, run)
			}
		}
		same(t, "runs", mine, slots("w", "2026-01-02", "01:00:00", "06:00:00")...)
		if others := len(w.did()) - len(mine); others != 5 {
			t.Errorf("%d runs of the other", others)
		}
	})
}

func TestChangedScheduleHasMissedNothing(t *testing.T) {
	inWorld(t, "2026-01-02T00:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "0 * * * *", "", "all")
		w.start(t)
		w.until("2026-01-02T01:10:00Z")
		w.end()
		w.schedules[0].Cron = "30 * * * *"
		w.jump("2026-01-02T05:10:00Z")
		w.start(t)
		w.until("2026-01-02T06:10:00Z")
		w.change(func() { w.schedules[0].Cron = "45 * * * *" })
		w.tell()
		w.until("2026-01-02T07:10:00Z")
		w.change(func() { start := wire.At(at("2026-01-02T08:30:00Z")); w.schedules[0].StartTime = &start })
		w.tell()
		w.until("2026-01-02T09:00:00Z")
		w.change(func() { w.schedules = nil })
		w.tell()
		w.until("2026-01-02T12:00:00Z")
		same(t, "runs", w.did(), slots("w", "2026-01-02", "01:00:00", "05:30:00", "06:45:00", "08:45:00")...)
		same(t, "skipped", w.skipped)
	})
}

// Who writes a file anew in two steps loses no slot; who takes it away for an
// hour does not want those of that hour.
func TestWorkflowThatWasGone(t *testing.T) {
	inWorld(t, "2026-01-02T00:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "* * * * *", "", "all")
		gone := func(from, to string) {
			w.until(from)
			kept := w.schedules
			w.change(func() { w.schedules = nil })
			w.tell()
			w.until(to)
			w.change(func() { w.schedules = kept })
			w.tell()
		}
		w.start(t)
		gone("2026-01-02T00:31:50Z", "2026-01-02T00:32:10Z")
		gone("2026-01-02T00:32:50Z", "2026-01-02T01:32:10Z")
		w.until("2026-01-02T01:33:00Z")
		same(t, "runs", w.did(), slots("w", "2026-01-02", "00:31:00", "00:32:00", "01:32:00", "01:33:00")...)
	})
}

// What was taken away stood still: it does not come back with a burst.
func TestWorkflowThatIsBackMakesUpForNothing(t *testing.T) {
	inWorld(t, "2026-01-02T00:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "* * * * * *", "", "all")
		w.start(t)
		w.until("2026-01-02T00:30:02Z")
		kept := w.schedules
		w.change(func() { w.schedules = nil })
		w.tell()
		w.until("2026-01-02T00:30:32.5Z")
		w.change(func() { w.schedules = kept })
		w.tell()
		w.until("2026-01-02T00:30:33.5Z")
		same(t, "runs", w.did(), slots("w", "2026-01-02", "00:30:01", "00:30:02", "00:30:32", "00:30:33")...)
		same(t, "skipped", w.skipped)
	})
}

func TestMachineThatWasAsleep(t *testing.T) {
	for catchup, want := range map[string][]string{
		"none":   nil,
		"latest": {"04:00:00"},
		"all":    {"02:00:00", "03:00:00", "04:00:00"},
	} {
		inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
			w.add("w", "0 * * * *", "", catchup)
			w.start(t)
			w.jump("2026-01-02T04:30:00Z")
			w.until("2026-01-02T05:00:00Z")
			same(t, catchup, w.did(), slots("w", "2026-01-02", append(want, "05:00:00")...)...)
		})
	}
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "*/20 * * * * *", "", "none")
		w.start(t)
		w.jump("2026-01-02T01:30:50Z")
		same(t, "less than a minute", w.did(), slots("w", "2026-01-02", "01:30:20", "01:30:40")...)
	})
}

func TestClockThatIsSetBack(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "*/10 * * * *", "", "all")
		w.start(t)
		w.until("2026-01-02T02:05:00Z")
		w.jump("2026-01-02T01:45:00Z")
		w.until("2026-01-02T02:15:00Z")
		same(t, "a little: each once", w.did(), slots("w", "2026-01-02", "01:40:00", "01:50:00", "02:00:00", "02:10:00")...)
	})
	inWorld(t, "2036-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "*/10 * * * *", "", "all")
		w.start(t)
		w.until("2036-01-02T01:45:00Z")
		w.jump("2026-01-02T01:45:00Z")
		w.until("2026-01-02T02:05:00Z")
		w.end()
		w.start(t)
		w.until("2026-01-02T02:15:00Z")
		same(t, "a year that was wrong", w.did(), "w 2036-01-02T01:40:00Z", "w 2026-01-02T01:50:00Z", "w 2026-01-02T02:00:00Z", "w 2026-01-02T02:10:00Z")
	})
}

func TestOneBadScheduleHarmsNoOther(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("a", "61 * * * *", "", "all")
		w.add("b", "0 * * * *", "Mars/Base", "all")
		w.add("c", "0 * * * *", "", "all").CatchupWindow = "long"
		w.add("d", "0 * * * *", "", "all")
		w.add("refused", "0 * * * *", "", "all")
		w.refuses["refused"] = wire.BadRequest
		w.start(t)
		w.until("2026-01-02T03:00:00Z")
		same(t, "runs", w.did(), slots("d", "2026-01-02", "02:00:00", "03:00:00")...)
		same(t, "skipped", w.skipped, "refused refused: no", "refused refused: no")
		w.end()
		w.refuses = nil
		w.jump("2026-01-02T03:30:00Z")
		w.start(t)
		same(t, "a slot that was refused stays so", w.did(), slots("d", "2026-01-02", "02:00:00", "03:00:00")...)
	})
}

// A scheduler that lives again after a failure goes on as if nothing was.
func TestFailureLosesNoSlot(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "*/10 * * * * *", "", "none")
		w.start(t)
		w.change(func() { w.most = 2 })
		w.until("2026-01-02T01:30:30Z")
		w.change(func() { w.most = 0 })
		if now := w.sup.Status(); now.State != "waiting" || now.Restarts != 1 || *now.Error != errDied.Error() {
			t.Errorf("%+v", now)
		}
		w.jump("2026-01-02T01:30:45Z")
		time.Sleep(time.Second) // that of the bubble: the pause before the restart
		synctest.Wait()
		same(t, "runs", w.did(), slots("w", "2026-01-02", "01:30:10", "01:30:20", "01:30:30", "01:30:40")...)
		same(t, "skipped", w.skipped)
	})
}

// What is decided waits for what is under way, or an older slot would come
// after a newer one and count as decided.
func TestSlotsAreDecidedInTheirOrder(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "0 * * * *", "", "none")
		w.slow = make(chan struct{})
		w.start(t)
		w.until("2026-01-02T02:00:00Z")
		w.jump("2026-01-02T04:30:00Z")
		if len(w.skipped) > 0 {
			t.Errorf("decided too early: %s", w.skipped)
		}
		close(w.slow)
		synctest.Wait()
		same(t, "runs", w.did(), slots("w", "2026-01-02", "02:00:00")...)
		same(t, "skipped", w.skipped, "w 2 slots missed from 2026-01-02T03:00:00Z to 2026-01-02T04:00:00Z: catchup is none")
	})
}

func TestManyWorkflowsInOneSecond(t *testing.T) {
	const workflows = 10_000
	var took time.Duration
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		for i := range workflows {
			w.add(fmt.Sprintf("w%05d", i), "0 2 * * *", "", "none")
		}
		w.start(t)
		w.until("2026-01-02T01:59:59Z")
		before := realTime()
		w.until("2026-01-02T02:00:00Z")
		took = realTime().Sub(before)
		if runs := w.did(); len(runs) != workflows || len(slices.Compact(slices.Sorted(slices.Values(runs)))) != workflows {
			t.Errorf("%d runs", len(runs))
		}
	})
	t.Logf("%d slots in %s", workflows, took)
	if took > 5*time.Second { // budget: a second
		t.Errorf("it took %s", took)
	}
}

// An idle scheduler waits for the next slot, whenever that is, and for nothing
// else.
func TestIdleSchedulerSleeps(t *testing.T) {
	inWorld(t, "2026-01-02T01:30:00Z", func(t *testing.T, w *world) {
		w.add("w", "0 0 1 7 *", "", "none")
		w.start(t)
		if next := w.clock.next(); !next.Equal(at("2026-07-01T00:00:00Z")) {
			t.Errorf("it waits for %s", next)
		}
		w.change(func() { w.schedules = nil })
		w.tell()
		if next := w.clock.next(); !next.IsZero() {
			t.Errorf("it waits for %s", next)
		}
	})
}

// A disk that was full for hours is no reason for a burst when there is room
// again: what was due meanwhile was missed.
func TestPrincipalThatTakesNoWorkIsNotFlooded(t *testing.T) {
	for catchup, want := range map[string]int{"none": 0, "latest": 1, "all": 9*60 + 1} {
		inWorld(t, "2026-01-02T00:00:00Z", func(t *testing.T, w *world) {
			w.add("w", "* * * * * *", "", catchup)
			w.slow = make(chan struct{})
			w.start(t)
			w.until("2026-01-02T00:10:01.5Z")
			close(w.slow)
			w.until("2026-01-02T00:10:01.9Z")
			if got := len(w.did()) - 60; got != want { // those of the first minute were on their way
				t.Fatalf("%s: %d runs for the slots of nine minutes, want %d", catchup, got, want)
			}
			w.until("2026-01-02T00:10:02.5Z")
			same(t, "the next one", w.did()[60+want:], slots("w", "2026-01-02", "00:10:02")...)
		})
	}
}
