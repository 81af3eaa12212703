package agent

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func testTime() time.Time { return time.UnixMilli(1_767_323_045_678) }

// The agent dies while it writes: whatever part of the last record is there,
// all lines before it arrive, and a gap stands for those that a result names.
func TestSpoolSurvivesATornLastRecord(t *testing.T) {
	s := testSpool(t)
	s.put(wire.Stdout, lines("1", "2"))
	s.put(wire.System, lines("started"))
	whole := diskUse(t, s)
	s.put(wire.Stdout, lines("3", "4"))
	s.close()
	file := spoolFiles(t, s)[0]
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for cut := whole; cut <= int64(len(all)); cut++ {
		for _, garbage := range [][]byte{nil, make([]byte, 5), make([]byte, 100), bytes.Repeat([]byte{0xff}, 100)} {
			if err := os.WriteFile(file, append(all[:cut:cut], garbage...), 0o600); err != nil {
				t.Fatal(err)
			}
			h := history{}
			next := reopen(t, s)
			h.deliver(t, next)
			want := []string{"1", "2"}
			if cut == int64(len(all)) {
				want = append(want, "3", "4")
			}
			if !next.over() || !slices.Equal(h[wire.Stdout], want) || !slices.Equal(h[wire.System], []string{"started"}) {
				t.Fatalf("cut at %d of %d, %d more: over %t, %q", cut, len(all), len(garbage), next.over(), h)
			}
			next.owe(map[string]int64{wire.Stdout: 4, wire.System: 2}, testTime())
			h.deliver(t, next)
			if got := h[wire.Stdout]; !next.over() || len(got) != 4 || cut < int64(len(all)) && got[3] != "[gap 2]" || h[wire.System][1] != "[gap 1]" {
				t.Fatalf("cut at %d of %d: %q with what the result names", cut, len(all), h)
			}
			next.close()
		}
	}
}

