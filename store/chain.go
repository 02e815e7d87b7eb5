package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sutler"
)

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// groupName is how messages call a row of the log: lease and number.
func groupName(sequence int64) string {
	return fmt.Sprintf("%d.%d", fenceOf(sequence), numberOf(sequence))
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

const groupColumns = "sequence, micros, records, link"

// scanGroup reads a row of the log, unchecked.
func scanGroup(row interface{ Scan(...any) error }) (*group, error) {
	var g group
	var link []byte
	if err := row.Scan(&g.sequence, &g.micros, &g.records, &link); err != nil {
		return nil, err
	}
	if len(link) == len(g.link) {
		g.link = sutler.Link(link)
	}
	return &g, nil
}

// chainAt returns the chain of a lease as it was when number was its newest
// row, or the last that retention cut off.
func (s *Store) chainAt(ctx context.Context, q querier, l sutler.Lease, number int64) (*chain, error) {
	c := newChain(l)
	if number == 0 {
		return c, nil
	}
	var link []byte
	err := q.QueryRowContext(ctx, "SELECT link FROM log WHERE sequence = $1", sequenceOf(l.Fence, number)).Scan(&link)
	if noRows(err) {
		err = q.QueryRowContext(ctx, "SELECT link FROM cut WHERE fence = $1 AND number = $2", l.Fence, number).Scan(&link)
	}
	if noRows(err) {
		return nil, missing(sequenceOf(l.Fence, number))
	}
	if err != nil {
		return nil, err
	}
	c.number = number
	if len(link) == len(c.head) {
		c.head = sutler.Link(link)
	}
	return c, nil
}

// newestChain returns the chain of a lease with its newest row.
func (s *Store) newestChain(ctx context.Context, q querier, l sutler.Lease) (*chain, error) {
	var newest, cut sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT (SELECT max(sequence) FROM log WHERE sequence >= $1 AND sequence < $2),
		(SELECT number FROM cut WHERE fence = $3)`, sequenceOf(l.Fence, 0), sequenceOf(l.Fence+1, 0), l.Fence).Scan(&newest, &cut)
	if err != nil {
		return nil, err
	}
	number := cut.Int64
	if newest.Valid {
		number = numberOf(newest.Int64)
	}
	return s.chainAt(ctx, q, l, number)
}

// leaseOf returns the lease with a fencing number.
func (s *Store) leaseOf(ctx context.Context, q querier, fence int64) (sutler.Lease, error) {
	l := sutler.Lease{Fence: fence}
	err := q.QueryRowContext(ctx, "SELECT engine FROM lease WHERE fence = $1", fence).Scan(&l.Engine)
	if noRows(err) {
		return l, sutler.Errorf(sutler.Corrupt, "there is no lease %d", fence)
	}
	return l, err
}

// group returns the records of one row, whose link to the row before must fit.
func (s *Store) group(ctx context.Context, sequence int64) ([]sutler.Record, error) {
	reads := s.reads.Load()
	g, err := scanGroup(reads.QueryRowContext(ctx, "SELECT "+groupColumns+" FROM log WHERE sequence = $1", sequence))
	if noRows(err) {
		return nil, missing(sequence)
	}
	if err != nil {
		return nil, err
	}
	l, err := s.leaseOf(ctx, reads, fenceOf(sequence))
	if err != nil {
		return nil, damaged(sequence, err)
	}
	if err := s.checkAlone(ctx, reads, l, g); err != nil {
		return nil, err
	}
	rs, err := g.decode()
	if err != nil {
		return nil, damaged(sequence, err)
	}
	return rs, nil
}

// checkAlone checks one row against the one before it.
func (s *Store) checkAlone(ctx context.Context, q querier, l sutler.Lease, g *group) error {
	number := numberOf(g.sequence)
	c, err := s.chainAt(ctx, q, l, number-1)
	if sutler.CodeOf(err) == sutler.Corrupt {
		return damaged(g.sequence, "the row before it is missing")
	}
	if err != nil {
		return err
	}
	own := c.check(g)
	if own == nil || number < 2 {
		return own
	}
	// Perhaps the link of the row before is to blame.
	c, err = s.chainAt(ctx, q, l, number-2)
	if err != nil {
		return own
	}
	before, err := scanGroup(q.QueryRowContext(ctx, "SELECT "+groupColumns+" FROM log WHERE sequence = $1", g.sequence-1))
	if err != nil {
		return own
	}
	_ = c.check(before)
	return c.check(g)
}

// scan calls f for the rows of a chain behind number, in order, with their
// records, or with the error of a row that is damaged or missing.
func (s *Store) scan(ctx context.Context, q querier, l sutler.Lease, number int64, f func(sequence int64, rs []sutler.Record, err error)) error {
	c, err := s.chainAt(ctx, q, l, number)
	if sutler.CodeOf(err) == sutler.Corrupt {
		c, err = &chain{lease: l, number: number}, nil // then the first row does not fit
	}
	if err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, "SELECT "+groupColumns+" FROM log WHERE sequence > $1 AND sequence < $2 ORDER BY sequence",
		sequenceOf(l.Fence, number), sequenceOf(l.Fence+1, 0))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return err
		}
		if next := sequenceOf(l.Fence, c.number+1); g.sequence > next {
			f(next, nil, missing(next))
			c.number = numberOf(g.sequence) - 1
			_ = c.check(g) // it cannot fit, and is not to blame
			rs, err := g.decode()
			f(g.sequence, rs, err)
			continue
		}
		err = c.check(g)
		var rs []sutler.Record
		if err == nil {
			rs, err = g.decode()
		}
		f(g.sequence, rs, err)
	}
	return rows.Err()
}
