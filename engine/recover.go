package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"sutler"
)

// recoverers is how many transactions are recovered at once.
const recoverers = 16

// RecoverAll implements sutler.Recoverer. The doors open after it. Calls of
// this engine that acted after their lease had lapsed are recorded first, so
// that they are undone again. One transaction that cannot be recovered does
// not keep the others from it; the error is the first. One with damaged
// records stays as it is and is only logged: a bad row must not keep everybody
// out.
func (e *Engine) RecoverAll(ctx context.Context, l sutler.Lease) error {
	if err := e.tellLate(l); err != nil {
		return err
	}
	ids, err := e.unfinished(ctx, l.Engine)
	if err != nil {
		return fmt.Errorf("cannot list unfinished transactions: %w", err)
	}
	var mu sync.Mutex
	var first error
	var wg sync.WaitGroup
	next := make(chan sutler.TransactionID)
	for range min(recoverers, len(ids)) {
		wg.Go(func() {
			for id := range next {
				_, err := e.recoverUnder(ctx, l, id)
				if err == nil {
					continue
				}
				e.logger.Error("cannot recover", slog.String("transaction", string(id)), slog.String("error", err.Error()))
				mu.Lock()
				if code := sutler.CodeOf(err); first == nil && code != sutler.Corrupt && code != sutler.Unexpected {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	wg.Wait()
	return first
}

// unfinished returns all unfinished transactions of an engine.
func (e *Engine) unfinished(ctx context.Context, engine sutler.EngineID) ([]sutler.TransactionID, error) {
	const page = 10_000
	var all []sutler.TransactionID
	for after := sutler.TransactionID(""); ; {
		ids, err := e.log.Unfinished(ctx, engine, after, page)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		if len(ids) < page {
			return all, nil
		}
		after = ids[len(ids)-1]
	}
}

// recoverUnder brings an unfinished transaction to an end from its records
// alone, writing under l: one that was committing goes forward, any other goes
// back. It may be repeated. One that is final, waits for an operator or
// pauses is left as it is, and so is one that this engine works on.
func (e *Engine) recoverUnder(ctx context.Context, l sutler.Lease, id sutler.TransactionID) (sutler.Status, error) {
	free, ok := e.claim(id)
	if !ok {
		return sutler.Active, nil
	}
	defer free()
	records, tx, err := e.read(ctx, id)
	if err != nil {
		return "", fmt.Errorf("cannot recover transaction %s: %w", id, err)
	}
	if tx.Status.Final() || tx.Status.Waiting() {
		return tx.Status, nil
	}
	if tx.Due.After(e.now()) {
		e.later(id, paused{at: tx.Due, lease: l})
		return tx.Status, nil
	}
	j := e.journal(id, l)
	j.records, j.durable = records, len(records)
	status, err := e.goOn(j, tx, tx.Round)
	if err != nil {
		return "", fmt.Errorf("cannot recover transaction %s: %w", id, err)
	}
	e.logger.Info("transaction recovered", slog.String("transaction", string(id)), slog.String("was", string(tx.Status)), slog.String("is", string(status)))
	return status, nil
}

// read returns the records of a transaction and their fold.
func (e *Engine) read(ctx context.Context, id sutler.TransactionID) ([]sutler.Record, *sutler.Transaction, error) {
	records, err := e.log.Records(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := e.unseal(records); err != nil {
		return nil, nil, err
	}
	tx, err := sutler.Fold(records)
	return records, tx, err
}

// goOn does what is left to do for a transaction that no request works on any
// more: forward or back, as its records say.
func (e *Engine) goOn(j *journal, tx *sutler.Transaction, round int) (status sutler.Status, err error) {
	err = e.guarded(j, func() (err error) {
		if tx.Forward {
			status, err = e.goForward(j, tx, tx.Response, round)
			return err
		}
		if s := decider(tx, j.records); s != nil {
			outcome, perr := e.decided(j, s)
			switch {
			case j.lost != nil:
				return j.lost
			case perr != nil:
				status, err = e.pause(j, round, sutler.Record{Kind: sutler.InDoubtTx, Seq: s.Seq, Code: sutler.Doubt, Text: fmt.Sprintf(
					"it is not known whether call %d, %s/%s, which decides the transaction, is committed: %v", s.Seq, s.Namespace, s.Procedure, perr)}, true)
				return err
			case outcome == sutler.TookEffect:
				j.committed(deciding(toCommit(tx)))
				status, err = e.goForward(j, tx, last(j.records, sutler.PreparingTx).Response, round)
				return err
			}
		}
		cause, response := causeOf(tx, j.records)
		status, err = e.rollback(j, cause, response, true)
		return err
	})
	return status, err
}

// goForward commits what is left of a transaction. Each round begins with its
// record, so that an engine whose lease is no longer the newest finds out
// before it touches the world.
func (e *Engine) goForward(j *journal, tx *sutler.Transaction, response string, round int) (sutler.Status, error) {
	if err := j.must(sutler.Record{Kind: sutler.CommittingTx, Response: response}); err != nil {
		return "", err
	}
	return e.forward(j, toCommit(tx), round, true)
}

// Carry implements sutler.Recoverer.
func (e *Engine) Carry(ctx context.Context, l sutler.Lease, id sutler.TransactionID) error {
	free, ok := e.claim(id)
	if !ok {
		return sutler.Errorf(sutler.Conflict, "cannot carry transaction %s forward: the engine is working on it", id)
	}
	defer free()
	for {
		records, err := e.log.Records(ctx, id) // sealed as they are
		if err != nil {
			return fmt.Errorf("cannot carry transaction %s forward: %w", id, err)
		}
		j := e.journal(id, l)
		if err := j.must(sutler.Record{Kind: sutler.Carried, Records: sutler.EncodeRecords(nil, records)}); err != nil {
			return fmt.Errorf("cannot carry transaction %s forward: %w", id, err)
		}
		now, err := e.log.Records(ctx, id)
		if err != nil {
			return fmt.Errorf("cannot carry transaction %s forward: %w", id, err)
		}
		if len(now) == len(records) { // nobody wrote meanwhile
			return nil
		}
	}
}

// decider returns the call whose marker decides what becomes of tx, or nil:
// it was preparing, nobody has turned it back, and such a call is there.
func decider(tx *sutler.Transaction, records []sutler.Record) *sutler.Step {
	preparing := false
	for i := range records {
		switch records[i].Kind {
		case sutler.PreparingTx:
			preparing = true
		case sutler.RollingBackTx:
			preparing = false
		case sutler.Resolved:
			if records[i].Verb == sutler.RollbackVerb {
				preparing = false
			}
		}
	}
	if !preparing {
		return nil
	}
	for i := range tx.Steps {
		if s := &tx.Steps[i]; s.Commits() && s.Decides() && (s.Status == sutler.CallDone || s.Status == sutler.CallCommitted) {
			return s
		}
	}
	return nil
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
	if r := last(records, sutler.Resolved); r != nil && r.Verb == sutler.RollbackVerb {
		cause = sutler.Errorf(sutler.Interrupted, "%s turned the transaction back: %s", r.Caller, r.Text)
	}
	return cause, errorResponse(cause)
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

func sorted(ids []sutler.TransactionID) []sutler.TransactionID {
	slices.Sort(ids)
	return ids
}
