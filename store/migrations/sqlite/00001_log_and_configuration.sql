-- +goose Up

-- What is derived or counted: the index tells of all groups up to "indexed";
-- "revision" counts the changes of the catalog.
CREATE TABLE state (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	indexed  INTEGER NOT NULL,
	revision INTEGER NOT NULL
) STRICT;
INSERT INTO state (id, indexed, revision) VALUES (1, 0, 0);

-- The newest fencing number of each engine.
CREATE TABLE lease (
	engine  TEXT    PRIMARY KEY,
	fence   INTEGER NOT NULL UNIQUE,
	granted INTEGER NOT NULL
) STRICT;

-- The transaction log: a row for each commit. Rows are added, never changed.
CREATE TABLE log (
	sequence INTEGER PRIMARY KEY,
	engine   TEXT    NOT NULL,
	fence    INTEGER NOT NULL,
	records  BLOB    NOT NULL,
	digest   BLOB    NOT NULL
) STRICT;

-- The index: a row for each transaction, derived from the log. "number" grows
-- in the order in which transactions began; "groups" lists their log rows.
CREATE TABLE tx (
	number    INTEGER PRIMARY KEY,
	id        TEXT    NOT NULL UNIQUE,
	groups    BLOB    NOT NULL,
	engine    TEXT    NOT NULL,
	status    TEXT    NOT NULL,
	caller    TEXT    NOT NULL,
	trustee   TEXT    NOT NULL,
	client    TEXT    NOT NULL,
	namespace TEXT    NOT NULL,
	procedure TEXT    NOT NULL,
	revision  INTEGER NOT NULL,
	started   INTEGER NOT NULL,
	ended     INTEGER NOT NULL,
	code      INTEGER NOT NULL,
	text      TEXT    NOT NULL
) STRICT;
CREATE INDEX tx_by_status ON tx (status, number) WHERE status <> 'committed';

-- The texts of namespaces, by content.
CREATE TABLE source (
	hash TEXT PRIMARY KEY,
	text BLOB NOT NULL
) STRICT;

-- Every namespace as it was registered at some revision; "replaced" is the
-- revision at which a newer one took its place. So the catalog of any revision
-- can be told.
CREATE TABLE namespace (
	folded          TEXT    NOT NULL,
	revision        INTEGER NOT NULL,
	replaced        INTEGER,
	name            TEXT    NOT NULL,
	hash            TEXT    NOT NULL REFERENCES source (hash),
	file            TEXT    NOT NULL,
	description     TEXT    NOT NULL,
	provider_source TEXT    NOT NULL,
	version         INTEGER NOT NULL,
	read_only       INTEGER NOT NULL,
	procedures      INTEGER NOT NULL,
	registered      INTEGER NOT NULL,
	PRIMARY KEY (folded, revision)
) STRICT;
CREATE UNIQUE INDEX namespace_in_force ON namespace (folded) WHERE replaced IS NULL;

CREATE TABLE setting (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;
