package principal

import (
	"math/rand"
	"strconv"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// What is told may be above the truth, where much is forgotten, and never below.
func TestNewestIsNeverBelowTheTruth(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	n := newNewest(100)
	truth := map[string]int64{}
	exact, all := 0, int64(100)
	const steps = 100_000
	for pos := int64(101); pos < 101+steps; pos++ {
		run := strconv.Itoa(random.Intn(1 << random.Intn(17)))
		before := n.advance("w", run, pos)
		was, known := truth[run]
		if before.All != all || before.Workflow != all || before.Run < was || before.Run > all {
			t.Fatalf("before %d: %+v, the run's newest is %d, of all %d", pos, before, was, all)
		}
		if known && before.Run == was {
			exact++
		}
		truth[run], all = pos, pos
		other := strconv.Itoa(random.Intn(1 << 17))
		after := pos - random.Int63n(200)
		upTo, quiet := n.quiet(wire.Filter{Run: other}, after)
		if quiet && (truth[other] > after || upTo != pos) {
			t.Fatalf("run %s is quiet after %d up to %d; its newest is %d", other, after, upTo, truth[other])
		}
		if held := len(n.runs.young) + len(n.runs.old); held > maxLineages {
			t.Fatalf("%d runs are remembered", held)
		}
	}
	if exact < steps/2 {
		t.Errorf("of %d records only %d knew what was before", steps, exact)
	}
	if _, quiet := n.quiet(wire.Filter{Workflow: "w*"}, all-1); quiet {
		t.Error("a pattern of workflows counts as one that is not known")
	}
}
