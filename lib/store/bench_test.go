package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("events=%d", size), func(b *testing.B) {
			s := open(b, options(b.TempDir()))
			d := definition("etl.daily", "extract")
			for n := 0; b.Loop(); n++ {
				events := make([]run.Event, size)
				for i := range events {
					events[i] = created(fmt.Sprintf("%012d", n*size+i), d, epoch)
				}
				must(b, s.Append(context.Background(), events))
			}
		})
	}
}

// chatter is one batch as a busy agent sends it.
func chatter(first int64, count int) []wire.LogBatch {
	text := strings.Repeat("some words of a line ", 4)
	bt := batch("000000000001", first, epoch)
	for i := range count {
		bt.Lines = append(bt.Lines, wire.Line{Time: epoch.UnixMilli() + (first+int64(i))/100, Text: text})
	}
	return []wire.LogBatch{bt}
}

func fillLines(b testing.TB, s *Store, total int) {
	const size = 10000
	for first := 1; first <= total; first += size {
		must(b, s.AppendLines(context.Background(), chatter(int64(first), size)))
	}
}

func BenchmarkLines(b *testing.B) {
	for _, size := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s := open(b, options(b.TempDir()))
			first := int64(1)
			for b.Loop() {
				must(b, s.AppendLines(context.Background(), chatter(first, size)))
				first += int64(size)
			}
			b.ReportMetric(float64(first)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

func BenchmarkCommitBesideLines(b *testing.B) {
	s := open(b, options(b.TempDir()))
	d := definition("etl.daily", "extract")
	stop := make(chan struct{})
	var busy sync.WaitGroup
	first := int64(1)
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				must(b, s.AppendLines(context.Background(), chatter(first, 10000)))
				first += 10000
			}
		}
	})
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		must(b, s.Append(context.Background(), []run.Event{created(fmt.Sprintf("%012d", n), d, epoch)}))
		took = append(took, time.Since(began))
		time.Sleep(time.Millisecond) // a paced load, not a closed loop
	}
	close(stop)
	busy.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(first)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}

func BenchmarkReadMillionLines(b *testing.B) {
	for _, byPos := range []bool{false, true} {
		b.Run(fmt.Sprintf("byPos=%v", byPos), func(b *testing.B) {
			s := open(b, options(b.TempDir()))
			fillLines(b, s, 1_000_000)
			pages := 0
			for b.Loop() {
				q := wire.LogsQuery{ByPos: byPos}
				count := 0
				for {
					page, err := s.ListLogs(context.Background(), q)
					must(b, err)
					count += len(page.Records)
					pages++
					if q.Cursor = page.Cursor; !page.More {
						break
					}
				}
				if count != 1_000_000 {
					b.Fatal(count)
				}
			}
			b.ReportMetric(float64(pages)/float64(b.N), "pages")
		})
	}
}

func BenchmarkReplayBesideMillionOldRuns(b *testing.B) {
	dir := b.TempDir()
	s := open(b, options(dir))
	d := definition("etl.daily", "extract")
	for n := 0; n < 1_000_000; n += 5000 {
		var events []run.Event
		for i := range 5000 {
			id := fmt.Sprintf("%012x", (n+i)*2654435761%(1<<48))
			events = append(events, created(id, d, epoch), changed(id, d.ID, run.Running, epoch), leased(id, d.ID, "extract", 1, epoch),
				ended(id, d.ID, "extract", 1, 0, epoch), changed(id, d.ID, run.Completed, epoch))
		}
		must(b, s.Append(context.Background(), events))
	}
	must(b, s.Append(context.Background(), []run.Event{created("open", d, epoch)}))
	must(b, s.Close())
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s := open(b, options(dir))
			b.StopTimer()
			must(b, s.Close())
			b.StartTimer()
		}
	})
	s = open(b, options(dir))
	b.Run("replay", func(b *testing.B) {
		for b.Loop() {
			must(b, s.Replay(context.Background(), func(run.Event) error { return nil }))
		}
	})
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			must(b, s.Keys(context.Background(), epoch.Add(time.Hour), 1_000_000, func(run.Key) error { return nil }))
		}
	})
	b.Run("get-run", func(b *testing.B) {
		for b.Loop() {
			_, err := s.GetRun(context.Background(), "open")
			must(b, err)
		}
	})
	b.Run("last-runs", func(b *testing.B) {
		for b.Loop() {
			_, err := s.LastRuns(context.Background())
			must(b, err)
		}
	})
	b.Run("list-last-10-runs", func(b *testing.B) {
		for b.Loop() {
			_, err := s.ListRuns(context.Background(), wire.RunList{Last: 10})
			must(b, err)
		}
	})
	b.Run("list-last-10-events", func(b *testing.B) {
		for b.Loop() {
			_, err := s.ListEvents(context.Background(), wire.EventsQuery{Last: 10})
			must(b, err)
		}
	})
}

func BenchmarkFirstQueryOverDays(b *testing.B) {
	const count = 100
	dir := b.TempDir()
	o := options(dir)
	at := epoch
	o.Now = func() time.Time { return at }
	s := open(b, o)
	for n := range count {
		at = epoch.AddDate(0, 0, n)
		must(b, s.AppendLines(context.Background(), chatter(int64(1+n*1000), 1000)))
	}
	must(b, s.Close())
	for b.Loop() {
		b.StopTimer()
		s := open(b, o)
		b.StartTimer()
		_, err := s.ListLogs(context.Background(), wire.LogsQuery{Last: 10})
		must(b, err)
		b.StopTimer()
		must(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(count, "files")
}
