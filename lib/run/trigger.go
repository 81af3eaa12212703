package run

import (
	"fmt"

	"github.com/cdktr/cdktr/lib/workflow"
)

func (m *Machine) trigger(c Trigger) {
	created := &Created{Definition: c.Workflow, Params: c.Params, Defaults: c.Defaults, Key: c.Key, Source: c.Source, Slot: c.Slot.exact()}
	name := c.Name
	if c.Workflow != nil {
		name = c.Workflow.ID
	}
	if c.Key != "" {
		m.keys.expireOf(name, m.wall)
		if k, ok := m.keys.find(name, c.Key); ok {
			if k.params != digest(created.Given()) {
				m.refuse(c.Token, Conflict, fmt.Sprintf("key %q was used for run %s with other parameters", c.Key, k.run))
				return
			}
			if c.Token != 0 {
				m.effect(Triggered{Token: c.Token, Run: k.run, Existing: true})
			}
			return
		}
	}
	if c.Workflow == nil {
		m.refuse(c.Token, c.Otherwise.Code, c.Otherwise.Message)
		return
	}
	if m.runs[c.Run] != nil {
		m.refuse(c.Token, Conflict, fmt.Sprintf("run id %s is in use", c.Run))
		return
	}
	if c.scheduled() {
		if why := m.undue(name, c.Slot); why != "" {
			m.pass(c.Token, why)
			return
		}
	}
	active := m.inTheWay(c.Workflow)
	if active != nil && c.Workflow.Overlap == workflow.OverlapSkip {
		m.skip(c, skipped(c.Workflow, active))
		return
	}
	if m.keys.size == 0 {
		m.sweep = m.mono + sweepEvery
	}
	m.emit(nil, nil, Event{
		Kind:     RunCreated,
		Run:      c.Run,
		Workflow: name,
		Status:   Pending,
		Created:  created,
	})
	if c.Token != 0 {
		m.effect(Triggered{Token: c.Token, Run: c.Run})
	}
	r := m.runs[c.Run]
	if active != nil {
		m.holdBack(r, active, nil)
		m.replace(r)
	}
	m.settle(r)
}
