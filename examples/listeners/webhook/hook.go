package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cdktr/cdktr/lib/wire"
)

// maxBody is the largest body in bytes: it becomes one parameter, and these hold
// no more.
const maxBody = 64 << 10

// maxKey is the longest idempotency key in bytes.
const maxKey = 1024

// trigger is the part of a client that a hook needs.
type trigger interface {
	Trigger(ctx context.Context, item wire.TriggerItem) (wire.Triggered, error)
}

type hook struct {
	principal trigger
	workflow  string
	secret    []byte
	patience  time.Duration
	log       *slog.Logger
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	// Whoever has not signed it hears nothing about the rest.
	if !signed(h.secret, body, r.Header.Get("X-Hub-Signature-256")) {
		http.Error(w, "the signature is missing or wrong", http.StatusUnauthorized)
		return
	}
	delivery := r.Header.Get("X-GitHub-Delivery")
	if delivery == "" || len(delivery) > maxKey {
		http.Error(w, "X-GitHub-Delivery must name the delivery", http.StatusBadRequest)
		return
	}
	if !json.Valid(body) || !utf8.Valid(body) {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.patience)
	defer cancel()
	started, err := h.principal.Trigger(ctx, wire.TriggerItem{
		Workflow: h.workflow,
		Params:   wire.Params{"event": r.Header.Get("X-GitHub-Event"), "payload": string(body)},
		Key:      delivery,
		Source:   "listen",
	})
	if err != nil {
		h.refuse(w, delivery, err)
		return
	}
	h.log.Info("run", "delivery", delivery, "run", started.Run, "existing", started.Existing)
	answer(w, http.StatusAccepted, map[string]any{"run": started.Run, "existing": started.Existing})
}

// refuse says whether the sender shall try again (503) or not. Why a request of
// ours was refused is for our log.
func (h *hook) refuse(w http.ResponseWriter, delivery string, err error) {
	h.log.Warn("no run", "delivery", delivery, "error", err)
	var refused *wire.Error
	switch errors.As(err, &refused); {
	case refused == nil, refused.Code == wire.Unavailable && !refused.Skipped:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "not now; try again", http.StatusServiceUnavailable)
	case refused.Skipped:
		answer(w, http.StatusOK, map[string]any{"skipped": refused.Message})
	case refused.Code == wire.Conflict:
		http.Error(w, "this delivery had another body", http.StatusConflict)
	case refused.Code == wire.BadRequest, refused.Code == wire.TooLarge:
		http.Error(w, "the workflow does not take this event", http.StatusBadRequest)
	default:
		http.Error(w, "misconfigured", http.StatusInternalServerError)
	}
}

// signed tells whether a signature, as GitHub sends it, is of the body. It takes
// the same time for each wrong one.
func signed(secret, body []byte, signature string) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	sum, err := hex.DecodeString(digits)
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil)) && ok && err == nil
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a sender that has gone asks again
}
