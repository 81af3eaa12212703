package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/plainfile"
)

// joining keeps what a principal has granted, whatever the command is: the key
// beside this machine's keys, the principal under a name in the config file.
func joining(file string) func(context.Context, Env) error {
	return func(ctx context.Context, env Env) error {
		i, err := Await(ctx, func() (bus.Invitation, error) { return env.readInvitation(file) })
		if err != nil {
			return err
		}
		p, err := env.join(ctx, i)
		if err != nil {
			return err
		}
		fmt.Fprintf(env.Stderr, "%s: joined %s as %s (%s), named %s in %s\n",
			env.Name, Clean(p.Address), i.Metadata["name"], i.Metadata["role"], p.Name, env.ConfigFile())
		return nil
	}
}

// readInvitation reads a file, or stdin where its name is "-".
func (e Env) readInvitation(name string) (bus.Invitation, error) {
	if name == "-" {
		return parseInvitation(e.Stdin, "stdin")
	}
	name = e.Path(name)
	f, err := plainfile.Open(name)
	var kind *plainfile.KindError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bus.Invitation{}, Exit(NotFound, err)
	case errors.As(err, &kind):
		return bus.Invitation{}, Exitf(BadInput, "not what cdktr-principal grant has printed: %w", err)
	case err != nil:
		return bus.Invitation{}, Exit(IO, err)
	}
	defer f.Close()
	return parseInvitation(f, name)
}

func parseInvitation(r io.Reader, name string) (bus.Invitation, error) {
	i, err := bus.ParseInvitation(r)
	if err == nil {
		_, err = client.Endpoint(i.Address)
	}
	if err != nil {
		return i, Exitf(BadInput, "%s is not what cdktr-principal grant has printed: %w", name, err)
	}
	return i, nil
}

// join writes the key first: a config file never names a key that is not there.
// While it does so it has the config file for itself, and what it decides by is
// what the file says then.
func (e Env) join(ctx context.Context, i bus.Invitation) (Principal, error) {
	config := e.ConfigFile()
	if config == "" {
		return Principal{}, Exitf(Config, "neither XDG_CONFIG_HOME nor HOME is set: where shall the configuration be?")
	}
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		return Principal{}, Exit(IO, err)
	}
	unlock, err := lockFile(ctx, filepath.Join(filepath.Dir(config), ".lock"))
	if err != nil {
		return Principal{}, err
	}
	defer unlock()
	text, err := readSmall(config)
	if err != nil {
		return Principal{}, err
	}
	_, known, err := parseSettings(config, text)
	if err != nil {
		return Principal{}, err
	}
	p := Principal{Name: nameFor(i, &Settings{principals: known}), Remote: client.Remote{Address: i.Address, Key: i.PrincipalKey}}
	p.Certificate = filepath.Join(e.Settings.Text(KeysDir), p.Name+"."+i.Metadata["name"]+".key_secret")
	if err := bus.MakeKeyDirectory(filepath.Dir(p.Certificate)); errors.Is(err, bus.ErrOpenToOthers) {
		return p, Exit(Config, err)
	} else if err != nil {
		return p, Exit(IO, err)
	}
	if err := i.Certificate.WriteSecret(p.Certificate); err != nil {
		return p, Exit(IO, err)
	}
	if text, err = withPrincipal(config, text, p); err != nil {
		return p, err
	}
	return p, replaceFile(config, text)
}

// nameFor is the host's name, and where that is another principal's, or this
// one's with another role, the holder's with it.
func nameFor(i bus.Invitation, s *Settings) string {
	host, _, _ := net.SplitHostPort(strings.TrimPrefix(i.Address, "tcp://"))
	if net.ParseIP(host) == nil {
		host, _, _ = strings.Cut(host, ".")
	}
	// It names a file too.
	host = strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' {
			return c
		}
		return '-'
	}, host), ".")
	if host == "" {
		host = "principal"
	}
	for _, name := range []string{host, host + "-" + i.Metadata["name"]} {
		known := s.principal(name)
		if known == nil {
			return name
		}
		// A key that is gone or broken makes room for the new one.
		if role := roleOf(known.Certificate); known.Key == i.PrincipalKey && (role == i.Metadata["role"] || role == "") {
			return name
		}
	}
	for n := 2; ; n++ {
		if name := fmt.Sprintf("%s-%d", host, n); s.principal(name) == nil {
			return name
		}
	}
}

// withPrincipal puts an entry into the text of a config file, and leaves the
// rest and its comments as they are.
func withPrincipal(file string, text []byte, p Principal) ([]byte, error) {
	doc, err := parseConfig(file, text)
	if err != nil {
		return nil, err
	}
	var before []byte
	if doc.Kind == 0 { // nothing but comments, which no node would keep
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
		before = text
	}
	list := under(doc.Content[0], principalsKey)
	if list.Kind != yaml.MappingNode {
		*list = yaml.Node{Kind: yaml.MappingNode}
	}
	if err := under(list, p.Name).Encode(struct {
		Address     string `yaml:"address"`
		Key         string `yaml:"key"`
		Certificate string `yaml:"certificate"`
	}{p.Address, p.Key, p.Certificate}); err != nil {
		return nil, Exit(Bug, err)
	}
	out := bytes.NewBuffer(before)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, Exit(Bug, err)
	}
	return out.Bytes(), nil
}

// under is the value of a key, made where there is none.
func under(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	value := &yaml.Node{}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}

// replaceFile replaces a file whole, and follows a link to where it really is.
func replaceFile(name string, text []byte) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".config-*")
	if err != nil {
		return Exit(IO, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return Exit(IO, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// lockFile holds an exclusive lock until unlock is called.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, Exit(IO, err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case err != syscall.EWOULDBLOCK && err != syscall.EINTR:
			f.Close()
			return nil, Exitf(IO, "lock %s: %w", name, err)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		}
	}
}
