// Package bus carries messages over ZeroMQ: a ROUTER and an XPUB for the
// principal, a DEALER and a SUB for everybody else, with CURVE keys on every
// socket. It is the only importer of zmq4. It moves bytes and knows nothing of
// what is in them; lib/wire does.
//
// One goroutine makes, uses and closes a socket, because a ZeroMQ socket must
// never be used by two at once. Other goroutines reach it by a queue and a
// doorbell. It never waits for a consumer: what a consumer does not take is
// kept in a bounded queue, and then left in the socket, so that the peer feels
// it; sending goes on meanwhile.
//
// A CURVE server accepts any key as long as no ZAP handler answers in its own
// context. So each Server has its own context and its own handler, bound
// before the first socket and closed after the last, and a Router takes no
// message whose peer has not proven its key to that handler.
package bus
