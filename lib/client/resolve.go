package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

// DefaultPort is the API's port where an address names none.
const DefaultPort = 5561

// errAbsent tells that no principal is there, or none on the data directory.
var errAbsent = errors.New("no principal runs there")

// Endpoint turns host, host:port or tcp://host:port into tcp://host:port.
func Endpoint(address string) (string, error) {
	rest := strings.TrimPrefix(address, "tcp://")
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), strconv.Itoa(DefaultPort)
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/ ") {
		return "", fmt.Errorf("address %q is not host, host:port or tcp://host:port", address)
	}
	return "tcp://" + net.JoinHostPort(host, port), nil
}

// ReadPresence reads principal.json of a data directory. A missing file, or
// one whose process is gone, is fs.ErrNotExist.
func ReadPresence(data string) (wire.Presence, error) {
	var p wire.Presence
	name := filepath.Join(data, wire.PresenceFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("read %s: %w", name, err)
	}
	if err := syscall.Kill(p.PID, 0); errors.Is(err, syscall.ESRCH) {
		return wire.Presence{}, fs.ErrNotExist
	}
	return p, nil
}

// resolve says where to dial now: an address that was given, or the principal
// of the data directory.
func (c *Client) resolve() (bus.Target, error) {
	if c.o.Remote != nil {
		return c.o.Remote.target()
	}
	here, err := ReadPresence(c.o.Data)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return bus.Target{}, err
	}
	t := bus.Target{Endpoint: here.API, ServerKey: here.PublicKey}
	if c.o.Address != "" {
		endpoint, err := Endpoint(c.o.Address)
		if err != nil {
			return bus.Target{}, err
		}
		if absent || (endpoint != here.API && endpoint != here.Logs && endpoint != here.Live) {
			return c.remote(endpoint)
		}
		t.Endpoint = endpoint
	} else if absent && c.o.Fallback != nil {
		return c.o.Fallback.target()
	} else if absent {
		return bus.Target{}, fmt.Errorf("%w: no %s in %s", errAbsent, wire.PresenceFile, c.o.Data)
	}
	if t.ServerKey == "" {
		t.Plaintext = true
		return t, nil
	}
	t.Pair, err = c.identity()
	return t, err
}

func (r *Remote) target() (bus.Target, error) {
	endpoint, err := Endpoint(r.Address)
	if err != nil {
		return bus.Target{}, err
	}
	cert, err := readCertificate(r.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return bus.Target{}, fmt.Errorf("%w: %s is gone; join again with a new file", ErrNoKey, r.Certificate)
	}
	if err == nil && cert.Secret == "" {
		err = fmt.Errorf("%w: %s has no secret-key", ErrBadKey, r.Certificate)
	}
	return bus.Target{Endpoint: endpoint, ServerKey: r.Key, Pair: cert.Pair}, err
}

// remote is a principal that is known by its address and its public key alone.
func (c *Client) remote(endpoint string) (bus.Target, error) {
	t := bus.Target{Endpoint: endpoint}
	server, err := c.certificate("principal.key")
	if err == nil {
		t.ServerKey = server.Public
		t.Pair, err = c.identity()
	}
	if errors.Is(err, ErrNoKey) {
		// Where nobody is there to show a key to, that is the first thing to say.
		if absent := c.listens(endpoint); absent != nil {
			return t, absent
		}
	}
	return t, err
}

// listens tells whether anybody is there at all.
func (c *Client) listens(endpoint string) error {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(endpoint, "tcp://"), c.o.Try)
	if err != nil {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	return conn.Close()
}

func (c *Client) identity() (bus.Pair, error) {
	cert, err := c.certificate(c.o.Identity + ".key_secret")
	return cert.Pair, err
}

func (c *Client) certificate(name string) (bus.Certificate, error) {
	cert, err := readCertificate(filepath.Join(c.keys(), name))
	if errors.Is(err, fs.ErrNotExist) {
		return cert, fmt.Errorf("%w: %s is not in %s; keys are made by the principal's first start, on its machine", ErrNoKey, name, c.keys())
	}
	return cert, err
}

// readCertificate tells apart what is wrong with a file. Another user's key is
// as good as none.
func readCertificate(path string) (bus.Certificate, error) {
	cert, err := bus.ReadCertificate(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w: %w", ErrNoKey, err)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return cert, err
}

func (c *Client) keys() string {
	if c.o.Keys != "" {
		return c.o.Keys
	}
	return filepath.Join(c.o.Data, "keys")
}

// address is what an error message calls the principal.
func (c *Client) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.target.Endpoint != "" {
		return c.target.Endpoint
	}
	for _, r := range []*Remote{c.o.Remote, {Address: c.o.Address}, c.o.Fallback} {
		if r == nil {
			continue
		}
		if endpoint, err := Endpoint(r.Address); err == nil {
			return endpoint
		}
	}
	return fmt.Sprintf("tcp://127.0.0.1:%d", DefaultPort)
}
