package sutler

import (
	"cmp"
	"slices"
	"time"
)

// Fold returns the transaction that records tell of, in the order in which
// they were written. It is pure: nothing about a transaction lives anywhere
// else. Records may repeat what an earlier one said, as they do when a crash
// interrupts undoing. An error has code Corrupt: the records belong to
// different transactions, speak of a call that never started, or contradict
// the order of states.
func Fold(records []Record) (*Transaction, error) {
	if len(records) == 0 {
		return nil, Errorf(NotFound, "cannot fold a transaction: it has no records")
	}
	tx := &Transaction{ID: records[0].Transaction, Status: Active, Started: records[0].At}
	index := map[int]int{} // call number → place in tx.Steps
	for i := range records {
		r := &records[i]
		if r.Transaction != tx.ID {
			return nil, Errorf(Corrupt, "cannot fold transaction %s: a record belongs to %s", tx.ID, r.Transaction)
		}
		if tx.Status.Final() && r.Kind != LateEffect {
			return nil, Errorf(Corrupt, "cannot fold transaction %s: record %d (%s) comes after it was %s", tx.ID, i+1, r.Kind, tx.Status)
		}
		if r.Kind.ofStep() {
			if err := tx.foldStep(r, index); err != nil {
				return nil, err
			}
			continue
		}
		if err := tx.foldState(r, index); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(tx.Steps, func(a, b Step) int { return cmp.Compare(a.Seq, b.Seq) })
	return tx, nil
}

func (tx *Transaction) foldState(r *Record, index map[int]int) error {
	var next Status
	var from []Status
	switch r.Kind {
	case Began:
		tx.Caller, tx.Trustee, tx.Client, tx.Digest = r.Caller, r.Trustee, r.Client, r.Digest
		tx.Namespace, tx.Procedure = r.Namespace, r.Procedure
		tx.Revision, tx.Programs, tx.Started = r.Revision, r.Programs, r.At
		return nil
	case PreparingTx:
		next, from = Preparing, []Status{Active}
		tx.Response, tx.Answer = r.Response, cmp.Or(r.Answer, tx.Answer)
	case CommittingTx:
		next, from = Committing, []Status{Preparing, Committing, InDoubt}
		tx.Response, tx.Answer, tx.Forward, tx.Due = r.Response, cmp.Or(r.Answer, tx.Answer), true, time.Time{}
	case CommittedTx:
		next, from = Committed, []Status{Active, Committing}
		tx.Ended = r.At
		tx.Due = time.Time{}
		tx.Code, tx.Text = OK, "" // of a doubt that was cleared
		if r.Response != "" {
			tx.Response, tx.Answer = r.Response, r.Answer
		}
	case RollingBackTx:
		next, from = RollingBack, []Status{Active, Preparing, RollingBack, RollbackFailed, InDoubt}
		if !tx.Forward { // turned back by an operator while committing
			from = append(from, Committing)
		}
		tx.Forward, tx.Due = false, time.Time{}
		tx.Code, tx.Text, tx.Response, tx.Answer = r.Code, r.Text, r.Response, ""
	case RolledBackTx:
		next, from = RolledBack, []Status{RollingBack}
		tx.Ended = r.At
	case RollbackFailTx:
		next, from = RollbackFailed, []Status{RollingBack}
		tx.Text, tx.Due = r.Text, time.Time{}
	case InDoubtTx:
		next, from = InDoubt, []Status{Active, Preparing, Committing, RollingBack}
		tx.Code, tx.Text, tx.Due = r.Code, r.Text, time.Time{}
	case PausedTx:
		next, from = tx.Status, []Status{Preparing, Committing, RollingBack}
		tx.Round, tx.Due, tx.Text = r.Round, r.Due, r.Text
	case Resolved:
		return tx.foldResolution(r, index)
	case AuditCommand:
		tx.Commands = append(tx.Commands, Command{Seq: r.Seq, SQL: r.Text})
		return nil
	case Refused:
		tx.Audited = tx.Audited || r.Audited
		tx.Refusals = append(tx.Refusals, Refusal{Seq: r.Seq, Namespace: r.Namespace, Procedure: r.Procedure, Rule: r.Text, At: r.At})
		return nil
	default:
		return Errorf(Corrupt, "cannot fold transaction %s: no record has the kind %d", tx.ID, r.Kind)
	}
	if !slices.Contains(from, tx.Status) {
		return Errorf(Corrupt, "cannot fold transaction %s: a record %s does not fit the state %s", tx.ID, r.Kind, tx.Status)
	}
	tx.Status = next
	return nil
}

// foldResolution takes up an operator's word.
func (tx *Transaction) foldResolution(r *Record, index map[int]int) error {
	tx.Resolved = append(tx.Resolved, Resolution{Verb: r.Verb, Seq: r.Seq, Reason: r.Text, Caller: r.Caller, At: r.At})
	tx.Round = 0
	switch r.Verb {
	case Retry:
		return nil
	case RollbackVerb:
		tx.Forward = false
		return nil
	}
	i, ok := index[r.Seq]
	if !ok {
		return Errorf(Corrupt, "cannot fold transaction %s: an operator's %s speaks of call %d, which never started", tx.ID, r.Verb, r.Seq)
	}
	switch s := &tx.Steps[i]; {
	case r.Verb == SkipStep:
		s.Status, s.Text = CallSkipped, r.Text
	case r.Verb == MarkDone && tx.Forward:
		s.Status = CallCommitted
	case r.Verb == MarkDone:
		s.Status, s.UndoneAt = CallUndone, r.At
	default:
		return Errorf(Corrupt, "cannot fold transaction %s: operators have no verb %q", tx.ID, r.Verb)
	}
	return nil
}

func (tx *Transaction) foldStep(r *Record, index map[int]int) error {
	if r.Kind == StepStarted {
		if _, twice := index[r.Seq]; twice {
			return Errorf(Corrupt, "cannot fold transaction %s: call %d starts twice", tx.ID, r.Seq)
		}
		index[r.Seq] = len(tx.Steps)
		tx.Steps = append(tx.Steps, Step{
			Seq: r.Seq, Parents: r.Parents, Namespace: r.Namespace, Procedure: r.Procedure,
			Provider: r.Provider, Type: r.Type, Policy: r.Policy, Identity: r.Identity,
			Context: r.Context, Input: r.Input, Rollback: r.Rollback, Status: CallStarted, Began: r.At,
			Enlisted: r.Enlisted, Audited: r.Audited, Before: r.Before, Sensitive: r.Sensitive, Private: r.Private,
		})
		tx.Audited = tx.Audited || r.Audited
		return nil
	}
	i, ok := index[r.Seq]
	if !ok {
		return Errorf(Corrupt, "cannot fold transaction %s: record %s of call %d, which never started", tx.ID, r.Kind, r.Seq)
	}
	s := &tx.Steps[i]
	switch r.Kind {
	case StepFlushed:
		s.Rollback = r.Rollback
	case StepDone:
		s.Status, s.Ended, s.After = CallDone, r.At, r.After
		if len(r.Rollback) > 0 {
			s.Rollback = r.Rollback
		}
	case StepFailed:
		s.Status, s.Ended, s.Text = CallFailed, r.At, r.Text
	case StepCommitted:
		s.Status = CallCommitted
	case StepUndone:
		s.Status, s.UndoneAt = CallUndone, r.At
	case StepUndoFailed:
		s.Status, s.Text = CallUndoFailed, r.Text
	case LateEffect:
		if tx.Status == Committed {
			return Errorf(Corrupt, "cannot fold transaction %s: call %d acted late and the transaction is committed", tx.ID, r.Seq)
		}
		s.Status, s.UndoneAt, s.Text = CallStarted, time.Time{}, r.Text
		if len(r.Rollback) > 0 {
			s.Rollback = r.Rollback
		}
		if tx.Status.Final() || tx.Status.Waiting() {
			tx.Status, tx.Ended = RollingBack, time.Time{}
		}
	}
	return nil
}

// ofStep reports whether records of the kind speak of one call.
func (k RecordKind) ofStep() bool {
	switch k {
	case StepStarted, StepFlushed, StepDone, StepFailed, StepCommitted, StepUndone, StepUndoFailed, LateEffect:
		return true
	}
	return false
}

// String returns the name of the kind as messages show it.
func (k RecordKind) String() string {
	if int(k) < len(recordNames) && recordNames[k] != "" {
		return recordNames[k]
	}
	return "unknown"
}

var recordNames = [...]string{
	Began: "began", StepStarted: "stepStarted", StepFlushed: "stepFlushed", StepDone: "stepDone",
	StepFailed: "stepFailed", PreparingTx: "preparing", CommittingTx: "committing",
	StepCommitted: "stepCommitted", CommittedTx: "committed", RollingBackTx: "rollingBack",
	StepUndone: "stepUndone", StepUndoFailed: "stepUndoFailed", RolledBackTx: "rolledBack",
	RollbackFailTx: "rollbackFailed", InDoubtTx: "inDoubt", Refused: "refused",
	PausedTx: "paused", Resolved: "resolved", LateEffect: "lateEffect", AuditCommand: "auditCommand", Carried: "carried",
}
