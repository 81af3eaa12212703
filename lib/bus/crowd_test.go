package bus

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRoomIsKeptForTheProcessesOwnFiles(t *testing.T) {
	for limit, want := range map[uint64]int{256: 128, 1024: 512, 8192: 4096, 12_000: 7904, 524_288: maxCrowd, 1 << 62: maxCrowd} {
		if got := mostDescriptors(limit); got != want {
			t.Errorf("of %d files connections may have those below %d, want %d", limit, got, want)
		}
	}
}

// The number of a connection that is gone may be a listener's by now.
func TestListenerIsNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for conn, want := range map[syscall.Conn]bool{listener.(*net.TCPListener): true, c.(*net.TCPConn): false} {
		raw, err := conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if err := raw.Control(func(fd uintptr) {
			if listens(int(fd)) != want {
				t.Errorf("%T: not %v", conn, want)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// descriptors is how many this process has.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("SKIP-TOOL procfs:", err)
	}
	return len(all)
}

// Who is there is served while ever more knock, and when they are gone others
// come in.
func TestCrowdAtTheDoorLeavesDescriptorsAndServesWhoIsThere(t *testing.T) {
	pair, client := newPair(t), newPair(t)
	server, err := NewServer(&pair, func(public string, _ bool) bool { return public == client.Public })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	// Both ends are in this process: a hundred of them are fifty connections.
	server.crowd.most = descriptors(t) + 100
	router, err := server.Router("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Server: server, Router: router, pair: pair, client: client}
	go s.echo()
	early := dial(t, s.target())
	call := func(c *Client) {
		t.Helper()
		if got, err := c.Call(within(t), []byte("a")); err != nil || string(got) != "a" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	call(early)

	var crowd []net.Conn
	for range 300 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint(), "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
		call(early)
	}
	// At once, not by the five seconds that a handshake may take.
	deadline := time.Now().Add(3 * time.Second)
	turnedAway := 0
	for _, c := range crowd[100:] {
		_ = c.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, c); err == nil || errors.Is(err, syscall.ECONNRESET) {
			turnedAway++
		}
		call(early)
	}
	if turnedAway != 200 {
		t.Errorf("%d of the last 200 are turned away", turnedAway)
	}
	for _, c := range crowd {
		c.Close()
	}
	call(dial(t, s.target()))
}
