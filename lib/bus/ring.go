package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	zmq "github.com/pebbe/zmq4"
)

// Names of the certificates that every ring has. Those of the admin and the
// agent name their role too.
const (
	principalName = "principal"
	adminName     = "admin"
	agentName     = "agent"
)

// Ring is a principal's key directory: its own key pair, and the public keys
// of those it lets in, each with a role. Grant and Revoke change it, on the
// disk first; any goroutine may call any of its methods.
type Ring struct {
	dir       string
	principal Pair
	skipped   []error

	mu    sync.RWMutex
	known map[string]Holder // by public key
}

// Holder is who has a key.
type Holder struct{ Name, Role, Public string }

// OpenRing reads the key directory and makes what is missing. Processes that
// do so at the same time wait for each other, and get the same keys.
func OpenRing(dir string) (*Ring, error) {
	if err := MakeKeyDirectory(dir); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("lock key directory: %w", err)
	}
	defer unlock()

	r := &Ring{dir: dir, known: make(map[string]Holder)}
	for _, name := range []string{principalName, adminName, agentName} {
		c, err := ensure(dir, name)
		if err != nil {
			return nil, err
		}
		if name == principalName {
			r.principal = c.Pair
			continue
		}
		role := c.Metadata["role"]
		if role == "" {
			role = name
		}
		r.known[c.Public] = Holder{name, role, c.Public}
	}
	return r, r.readGranted()
}

// MakeKeyDirectory makes a directory for keys where there is none, and refuses
// one that other users have a right to, with ErrOpenToOthers.
func MakeKeyDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make key directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("open key directory: %w", err)
	}
	return private(dir, info, 0o700)
}

// Principal is the principal's own key pair.
func (r *Ring) Principal() Pair { return r.principal }

// Lookup tells who has a public key.
func (r *Ring) Lookup(public string) (name, role string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	h, ok := r.known[public]
	return h.Name, h.Role, ok
}

// lock holds an exclusive lock until unlock is called.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// ensure reads the certificate of a name, or makes it. The secret file comes
// first and the public one is a copy of it, so that a crash in between leaves
// nothing that the next start cannot finish.
func ensure(dir, name string) (Certificate, error) {
	public, secret := filepath.Join(dir, name+".key"), filepath.Join(dir, name+".key_secret")
	c, err := ReadCertificate(secret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ensureSecret(public, secret, name)
	case err != nil:
		return c, err
	case c.Secret == "":
		return c, fmt.Errorf("%s has no secret-key", secret)
	}
	if derived, err := zmq.AuthCurvePublic(c.Secret); err != nil || derived != c.Public {
		return c, fmt.Errorf("%s: its two keys do not belong together", secret)
	}
	shown, err := ReadCertificate(public)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, write(public, c.text(false), 0o644)
	case err != nil:
		return c, err
	case shown.Public != c.Public:
		return c, fmt.Errorf("%s and %s hold different keys: remove the one that is wrong", public, secret)
	}
	return c, nil
}

// ensureSecret is ensure where there is no secret file. A public file alone
// is a key whose holder is elsewhere, which the principal itself cannot be.
func ensureSecret(public, secret, name string) (Certificate, error) {
	c, err := ReadCertificate(public)
	switch {
	case err == nil && name != principalName:
		return c, nil
	case err == nil:
		return c, fmt.Errorf("%s is missing beside %s: put it back, or remove both to make a new principal that nobody knows", secret, public)
	case !errors.Is(err, fs.ErrNotExist):
		return c, err
	}
	pair, err := NewPair()
	if err != nil {
		return c, err
	}
	c = Certificate{Pair: pair, Metadata: map[string]string{"name": name}}
	if name != principalName {
		c.Metadata["role"] = name
	}
	if err := write(secret, c.text(true), 0o600); err != nil {
		return c, err
	}
	return c, write(public, c.text(false), 0o644)
}

// write makes a file that is there whole or not at all, also after power loss.
// The caller holds the directory's lock.
func write(path, text string, mode os.FileMode) error {
	temporary := path + ".tmp"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
