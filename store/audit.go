package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"sutler"
)

// Heads implements sutler.Chains. A chain whose lease is not known any more is
// returned without the name of its engine.
func (s *Store) Heads(ctx context.Context) ([]sutler.ChainHead, error) {
	reads := s.reads.Load()
	leases := map[int64]sutler.EngineID{}
	rows, err := reads.QueryContext(ctx, "SELECT fence, engine FROM lease")
	if err != nil {
		return nil, fmt.Errorf("cannot read the chains of the log: %w", err)
	}
	for rows.Next() {
		var fence int64
		var engine sutler.EngineID
		if err := rows.Scan(&fence, &engine); err != nil {
			_ = rows.Close()
			return nil, fmt.Errorf("cannot read the chains of the log: %w", err)
		}
		leases[fence] = engine
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the chains of the log: %w", err)
	}
	var all []sutler.ChainHead
	for fence := int64(0); ; {
		next, err := s.nextFence(ctx, fence)
		if err != nil {
			return nil, fmt.Errorf("cannot read the chains of the log: %w", err)
		}
		if next == 0 {
			return all, nil
		}
		fence = next
		h, err := s.head(ctx, sutler.Lease{Engine: leases[fence], Fence: fence})
		if err != nil {
			return nil, fmt.Errorf("cannot read chain %d of the log: %w", fence, err)
		}
		if h.Number > 0 {
			all = append(all, h)
		}
	}
}

// nextFence returns the lowest fencing number above the given one of which
// there are rows or a cut, 0 for none.
func (s *Store) nextFence(ctx context.Context, fence int64) (int64, error) {
	var row, cut sql.NullInt64
	err := s.reads.Load().QueryRowContext(ctx, "SELECT (SELECT min(sequence) FROM log WHERE sequence >= $1), (SELECT min(fence) FROM cut WHERE fence > $2)",
		sequenceOf(fence+1, 0), fence).Scan(&row, &cut)
	if err != nil || !row.Valid && !cut.Valid {
		return 0, err
	}
	next := cut.Int64
	if row.Valid && (!cut.Valid || fenceOf(row.Int64) < next) {
		next = fenceOf(row.Int64)
	}
	return next, nil
}

func (s *Store) head(ctx context.Context, l sutler.Lease) (sutler.ChainHead, error) {
	reads := s.reads.Load()
	h := sutler.ChainHead{Lease: l}
	var link []byte
	err := reads.QueryRowContext(ctx, "SELECT number, link FROM cut WHERE fence = $1", l.Fence).Scan(&h.Cut, &link)
	if err != nil && !noRows(err) {
		return h, err
	}
	copy(h.CutTo[:], link)
	h.Number, h.Link = h.Cut, h.CutTo
	var sequence int64
	err = reads.QueryRowContext(ctx, "SELECT sequence, link FROM log WHERE sequence >= $1 AND sequence < $2 ORDER BY sequence DESC LIMIT 1",
		sequenceOf(l.Fence, 0), sequenceOf(l.Fence+1, 0)).Scan(&sequence, &link)
	if noRows(err) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.Number, h.Link = numberOf(sequence), sutler.Link{}
	copy(h.Link[:], link)
	return h, nil
}

