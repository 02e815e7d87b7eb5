package engine

import (
	"fmt"
	"log/slog"

	"sutler"
	"sutler/procedure"
)

// commit ends a transaction whose walk went well. Calls of type two-phase are
// prepared in the order of their process calls; when all are, the record
// committing is the point of no return, and they commit in the same order.
//
// A failed prepare is returned as cause: the caller rolls back. A failed
// commit leaves the transaction inDoubt. If the log fails, err says so; if it
// only refused and the journal is not lost, everything may still be undone.
func (e *Engine) commit(j *journal, response string) (status sutler.Status, cause *sutler.Error, err error) {
	if !j.told() {
		return sutler.Committed, nil, nil
	}
	tx, err := j.transaction()
	if err != nil {
		return "", nil, err
	}
	steps := toCommit(tx)
	if len(steps) == 0 {
		return sutler.Committed, nil, j.write(sutler.Record{Kind: sutler.CommittedTx, Response: response})
	}
	if err := j.write(sutler.Record{Kind: sutler.PreparingTx}); err != nil {
		return "", nil, err
	}
	for _, s := range steps {
		if err := e.prepare(j, s); err != nil {
			return "", &sutler.Error{
				Code: sutler.CodeOf(err), Err: err, Seq: s.Seq, Transaction: j.id, Sources: sourcesOf(s),
			}, nil
		}
	}
	if err := j.write(sutler.Record{Kind: sutler.CommittingTx, Response: response}); err != nil {
		return "", nil, err
	}
	status, err = e.forward(j, steps)
	return status, nil, err
}

// toCommit returns the two-phase calls that are done and not committed, in the
// order of their process calls.
func toCommit(tx *sutler.Transaction) []*sutler.Step {
	var steps []*sutler.Step
	for i := range tx.Steps {
		if s := &tx.Steps[i]; s.Type == sutler.TwoPhase && s.Status == sutler.CallDone {
			steps = append(steps, s)
		}
	}
	return steps
}

// forward commits the given calls and the transaction. A commit that fails
// does not keep the others from being tried.
func (e *Engine) forward(j *journal, steps []*sutler.Step) (sutler.Status, error) {
	end := sutler.Record{Kind: sutler.CommittedTx}
	for _, s := range steps {
		if err := e.commitStep(j, s); err != nil {
			text := fmt.Sprintf("cannot commit call %d, %s/%s: %v", s.Seq, s.Namespace, s.Procedure, err)
			e.logger.Error("transaction in doubt", slog.String("transaction", string(j.id)), slog.String("reason", text))
			if end.Kind == sutler.InDoubtTx {
				text = end.Text + "; " + text
			}
			end = sutler.Record{Kind: sutler.InDoubtTx, Seq: s.Seq, Code: sutler.Doubt, Text: text}
		}
	}
	if err := j.must(end); err != nil {
		return "", err
	}
	if end.Kind == sutler.InDoubtTx {
		return sutler.InDoubt, nil
	}
	return sutler.Committed, nil
}

func (e *Engine) prepare(j *journal, s *sutler.Step) error {
	p, err := e.twoPhase(s)
	if err != nil {
		return err
	}
	return e.again(j, s, "prepare", p.Prepare)
}

func (e *Engine) commitStep(j *journal, s *sutler.Step) error {
	p, err := e.twoPhase(s)
	if err != nil {
		return err
	}
	if err := e.again(j, s, "commit", p.Commit); err != nil {
		return err
	}
	j.hold(sutler.Record{Kind: sutler.StepCommitted, Seq: s.Seq})
	return nil
}

func (e *Engine) twoPhase(s *sutler.Step) (sutler.TwoPhaseProvider, error) {
	p, ok := e.providers[procedure.Fold(s.Provider)].(sutler.TwoPhaseProvider)
	if !ok {
		return nil, sutler.Errorf(sutler.NoProvider, "cannot finish %s/%s: this engine has no two-phase provider %q", s.Namespace, s.Procedure, s.Provider)
	}
	return p, nil
}

// sourcesOf names a call and the procedures around it, innermost first.
func sourcesOf(s *sutler.Step) []sutler.ErrorSource {
	all := []sutler.ErrorSource{{Namespace: s.Namespace, Procedure: s.Procedure}}
	for i := len(s.Parents) - 1; i >= 0; i-- {
		if p := s.Parents[i]; p.Procedure != "" {
			all = append(all, sutler.ErrorSource{Namespace: p.Namespace, Procedure: p.Procedure})
		}
	}
	return all
}
