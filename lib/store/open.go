package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// open finds out what is there before it changes anything.
func (s *Store) open(ctx context.Context, connector *duckdb.Connector) error {
	present, err := exists(s.opts.Path)
	if err != nil {
		return err
	}
	guarded, err := exists(ackedPath(s.opts.Path))
	if err != nil {
		return err
	}
	var found state
	if present && !guarded {
		// Nothing may be made beside a database that is not ours.
		if found, err = s.probe(ctx); err != nil {
			return err
		}
	}
	var known bool
	if s.acked, known, err = openAcked(s.opts.Path); err != nil {
		return err
	}
	if present && guarded {
		if found, err = s.probe(ctx); err != nil {
			return err
		}
	}
	if s.days, err = openDays(s.db, s.opts); err != nil {
		return err
	}
	loss := s.compare(ctx, &found, present, known)
	if loss != nil && !s.opts.AcceptLoss {
		return loss
	}

	if !present {
		if found.id = s.acked.id; found.id == "" {
			found.id = newID()
		}
		meta := map[string]string{"app": appName, "schema": schemaVersion, "id": found.id, viewsMark: viewsVersion()}
		if err := create(ctx, s.db, s.opts.Path, stateSchema+stateViews, meta, s.opts.Now()); err != nil {
			return err
		}
	}
	if err := attach(ctx, s.db, s.opts.Path, stateAlias, ""); err != nil {
		return s.openError(err)
	}
	if err := s.renewViews(ctx); err != nil {
		return err
	}
	if err := s.start(ctx, connector, found); err != nil {
		return err
	}
	s.eventKeeper.committed(restCommits) // what the start has replayed
	s.lineKeeper.committed(restCommits)
	if loss != nil {
		s.opts.Logger.Warn("going on without a part of the history", "loss", loss.Error())
		now := s.opts.Now().UTC()
		if _, err := s.db.ExecContext(ctx, "INSERT INTO "+stateAlias+".meta VALUES ('loss', ?, ?), ('given_out', ?, ?)", loss.Error(), now, strconv.FormatInt(s.pos.next-1, 10), now); err != nil {
			return disk("note the loss in %s: %w", s.opts.Path, err)
		}
	}
	if loss != nil || !known {
		return s.acked.reset(found.id, [2]mark{{Pos: found.pos}, found.lines})
	}
	return nil
}

// stateAlias is app.db's name within DuckDB.
const stateAlias = "app"

// state is what a database says of itself.
type state struct {
	id       string
	pos      int64 // of the last event
	lines    mark  // the last line, as far as is known
	givenOut int64 // the last position that there was before a loss
}

// probe looks at app.db without writing to it.
func (s *Store) probe(ctx context.Context) (state, error) {
	const alias = "probe"
	if err := attach(ctx, s.db, s.opts.Path, alias, " (READ_ONLY)"); err != nil {
		return state{}, s.openError(err)
	}
	meta, why, err := identify(ctx, s.db, alias)
	if err == nil && why != "" {
		err = &ForeignError{Path: s.opts.Path, Why: why}
	}
	found := state{id: meta["id"]}
	if err == nil {
		err = s.db.QueryRowContext(ctx, "SELECT (SELECT coalesce(max(pos), 0) FROM "+alias+".events), (SELECT coalesce(max(value::BIGINT), 0) FROM "+alias+".meta WHERE name = 'given_out')").Scan(&found.pos, &found.givenOut)
	}
	if err != nil {
		return state{}, s.openError(err)
	}
	if _, err := s.db.ExecContext(ctx, "DETACH "+alias); err != nil {
		return state{}, s.openError(err)
	}
	return found, nil
}

// openError gives an error of DuckDB about app.db its kind.
func (s *Store) openError(err error) error {
	if locked := lockedBy(s.opts.Path, err); locked != nil {
		return locked
	}
	if text := err.Error(); strings.Contains(text, "not a valid DuckDB database file") || strings.Contains(text, "database file with version number") {
		return &ForeignError{Path: s.opts.Path, Why: "this is not a DuckDB database that this program can read"}
	}
	if _, ours := err.(*ForeignError); ours {
		return err
	}
	return disk("open %s: %w", s.opts.Path, err)
}

// compare holds what was found against what was acknowledged. It also decides
// where positions go on: no position is given out twice, whatever was lost.
func (s *Store) compare(ctx context.Context, found *state, present, known bool) *MissingError {
	events, lines := s.acked.marks[eventWriter], s.acked.marks[lineWriter]
	look := s.days.dates
	if known && len(look) > 0 {
		look = []string{lines.Day, look[len(look)-1]}
	}
	last := s.days.last(ctx, look)
	for date, pos := range last {
		if pos >= found.lines.Pos {
			found.lines = mark{Pos: pos, Day: date}
		}
	}
	s.pos.next = max(found.pos, found.lines.Pos, events.Pos, lines.Pos, found.givenOut) + 1

	missing := &MissingError{Path: s.opts.Path}
	switch {
	case !known && (found.pos > 0 || found.lines.Pos > 0), known && present && s.acked.id != found.id:
		missing.What, missing.Found = unknownLoss, found.pos
	case found.pos < events.Pos:
		missing.What, missing.Acked, missing.Found = "events", events.Pos, found.pos
	case last[lines.Day] < lines.Pos:
		missing.What, missing.Acked, missing.Found = "lines", lines.Pos, last[lines.Day]
	default:
		return nil
	}
	return missing
}

// start makes the writers ready.
func (s *Store) start(ctx context.Context, connector *duckdb.Connector, found state) error {
	if err := s.events.open(ctx, connector, s.db); err != nil {
		return fmt.Errorf("open %s: %w", s.opts.Path, err)
	}
	if err := s.lines.open(ctx, connector); err != nil {
		return fmt.Errorf("open %s: %w", s.opts.Path, err)
	}
	return nil
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
