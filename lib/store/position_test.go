package store

import "testing"

func TestDurableStaysBelowWhatIsUnderWay(t *testing.T) {
	p := positions{next: 1}
	lines := p.take(lineWriter, 100)
	events := p.take(eventWriter, 2)
	if lines != 1 || events != 101 || p.durable() != 0 {
		t.Fatal(lines, events, p.durable())
	}
	p.done(eventWriter)
	if p.durable() != 0 {
		t.Errorf("durable is %d while a batch from 1 on is under way", p.durable())
	}
	p.take(eventWriter, 1)
	p.done(lineWriter)
	if p.durable() != 102 {
		t.Errorf("durable is %d, want 102", p.durable())
	}
	p.done(eventWriter)
	if p.durable() != 103 {
		t.Errorf("durable is %d, want 103", p.durable())
	}
}

// What a crash takes back was not told: its positions are given out again.
func TestEventsAreNotDecidedUpToLinesThatAreUnderWay(t *testing.T) {
	p := positions{next: 1}
	for n, step := range []struct {
		do            func()
		decided, next int64
	}{
		{func() { p.take(lineWriter, 100) }, 0, 101},
		{func() { p.take(eventWriter, 2) }, 0, 103},
		{func() { p.done(eventWriter) }, 102, 103},
		{func() { p.take(eventWriter, 1) }, 102, 104},
		{func() { p.done(lineWriter) }, 102, 104},
		{func() { p.take(lineWriter, 10) }, 102, 114},
		{func() { p.done(eventWriter) }, 103, 114},
		{func() { p.done(lineWriter) }, 113, 114},
	} {
		if step.do(); p.decided() != step.decided || p.next != step.next {
			t.Errorf("step %d: events are decided up to %d, want %d; the next position is %d", n, p.decided(), step.decided, p.next)
		}
	}
}
