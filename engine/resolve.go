package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"sutler"
	"sutler/security"
)

// longestReason is how many bytes an operator may write.
const longestReason = 4096

// Resolve implements sutler.Resolver. Transactions that another living engine
// pauses are for that one: code Conflict. What is no ID of a transaction goes
// into no record.
func (e *Engine) Resolve(ctx context.Context, from sutler.Caller, id sutler.TransactionID, r sutler.Resolution) (sutler.Status, error) {
	status, err := e.resolve(ctx, from, id, r)
	if err == nil {
		return status, nil
	}
	e2 := &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot %s transaction %s: %w",
		security.Shown(string(r.Verb), mostName), security.Shown(string(id), mostName), err)}
	if isID(id) {
		e2.Transaction = id
	}
	return "", e2
}

// isID reports whether id looks like the ID of a transaction: letters, digits
// and hyphens in braces, no longer than a GUID needs.
func isID(id sutler.TransactionID) bool {
	s := string(id)
	if len(s) < 3 || len(s) > 64 || s[0] != '{' || s[len(s)-1] != '}' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return true
}

func (e *Engine) resolve(ctx context.Context, from sutler.Caller, id sutler.TransactionID, r sutler.Resolution) (sutler.Status, error) {
	what := "resolve a transaction"
	if isID(id) {
		what = "resolve transaction " + string(id)
	}
	if err := e.mayConfigure(from, what); err != nil {
		return "", err
	}
	switch r.Reason = strings.TrimSpace(r.Reason); {
	case !isID(id):
		return "", sutler.Errorf(sutler.NotFound, "it is no ID of a transaction; want a GUID in braces")
	case r.Reason == "":
		return "", sutler.Errorf(sutler.BadInput, "there is no reason; say why, for the audit log")
	case len(r.Reason) > longestReason:
		return "", sutler.Errorf(sutler.BadInput, "the reason has %d bytes; at most %d are allowed", len(r.Reason), longestReason)
	}
	free, ok := e.claim(id)
	if !ok {
		return "", sutler.Errorf(sutler.Conflict, "the engine is working on it; look again in a moment")
	}
	defer free()
	records, tx, err := e.read(ctx, id)
	if sutler.CodeOf(err) == sutler.NotFound {
		return "", sutler.Errorf(sutler.NotFound, "there is no such transaction")
	}
	if err != nil {
		return "", err
	}
	l := e.Lease()
	if err := e.mayResolve(ctx, l, tx, r); err != nil {
		return "", err
	}
	j := e.journal(id, l)
	j.records, j.durable = records, len(records)
	if err := j.must(sutler.Record{Kind: sutler.Resolved, Verb: r.Verb, Seq: r.Seq, Caller: from.Account, Text: r.Reason}); err != nil {
		return "", err
	}
	e.logger.Info("transaction resolved", slog.String("transaction", string(id)), slog.String("verb", string(r.Verb)), slog.Int("call", r.Seq),
		slog.String("caller", from.Account), slog.String("reason", r.Reason))
	if tx, err = j.transaction(); err != nil {
		return "", err
	}
	e.mu.Lock()
	delete(e.due, id)
	e.mu.Unlock()
	return e.goOn(j, tx, 0)
}

// mayResolve says why a verb does not fit a transaction.
func (e *Engine) mayResolve(ctx context.Context, l sutler.Lease, tx *sutler.Transaction, r sutler.Resolution) error {
	switch {
	case tx.Status.Final():
		return sutler.Errorf(sutler.Conflict, "it is %s, which is final", tx.Status)
	case !tx.Status.Waiting() && tx.Due.IsZero():
		return sutler.Errorf(sutler.Conflict, "it is %s and neither waits for an operator nor pauses", tx.Status)
	case !tx.Status.Waiting():
		ids, err := e.unfinished(ctx, l.Engine)
		if err != nil {
			return err
		}
		if !slices.Contains(ids, tx.ID) {
			return sutler.Errorf(sutler.Conflict, "it pauses at another engine; ask that one")
		}
	}
	switch r.Verb {
	case sutler.Retry:
		return nil
	case sutler.RollbackVerb:
		if !tx.Forward && tx.Status != sutler.InDoubt && tx.Status != sutler.Preparing {
			return sutler.Errorf(sutler.BadInput, "it is being rolled back already; retry tries again")
		}
		return nil
	case sutler.SkipStep, sutler.MarkDone:
	default:
		return sutler.Errorf(sutler.BadInput, "there is no such verb; want retry, skip-step, mark-done or rollback")
	}
	i := slices.IndexFunc(tx.Steps, func(s sutler.Step) bool { return s.Seq == r.Seq })
	if i < 0 {
		return sutler.Errorf(sutler.BadInput, "it has no call %d; sutler transaction show lists them", r.Seq)
	}
	s := &tx.Steps[i]
	if left := s.MayUndo(); !tx.Forward && !left || tx.Forward && !(s.Commits() && s.Status == sutler.CallDone) {
		return sutler.Errorf(sutler.BadInput, "nothing is left to do for call %d, %s/%s: it is %s", s.Seq, s.Namespace, s.Procedure, s.Status)
	}
	return nil
}
