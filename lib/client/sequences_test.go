package client

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// A live record is asked for where the history would show it.
func TestLiveRecordsAreFilteredAsTheHistoryIs(t *testing.T) {
	at := func(second int) *wire.Time {
		v := wire.At(time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC))
		return &v
	}
	var records []json.RawMessage
	for second, text := range []string{"zero", "One", "two", "three"} {
		r := wire.LogRecord{Time: *at(second), Workflow: "etl.daily", Run: "r", Task: "a", Attempt: 1, Stream: wire.Stdout, Message: &text}
		records = append(records, r.AppendJSON(nil))
	}
	gap := wire.LogRecord{Time: *at(4), Workflow: "etl.daily", Run: "r", Task: "a", Attempt: 1, Stream: wire.Stdout, Gap: &wire.Gap{Lines: 1}}
	records = append(records, gap.AppendJSON(nil))
	for name, c := range map[string]struct {
		q    wire.LogsQuery
		want int
	}{
		"everything":         {wire.LogsQuery{}, 5},
		"the workflow":       {wire.LogsQuery{Filter: wire.Filter{Workflow: "etl.*", Run: "r"}}, 5},
		"another workflow":   {wire.LogsQuery{Filter: wire.Filter{Workflow: "etl"}}, 0},
		"another run":        {wire.LogsQuery{Filter: wire.Filter{Run: "s"}}, 0},
		"the task":           {wire.LogsQuery{Task: "a", Stream: wire.Stdout}, 5},
		"another task":       {wire.LogsQuery{Task: "b"}, 0},
		"another stream":     {wire.LogsQuery{Stream: wire.Stderr}, 0},
		"since is inclusive": {wire.LogsQuery{Filter: wire.Filter{Since: at(1)}}, 4},
		"until is exclusive": {wire.LogsQuery{Filter: wire.Filter{Until: at(2)}}, 2},
		"any case":           {wire.LogsQuery{Grep: "one"}, 1},
		"this case":          {wire.LogsQuery{Grep: "ONE"}, 0},
		"a gap has no text":  {wire.LogsQuery{Grep: ".*"}, 4},
	} {
		grep, err := wire.ParsePattern(c.q.Grep)
		if err != nil {
			t.Fatal(err)
		}
		got := -1
		l := lines{q: c.q, grep: grep, emit: func(some wire.Logs) error { got = len(some.Records); return nil }}
		if err := l.news(&wire.Live{Pos: 11, Records: records}, 10); err != nil || got != c.want {
			t.Errorf("%s: %d records, %v; want %d", name, got, err, c.want)
		}
	}
}
