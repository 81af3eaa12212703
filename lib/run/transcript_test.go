package run

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the machine did into the transcripts")

// Each file of testdata is a story: comments, commands, ---- and what came of
// them. The machine must tell it the same way, and a replay at the end of the
// story must give the machine that is there.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(old))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(old) {
				t.Errorf("%s tells it differently:\n%s", file, firstDifference(string(old), got))
			}
		})
	}
}

// tell runs a transcript and returns it with the machine's own answers.
func tell(t *testing.T, text string) string {
	w := newWorld(t)
	var b strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		input, _, _ := strings.Cut(block+"\n", "----\n")
		w.out = nil
		commands := false
		for _, l := range strings.Split(strings.TrimSpace(input), "\n") {
			b.WriteString(l + "\n")
			if !strings.HasPrefix(l, "#") {
				commands = true
				w.do(l)
			}
		}
		if commands {
			b.WriteString("----\n")
			for _, l := range w.out {
				b.WriteString(l + "\n")
			}
		}
	}
	w.restart()
	return b.String()
}

func firstDifference(want, got string) string {
	ws, gs := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range gs {
		if i >= len(ws) || ws[i] != gs[i] {
			from := max(0, i-4)
			return "want\n  " + strings.Join(ws[from:min(len(ws), i+3)], "\n  ") + "\ngot\n  " + strings.Join(gs[from:min(len(gs), i+3)], "\n  ")
		}
	}
	return "the transcript goes on: " + ws[len(gs)]
}
