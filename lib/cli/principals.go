package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/suggest"
)

// principalsKey is the part of config.yaml that names principals.
const principalsKey = "principals"

// Principal is one that the config file knows by a name.
type Principal struct {
	Name string
	client.Remote
}

// readPrincipals reads NAME: {address, key, certificate}. The path of a
// certificate is relative to the file.
func readPrincipals(file string, n *yaml.Node) ([]Principal, error) {
	if n.ShortTag() == "!!null" {
		return nil, nil
	}
	wrong := func(at *yaml.Node, format string, args ...any) error {
		return Exitf(Config, "%s:%d: %w", file, at.Line, fmt.Errorf(format, args...))
	}
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "principals must be a list of NAME: {address: …, key: …, certificate: …}")
	}
	var all []Principal
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, entry := n.Content[i], n.Content[i+1]
		if entry.Kind != yaml.MappingNode {
			return nil, wrong(entry, "principal %s must have address, key and certificate", name.Value)
		}
		p := Principal{Name: name.Value}
		fields := map[string]*string{"address": &p.Address, "key": &p.Key, "certificate": &p.Certificate}
		for j := 0; j+1 < len(entry.Content); j += 2 {
			key, value := entry.Content[j], entry.Content[j+1]
			into := fields[key.Value]
			switch {
			case into == nil:
				return nil, wrong(key, "unknown key %q of principal %s%s", key.Value, name.Value, suggest.Hint(key.Value, []string{"address", "key", "certificate"}))
			case value.Kind != yaml.ScalarNode:
				return nil, wrong(value, "%s of principal %s must be one value", key.Value, name.Value)
			}
			*into = value.Value
		}
		for _, field := range []string{"address", "key", "certificate"} {
			if *fields[field] == "" {
				return nil, wrong(name, "principal %s has no %s", name.Value, field)
			}
		}
		if _, err := client.Endpoint(p.Address); err != nil {
			return nil, wrong(entry, "principal %s: %w", name.Value, err)
		}
		if !filepath.IsAbs(p.Certificate) {
			p.Certificate = filepath.Join(filepath.Dir(file), p.Certificate)
		}
		all = append(all, p)
	}
	return all, nil
}

// Principals are those that the config file names, in its order.
func (s *Settings) Principals() []Principal { return s.principals }

func (s *Settings) principal(name string) *Principal {
	i := slices.IndexFunc(s.principals, func(p Principal) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.principals[i]
}

// at is the principal that is known to be at an address, or nil.
func (s *Settings) at(address string) *Principal {
	i := slices.IndexFunc(s.principals, func(p Principal) bool { return sameEndpoint(p.Address, address) })
	if i < 0 {
		return nil
	}
	return &s.principals[i]
}

// choose takes the key that is for this kind of work where a machine has
// several for one principal. An agent works with an agent's key, people do not.
func (s *Settings) choose(p *Principal, forAgent bool) *client.Remote {
	if p.fits(forAgent) {
		return &p.Remote
	}
	for i := range s.principals {
		if other := &s.principals[i]; other.Key == p.Key && other.fits(forAgent) {
			return &other.Remote
		}
	}
	return &p.Remote // the principal says that it does not fit
}

func (p *Principal) fits(forAgent bool) bool { return (roleOf(p.Certificate) == "agent") == forAgent }

// fallback is the principal that is meant where none runs here and none is
// named: the only one of the config file, or the only one where this machine
// has a key for this kind of work.
func (s *Settings) fallback(forAgent bool) (*client.Remote, error) {
	var fit []Principal
	for _, p := range s.principals {
		if p.fits(forAgent) {
			fit = append(fit, p)
		}
	}
	switch len(fit) {
	case 0:
		return nil, nil
	case 1:
		return &fit[0].Remote, nil
	}
	return nil, Exitf(Usage, "there are several principals: say which with --principal %s", strings.Join(names(fit), " or --principal "))
}

func names(all []Principal) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.Name)
	}
	return out
}

// hintFor ends a message about a principal that cannot be reached under what
// may have been meant as a name.
func (s *Settings) hintFor(given string) string {
	known := names(s.principals)
	if hint := suggest.Hint(given, known); hint != "" || len(known) == 0 || strings.ContainsAny(given, ".:") {
		return hint
	}
	return fmt.Sprintf(" (the config file names %s)", strings.Join(known, ", "))
}
