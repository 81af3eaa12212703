// Package failpoint lets a test kill the process at a named place, to show
// what survives. It does nothing unless the program is built with the tag
// failpoint: then CDKTR_FAILPOINT=name:N kills it at the N-th hit of that
// name, as kill -9 would.
//
// The names: store.events.* and store.lines.* with before-commit, after-commit
// and after-side-file; store.events.between-flushes; principal.after-receive,
// before-commit, before-acknowledge and before-acknowledge-lines; agent.* with
// after-lease (nothing started yet), after-start, after-exit (the result is not
// on disk yet), after-keep (on disk, not sent) and after-report (acknowledged,
// still on disk); agent.spool.after-write (lines are in a file, not sent). At
// bus.zap nothing is killed: the ZAP handler fails.
package failpoint
