package engine

import (
	"context"
	"log/slog"
	"time"

	"sutler"
)

// The numbers of the original's events, where one says the same (components 12.2).
const (
	eventDefinitions  = 4103 // the definitions of procedures were read anew
	eventCommitFailed = 4107
	eventAbortFailed  = 4108
	eventCleanFailed  = 4109 // as 4108, for a transaction that nobody waited for
)

// paused is a transaction that this engine must go on with.
type paused struct {
	at    time.Time
	lease sutler.Lease // with which it goes on
	lost  sutler.Lease // if it was let go: under which, so that it waits for another one
}

// pause ends a round of undoing or committing that failed. While there are
// pauses left the transaction waits for its next round; then end, which leaves
// it to an operator, is recorded. round is how many rounds failed before this one.
func (e *Engine) pause(j *journal, round int, end sutler.Record, background bool) (sutler.Status, error) {
	tx, err := j.transaction()
	if err != nil {
		return "", err
	}
	if round < len(e.pauses) {
		due := j.now().UTC().Truncate(time.Microsecond).Add(e.pauses[round])
		if err := j.must(sutler.Record{Kind: sutler.PausedTx, Round: round + 1, Due: due, Seq: end.Seq, Code: end.Code, Text: end.Text}); err != nil {
			return "", err
		}
		e.later(j.id, paused{at: due, lease: j.lease})
		e.logger.Warn("transaction pauses", slog.String("transaction", string(j.id)), slog.String("status", string(tx.Status)),
			slog.Int("round", round+1), slog.Time("due", due), slog.String("reason", j.secrets.hide(end.Text)))
		return tx.Status, nil
	}
	if err := j.must(end); err != nil {
		return "", err
	}
	status, event := sutler.InDoubt, eventCommitFailed
	if end.Kind == sutler.RollbackFailTx {
		status, event = sutler.RollbackFailed, eventAbortFailed
	}
	if tx.Status == sutler.RollingBack && background {
		event = eventCleanFailed
	}
	e.needsOperator(j, status, event, end.Text)
	return status, nil
}

// needsOperator tells that a transaction waits for an operator.
func (e *Engine) needsOperator(j *journal, status sutler.Status, event int, text string) {
	client := j.records[0].Client
	if client == "" {
		client = "{unknown}"
	}
	e.logger.Error("transaction needs an operator", slog.Int("event", event), slog.String("transaction", string(j.id)),
		slog.String("clientTransaction", client), slog.String("engine", string(j.lease.Engine)), slog.String("status", string(status)), slog.String("reason", j.secrets.hide(text)))
}

// later notes when to go on with a transaction.
func (e *Engine) later(id sutler.TransactionID, p paused) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.due[id] = p
}

// RecoverDue implements sutler.Recoverer. Transactions that were let go
// because the log failed are taken up when there is a new lease.
func (e *Engine) RecoverDue(ctx context.Context) (time.Time, error) {
	now := e.now()
	first := e.tellLate(e.Lease())
	for _, id := range e.dueNow(now) {
		if ctx.Err() != nil {
			break
		}
		if err := e.recoverDue(ctx, id); err != nil && first == nil {
			first = err
		}
	}
	return e.nextDue(), first
}

// dueNow returns the transactions whose time has come.
func (e *Engine) dueNow(now time.Time) []sutler.TransactionID {
	e.mu.Lock()
	defer e.mu.Unlock()
	var ids []sutler.TransactionID
	for id, p := range e.due {
		if !p.at.After(now) && (p.lost == sutler.Lease{} || p.lost != e.lease) && e.living[id] == nil {
			ids = append(ids, id)
		}
	}
	return sorted(ids)
}

func (e *Engine) nextDue() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	var next time.Time
	for _, p := range e.due {
		if next.IsZero() || p.at.Before(next) {
			next = p.at
		}
	}
	return next
}

// recoverDue goes on with one transaction. One whose lease has become old is
// left to whoever has the new one.
func (e *Engine) recoverDue(ctx context.Context, id sutler.TransactionID) error {
	e.mu.Lock()
	p := e.due[id]
	delete(e.due, id)
	own := e.lease
	e.mu.Unlock()
	l := p.lease
	if l.Engine == own.Engine {
		l = own
	}
	_, err := e.recoverUnder(ctx, l, id)
	if sutler.CodeOf(err) == sutler.NotFound { // let go before anything of it was written
		return nil
	}
	if err != nil && sutler.CodeOf(err) != sutler.LogRefused && sutler.CodeOf(err) != sutler.Corrupt {
		e.later(id, paused{at: e.now().Add(time.Second), lease: l})
	}
	return err
}
