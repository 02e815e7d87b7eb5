package store

import (
	"context"
	"database/sql"
)

// dialect is what the two kinds of databases do differently.
type dialect struct {
	name string
	// append adds a row to the log, if the engine's newest fencing number is
	// the given one: $1 sequence, $2 micros, $3 records, $4 link, $5 engine,
	// $6 fence.
	append string
	// holdEngine locks the row of an engine ($1) so that its fencing number
	// ($2) stays until the commit.
	holdEngine string
	// takeEngine locks the row of an engine ($1) against those that hold it.
	takeEngine string
	// shared says that other programs use the database at the same time. Then
	// leases lapse by its clock, and changes of the configuration are told by NOTIFY.
	shared bool
	// lazily is said at the beginning of a transaction that may get lost.
	lazily string
	// now is the database's clock, in microseconds since 1970; "" is that of the store.
	now string
}

var sqliteDialect = dialect{
	name:       "sqlite",
	append:     "INSERT INTO log SELECT $1, $2, $3, $4 FROM engine WHERE name = $5 AND fence = $6",
	holdEngine: "SELECT 1 FROM engine WHERE name = $1 AND fence = $2",
	takeEngine: "SELECT fence FROM engine WHERE name = $1",
}

// A takeover must wait for an append that is under way, and the other way
// round, but a heartbeat for neither: hence the key-share lock.
var postgresDialect = dialect{
	name: "postgres",
	append: `WITH held AS (SELECT 1 FROM engine WHERE name = $5 AND fence = $6 FOR KEY SHARE)
		INSERT INTO log SELECT $1::bigint, $2::bigint, $3::bytea, $4::bytea FROM held`,
	holdEngine: "SELECT 1 FROM engine WHERE name = $1 AND fence = $2 FOR KEY SHARE",
	takeEngine: "SELECT fence FROM engine WHERE name = $1 FOR UPDATE",
	shared:     true,
	lazily:     "SET LOCAL synchronous_commit = off",
	now:        "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
}

// clock returns the time by which leases are measured, in microseconds.
func (s *Store) clock(ctx context.Context, q querier) (int64, error) {
	if s.dialect.now == "" {
		return micros(s.now()), nil
	}
	var t int64
	err := q.QueryRowContext(ctx, s.dialect.now).Scan(&t)
	return t, err
}

// transact runs do in a database transaction on db, which an error undoes.
func transact(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &uncommitted{err}
	}
	return nil
}

// uncommitted is an error of a commit: nobody knows what became of it.
type uncommitted struct{ err error }

func (u *uncommitted) Error() string { return "cannot commit to the database: " + u.err.Error() }
func (u *uncommitted) Unwrap() error { return u.err }
