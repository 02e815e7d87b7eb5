package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sutler"
)

// fail returns err as what kept the provider from doing verb to the database;
// code is for errors that have none of their own.
func (d *database) fail(verb string, code sutler.Code, err error) error {
	if coded := (*sutler.Error)(nil); errors.As(err, &coded) {
		return err
	}
	return sutler.Errorf(codeOf(err, code), "cannot %s database %q: %w", verb, d.name, err)
}

// failCommand returns err as what kept cmd from running. The text names the
// command by its first words and holds no value that must not be logged.
func (d *database) failCommand(cmd *command, s *statement, code sutler.Code, err error) error {
	title := "the command"
	if words := s.title(); words != "" && !cmd.Hidden {
		title = `"` + words + ` …"`
	}
	var coded *sutler.Error
	if errors.As(err, &coded) {
		code = coded.Code
	} else {
		code = codeOf(err, code)
	}
	return sutler.Errorf(code, "cannot run %s on database %q: %w", title, d.name, mask(err, cmd))
}

// codeOf returns the code for an error of SQLite or of a context.
func codeOf(err error, otherwise sutler.Code) sutler.Code {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return sutler.TimedOut
	case errors.Is(err, context.Canceled):
		return sutler.Cancelled
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return codeOfState(pg.Code, otherwise)
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return otherwise
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return sutler.Exists
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return sutler.Busy
	case sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		return sutler.Denied
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return ConnectFailed
	case sqlite3.SQLITE_TOOBIG:
		return sutler.LimitReached
	}
	return otherwise
}

// codeOfState returns the code for an SQLSTATE of PostgreSQL.
func codeOfState(state string, otherwise sutler.Code) sutler.Code {
	switch state {
	case "23505": // unique_violation
		return sutler.Exists
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return sutler.Busy
	case "42501": // insufficient_privilege
		return sutler.Denied
	case "53300": // too_many_connections
		return TooManyConnections
	}
	switch state[:min(2, len(state))] {
	case "08", "28", "3D", "57": // connection, authorization, no such database, server shut down or session ended
		return ConnectFailed
	}
	return otherwise
}

// mask returns err without the database's text if that may quote something that cmd
// hides: a part of a value, as in messages about full-text queries, or of the
// command. Messages about constraints never do.
func mask(err error, cmd *command) error {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		if cmd.Hidden || slices.ContainsFunc(cmd.Params, func(p param) bool { return p.Hidden }) {
			return fmt.Errorf("SQLSTATE %s", pg.Code)
		}
		return err
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	values := slices.ContainsFunc(cmd.Params, func(p param) bool { return p.Hidden })
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_NOTNULL,
		sqlite3.SQLITE_CONSTRAINT_CHECK, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		values = false
	}
	if !values && !cmd.Hidden {
		return err
	}
	return errors.New(sqlite.ErrorCodeString[e.Code()&0xff])
}
