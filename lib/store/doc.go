// Package store keeps the history of CDKTR in DuckDB: it owns the schema, the
// commits, the replay and the queries, and knows nothing of what events mean
// beyond what a query must.
//
// Two kinds of files make a history. app.db holds the state, one append-only
// table of events. Output lines live in one file a day, logs/YYYY-MM-DD.db,
// where the day is the UTC day on which the principal stored the line. So only
// one file is written to, an old day never changes and can leave as a whole
// file, and a line that comes a week late is in the file of the day on which
// it came, with its own time; queries look at each file's range of times, not
// at its name. All files are attached to one DuckDB instance.
//
// Events and lines share one sequence of positions, given out when a batch is
// formed. They are committed by two connections that do not wait for each
// other; Durable is the position below everything that is still under way, and
// no query by position sees beyond it, so that a cursor never skips.
//
// Nothing is updated or deleted. After each commit a side file (app.db.acked)
// gets the last position, and only then is the commit acknowledged. When the
// history that is found at a start ends below that, something was lost, and
// Open refuses.
package store
