package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// Readers that are kept, dropped, unloaded or asked for twice give the same.
func TestPagesDoNotDependOnWhatIsKept(t *testing.T) {
	ctx := context.Background()
	s := open(t, options(t.TempDir()))
	fillLines(t, s, 20_000)
	grows := batch("r2", 1, epoch) // encoded, these are too many for a page
	for n := range 8000 {
		grows.Lines = append(grows.Lines, wire.Line{Time: epoch.UnixMilli() + int64(n), Text: fmt.Sprint(n, strings.Repeat("\x01", 90))})
	}
	must(t, s.AppendLines(ctx, []wire.LogBatch{grows}))
	read := func(q wire.LogsQuery, between func(page int)) string { return readPages(s, q, between) }
	forget := func() {
		s.readers.mu.Lock()
		defer s.readers.mu.Unlock()
		s.readers.drop(len(s.readers.kept))
	}
	for _, byPos := range []bool{false, true} {
		q := wire.LogsQuery{ByPos: byPos}
		want := read(q, func(int) {})
		check := func(what, got string) {
			if got != want {
				t.Errorf("by position %v, %s: %s, want %s", byPos, what, got, want)
			}
		}
		check("nothing kept", read(q, func(int) { forget() }))
		check("every other page kept", read(q, func(page int) {
			if page%2 == 0 {
				forget()
			}
		}))
	}

	// The same page twice, as after an answer that was lost.
	first, err := s.ListLogs(ctx, wire.LogsQuery{})
	must(t, err)
	q := wire.LogsQuery{Cursor: first.Cursor}
	one, err := s.ListLogs(ctx, q)
	must(t, err)
	other, err := s.ListLogs(ctx, wire.LogsQuery{Cursor: one.Cursor, Stream: wire.Stderr})
	if err != nil || len(other.Records) > 0 {
		t.Errorf("another query got %d records of the one that is kept: %v", len(other.Records), err)
	}
	two, err := s.ListLogs(ctx, q)
	must(t, err)
	if string(one.Records[0]) != string(two.Records[0]) {
		t.Error("a page that is asked for twice is not the same")
	}
}

// Many who read the same at once get the same: they take each other's readers.
func TestCrowdReadsTheSamePages(t *testing.T) {
	s := open(t, options(t.TempDir()))
	fillLines(t, s, 20_000)
	pages := 1
	want := readPages(s, wire.LogsQuery{}, func(int) { pages++ })
	if pages < 2 {
		t.Errorf("all of it is on %d page", pages)
	}
	var crowd sync.WaitGroup
	for range mostLoaded + 2 {
		crowd.Go(func() {
			if got := readPages(s, wire.LogsQuery{}, func(int) {}); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	crowd.Wait()
}

// readPages reads all lines of a query and sums them up.
func readPages(s *Store, q wire.LogsQuery, between func(page int)) string {
	sum, count := fnv.New64(), 0
	for n := 0; ; n++ {
		page, err := s.ListLogs(context.Background(), q)
		if err != nil {
			return err.Error()
		}
		count += len(page.Records)
		for _, r := range page.Records {
			_, _ = sum.Write(r)
		}
		if q.Cursor = page.Cursor; !page.More {
			return fmt.Sprint(count, " lines, ", sum.Sum64())
		}
		between(n)
	}
}

func TestKeptReadersAreBoundedAndLetGo(t *testing.T) {
	rs := new(readers)
	t.Cleanup(rs.close)
	for n := range mostKept + 5 {
		rs.keep(new(reader), fmt.Sprint(n), false)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if n := len(rs.kept); n != mostKept {
		t.Errorf("%d readers are kept", n)
	}
	for _, k := range rs.kept {
		k.since = k.since.Add(-keepTime)
	}
	rs.kept[mostKept-1].since = time.Now()
	rs.mu.Unlock()
	rs.expire()
	rs.mu.Lock()
	if n := len(rs.kept); n != 1 {
		t.Errorf("%d readers are kept after their time", n)
	}
}
