-- +goose Up

-- Who may do what: accounts, access lists, settings of procedures and sealed
-- credentials. "access" in state counts the changes.
ALTER TABLE state ADD COLUMN access BIGINT NOT NULL DEFAULT 0;
CREATE TABLE access (
	kind  TEXT COLLATE "C" NOT NULL,
	name  TEXT COLLATE "C" NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (kind, name)
);

-- Auditors read what happened, not the hashes and credentials here.
-- +goose StatementBegin
DO $$
BEGIN
	GRANT SELECT, INSERT, UPDATE, DELETE ON access TO sutler_engine;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL;
END $$;
-- +goose StatementEnd
