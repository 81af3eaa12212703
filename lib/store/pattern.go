package store

import (
	"context"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// lookTime is how long a query looks for what matches its pattern before it
// answers with what it has, so that one that finds little in much gets on by
// pages, none of which takes long.
const lookTime = time.Second

// pattern is what a text must match; nil matches everything.
type pattern struct{ *wire.Pattern }

func parsePattern(text string) (*pattern, error) {
	p, err := wire.ParsePattern(text)
	if p == nil || err != nil {
		return nil, err
	}
	return &pattern{p}, nil
}

// any tells whether one of the texts matches.
func (p *pattern) any(texts ...string) bool { return p == nil || p.Any(texts...) }

// line tells whether a line's message matches. A gap has none.
func (p *pattern) line(l *loaded) bool {
	switch o := l.other; {
	case o == nil:
		return p.MatchString(l.text)
	case o.gap != nil:
		return false
	case o.message != nil:
		return p.MatchString(*o.message)
	default:
		return p.Match(o.binary)
	}
}

// narrow adds a condition that leaves out most lines that do not match, as far
// as DuckDB understands the pattern: only the first piece of a text, and no
// bytes. What it lets through must be looked at again.
func (p *pattern) narrow(ctx context.Context, s *Store, w *where) error {
	if p == nil || strings.ContainsRune(p.String(), 0) {
		return nil
	}
	const matches = "regexp_matches(%, ?, 's')"
	var ok bool
	err := s.db.QueryRowContext(ctx, "SELECT "+strings.Replace(matches, "%", "''", 1), p.String()).Scan(&ok)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		w.add("(bytes IS NOT NULL OR size > ? OR "+strings.Replace(matches, "%", "message", 1)+")", pieceBytes, p.String())
	}
	return nil
}
