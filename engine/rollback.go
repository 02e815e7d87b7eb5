package engine

import (
	"context"
	"fmt"
	"log/slog"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// rollback undoes what a transaction did, from its last call to its first. It
// needs the journal only, so that it serves a failed step and the transaction
// of a dead engine alike, and it may be interrupted and repeated. cause and
// response are recorded when rolling back begins; background says that nobody
// waits for it.
//
// It returns the state the transaction is left in: rolledBack; rollingBack
// when a call could not be undone and is tried again later, the others are;
// rollbackFailed when that was the last round; inDoubt when the outcome of a
// call is for an operator. If the log fails, or the lease has lapsed, the
// error says so and the world is not touched any more.
func (e *Engine) rollback(j *journal, cause *sutler.Error, response string, background bool) (sutler.Status, error) {
	if !j.told() {
		return sutler.RolledBack, nil
	}
	tx, err := j.transaction()
	if err != nil {
		return "", err
	}
	begin := sutler.Record{Kind: sutler.RollingBackTx, Code: cause.Code, Text: cause.Error(), Response: response}
	if !undoable(tx) {
		return sutler.RolledBack, j.must(begin, sutler.Record{Kind: sutler.RolledBackTx})
	}
	// Each round begins with its record, so that an engine whose lease is no
	// longer the newest finds out before it touches the world.
	if err := j.must(begin); err != nil {
		return "", err
	}
	why := "the engine ended during the call"
	if tx.Status == sutler.InDoubt {
		why = "it was tried again"
	}
	end := sutler.Record{Kind: sutler.RollbackFailTx, Code: sutler.UndoFailure}
	leave := func(kind sutler.RecordKind, s *sutler.Step, err error) {
		text := err.Error()
		if kind == sutler.RollbackFailTx {
			text = fmt.Sprintf("call %d, %s/%s: %s", s.Seq, s.Namespace, s.Procedure, text)
		}
		if end.Text != "" {
			text = end.Text + "; " + text
		}
		if kind == sutler.InDoubtTx {
			end.Kind, end.Code = kind, sutler.Doubt
		}
		end.Text, end.Seq = text, s.Seq
	}
	unsettled := map[int]bool{}
	for i := range tx.Steps {
		s := &tx.Steps[i]
		if s.Status != sutler.CallStarted || !s.MayUndo() {
			continue
		}
		again, err := e.settle(j, e.providers[procedure.Fold(s.Provider)], s, why)
		switch {
		case err == nil:
		case j.lost != nil:
			return "", j.lost
		case again:
			unsettled[s.Seq] = true
			leave(sutler.InDoubtTx, s, err)
		default:
			return sutler.InDoubt, e.doubt(j, s, err)
		}
	}
	for i := len(tx.Steps) - 1; i >= 0; i-- {
		s := &tx.Steps[i]
		if !s.MayUndo() || unsettled[s.Seq] {
			continue
		}
		if err := e.undo(j, e.providers[procedure.Fold(s.Provider)], s); err != nil {
			if j.lost != nil {
				return "", j.lost
			}
			j.hold(sutler.Record{Kind: sutler.StepUndoFailed, Seq: s.Seq, Code: sutler.CodeOf(err), Text: err.Error()})
			e.logger.Error("cannot undo a call", slog.String("transaction", string(j.id)), slog.Int("call", s.Seq),
				slog.String("procedure", s.Namespace+"/"+s.Procedure), slog.Int("round", tx.Round+1), slog.String("error", j.secrets.hide(err.Error())))
			leave(sutler.RollbackFailTx, s, err)
		}
	}
	if end.Text != "" {
		return e.pause(j, tx.Round, end, background)
	}
	if err := j.must(sutler.Record{Kind: sutler.RolledBackTx}); err != nil {
		return "", err
	}
	return sutler.RolledBack, nil
}

func undoable(tx *sutler.Transaction) bool {
	for i := range tx.Steps {
		if tx.Steps[i].MayUndo() {
			return true
		}
	}
	return false
}

// undo rolls one call back and records it.
func (e *Engine) undo(j *journal, p sutler.Provider, s *sutler.Step) error {
	if p == nil {
		return sutler.Errorf(sutler.NoProvider, "this engine has no provider %q", s.Provider)
	}
	if err := e.again(j, s, "roll back", p.Rollback); err != nil {
		return err
	}
	e.event(Event{Kind: "rollback", Name: s.Namespace + "/" + s.Procedure, Seq: s.Seq})
	j.hold(sutler.Record{Kind: sutler.StepUndone, Seq: s.Seq})
	s.Status = sutler.CallUndone
	return nil
}

// again calls a method of a provider with a call made from its record alone:
// to undo, prepare, commit or probe it. It never runs under the caller's
// context. If the engine's lease has lapsed, nothing is called and the journal
// is lost.
func (e *Engine) again(j *journal, s *sutler.Step, what string, f func(context.Context, *sutler.Call) error) error {
	c, doc, err := e.callOf(j, s)
	if err != nil {
		return err
	}
	if err := e.acting(j); err != nil {
		doc.Release()
		return err
	}
	err = e.ask(context.Background(), c, what, f)
	if !isAbandoned(err) {
		doc.Release()
	}
	if what == "prepare" || what == "commit" {
		if lapsed := e.acted(j, lateCall{seq: s.Seq, rollback: s.Rollback, sensitive: s.Sensitive}, err); lapsed != nil {
			return lapsed
		}
	}
	return err
}

// callOf makes the call of a step anew from its record.
func (e *Engine) callOf(j *journal, s *sutler.Step) (*sutler.Call, *xmltree.Document, error) {
	text := "<executeXml>" + s.Context + s.Input + "</executeXml>"
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{MaxBytes: int64(len(text)) + 1, MaxDepth: 1 << 20})
	if err != nil {
		return nil, nil, sutler.Errorf(sutler.Corrupt, "cannot read the record of call %d: %w", s.Seq, brief(err))
	}
	who, err := e.undoAs(j, s)
	if err != nil {
		doc.Release()
		return nil, nil, err
	}
	root := doc.DocumentElement()
	if root.Child("context") == nil {
		doc.Release()
		return nil, nil, sutler.Errorf(sutler.Corrupt, "cannot read the record of call %d: it has no context", s.Seq)
	}
	c := &sutler.Call{
		Transaction: j.id, Seq: s.Seq, Namespace: s.Namespace, Procedure: s.Procedure, ProviderSource: s.Provider,
		Type: s.Type, Identity: who, Started: j.records[0].At,
		Context: root.Child("context"), Data: root.Child("executeData"),
		Rollback: sutler.NewRollbackData(s.Rollback, nil), Bag: &sutler.Bag{},
	}
	j.secrets.learnCall(c, s.Private)
	return c, doc, nil
}
