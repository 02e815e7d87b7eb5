package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sutler"
)

// Pending returns up to n commands for the audit database whose transaction
// has committed and whose time has come, in the order in which they were left.
// Those of transactions that were rolled back are forgotten.
func (s *Store) Pending(ctx context.Context, now time.Time, n int) ([]sutler.PendingCommand, error) {
	all, err := s.commands(ctx, "WHERE due <= $1 ORDER BY tx, seq, place LIMIT $2", micros(now), n)
	if err != nil {
		return nil, err
	}
	var ready []sutler.PendingCommand
	for _, c := range all {
		tx, err := s.Transaction(ctx, c.Transaction)
		switch {
		case err != nil:
			return ready, fmt.Errorf("cannot read the audit commands: %w", err)
		case tx.Status == sutler.Committed:
			ready = append(ready, c)
		case tx.Status == sutler.RolledBack:
			if err := s.DropCommand(ctx, c); err != nil {
				return ready, err
			}
		}
	}
	return ready, nil
}

// BadCommands returns the commands for the audit database that have failed and
// are tried again (MPF: table BadAuditCommands).
func (s *Store) BadCommands(ctx context.Context) ([]sutler.PendingCommand, error) {
	return s.commands(ctx, "WHERE tries > 0 ORDER BY tx, seq, place")
}

func (s *Store) commands(ctx context.Context, rest string, args ...any) ([]sutler.PendingCommand, error) {
	rows, err := s.reads.Load().QueryContext(ctx, "SELECT tx, seq, place, command, tries, due, error FROM audit_command "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the audit commands: %w", err)
	}
	defer rows.Close()
	var all []sutler.PendingCommand
	for rows.Next() {
		var c sutler.PendingCommand
		var due int64
		if err := rows.Scan(&c.Transaction, &c.Seq, &c.Place, &c.SQL, &c.Tries, &due, &c.Error); err != nil {
			return nil, fmt.Errorf("cannot read the audit commands: %w", err)
		}
		c.Due = timeOf(due)
		all = append(all, c)
	}
	return all, rows.Err()
}

// DropCommand forgets a command, because it was run or is not wanted any more.
func (s *Store) DropCommand(ctx context.Context, c sutler.PendingCommand) error {
	return s.changeCommand(ctx, c, "DELETE FROM audit_command WHERE tx = $1 AND seq = $2 AND place = $3")
}

// FailCommand notes that a command failed, and when it is tried again.
func (s *Store) FailCommand(ctx context.Context, c sutler.PendingCommand, due time.Time, why string) error {
	return s.changeCommand(ctx, c, "UPDATE audit_command SET tries = tries + 1, due = $4, error = $5 WHERE tx = $1 AND seq = $2 AND place = $3", micros(due), why)
}

func (s *Store) changeCommand(ctx context.Context, c sutler.PendingCommand, command string, more ...any) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(command, append([]any{string(c.Transaction), c.Seq, c.Place}, more...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot change an audit command of transaction %s: %w", c.Transaction, err)
	}
	return nil
}
