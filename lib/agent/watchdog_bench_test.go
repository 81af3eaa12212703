package agent

import (
	"log/slog"
	"testing"

	"github.com/cdktr/cdktr/lib/task"
	"github.com/cdktr/cdktr/lib/wire"
)

// What the watchdog costs one attempt.
func BenchmarkWatchdogNotes(b *testing.B) {
	for _, c := range []struct {
		name      string
		exclusive bool
	}{{"plain", false}, {"exclusive", true}} {
		b.Run(c.name, func(b *testing.B) {
			w, err := startWatchdog(slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer w.close()
			for n := 1; b.Loop(); n++ {
				id := wire.Attempt{Run: "0123456789ab", Task: "load", Attempt: n}
				if n%100 == 0 { // tasks do not come so fast that the pipe is full
					b.StopTimer()
					if _, err := w.ask(id); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if err := w.begin(b.Context(), id, c.exclusive); err != nil {
					b.Fatal(err)
				}
				w.runs(id, task.ID{PID: 2, Start: 1})
				if c.exclusive {
					if _, err := w.ask(id); err != nil {
						b.Fatal(err)
					}
				}
				w.end(id)
			}
		})
	}
}
