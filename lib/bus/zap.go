package bus

import (
	"errors"
	"fmt"
	"sync"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/failpoint"
)

// The ZAP domains of sockets: what a key is shown for.
const (
	requestDomain = "cdktr"
	liveDomain    = "cdktr-live"
)

// zapEndpoint is where libzmq asks about keys, in each context anew.
const zapEndpoint = "inproc://zeromq.zap.01"

// gate is the ZAP handler of one context. It lets in the keys that allow
// accepts, and gives each message the key that its sender proved, as User-Id.
type gate struct {
	allow func(public string, live bool) bool
	bell  *doorbell
	quit  chan struct{} // closed by close
	once  sync.Once
	ended chan struct{}
	err   error // why it ended by itself; read after ended
}

// openGate starts the handler; it is bound when openGate returns.
func openGate(ctx *zmq.Context, allow func(string, bool) bool) (*gate, error) {
	g := &gate{allow: allow, bell: newDoorbell(), quit: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan error)
	go g.work(ctx, ready)
	if err := <-ready; err != nil {
		<-g.ended
		return nil, fmt.Errorf("start ZAP handler: %w", err)
	}
	return g, nil
}

// close ends the handler and waits for it.
func (g *gate) close() {
	g.once.Do(func() { close(g.quit) })
	g.bell.ring()
	<-g.ended
}

func (g *gate) work(ctx *zmq.Context, ready chan<- error) {
	defer close(g.ended)
	sock, err := ctx.NewSocket(zmq.REP)
	if err != nil {
		ready <- err
		return
	}
	defer sock.Close()
	if err = sock.Bind(zapEndpoint); err == nil {
		err = sock.SetLinger(0)
	}
	if err != nil {
		ready <- err
		return
	}
	heard, err := g.bell.open(ctx, "zap-bell")
	ready <- err
	if err != nil {
		return
	}
	defer heard.Close()
	defer g.bell.stop()
	defer func() {
		if p := recover(); p != nil {
			g.err = fmt.Errorf("the ZAP handler failed: %v", p)
		}
	}()
	g.err = g.serve(sock, heard)
}

// serve answers until quit is closed, or a socket fails.
func (g *gate) serve(sock, heard *zmq.Socket) error {
	poller := zmq.NewPoller()
	poller.Add(sock, zmq.POLLIN)
	poller.Add(heard, zmq.POLLIN)
	for {
		if _, err := poller.Poll(turn); err != nil {
			return fmt.Errorf("poll ZAP socket: %w", err)
		}
		select {
		case <-g.quit:
			return nil
		default:
		}
		hear(heard)
		for {
			m, err := receive(sock)
			if again(err) {
				break
			}
			if err == nil && failpoint.Fails("bus.zap") {
				err = errGateEnded
			}
			if err == nil {
				err = send(sock, g.judge(m.frames)...)
			}
			if err != nil {
				return fmt.Errorf("serve ZAP socket: %w", err)
			}
		}
	}
}

// judge answers one ZAP request: version, request id, domain, address,
// identity, mechanism, and for CURVE the public key in binary.
func (g *gate) judge(f [][]byte) [][]byte {
	answer := func(id []byte, status, text, user string) [][]byte {
		return [][]byte{[]byte("1.0"), id, []byte(status), []byte(text), []byte(user), nil}
	}
	switch {
	case len(f) < 6 || string(f[0]) != "1.0":
		return answer(nil, "500", "bad request", "")
	case string(f[5]) != "CURVE" || len(f) != 7 || len(f[6]) != 32:
		return answer(f[1], "400", "a CURVE key is needed", "")
	}
	key := zmq.Z85encode(string(f[6]))
	if !g.allow(key, string(f[2]) == liveDomain) {
		return answer(f[1], "400", "this key is not let in here", "")
	}
	return answer(f[1], "200", "OK", key)
}

var errGateEnded = errors.New("the ZAP handler ended")
