// Package client is what a Go program imports to trigger, watch and query
// runs; the commands use it too. It finds the principal, proves its key,
// retries while the principal is away, and turns answers into lib/wire's
// types. It prints nothing and decides nothing.
//
// Open finds the principal that runs on this machine, as the commands do; for
// one elsewhere give New an Options.Remote, from ReadJoin. Then:
//
//	Trigger, TriggerBatch        ask for runs, each once over all retries
//	Wait, Run                    the end of a run, the state of a run
//	Logs, Events, Runs           iterate over the history
//	WatchLogs, WatchEvents       iterate over what there is and what comes
//	Workflows, Agents            what the principal knows
//	Call                         any other operation of docs/protocol.md
//
// While the principal is away, calls wait for it, by default for a minute, and
// iterators go on where they were. Errors are to be told apart by errors.As and
// errors.Is: *wire.Error is what the principal refused, and why, *AwayError that
// nobody answered, ErrDenied, ErrNoKey and ErrBadKey that the key is no good.
//
// It needs cgo and libzmq with CURVE (Debian: libzmq3-dev).
package client
