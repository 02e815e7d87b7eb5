package store

import (
	"context"
	"database/sql"
	"fmt"

	"sutler"
)

// Access implements sutler.AccessStore.
func (s *Store) Access(ctx context.Context) ([]sutler.AccessRow, int64, error) {
	all, revision, err := s.access(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read who may do what: %w", err)
	}
	return all, revision, nil
}

func (s *Store) access(ctx context.Context) ([]sutler.AccessRow, int64, error) {
	tx, err := s.reads.Load().BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // revision and rows of one moment
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = tx.Rollback() }()
	// PostgreSQL takes a new picture with each statement, so that the revision
	// comes first: then rows may be newer than it says, and are read again.
	var revision int64
	if err := tx.QueryRowContext(ctx, "SELECT access FROM state").Scan(&revision); err != nil {
		return nil, 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT kind, name, value FROM access ORDER BY kind, name")
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	var all []sutler.AccessRow
	for rows.Next() {
		var r sutler.AccessRow
		if err := rows.Scan(&r.Kind, &r.Name, &r.Value); err != nil {
			return nil, 0, err
		}
		all = append(all, r)
	}
	return all, revision, rows.Err()
}

// PutAccess implements sutler.AccessStore. A row without a kind or name, or
// given twice, is an error with code BadInput.
func (s *Store) PutAccess(ctx context.Context, revision int64, rows ...sutler.AccessRow) (int64, error) {
	seen := map[[2]string]bool{}
	for _, r := range rows {
		key := [2]string{string(r.Kind), r.Name}
		if r.Kind == "" || r.Name == "" || seen[key] {
			return 0, sutler.Errorf(sutler.BadInput, "cannot change who may do what: the row %q of kind %q has no kind or name, or comes twice", r.Name, r.Kind)
		}
		seen[key] = true
	}
	var next int64
	err := s.change(ctx, func(tx *sql.Tx) error {
		// The row of the state first, so that of two who change the same the
		// second sees what the first did.
		if _, err := tx.Exec("UPDATE state SET access = access"); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT access FROM state").Scan(&next); err != nil {
			return err
		}
		if next != revision {
			return sutler.Errorf(sutler.Conflict, "it has revision %d and no longer %d", next, revision)
		}
		if len(rows) == 0 {
			return nil
		}
		next++
		for _, r := range rows {
			if err := putAccess(tx, r); err != nil {
				return err
			}
		}
		return s.stamp(tx, "access")
	})
	if err != nil {
		return 0, fmt.Errorf("cannot change who may do what: %w", err)
	}
	s.changed.tell()
	return next, nil
}

func putAccess(tx *sql.Tx, r sutler.AccessRow) error {
	if r.Value == nil {
		_, err := tx.Exec("DELETE FROM access WHERE kind = $1 AND name = $2", string(r.Kind), r.Name)
		return err
	}
	_, err := tx.Exec("INSERT INTO access (kind, name, value) VALUES ($1, $2, $3) ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value",
		string(r.Kind), r.Name, r.Value)
	return err
}
