package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"sutler"
)

// Piece looks at the rows of a chain from the cut on, n at most, that were
// written before the given time, and says what retention has to do with them.
// The piece is empty when there are none.
func (s *Store) Piece(ctx context.Context, h sutler.ChainHead, before, auditBefore time.Time, n int) (sutler.Piece, error) {
	p := sutler.Piece{Lease: h.Lease, Number: h.Cut, Link: h.CutTo}
	rows, err := s.reads.Load().QueryContext(ctx, "SELECT "+groupColumns+" FROM log WHERE sequence > $1 AND sequence < $2 ORDER BY sequence LIMIT $3",
		sequenceOf(h.Lease.Fence, h.Cut), sequenceOf(h.Lease.Fence+1, 0), n)
	if err != nil {
		return p, fmt.Errorf("cannot read chain %d of the log: %w", h.Lease.Fence, err)
	}
	seen := map[sutler.TransactionID]bool{}
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			_ = rows.Close()
			return p, fmt.Errorf("cannot read chain %d of the log: %w", h.Lease.Fence, err)
		}
		if g.micros >= micros(before) {
			break
		}
		p.Number, p.Link = numberOf(g.sequence), g.link
		rs, err := g.decode()
		if err != nil {
			p.Damaged = true
			break
		}
		for i := range rs {
			if id := rs[i].Transaction; id != "" {
				seen[id] = true
			}
		}
	}
	_ = rows.Close()
	if err := rows.Err(); err != nil {
		return p, fmt.Errorf("cannot read chain %d of the log: %w", h.Lease.Fence, err)
	}
	p.Transactions = len(seen)
	end := sequenceOf(h.Lease.Fence, p.Number)
	entries, err := s.entriesOf(ctx, seen)
	if err != nil {
		return p, err
	}
	for id, e := range entries {
		if len(e.groups) > 0 && fenceOf(e.groups[0]) == h.Lease.Fence && e.groups[0] > end {
			continue // carried forward before
		}
		st := e.head.Status
		switch {
		case st == "": // nothing but refusals
			p.Dropped = append(p.Dropped, id)
		case !st.Final():
			p.Unfinished = append(p.Unfinished, id)
		case e.kept > sutler.AuditNone && !e.head.Started.Before(auditBefore):
			p.Kept = append(p.Kept, id)
		default:
			p.Dropped = append(p.Dropped, id)
		}
	}
	slices.Sort(p.Unfinished)
	slices.Sort(p.Kept)
	return p, nil
}

// idsAtOnce is how many transactions one command speaks of.
const idsAtOnce = 500

// inList returns "($1, $2, …)" for the IDs, and them as arguments.
func inList(ids []sutler.TransactionID) (string, []any) {
	var b strings.Builder
	args := make([]any, len(ids))
	for i, id := range ids {
		fmt.Fprintf(&b, ", $%d", i+1)
		args[i] = string(id)
	}
	return "(" + b.String()[2:] + ")", args
}

// entriesOf returns what the index knows of the given transactions, in memory
// and in the table.
func (s *Store) entriesOf(ctx context.Context, ids map[sutler.TransactionID]bool) (map[sutler.TransactionID]*entry, error) {
	found := map[sutler.TransactionID]*entry{}
	var rest []sutler.TransactionID
	for id := range ids {
		if e, ok := s.index.entry(id); ok && !e.head.Started.IsZero() {
			e.kept = e.keeps(s.index.level(), e.head.Status) // as it will be saved
			found[id] = &e
			continue
		}
		rest = append(rest, id)
	}
	err := s.eachInTable(ctx, rest, func(e *entry) { found[e.head.ID] = e })
	return found, err
}

// Cut removes the rows of a chain up to number, whose link is given, and the
// dropped transactions from the index, in steps of limited size. A signed
// statement about it must have been kept before. It may be repeated, and goes
// on where an earlier one ended.
func (s *Store) Cut(ctx context.Context, p sutler.Piece) error {
	fence := p.Lease.Fence
	err := s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO cut (fence, number, link) VALUES ($1, $2, $3)
			ON CONFLICT (fence) DO UPDATE SET number = excluded.number, link = excluded.link WHERE excluded.number > cut.number`, fence, p.Number, p.Link[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot cut chain %d of the log: %w", fence, err)
	}
	for len(p.Dropped) > 0 {
		some := p.Dropped[:min(len(p.Dropped), idsAtOnce)]
		p.Dropped = p.Dropped[len(some):]
		if err := s.index.drop(ctx, some); err != nil {
			return fmt.Errorf("cannot cut the index of the log: %w", err)
		}
	}
	return s.deleteCut(ctx, fence)
}

// cutRows is how many rows of the log go in one commit.
const cutRows = 50

// deleteCut deletes the rows of a chain that are behind its cut.
func (s *Store) deleteCut(ctx context.Context, fence int64) error {
	for ctx.Err() == nil {
		var gone int64
		err := s.change(ctx, func(tx *sql.Tx) error {
			if s.dialect.shared {
				return tx.QueryRow("SELECT cut_log($1, $2)", fence, cutRows).Scan(&gone)
			}
			result, err := tx.Exec(`DELETE FROM log WHERE sequence IN (SELECT sequence FROM log
				WHERE sequence > $1 AND sequence <= $1 + (SELECT number FROM cut WHERE fence = $2) ORDER BY sequence LIMIT $3)`, sequenceOf(fence, 0), fence, cutRows)
			if err != nil {
				return err
			}
			gone, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot cut chain %d of the log: %w", fence, err)
		}
		if gone == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// ForgetClients forgets clientTransactionIds that were used before the given time.
func (s *Store) ForgetClients(ctx context.Context, before time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM client WHERE at < $1", micros(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot forget old clientTransactionIds: %w", err)
	}
	return nil
}
