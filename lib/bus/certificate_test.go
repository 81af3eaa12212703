package bus

import (
	"strings"
	"testing"
)

func TestCertificateTextReadsBack(t *testing.T) {
	c := Certificate{Pair: newPair(t), Metadata: map[string]string{"name": "web", "role": "agent", "empty": ""}}
	for _, secret := range []bool{true, false} {
		got, err := parseCertificate(strings.NewReader(c.text(secret)))
		if err != nil || got.Public != c.Public || got.Metadata["role"] != "agent" || len(got.Metadata) != 3 {
			t.Errorf("got %+v, %v", got, err)
		}
		if secret != (got.Secret == c.Secret) || !secret && strings.Contains(c.text(false), c.Secret) {
			t.Errorf("secret %v: got %+v", secret, got)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add("metadata\n    role = \"agent\"\ncurve\n    public-key = \"" + strings.Repeat("#", keyLength) + "\"\n")
	f.Add("# x\ncurve\n\tpublic-key=" + strings.Repeat("=", keyLength) + "\n\tsecret-key = 'x'\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCertificate(strings.NewReader(text))
		if err == nil && (len(c.Public) != keyLength || len(c.Secret) != 0 && len(c.Secret) != keyLength) {
			t.Errorf("accepted %+v", c)
		}
	})
}
