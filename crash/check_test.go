package crash_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sutler"
	"sutler/sutlertest"
)

// world is a fake whose effects are watched: each must have its record.
type world struct {
	*sutlertest.Fake
	mu      sync.Mutex
	log     sutler.TransactionLog
	unknown []string // effects of which the log did not know
}

func newWorld(log sutler.TransactionLog) *world {
	w := &world{Fake: sutlertest.NewFake(), log: log}
	w.Acted = func(c *sutler.Call) {
		w.mu.Lock()
		defer w.mu.Unlock()
		rs, err := w.log.Records(context.Background(), c.Transaction)
		known := err == nil && slices.ContainsFunc(rs, func(r sutler.Record) bool { return r.Kind == sutler.StepStarted && r.Seq == c.Seq })
		if !known {
			w.unknown = append(w.unknown, fmt.Sprintf("%s call %d", c.Procedure, c.Seq))
		}
	}
	return w
}

// setLog makes the world look into another log.
func (w *world) setLog(log sutler.TransactionLog) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = log
}

// answer is what a caller was told, if it was told anything.
type answer struct {
	resp *sutler.Response
	err  error
}

// acknowledged reports whether the caller knows what became of the request.
func (a *answer) acknowledged() bool {
	return a.resp != nil && (a.resp.Status.Final() || a.resp.Status == sutler.Committing) && sutler.CodeOf(a.err) != sutler.LogFailed && sutler.CodeOf(a.err) != sutler.LogRefused
}

// violations compares the log of the one transaction of a run, the world and
// the answer, after recovery. whole are the effects of a run without a death.
func violations(tx *sutler.Transaction, records []sutler.Record, w *world, told answer, whole []string) []string {
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if len(w.unknown) > 0 {
		say("effects without a record: %v", w.unknown)
	}
	if d := w.Double(); len(d) > 0 {
		say("made twice: %v", d)
	}
	effects := w.Effects()
	if tx == nil {
		if len(effects) > 0 {
			say("the log knows nothing and in the world are %v", effects)
		}
		if told.acknowledged() && told.resp.Transaction != "" && told.resp.Status == sutler.Committed && len(whole) > 0 {
			say("committed was acknowledged and the log knows nothing")
		}
		return bad
	}
	switch tx.Status {
	case sutler.Committed:
		if !slices.Equal(effects, whole) {
			say("committed with %v, want %v", effects, whole)
		}
		for _, s := range tx.Steps {
			if s.Status == sutler.CallStarted {
				say("committed and call %d has no outcome", s.Seq)
			}
		}
	case sutler.RolledBack:
		if len(effects) > 0 {
			say("rolled back and in the world are %v", effects)
		}
	case sutler.InDoubt, sutler.RollbackFailed:
		if tx.Text == "" {
			say("%s without a reason", tx.Status)
		}
	default:
		say("still %s after recovery", tx.Status)
	}
	if told.acknowledged() && told.resp.Transaction == tx.ID {
		if decided := told.resp.Status == sutler.Committed || told.resp.Status == sutler.Committing; decided && tx.Status == sutler.RolledBack || told.resp.Status == sutler.RolledBack && tx.Status != sutler.RolledBack {
			say("%s was acknowledged and it is %s", told.resp.Status, tx.Status)
		}
	}
	return append(bad, order(records)...)
}

// order looks whether calls were undone from last to first in each round.
func order(records []sutler.Record) []string {
	var bad []string
	last, rolling := 1<<30, false
	settled := map[int]bool{} // calls without an outcome are settled before the round
	open := map[int]bool{}
	for _, r := range records {
		switch r.Kind {
		case sutler.StepStarted:
			open[r.Seq] = true
		case sutler.StepDone, sutler.StepFailed:
			delete(open, r.Seq)
		case sutler.RollingBackTx:
			last, rolling = 1<<30, true
		case sutler.StepUndone:
			if open[r.Seq] {
				settled[r.Seq] = true
				delete(open, r.Seq)
			}
			if rolling && !settled[r.Seq] {
				if r.Seq > last {
					bad = append(bad, fmt.Sprintf("call %d was undone after call %d", r.Seq, last))
				}
				last = r.Seq
			}
		}
	}
	return bad
}
