package bus

import (
	"fmt"

	zmq "github.com/pebbe/zmq4"
)

// doorbell wakes the owner of a socket out of poll. Any goroutine may ring;
// rings that come close together count as one.
type doorbell struct {
	rings chan struct{} // holds at most one
	quit  chan struct{}
	ended chan struct{}
}

func newDoorbell() *doorbell {
	return &doorbell{rings: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
}

func (d *doorbell) ring() {
	select {
	case d.rings <- struct{}{}:
	default:
	}
}

// open is called by the owner, once. It returns the socket to poll, which the
// owner closes after stop.
func (d *doorbell) open(ctx *zmq.Context, name string) (*zmq.Socket, error) {
	heard, err := ctx.NewSocket(zmq.PAIR)
	if err != nil {
		return nil, fmt.Errorf("make doorbell: %w", err)
	}
	if err := heard.Bind("inproc://" + name); err != nil {
		heard.Close()
		return nil, fmt.Errorf("bind doorbell: %w", err)
	}
	ready := make(chan error)
	go d.work(ctx, name, ready)
	if err := <-ready; err != nil {
		heard.Close()
		return nil, fmt.Errorf("connect doorbell: %w", err)
	}
	return heard, nil
}

// work owns the other end.
func (d *doorbell) work(ctx *zmq.Context, name string, ready chan<- error) {
	defer close(d.ended)
	sock, err := ctx.NewSocket(zmq.PAIR)
	if err != nil {
		ready <- err
		return
	}
	defer sock.Close()
	if err = sock.Connect("inproc://" + name); err == nil {
		err = sock.SetLinger(0)
	}
	ready <- err
	if err != nil {
		return
	}
	for {
		select {
		case <-d.rings:
			// No room means that enough rings wait to be heard.
			_, _ = sock.SendBytes(nil, zmq.DONTWAIT)
		case <-d.quit:
			return
		}
	}
}

// stop ends work and waits for it; rings after that are for nobody.
func (d *doorbell) stop() {
	close(d.quit)
	<-d.ended
}

// hear takes all rings out of the socket.
func hear(heard *zmq.Socket) {
	for {
		if _, err := heard.RecvBytes(zmq.DONTWAIT); err != nil {
			return
		}
	}
}
