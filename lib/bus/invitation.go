package bus

import (
	"fmt"
	"io"
	"strings"
)

// Invitation is what the holder of a new key needs on another machine: its
// certificate with the secret part, and how to find and to know the principal.
// The file that holds it is a ZeroMQ certificate with one more section.
type Invitation struct {
	Certificate         // metadata: name and role
	PrincipalKey string // public
	Address      string // tcp://host:port of the API
}

// Text is the file.
func (i Invitation) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#   CDKTR: the key of %q (%s). Keep this file to yourself.\n", i.Metadata["name"], i.Metadata["role"])
	b.WriteString("#   On the other machine: cdktr-agent --join FILE, or any other command.\n\n")
	_, certificate, _ := strings.Cut(i.Certificate.text(true), "\n\n")
	b.WriteString(certificate)
	fmt.Fprintf(&b, "principal\n    address = \"%s\"\n    principal-key = \"%s\"\n", i.Address, i.PrincipalKey)
	return b.String()
}

// ParseInvitation reads such a file.
func ParseInvitation(r io.Reader) (Invitation, error) {
	sections, err := parseZPL(io.LimitReader(r, maxCertificate))
	if err != nil {
		return Invitation{}, err
	}
	i := Invitation{PrincipalKey: sections["principal"]["principal-key"], Address: sections["principal"]["address"]}
	if i.Certificate, err = certificate(sections); err != nil {
		return i, err
	}
	switch {
	case i.Secret == "":
		return i, fmt.Errorf("it holds no secret-key")
	case !isKey(i.PrincipalKey):
		return i, fmt.Errorf("it holds no principal-key of %d characters of Z85", keyLength)
	case i.Address == "":
		return i, fmt.Errorf("it holds no address of the principal")
	}
	return i, Holder{i.Metadata["name"], i.Metadata["role"], i.Public}.Check()
}
