package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/key"
)

// The smallest window that has room for something useful.
const (
	leastWidth  = 60
	leastHeight = 15
)

// View is the whole frame: exactly as many lines as the window has, each exactly
// as wide.
func (a *app) View() string {
	if a.w == 0 || a.h == 0 {
		return ""
	}
	if a.w < leastWidth || a.h < leastHeight {
		text := fmt.Sprintf("%dx%d: needs at least %dx%d", a.w, a.h, leastWidth, leastHeight)
		return a.k.pad(text, a.w)
	}
	lines := a.head()
	body := a.k.sheet(a.top().view(a.w, a.bodyHeight()), a.w, a.bodyHeight())
	if a.k.world.link.tried && !a.k.world.link.up {
		for i := range body {
			body[i] = a.k.style.dim.paint(plain(body[i]))
		}
	}
	lines = append(append(lines, body...), a.foot()...)
	if a.over != nil {
		lines = a.over.draw(lines, a.w)
	}
	return strings.Join(a.k.sheet(lines, a.w, a.h), "\n")
}

// above is how many lines are above the body.
func (a *app) above() int { return len(a.head()) }

func (a *app) bodyHeight() int {
	if len(a.stack) > 0 {
		return a.h - 2
	}
	return a.h - 4
}

func (a *app) head() []string {
	if len(a.stack) > 0 {
		return []string{a.crumbs()}
	}
	return []string{a.summary(), a.tabLine()}
}

// part is a piece of a line; the one with the highest drop gives way first.
type part struct {
	text string
	drop int
	far  bool // at the right end
}

// line puts parts side by side, as many as have room, two cells apart.
func (k *kit) line(parts []part, w int) string {
	for {
		var left, right string
		last := -1
		for i, p := range parts {
			if p.text == "" {
				continue
			}
			if p.drop > 0 && (last < 0 || p.drop > parts[last].drop) {
				last = i
			}
			if p.far {
				right += "  " + p.text
			} else {
				left += "  " + p.text
			}
		}
		left = strings.TrimPrefix(left, " ")
		if width(left)+width(right)+1 <= w || last < 0 {
			return k.pad(k.row(left, right+" ", w), w)
		}
		parts[last].text = ""
	}
}

// link is the connection in a word, and the principal's name before it.
func (a *app) link() string {
	k := a.k
	l := &k.world.link
	name := clean(k.session.name)
	if width(name) > 24 {
		name = k.pad(name, 24)
	}
	name = k.style.strong.paint(name) + " "
	now := k.now()
	switch {
	case l.up:
		return name + k.style.good.paint(k.glyph.on+" connected")
	case !l.tried:
		return name + k.style.waiting.paint(k.glyph.ask+" looking for it")
	case l.heard.IsZero():
		return name + k.style.bad.paint(k.glyph.off+" away "+age(now.Sub(l.since)))
	}
	return name + k.style.bad.paint(k.glyph.off+" lost "+age(now.Sub(l.since))) + k.style.dim.paint(", data "+age(now.Sub(l.heard))+" old")
}

func (a *app) summary() string {
	k, w := a.k, a.k.world
	now := k.now()
	var agents, runs, lag string
	if w.link.up {
		lag = k.style.dim.paint("lag " + lagText(w.link.lag))
	}
	if w.known.agents {
		there := 0
		for i := range w.agents {
			if w.agents[i].Status != "LOST" {
				there++
			}
		}
		agents = k.style.dim.paint("agents ") + fmt.Sprintf("%d/%d", there, len(w.agents))
	}
	if w.loaded {
		runs = k.style.dim.paint("runs ")
		for i, c := range []struct {
			status string
			n      int
		}{{"RUNNING", w.counts["RUNNING"]}, {"FAILED", w.failedSince(now.Add(-24 * time.Hour))}, {"PENDING", w.counts["PENDING"]}} {
			if i > 0 {
				runs += " "
			}
			st := k.runState(c.status)
			look := st.look
			if c.n == 0 {
				look = k.style.dim
			}
			runs += look.paint(st.glyph + number(c.n))
		}
	}
	return k.line([]part{
		{text: k.style.brand.paint("cdktr"), drop: 1}, {text: a.link()}, {text: lag, drop: 6}, {text: agents, drop: 4}, {text: runs, drop: 2},
		{text: now.In(k.zone).Format("15:04:05Z07"), drop: 5, far: true}, {text: k.style.key.paint("?") + k.style.dim.paint(":help"), drop: 3, far: true},
	}, a.w)
}

