package bus

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"

	"github.com/cdktr/cdktr/lib/wire"
)

// turn bounds every wait in poll: libzmq before 4.3.5 can overlook a message
// when a signal comes in between, and finds it at the next turn.
const turn = time.Second

// overhead is room for what CURVE adds to a frame, and for a body slightly over
// the limit: that one still gets an answer, a larger one cuts the connection.
const overhead = 64 << 10

// configure sets what all sockets that reach the network have in common. A peer
// whose machine is gone is noticed by TCP where beats are not to be had.
func configure(s *zmq.Socket, endpoint string) error {
	return errors.Join(
		s.SetLinger(0),
		s.SetSndhwm(1000),
		s.SetRcvhwm(200),
		s.SetMaxmsgsize(wire.MaxMessage+overhead),
		s.SetHandshakeIvl(5*time.Second),
		s.SetTcpKeepalive(1),
		s.SetTcpKeepaliveIdle(15),
		s.SetTcpKeepaliveIntvl(5),
		s.SetTcpKeepaliveCnt(3),
		s.SetReconnectIvl(200*time.Millisecond),
		s.SetReconnectIvlMax(10*time.Second),
		s.SetConnectTimeout(5*time.Second),
		s.SetIpv6(strings.Contains(endpoint, "[")),
	)
}

// beat lets a socket ask for signs of life, and tell the other side for how long
// to wait for the next. It reads without a bound, and must: libzmq 4.3.4 aborts
// the process if it is to ask on a connection that broke while nothing was read
// from it, because too much had arrived (stream_engine_base.cpp, "!_io_error").
// So only those beat who get nothing but answers to what they asked for.
func beat(s *zmq.Socket) error {
	return errors.Join(
		s.SetRcvhwm(0),
		s.SetHeartbeatIvl(5*time.Second),
		s.SetHeartbeatTimeout(15*time.Second),
		s.SetHeartbeatTtl(15*time.Second),
	)
}

// bind binds and returns the endpoint with the port that it got. A name is
// looked up first, because libzmq takes it for a network interface.
func bind(s *zmq.Socket, endpoint string) (string, error) {
	address, ok := strings.CutPrefix(endpoint, "tcp://")
	if !ok {
		return "", fmt.Errorf("bind %s: not of the form tcp://host:port", endpoint)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("bind %s: %w", endpoint, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("bind %s: bad port", endpoint)
	} else if n == 0 {
		port = "*"
	}
	if host != "*" && net.ParseIP(host) == nil {
		at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", fmt.Errorf("bind %s: %w", endpoint, err)
		}
		host = at.IP.String()
	}
	if err := s.Bind("tcp://" + net.JoinHostPort(host, port)); err != nil {
		return "", fmt.Errorf("bind %s: %w", endpoint, system(err))
	}
	bound, err := s.GetLastEndpoint()
	return strings.TrimRight(bound, "\x00"), err
}

// system turns an error of libzmq that the system has too into the system's,
// so that errors.Is(err, syscall.EADDRINUSE) works for callers.
func system(err error) error {
	if e, ok := errors.AsType[zmq.Errno](err); ok && e < 4096 {
		return syscall.Errno(e)
	}
	return err
}

// again tells that a socket has nothing to read, or no room to write.
func again(err error) bool { return zmq.AsErrno(err) == zmq.Errno(syscall.EAGAIN) }

// maxFrames is how many frames of a message are kept; more are read and
// forgotten. An envelope of a few hops and a body fit.
const maxFrames = 16

// message is one message as read from a socket.
type message struct {
	frames [][]byte
	whole  bool   // nothing was forgotten
	key    string // for a ROUTER: the sender's proven public key
}

// receive reads one message if there is one. The error is EAGAIN otherwise.
func receive(s *zmq.Socket) (message, error) {
	m := message{whole: true}
	for n := 0; ; n++ {
		var frame []byte
		var meta map[string]string
		var err error
		if n == 1 {
			// The first frame of a ROUTER's message is its own, and has
			// the sender's key only sometimes; the second always has it.
			frame, meta, err = s.RecvBytesWithMetadata(zmq.DONTWAIT, "User-Id")
			m.key = meta["User-Id"]
		} else {
			frame, err = s.RecvBytes(zmq.DONTWAIT)
		}
		if err != nil {
			return m, err
		}
		if n < maxFrames {
			m.frames = append(m.frames, frame)
		} else {
			m.whole = false
		}
		more, err := s.GetRcvmore()
		if err != nil || !more {
			return m, err
		}
	}
}

// send writes one message if there is room. libzmq decides at the first frame;
// the others follow it.
func send(s *zmq.Socket, frames ...[]byte) error {
	for i, f := range frames {
		flags := zmq.DONTWAIT
		if i < len(frames)-1 {
			flags |= zmq.SNDMORE
		}
		if _, err := s.SendBytes(f, flags); err != nil {
			return err
		}
	}
	return nil
}
