package listen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// errStopped is the end of reading that the caller wished.
var errStopped = errors.New("interrupted")

// input reads until ctx ends. A wait for a file ends with ctx too, and nothing
// is taken from the file after that; a wait for another reader goes on until
// it returns.
type input struct {
	ctx  context.Context
	from io.Reader
	file *os.File // from, where it is a file

	// The wait for the file is one for stopped too, which can be read from
	// when the other end of the pipe, stop, is closed.
	stopped, stop *os.File
	forget        func() bool
}

func newInput(ctx context.Context, from io.Reader) (*input, error) {
	in := &input{ctx: ctx, from: from}
	in.file, _ = from.(*os.File)
	if in.file == nil {
		return in, nil
	}
	var err error
	if in.stopped, in.stop, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("open a pipe to be woken by: %w", err)
	}
	in.forget = context.AfterFunc(ctx, func() { _ = in.stop.Close() })
	return in, nil
}

// close ends the input, not the file. Nothing is lost with the pipe.
func (in *input) close() {
	if in.file == nil {
		return
	}
	if in.forget() {
		_ = in.stop.Close()
	}
	_ = in.stopped.Close()
}

func (in *input) read(buf []byte) (int, error) {
	if in.file != nil {
		if err := in.wait(); err != nil {
			return 0, err
		}
	}
	if in.ctx.Err() != nil {
		return 0, errStopped
	}
	return in.from.Read(buf)
}

// wait returns when the file can be read, be it to its end, or ctx has ended.
func (in *input) wait() error {
	var err error
	control := func(f *os.File, do func(fd uintptr)) {
		raw, rawErr := f.SyscallConn()
		if rawErr == nil {
			rawErr = raw.Control(do)
		}
		err = errors.Join(err, rawErr)
	}
	control(in.file, func(file uintptr) {
		control(in.stopped, func(stopped uintptr) { err = errors.Join(err, poll(file, stopped)) })
	})
	return err
}

func poll(fds ...uintptr) error {
	var set []unix.PollFd
	for _, fd := range fds {
		set = append(set, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for {
		_, err := unix.Poll(set, -1)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
