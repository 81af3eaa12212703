package cli

import (
	"fmt"
	"net"
	"slices"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
)

// Connection is embedded by the options of every command that talks to a
// principal.
type Connection struct {
	Principal string `long:"principal" value-name:"ADDR" setting:"address" description:"the principal: a name of the config file, host, host:port or tcp://host:port"`
	Keys      string `long:"keys" value-name:"DIR" setting:"CDKTR_KEYS" description:"directory of keys"`
}

// addressTag marks the flag that names a principal, or sets host and port at
// once.
const addressTag = "address"

// name takes --principal out of the flags: a name of the config file, or else
// the settings that an address stands for.
func (s *Settings) name(env *Env, given []Setting) ([]Setting, error) {
	i := slices.IndexFunc(given, func(s Setting) bool { return s.Name == addressTag })
	if i < 0 {
		return given, nil
	}
	flag := given[i]
	given = slices.Delete(slices.Clone(given), i, i+1)
	if s.named = s.principal(flag.Value); s.named != nil {
		return given, nil
	}
	s.hint = s.hintFor(flag.Value)
	endpoint, err := client.Endpoint(flag.Value)
	if err != nil {
		return nil, env.Usagef("%s: %w", flag.Source, err)
	}
	host, port, err := net.SplitHostPort(endpoint[len("tcp://"):])
	if err != nil {
		return nil, env.Usagef("%s: %w", flag.Source, err)
	}
	return append(given, Setting{PrincipalHost, host, flag.Source}, Setting{PrincipalPort, port, flag.Source}), nil
}

// Named tells that --principal was given.
func (s *Settings) Named() bool { return s.named != nil || s.Get(PrincipalHost).fromFlag() }

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

// ClientOptions say how to reach the principal, as the settings have it. The
// error is wrong usage: nobody can tell which principal is meant.
func (e Env) ClientOptions() (client.Options, error) { return e.options(false) }

// Client returns a client of the principal.
func (e Env) Client() (*client.Client, error) {
	o, err := e.ClientOptions()
	if err != nil {
		return nil, err
	}
	return client.New(o), nil
}

// AgentOptions are ClientOptions for an agent, which works with other keys.
func (e Env) AgentOptions() (client.Options, error) {
	o, err := e.options(true)
	o.Identity = "agent"
	o.Waiting = nil // the agent's log says it
	return o, err
}

func (e Env) options(agent bool) (o client.Options, err error) {
	s := e.Settings
	o = client.Options{
		Address:  s.Address(),
		Data:     s.Text(DataDir),
		Keys:     s.Text(KeysDir),
		Try:      s.Duration(TryTimeout),
		Attempts: s.Int(RetryAttempts),
		Waiting: func(address string) {
			fmt.Fprintf(e.Stderr, "%s: waiting for the principal at %s%s\n", e.Name, address, s.hint)
		},
	}
	here, absent := client.ReadPresence(o.Data)
	switch {
	case s.named != nil:
		o.Remote = s.choose(s.named, agent)
	case o.Address != "":
		if known := s.at(o.Address); known != nil && !sameEndpoint(o.Address, here.API) {
			o.Remote = s.choose(known, agent)
		}
	case absent != nil:
		o.Fallback, err = s.fallback(agent)
	}
	return o, err
}

func sameEndpoint(a, b string) bool {
	one, err := client.Endpoint(a)
	other, err2 := client.Endpoint(b)
	return err == nil && err2 == nil && one == other
}

// roleOf is the role that a certificate names, or empty.
func roleOf(certificate string) string {
	c, err := bus.ReadCertificate(certificate)
	if err != nil {
		return ""
	}
	return c.Metadata["role"]
}
