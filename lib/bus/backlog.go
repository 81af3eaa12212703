package bus

import (
	"errors"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Bounds of what waits for peers that do not read their replies.
const (
	backlogBytes = 32 << 20
	backlogItems = 100_000
	retryEvery   = 5 * time.Millisecond
	giveUpAfter  = 10 * time.Second
)

// backlog sends the replies of a router. Those of a peer whose pipe is full
// wait here in order, so that nobody else waits for that peer; when it reads
// nothing for giveUpAfter, or the bounds are reached, they are dropped.
type backlog struct {
	peers map[string]*overdue
	items int
	bytes int
}

type overdue struct {
	replies []reply
	since   time.Time // of the last progress
}

func (b *backlog) waiting() bool { return len(b.peers) > 0 }

// send tries the replies that wait, then the new ones. Its error is the
// socket's, not a peer's.
func (b *backlog) send(sock *zmq.Socket, replies []reply, now time.Time) error {
	for peer, o := range b.peers {
		if err := b.flush(sock, peer, o, now); err != nil {
			return err
		}
	}
	for _, r := range replies {
		if o := b.peers[r.peer()]; o != nil {
			b.keep(o, r)
			continue
		}
		sent, err := try(sock, r)
		if err != nil {
			return err
		}
		if !sent {
			o := &overdue{since: now}
			b.peers[r.peer()] = o
			b.keep(o, r)
		}
	}
	return nil
}

func (b *backlog) keep(o *overdue, r reply) {
	if b.items >= backlogItems || b.bytes+len(r.body) > backlogBytes {
		return
	}
	o.replies = append(o.replies, r)
	b.items++
	b.bytes += len(r.body)
}

// flush sends a peer's replies until its pipe is full again.
func (b *backlog) flush(sock *zmq.Socket, peer string, o *overdue, now time.Time) error {
	for len(o.replies) > 0 {
		sent, err := try(sock, o.replies[0])
		if err != nil {
			return err
		}
		if !sent {
			if now.Sub(o.since) < giveUpAfter {
				return nil
			}
			break
		}
		o.since = now
		b.drop(o.replies[0])
		o.replies = o.replies[1:]
	}
	for _, r := range o.replies {
		b.drop(r)
	}
	delete(b.peers, peer)
	return nil
}

func (b *backlog) drop(r reply) {
	b.items--
	b.bytes -= len(r.body)
}

// try sends one reply. It is sent too when its peer is gone: nobody else will
// ever want it.
func try(sock *zmq.Socket, r reply) (sent bool, err error) {
	err = send(sock, append(r.envelope, r.body)...)
	switch {
	case err == nil, errors.Is(err, zmq.EHOSTUNREACH):
		return true, nil
	case again(err):
		return false, nil
	}
	return false, err
}