func lagText(d time.Duration) string {
	if d < time.Millisecond {
		return "<1ms"
	}
	return took(d)
}

func (a *app) crumbs() string {
	k := a.k
	sep := k.style.dim.paint(" " + k.glyph.crumb + " ")
	path := sep + a.tabs[a.tab].crumb()
	for i, s := range a.stack {
		name := clean(s.crumb())
		if i == len(a.stack)-1 {
			name = k.style.strong.paint(name)
		}
		path += sep + name
	}
	head := a.top().headline()
	text := a.link() + path
	if room := a.w - width(head) - 12; head != "" && width(text) > room {
		// The way back gives way to what the screen says.
		text = a.link() + sep + k.style.strong.paint(clean(a.top().crumb()))
	}
	return k.line([]part{{text: k.style.brand.paint("cdktr"), drop: 1}, {text: text}, {text: head}}, a.w)
}

func (a *app) tabLine() string {
	k := a.k
	var b strings.Builder
	b.WriteString(" ")
	at := 1
	for t, span := range a.tabSpans(a.w) {
		b.WriteString(spaces(span.from - at))
		at = span.to
		if tab(t) == a.tab {
			b.WriteString(k.style.strong.paint(span.text))
		} else {
			b.WriteString(k.style.dim.paint(span.text))
		}
	}
	live := ""
	if k.world.link.up && k.world.link.live {
		live = k.style.good.paint(k.glyph.live + " live")
	}
	room := a.w - at - width(live) - 5
	filtered := ""
	if f := a.top().filter(); f != nil {
		filtered = f.view(room)
	}
	right := filtered
	if live != "" && filtered != "" {
		right += "   "
	}
	return k.pad(k.row(b.String(), right+live+" ", a.w), a.w)
}

type span struct {
	from, to int
	text     string
}

// tabSpans is where the tabs are. Where a filter needs the room, the names of
// those that are not shown go.
func (a *app) tabSpans(w int) []span {
	f := a.top().filter()
	brief := w < 100 && f != nil && (f.typing || f.on())
	var out []span
	x := 1
	for t := range tabs {
		text := fmt.Sprintf("%d %s", t+1, t)
		switch {
		case t == a.tab:
			text = "[" + text + "]"
		case brief:
			text = fmt.Sprint(int(t) + 1)
		}
		if t > 0 && t-1 != a.tab {
			x++
		}
		if t > 0 {
			x++
		}
		out = append(out, span{x, x + width(text), text})
		x += width(text)
	}
	return out
}

// foot is the message line and the keys; on a screen above a tab there is one
// line for both.
func (a *app) foot() []string {
	k := a.k
	keys := k.footer(a.keys(), a.w)
	if len(a.stack) > 0 {
		if a.said.text != "" && k.now().Sub(a.said.at) < toastTime {
			keys = k.pad(" "+a.message(), a.w)
		}
		return []string{keys}
	}
	right := ""
	if s, ok := a.top().(hinted); ok {
		right = s.hint() + " "
	}
	message := " " + a.message()
	if room := a.w - width(right) - 2; width(message) > room {
		right = ""
	}
	return []string{k.pad(k.row(message, right, a.w), a.w), keys}
}

// footer shows as many keys as have room; the last one is how to go back.
func (k *kit) footer(all []key.Binding, w int) string {
	var parts []string
	var last string
	for _, b := range all {
		text := short(b)
		if text == "" || !b.Enabled() {
			continue
		}
		label := b.Help().Key
		if letters(strings.ToLower(label)) {
			text = ":" + text
		}
		if strings.HasSuffix(label, ":") {
			text = strings.TrimPrefix(text, ":")
		}
		shown := k.style.key.paint(label) + text
		if label == "q" {
			last = shown
			continue
		}
		parts = append(parts, shown)
	}
	used := 2 + width(last)
	var b strings.Builder
	for _, p := range parts {
		if used+1+width(p) > w {
			break
		}
		used += 1 + width(p)
		b.WriteString(" " + p)
	}
	return k.pad(b.String()+" "+last, w)
}
