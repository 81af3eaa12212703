package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// The exit codes. Shell scripts rely on them: they never change.
const (
	OK          = 0
	Failed      = 1   // the run FAILED or CRASHED
	Cancelled   = 3   // the run was cancelled
	Usage       = 64  // wrong flags or arguments
	BadInput    = 65  // a workflow file, an event line, a parameter
	NotFound    = 66  // no such workflow, run or file
	Away        = 69  // the principal cannot be reached
	Bug         = 70  // please report
	IO          = 74  // read or write failed
	NotNow      = 75  // the name is taken, the principal takes no work
	NotAllowed  = 77  // key or role
	Config      = 78  // bad configuration, or versions that do not fit
	TimedOut    = 124 // --timeout passed; the run goes on
	Interrupted = 130
	brokenPipe  = 128 + int(syscall.SIGPIPE)
)

type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// Exit gives err an exit code. A nil err ends the command with that code and
// without a word.
func Exit(code int, err error) error { return &exitError{code, err} }

// Exitf is Exit with a message.
func Exitf(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

// Usagef tells that the command line is wrong, and where to read more.
func (e Env) Usagef(format string, args ...any) error {
	return Exitf(Usage, "%w; see %s --help", fmt.Errorf(format, args...), e.Name)
}

var wireCodes = map[wire.Code]int{
	wire.BadRequest:  BadInput,
	wire.TooLarge:    BadInput,
	wire.Conflict:    BadInput,
	wire.NotFound:    NotFound,
	wire.Unavailable: NotNow,
	wire.NotAllowed:  NotAllowed,
	wire.BadVersion:  Config,
	wire.UnknownOp:   Config,
	wire.Fenced:      Bug,
	wire.Internal:    Bug,
}

// Code is the exit code that err asks for. An error that nobody classified is
// a bug.
func Code(err error) int {
	var exit *exitError
	var refused *wire.Error
	var away *client.AwayError
	var path *fs.PathError
	var system syscall.Errno
	switch {
	case err == nil:
		return OK
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &refused):
		if code, ok := wireCodes[refused.Code]; ok {
			return code
		}
		return Bug
	case errors.As(err, &away):
		return Away
	case errors.Is(err, client.ErrDenied), errors.Is(err, client.ErrNoKey):
		return NotAllowed
	case errors.Is(err, client.ErrBadKey):
		return Config
	case errors.Is(err, errInterrupted):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case errors.Is(err, syscall.EPIPE):
		return brokenPipe
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.As(err, &path), errors.As(err, &system):
		return IO
	}
	return Bug
}

// codeIn is Code where a cancelled context speaks for the signal behind it.
func codeIn(ctx context.Context, err error) int {
	if interrupted(ctx, err) {
		return Interrupted
	}
	return Code(err)
}

func interrupted(ctx context.Context, err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), errInterrupted)
}

// message is what is told of err; empty: nothing. It may quote names and text
// from elsewhere, so it is made harmless line by line.
func message(ctx context.Context, err error) string {
	var exit *exitError
	if errors.As(err, &exit) && exit.err == nil {
		return ""
	}
	if errors.Is(err, syscall.EPIPE) {
		return ""
	}
	if interrupted(ctx, err) {
		return errInterrupted.Error()
	}
	return cleanLines(err.Error())
}

// unreached tells that what --principal said led to no principal.
func unreached(err error) bool {
	var away *client.AwayError
	return errors.As(err, &away) || errors.Is(err, client.ErrNoKey)
}

func cleanLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}
