package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sutler"
)

// defaultLimit is how many transactions Transactions returns when not told.
const defaultLimit = 50

// Transactions implements sutler.Monitor. Programs and Response are left out
// as well as Steps: Transaction has them. A transaction whose records are
// damaged is listed all the same. A page after an unknown transaction is an
// error with code NotFound.
func (s *Store) Transactions(ctx context.Context, f sutler.Filter) ([]sutler.Transaction, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	before, err := s.numberOf(ctx, f.After)
	if err != nil {
		return nil, fmt.Errorf("cannot list transactions: %w", err)
	}
	inMemory := s.index.snapshot()
	var found []entry
	for _, e := range inMemory {
		if matches(f.Status, e.head.Status) && (before == 0 || e.number < before) {
			found = append(found, e)
		}
	}
	if f.Status == "" || f.Status.Final() {
		inTable, err := s.tableEntries(ctx, f.Status, before, limit, inMemory)
		if err != nil {
			return nil, fmt.Errorf("cannot list transactions: %w", err)
		}
		found = append(found, inTable...)
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(b.number, a.number) })
	heads := make([]sutler.Transaction, 0, min(limit, len(found)))
	for _, e := range found[:min(limit, len(found))] {
		heads = append(heads, e.head)
	}
	return heads, nil
}

// matches reports whether a transaction in state st is chosen by the state
// asked for. Refused requests never became transactions.
func matches(asked, st sutler.Status) bool { return st != "" && (asked == "" || asked == st) }

// tableEntries returns the newest entries of the table in the given state, any
// for "", that come before the given number and are not in memory, where they
// are newer.
func (s *Store) tableEntries(ctx context.Context, st sutler.Status, before int64, limit int, inMemory map[sutler.TransactionID]entry) ([]entry, error) {
	query := "SELECT " + columns + " FROM tx WHERE (? = 0 OR number < ?)"
	args := []any{before, before}
	if st != "" {
		query += " AND status = ?"
		args = append(args, string(st))
	}
	if st == sutler.RolledBack {
		query += " AND status <> 'committed'" // so that the index of the few is used
	}
	rows, err := s.reads.QueryContext(ctx, query+" ORDER BY number DESC", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []entry
	for len(found) < limit && rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		newer := inMemory[e.head.ID].head.Status != ""
		if !newer && e.head.Status != "" {
			found = append(found, *e)
		}
	}
	return found, rows.Err()
}

// numberOf returns the number of a transaction, 0 for the empty ID.
func (s *Store) numberOf(ctx context.Context, id sutler.TransactionID) (int64, error) {
	if id == "" {
		return 0, nil
	}
	if number := s.index.number(id); number != 0 {
		return number, nil
	}
	var number int64
	err := s.reads.QueryRowContext(ctx, "SELECT number FROM tx WHERE id = ?", string(id)).Scan(&number)
	if noRows(err) {
		return 0, sutler.Errorf(sutler.NotFound, "there is no transaction %s", id)
	}
	return number, err
}

// Transaction implements sutler.Monitor. It is code Corrupt when its records
// are damaged.
func (s *Store) Transaction(ctx context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	rs, err := s.Records(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(rs, func(r sutler.Record) bool { return r.Kind != sutler.Refused }) {
		return nil, sutler.Errorf(sutler.NotFound, "cannot show the transaction: there is no transaction %s", id)
	}
	return sutler.Fold(rs)
}
