package cli

import (
	"fmt"
	"net"

	"github.com/cdktr/cdktr/lib/client"
)

// Connection is embedded by the options of every command that talks to a
// principal.
type Connection struct {
	Principal string `long:"principal" value-name:"ADDR" setting:"address" description:"the principal: host, host:port or tcp://host:port"`
	Keys      string `long:"keys" value-name:"DIR" setting:"CDKTR_KEYS" description:"directory of keys"`
}

// addressTag marks the flag that sets host and port at once.
const addressTag = "address"

func addressSettings(s Setting) ([]Setting, error) {
	endpoint, err := client.Endpoint(s.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source, err)
	}
	host, port, err := net.SplitHostPort(endpoint[len("tcp://"):])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Source, err)
	}
	return []Setting{{PrincipalHost, host, s.Source}, {PrincipalPort, port, s.Source}}, nil
}

// Address is host:port of the principal where anybody set either, else empty:
// then it is the one that runs on the data directory.
func (s *Settings) Address() string {
	host, port := s.Get(PrincipalHost), s.Get(PrincipalPort)
	if host.FromDefault() && port.FromDefault() {
		return ""
	}
	// 0.0.0.0 is a place to listen on; who dials it means this machine.
	if host.Value == "0.0.0.0" {
		host.Value = "127.0.0.1"
	}
	return net.JoinHostPort(host.Value, port.Value)
}

// ClientOptions say how to reach the principal, as the settings have it.
func (e Env) ClientOptions() client.Options {
	s := e.Settings
	return client.Options{
		Address:  s.Address(),
		Data:     s.Text(DataDir),
		Keys:     s.Text(KeysDir),
		Try:      s.Duration(TryTimeout),
		Attempts: s.Int(RetryAttempts),
		Waiting: func(address string) {
			fmt.Fprintf(e.Stderr, "%s: waiting for the principal at %s\n", e.Name, address)
		},
	}
}
