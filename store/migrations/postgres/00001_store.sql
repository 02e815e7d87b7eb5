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
	ended   BIGINT NOT NULL,
	holder  TEXT   NOT NULL
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
	at      BIGINT NOT NULL,
	PRIMARY KEY (trustee, client)
);
CREATE INDEX client_by_time ON client (at);

-- Signed statements about the heads of the chains, in the order of writing.
CREATE TABLE checkpoint (
	number    BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	statement BYTEA  NOT NULL
);

-- Commands for the audit database that transactions have left: they are run
-- when the transaction has committed. "tries" is how often one has failed.
CREATE TABLE audit_command (
	tx      TEXT    NOT NULL,
	seq     INTEGER NOT NULL,
	place   INTEGER NOT NULL,
	command TEXT    NOT NULL,
	tries   INTEGER NOT NULL,
	due     BIGINT  NOT NULL,
	error   TEXT    NOT NULL,
	PRIMARY KEY (tx, seq, place)
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
	kept    INTEGER NOT NULL,
	entry   BYTEA   NOT NULL
);
CREATE INDEX tx_by_start ON tx (started, number);
CREATE INDEX tx_few ON tx (status, started, number) WHERE status <> 'committed';
CREATE INDEX tx_kept ON tx (started, number) WHERE kept > 0;
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

-- Retention: the engine may not delete rows of the log, but this function of
-- the owner does, as far as they are behind the cut and older than an hour.
-- +goose StatementBegin
CREATE FUNCTION cut_log(chain BIGINT, most INTEGER) RETURNS INTEGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
	upto BIGINT;
	gone INTEGER;
BEGIN
	SELECT number INTO upto FROM cut WHERE fence = chain;
	IF upto IS NULL THEN
		RETURN 0;
	END IF;
	DELETE FROM log WHERE sequence IN (
		SELECT sequence FROM log
		WHERE sequence > chain << 40 AND sequence <= (chain << 40) + upto
			AND micros < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - 3600000000
		ORDER BY sequence LIMIT most);
	GET DIAGNOSTICS gone = ROW_COUNT;
	RETURN gone;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION cut_log FROM PUBLIC;

-- The roles of those who are not the owner. Where this account may not make
-- roles, the owner's account runs the engines.
-- +goose StatementBegin
DO $$
DECLARE
	role TEXT;
BEGIN
	FOREACH role IN ARRAY ARRAY['sutler_engine', 'sutler_auditor'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', role);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
		END;
	END LOOP;
	GRANT USAGE ON SCHEMA public TO sutler_engine, sutler_auditor;
	GRANT SELECT ON ALL TABLES IN SCHEMA public TO sutler_engine;
	GRANT INSERT ON log, checkpoint, lease, engine, cut, client, audit_command, tx, mark, source, namespace, setting TO sutler_engine;
	GRANT UPDATE ON state, engine, lease, cut, audit_command, tx, mark, namespace, setting TO sutler_engine;
	GRANT DELETE ON client, audit_command, tx, setting TO sutler_engine;
	GRANT EXECUTE ON FUNCTION cut_log TO sutler_engine;
	GRANT SELECT ON log, checkpoint, cut, lease, engine, tx, mark, goose_db_version TO sutler_auditor;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
-- +goose StatementEnd
