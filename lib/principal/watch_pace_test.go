package principal

import (
	"fmt"
	"testing"
	"time"
)

func TestPaceOfLooks(t *testing.T) {
	begin := time.Now()
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	ms := func(d time.Duration) int { return int(d / time.Millisecond) }
	var p pace
	if got := p.wait(at(0)); got != time.Hour {
		t.Errorf("with nothing to do it waits %v", got)
	}
	for i := range 20 { // a burst, 20 ms apart
		p.news(at(20 * i))
		if got, want := ms(p.wait(at(20*i))), max(0, min(30, 200-20*i)); got != want {
			t.Errorf("at %d ms it waits %d, want %d", 20*i, got, want)
		}
	}
	if p.calm(at(500)) || !p.calm(at(380+150)) {
		t.Error("calm is 150 ms after the last change")
	}
	p.looked(at(400), leftover{missing: true})
	if got := ms(p.wait(at(400))); got != 130 {
		t.Errorf("looks for what is missing after %d", got)
	}
	for i := range 100 {
		p.news(at(1000 + 10*i))
	}
	if p.calm(at(1999)) || !p.calm(at(2000)) {
		t.Error("unrest without end is calm after a second")
	}
	var pauses []int
	for range 7 {
		p.looked(at(5000), leftover{busy: true})
		pauses = append(pauses, ms(p.wait(at(5000))))
	}
	if fmt.Sprint(pauses) != "[25 50 100 200 400 500 500]" {
		t.Errorf("looks at a busy file after %v", pauses)
	}
	p.looked(at(6000), leftover{gone: true})
	if got := ms(p.wait(at(6000))); got != 500 {
		t.Errorf("looks for the directory after %d", got)
	}
	p.looked(at(7000), leftover{missing: true})
	if got := ms(p.wait(at(7000))); p.calm(at(7599)) || got != 600 {
		t.Errorf("what was in a directory that is back is missed after %d", got)
	}
}
