package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sutler"
)

// Reader reads the chains of a log and changes nothing, also while a server
// uses the database.
type Reader struct{ s *Store }

// OpenReader opens the log of o for reading. On PostgreSQL the role
// sutler_auditor is enough.
func OpenReader(ctx context.Context, o Options) (*Reader, error) {
	s := &Store{dialect: sqliteDialect, options: o, log: slog.New(slog.DiscardHandler)}
	s.index.init()
	open := func() (*sql.DB, error) { return sql.Open("pgx", o.Database) }
	if o.Database != "" {
		s.dialect = postgresDialect
	} else {
		path, err := filepath.Abs(o.Path)
		if err != nil {
			return nil, fmt.Errorf("cannot open database %q: %w", o.Path, err)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("cannot open database %q: %w", o.Path, err)
		}
		open = func() (*sql.DB, error) {
			return sql.Open("sqlite", dsn(path, "", "busy_timeout(5000)", "query_only(1)"))
		}
	}
	db, err := open()
	if err != nil {
		return nil, fmt.Errorf("cannot open the database: %w", withoutPassword(err))
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the database: %w", withoutPassword(err)), db.Close())
	}
	s.reads.Store(db)
	return &Reader{s}, nil
}

// Close closes the database.
func (r *Reader) Close() error { return r.s.reads.Load().Close() }

// Heads implements sutler.Chains.
func (r *Reader) Heads(ctx context.Context) ([]sutler.ChainHead, error) { return r.s.Heads(ctx) }

// Rows implements sutler.Chains.
func (r *Reader) Rows(ctx context.Context, l sutler.Lease, first int64, f func(sutler.ChainRow) error) error {
	return r.s.Rows(ctx, l, first, f)
}

// Checkpoints implements sutler.Chains.
func (r *Reader) Checkpoints(ctx context.Context, f func([]byte) error) error {
	return r.s.Checkpoints(ctx, f)
}

// PutCheckpoint refuses: a reader changes nothing.
func (r *Reader) PutCheckpoint(context.Context, sutler.Lease, []byte) error {
	return sutler.Errorf(sutler.Denied, "cannot keep a signed statement: the database is open for reading only")
}
