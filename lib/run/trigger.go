package run

import "fmt"

func (m *Machine) trigger(c Trigger) {
	created := &Created{Definition: c.Workflow, Params: c.Params, Defaults: c.Defaults, Key: c.Key, Source: c.Source}
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
	m.settle(m.runs[c.Run])
}
