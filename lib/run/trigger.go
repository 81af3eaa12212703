package run

import "fmt"

func (m *Machine) trigger(c Trigger) {
	if c.Key != "" {
		m.keys.expireOf(c.Workflow.ID, m.wall)
		if k, ok := m.keys.find(c.Workflow.ID, c.Key); ok {
			if k.params != digest(c.Params) {
				m.refuse(c.Token, Conflict, fmt.Sprintf("key %q was used for run %s with other parameters", c.Key, k.run))
				return
			}
			if c.Token != 0 {
				m.effect(Triggered{Token: c.Token, Run: k.run, Existing: true})
			}
			return
		}
	}
	if m.runs[c.Run] != nil {
		m.refuse(c.Token, Conflict, fmt.Sprintf("run id %s is in use", c.Run))
		return
	}
	if m.keys.size == 0 {
		m.sweep = m.mono + sweepEvery
	}
	m.emit(nil, nil, Event{
		Kind:     RunCreated,
		Run:      c.Run,
		Workflow: c.Workflow.ID,
		Status:   Pending,
		Created:  &Created{Definition: c.Workflow, Params: c.Params, Key: c.Key, Source: c.Source},
	})
	if c.Token != 0 {
		m.effect(Triggered{Token: c.Token, Run: c.Run})
	}
	m.settle(m.runs[c.Run])
}
