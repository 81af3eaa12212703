package run

import (
	"sort"
	"strings"
)

// puppet is an agent. An obedient one pulls again after each answer, and
// renews while time passes.
type puppet struct {
	name     string
	ref      AgentRef
	slots    int
	obedient bool
	seq      int64
	token    Token
	held     []Held
	labels   map[string]string
}

// puppet finds or makes the agent that a line names, as the line wants it.
func (w *world) puppet(l line) *puppet {
	name := l.words[0]
	p := w.agents[name]
	if p == nil {
		p = &puppet{name: name, ref: AgentRef{ID: name, Incarnation: 1}, slots: 1}
		w.agents[name] = p
	}
	if id := l.named["id"]; id != "" {
		p.ref.ID = id
	}
	p.ref.Incarnation = l.number("inc", p.ref.Incarnation)
	p.slots = int(l.number("slots", int64(p.slots)))
	if _, ok := l.named["labels"]; ok {
		p.labels = l.pairs("labels")
	}
	if held, ok := l.named["held"]; ok {
		p.held = nil
		for _, h := range strings.Split(held, ",") {
			if h == "" {
				continue
			}
			id, state, _ := strings.Cut(h, ":")
			p.held = append(p.held, Held{AttemptID: parseAttempt(id), State: map[string]HeldState{"": HeldRunning, "stopping": HeldStopping, "done": HeldDone}[state]})
		}
	}
	return p
}

func (w *world) puppetForget(p *puppet, id AttemptID) {
	for i, h := range p.held {
		if h.AttemptID == id {
			p.held = append(p.held[:i:i], p.held[i+1:]...)
			return
		}
	}
}

func (w *world) hello(p *puppet) {
	token := w.next()
	w.tokens[token] = p
	w.apply(Hello{Token: token, Agent: p.ref, Name: p.name, Slots: p.slots, Labels: p.labels, Held: p.held})
}

func (w *world) pull(p *puppet) {
	p.token = w.next()
	w.tokens[p.token] = p
	w.apply(Pull{Token: p.token, Agent: p.ref, Seq: p.seq, Held: p.held})
}

func (w *world) puppets() []string {
	var ns []string
	for n := range w.agents {
		ns = append(ns, n)
	}
	sort.Strings(ns)
	return ns
}
