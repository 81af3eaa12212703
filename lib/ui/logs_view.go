package ui

import "github.com/cdktr/cdktr/lib/ui/logpane"

func (s *logsScreen) crumb() string   { return s.name }
func (s *logsScreen) filter() *filter { return nil }

func (s *logsScreen) headline() string { return "" }

func (s *logsScreen) view(w, h int) []string {
	k := s.k
	if s.form != nil {
		head := []string{" " + k.style.dim.paint("Which lines: an empty field is any."), ""}
		return k.box(k.style.strong.paint("Filter the logs"), s.form.view(head, w-2, h-2), w, h, true)
	}
	title := k.style.strong.paint("Logs") + " " + k.glyph.dot + " " + s.pane.Status()
	lines := []string{s.filterLine(w)}
	if s.pane.Len() == 0 {
		return append(lines, k.box(title, s.nothing(w-2, h-3), w, h-1, true)...)
	}
	var body []string
	for _, row := range s.pane.Rows(w-2, h-3) {
		body = append(body, k.paintLine(row))
	}
	return append(lines, k.box(title, body, w, h-1, true)...)
}

// filterLine says what is shown, so that nobody takes a part for the whole.
func (s *logsScreen) filterLine(w int) string {
	k := s.k
	if s.find != nil {
		return k.pad(" "+k.style.key.paint("/")+" "+k.typed(&s.find.input, max(1, w-4)), w)
	}
	text := k.style.dim.paint(clean("all runs, last 24 h"))
	if s.want.on() {
		text = k.style.info.paint(clean(s.want.text()))
		if s.want.since == "" && s.want.run == "" {
			text += k.style.dim.paint("  last 24 h")
		}
	}
	return k.pad(k.row(" "+k.style.key.paint("F")+" "+text, s.liveness()+" ", w), w)
}

func (s *logsScreen) liveness() string {
	k := s.k
	switch {
	case !s.loaded || !k.alive() || s.live == nil:
		return ""
	case !s.pane.Following():
		return k.style.waiting.paint("new lines come below: f follows")
	}
	return k.style.good.paint(k.glyph.live + " following")
}

func (s *logsScreen) nothing(w, h int) []string {
	k := s.k
	switch {
	case s.failed != "" && s.k.alive():
		return k.emptyText(w, h, s.failed, "F changes the filter, esc clears it")
	case !s.loaded:
		lines := k.notYet(false, "the lines")
		return k.empty(w, h, lines...)
	case s.want.until != "":
		return k.empty(w, h, "no lines match", "F changes the filter, esc clears it")
	case s.want.on():
		return k.empty(w, h, "no lines match yet", "they are shown as they come; F changes the filter, esc clears it")
	}
	return k.empty(w, h, "no lines in the last 24 h", "they are shown as they come: press r on a workflow, or `cdktr-run hello`")
}

// paintLine gives a row of a log its looks.
func (k *kit) paintLine(row logpane.Row) string {
	st := &k.style
	looks := [...]style{
		logpane.Plain: "", logpane.Faint: st.dim, logpane.Err: st.bad, logpane.System: st.info, logpane.Bad: st.bad,
		logpane.Note: st.dim, logpane.Match: st.match, logpane.Current: "7",
	}
	line := ""
	for _, span := range row {
		line += looks[span.Role].paint(span.Text)
	}
	return line
}
