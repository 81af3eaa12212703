package e2e

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// Peers of ZeroMQ that do what they should not, on all three ports.
func TestHostilePeersAreContained(t *testing.T) {
	t.Parallel()
	harness.Need(t, "pyzmq")
	in, g := house(t)
	defer g.leave()
	all := func(n int, word string) []string { return slices.Repeat([]string{word}, n) }
	for _, c := range []struct {
		attack string
		says   []string // nil: whatever
	}{
		{"plaintext", all(5, "silence")},
		{"stranger", all(5, "silence")},
		{"frames", append(all(30, "bad_request"), "mark")},
		{"oversize", all(10, "silence")},
		{"topics", nil},
		{"unread", nil},
		{"deaf", nil},
	} {
		wait := hostile(t, in, c.attack)
		g.isServed(t)
		if c.attack == "deaf" {
			in.Must("cdktr-run", "-q", "flood") // for it to be deaf to
		}
		stands(t, in, g)
		if said := wait(); c.says != nil && !slices.Equal(said, c.says) {
			t.Errorf("%s: it got %q", c.attack, said)
		}
		stands(t, in, g)
	}
}

// greeting is how a peer of ZeroMQ with CURVE begins.
const greeting = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00CURVE"

// What is no peer at all: other protocols, noise, and handshakes that stop half
// way and stay.
func TestHostileConnectionsAreContained(t *testing.T) {
	t.Parallel()
	in, g := house(t)
	defer g.leave()
	for name, text := range map[string]string{
		"silence":     "",
		"HTTP":        "GET / HTTP/1.1\r\nHost: principal\r\n\r\n",
		"TLS":         "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500),
		"noise":       strings.Repeat("\x00\x01\xfe\xff", 1<<16),
		"old ZMTP":    "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00",
		"greeting":    greeting,
		"NULL":        "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48) + "\x04\x26\x05READY",
		"bad hello":   greeting + strings.Repeat("\x00", 47) + "\x04\xc8\x05HELLO" + strings.Repeat("x", 300),
		"long frame":  greeting + strings.Repeat("\x00", 47) + "\x06\x7f\xff\xff\xff\xff\xff\xff\xff",
		"long header": strings.Repeat("\xff", 1<<18),
	} {
		connections := knock(t, in, 20, text)
		g.isServed(t)
		for _, c := range connections {
			c.Close()
		}
		if t.Failed() {
			t.Fatalf("%s was not contained", name)
		}
	}
	held := knock(t, in, 170, greeting) // on each port: 510 handshakes
	stands(t, in, g)
	deadline := time.Now().Add(harness.Patience)
	for _, c := range held {
		_ = c.SetReadDeadline(deadline)
		if n := drained(c); n < 0 {
			t.Fatal("a handshake that never goes on is kept open")
		}
	}
	stands(t, in, g)
}

// drained reads until the other side hangs up; -1: it does not.
func drained(c net.Conn) int {
	defer c.Close()
	buffer := make([]byte, 512)
	for all := 0; ; {
		n, err := c.Read(buffer)
		if all += n; err == nil {
			continue
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			return -1
		}
		return all
	}
}

// knock opens n connections to each port and writes the text to each.
func knock(t *testing.T, in *harness.Installation, n int, text string) (all []net.Conn) {
	t.Helper()
	a, _ := in.Address()
	for range n {
		for _, port := range []string{a.API, a.Logs, a.Live} {
			c, err := net.DialTimeout("tcp", strings.TrimPrefix(port, "tcp://"), harness.Patience)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			_, _ = c.Write([]byte(text)) // it may hang up first
			all = append(all, c)
		}
	}
	return all
}
