package ui

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cdktr/cdktr/lib/ui/logpane"
	"github.com/cdktr/cdktr/lib/wire"
)

// followLines brings the lines after q.After, for as long as they are wanted,
// also from a principal that was away for long.
func followLines(k *kit, q wire.LogsQuery) *stream[wire.LogRecord] {
	return follow(k, func(ctx context.Context, p Principal, put func(...wire.LogRecord) error) error {
		for {
			err := p.FollowLogs(ctx, q, func(page wire.Logs) error {
				q.After = max(q.After, page.Pos)
				return put(records(page.Records)...)
			})
			if ctx.Err() != nil {
				return err
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// records reads lines as they travel. One that cannot be read is left out.
func records(raw []json.RawMessage) []wire.LogRecord {
	out := make([]wire.LogRecord, 0, len(raw))
	for _, text := range raw {
		var r wire.LogRecord
		if json.Unmarshal(text, &r) == nil {
			out = append(out, r)
		}
	}
	return out
}

// scrollLines moves a pane, and is false for a key that does not.
func scrollLines(p *logpane.Pane, name string) bool {
	switch name {
	case "j", "down":
		p.Scroll(1)
	case "k", "up":
		p.Scroll(-1)
	case "pgdown", " ", "ctrl+d":
		p.Page(1)
	case "pgup", "ctrl+u":
		p.Page(-1)
	case "g", "home":
		p.Top()
	case "G", "end":
		p.Bottom()
	case "h", "left":
		p.Shift(-10)
	case "l", "right":
		p.Shift(10)
	default:
		return false
	}
	return true
}
