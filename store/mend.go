package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sutler"
)

// fail stops all writing until the database is mended, because nobody knows
// what a database that failed once still keeps.
func (s *Store) fail(err error) *sutler.Error {
	failed := &sutler.Error{Code: sutler.LogFailed, Err: fmt.Errorf("%w; the transaction log takes nothing until %s can be written again", err, s.place())}
	s.failed.Store(failed)
	s.log.Error("transaction log stopped", "error", err, "database", s.place(), "do", "free space or mend what the error names; it goes on by itself")
	return failed
}

// place names the database in messages.
func (s *Store) place() string {
	if s.dialect.shared {
		return "the PostgreSQL database"
	}
	return s.options.Path
}

// mend tries to open the database again and reports whether it is well. What
// it shows is then durable, and what was written without an acknowledgement is
// there or not, for good. Leases of before are of no use: who lost an Append
// does not know what was written. Only the writer calls it.
func (s *Store) mend() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.reopen(ctx); err != nil {
		s.log.Warn("transaction log still stopped", "error", err, "database", s.place())
		return false
	}
	s.chains = map[sutler.Lease]*chain{}
	if err := s.deriveAgain(ctx); err != nil {
		s.log.Warn("transaction log still stopped", "error", err, "database", s.place())
		return false
	}
	s.failed.Store(nil)
	s.log.Info("transaction log goes on", "database", s.place(), "event", 4105)
	if s.options.Healed != nil {
		s.options.Healed()
	}
	return true
}

// reopen makes a new connection for writing and shows that it can write.
func (s *Store) reopen(ctx context.Context) error {
	if s.dialect.shared {
		if err := s.db.PingContext(ctx); err != nil {
			return err
		}
		return s.db.QueryRowContext(ctx, "SELECT fence FROM state").Scan(&s.stale)
	}
	db, err := connectSQLite(s.options.Path, s.options.VFS)
	if err != nil {
		return err
	}
	swapped := false
	defer func() {
		if !swapped {
			_ = db.Close()
		}
	}()
	_ = s.insert.Close() // the connection of before would keep its locks
	_ = s.db.Close()
	// A failed fsync may have lost pages that the operating system still shows.
	// Copying the write-ahead log into the database and syncing that writes
	// them anew; it must succeed whole.
	var busy, pages, done int
	if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &done); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("the database is busy")
	}
	if _, err := db.ExecContext(ctx, "UPDATE state SET fence = fence + 1"); err != nil { // a number nobody has
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT fence FROM state").Scan(&s.stale); err != nil {
		return err
	}
	insert, err := db.PrepareContext(ctx, s.dialect.append)
	if err != nil {
		return err
	}
	s.db, s.insert, swapped = db, insert, true
	return nil
}

// deriveAgain brings the index up to date with what the database shows: a
// group that failed may be there after all.
func (s *Store) deriveAgain(ctx context.Context) error {
	for _, name := range s.index.engines() {
		if err := s.adopt(ctx, s.db, name); err != nil {
			return err
		}
	}
	return nil
}
