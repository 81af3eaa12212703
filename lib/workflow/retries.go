package workflow

import (
	"time"

	"gopkg.in/yaml.v3"
)

const (
	maxRetries   = 1000
	maxBackoff   = 100
	maxPriority  = 1000
	usualDelay   = Duration(time.Second)
	longestDelay = Duration(24 * time.Hour) // where max_delay is not given
)

// retries takes a mapping, or the limit alone.
func (d *decoder) retries(into *Retries) kind {
	limit := d.whole(&into.Limit, 0, maxRetries)
	fields := table{
		needed("limit", "How many attempts may follow the first.", limit),
		key("delay", "How long after the first failure.", d.duration(&into.Delay, 0).usually("1s")),
		key("backoff", "Each further delay is so many times the one before.", d.factor(&into.Backoff, 1, maxBackoff).usually(1)),
		key("max_delay", "But never longer than this.", d.duration(&into.MaxDelay, time.Millisecond).usually("24h")),
	}
	return kind{func(key string, n *yaml.Node) {
		into.Delay = usualDelay
		if n.Kind == yaml.ScalarNode {
			limit.read(key, n)
		} else {
			given := d.record(key, n, fields)
			longest := into.MaxDelay
			if longest == 0 {
				longest = longestDelay
			}
			switch {
			case given != nil && given["limit"] == nil:
				d.errors.At(n, "%s needs limit", key)
			case given["delay"] != nil && into.Delay > longest:
				d.errors.At(given["delay"], "delay is longer than max_delay, which is %s", longest)
			}
		}
		if into.Limit == 0 {
			*into = Retries{}
		}
	}, func() schema { return anyOf(limit.schema(), fields.schema()) }}
}
