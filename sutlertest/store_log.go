package sutlertest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"sutler"
)

// Leaser is a transaction log that gives leases.
type Leaser interface {
	sutler.TransactionLog
	// Lease gives engine the right to write, with a fencing number higher than
	// any before.
	Lease(ctx context.Context, engine sutler.EngineID) (sutler.Lease, error)
}

// TestLog tests that a transaction log keeps the contract of
// sutler.TransactionLog. open returns an empty one.
func TestLog(t *testing.T, open func(t *testing.T) Leaser) {
	for name, test := range map[string]func(*testing.T, Leaser){
		"every field":     testFields,
		"order":           testOrder,
		"refused records": testRefused,
		"fence":           testFence,
		"unfinished":      testUnfinished,
		"owner":           testOwner,
		"nothing":         testNothing,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// testFields writes records with every field set and reads them back.
func testFields(t *testing.T, s Leaser) {
	l := mustLease(t, s, "engine")
	var want []sutler.Record
	for kind := sutler.Began; kind <= sutler.AuditCommand; kind++ {
		want = append(want, sutler.Record{
			Transaction: "{a}", Kind: kind, At: at(int(kind)),
			Caller: `corp\ann`, Trustee: "bob", Client: fmt.Sprint("c-", kind), Namespace: "Näme <&>", Procedure: "Do\x00It",
			Revision: 1 << 40, Programs: []string{"h1", "h2"},
			Seq: int(kind), Parents: []sutler.Frame{{Seq: 1, Namespace: "N", Procedure: "P"}, {Seq: 2}},
			Provider: "Src", Type: sutler.TwoPhase, Policy: sutler.Probe,
			Identity: sutler.Identity{Kind: sutler.ExecuteAs, Account: "svc"},
			Context:  "<context/>", Input: "<executeData>\n</executeData>",
			Rollback: []sutler.Pair{{Name: "path", Value: "a/b"}, {Name: "id", Value: "\xff\xfe"}, {}},
			Code:     sutler.Denied, Text: "cannot do it", Response: "<response/>",
			Digest: "d1", Enlisted: true, Audited: true, Before: "<a/>", After: "<b/>",
			Round: 3, Due: at(99), Verb: sutler.SkipStep, Records: []byte{0, 1},
		})
	}
	mustAppend(t, s, l, want...)
	wantRecords(t, s, "{a}", want)
}

// testOrder writes two transactions in turns, in records of several sizes.
func testOrder(t *testing.T, s Leaser) {
	l := mustLease(t, s, "engine")
	var a, b []sutler.Record
	for i := range 5 {
		ra, rb := story("{a}", sutler.StepFlushed), story("{b}", sutler.StepFlushed, sutler.StepDone)
		ra[0].Seq, rb[0].Seq, rb[1].Seq = i, i, i
		ra[0].Input = string(make([]byte, i*100_000))
		a, b = append(a, ra...), append(b, rb...)
		mustAppend(t, s, l, rb[0], ra[0], rb[1])
	}
	wantRecords(t, s, "{a}", a)
	wantRecords(t, s, "{b}", b)
	wantRecords(t, s, "{A}", nil)
	wantRecords(t, s, "", nil)
}

// testRefused looks whether a bad record is refused together with the good
// ones around it, and nothing else.
func testRefused(t *testing.T, s Leaser) {
	l := mustLease(t, s, "engine")
	good := story("{a}", sutler.Began)
	mustAppend(t, s, l, good...)
	for name, bad := range map[string]sutler.Record{
		"no kind":        {Transaction: "{a}"},
		"no such kind":   {Transaction: "{a}", Kind: 99},
		"no transaction": {Kind: sutler.Began},
		"no such policy": {Transaction: "{a}", Kind: sutler.StepStarted, Policy: 9},
		"too large":      {Transaction: "{a}", Kind: sutler.StepStarted, Input: string(make([]byte, 64<<20))},
	} {
		err := s.Append(t.Context(), l, story("{b}", sutler.Began)[0], bad, story("{a}", sutler.CommittedTx)[0])
		wantCode(t, "Append with a record of "+name, err, sutler.LogRefused)
	}
	mustAppend(t, s, l, sutler.Record{Kind: sutler.Refused, At: at(1), Text: "a refusal needs no transaction"})
	wantRecords(t, s, "{a}", good)
	wantRecords(t, s, "{b}", nil)
}

// testFence looks whether a newer lease shuts out the older ones of the same
// engine only.
func testFence(t *testing.T, s Leaser) {
	old := mustLease(t, s, "one")
	other := mustLease(t, s, "two")
	mustAppend(t, s, old, story("{a}", sutler.Began)...)
	newer := mustLease(t, s, "one")
	if newer.Fence <= other.Fence || other.Fence <= old.Fence {
		t.Errorf("fencing numbers %d, %d, %d do not grow", old.Fence, other.Fence, newer.Fence)
	}
	wantCode(t, "Append with an older number", s.Append(t.Context(), old, story("{a}", sutler.CommittedTx)...), sutler.LogRefused)
	mustAppend(t, s, other, story("{b}", sutler.Began)...)
	mustAppend(t, s, newer, story("{a}", sutler.Began, sutler.RollingBackTx)[1])
	wantRecords(t, s, "{a}", story("{a}", sutler.Began, sutler.RollingBackTx))
	wantRecords(t, s, "{b}", story("{b}", sutler.Began))
}

// endings are stories with the question whether recovery must go on with them.
var endings = []struct {
	kinds      []sutler.RecordKind
	unfinished bool
}{
	{[]sutler.RecordKind{sutler.Began}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.CommittedTx}, false},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepFlushed, sutler.StepFailed, sutler.RollingBackTx, sutler.RolledBackTx}, false},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.PreparingTx}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.PreparingTx, sutler.CommittingTx, sutler.StepCommitted}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.PreparingTx, sutler.CommittingTx, sutler.InDoubtTx}, false},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.RollingBackTx, sutler.StepUndoFailed}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.RollingBackTx, sutler.StepUndoFailed, sutler.RollbackFailTx}, false},
	{[]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.RollingBackTx, sutler.RollbackFailTx, sutler.RollingBackTx, sutler.StepUndone}, true},
	{[]sutler.RecordKind{sutler.Began, sutler.Refused}, true},
}

