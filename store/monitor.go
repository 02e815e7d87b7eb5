package store

import (
	"context"
	"fmt"
	"slices"

	"sutler"
)

// defaultLimit is how many transactions Transactions returns when not told.
const defaultLimit = 50

// Transactions implements sutler.Monitor. Programs, Response and what an
// operator did are left out as well as Steps: Transaction has them. A
// transaction whose records are damaged is listed all the same. A page after
// an unknown transaction is an error with code NotFound.
func (s *Store) Transactions(ctx context.Context, f sutler.Filter) ([]sutler.Transaction, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	before, err := s.placeOf(ctx, f.After)
	if err != nil {
		return nil, fmt.Errorf("cannot list transactions: %w", err)
	}
	others, err := s.others(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list transactions: %w", err)
	}
	inMemory := others.snapshot()
	for id, e := range s.index.snapshot() {
		inMemory[id] = e
	}
	var found []entry
	for _, e := range inMemory {
		if matches(f.Status, e.head.Status) && chosen(&f, &e) && (before == nil || e.before(before)) {
			found = append(found, e)
		}
	}
	if f.Status == "" || f.Status.Final() {
		inTable, err := s.tableEntries(ctx, &f, before, limit, inMemory)
		if err != nil {
			return nil, fmt.Errorf("cannot list transactions: %w", err)
		}
		found = append(found, inTable...)
	}
	slices.SortFunc(found, func(a, b entry) int {
		if a.before(&b) {
			return 1
		}
		return -1
	})
	heads := make([]sutler.Transaction, 0, min(limit, len(found)))
	for _, e := range found[:min(limit, len(found))] {
		e.head.Audited = false // Transaction has it
		heads = append(heads, e.head)
	}
	return heads, nil
}

// before reports whether e began before other, by time and then by number.
func (e *entry) before(other *entry) bool {
	if a, b := micros(e.head.Started), micros(other.head.Started); a != b {
		return a < b
	}
	return e.number < other.number
}

// matches reports whether a transaction in state st is chosen by the state
// asked for. Refused requests never became transactions.
func matches(asked, st sutler.Status) bool { return st != "" && (asked == "" || asked == st) }

// chosen reports whether f chooses e, apart from its state.
func chosen(f *sutler.Filter, e *entry) bool {
	return e.head.Namespace != sutler.ConfigNamespace && (f.Caller == "" || f.Caller == e.head.Caller)
}

// tableEntries returns the newest entries of the table that f chooses and that began before the given one and are not in memory, where they
// are newer.
func (s *Store) tableEntries(ctx context.Context, f *sutler.Filter, before *entry, limit int, inMemory map[sutler.TransactionID]entry) ([]entry, error) {
	where, args := "status <> ''", []any(nil)
	if st := f.Status; st != "" {
		args = append(args, string(st))
		where += fmt.Sprintf(" AND status = $%d", len(args))
		if st != sutler.Committed {
			where += " AND status <> 'committed'" // so that the index of the few is used
		}
	}
	var found []entry
	err := s.newestFirst(ctx, where, args, before, limit, func(e *entry) bool {
		if newer := inMemory[e.head.ID].head.Status != ""; !newer && chosen(f, e) {
			found = append(found, *e)
		}
		return len(found) < limit
	})
	return found, err
}

// leastPage is how many entries of the table are read at once, at least.
const leastPage = 100

// newestFirst calls f for the entries of the table for which where holds, the
// newest first, from the one after before on, until f returns false. It reads
// pages, because PostgreSQL sends all that a query finds, wanted or not; they
// grow, for those who look for little among much.
func (s *Store) newestFirst(ctx context.Context, where string, args []any, before *entry, page int, f func(*entry) bool) error {
	n := len(args)
	for page = max(page, leastPage); ; page = min(2*page, idsAtOnce*leastPage) {
		query, values := "SELECT "+entryColumns+" FROM tx WHERE "+where, args
		if before != nil {
			query += fmt.Sprintf(" AND (started, number) < ($%d, $%d)", n+1, n+2)
			values = append(slices.Clip(args), micros(before.head.Started), before.number)
		}
		rows, err := s.indexReads().QueryContext(ctx, fmt.Sprintf("%s ORDER BY started DESC, number DESC LIMIT %d", query, page), values...)
		if err != nil {
			return err
		}
		got, more := 0, true
		for more && rows.Next() {
			e, err := scanEntry(rows)
			if e == nil {
				_ = rows.Close()
				return err
			}
			got, before, more = got+1, e, f(e)
		}
		_ = rows.Close()
		if err := rows.Err(); err != nil || !more || got < page {
			return err
		}
	}
}

// placeOf returns the entry of a transaction, for its place in lists; nil for
// the empty ID.
func (s *Store) placeOf(ctx context.Context, id sutler.TransactionID) (*entry, error) {
	if id == "" {
		return nil, nil
	}
	if e, ok := s.index.entry(id); ok && e.head.Status != "" && !e.head.Started.IsZero() {
		e.kept = e.keeps(s.index.level(), e.head.Status) // as it will be saved
		return &e, nil
	}
	e, err := scanEntry(s.indexReads().QueryRowContext(ctx, "SELECT "+entryColumns+" FROM tx WHERE id = $1", string(id)))
	if noRows(err) {
		if e, ok := s.index.entry(id); ok && e.head.Status != "" {
			return &e, nil
		}
		return nil, sutler.Errorf(sutler.NotFound, "there is no transaction %s", id)
	}
	if e == nil {
		return nil, err
	}
	return e, nil
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
