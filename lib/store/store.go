package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// Options say where a history is and what it may use.
type Options struct {
	Path   string // of app.db; its directory is made when it is missing
	LogDir string // default: logs beside app.db

	// AcceptLoss goes on where acknowledged history is missing. The loss is
	// noted in the table meta.
	AcceptLoss bool

	MemoryLimit string           // of DuckDB, as "192MiB", the default
	Threads     int              // of DuckDB; default: half of the CPUs, at most 4
	Logger      *slog.Logger     // default: slog.Default()
	Now         func() time.Time // default: time.Now; decides the day of a log file
}

func (o *Options) complete() error {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return fmt.Errorf("open %s: %w", o.Path, err)
	}
	o.Path = path
	if o.LogDir == "" {
		o.LogDir = filepath.Join(filepath.Dir(path), "logs")
	}
	if o.LogDir, err = filepath.Abs(o.LogDir); err != nil {
		return fmt.Errorf("open %s: %w", o.LogDir, err)
	}
	if o.MemoryLimit == "" {
		o.MemoryLimit = "192MiB"
	}
	if o.Threads == 0 {
		// With fewer threads a small commit is handed from one to another
		// less often; half of the machine is left to tasks in any case.
		o.Threads = min(max(runtime.NumCPU()/2, 1), 4)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// maxReaders is how many queries run at once; more wait.
const maxReaders = 4

// Store is one open history. Append is for one goroutine, AppendLines for one,
// and everything else for any number.
type Store struct {
	opts  Options
	db    *sql.DB // the queries' connections
	acked *acked
	pos   positions
	days  *days

	events  eventLog
	lines   lineLog
	heads   heads
	readers readers
	look    time.Duration // lookTime, except in tests

	eventKeeper, lineKeeper keeper
	broken                  chan error // holds one

	closing sync.Once
	closed  error
}

// Durable is the position up to which everything is committed and visible.
func (s *Store) Durable() int64 { return s.pos.durable() }

// decided is how far the events alone are durable: what was acknowledged of a
// run is seen at once, also while lines of others are being written.
func (s *Store) decided() int64 { return s.pos.decided() }

// Open opens the history at o.Path, or makes one. It returns a ForeignError
// for a database that is not ours, a LockedError for one in use, a
// MissingError where acknowledged history is gone; in these cases nothing that
// was there before has been written to.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, disk("open %s: %w", o.Path, err)
	}
	connector, err := instance(o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Path, err)
	}
	s := &Store{opts: o, db: sql.OpenDB(connector), broken: make(chan error, 1), look: lookTime}
	s.eventKeeper.work, s.lineKeeper.work = s.keepEvents, s.keepLines
	s.db.SetMaxOpenConns(2 * maxReaders) // one reads what another has found
	s.db.SetMaxIdleConns(2 * maxReaders)
	if err := s.open(ctx, connector); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// instance starts DuckDB. Its own database is in memory and stays empty: all
// files are attached to it, by their full names.
func instance(o Options) (*duckdb.Connector, error) {
	settings := url.Values{
		"memory_limit":                 {o.MemoryLimit},
		"threads":                      {strconv.Itoa(o.Threads)},
		"temp_directory":               {o.Path + ".tmp"},
		"max_temp_directory_size":      {"4GiB"},
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
	}
	return duckdb.NewConnector(":memory:?"+settings.Encode(), func(execer driver.ExecerContext) error { return nil })
}

// Close ends all work and gives the files back. What is not committed was not
// acknowledged.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.readers.close()
		s.eventKeeper.close()
		s.lineKeeper.close()
		errs := []error{s.events.close(), s.lines.close(), s.db.Close()}
		if s.days != nil {
			s.days.writeSpans() // now that the files are whole
		}
		if s.acked != nil {
			// Last: it is the lock.
			errs = append(errs, s.acked.close())
		}
		s.closed = errors.Join(errs...)
	})
	return s.closed
}
