package bus

import "errors"

var (
	// ErrDenied: the server does not accept the key. It stays so until the
	// client is made anew.
	ErrDenied = errors.New("the key is not accepted")

	// ErrDisconnected: the connection broke with the request in flight. It
	// may or may not have been done.
	ErrDisconnected = errors.New("the connection broke")

	// ErrClosed: Close was called.
	ErrClosed = errors.New("closed")
)
