package bus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cdktr/cdktr/lib/plainfile"
)

// Certificate is a key pair with what is known about it, in the format that
// ZeroMQ's own tools write (ZPL). Secret is empty in a public certificate.
type Certificate struct {
	Pair
	Metadata map[string]string
}

// keyLength is the length of a key in Z85, maxCertificate that of a file.
const (
	keyLength      = 40
	maxCertificate = 64 << 10
)

// ReadCertificate reads a certificate file. One with a secret part that others
// may read is refused.
func ReadCertificate(path string) (Certificate, error) {
	f, err := plainfile.Open(path)
	if err != nil {
		return Certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	defer f.Close()
	text, err := plainfile.ReadFrom(f, maxCertificate)
	if err != nil {
		return Certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	c, err := parseCertificate(bytes.NewReader(text))
	if err != nil {
		return Certificate{}, fmt.Errorf("read certificate %s: %w", path, err)
	}
	if c.Secret != "" {
		info, err := f.Stat()
		if err != nil {
			return Certificate{}, fmt.Errorf("read certificate: %w", err)
		}
		if err := private(path, info, 0o600); err != nil {
			return Certificate{}, err
		}
	}
	return c, nil
}

// WriteSecret writes the certificate with its secret part, for this user alone.
func (c Certificate) WriteSecret(path string) error { return write(path, c.text(true), 0o600) }

// ErrOpenToOthers: a secret, or a directory of them, that other users have a
// right to.
var ErrOpenToOthers = errors.New("is open to other users")

// private refuses a file or directory that others have a right to.
func private(path string, info os.FileInfo, mode os.FileMode) error {
	if have := info.Mode().Perm(); have&0o077 != 0 {
		return fmt.Errorf("%s %w (mode %04o): run chmod %04o %s", path, ErrOpenToOthers, have, mode, path)
	}
	return nil
}

func parseCertificate(r io.Reader) (Certificate, error) {
	sections, err := parseZPL(r)
	if err != nil {
		return Certificate{}, err
	}
	return certificate(sections)
}

func certificate(sections map[string]map[string]string) (Certificate, error) {
	c := Certificate{Metadata: sections["metadata"]}
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Public, c.Secret = sections["curve"]["public-key"], sections["curve"]["secret-key"]
	if !isKey(c.Public) {
		return Certificate{}, fmt.Errorf("it holds no public-key of %d characters of Z85", keyLength)
	}
	if c.Secret != "" && !isKey(c.Secret) {
		return Certificate{}, fmt.Errorf("its secret-key is not %d characters of Z85", keyLength)
	}
	return c, nil
}

// parseZPL reads ZPL as far as certificates need it: sections begin at the left
// edge, their properties are indented, comments have lines of their own (a key
// may contain the sign).
func parseZPL(r io.Reader) (map[string]map[string]string, error) {
	sections := map[string]map[string]string{}
	section := ""
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxCertificate+2) // one line may be the whole file, and then its end is to be read too
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, isProperty := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), unquote(strings.TrimSpace(value))
		indented := in.Text()[0] == ' ' || in.Text()[0] == '\t'
		switch {
		case !indented:
			section = name
		case isProperty:
			if sections[section] == nil {
				sections[section] = map[string]string{}
			}
			sections[section][name] = value
		}
	}
	return sections, in.Err()
}

// isKey tells whether a text can be a key in Z85.
func isKey(s string) bool {
	const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
	return len(s) == keyLength && strings.Trim(s, z85) == ""
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// text writes the certificate; without the secret part it can be shown to
// anybody.
func (c Certificate) text(secret bool) string {
	var b strings.Builder
	if secret {
		b.WriteString("#   ZeroMQ CURVE **Secret** Certificate\n#   Keep this file to yourself.\n\n")
	} else {
		b.WriteString("#   ZeroMQ CURVE Public Certificate\n\n")
	}
	b.WriteString("metadata\n")
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		fmt.Fprintf(&b, "    %s = \"%s\"\n", name, c.Metadata[name])
	}
	fmt.Fprintf(&b, "curve\n    public-key = \"%s\"\n", c.Public)
	if secret {
		fmt.Fprintf(&b, "    secret-key = \"%s\"\n", c.Secret)
	}
	return b.String()
}
