package principal

import (
	"reflect"
	"testing"
	"time"
)

func TestTimersFireWhenDueAndInOrder(t *testing.T) {
	var fired []int
	var ts timers
	if _, ok := ts.next(); ok {
		t.Error("an empty heap has something due")
	}
	for _, n := range []int{3, 1, 2, 5} {
		ts.at(time.Duration(n)*time.Second, func() {
			fired = append(fired, n)
			if n == 2 { // a timer may set another, due at once
				ts.at(0, func() { fired = append(fired, 0) })
			}
		})
	}
	ts.fire(3 * time.Second)
	if !reflect.DeepEqual(fired, []int{1, 2, 0, 3}) {
		t.Errorf("fired %v", fired)
	}
	if due, ok := ts.next(); !ok || due != 5*time.Second {
		t.Errorf("next is %v, %v", due, ok)
	}
}
