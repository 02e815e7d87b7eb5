package store

import (
	"context"
	"fmt"

	"sutler"
)

// MaxAppend is the size in bytes that the encoded records of one Append may have.
const MaxAppend = 64 << 20

// Append implements sutler.TransactionLog. All Appends that come at the same
// time share one commit; one that is refused does not touch the others. It is
// refused when the lease is not the newest of its engine, when a record has no
// kind, no transaction or no policy that there is, when the records take more
// than MaxAppend bytes, or when ctx ends before the writer has taken them;
// after that ctx is of no account.
//
// A commit that fails stops the writer: every Append fails with code
// LogFailed until the database is mended, and is refused under leases of
// before.
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
	for i := range rs {
		a.rows = a.rows || rs[i].Kind == sutler.Began && rs[i].Client != "" || rs[i].Kind == sutler.AuditCommand
	}
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

// Find implements sutler.TransactionLog. It sees what is committed at once.
func (s *Store) Find(ctx context.Context, trustee, client string) (sutler.TransactionID, error) {
	if client == "" {
		return "", nil
	}
	var id sutler.TransactionID
	err := s.reads.Load().QueryRowContext(ctx, "SELECT tx FROM client WHERE trustee = $1 AND client = $2", trustee, client).Scan(&id)
	if err != nil && !noRows(err) {
		return "", fmt.Errorf("cannot look for the clientTransactionId %q of %q: %w", client, trustee, err)
	}
	return id, nil
}

// Unfinished implements sutler.TransactionLog. A transaction belongs to the
// engine that wrote its last record.
func (s *Store) Unfinished(ctx context.Context, engine sutler.EngineID, after sutler.TransactionID, n int) ([]sutler.TransactionID, error) {
	if _, mine := s.index.owns(engine); mine || !s.dialect.shared {
		return s.index.unfinished(engine, after, n), nil
	}
	x, err := s.others(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list what engine %q left unfinished: %w", engine, err)
	}
	return x.unfinished(engine, after, n), nil
}
