package bus

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Roles are what the holder of a key may be. An admin may do everything.
var roles = []string{"admin", "agent", "operator", "viewer"}

// Errors of Grant and Revoke that callers tell apart.
var (
	ErrKeyName   = errors.New("not a name for a key")
	ErrKeyRole   = errors.New("not a role")
	ErrKey       = errors.New("not a public key")
	ErrKeyExists = errors.New("the name has a key already")
	ErrNoHolder  = errors.New("nobody has a key under that name")
	ErrOwnKey    = errors.New("this key is the principal's own or its admin's")
)

// maxKeyName is the longest name of a key, in bytes.
const maxKeyName = 64

// checkHolder refuses what would make no file name, or no holder.
func checkHolder(h Holder) error {
	allowed := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c)
	}
	switch {
	case h.Name == "" || len(h.Name) > maxKeyName || h.Name[0] == '.' || h.Name[0] == '-' || strings.ContainsFunc(h.Name, func(c rune) bool { return !allowed(c) }):
		return fmt.Errorf("%w: %q (1 to %d letters, digits, and _ . - inside)", ErrKeyName, h.Name, maxKeyName)
	case !slices.Contains(roles, h.Role):
		return fmt.Errorf("%w: %q (%s)", ErrKeyRole, h.Role, strings.Join(roles, ", "))
	case !isKey(h.Public):
		return fmt.Errorf("%w: that of %s is not %d characters of Z85", ErrKey, h.Name, keyLength)
	}
	return nil
}

// Grant lets the holder in from now on, and after a restart too: its public
// key is on the disk when Grant returns. The same again is no error.
func (r *Ring) Grant(h Holder) error {
	if err := checkHolder(h); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(r.dir, ".lock"))
	if err != nil {
		return fmt.Errorf("lock key directory: %w", err)
	}
	defer unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if h == r.known[h.Public] {
		return nil
	}
	if h.Name == principalName || r.named(h.Name) != "" {
		return fmt.Errorf("%w: %s", ErrKeyExists, h.Name)
	}
	if other, taken := r.known[h.Public]; taken {
		return fmt.Errorf("%w: it is that of %s", ErrKeyExists, other.Name)
	}
	c := Certificate{Pair: Pair{Public: h.Public}, Metadata: map[string]string{"name": h.Name, "role": h.Role}}
	if err := write(r.public(h.Name), c.text(false), 0o644); err != nil {
		return err
	}
	r.known[h.Public] = h
	return nil
}

// Revoke ends what the holder of that name may do, and returns its public key.
// It is gone from the disk when Revoke returns.
func (r *Ring) Revoke(name string) (public string, err error) {
	if name == principalName || name == adminName {
		return "", fmt.Errorf("%w: stop the principal, remove %s and %s, and start it again", ErrOwnKey, r.public(name), r.secret(name))
	}
	unlock, err := lock(filepath.Join(r.dir, ".lock"))
	if err != nil {
		return "", fmt.Errorf("lock key directory: %w", err)
	}
	defer unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if public = r.named(name); public == "" {
		return "", fmt.Errorf("%w: %q", ErrNoHolder, name)
	}
	// Whatever becomes of the files: from now on it is not let in.
	delete(r.known, public)
	for _, file := range []string{r.public(name), r.secret(name)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return public, fmt.Errorf("revoke %s: it is not let in until the principal is started again; remove the file yourself: %w", name, err)
		}
	}
	return public, syncDirectory(r.dir)
}

// Holders are all that are let in, by name.
func (r *Ring) Holders() []Holder {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Holder, 0, len(r.known))
	for _, h := range r.known {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Holder) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Skipped are the files in the key directory that are no key of anybody. Their
// holders are not let in; the others are.
func (r *Ring) Skipped() []error { return r.skipped }

// named returns the public key of a holder. The caller has the lock.
func (r *Ring) named(name string) (public string) {
	for _, h := range r.known {
		if h.Name == name {
			return h.Public
		}
	}
	return ""
}

func (r *Ring) public(name string) string { return filepath.Join(r.dir, name+".key") }
func (r *Ring) secret(name string) string { return filepath.Join(r.dir, name+".key_secret") }

// readGranted reads the keys that were granted.
func (r *Ring) readGranted() error {
	files, err := filepath.Glob(filepath.Join(r.dir, "*.key"))
	if err != nil {
		return err
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".key")
		if name == principalName || name == adminName || name == agentName {
			continue
		}
		c, err := ReadCertificate(file)
		h := Holder{name, c.Metadata["role"], c.Public}
		if err == nil {
			err = checkHolder(h)
		}
		if other, twice := r.known[h.Public]; err == nil && twice {
			err = fmt.Errorf("%w: it is that of %s", ErrKeyExists, other.Name)
		}
		if err != nil {
			r.skipped = append(r.skipped, fmt.Errorf("%s lets nobody in: %w", file, err))
			continue
		}
		r.known[h.Public] = h
	}
	return nil
}
