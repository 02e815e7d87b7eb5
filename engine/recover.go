package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sutler"
)

// Recover brings an unfinished transaction to an end from its records alone:
// one that was committing goes forward, any other goes back. It may be
// repeated; a transaction that is final or waits for an operator is left as it
// is. It must not be called for a transaction that an engine is running.
func (e *Engine) Recover(ctx context.Context, id sutler.TransactionID) (sutler.Status, error) {
	return e.recover(ctx, id, false)
}

// Retry does what Recover does, also for a transaction that waits for an
// operator: it tries once more to commit or to undo what is left of it.
func (e *Engine) Retry(ctx context.Context, id sutler.TransactionID) (sutler.Status, error) {
	return e.recover(ctx, id, true)
}

func (e *Engine) recover(ctx context.Context, id sutler.TransactionID, waiting bool) (sutler.Status, error) {
	records, err := e.log.Records(ctx, id)
	if err != nil {
		return "", fmt.Errorf("cannot recover transaction %s: %w", id, err)
	}
	tx, err := sutler.Fold(records)
	if err != nil {
		return "", fmt.Errorf("cannot recover transaction %s: %w", id, err)
	}
	if tx.Status.Final() || tx.Status.Waiting() && !waiting {
		return tx.Status, nil
	}
	j := e.journal(id)
	j.records, j.durable = records, len(records)
	var status sutler.Status
	err = e.guarded(id, func() (err error) {
		if last(records, sutler.CommittingTx) != nil {
			status, err = e.goOn(j, tx)
			return err
		}
		cause, response := causeOf(tx, records)
		status, err = e.rollback(j, cause, response)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("cannot recover transaction %s: %w", id, err)
	}
	e.logger.Info("transaction recovered", slog.String("transaction", string(id)), slog.String("was", string(tx.Status)), slog.String("is", string(status)))
	return status, nil
}

// causeOf returns why a transaction is rolled back, and the response to that:
// what its records say, or that the engine ended.
func causeOf(tx *sutler.Transaction, records []sutler.Record) (*sutler.Error, string) {
	if r := last(records, sutler.RollingBackTx); r != nil {
		return sutler.Errorf(r.Code, "%s", r.Text), r.Response
	}
	cause := sutler.Errorf(sutler.Interrupted, "the engine ended while the transaction was %s", tx.Status)
	if r := last(records, sutler.InDoubtTx); r != nil {
		cause = sutler.Errorf(r.Code, "%s", r.Text)
		cause.Seq = r.Seq
	}
	return cause, errorResponse(cause)
}

// goOn commits what is left of a transaction whose record committing is there.
func (e *Engine) goOn(j *journal, tx *sutler.Transaction) (sutler.Status, error) {
	if tx.Status != sutler.Committing {
		if err := j.must(sutler.Record{Kind: sutler.CommittingTx, Response: tx.Response}); err != nil {
			return "", err
		}
	}
	return e.forward(j, toCommit(tx))
}

// last returns the last record of that kind, or nil.
func last(records []sutler.Record, kind sutler.RecordKind) *sutler.Record {
	for i := len(records) - 1; i >= 0; i-- {
		if records[i].Kind == kind {
			return &records[i]
		}
	}
	return nil
}

// RecoverDue implements sutler.Recoverer.
func (e *Engine) RecoverDue(context.Context) (time.Time, error) { return time.Time{}, nil }

// RecoverAll implements sutler.Recoverer. The doors open after it. One that cannot be recovered does not keep the others from
// it; the error is the first. A transaction with damaged records stays as it
// is and is only logged: one bad row must not keep everybody out.
func (e *Engine) RecoverAll(ctx context.Context, l sutler.Lease) error {
	const page = 256
	var first error
	for after := sutler.TransactionID(""); ; {
		ids, err := e.log.Unfinished(ctx, l.Engine, after, page)
		if err != nil {
			return fmt.Errorf("cannot list unfinished transactions: %w", err)
		}
		for _, id := range ids {
			if _, err := e.Recover(ctx, id); err != nil {
				e.logger.Error("cannot recover", slog.String("transaction", string(id)), slog.String("error", err.Error()))
				if code := sutler.CodeOf(err); first == nil && code != sutler.Corrupt && code != sutler.Unexpected {
					first = err
				}
			}
		}
		if len(ids) < page {
			return first
		}
		after = ids[len(ids)-1]
	}
}
