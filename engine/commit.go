package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"sutler"
	"sutler/procedure"
)

// commit ends a transaction whose walk went well. Calls that take part in
// two-phase commit are prepared in the order of their process calls; when all
// are, the record committing is the point of no return, and they commit in the
// same order. A call whose system cannot prepare commits before that record:
// the marker it leaves decides, should the engine die between the two.
//
// A failed prepare is returned as cause: the caller rolls back. A failed
// commit is tried again later: the status is committing; after the last round
// it is inDoubt. If the log fails, err says so; if it only refused and the
// journal is not lost, everything may still be undone.
func (e *Engine) commit(j *journal, a answer) (status sutler.Status, cause *sutler.Error, err error) {
	if !j.told() {
		return sutler.Committed, nil, nil
	}
	tx, err := j.transaction()
	if err != nil {
		return "", nil, err
	}
	steps := toCommit(tx)
	if len(steps) == 0 {
		return sutler.Committed, nil, j.write(sutler.Record{Kind: sutler.CommittedTx, Response: a.kept, Answer: a.secret()})
	}
	preparing := sutler.Record{Kind: sutler.PreparingTx}
	deciders := deciding(steps)
	if len(deciders) > 0 {
		preparing.Response, preparing.Answer = a.kept, a.secret()
	}
	if err := j.write(preparing); err != nil {
		return "", nil, err
	}
	for _, s := range steps {
		if err := e.prepare(j, s); err != nil {
			if j.lost != nil {
				return "", nil, j.lost
			}
			return "", failedStep(j, s, err), nil
		}
	}
	if status, cause, err := e.decide(j, deciders); status != "" || cause != nil || err != nil {
		return status, cause, err
	}
	if err := j.write(sutler.Record{Kind: sutler.CommittingTx, Response: a.kept, Answer: a.secret()}); err != nil {
		if len(deciders) > 0 { // they are committed: only recovery can tell
			j.lost = err
		}
		return "", nil, err
	}
	status, err = e.forward(j, steps, 0, false)
	return status, nil, err
}

// decide commits the calls that commit last. The state is empty if they did;
// a cause says that they certainly did not, and all is undone.
func (e *Engine) decide(j *journal, deciders []*sutler.Step) (sutler.Status, *sutler.Error, error) {
	for i, s := range deciders {
		err := e.commitStep(j, s)
		switch {
		case err == nil:
			continue
		case j.lost != nil:
			return "", nil, j.lost
		case i == 0 && !unanswered(err):
			return "", failedStep(j, s, err), nil
		}
		switch outcome, perr := e.decided(j, deciders[0]); {
		case j.lost != nil:
			return "", nil, j.lost
		case perr == nil && outcome == sutler.TookEffect:
			j.committed(deciders)
			return "", nil, nil
		case perr == nil && outcome == sutler.NoEffect:
			return "", failedStep(j, s, err), nil
		}
		status, err := e.pause(j, 0, sutler.Record{Kind: sutler.InDoubtTx, Seq: s.Seq, Code: sutler.Doubt,
			Text: fmt.Sprintf("it is not known whether call %d, %s/%s, which decides the transaction, is committed: %v", s.Seq, s.Namespace, s.Procedure, err)}, false)
		return status, nil, err
	}
	return "", nil, nil
}

// committed notes that the marker of the calls that commit last is there: it
// was written together with what all of them did.
func (j *journal) committed(deciders []*sutler.Step) {
	for _, s := range deciders {
		if s.Status == sutler.CallDone {
			j.hold(sutler.Record{Kind: sutler.StepCommitted, Seq: s.Seq})
			s.Status = sutler.CallCommitted
		}
	}
}

// decided asks whether the marker of the call that decides is there.
func (e *Engine) decided(j *journal, s *sutler.Step) (outcome sutler.Outcome, err error) {
	p, ok := e.providers[procedure.Fold(s.Provider)].(sutler.Prober)
	if !ok {
		return sutler.Unknown, sutler.Errorf(sutler.NoProvider, "this engine has no provider %q that can be asked", s.Provider)
	}
	answer := make(chan sutler.Outcome, 1) // a call that nobody waits for any more may still answer
	err = e.again(j, s, "probe", func(ctx context.Context, c *sutler.Call) error {
		outcome, err := p.Probe(ctx, c)
		answer <- outcome
		return err
	})
	if err != nil {
		return sutler.Unknown, err
	}
	if outcome = <-answer; outcome == sutler.Unknown {
		err = sutler.Errorf(sutler.Doubt, "the provider does not know")
	}
	return outcome, err
}

// failedStep is the error of a transaction that one of its calls ended.
func failedStep(j *journal, s *sutler.Step, err error) *sutler.Error {
	return &sutler.Error{Code: sutler.CodeOf(err), Err: withoutAccount(err, s.Identity), Seq: s.Seq, Transaction: j.id, Sources: sourcesOf(s)}
}

// deciding returns those of steps that commit last.
func deciding(steps []*sutler.Step) []*sutler.Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s *sutler.Step) bool { return !s.Decides() })
}

// toCommit returns the calls that take part in two-phase commit, are done and
// not committed, in the order of their process calls.
func toCommit(tx *sutler.Transaction) []*sutler.Step {
	var steps []*sutler.Step
	for i := range tx.Steps {
		if s := &tx.Steps[i]; s.Commits() && s.Status == sutler.CallDone {
			steps = append(steps, s)
		}
	}
	return steps
}

// forward commits the given calls, as far as they are not committed, and the
// transaction. A commit that fails does not keep the others from being tried;
// round says how many rounds failed before, and background that nobody waits.
func (e *Engine) forward(j *journal, steps []*sutler.Step, round int, background bool) (sutler.Status, error) {
	doubt := sutler.Record{Kind: sutler.InDoubtTx, Code: sutler.Doubt}
	for _, s := range steps {
		if s.Status == sutler.CallCommitted {
			continue
		}
		if err := e.commitStep(j, s); err != nil {
			if j.lost != nil {
				return "", j.lost
			}
			text := fmt.Sprintf("cannot commit call %d, %s/%s: %v", s.Seq, s.Namespace, s.Procedure, err)
			e.logger.Error("cannot commit a call", slog.String("transaction", string(j.id)), slog.Int("round", round+1), slog.String("reason", j.secrets.hide(text)))
			if doubt.Text != "" {
				text = doubt.Text + "; " + text
			}
			doubt.Seq, doubt.Text = s.Seq, text
		}
	}
	if doubt.Text != "" {
		return e.pause(j, round, doubt, background)
	}
	if err := j.must(sutler.Record{Kind: sutler.CommittedTx}); err != nil {
		return "", err
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
	s.Status = sutler.CallCommitted
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
