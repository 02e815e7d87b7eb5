-- +goose Up

-- One row: what counts changes of the configuration, and the newest fencing
-- number given to any engine.
CREATE TABLE state (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	revision BIGINT NOT NULL,
	settings BIGINT NOT NULL,
	engines  BIGINT NOT NULL,
	fence    BIGINT NOT NULL
);
INSERT INTO state VALUES (1, 0, 0, 0, 0);

-- Every engine with its newest fencing number.
CREATE TABLE engine (
	name  TEXT   PRIMARY KEY,
	fence BIGINT NOT NULL,
	state TEXT   NOT NULL
);

-- Every lease that was given. Times are microseconds since 1970 by the clock
-- of this database.
CREATE TABLE lease (
	fence   BIGINT PRIMARY KEY,
	engine  TEXT   NOT NULL,
	granted BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	ended   BIGINT NOT NULL
);

-- The transaction log: a row for each commit of an engine. "sequence" is the
-- fencing number times 2^40 plus the number of the row in the chain of that
-- lease. Rows are added, never changed.
CREATE TABLE log (
	sequence BIGINT PRIMARY KEY,
	micros   BIGINT NOT NULL,
	records  BYTEA  NOT NULL,
	link     BYTEA  NOT NULL
);
ALTER TABLE log ALTER COLUMN records SET STORAGE EXTERNAL;

-- What retention cut off a chain: rows up to "number", the last of which had
-- the given link.
CREATE TABLE cut (
	fence  BIGINT PRIMARY KEY,
	number BIGINT NOT NULL,
	link   BYTEA  NOT NULL
);

-- Which transaction a clientTransactionId stands for.
CREATE TABLE client (
	trustee TEXT NOT NULL,
	client  TEXT NOT NULL,
	tx      TEXT NOT NULL,
	PRIMARY KEY (trustee, client)
);

-- The index: a row for each transaction that is finished, waits for an
-- operator or has run for long, derived from the log. "entry" holds what is
-- only shown and the rows of the log. "mark" tells up to where each chain is
-- told of.
CREATE TABLE tx (
	id      TEXT    PRIMARY KEY,
	started BIGINT  NOT NULL,
	number  BIGINT  NOT NULL,
	engine  TEXT    NOT NULL,
	status  TEXT    NOT NULL,
	refused BOOLEAN NOT NULL,
	audited BOOLEAN NOT NULL,
	last    BIGINT  NOT NULL,
	kept    INTEGER NOT NULL DEFAULT -1,
	entry   BYTEA   NOT NULL
);
CREATE INDEX tx_by_start ON tx (started, number);
CREATE INDEX tx_few ON tx (status, started, number) WHERE status <> 'committed';
CREATE TABLE mark (
	fence  BIGINT PRIMARY KEY,
	number BIGINT NOT NULL
);

-- The texts of namespaces, by content.
CREATE TABLE source (
	hash TEXT  PRIMARY KEY,
	text BYTEA NOT NULL
);

-- Every namespace as it was registered at some revision; "replaced" is the
-- revision at which a newer one took its place.
CREATE TABLE namespace (
	folded          TEXT    NOT NULL,
	revision        BIGINT  NOT NULL,
	replaced        BIGINT,
	name            TEXT    NOT NULL,
	hash            TEXT    NOT NULL REFERENCES source (hash),
	file            TEXT    NOT NULL,
	description     TEXT    NOT NULL,
	provider_source TEXT    NOT NULL,
	version         INTEGER NOT NULL,
	read_only       BOOLEAN NOT NULL,
	procedures      INTEGER NOT NULL,
	registered      BIGINT  NOT NULL,
	PRIMARY KEY (folded, revision)
);
CREATE UNIQUE INDEX namespace_in_force ON namespace (folded) WHERE replaced IS NULL;

CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
);
