package ui

func (s *formScreen) view(w, h int) []string {
	k := s.k
	title := "Run " + k.style.strong.paint(clean(s.id))
	if s.def == nil {
		return k.box(title, s.waiting(w-2, h-2), w, h, true)
	}
	var head []string
	head = append(head, " "+k.style.dim.paint(clean(s.intro())))
	switch {
	case s.wrong != "":
		for i, part := range wrap(clean(s.wrong), w-6) {
			mark := "   "
			if i == 0 {
				mark = " " + k.style.bad.paint(k.glyph.failed) + " "
			}
			head = append(head, mark+k.style.bad.paint(part))
		}
	case s.sent:
		head = append(head, " "+k.style.busy.paint("asking for the run"))
	}
	head = append(head, "")
	return k.box(title, s.fields.view(head, w-2, h-2), w, h, true)
}

// intro says what the fields are.
func (s *formScreen) intro() string {
	switch {
	case s.def.Params == nil:
		return "The workflow declares no parameters: any NAME=VALUE is taken, or none."
	case len(s.def.Params) == 0:
		return "The workflow takes no parameters: " + s.k.glyph.enter + " runs it."
	case s.def.Description != "":
		return s.def.Description
	}
	return "Parameters, with their defaults."
}

func (s *formScreen) waiting(w, h int) []string {
	switch {
	case s.failed != "":
		return s.k.emptyText(w, h, append([]string{s.failed}, s.k.loadErrors(s.id)...)...)
	case !s.k.alive():
		return s.k.empty(w, h, "the principal is away", "the form is shown as soon as it is back")
	}
	return s.k.empty(w, h, "reading the parameters of "+s.id)
}

// mended tells that a workflow is there, without load errors.
func (k *kit) mended(id string) bool {
	f := k.world.workflow(id)
	return f != nil && len(f.Errors) == 0
}

// loadErrors are those of a workflow, as text.
func (k *kit) loadErrors(id string) []string {
	var lines []string
	if f := k.world.workflow(id); f != nil {
		for i := range f.Errors {
			lines = append(lines, problemText(&f.Errors[i]))
		}
	}
	return append(lines, "q goes back")
}
