package ui

// glyphs are the characters that are not letters. Each is one cell wide.
type glyphs struct {
	running, queued, ok, failed, cancelled, lost, skipped, waiting, pending string

	on, off, ask string // connection: there, away, not known yet
	live         string
	cursor       string // of the selected row
	more         string // text was cut off here
	crumb        string
	none         string // there is no value
	full, empty  string // of a small bar
	todo         string // of a small bar that will not go on
	enter        string
	dot          string
	critical     string    // marks what the length of a run depends on
	tree         [4]string // ─ │ ├ └
	arrow        string

	top, bottom, side       string // of a box
	topLeft, topRight       string
	bottomLeft, bottomRight string
	barQueued, barRunning   string // of the timeline
	barFailed, barBackoff   string
}

func newGlyphs(ascii bool) glyphs {
	if ascii {
		return glyphs{
			running: ">", queued: "~", ok: "+", failed: "x", cancelled: "/", lost: "!", skipped: "-", waiting: ".", pending: ".",
			on: "*", off: "o", ask: "o", live: "~", cursor: ">", more: ">", crumb: ">", none: "-",
			full: "#", empty: ".", todo: ".", enter: "enter:", dot: "-", critical: "!", tree: [4]string{"-", "|", "|", "`"}, arrow: "<-",
			top: "-", bottom: "-", side: "|", topLeft: "+", topRight: "+", bottomLeft: "+", bottomRight: "+",
			barQueued: ":", barRunning: "#", barFailed: "x", barBackoff: "%",
		}
	}
	return glyphs{
		running: "▶", queued: "⧗", ok: "✓", failed: "✗", cancelled: "⊘", lost: "!", skipped: "⊘", waiting: "·", pending: "·",
		on: "●", off: "○", ask: "○", live: "⟳", cursor: "▸", more: "…", crumb: "›", none: "—",
		full: "▓", empty: "░", todo: "·", enter: "↵", dot: "·", critical: "◆", tree: [4]string{"─", "│", "├", "└"}, arrow: "←",
		top: "─", bottom: "─", side: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└", bottomRight: "┘",
		barQueued: "░", barRunning: "█", barFailed: "x", barBackoff: "▒",
	}
}
