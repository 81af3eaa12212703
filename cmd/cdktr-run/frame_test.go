package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// noon is when the frames are drawn.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) *wire.Time { return wire.MaybeAt(noon.Add(-d)) }

func chain() wire.Run {
	return wire.Run{
		Run: "k3v9x0q2m7ab", Workflow: "etl.daily", Status: "RUNNING", Created: ago(81 * time.Second), Started: ago(80 * time.Second),
		Tasks: []wire.Task{
			{Task: "extract", Status: "COMPLETED", Attempt: 2, Agent: ptr("web1"), Started: ago(80 * time.Second), Ended: ago(12300 * time.Millisecond)},
			{Task: "clean", Status: "RUNNING", Attempt: 1, Agent: ptr("web2"), Started: ago(12 * time.Second)},
			{Task: "probe", Status: "WAITING", Attempt: 2, Reason: ptr("retry 1 of 3 in 8s: exit 1")},
			{Task: "check", Status: "FAILED", Attempt: 1, ExitCode: ptr(3), Reason: ptr("exit 3"), Started: ago(time.Minute), Ended: ago(0)},
			{Task: "mail", Status: "SKIPPED", Reason: ptr("upstream failed: check")},
			{Task: "load", Status: "PENDING", Reason: ptr("waits for clean")},
			{Task: "on_end", Status: "PENDING", Reason: ptr("waits for the end of the other tasks")},
		},
	}
}

func fan(n int) wire.Run {
	r := wire.Run{Run: "p5d0r8w1z6hc", Workflow: "fan", Status: "RUNNING", Created: ago(3 * time.Hour)}
	for i := range n {
		t := wire.Task{Task: fmt.Sprintf("part%03d", i), Status: "PENDING", Reason: ptr("waits for a free slot")}
		switch {
		case i == 70:
			t = wire.Task{Task: t.Task, Status: "FAILED", Attempt: 1, Reason: ptr("exit 1"), Started: ago(90 * time.Second), Ended: ago(time.Minute)}
		case i%3 == 0:
			t = wire.Task{Task: t.Task, Status: "COMPLETED", Attempt: 1, Started: ago(time.Hour), Ended: ago(time.Minute)}
		case i%20 == 1:
			t = wire.Task{Task: t.Task, Status: "RUNNING", Attempt: 1, Agent: ptr("web1"), Started: ago(2500 * time.Millisecond)}
		}
		r.Tasks = append(r.Tasks, t)
	}
	return r
}

func strange() wire.Run {
	return wire.Run{Run: "k3v9x0q2m7ab", Workflow: "weit", Status: "RUNNING", Tasks: []wire.Task{
		{Task: "取り出し", Status: "RUNNING", Attempt: 1, Agent: ptr("web\x1b[2J1"), Started: ago(-time.Second)},
		{Task: strings.Repeat("long", 20), Status: "PENDING", Reason: ptr("line one\nline two\twith a tab")},
	}}
}

func TestFramesAreAsTheyWere(t *testing.T) {
	for _, test := range []struct {
		name          string
		run           wire.Run
		width, height int
	}{
		{"chain", chain(), 80, 24},
		{"chain-narrow", chain(), 34, 24},
		{"chain-low", chain(), 80, 6},
		{"chain-ended", func() wire.Run { r := chain(); r.Status, r.Ended = "FAILED", ago(0); return r }(), 80, 24},
		{"fan", fan(100), 80, 12},
		{"fan-fits", fan(10), 80, 12},
		{"fan-tiny", fan(100), 20, 3},
		{"strange", strange(), 60, 24},
	} {
		var got strings.Builder
		for _, r := range frame(test.run, noon, test.width, test.height) {
			got.WriteString(r.text + "\n")
		}
		file := filepath.Join("testdata", "frames", test.name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got.String() != string(want) {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", test.name, err, got.String(), want)
		}
	}
}

// A frame that does not fit would scroll, and could not be drawn over.
func TestFrameFitsTheTerminal(t *testing.T) {
	for _, r := range []wire.Run{chain(), fan(100), fan(5), strange(), {Run: "k3v9x0q2m7ab", Status: "PENDING"}} {
		for width := 1; width < 100; width += 7 {
			for height := 1; height < 40; height++ {
				rows := frame(r, noon, width, height)
				if len(rows) > max(height-1, 2) || height > 2 && len(rows) > height-1 {
					t.Fatalf("%d rows for a height of %d", len(rows), height)
				}
				for _, row := range rows {
					if n := cells(row.text); n > width || row.text[row.at:row.at+len(row.status)] != row.status {
						t.Fatalf("%q has %d cells for a width of %d", row.text, n, width)
					}
				}
			}
		}
	}
}

func TestEveryTaskIsShownOrCounted(t *testing.T) {
	rows := frame(fan(100), noon, 200, 12)
	last := rows[len(rows)-1].text
	var more, sum, n int
	if _, err := fmt.Sscanf(last, "  and %d more:", &more); err != nil {
		t.Fatal(err, last)
	}
	for _, part := range strings.Split(last[strings.Index(last, ":")+1:], ",") {
		if _, err := fmt.Sscan(part, &n); err != nil {
			t.Fatal(err, part)
		}
		sum += n
	}
	if more != sum || len(rows)-2+more != 100 {
		t.Errorf("%d rows and %q", len(rows), last)
	}
}

func TestElapsedTimeIsShortAndNeverNegative(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0.0s", 0: "0.0s", 1990 * time.Millisecond: "1.9s", 9999 * time.Millisecond: "9.9s", 10 * time.Second: "10s",
		59*time.Second + 999*time.Millisecond: "59s", time.Minute: "1m00s", 754 * time.Second: "12m34s", time.Hour: "1h00m", 30*time.Hour + time.Minute: "30h01m",
	} {
		if got := elapsed(ago(d), nil, noon); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
	if got := elapsed(nil, nil, noon); got != "" {
		t.Errorf("what has not begun took %s", got)
	}
}
