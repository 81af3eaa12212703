package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cdktr/cdktr/lib/wire"
)

// How much is sent at once, at most: few enough items to be answered within one
// try, on a busy machine too, and a message that every principal takes.
const (
	itemsAtOnce = 2000
	bytesAtOnce = 1 << 20
)

// TriggerBatch asks for many runs, thousands of them in one commit, and returns
// an answer for each, in order: a run, or the error of that item. Where an error
// ends it early the answers are those of the items before; the next ones may
// have a run or not. So an item without a key gets one, in items itself: the
// same call again gives the same runs.
func (c *Client) TriggerBatch(ctx context.Context, items []wire.TriggerItem) ([]wire.Triggered, error) {
	for i := range items {
		if items[i].Key == "" {
			items[i].Key = rand.Text()
		}
	}
	answers := make([]wire.Triggered, 0, len(items))
	for len(answers) < len(items) {
		part := items[len(answers):]
		part = part[:fitting(part)]
		var out wire.Triggered
		err := c.Call(ctx, wire.OpRunTrigger, &wire.Trigger{Batch: part}, &out)
		if refused := (*wire.Error)(nil); len(part) == 1 && errors.As(err, &refused) && refused.Code == wire.TooLarge {
			out.Batch, err = []wire.Triggered{{Error: refused}}, nil // the others may fit
		}
		if err != nil {
			return answers, err
		}
		if len(out.Batch) != len(part) {
			return answers, fmt.Errorf("trigger %d runs: the principal answered %d", len(part), len(out.Batch))
		}
		answers = append(answers, out.Batch...)
	}
	return answers, nil
}

// fitting is how many of the items go into one request: at least one.
func fitting(items []wire.TriggerItem) int {
	size := 0
	for i, item := range items {
		size += 100 + len(item.Workflow) + len(item.Key)
		for name, value := range item.Params {
			size += 10 + len(name) + len(value)
		}
		if i > 0 && (i == itemsAtOnce || size > bytesAtOnce) {
			return i
		}
	}
	return len(items)
}
