-- +goose Up

-- Who may do what: accounts, access lists, settings of procedures and sealed
-- credentials. "access" in state counts the changes.
ALTER TABLE state ADD COLUMN access INTEGER NOT NULL DEFAULT 0;
CREATE TABLE access (
	kind  TEXT NOT NULL,
	name  TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