// Rows implements sutler.Chains.
func (s *Store) Rows(ctx context.Context, l sutler.Lease, first int64, f func(sutler.ChainRow) error) error {
	rows, err := s.reads.Load().QueryContext(ctx, "SELECT "+groupColumns+" FROM log WHERE sequence >= $1 AND sequence < $2 ORDER BY sequence",
		sequenceOf(l.Fence, first), sequenceOf(l.Fence+1, 0))
	if err != nil {
		return fmt.Errorf("cannot read chain %d of the log: %w", l.Fence, err)
	}
	defer rows.Close()
	for rows.Next() {
		g, err := scanGroup(rows)
		if err != nil {
			return fmt.Errorf("cannot read chain %d of the log: %w", l.Fence, err)
		}
		if err := f(sutler.ChainRow{Number: numberOf(g.sequence), Micros: g.micros, Records: g.records, Link: g.link}); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Checkpoints implements sutler.Chains.
func (s *Store) Checkpoints(ctx context.Context, f func(statement []byte) error) error {
	rows, err := s.reads.Load().QueryContext(ctx, "SELECT statement FROM checkpoint ORDER BY number")
	if err != nil {
		return fmt.Errorf("cannot read the signed statements: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var statement []byte
		if err := rows.Scan(&statement); err != nil {
			return fmt.Errorf("cannot read the signed statements: %w", err)
		}
		if err := f(statement); err != nil {
			return err
		}
	}
	return rows.Err()
}

// PutCheckpoint implements sutler.Chains.
func (s *Store) PutCheckpoint(ctx context.Context, l sutler.Lease, statement []byte) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var held int
		if err := tx.QueryRow(s.dialect.holdEngine, string(l.Engine), l.Fence).Scan(&held); err != nil {
			if noRows(err) {
				return refusedLease(l)
			}
			return err
		}
		_, err := tx.Exec("INSERT INTO checkpoint (statement) VALUES ($1)", statement)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot keep a signed statement: %w", err)
	}
	return nil
}

// Audited returns the transactions that the audit level keeps and f chooses,
// newest first, without their steps: see AuditedTransaction. A page after an
// unknown transaction is an error with code NotFound.
func (s *Store) Audited(ctx context.Context, f sutler.AuditFilter) ([]sutler.Transaction, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	before, err := s.placeOf(ctx, f.After)
	if err != nil {
		return nil, fmt.Errorf("cannot search the audit log: %w", err)
	}
	conditions, args := "kept > 0", []any(nil)
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		conditions += " AND " + condition
	}
	if !f.From.IsZero() {
		where("started >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		where("started < ?", micros(f.To))
	}
	switch f.Outcome {
	case "":
	case sutler.OutcomeRefused:
		where("refused = ?", true)
	default:
		where("status = ?", string(f.Outcome))
	}
	var found []sutler.Transaction
	err = s.newestFirst(ctx, conditions, args, before, limit, func(e *entry) bool {
		if e.chosen(&f) {
			found = append(found, e.head)
		}
		return len(found) < limit
	})
	if err != nil {
		return found, fmt.Errorf("cannot search the audit log: %w", err)
	}
	return found, nil
}

// keeps says in which detail the audit log keeps the transaction, which ended as
// s. What administrators did it keeps at every level.
func (e *entry) keeps(level sutler.AuditLevel, s sutler.Status) sutler.AuditLevel {
	if e.head.Namespace == sutler.ConfigNamespace {
		return max(level, sutler.AuditFlagged)
	}
	return level.Keeps(s, e.head.Audited, e.refused)
}

// chosen reports whether f chooses the transaction, times and outcome aside.
func (e *entry) chosen(f *sutler.AuditFilter) bool {
	h := &e.head
	if f.Trustee != "" && !strings.EqualFold(f.Trustee, h.Trustee) || f.Caller != "" && !strings.EqualFold(f.Caller, h.Caller) {
		return false
	}
	if !e.concerns(f.Namespace, f.Procedure) {
		return false
	}
	if f.Text == "" {
		return true
	}
	all := append([]string{string(h.ID), h.Text, h.Namespace, h.Procedure, h.Caller, h.Trustee, h.Client}, e.calls...)
	return strings.Contains(strings.ToLower(strings.Join(all, "\x00")), strings.ToLower(f.Text))
}

// concerns reports whether the request or one of its calls is of that
// namespace and procedure; "" stands for any.
func (e *entry) concerns(namespace, procedure string) bool {
	fits := func(n, p string) bool {
		return (namespace == "" || strings.EqualFold(n, namespace)) && (procedure == "" || strings.EqualFold(p, procedure))
	}
	if fits(e.head.Namespace, e.head.Procedure) {
		return true
	}
	for _, c := range e.calls {
		if n, p, _ := strings.Cut(c, "\x00"); fits(n, p) {
			return true
		}
	}
	return false
}

// AuditedTransaction returns one transaction in the detail that the audit
// level kept it in; code NotFound for one that is not kept.
func (s *Store) AuditedTransaction(ctx context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	var kept sutler.AuditLevel
	err := s.indexReads().QueryRowContext(ctx, "SELECT kept FROM tx WHERE id = $1", string(id)).Scan(&kept)
	if noRows(err) || err == nil && kept <= sutler.AuditNone {
		return nil, sutler.Errorf(sutler.NotFound, "cannot show transaction %s: the audit log does not keep it", id)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the audit log: %w", err)
	}
	tx, err := s.Transaction(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case kept < sutler.AuditFlagged:
		tx.Steps, tx.Response = nil, ""
	case kept == sutler.AuditFlagged:
		var flagged []sutler.Step
		for _, st := range tx.Steps {
			if st.Audited {
				if st.Namespace != sutler.ConfigNamespace { // else it says what an administrator did
					st.Before, st.After = "", ""
				}
				flagged = append(flagged, st)
			}
		}
		tx.Steps, tx.Response = flagged, ""
	}
	return tx, nil
}
