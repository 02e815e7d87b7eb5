package sutler_test

import (
	"strings"
	"testing"
	"time"

	"sutler"
)

// told makes the records of one transaction: two calls, the second without an
// outcome when open, then what more follows.
func told(open bool, more ...sutler.Record) []sutler.Record {
	rs := []sutler.Record{
		{Kind: sutler.Began}, {Kind: sutler.StepStarted, Seq: 1, Type: sutler.TwoPhase}, {Kind: sutler.StepDone, Seq: 1},
		{Kind: sutler.StepStarted, Seq: 2, Type: sutler.Read, Enlisted: true},
	}
	if !open {
		rs = append(rs, sutler.Record{Kind: sutler.StepDone, Seq: 2})
	}
	rs = append(rs, more...)
	for i := range rs {
		rs[i].Transaction, rs[i].At = "{1}", at(int64(i))
	}
	return rs
}

func folded(t *testing.T, rs []sutler.Record) *sutler.Transaction {
	t.Helper()
	tx, err := sutler.Fold(rs)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestFoldPauses looks whether a pause is told until the next round begins.
func TestFoldPauses(t *testing.T) {
	back := []sutler.Record{{Kind: sutler.RollingBackTx, Code: sutler.Failed, Text: "it failed"}, {Kind: sutler.PausedTx, Round: 2, Due: at(1000), Text: "no route"}}
	tx := folded(t, told(false, back...))
	if tx.Status != sutler.RollingBack || tx.Round != 2 || !tx.Due.Equal(at(1000)) || tx.Text != "no route" || tx.Code != sutler.Failed {
		t.Errorf("paused: %+v", tx)
	}
	tx = folded(t, told(false, append(back, sutler.Record{Kind: sutler.RollingBackTx, Text: "it failed"})...))
	if tx.Round != 2 || !tx.Due.IsZero() {
		t.Errorf("after the next round began: round %d, due %v", tx.Round, tx.Due)
	}
	tx = folded(t, told(false, sutler.Record{Kind: sutler.PreparingTx}, sutler.Record{Kind: sutler.CommittingTx}, sutler.Record{Kind: sutler.PausedTx, Round: 1, Due: at(9)}))
	if tx.Status != sutler.Committing || !tx.Forward || tx.Due.IsZero() {
		t.Errorf("committing paused: %+v", tx)
	}
	if _, err := sutler.Fold(told(false, sutler.Record{Kind: sutler.PausedTx, Due: at(9)})); sutler.CodeOf(err) != sutler.Corrupt {
		t.Errorf("a pause of an active transaction: %v, want code Corrupt", err)
	}
}

// TestFoldResolutions looks what an operator's word makes of calls and directions.
func TestFoldResolutions(t *testing.T) {
	forward := []sutler.Record{{Kind: sutler.PreparingTx}, {Kind: sutler.CommittingTx, Response: "<response/>"}, {Kind: sutler.InDoubtTx, Text: "why"}}
	back := []sutler.Record{{Kind: sutler.RollingBackTx}, {Kind: sutler.StepUndoFailed, Seq: 2, Text: "stuck"}, {Kind: sutler.RollbackFailTx, Text: "stuck"}}
	for name, c := range map[string]struct {
		before  []sutler.Record
		verb    sutler.Verb
		seq     int
		want    sutler.StepStatus // of call 2
		forward bool
		undo    bool // call 2 may still be undone
	}{
		"mark done, forward": {forward, sutler.MarkDone, 2, sutler.CallCommitted, true, true},
		"mark done, back":    {back, sutler.MarkDone, 2, sutler.CallUndone, false, false},
		"skip, forward":      {forward, sutler.SkipStep, 2, sutler.CallSkipped, true, false},
		"skip, back":         {back, sutler.SkipStep, 2, sutler.CallSkipped, false, false},
		"retry":              {back, sutler.Retry, 0, sutler.CallUndoFailed, false, true},
		"turn back":          {forward, sutler.RollbackVerb, 0, sutler.CallDone, false, true},
	} {
		word := sutler.Record{Kind: sutler.Resolved, Verb: c.verb, Seq: c.seq, Caller: "ann", Text: "as agreed"}
		tx := folded(t, told(false, append(c.before, word)...))
		if s := tx.Steps[1]; s.Status != c.want || s.MayUndo() != c.undo || tx.Forward != c.forward {
			t.Errorf("%s: call is %s, may undo %v, forward %v", name, s.Status, s.MayUndo(), tx.Forward)
		}
		if r := tx.Resolved; len(r) != 1 || r[0].Verb != c.verb || r[0].Reason != "as agreed" || r[0].Caller != "ann" || r[0].At.IsZero() {
			t.Errorf("%s: resolved %+v", name, r)
		}
	}
	turned := append(forward, sutler.Record{Kind: sutler.Resolved, Verb: sutler.RollbackVerb, Text: "no"}, sutler.Record{Kind: sutler.RollingBackTx}, sutler.Record{Kind: sutler.RolledBackTx})
	if tx := folded(t, told(false, turned...)); tx.Status != sutler.RolledBack {
		t.Errorf("turned back: %s", tx.Status)
	}
	for want, rs := range map[string][]sutler.Record{
		"never started":          append(back, sutler.Record{Kind: sutler.Resolved, Verb: sutler.SkipStep, Seq: 7}),
		"no verb":                append(back, sutler.Record{Kind: sutler.Resolved, Verb: "bless", Seq: 1}),
		"not fit the state comm": append(forward[:2:2], sutler.Record{Kind: sutler.RollingBackTx}),
	} {
		if _, err := sutler.Fold(told(false, rs...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Fold: %v, want an error with %q", err, want)
		}
	}
}

// TestFoldLateEffect looks whether an effect after the end makes work again.
func TestFoldLateEffect(t *testing.T) {
	end := []sutler.Record{{Kind: sutler.RollingBackTx}, {Kind: sutler.StepUndone, Seq: 2}, {Kind: sutler.StepUndone, Seq: 1}, {Kind: sutler.RolledBackTx}}
	late := sutler.Record{Kind: sutler.LateEffect, Seq: 2, Text: "it acted after its lease had lapsed"}
	tx := folded(t, told(true, append(end, late)...))
	if tx.Status != sutler.RollingBack || !tx.Ended.Equal(time.Time{}) || tx.Steps[1].Status != sutler.CallStarted || !tx.Steps[1].MayUndo() || tx.Steps[0].MayUndo() {
		t.Errorf("late: %+v", tx)
	}
	more := append(end, late, sutler.Record{Kind: sutler.RollingBackTx}, sutler.Record{Kind: sutler.StepUndone, Seq: 2}, sutler.Record{Kind: sutler.RolledBackTx})
	if tx := folded(t, told(true, more...)); tx.Status != sutler.RolledBack || tx.Ended.IsZero() {
		t.Errorf("undone again: %+v", tx)
	}
	if _, err := sutler.Fold(told(false, sutler.Record{Kind: sutler.CommittedTx}, late)); sutler.CodeOf(err) != sutler.Corrupt {
		t.Errorf("late after the commit: %v, want code Corrupt", err)
	}
}

// TestUncarried looks whether what was carried forward takes the place of what was cut off.
func TestUncarried(t *testing.T) {
	before := told(true)
	carried := sutler.Record{Transaction: "{1}", Kind: sutler.Carried, At: at(50), Records: sutler.EncodeRecords(nil, before)}
	after := sutler.Record{Transaction: "{1}", Kind: sutler.RollingBackTx, At: at(51)}
	for name, rs := range map[string][]sutler.Record{
		"all there": append(append([]sutler.Record{}, before...), carried, after),
		"cut":       {carried, after},
		"half cut":  {before[2], before[3], carried, after},
	} {
		got, err := sutler.Uncarried(rs)
		if err != nil || len(got) != len(before)+1 || got[0].Kind != sutler.Began || got[len(got)-1].Kind != sutler.RollingBackTx {
			t.Errorf("%s: %d records, %v", name, len(got), err)
		}
	}
	if _, err := sutler.Uncarried([]sutler.Record{{Transaction: "{1}", Kind: sutler.Carried, Records: []byte{9}}}); sutler.CodeOf(err) != sutler.Corrupt {
		t.Errorf("damaged: %v, want code Corrupt", err)
	}
}
