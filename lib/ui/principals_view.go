package ui

import (
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func (s *principalsScreen) view(w, h int) []string {
	s.refresh()
	k := s.k
	title := k.style.strong.paint("Principals") + " " + number(len(s.list.names))
	if len(s.list.names) == 0 {
		return k.box(title, k.empty(w-2, h-2, "no principal matches", "esc clears the filter"), w, h, true)
	}
	below := min(8, h/2)
	return append(s.list.show(title, 0, 0, w, h-below, true, s.cells), s.about(w, below)...)
}

// about is what is known of the principal at hand.
func (s *principalsScreen) about(w, h int) []string {
	k := s.k
	name := s.list.current()
	var lines []string
	say := func(what, text string) {
		for _, part := range wrap(clean(text), w-16) {
			lines = append(lines, " "+k.style.dim.paint(k.pad(what, 10))+part)
			what = ""
		}
	}
	if address := s.address(name); address != "" {
		say("address", address)
	}
	status, _, why := s.seen(name)
	switch {
	case status != nil:
		say("runs", number(status.OpenRuns)+" open; tasks: "+number(status.Running)+" running, "+number(status.Ready)+" ready")
		say("workflows", number(status.Workflows)+", "+number(status.Broken)+" broken")
		say("started", status.Started.In(k.zone).Format("2006-01-02 15:04:05")+", version "+status.Version)
	case why != "":
		say("why", why)
	}
	if len(k.known) == 1 {
		lines = append(lines, " "+k.style.dim.paint("Others come from config.yaml; `cdktr-ui --join FILE` writes them there"),
			" "+k.style.dim.paint("from what `cdktr-principal grant` has printed."))
	}
	return k.box(k.style.strong.paint(clean(name)), lines, w, h, false)
}

// seen is what is known of a principal that has answered.
func (s *principalsScreen) seen(name string) (status *wire.PrincipalStatus, lag time.Duration, why string) {
	if name == s.k.session.name {
		l := &s.k.world.link
		if !l.up {
			return nil, 0, l.err
		}
		return &s.k.world.status, l.lag, ""
	}
	h := s.heard[name]
	switch {
	case h == nil:
		return nil, 0, ""
	case h.err != nil:
		return nil, 0, errorText(h.err)
	}
	return &h.status, h.lag, ""
}

func (s *principalsScreen) cells(name string) []cell {
	k := s.k
	st := s.state(name)
	mark, look := "  ", k.style.strong
	if name == k.session.name {
		mark = k.glyph.crumb + " "
	}
	none := cell{text: k.glyph.none, look: k.style.dim}
	cells := []cell{{text: mark + name, look: look}, {text: st.glyph + " " + st.word, look: st.look}, none, none, none, none, none, {}}
	if address := s.address(name); address != "" {
		cells[2] = cell{text: address}
	}
	status, lag, why := s.seen(name)
	cells[7] = cell{text: why, look: k.style.bad}
	if status != nil {
		cells[3] = cell{text: lagText(lag), look: k.style.dim}
		cells[4] = cell{text: number(status.OpenRuns)}
		cells[5] = cell{text: number(status.Agents)}
		cells[6] = cell{text: status.Version, look: k.style.dim}
	}
	return cells
}
