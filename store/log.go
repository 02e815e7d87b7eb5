package store

import (
	"context"
	"database/sql"
	"fmt"

	"sutler"
)

// MaxAppend is the size in bytes that the encoded records of one Append may have.
const MaxAppend = 64 << 20

// Lease gives engine the right to write to the log, with a fencing number
// higher than any given before, to whatever engine. It is durable when Lease
// returns; from then on Append refuses the engine's older numbers. An error
// leaves the older lease in force, or not: ask again.
func (s *Store) Lease(ctx context.Context, engine sutler.EngineID) (sutler.Lease, error) {
	if engine == "" {
		return sutler.Lease{}, sutler.Errorf(sutler.BadInput, "cannot give a lease: the engine has no name")
	}
	lease := sutler.Lease{Engine: engine}
	err := s.change(ctx, func(tx *sql.Tx) error {
		lease.Fence = 1
		for _, fence := range s.fences {
			lease.Fence = max(lease.Fence, fence+1)
		}
		_, err := tx.Exec(`INSERT INTO lease (engine, fence, granted) VALUES (?, ?, ?)
			ON CONFLICT (engine) DO UPDATE SET fence = excluded.fence, granted = excluded.granted`,
			string(engine), lease.Fence, micros(s.now()))
		if err == nil {
			s.fences[engine] = lease.Fence // also when the commit fails: then nobody has the number
		}
		return err
	})
	if err != nil {
		return sutler.Lease{}, fmt.Errorf("cannot give a lease to engine %q: %w", engine, err)
	}
	return lease, nil
}

// loadFences reads the newest fencing numbers.
func (s *Store) loadFences(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, "SELECT engine, fence FROM lease")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l sutler.Lease
		if err := rows.Scan(&l.Engine, &l.Fence); err != nil {
			return err
		}
		s.fences[l.Engine] = l.Fence
	}
	return rows.Err()
}

// Append implements sutler.TransactionLog. All Appends that come at the same
// time share one commit; one that is refused does not touch the others. It is
// refused when the lease is not the newest of its engine, when a record has no
// kind, no transaction or no policy that there is, when the records take more
// than MaxAppend bytes, or when ctx ends before the writer has taken them;
// after that ctx is of no account.
//
// A commit that fails stops the writer: every Append fails with code
// LogFailed until the database is opened again.
func (s *Store) Append(ctx context.Context, l sutler.Lease, rs ...sutler.Record) error {
	if len(rs) == 0 {
		return nil
	}
	for i := range rs {
		if err := check(&rs[i]); err != nil {
			return sutler.Errorf(sutler.LogRefused, "cannot write record %d of %d to the transaction log: %w", i+1, len(rs), err)
		}
	}
	a := &appending{lease: l, records: rs, encoded: sutler.EncodeRecords(nil, rs), done: make(chan error, 1)}
	if len(a.encoded) > MaxAppend {
		return sutler.Errorf(sutler.LogRefused, "cannot write %d records of transaction %s to the transaction log: they take %d bytes and %d is the most", len(rs), rs[0].Transaction, len(a.encoded), MaxAppend)
	}
	select {
	case s.appends <- a:
		return <-a.done
	case <-ctx.Done():
		return sutler.Errorf(sutler.LogRefused, "cannot write to the transaction log: %w", ctx.Err())
	case <-s.closing:
		return sutler.Errorf(sutler.LogFailed, "cannot write to the transaction log: it is closed")
	}
}

// check refuses records that nobody could read again.
func check(r *sutler.Record) error {
	switch {
	case !r.Kind.Known():
		return fmt.Errorf("no record has the kind %d", r.Kind)
	case r.Transaction == "" && r.Kind != sutler.Refused:
		return fmt.Errorf("a record %s names no transaction", r.Kind)
	case r.Policy > sutler.Probe:
		return fmt.Errorf("no policy has the number %d", r.Policy)
	}
	return nil
}

// Records implements sutler.TransactionLog. An error has code Corrupt when a
// group that holds records of the transaction, or may hold some, is damaged;
// it names the group.
func (s *Store) Records(ctx context.Context, id sutler.TransactionID) ([]sutler.Record, error) {
	sequences, err := s.groupsOf(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("cannot read transaction %s: %w", id, err)
	}
	var found []sutler.Record
	for _, sequence := range sequences {
		rs, err := s.group(ctx, sequence)
		if err != nil {
			return nil, fmt.Errorf("cannot read transaction %s: %w", id, err)
		}
		for i := range rs {
			if rs[i].Transaction == id {
				found = append(found, rs[i])
			}
		}
	}
	return sutler.Uncarried(found)
}

// Find implements sutler.TransactionLog.
func (s *Store) Find(ctx context.Context, trustee, client string) (sutler.TransactionID, error) {
	if client == "" {
		return "", nil
	}
	for id, e := range s.index.snapshot() {
		if e.head.Trustee == trustee && e.head.Client == client {
			return id, nil
		}
	}
	var id sutler.TransactionID
	err := s.reads.QueryRowContext(ctx, "SELECT id FROM tx WHERE trustee = ? AND client = ?", trustee, client).Scan(&id)
	if noRows(err) {
		return "", nil
	}
	return id, err
}

// group returns all records of one group.
func (s *Store) group(ctx context.Context, sequence int64) ([]sutler.Record, error) {
	_, rs, err := scanGroup(s.reads.QueryRowContext(ctx, selectGroup+"WHERE sequence = ?", sequence))
	if noRows(err) {
		return nil, missing(sequence)
	}
	return rs, err
}

// Unfinished implements sutler.TransactionLog. A transaction belongs to the
// engine that wrote its last record.
func (s *Store) Unfinished(_ context.Context, engine sutler.EngineID, after sutler.TransactionID, n int) ([]sutler.TransactionID, error) {
	return s.index.unfinished(engine, after, n), nil
}