// The heading and the first record come in one write, which may be torn too.
// What is no heading at all is kept for people to look at.
func TestFileWithoutAHeadingDelaysNothing(t *testing.T) {
	s := testSpool(t)
	s.put(wire.Stdout, lines("1"))
	s.close()
	file := spoolFiles(t, s)[0]
	whole := diskUse(t, s)
	for _, size := range []int64{recordHead + 10, recordHead - 1, 0} {
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
		next := reopen(t, s)
		if files, err := list(s.shelf.dir, "", ""); !next.over() || len(files) != 0 || err != nil {
			t.Errorf("%d bytes: %q, %v", size, files, err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, make([]byte, whole), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		next := reopen(t, s)
		if files := spoolFiles(t, s); !next.over() || len(files) != 1 || files[0] != file+".bad" {
			t.Errorf("%q", files)
		}
	}
}

// A changed byte anywhere in the first of three files: what is before it and
// what is in the other files arrives, and a gap stands for the rest.
func TestCorruptMiddleBecomesAGap(t *testing.T) {
	s := testSpool(t)
	n := 0
	big := strings.Repeat("x", int(testBounds.segment)/8)
	for len(spoolFiles(t, s)) < 3 {
		n++
		s.put(wire.Stdout, lines(fmt.Sprint(n, big)))
	}
	s.close()
	file := spoolFiles(t, s)[0]
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	luck := rand.New(rand.NewPCG(1, 1))
	for range 6 {
		at := 200 + luck.IntN(len(all)-200)
		all[at] ^= 0x40
		if err := os.WriteFile(file, all, 0o600); err != nil {
			t.Fatal(err)
		}
		all[at] ^= 0x40
		next := reopen(t, s)
		h := history{}
		h.deliver(t, next)
		got, gaps := h[wire.Stdout], 0
		if len(got) != n || !next.over() {
			t.Fatalf("byte %d: %d lines of %d", at, len(got), n)
		}
		for i, text := range got {
			switch {
			case strings.HasPrefix(text, "[gap"):
				gaps++
			case text != "" && text != fmt.Sprint(i+1, big):
				t.Fatalf("byte %d: line %d is wrong", at, i+1)
			}
		}
		if gaps != 1 || got[n-1] == "" || got[0] == "" && at > int(testBounds.segment)/8+300 {
			t.Fatalf("byte %d: %d gaps", at, gaps)
		}
		next.close()
	}
}

func TestLinesOfTwoEarlierIncarnationsAreDelivered(t *testing.T) {
	f := testShelf(t)
	want := map[wire.Attempt][]string{}
	for incarnation := 1; incarnation <= 2; incarnation++ {
		for task := range 3 {
			id := wire.Attempt{Run: "r", Task: fmt.Sprint("t", task), Attempt: incarnation}
			s := newSpool(f, "w", id, func() {})
			s.put(wire.Stdout, lines("a", "b"))
			s.close()
			want[id] = []string{"a", "b"}
		}
	}
	left, err := f.left(func() {})
	if err != nil || len(left) != len(want) {
		t.Fatalf("%d spools, %v", len(left), err)
	}
	for id, s := range left {
		h := history{}
		h.deliver(t, s)
		if !slices.Equal(h[wire.Stdout], want[id]) || s.workflow != "w" || !s.over() {
			t.Errorf("%v: %q", id, h)
		}
		s.remove()
	}
	if left, err := f.left(func() {}); err != nil || len(left) != 0 {
		t.Errorf("%d spools are left, %v", len(left), err)
	}
}

// What the principal had acknowledged and lost is sent again as far as it is
// still on disk; a gap stands for the rest.
func TestLostAcknowledgedLinesDoNotStopTheStream(t *testing.T) {
	s := testSpool(t)
	h := history{}
	big := strings.Repeat("x", int(testBounds.segment)/8)
	for n := range 20 {
		s.put(wire.Stdout, lines(fmt.Sprint(n+1, big)))
		h.deliver(t, s)
	}
	h[wire.Stdout] = h[wire.Stdout][:1]
	s.put(wire.Stdout, lines("21"))
	s.finish()
	h.deliver(t, s)
	got := h[wire.Stdout]
	if !s.over() || len(got) != 21 || got[15] != "[gap 15]" || got[16] != "17"+big || got[20] != "21" {
		t.Errorf("over %t, %.20q", s.over(), got)
	}
	// Nothing is to be sent, and a result waits.
	h[wire.Stdout] = h[wire.Stdout][:2]
	s.remove()
	if !s.doubt() || s.doubt() {
		t.Error("one doubt at a time")
	}
	h.deliver(t, s)
	if got := h[wire.Stdout]; !s.over() || len(got) != 21 || got[20] != "[gap 19]" {
		t.Errorf("over %t, %.20q", s.over(), got)
	}
}

// A record that the principal never takes costs itself and no other line.
func TestRefusedLinesBecomeAGap(t *testing.T) {
	for _, code := range []wire.Code{wire.BadRequest, wire.TooLarge} {
		s := testSpool(t)
		h := history{}
		for n := range 5 {
			s.put(wire.Stdout, lines(fmt.Sprint(n+1), fmt.Sprint(n+1)))
		}
		s.put(wire.Stderr, lines("bad")) // the last of its stream
		s.finish()
		for calls := 0; !s.over(); calls++ {
			if calls > 100 {
				t.Fatal("it never ends")
			}
			b, _ := s.take(callSize, true)
			var gap *wire.Gap
			if slices.ContainsFunc(travel(t, b), func(b wire.LogBatch) bool {
				for _, l := range b.Lines {
					if l.Gap != nil {
						gap = l.Gap
					}
					if l.Text == "3" || l.Text == "bad" {
						return true
					}
				}
				return false
			}) {
				s.settle(b, nil, &wire.Error{Code: code})
				continue
			}
			if gap != nil && gap.Bytes != 2 && gap.Bytes != 3 {
				t.Errorf("a gap of %d bytes", gap.Bytes)
			}
			s.settle(b, h.take(t, b), nil)
		}
		if want := []string{"1", "1", "2", "2", "", "[gap 2]", "4", "4", "5", "5"}; !slices.Equal(h[wire.Stdout], want) {
			t.Errorf("%s: stdout %q", code, h[wire.Stdout])
		}
		if want := []string{"[gap 1]"}; !slices.Equal(h[wire.Stderr], want) {
			t.Errorf("%s: stderr %q", code, h[wire.Stderr])
		}
	}
}

// Calls that are lost, whose answers are lost, or that arrive in part, agents
// that die, last records that are torn, and a principal that loses what it
// had: in the end the history has every number once, in order, and a gap only
// where something was broken for good.
func TestSpoolDeliversEveryLineOnceInOrder(t *testing.T) {
	f := testShelf(t)
	for seed := range uint64(150) {
		luck := rand.New(rand.NewPCG(seed, 1))
		breaks := seed%3 == 0
		s := newSpool(f, "w", wire.Attempt{Run: fmt.Sprint(seed), Task: "t", Attempt: 1}, func() {})
		h, want, torn := history{}, map[string][]string{}, false
		var flying []wire.LogBatch
		finish := func() {
			last := map[string]int64{}
			for name, texts := range want {
				last[name] = int64(len(texts))
			}
			s.owe(last, testTime())
		}
		put := 0
		for step := 0; put < 60 || !s.over(); step++ {
			if step > 10_000 {
				t.Fatalf("seed %d: does not end: %d of %d bytes, %+v", seed, s.pos, s.end, s.streams)
			}
			switch {
			case put >= 60 && luck.IntN(20) == 0:
				s = reopen(t, s)
				finish()
			case put == 59 && breaks && luck.IntN(2) == 0: // the agent dies as it writes
				if files := spoolFiles(t, s); len(files) > 0 && s.end > 0 {
					torn = true
					info, err := os.Stat(files[len(files)-1])
					if err == nil {
						err = os.Truncate(files[len(files)-1], max(info.Size()-1-luck.Int64N(200), 150))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				put = 60
				s = reopen(t, s)
				finish()
			case breaks && luck.IntN(50) == 0 && !s.flying:
				torn = true
				for name, have := range h {
					h[name] = have[:luck.IntN(len(have)+1)]
				}
				if put >= 60 {
					s.doubt()
				}
			case luck.IntN(3) == 0 && put < 60:
				stream := streamNames[luck.IntN(3)]
				var texts []string
				for range luck.IntN(4) + 1 {
					texts = append(texts, fmt.Sprint("line ", put))
					put++
				}
				want[stream] = append(want[stream], texts...)
				s.put(stream, lines(texts...))
				if put >= 60 {
					s.finish()
				}
			case luck.IntN(2) == 0 && !s.flying:
				flying, _ = s.take(luck.IntN(600), true)
			case s.flying:
				switch luck.IntN(5) {
				case 0:
					s.settle(flying, nil, errNoAnswer)
				case 1:
					h.take(t, flying)
					s.settle(flying, nil, errNoAnswer)
				case 2: // only the first batch is taken
					acks := h.take(t, flying[:1])
					for _, b := range flying[1:] {
						acks = append(acks, wire.LogAck{Durable: int64(len(h[b.Stream]))})
					}
					s.settle(flying, acks, nil)
				default:
					s.settle(flying, h.take(t, flying), nil)
				}
			}
		}
		// What was lost after its last acknowledgement comes to light when the
		// result waits for it.
		if s.doubt() {
			h.deliver(t, s)
		}
		for _, stream := range streamNames {
			got := h[stream]
			if !torn && !slices.Equal(got, want[stream]) || len(got) != len(want[stream]) {
				t.Fatalf("seed %d: %s has %q, want %q", seed, stream, got, want[stream])
			}
			for i, text := range got {
				if text != "" && !strings.HasPrefix(text, "[gap") && text != want[stream][i] {
					t.Fatalf("seed %d: %s has %q, want %q", seed, stream, got, want[stream])
				}
			}
		}
		s.remove()
		if files := spoolFiles(t, s); len(files) != 0 {
			t.Fatalf("seed %d: %q is left", seed, files)
		}
	}
}

// Whatever is read as a record is one that was written so.
func FuzzSpoolRecord(f *testing.F) {
	f.Add(appendRecords(nil, wire.Stdout, 1, lines("a", "b")))
	f.Add(appendRecords(nil, wire.System, 1<<40, []wire.Line{{Time: 1, Bytes: []byte{0xff}}}))
	head, err := appendHeading(nil, heading{Format: spoolFormat, Workflow: "w"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(head)
	f.Add([]byte{})
	f.Add(make([]byte, recordHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, size, err := readRecord(b)
		switch {
		case err == errShort && size <= len(b):
			t.Fatalf("%d bytes are too few, it says, %d needed", len(b), size)
		case err != nil:
			return
		case size > len(b) || len(e.payload) != size-recordHead:
			t.Fatalf("a record of %d bytes in %d", size, len(b))
		case e.stream != "" && (e.first < 1 || e.last() < e.first):
			t.Fatalf("lines %d to %d", e.first, e.last())
		}
		again := bytes.Clone(b[:size])
		number := byte(slices.Index(streamNumbers[:], e.stream))
		seal(again, 0, number, e.first, e.time, int(e.lines), int(e.bytes))
		back, _, err := readRecord(again)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%+v became %+v, %v", e, back, err)
		}
	})
}
