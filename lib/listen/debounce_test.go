package listen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// paced emits one event after the other. Each is written "after 300ms a=1": so
// long after the one before it, an event of the key a, with 1 as its parameter,
// that waits for a second; "now=1" does not wait, and "broken" is none. It ends
// with its context.
type paced []string

func (p paced) Listen(ctx context.Context, emit func([]Event) error) error {
	for i, text := range p {
		if rest, ok := strings.CutPrefix(text, "after "); ok {
			after, what, _ := strings.Cut(rest, " ")
			pause, err := time.ParseDuration(after)
			if err != nil {
				return err
			}
			if sleep(ctx, pause) != nil {
				return nil
			}
			text = what
		}
		key, value, _ := strings.Cut(text, "=")
		e := newEvent(i+1, "ok")
		e.Trigger = wire.TriggerItem{Workflow: "ok", Key: key, Params: wire.Params{"v": value}}
		e.Debounce = time.Second
		switch key {
		case "now":
			e.Debounce, e.Trigger.Key = 0, ""
		case "broken":
			e.Bad = errors.New("broken")
		case "bad":
			e.Trigger.Workflow = "bad"
		}
		if err := emit([]Event{e}); err != nil {
			return err
		}
	}
	return nil
}

// debounced delivers and returns what is told, and when, with the parameter of
// each run.
func debounced(t *testing.T, ctx context.Context, from Listener, events int) (told []string, err error) {
	t.Helper()
	start := time.Now()
	values := map[string]string{}
	p := newPrincipal(0)
	line := int64(0)
	b := &Debouncer{From: from, Events: events, Bytes: 1 << 20, Done: func(batch []Outcome) error {
		for _, o := range batch {
			if line++; o.Line != line {
				t.Errorf("line %d is told as number %d", o.Line, line)
			}
			text := fmt.Sprintf("%d %s", o.Line, values[o.Run])
			if o.Err != nil {
				text = fmt.Sprintf("%d %v", o.Line, o.Err)
			}
			told = append(told, fmt.Sprintf("%s at %v", text, time.Since(start)))
		}
		return nil
	}}
	d := Delivery{Items: 100, Bytes: 1 << 20, Done: b.Told, Send: func(_ context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
		answers := p.serve(items)
		for i, a := range answers {
			if a.Existing {
				t.Errorf("%s was sent under a key that had a run", items[i].Params)
			}
			values[a.Run] = a.Run + "=" + items[i].Params["v"]
		}
		return answers, nil
	}}
	err = d.Run(ctx, b)
	return told, err
}

// numbered puts its number before each line.
func numbered(lines []string) []string {
	for i := range lines {
		lines[i] = fmt.Sprint(i+1, " ", lines[i])
	}
	return lines
}

func TestBurstBecomesOneRunWithTheLastParameters(t *testing.T) {
	for name, c := range map[string]struct {
		events []string
		want   []string
	}{
		"a burst, and one more later": {
			[]string{"a=1", "after 900ms a=2", "after 900ms a=3", "after 1500ms a=4", "after 3s now=5"},
			[]string{"1 run0=3 at 2.8s", "2 run0=3 at 2.8s", "3 run0=3 at 2.8s", "4 run1=4 at 4.3s", "5 run2=5 at 6.3s"},
		},
		"what follows is sent at once, and told in its turn": {
			[]string{"now=0", "a=1", "now=2", "b=3", "after 500ms a=4", "broken", "after 2s now=5"},
			[]string{"1 run0=0 at 0s", "2 run3=4 at 1.5s", "3 run1=2 at 1.5s", "4 run2=3 at 1.5s", "5 run3=4 at 1.5s", "6 broken at 1.5s", "7 run4=5 at 2.5s"},
		},
		"lines without a rest wait no longer than 20 times as long": {
			slices.Concat([]string{"a=0"}, slices.Repeat([]string{"after 900ms a=1"}, 23), []string{"after 900ms a=2"}),
			numbered(append(slices.Repeat([]string{"run0=1 at 20s"}, 23), "run1=2 at 21.6s", "run1=2 at 21.6s")),
		},
		"the end of the source waits for nothing": {
			[]string{"a=1", "b=2", "a=3"},
			[]string{"1 run1=3 at 0s", "2 run0=2 at 0s", "3 run1=3 at 0s"},
		},
		"what is refused is so for all": {
			[]string{"bad=1", "a=2", "bad=3"},
			[]string{"1 not_found at 0s", "2 run0=2 at 0s", "3 not_found at 0s"},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			told, err := debounced(t, t.Context(), paced(c.events), 100)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(told, c.want) {
				t.Errorf("%s:\n told %q\n want %q", name, told, c.want)
			}
		})
	}
}

func TestSignalSendsWhatWaitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer stop()
		told, err := debounced(t, ctx, paced{"a=1", "a=2", "after 1h a=3"}, 100)
		if want := []string{"1 run0=2 at 100ms", "2 run0=2 at 100ms"}; err != nil || !slices.Equal(told, want) {
			t.Errorf("told %q, %v", told, err)
		}
	})
}

// A source that never rests holds no more than there is room for.
func TestWhatWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events paced
		for i := range 1000 {
			events = append(events, fmt.Sprintf("%c=%d", 'a'+i%2, i))
		}
		told, err := debounced(t, t.Context(), events, 100)
		if err != nil || len(told) != 1000 {
			t.Fatalf("%d are told, %v", len(told), err)
		}
		runs := map[string]int{}
		for _, line := range told {
			runs[strings.Fields(line)[1]]++
		}
		for run, lines := range runs {
			if lines > 100 {
				t.Errorf("%s stands for %d lines: more were held than there was room for", run, lines)
			}
		}
		// The oldest key goes first, the other one right after it.
		if len(runs) < 10 || len(runs) > 25 {
			t.Errorf("%d runs of 1,000 lines, with room for 100: %v", len(runs), runs)
		}
	})
}

func TestGivingUpTellsWhatWaitsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("away")
		var told []string
		b := &Debouncer{From: paced{"a=1", "now=2", "b=3", "after 1h a=4"}, Events: 3, Bytes: 1000, Done: func(batch []Outcome) error {
			for _, o := range batch {
				told = append(told, fmt.Sprint(o.Line, " ", o.Err))
			}
			return nil
		}}
		d := Delivery{Items: 1, Bytes: 1000, Done: b.Told, Send: func(context.Context, []wire.TriggerItem) ([]wire.Triggered, error) {
			time.Sleep(100 * time.Millisecond)
			return nil, away
		}}
		err := d.Run(t.Context(), b)
		if want := []string{"1 not sent: away", "2 not known to be accepted: away", "3 not sent: away"}; !errors.Is(err, away) || !slices.Equal(told, want) {
			t.Errorf("told %q, %v", told, err)
		}
	})
}
