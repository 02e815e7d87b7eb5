package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"sutler"
)

// The index as it lies in the table tx, and the way there and back.

// columns are those of an entry, in the order of values and scanEntry.
const columns = "number, id, groups, engine, status, caller, trustee, client, namespace, procedure, revision, started, ended, code, text"

// save writes the changed entries and the mark up to which the table is then
// complete. What it wrote counts when tx is committed; then saved is called.
func (x *index) save(tx *sql.Tx) error {
	const into = " INTO tx (" + columns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	insert, err := tx.Prepare("INSERT OR IGNORE" + into)
	if err != nil {
		return err
	}
	defer insert.Close()
	replace, err := tx.Prepare("REPLACE" + into)
	if err != nil {
		return err
	}
	defer replace.Close()
	for _, e := range x.changed {
		if err := x.saveEntry(tx, e, insert, replace); err != nil {
			return fmt.Errorf("transaction %s: %w", e.head.ID, err)
		}
	}
	_, err = tx.Exec("UPDATE state SET indexed = ?", x.upTo)
	return err
}

func (x *index) saveEntry(tx *sql.Tx, e *entry, insert, replace *sql.Stmt) error {
	if !e.saved {
		result, err := insert.Exec(e.values()...)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		if err := x.join(tx, e); err != nil {
			return err
		}
	}
	_, err := replace.Exec(e.values()...)
	return err
}

// join adds to e what the table has of the same transaction, which was
// finished and forgotten before more records came.
func (x *index) join(tx *sql.Tx, e *entry) error {
	before, err := scanEntry(tx.QueryRow("SELECT "+columns+" FROM tx WHERE id = ?", string(e.head.ID)))
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	e.number, e.groups = before.number, union(before.groups, e.groups)
	if e.head.Started.IsZero() {
		e.head = before.head
	}
	return nil
}

// values returns the row of e.
func (e *entry) values() []any {
	h := &e.head
	return []any{
		e.number, string(h.ID), packGroups(e.groups), string(e.engine), string(h.Status),
		h.Caller, h.Trustee, h.Client, h.Namespace, h.Procedure, h.Revision,
		micros(h.Started), micros(h.Ended), int64(h.Code), h.Text,
	}
}

// scanEntry is the mirror image of values.
func scanEntry(row interface{ Scan(...any) error }) (*entry, error) {
	e := &entry{saved: true}
	h := &e.head
	var packed []byte
	var started, ended int64
	if err := row.Scan(&e.number, &h.ID, &packed, &e.engine, &h.Status,
		&h.Caller, &h.Trustee, &h.Client, &h.Namespace, &h.Procedure, &h.Revision,
		&started, &ended, &h.Code, &h.Text); err != nil {
		return nil, err
	}
	h.Started, h.Ended = timeOf(started), timeOf(ended)
	groups, err := unpackGroups(packed)
	if err != nil {
		return nil, sutler.Errorf(sutler.Corrupt, "cannot read transaction %s: %w", h.ID, err)
	}
	e.groups = groups
	return e, nil
}

// loadIndex brings the index in memory up to date with the log.
func (s *Store) loadIndex(ctx context.Context) error {
	x := &s.index
	if err := s.db.QueryRowContext(ctx, "SELECT indexed, (SELECT coalesce(max(number), 0) FROM tx) FROM state").Scan(&x.upTo, &x.numbers); err != nil {
		return err
	}
	if err := s.loadOpen(ctx); err != nil {
		return err
	}
	if err := s.loadUnindexed(ctx); err != nil {
		return err
	}
	s.last = x.upTo
	return nil
}

// loadOpen reads the transactions that were not final when the index was
// saved.
func (s *Store) loadOpen(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+` FROM tx
		WHERE status <> 'committed' AND status IN ('active', 'preparing', 'committing', 'rollingBack', 'rollbackFailed', 'inDoubt')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return err
		}
		s.index.entries[e.head.ID] = e
	}
	return rows.Err()
}

// loadUnindexed takes notes on the groups that were written after the index
// was saved. Damaged and missing ones are passed over, with suspicion.
func (s *Store) loadUnindexed(ctx context.Context) error {
	x := &s.index
	rows, err := s.db.QueryContext(ctx, selectGroup+"WHERE sequence > ? ORDER BY sequence", x.upTo)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		g, rs, err := scanGroup(rows)
		if g == nil {
			return err
		}
		if g.sequence > x.upTo+1 {
			s.suspect(x.upTo+1, missing(x.upTo+1))
		}
		if err != nil {
			s.suspect(g.sequence, err)
			continue
		}
		n := x.begin(g)
		n.note(rs)
		n.end()
	}
	return rows.Err()
}

func (s *Store) suspect(sequence int64, err error) {
	s.log.Error("transaction log is damaged", "group", sequence, "error", err)
	s.index.suspect(sequence)
}

// groupsOf returns the groups of a transaction, growing; none for an unknown
// one. Memory is asked first, so that an entry on its way into the table is
// not missed.
func (s *Store) groupsOf(ctx context.Context, id sutler.TransactionID) ([]int64, error) {
	inMemory := s.index.groups(id)
	var packed []byte
	err := s.reads.QueryRowContext(ctx, "SELECT groups FROM tx WHERE id = ?", string(id)).Scan(&packed)
	if noRows(err) {
		return inMemory, nil
	}
	if err != nil {
		return nil, err
	}
	inTable, err := unpackGroups(packed)
	if err != nil {
		return nil, sutler.Errorf(sutler.Corrupt, "%w", err)
	}
	return union(inTable, inMemory), nil
}

// union returns the sequence numbers of table and memory once each: what the
// table has is the older part, which memory may repeat.
func union(table, memory []int64) []int64 {
	for _, s := range memory {
		if n := len(table); n == 0 || s > table[n-1] {
			table = append(table, s)
		}
	}
	return table
}

// micros returns t in microseconds since 1970, and 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the mirror image of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
