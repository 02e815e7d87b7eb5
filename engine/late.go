package engine

import (
	"context"
	"errors"
	"log/slog"

	"sutler"
)

// errLapsed says that the engine's lease is not in force: it touches nothing.
var errLapsed = sutler.Errorf(sutler.LogRefused, "the engine's lease has lapsed: another engine may have taken the transaction over")

// lateCall is a call that may have acted after the lease it ran under had
// lapsed: another engine may have undone the transaction before.
type lateCall struct {
	lease    sutler.Lease
	tx       sutler.TransactionID
	seq      int
	rollback []sutler.Pair

	sensitive bool // its record is sealed
}

// lapsed lets go of a transaction whose lease is not in force any more.
func (j *journal) lapsed() error {
	if j.lost == nil {
		j.lost = errLapsed
	}
	return j.lost
}

// inForce reports whether a lease may still be used: that of the engine
// itself is its newest one and holds. One that was taken over from a dead
// engine is the business of whoever renews it, and of the log.
func (e *Engine) inForce(l sutler.Lease) bool {
	own := e.Lease()
	return l.Engine != own.Engine || l == own && e.holds()
}

// acting is asked directly before a provider acts: an error means that it must not.
func (e *Engine) acting(j *journal) error {
	if j.lost != nil {
		return j.lost
	}
	if !e.inForce(j.lease) {
		return j.lapsed()
	}
	return nil
}

// acted is asked after a provider answered err and may have acted. If the
// lease lapsed meanwhile, the transaction is let go; unless the call failed for
// certain, its effect is late: it is recorded and undone under a new lease.
func (e *Engine) acted(j *journal, c lateCall, err error) error {
	if e.inForce(j.lease) {
		return nil
	}
	if err == nil || unanswered(err) {
		e.mu.Lock()
		c.lease, c.tx = j.lease, j.id
		e.late = append(e.late, c)
		e.mu.Unlock()
	}
	return j.lapsed()
}

// tellLate records the effects that came after a lease had lapsed, under the
// engine's new lease, and notes that their transactions must be gone on with.
// One whose transaction goes forward, or is committed, is as it should be.
func (e *Engine) tellLate(l sutler.Lease) error {
	e.mu.Lock()
	var mine []lateCall
	var others []lateCall
	for _, c := range e.late {
		if c.lease.Engine == l.Engine && c.lease != l {
			mine = append(mine, c)
		} else {
			others = append(others, c)
		}
	}
	e.late = others
	e.mu.Unlock()
	var errs []error
	for _, c := range mine {
		_, tx, err := e.read(context.Background(), c.tx)
		if err == nil && (tx.Forward || tx.Status == sutler.Committed) {
			continue
		}
		if sutler.CodeOf(err) == sutler.Corrupt { // a bad row must not keep everybody out
			e.logger.Error("cannot tell of a late effect", slog.String("transaction", string(c.tx)), slog.Int("call", c.seq), slog.String("error", err.Error()))
			continue
		}
		j := e.journal(c.tx, l)
		if err == nil {
			err = j.must(sutler.Record{Kind: sutler.LateEffect, Seq: c.seq, Rollback: c.rollback, Sensitive: c.sensitive,
				Text: "it may have acted after the lease of its engine had lapsed"})
		}
		if err != nil {
			e.mu.Lock()
			e.late = append(e.late, c)
			e.mu.Unlock()
			errs = append(errs, err)
			continue
		}
		e.later(c.tx, paused{at: e.now(), lease: l})
		e.logger.Warn("late effect", slog.String("transaction", string(c.tx)), slog.Int("call", c.seq))
	}
	return errors.Join(errs...)
}
