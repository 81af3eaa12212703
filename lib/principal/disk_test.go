package principal

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

const mebibyte = 1 << 20

// onDisk gives a principal one disk of which so many MiB are free, with a
// reserve of 256 MiB.
func onDisk(free *atomic.Int64) func(*Config) {
	return func(cfg *Config) {
		cfg.Disks, cfg.Reserve = []string{"/data"}, 256*mebibyte
		cfg.Free = func(string) (int64, error) { return free.Load() * mebibyte, nil }
	}
}

// becomes sets how much is free, and returns when the principal knows it.
func (s *site) becomes(free *atomic.Int64, now int64) {
	s.t.Helper()
	free.Store(now)
	harness.Eventually(s.t, "the disk is looked at", func() bool {
		return ask[wire.PrincipalStatus](s.t, s.admin, wire.OpStatus, &wire.Plain{}).Disk.Free == now*mebibyte
	})
}

func TestNoNewRunIsTakenWhileTheDiskIsNearlyFull(t *testing.T) {
	var free atomic.Int64
	free.Store(256)
	s := newSite(t, onDisk(&free))
	before := s.trigger("hello", "before")
	s.becomes(&free, 255)
	if got := ask[wire.PrincipalStatus](t, s.admin, wire.OpStatus, &wire.Plain{}).Disk; !got.Full || got.Reserve != 256*mebibyte {
		t.Errorf("status says %+v", got)
	}

	const why = "the disk with /data is nearly full: 255 MiB free, 256 MiB are kept in reserve; new runs are taken again when there is room"
	for _, key := range []string{"", "new"} {
		_, err := try[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", key))
		wantRefusal(t, err, wire.Unavailable, why)
	}
	batch := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, &wire.Trigger{Batch: []wire.TriggerItem{
		{Workflow: "hello", Key: "before"}, {Workflow: "hello"}, {Workflow: "helo"},
	}}).Batch
	if batch[0].Run != before.Run || !batch[0].Existing {
		t.Errorf("the key has run %s, in a batch the answer was %+v", before.Run, batch[0])
	}
	for i, want := range []wire.Code{1: wire.Unavailable, 2: wire.NotFound} {
		if i > 0 && (batch[i].Error == nil || batch[i].Error.Code != want) {
			t.Errorf("item %d of the batch was answered %+v, want %s", i, batch[i], want)
		}
	}
	if again := s.trigger("hello", "before"); again.Run != before.Run || !again.Existing {
		t.Errorf("the key has run %s, the answer was %+v", before.Run, again)
	}
	_, err := try[wire.Triggered](s.admin, wire.OpRunTrigger, &wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "hello", Key: "before", Params: map[string]string{"a": "1"}}})
	if codeOf(t, err) == wire.Unavailable {
		t.Errorf("one key for two things: %v", err)
	}
	ask[wire.RunWaited](t, s.admin, wire.OpRunCancel, &wire.RunRef{Run: before.Run})

	s.becomes(&free, 256)
	if s.trigger("hello", "new").Existing {
		t.Error("the refused key has a run")
	}
}

func TestLinesAreRefusedBelowHalfOfTheReserveAndResultsWaitForThem(t *testing.T) {
	var free atomic.Int64
	free.Store(1000)
	s := newSite(t, onDisk(&free))
	s.trigger("pair", "")
	w := s.worker("w1", 2)
	leases := w.take()
	first, second := leases[0].Attempt, leases[1].Attempt
	s.becomes(&free, 128)
	if got := w.durable(batch(first, 1, "one")); got != 1 {
		t.Errorf("at half of the reserve lines are durable up to %d", got)
	}
	s.becomes(&free, 127)
	if got := w.send(batch(first, 2, "two")).refusal(t); got != wire.Unavailable {
		t.Errorf("below half of the reserve lines are refused with %q", got)
	}
	w.report(second, 0, nil).get(t) // nothing of it is missing
	waits := w.report(first, 0, map[string]int64{wire.Stdout: 2})
	ask[wire.Nothing](t, w.c, wire.OpAgentRenew, &wire.AgentRenew{AgentRef: w.ref})
	s.becomes(&free, 128)
	select {
	case <-waits.done:
		t.Fatalf("the result was taken without its lines: %v", waits.err)
	default:
	}
	if got := w.durable(batch(first, 2, "two")); got != 2 {
		t.Errorf("with room again lines are durable up to %d", got)
	}
	waits.get(t)
}

func TestLogTellsOnceThatTheDiskIsNearlyFullAndOnceThatItIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		var free atomic.Int64
		cfg := Config{Log: slog.New(slog.NewTextHandler(&said, nil))}
		onDisk(&free)(&cfg)
		free.Store(300)
		d := newDisk(cfg)
		for _, step := range []struct {
			free int64
			want string
		}{
			{300, ""}, {255, "no new runs are taken"}, {254, ""}, {300, ""}, {250, ""},
			{127, "neither new runs nor lines"}, {126, ""}, {200, ""}, {127, ""}, {256, ""}, {255, ""},
			{256, ""}, {256, ""}, {256, "there is room on the disk again"}, {256, ""},
			{100, "neither new runs nor lines"}, {200, ""},
		} {
			said.Reset()
			free.Store(step.free)
			time.Sleep(lookEvery)
			d.look()
			if got := said.String(); !strings.Contains(got, step.want) || step.want == "" && got != "" {
				t.Errorf("at %d MiB the log has %q, want %q", step.free, got, step.want)
			}
		}
	})
}

func TestFullestDiskDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := map[string]int64{"/data": 300, "/db": 200, "/logs": 100}
		var said bytes.Buffer
		looks := 0
		d := newDisk(Config{
			Log: slog.New(slog.NewTextHandler(&said, nil)), Disks: []string{"/data", "/db", "/logs"}, Reserve: 256 * mebibyte,
			Free: func(dir string) (int64, error) {
				looks++
				if n, ok := free[dir]; ok {
					return n * mebibyte, nil
				}
				return 0, errors.New("gone")
			},
		})
		check := func(runs, lines string) {
			t.Helper()
			for range 100 { // all from one look
				for _, c := range []struct {
					got  *wire.Error
					want string
				}{{d.refusesRun(), runs}, {d.refusesLines(), lines}} {
					if got := fmt.Sprint(c.got); c.got == nil && c.want != "" || c.got != nil && (c.want == "" || !strings.Contains(got, c.want)) {
						t.Errorf("refused with %s, want %q", got, c.want)
					}
				}
			}
			if looks > 3 {
				t.Errorf("the disks were measured %d times", looks)
			}
			looks = 0
			time.Sleep(lookAge)
		}
		check("with /logs is nearly full: 100 MiB free", "with /logs is nearly full: 100 MiB free; lines are taken again when there are 128 MiB")
		free["/logs"] = 400
		check("with /db is nearly full: 200 MiB free", "")
		delete(free, "/db")
		said.Reset()
		check("", "")
		check("", "")
		if got := strings.Count(said.String(), "measure the disk with /db: gone"); got != 1 {
			t.Errorf("the log tells %d times of a disk that cannot be measured:\n%s", got, &said)
		}
		d.reserve, free["/db"] = 0, 0
		check("", "")
	})
}

func TestFreeSpaceIsMeasured(t *testing.T) {
	if n, err := freeSpace(t.TempDir()); err != nil || n <= 0 {
		t.Errorf("%d bytes are free, %v", n, err)
	}
	if _, err := freeSpace("/there/is/nothing"); err == nil {
		t.Error("what is not there has free space")
	}
}
