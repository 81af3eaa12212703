package ui

import (
	"strings"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/suggest"
)

// palette takes a command by its name. Tab completes it, and the candidates are
// shown while it is written.
type palette struct {
	a     *app
	input textinput.Model
	at    int // the candidate that tab takes, of those that fit
}

func newPalette(a *app) *palette {
	p := &palette{a: a, input: newInput()}
	p.input.Focus()
	return p
}

// order is a command of the palette.
type order struct {
	name string
	args func() []string // what its argument may be; nil: it has none
	does string
	do   func(arg string) tea.Cmd
}

func (a *app) orders() []order {
	w := a.k.world
	workflows := func() []string {
		var ids []string
		for i := range w.workflows {
			ids = append(ids, w.workflows[i].Workflow)
		}
		return ids
	}
	runs := func() []string {
		var ids []string
		for i := len(w.runs) - 1; i >= 0 && len(ids) < 500; i-- {
			ids = append(ids, w.runs[i].Run.Run)
		}
		return ids
	}
	principals := func() []string {
		var names []string
		for _, p := range a.k.known {
			names = append(names, p.Name)
		}
		return names
	}
	all := []order{}
	for t := tabRuns; t < tabs; t++ {
		all = append(all, order{strings.ToLower(t.String()), nil, "go to " + t.String(), func(string) tea.Cmd { return a.show(t) }})
	}
	return append(all,
		order{"run", workflows, "run a workflow", func(id string) tea.Cmd { return send(openForm{id}) }},
		order{"workflow", workflows, "show a workflow's definition", func(id string) tea.Cmd { return send(openWorkflow{id}) }},
		order{"open", runs, "show a run", func(id string) tea.Cmd { return send(openRun{run: id}) }},
		order{"retry", runs, "retry a run", func(id string) tea.Cmd { return a.k.askRetry(id) }},
		order{"cancel", runs, "cancel a run", func(id string) tea.Cmd { return a.k.askCancel(id) }},
		order{"principal", principals, "change the principal", func(name string) tea.Cmd { return send(connect{name}) }},
		order{"mouse", nil, "turn the mouse on or off", func(string) tea.Cmd { return a.switchMouse() }},
		order{"help", nil, "all keys", func(string) tea.Cmd { a.over = newHelp(a); return nil }},
		order{"quit", nil, "quit", func(string) tea.Cmd { return tea.Quit }},
		order{"q", nil, "quit", func(string) tea.Cmd { return tea.Quit }},
	)
}

func (p *palette) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "esc":
		return nil, true
	case "backspace":
		if p.input.Value() == "" {
			return nil, true
		}
	case "enter":
		p.a.over = nil
		return p.do(), true
	case "tab", "right":
		if c := p.candidates(); len(c) > 0 && (msg.String() == "tab" || p.input.Position() == len([]rune(p.input.Value()))) {
			p.input.SetValue(c[min(p.at, len(c)-1)])
			p.input.CursorEnd()
			p.at = 0
			return nil, false
		}
	case "down", "ctrl+n":
		p.at = max(0, min(p.at+1, len(p.candidates())-1))
		return nil, false
	case "up", "ctrl+p", "shift+tab":
		p.at = max(0, p.at-1)
		return nil, false
	}
	p.input, _ = p.input.Update(msg)
	p.at = 0
	return nil, false
}

// do does what is written. A beginning of a command that fits only one is
// enough; so is one of an argument.
func (p *palette) do() tea.Cmd {
	name, arg, _ := strings.Cut(strings.TrimSpace(p.input.Value()), " ")
	arg = strings.TrimSpace(arg)
	if name == "" {
		return nil
	}
	var found []order
	var names, withNames []string
	for _, o := range p.a.orders() {
		if o.args != nil {
			withNames = append(withNames, o.name)
		}
	}
	for _, o := range p.a.orders() {
		if o.name == name {
			found = []order{o}
			break
		}
		if strings.HasPrefix(o.name, name) {
			found = append(found, o)
		}
		names = append(names, o.name)
	}
	switch {
	case len(found) == 0:
		return toast(bad, "no command "+name+suggest.Hint(name, names))
	case len(found) > 1:
		return toast(bad, name+" may be several commands: press tab to choose")
	}
	o := found[0]
	switch {
	case o.args == nil && arg != "":
		return toast(bad, o.name+" takes no name"+suggest.Hint(o.name, withNames))
	case o.args == nil:
		return o.do("")
	case arg == "":
		return toast(bad, o.name+" what? write "+o.name+" and a name; tab completes it")
	}
	return o.do(arg)
}

// candidates are whole lines that what is written may become.
func (p *palette) candidates() []string {
	name, arg, second := strings.Cut(strings.TrimLeft(p.input.Value(), " "), " ")
	var out []string
	for _, o := range p.a.orders() {
		switch {
		case !second && strings.HasPrefix(o.name, name) && o.name != "q":
			line := o.name
			if o.args != nil {
				line += " "
			}
			out = append(out, line)
		case second && o.name == name && o.args != nil:
			var inside []string
			for _, c := range o.args() {
				switch {
				case strings.HasPrefix(c, arg):
					out = append(out, o.name+" "+c)
				case strings.Contains(c, arg):
					inside = append(inside, o.name+" "+c)
				}
			}
			out = append(out, inside...)
		}
	}
	return out
}

const candidateLines = 8

// draw shows the line at the bottom, and the candidates above it.
func (p *palette) draw(lines []string, w int) []string {
	k := p.a.k
	all := p.candidates()
	p.at = max(0, min(p.at, len(all)-1))
	n := min(len(all), candidateLines, len(lines)-3)
	top := max(0, min(p.at-n/2, len(all)-n))
	y := len(lines) - 1 - n
	for i := range n {
		c := all[top+i]
		look, mark := k.style.dim, " "
		if top+i == p.at {
			look, mark = k.style.selected, k.glyph.cursor
		}
		lines[y+i] = look.paint(k.pad(" "+mark+clean(c), w))
	}
	hint := k.style.dim.paint("tab completes  " + k.glyph.enter + " does it  esc leaves ")
	left := " " + k.style.key.paint(":") + k.typed(&p.input, max(1, w-width(hint)-4))
	lines[len(lines)-1] = k.pad(k.row(left, hint, w), w)
	return lines
}
