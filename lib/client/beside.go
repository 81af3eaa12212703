package client

import (
	"net"
	"strings"
)

// Beside returns a client for another port of the principal that c is
// connected to, or was last. Address is as the principal reports it: a host of
// 0.0.0.0 stands for the one where c found it.
func (c *Client) Beside(address string) *Client {
	o := c.o
	address = reachable(address, c.address())
	if r := c.elsewhere(); r != nil {
		o.Remote, o.Fallback = &Remote{Address: address, Key: r.Key, Certificate: r.Certificate}, nil
	} else {
		o.Address = address
	}
	return New(o)
}

// elsewhere is the remote principal that c has found, or nil.
func (c *Client) elsewhere() *Remote {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range []*Remote{c.o.Remote, c.o.Fallback} {
		if r != nil && r.Key == c.target.ServerKey {
			return r
		}
	}
	return nil
}

// reachable is where to dial for an address that the principal listens on: one
// that listens everywhere is at the host where its API was found.
func reachable(address, api string) string {
	host, port, err := net.SplitHostPort(strings.TrimPrefix(address, "tcp://"))
	if err != nil || (host != "0.0.0.0" && host != "::") {
		return address
	}
	if host, _, err = net.SplitHostPort(strings.TrimPrefix(api, "tcp://")); err != nil {
		host = "127.0.0.1"
	}
	return "tcp://" + net.JoinHostPort(host, port)
}
