package cli

import "context"

// Await calls what may wait in a read for as long as somebody else likes, and
// comes back without it when ctx ends: the first signal shall end a command.
// The read is left behind then, and ends with the process.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := read()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
