package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// page is text over the screen, to be read and put away.
type page struct {
	k     *kit
	title string
	lines []string // clean, they may be styled
	top   int
	room  int
}

func (p *page) key(msg tea.KeyMsg) (tea.Cmd, bool) {
	end := max(0, len(p.lines)-p.room)
	switch msg.String() {
	case "j", "down":
		p.top++
	case "k", "up":
		p.top--
	case "pgdown", " ":
		p.top += p.room
	case "pgup":
		p.top -= p.room
	default:
		return nil, true
	}
	p.top = max(0, min(p.top, end))
	return nil, false
}

func (p *page) draw(lines []string, w int) []string {
	inner := width(p.title) + 6
	for _, l := range p.lines {
		inner = max(inner, width(l)+4)
	}
	inner = max(24, min(inner, w-4))
	p.room = max(1, min(len(p.lines), len(lines)-7))
	p.top = max(0, min(p.top, len(p.lines)-p.room))
	block := []string{""}
	for _, l := range p.lines[p.top : p.top+p.room] {
		block = append(block, "  "+p.k.pad(l, inner-4))
	}
	hint := "any key closes this"
	if len(p.lines) > p.room {
		hint = "j/k: more; any other key closes this"
	}
	block = append(block, "", "  "+p.k.style.dim.paint(hint))
	return p.k.overlay(lines, p.k.box(p.k.style.strong.paint(p.title), block, inner+2, len(block)+2, true), w)
}

// newRunPage is all that is known of a run.
func newRunPage(k *kit, row *runRow) *page {
	p := &page{k: k, title: "Run " + clean(row.Run.Run)}
	say := func(name, value string) {
		p.lines = append(p.lines, k.style.dim.paint(k.pad(name, 10))+clean(value))
	}
	at := func(t *wire.Time) string {
		if t == nil {
			return k.glyph.none
		}
		return t.In(k.zone).Format("2006-01-02 15:04:05.000 Z07:00")
	}
	say("workflow", row.Workflow)
	say("status", row.Status)
	say("trigger", row.Trigger)
	say("created", at(row.Created))
	say("started", at(row.Started))
	say("ended", at(row.Ended))
	if row.Started != nil && row.Ended != nil {
		say("took", row.Ended.Sub(row.Started.Time).String())
	}
	if row.sum.total > 0 {
		say("tasks", fmt.Sprintf("%d of %d done, %d failed", row.sum.done, row.sum.total, row.sum.failed))
	}
	names := make([]string, 0, len(row.Params))
	for name := range row.Params {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		label := ""
		if i == 0 {
			label = "params"
		}
		say(label, name+"="+strings.ReplaceAll(row.Params[name], "\n", " "))
	}
	d := k.world.detail(row.Run.Run)
	if d == nil {
		return p
	}
	for i := range d.Tasks {
		t := &d.Tasks[i]
		if reason := reasonOf(t); reason != "" {
			st := k.taskState(t)
			p.lines = append(p.lines, st.look.paint(st.glyph)+" "+clean(t.Task)+k.style.dim.paint(": "+clean(reason)))
		}
	}
	return p
}
