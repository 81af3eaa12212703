package principal

import (
	"context"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// Store is all that the principal needs of its history. lib/store implements
// it on DuckDB; the package does not import it, so that the log can one day
// live elsewhere.
type Store interface {
	EventLog
	LineLog
	Queries

	// Durable is the position up to which everything, events and lines, is
	// committed and visible to queries.
	Durable() int64
}

// EventLog keeps the state. It is used by one goroutine.
type EventLog interface {
	// Append commits the events in one transaction and sets their Pos. When
	// it returns nil, they survive power loss. After an error the process
	// must end: memory is ahead of the disk.
	Append(ctx context.Context, events []run.Event) error

	// Replay calls fn with every event of every run that has not ended, in
	// order of Pos.
	Replay(ctx context.Context, fn func(run.Event) error) error

	// Schedules calls fn with what the log says of the schedule of each
	// workflow that was ever scheduled or paused.
	Schedules(ctx context.Context, fn func(run.Scheduled) error) error

	// Keys calls fn with the idempotency keys of runs created since then,
	// the newest limit of them, oldest first. Those that the scheduler gave
	// to slots may be left out where they are older than a day.
	Keys(ctx context.Context, since time.Time, limit int, fn func(run.Key) error) error
}

// LineLog keeps the output of tasks. It is used by one goroutine, which may be
// another one than EventLog's.
type LineLog interface {
	// AppendLines commits the batches and sets their Pos. The caller has
	// made sure that each continues its stream.
	AppendLines(ctx context.Context, batches []wire.LogBatch) error

	// LastLines returns the last sequence number of each stream of the runs.
	LastLines(ctx context.Context, runs []string) (map[wire.StreamID]int64, error)
}

// Queries read the history; any number of goroutines may.
type Queries interface {
	// FindRuns returns the ids that begin with prefix, newest first, at most
	// limit.
	FindRuns(ctx context.Context, prefix string, limit int) ([]string, error)

	// GetRun returns the run with its tasks, or nil.
	GetRun(ctx context.Context, id string) (*wire.Run, error)

	// Story returns all events of the run, in order of Pos: none where it is
	// not known.
	Story(ctx context.Context, id string) ([]run.Event, error)
	ListRuns(ctx context.Context, q wire.RunList) (wire.Runs, error)
	ListEvents(ctx context.Context, q wire.EventsQuery) (wire.Events, error)
	ListLogs(ctx context.Context, q wire.LogsQuery) (wire.Logs, error)

	// LastRuns returns the newest run of each workflow that has one, without
	// its tasks.
	LastRuns(ctx context.Context) (map[string]wire.Run, error)
}
