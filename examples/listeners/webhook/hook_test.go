package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// The example of GitHub's own documentation.
func TestSignatureIsGitHubs(t *testing.T) {
	const secret, body = "It's a Secret to Everybody", "Hello, World!"
	const want = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if sign(secret, body) != want || !signed([]byte(secret), []byte(body), want) {
		t.Error("the signature differs from GitHub's")
	}
	for _, wrong := range []string{"", "sha256=", want[7:], want[:70], "sha1" + want[6:], strings.Replace(want, "7", "8", 1), want + "00"} {
		if signed([]byte(secret), []byte(body), wrong) {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// principal answers as a test says, and keeps what it was asked for.
type principal struct {
	err   error
	asked []wire.TriggerItem
}

func (p *principal) Trigger(_ context.Context, item wire.TriggerItem) (wire.Triggered, error) {
	p.asked = append(p.asked, item)
	return wire.Triggered{Run: "k3v9x0q2m7ab"}, p.err
}

func TestStatusSaysWhatTheSenderShallDo(t *testing.T) {
	const secret = "s"
	for _, c := range []struct {
		name      string
		body      string
		signature string // of the body, if empty
		delivery  string
		err       error
		status    int
		asked     bool
	}{
		{"accepted", `{"a":1}`, "", "d1", nil, 202, true},
		{"not signed", `{"a":1}`, "none", "d1", nil, 401, false},
		{"signed by another", `{"a":1}`, sign("other", `{"a":1}`), "d1", nil, 401, false},
		{"too large", strings.Repeat(" ", maxBody) + "1", "", "d1", nil, 413, false},
		{"as large as can be", strings.Repeat(" ", maxBody-1) + "1", "", "d1", nil, 202, true},
		{"not JSON", `{"a":`, "", "d1", nil, 400, false},
		{"bytes", "\"\xff\"", "", "d1", nil, 400, false},
		{"no delivery", `{}`, "", "", nil, 400, false},
		{"a delivery that is no key", `{}`, "", strings.Repeat("d", maxKey+1), nil, 400, false},
		{"principal away", `{}`, "", "d1", errors.New("cannot reach the principal"), 503, true},
		{"principal full", `{}`, "", "d1", &wire.Error{Code: wire.Unavailable}, 503, true},
		{"overlap: skip", `{}`, "", "d1", &wire.Error{Code: wire.Unavailable, Skipped: true}, 200, true},
		{"delivered with another body", `{}`, "", "d1", &wire.Error{Code: wire.Conflict}, 409, true},
		{"not for this workflow", `{}`, "", "d1", &wire.Error{Code: wire.BadRequest}, 400, true},
		{"no such workflow", `{}`, "", "d1", &wire.Error{Code: wire.NotFound}, 500, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &principal{err: c.err}
			h := &hook{principal: p, workflow: "w", secret: []byte(secret), patience: time.Second, log: slog.New(slog.DiscardHandler)}
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
			r.Header.Set("X-GitHub-Delivery", c.delivery)
			r.Header.Set("X-Hub-Signature-256", c.signature)
			if c.signature == "" {
				r.Header.Set("X-Hub-Signature-256", sign(secret, c.body))
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || (len(p.asked) > 0) != c.asked {
				t.Errorf("status %d, want %d; asked for %+v", w.Code, c.status, p.asked)
			}
			if c.asked && (p.asked[0].Key != c.delivery || p.asked[0].Params["payload"] != c.body) {
				t.Errorf("asked for %+v", p.asked)
			}
		})
	}
}
