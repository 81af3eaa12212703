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

// Check refuses what would make no file name, or no holder.
func (h Holder) Check() error {
	if err := checkName(h.Name); err != nil {
		return err
	}
	switch {
	case !slices.Contains(roles, h.Role):
		return fmt.Errorf("%w: %q (%s)", ErrKeyRole, h.Role, strings.Join(roles, ", "))
	case !isKey(h.Public):
		return fmt.Errorf("%w: that of %s is not %d characters of Z85", ErrKey, h.Name, keyLength)
	}
	return nil
}

func checkName(name string) error {
	allowed := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_.-", c)
	}
	if name == "" || len(name) > maxKeyName || name[0] == '.' || name[0] == '-' || strings.ContainsFunc(name, func(c rune) bool { return !allowed(c) }) {
		return fmt.Errorf("%w: %q (1 to %d letters, digits, and _ . - inside)", ErrKeyName, name, maxKeyName)
	}
	return nil
}

// Grant lets the holder in from now on, and after a restart too: its public
// key is on the disk when Grant returns. The same again is no error.
func (r *Ring) Grant(h Holder) error {
	if err := h.Check(); err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if h == r.holder(h.Public) {
		return nil
	}
	if err := r.free(h); err != nil {
		return err
	}
	c := Certificate{Pair: Pair{Public: h.Public}, Metadata: map[string]string{"name": h.Name, "role": h.Role}}
	if err := write(r.public(h.Name), c.text(false), 0o644); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[h.Public] = h
	return nil
}

// free refuses a name or a key that is somebody's. Names that differ in case
// alone are one name: on some disks they are one file.
func (r *Ring) free(h Holder) error {
	if other := r.holder(h.Public); other.Name != "" {
		return fmt.Errorf("%w: it is that of %s", ErrKeyExists, other.Name)
	}
	for _, taken := range append(r.Holders(), Holder{Name: principalName}) {
		if strings.EqualFold(taken.Name, h.Name) {
			return fmt.Errorf("%w: %s", ErrKeyExists, taken.Name)
		}
	}
	// A file that lets nobody in may still be somebody's.
	if _, err := os.Lstat(r.public(h.Name)); err == nil {
		return fmt.Errorf("%w: %s is there; revoke %s first", ErrKeyExists, r.public(h.Name), h.Name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("grant %s: %w", h.Name, err)
	}
	return nil
}

// Revoke ends what the holder of that name may do, and returns its public key:
// empty where only a file was there, which let nobody in. The file is gone from
// the disk when Revoke returns.
func (r *Ring) Revoke(name string) (public string, err error) {
	if strings.EqualFold(name, principalName) || strings.EqualFold(name, adminName) {
		return "", fmt.Errorf("%w: stop the principal, remove %s and %s, and start it again", ErrOwnKey, r.public(name), r.secret(name))
	}
	unlock, err := r.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	// Whatever becomes of the files: from now on it is not let in.
	public = r.forget(name)
	if public == "" && !r.stray(name) {
		return "", fmt.Errorf("%w: %q", ErrNoHolder, name)
	}
	files := []string{r.public(name)}
	if name == agentName { // the only holder whose secret part is here
		files = append(files, r.secret(name))
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return public, fmt.Errorf("revoke %s: it is let in again when the principal starts anew; remove the file yourself: %w", name, err)
		}
	}
	return public, syncDirectory(r.dir)
}

// stray tells whether a key file of that name is there, and nobody's: one that
// was left out, or that appeared since.
func (r *Ring) stray(name string) bool {
	if checkName(name) != nil || slices.ContainsFunc(r.Holders(), func(h Holder) bool { return strings.EqualFold(h.Name, name) }) {
		return false
	}
	_, err := os.Lstat(r.public(name))
	return err == nil
}

// lock keeps others, in this process and elsewhere, from changing the
// directory. Lookups go on meanwhile.
func (r *Ring) lock() (unlock func(), err error) {
	unlock, err = lock(filepath.Join(r.dir, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("lock key directory: %w", err)
	}
	return unlock, nil
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

// holder returns who has a public key, or nobody.
func (r *Ring) holder(public string) Holder {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.known[public]
}

// forget takes a holder out and returns its public key, if there is one.
func (r *Ring) forget(name string) (public string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.known {
		if h.Name == name {
			delete(r.known, h.Public)
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
			err = h.Check()
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
