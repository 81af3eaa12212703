package timeline

// Glyphs are the characters of a drawing: each is one cell.
type Glyphs struct {
	Dot, Fold, Cross, Cursor             string
	lines                                [16]string // by up, down, left, right
	Queued, Running, Fail, Lost, Backoff string
	Break, Before, After                 string // time that is left out; more at the left, at the right
	Arrow, More, None                    string
	ok, failed, run, wait, queue, retry  string
	skip, cancel, crashed, Times         string
}

// Unicode is for every terminal with UTF-8.
func Unicode() *Glyphs {
	return &Glyphs{
		Dot: "●", Fold: "…", Cross: "│", Cursor: "▸",
		lines: [16]string{
			up | down: "│", left | right: "─", up | right: "└", up | left: "┘", down | left: "┐", down | right: "┌",
			up | down | right: "├", up | down | left: "┤", up | left | right: "┴", down | left | right: "┬", up | down | left | right: "┼",
		},
		Queued: "░", Running: "█", Fail: "x", Lost: "!", Backoff: "▒",
		Break: "┊", Before: "‹", After: "›",
		Arrow: "←", More: "…", None: "—",
		ok: "✓", failed: "✗", run: "▶", wait: "·", queue: "⧗", retry: "↻", skip: "⊘", cancel: "⊘", crashed: "!", Times: "×",
	}
}

// ASCII is for all others.
func ASCII() *Glyphs {
	return &Glyphs{
		Dot: "*", Fold: "~", Cross: "|", Cursor: ">",
		lines: [16]string{
			up | down: "|", left | right: "-", up | right: "`", up | left: "'", down | left: ".", down | right: ".",
			up | down | right: "+", up | down | left: "+", up | left | right: "+", down | left | right: "+", up | down | left | right: "+",
		},
		Queued: ".", Running: "#", Fail: "x", Lost: "!", Backoff: "~",
		Break: ":", Before: "<", After: ">",
		Arrow: "<-", More: "~", None: "-",
		ok: "+", failed: "X", run: ">", wait: ".", queue: "=", retry: "@", skip: "/", cancel: "/", crashed: "!", Times: "x",
	}
}

// text is the row of a gutter.
func (g *Glyphs) gutter(row []cell) string {
	var b []byte
	for _, c := range row {
		switch {
		case c&dot != 0:
			b = append(b, g.Dot...)
		case c&fold != 0:
			b = append(b, g.Fold...)
		case c == 0:
			b = append(b, ' ')
		default:
			b = append(b, g.lines[c]...)
		}
	}
	return string(b)
}
