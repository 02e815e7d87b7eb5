package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// rollback undoes what a transaction did, from its last call to its first. It
// needs the journal only, so that it serves a failed step and the transaction
// of a dead engine alike, and it may be interrupted and repeated. cause and
// response are recorded when rolling back begins.
//
// It returns the state the transaction is left in: rolledBack; rollbackFailed
// when a call could not be undone, the others are; inDoubt when the outcome of
// a call is for an operator. If the log fails, the error says so and the world
// is not touched any more.
func (e *Engine) rollback(j *journal, cause *sutler.Error, response string) (sutler.Status, error) {
	if !j.told() {
		return sutler.RolledBack, nil
	}
	tx, err := j.transaction()
	if err != nil {
		return "", err
	}
	end := sutler.Record{Kind: sutler.RolledBackTx}
	begin := sutler.Record{Kind: sutler.RollingBackTx, Code: cause.Code, Text: cause.Error(), Response: response}
	if !undoable(tx) {
		return sutler.RolledBack, j.must(begin, end)
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
	for i := range tx.Steps {
		s := &tx.Steps[i]
		if s.Type == sutler.Read || s.Status != sutler.CallStarted {
			continue
		}
		if err := e.settle(j, e.providers[procedure.Fold(s.Provider)], s, why); err != nil {
			if j.lost != nil {
				return "", j.lost
			}
			return sutler.InDoubt, nil
		}
	}
	var left []string
	for i := len(tx.Steps) - 1; i >= 0; i-- {
		s := &tx.Steps[i]
		if !s.MayUndo() {
			continue
		}
		if err := e.undo(j, e.providers[procedure.Fold(s.Provider)], s); err != nil {
			text := fmt.Sprintf("call %d, %s/%s: %v", s.Seq, s.Namespace, s.Procedure, err)
			j.hold(sutler.Record{Kind: sutler.StepUndoFailed, Seq: s.Seq, Code: sutler.CodeOf(err), Text: err.Error()})
			e.logger.Error("cannot undo a call", slog.String("transaction", string(j.id)), slog.Int("call", s.Seq),
				slog.String("procedure", s.Namespace+"/"+s.Procedure), slog.String("error", err.Error()))
			left = append(left, text)
		}
	}
	status := sutler.RolledBack
	if len(left) > 0 {
		status = sutler.RollbackFailed
		end = sutler.Record{Kind: sutler.RollbackFailTx, Code: sutler.UndoFailure, Text: strings.Join(left, "; ")}
	}
	if err := j.must(end); err != nil {
		return "", err
	}
	return status, nil
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
// context.
func (e *Engine) again(j *journal, s *sutler.Step, what string, f func(context.Context, *sutler.Call) error) error {
	c, doc, err := callOf(j, s)
	if err != nil {
		return err
	}
	err = e.ask(context.Background(), c, what, f)
	if !isAbandoned(err) {
		doc.Release()
	}
	return err
}

// callOf makes the call of a step anew from its record.
func callOf(j *journal, s *sutler.Step) (*sutler.Call, *xmltree.Document, error) {
	text := "<executeXml>" + s.Context + s.Input + "</executeXml>"
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{MaxBytes: int64(len(text)) + 1, MaxDepth: 1 << 20})
	if err != nil {
		return nil, nil, sutler.Errorf(sutler.Corrupt, "cannot read the record of call %d: %w", s.Seq, err)
	}
	root := doc.DocumentElement()
	c := &sutler.Call{
		Transaction: j.id, Seq: s.Seq, Namespace: s.Namespace, Procedure: s.Procedure, ProviderSource: s.Provider,
		Type: s.Type, Identity: s.Identity, Started: j.records[0].At,
		Context: root.Child("context"), Data: root.Child("executeData"),
		Rollback: sutler.NewRollbackData(s.Rollback, nil), Bag: &sutler.Bag{},
	}
	if c.Context == nil {
		return nil, nil, sutler.Errorf(sutler.Corrupt, "cannot read the record of call %d: it has no context", s.Seq)
	}
	return c, doc, nil
}
