package store

// schemaVersion grows when a table changes. Columns that nobody asks for in a
// query belong into events.body, and need no new version.
const (
	schemaVersion = "1"
	appName       = "cdktr"
)

// The tables of app.db. An event sets the columns that its kind has; the rest
// are null. Times are UTC; params and body are JSON. Where key, reason, params
// or body are longer than a piece, beyond is the number of bytes that are in
// long_texts. A definition is in pieces too, one a row.
const stateSchema = `
CREATE TABLE meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL, time TIMESTAMP NOT NULL);

CREATE TABLE definitions (hash VARCHAR NOT NULL, workflow VARCHAR NOT NULL, time TIMESTAMP NOT NULL, n INTEGER NOT NULL, body VARCHAR NOT NULL);

CREATE TABLE events (
	pos         BIGINT NOT NULL,
	time        TIMESTAMP NOT NULL,
	kind        VARCHAR NOT NULL,
	workflow    VARCHAR,
	run         VARCHAR,
	task        VARCHAR,
	attempt     INTEGER,
	status      VARCHAR,
	agent       VARCHAR,
	agent_id    VARCHAR,
	incarnation BIGINT,
	reason      VARCHAR,
	"trigger"   VARCHAR,
	key         VARCHAR,
	params      VARCHAR,
	definition  VARCHAR,
	outcome     VARCHAR,
	exit_code   INTEGER,
	started     TIMESTAMP,
	ended       TIMESTAMP,
	body        VARCHAR,
	beyond      INTEGER
);

CREATE TABLE long_texts (pos BIGINT NOT NULL, name VARCHAR NOT NULL, n INTEGER NOT NULL, text VARCHAR NOT NULL);
`

// The tables of one day's log file. What the lines of a stream share is said
// once, in heads; a line names its head by the position at which that was
// written. (One text a line in place of six makes both writing and reading
// several times faster.) A stream may have several heads. size is the number
// of bytes of message or bytes: a query reads it to know how much of the rest
// it may load. What is longer than a piece goes on in more.
const daySchema = `
CREATE TABLE meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL, time TIMESTAMP NOT NULL);

CREATE TABLE heads (
	pos      BIGINT NOT NULL,
	workflow VARCHAR NOT NULL,
	run      VARCHAR NOT NULL,
	task     VARCHAR NOT NULL,
	attempt  INTEGER NOT NULL,
	agent    VARCHAR,
	stream   VARCHAR NOT NULL
);

CREATE TABLE lines (
	pos       BIGINT NOT NULL,
	head      BIGINT NOT NULL,
	time      TIMESTAMP NOT NULL,
	seq       BIGINT NOT NULL,
	part      INTEGER,
	message   VARCHAR,
	bytes     BLOB,
	gap_lines BIGINT,
	gap_bytes BIGINT,
	size      INTEGER NOT NULL
);

CREATE TABLE more (pos BIGINT NOT NULL, n INTEGER NOT NULL, message VARCHAR, bytes BLOB);

CREATE VIEW logs AS
	SELECT l.time, l.pos, h.workflow, h.run, h.task, h.attempt, h.agent, h.stream, l.seq, l.part,
		l.message || coalesce(m.message, '') AS message,
		CASE WHEN m.base64 IS NULL THEN l.bytes ELSE from_base64(to_base64(l.bytes) || m.base64) END AS bytes,
		l.gap_lines, l.gap_bytes
	FROM lines l JOIN heads h ON l.head = h.pos LEFT JOIN (
		SELECT pos, string_agg(message, '' ORDER BY n) AS message, string_agg(to_base64(bytes), '' ORDER BY n) AS base64
		FROM more GROUP BY pos
	) m ON l.pos = m.pos;
`

// runChangeKinds are the kinds of the events that change a run's status after
// its creation.
const runChangeKinds = `('run_changed', 'run_reopened')`

// finalStatuses is Status.Final in SQL.
const finalStatuses = `('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')`
