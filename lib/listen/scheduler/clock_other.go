//go:build !linux

package scheduler

import "io"

// System is the machine's clock. The caller closes it.
func System() interface {
	Clock
	io.Closer
} {
	return newTicking()
}
