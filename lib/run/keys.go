package run

import (
	"crypto/sha256"
	"encoding/binary"
	"sort"
	"time"
)

// hash stands for a key or for parameters, so that a million keys stay small.
type hash [16]byte

// keys remembers which run an idempotency key has made. Per workflow it keeps
// the newest keys up to a limit, and none beyond an age.
type keys struct {
	age    time.Duration
	limit  int
	byWork map[string]*workflowKeys
	size   int
}

type workflowKeys struct {
	found map[hash]keyed
	order []keyTime // oldest first, from head on; may name entries that were replaced
	head  int
}

type keyed struct {
	run    string
	params hash
	time   int64 // Unix, ns
}

type keyTime struct {
	key  hash
	time int64
}

func newKeys(age time.Duration, limit int) keys {
	return keys{age: age, limit: limit, byWork: make(map[string]*workflowKeys)}
}

func (k *keys) find(workflow, key string) (keyed, bool) {
	w := k.byWork[workflow]
	if w == nil {
		return keyed{}, false
	}
	e, ok := w.found[keyHash(workflow, key)]
	return e, ok
}

func (k *keys) add(workflow, key, run string, params hash, at time.Time) {
	w := k.byWork[workflow]
	if w == nil {
		w = &workflowKeys{found: make(map[hash]keyed)}
		k.byWork[workflow] = w
	}
	h, ns := keyHash(workflow, key), at.UnixNano()
	old, had := w.found[h]
	if had && (old.run == run || old.time > ns) {
		return
	}
	if !had {
		k.size++
	}
	w.found[h] = keyed{run: run, params: params, time: ns}
	w.order = append(w.order, keyTime{h, ns})
	for len(w.found) > k.limit {
		k.dropOldest(w)
	}
}

// expire forgets what is too old at the instant now.
func (k *keys) expire(now time.Time) {
	for workflow := range k.byWork {
		k.expireOf(workflow, now)
	}
}

func (k *keys) expireOf(workflow string, now time.Time) {
	w := k.byWork[workflow]
	if w == nil {
		return
	}
	before := now.Add(-k.age).UnixNano()
	for w.head < len(w.order) && w.order[w.head].time <= before {
		k.dropOldest(w)
	}
	if len(w.found) == 0 {
		delete(k.byWork, workflow)
	}
}

func (k *keys) dropOldest(w *workflowKeys) {
	o := w.order[w.head]
	w.head++
	if e, ok := w.found[o.key]; ok && e.time == o.time {
		delete(w.found, o.key)
		k.size--
	}
	if w.head > 1024 && w.head > len(w.order)/2 {
		w.order = append([]keyTime(nil), w.order[w.head:]...)
		w.head = 0
	}
}

// sort puts keys that a replay brought out of order into the order of time.
func (k *keys) sort() {
	for _, w := range k.byWork {
		rest := w.order[w.head:]
		sort.SliceStable(rest, func(i, j int) bool { return rest[i].time < rest[j].time })
	}
}

func keyHash(workflow, key string) hash {
	var room [256]byte
	return sum(part(part(room[:0], workflow), key))
}

// digest stands for parameters: equal for equal ones, whatever their order.
func digest(params map[string]string) hash {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	var room [512]byte
	b := room[:0]
	for _, name := range names {
		b = part(part(b, name), params[name])
	}
	return sum(b)
}

// part writes s after its length, so that no two lists look alike.
func part(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func sum(b []byte) hash {
	s := sha256.Sum256(b)
	return hash(s[:16])
}
