package bus

import (
	"fmt"
	"sync"
	"syscall"

	zmq "github.com/pebbe/zmq4"
)

// Every connection is a file descriptor of this process, also that of a peer
// who has proven nothing, and the process needs some for its own files: without
// one for the history it cannot go on. So connections beyond a bound are closed
// as soon as they are accepted. Descriptors are numbered from below, so that
// the number of a new one tells how many are in use.
const (
	maxCrowd = 10_000
	// ownFiles is kept free where the system gives enough, and half of all
	// elsewhere. libzmq accepts at most some thousand connections before it
	// waits for the crowd to hear of them.
	ownFiles = 4096
)

// mostDescriptors is the number from which on a descriptor is one too many for
// a connection, in a process that may have limit of them.
func mostDescriptors(limit uint64) int {
	return int(min(limit-min(limit/2, ownFiles), maxCrowd))
}

// crowd watches the sockets that listen.
type crowd struct {
	most     int
	fail     func(error) // from then on nobody is turned away
	watchers sync.WaitGroup
}

func newCrowd(fail func(error)) (*crowd, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, fmt.Errorf("read the limit of open files: %w", err)
	}
	return &crowd{most: mostDescriptors(limit.Cur), fail: fail}, nil
}

// watch keeps the connections of a socket in bounds, until the socket is
// closed. It is called by the socket's owner, before it listens.
func (c *crowd) watch(ctx *zmq.Context, sock *zmq.Socket, name string) error {
	monitor := "inproc://" + name
	if err := sock.Monitor(monitor, zmq.EVENT_ACCEPTED|zmq.EVENT_MONITOR_STOPPED); err != nil {
		return fmt.Errorf("watch a socket: %w", err)
	}
	ready := make(chan error)
	c.watchers.Go(func() {
		if err := c.work(ctx, monitor, ready); err != nil {
			c.fail(fmt.Errorf("watch a socket: %w", err))
		}
	})
	return <-ready
}

// work owns the monitor's other end. It fails after it was ready, if at all.
func (c *crowd) work(ctx *zmq.Context, monitor string, ready chan<- error) error {
	events, err := ctx.NewSocket(zmq.PAIR)
	if err != nil {
		ready <- fmt.Errorf("watch a socket: %w", err)
		return nil
	}
	defer events.Close()
	if err = events.SetLinger(0); err == nil {
		err = events.Connect(monitor)
	}
	ready <- err
	if err != nil {
		return nil
	}
	poller := zmq.NewPoller()
	poller.Add(events, zmq.POLLIN)
	for {
		if _, err := poller.Poll(turn); err != nil {
			return unlessEnded(err)
		}
		for {
			event, _, descriptor, err := events.RecvEvent(zmq.DONTWAIT)
			if again(err) {
				break
			}
			if err != nil {
				return unlessEnded(err)
			}
			if event == zmq.EVENT_MONITOR_STOPPED {
				return nil
			}
			if descriptor >= c.most && !listens(descriptor) {
				// libzmq sees the end and closes it. One that is
				// closed already may be a file by now, to which
				// this does nothing.
				_ = syscall.Shutdown(descriptor, syscall.SHUT_RDWR)
			}
		}
	}
}

// listens tells whether the number is a listener's by now: a publisher that
// binds anew may have got that of a connection that is closed already.
func listens(descriptor int) bool {
	on, err := syscall.GetsockoptInt(descriptor, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && on == 1
}

// unlessEnded is no error where the context has ended.
func unlessEnded(err error) error {
	if zmq.AsErrno(err) == zmq.ETERM {
		return nil
	}
	return err
}
