package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"sutler"
)

// Commander runs the commands of Custom Audit on the audit database, each
// together with a row of the table sutler_commands, so that it is run once.
type Commander struct {
	db *sql.DB
}

// OpenCommander opens the audit database: a SQLite file, which is made when
// missing, or a PostgreSQL database, postgres://….
func OpenCommander(ctx context.Context, place string) (*Commander, error) {
	var db *sql.DB
	err := error(nil)
	if strings.Contains(place, "://") {
		db, err = sql.Open("pgx", place)
	} else if place, err = filepath.Abs(place); err == nil {
		if err = makeFile(place); err == nil {
			db, err = connectSQLite(place, "")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the audit database: %w", withoutPassword(err))
	}
	const table = "CREATE TABLE IF NOT EXISTS sutler_commands (tx TEXT NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (tx, seq, place))"
	if _, err := db.ExecContext(ctx, table); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the audit database: %w", withoutPassword(err)), db.Close())
	}
	return &Commander{db}, nil
}

// Close closes the database.
func (c *Commander) Close() error { return c.db.Close() }

// Run runs one command, if it was not run before.
func (c *Commander) Run(ctx context.Context, p sutler.PendingCommand) error {
	return transact(ctx, c.db, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "INSERT INTO sutler_commands (tx, seq, place) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", string(p.Transaction), p.Seq, p.Place)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, p.SQL)
		return err
	})
}
