package timeline

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// state is a task's state in a few cells, and its role.
func (g *Glyphs) state(t *Task) (string, Role) {
	tries := ""
	if n := len(t.Attempts); n > 1 {
		tries = " " + g.Times + strconv.Itoa(n)
	}
	switch t.Status {
	case "COMPLETED":
		return g.ok + " ok" + tries, Good
	case "FAILED":
		return g.failed + " " + t.failure() + tries, Bad
	case "CRASHED":
		return g.crashed + " lost" + tries, Bad
	case "SKIPPED":
		return g.skip + " skip", Off
	case "CANCELLED":
		return g.cancel + " cancel", Off
	case "RUNNING":
		return g.run + " run" + tries, Busy
	case "WAITING":
		return g.retry + " retry" + tries, Idle
	}
	if !t.Ready.IsZero() {
		return g.queue + " queue" + tries, Idle
	}
	return g.wait + " wait" + tries, Idle
}

// failure is why a task failed in a word: its exit code, as a rule.
func (t *Task) failure() string {
	if code, ok := t.exit(); ok {
		return strconv.Itoa(code)
	}
	if strings.HasPrefix(t.Reason, "timeout") {
		return "time"
	}
	return "fail"
}

func (t *Task) exit() (int, bool) {
	if strings.HasPrefix(t.Reason, "timeout") {
		return 0, false
	}
	if t.ExitCode != nil {
		return *t.ExitCode, true
	}
	if text, ok := strings.CutPrefix(t.Reason, "exit "); ok {
		code, err := strconv.Atoi(text)
		return code, err == nil
	}
	if text, ok := strings.CutPrefix(t.Reason, "killed by signal "); ok {
		code, err := strconv.Atoi(text)
		return 128 + code, err == nil
	}
	return 0, false
}

// note is what stands beside the bar.
func (g *Glyphs) note(t *Task, critical bool) string {
	var text string
	switch t.Status {
	case "COMPLETED", "RUNNING":
	case "FAILED", "CRASHED":
		text = g.Arrow + " " + t.Reason
		if t.Reason == "" {
			text = g.Arrow + " " + strings.ToLower(t.Status)
		}
	default:
		text = t.Reason
	}
	if critical {
		text = strings.TrimPrefix(text+" (critical)", " ")
	}
	return text
}

// Duration writes a time in at most six cells: 120ms, 58s, 4m02s, 3h07m, 12d04h.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	case d < 100*24*time.Hour:
		return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
