package ui

import (
	"context"
	"errors"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

// Principal is the part of a client that the screens use.
type Principal interface {
	Call(ctx context.Context, op wire.Op, req client.Request, result any) error
	CallOnce(ctx context.Context, op wire.Op, req client.Request, result any) error
	Trigger(ctx context.Context, item wire.TriggerItem) (wire.Triggered, error)
	FollowEvents(ctx context.Context, q wire.EventsQuery, emit func(wire.Events) error) error
	FollowLogs(ctx context.Context, q wire.LogsQuery, emit func(wire.Logs) error) error
	FollowRun(ctx context.Context, run string, q wire.LogsQuery, emit func(wire.Logs) error) (wire.RunWaited, error)
	Close() error
}

// session is the time with one principal. Everything that is asked of it ends
// with the session; close waits for that.
type session struct {
	name string
	p    Principal
	ctx  context.Context
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

func newSession(ctx context.Context, name string, p Principal) *session {
	s := &session{name: name, p: p}
	s.ctx, s.end = context.WithCancel(ctx)
	return s
}

// begin tells that something is under way, which ends with work.Done; false: the
// session is over.
func (s *session) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// close ends what is under way. It may take a moment: not for Update.
func (s *session) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	_ = s.p.Close() // it is only asked no more
	s.work.Wait()
}

// later is news of a session. One that is not at hand any more is not heard.
type later struct {
	from *session
	msg  tea.Msg
}

// ask makes a command that asks the principal for something, with a deadline.
// What fn returns is given to all screens.
func (k *kit) ask(deadline time.Duration, fn func(ctx context.Context, p Principal) tea.Msg) tea.Cmd {
	s := k.session
	return func() (msg tea.Msg) {
		defer caught(&msg)
		if !s.begin() {
			return nil
		}
		defer s.work.Done()
		ctx, cancel := context.WithTimeout(s.ctx, deadline)
		defer cancel()
		answer := fn(ctx, s.p)
		if s.ctx.Err() != nil {
			return nil
		}
		return later{s, answer}
	}
}

// reading is the deadline of an ordinary request.
const reading = 10 * time.Second

// act makes a command that changes something. What it did, or why it did not, is
// told in the message line, and all screens get it as an acted.
func (k *kit) act(what string, fn func(ctx context.Context, p Principal) (done string, err error)) tea.Cmd {
	if !k.alive() {
		return toast(bad, what+": not now: the principal is away")
	}
	return k.ask(2*reading, func(ctx context.Context, p Principal) tea.Msg {
		done, err := fn(ctx, p)
		return acted{what, done, err}
	})
}

// acted tells what came of an action.
type acted struct {
	what string
	done string
	err  error
}

// errorText is an error as the commands tell it, in one line.
func errorText(err error) string {
	var away *client.AwayError
	switch {
	case errors.As(err, &away):
		return "cannot reach the principal at " + clean(away.Address)
	case errors.Is(err, context.DeadlineExceeded):
		return "the principal did not answer in time"
	}
	return clean(oneLine(err.Error()))
}

func oneLine(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r == '\n' {
			r = ' '
		}
		out = append(out, r)
	}
	return cli.Clean(string(out))
}
