package cli

import (
	"strings"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/suggest"
)

// OptionsOf say how to reach the principal that the config file knows by a name.
func (e Env) OptionsOf(name string) (client.Options, error) {
	s := e.Settings
	p := s.principal(name)
	if p == nil {
		known := names(s.principals)
		return client.Options{}, Exitf(Usage, "the config file names no principal %q%s", name, suggest.Hint(name, known))
	}
	return client.Options{
		Data:     s.Text(DataDir),
		Keys:     s.Text(KeysDir),
		Remote:   s.choose(p, false),
		Try:      s.Duration(TryTimeout),
		Attempts: s.Int(RetryAttempts),
	}, nil
}

// Called is what people call the principal that o leads to: its name in the
// config file, else its address, or "local" for the one that runs here.
func (s *Settings) Called(o client.Options) string {
	remote := o.Remote
	if remote == nil {
		remote = o.Fallback
	}
	for _, p := range s.principals {
		if remote != nil && (s.named == nil || s.named.Name == p.Name) && p.Key == remote.Key && p.Address == remote.Address {
			return p.Name
		}
	}
	switch {
	case remote != nil:
		return strings.TrimPrefix(remote.Address, "tcp://")
	case o.Address != "":
		return o.Address
	}
	return "local"
}