// testUnfinished tells every ending and pages through what is left.
func testUnfinished(t *testing.T, s Leaser) {
	l := mustLease(t, s, "engine")
	var want []sutler.TransactionID
	for i := len(endings) - 1; i >= 0; i-- {
		id := sutler.TransactionID(fmt.Sprintf("{%02d}", i))
		mustAppend(t, s, l, story(id, endings[i].kinds...)...)
		if endings[i].unfinished {
			want = append(want, id)
		}
	}
	mustAppend(t, s, l, story("{refused}", sutler.Refused)...)
	slices.Sort(want)
	wantUnfinished(t, s, "engine", want)
	wantUnfinished(t, s, "nobody", nil)
	var got []sutler.TransactionID
	for after := sutler.TransactionID(""); ; {
		page, err := s.Unfinished(t.Context(), "engine", after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("a page of 2 is %v, %v", page, err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1]
	}
	if !slices.Equal(got, want) {
		t.Errorf("unfinished, in pages of 2: %v, want %v", got, want)
	}
}

// testOwner lets a second engine take over.
func testOwner(t *testing.T, s Leaser) {
	one, two := mustLease(t, s, "one"), mustLease(t, s, "two")
	mustAppend(t, s, one, append(story("{a}", sutler.Began), story("{b}", sutler.Began)...)...)
	mustAppend(t, s, two, story("{a}", sutler.RollingBackTx)...)
	wantUnfinished(t, s, "one", []sutler.TransactionID{"{b}"})
	wantUnfinished(t, s, "two", []sutler.TransactionID{"{a}"})
}

// testNothing appends nothing.
func testNothing(t *testing.T, s Leaser) {
	mustAppend(t, s, mustLease(t, s, "engine"))
	wantRecords(t, s, "{a}", nil)
	wantUnfinished(t, s, "engine", nil)
}

// at is the time of the n-th record of a story.
func at(n int) time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000+n*1000, time.UTC) }

// story returns records of the given kinds of one transaction, all of call 1.
func story(id sutler.TransactionID, kinds ...sutler.RecordKind) []sutler.Record {
	rs := make([]sutler.Record, len(kinds))
	for i, kind := range kinds {
		r := sutler.Record{Transaction: id, Kind: kind, At: at(i)}
		switch kind {
		case sutler.Began:
			r.Caller, r.Trustee, r.Client, r.Namespace, r.Procedure = "ann", "bob", "c"+string(id), "Space", "Do"
			r.Revision, r.Programs = 7, []string{"hash"}
		case sutler.StepStarted:
			r.Seq, r.Namespace, r.Procedure, r.Provider, r.Type = 1, "Files", "Make", "files", sutler.Write
			r.Rollback = []sutler.Pair{{Name: "path", Value: "p"}}
		case sutler.StepFlushed, sutler.StepDone:
			r.Seq, r.Rollback = 1, []sutler.Pair{{Name: "path", Value: "q"}}
		case sutler.StepFailed, sutler.StepCommitted, sutler.StepUndone, sutler.StepUndoFailed:
			r.Seq, r.Text = 1, "why"
		case sutler.RollingBackTx, sutler.InDoubtTx, sutler.Refused:
			r.Code, r.Text = sutler.Denied, "because of "+kind.String()
		case sutler.RollbackFailTx:
			r.Text = "cannot undo"
		case sutler.CommittedTx:
			r.Response = "<response/>"
		}
		rs[i] = r
	}
	return rs
}

func mustLease(t *testing.T, s Leaser, engine sutler.EngineID) sutler.Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), engine)
	if err != nil || l.Engine != engine {
		t.Fatalf("Lease(%s) = %+v, %v", engine, l, err)
	}
	return l
}

func mustAppend(t *testing.T, s Leaser, l sutler.Lease, rs ...sutler.Record) {
	t.Helper()
	if err := s.Append(t.Context(), l, rs...); err != nil {
		t.Fatalf("Append of %d records: %v", len(rs), err)
	}
}

func wantRecords(t *testing.T, s Leaser, id sutler.TransactionID, want []sutler.Record) {
	t.Helper()
	got, err := s.Records(t.Context(), id)
	if err != nil {
		t.Errorf("Records(%s): %v", id, err)
		return
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("Records(%s) are\n%+v\nwant\n%+v", id, got, want)
	}
}

func wantUnfinished(t *testing.T, s Leaser, engine sutler.EngineID, want []sutler.TransactionID) {
	t.Helper()
	got, err := s.Unfinished(t.Context(), engine, "", 1000)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Unfinished(%s) = %v, %v, want %v", engine, got, err, want)
	}
}

func wantCode(t *testing.T, what string, err error, want sutler.Code) {
	t.Helper()
	if got := sutler.CodeOf(err); got != want {
		t.Errorf("%s: code %s (%v), want %s", what, got, err, want)
	}
}
