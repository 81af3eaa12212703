package agent

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cdktr/cdktr/lib/wire"
)

// Tasks print while the principal comes and goes, calls and answers are lost,
// disks fill up and agents die: in the end each stream has its lines and gaps,
// which together are exactly what was put.
func TestLinesAndGapsAreExactlyWhatWasPut(t *testing.T) {
	gone := 0
	for seed := range uint64(20) {
		luck := rand.New(rand.NewPCG(seed, 2))
		f := testShelf(t)
		f.bounds = bounds{attempt: 4 << 10, agent: 10 << 10, memory: 2 << 10, segment: 512}
		var spools [4]*spool
		var ledgers [4]*ledger
		var flying [4][]wire.LogBatch
		for i := range spools {
			spools[i], ledgers[i] = spoolOn(t, f, fmt.Sprint("r", i)), newLedger()
		}
		present := false
		away(f)
		good := f.dir
		for range 400 {
			i := luck.IntN(len(spools))
			s, l := spools[i], ledgers[i]
			switch luck.IntN(12) {
			case 0:
				present = !present
			case 1: // the disk
				if f.dir == good && seed%2 == 0 {
					f.dir = filepath.Join(good, "missing")
					if g := s.last(); g != nil && g.own {
						g.spoilt = true
					}
				} else {
					f.dir = good
				}
			case 2, 3, 4:
				if flying[i] == nil {
					flying[i], _ = s.take(luck.IntN(2000), luck.IntN(4) > 0)
				}
			case 5, 6:
				switch {
				case flying[i] == nil:
					continue
				case present:
					s.settle(flying[i], l.take(t, flying[i]), nil)
				case luck.IntN(2) == 0:
					l.take(t, flying[i])
					s.settle(flying[i], nil, errNoAnswer)
				default:
					s.settle(flying[i], nil, errNoAnswer)
				}
				flying[i] = nil
				away(f) // nobody is there to make a put that waits go on
			default:
				l.print(s, streamNames[1+luck.IntN(2)], 1+luck.IntN(4), luck.IntN(80))
			}
		}
		// The agent dies, unless something is in memory alone.
		f.dir = good
		dies := !slices.ContainsFunc(spools[:], func(s *spool) bool {
			return slices.ContainsFunc(s.segments, func(g *segment) bool { return g.memory != nil })
		})
		for i, s := range spools {
			if flying[i] != nil {
				if luck.IntN(2) == 0 {
					ledgers[i].take(t, flying[i])
				}
				s.settle(flying[i], nil, errNoAnswer)
			}
			s.close()
		}
		if dies {
			gone++
			next, err := newShelf(f.dir, f.bounds, f.log).left(func() {})
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range spools {
				if next[s.attempt] != nil {
					spools[i] = next[s.attempt]
				}
			}
		}
		for i, s := range spools {
			last := map[string]int64{}
			for stream, put := range ledgers[i].put {
				last[stream] = int64(len(put))
			}
			s.owe(last, testTime())
			ledgers[i].deliver(t, s)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			ledgers[i].check(t)
			s.close()
		}
	}
	if gone < 8 {
		t.Errorf("only %d agents died", gone)
	}
}

// What the principal may have does not become part of a larger gap: neither
// lines, nor a gap that was told, nor what an earlier start of the agent sent.
func TestWhatThePrincipalMayHaveIsNotGivenUp(t *testing.T) {
	for name, between := range map[string]func(*spool) *spool{
		"the answer is lost": func(s *spool) *spool { return s },
		"the agent dies":     func(s *spool) *spool { return reopen(t, s) },
	} {
		f := smallShelf(t)
		s, l := spoolOn(t, f, "r"), newLedger()
		away(f)
		for range 100 {
			l.print(s, wire.Stdout, 1, 100)
		}
		b, _ := s.take(3000, true) // of some segments
		l.take(t, b)
		s.settle(b, nil, errNoAnswer)
		s = between(s)
		s.mu.Lock()
		for s.relieve(false) {
		}
		s.mu.Unlock()
		l.deliver(t, s)
		if gaps := l.check(t); len(gaps[wire.Stdout]) != 1 {
			t.Errorf("%s: gaps %v", name, gaps)
		}
	}
	f := smallShelf(t)
	f.bounds.segment = 1 << 20 // there is no middle: the newest lines go
	s, l := spoolOn(t, f, "r"), newLedger()
	away(f)
	for range 2 {
		for range 100 {
			l.print(s, wire.Stdout, 1, 100)
		}
		b, _ := s.take(callSize, true)
		l.take(t, b)
		s.settle(b, nil, errNoAnswer)
	}
	l.deliver(t, s)
	if gaps := l.check(t); len(gaps[wire.Stdout]) != 2 {
		t.Errorf("gaps %v", gaps)
	}
}
