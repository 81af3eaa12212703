package client

import "testing"

func TestAddressForLinesKeepsTheHostThatWasUsed(t *testing.T) {
	for _, c := range []struct{ logs, api, want string }{
		{"tcp://127.0.0.1:7", "", "tcp://127.0.0.1:7"},
		{"tcp://10.0.0.1:7", "db:5561", "tcp://10.0.0.1:7"},
		{"tcp://0.0.0.0:7", "db:5561", "tcp://db:7"},
		{"tcp://0.0.0.0:7", "tcp://db:5561", "tcp://db:7"},
		{"tcp://0.0.0.0:7", "", "tcp://127.0.0.1:7"},
		{"tcp://[::]:7", "[fe80::1]:5561", "tcp://[fe80::1]:7"},
	} {
		if got := reachable(c.logs, c.api); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.logs, c.api, got, c.want)
		}
	}
}
