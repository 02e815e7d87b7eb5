package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// TestPanicOnTheWayBackIsLeftToRecovery lets the engine's own code panic while
// it undoes, now and in the first recovery: neither the server nor the other
// transactions suffer, and the next recovery ends it.
func TestPanicOnTheWayBackIsLeftToRecovery(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	b.trace = func(ev engine.Event) {
		if ev.Kind == "rollback" && ev.Seq == 1 {
			panic("on the way back")
		}
	}
	resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/><execute namespace="Sys" procedure="A"/>
		<execute namespace="Sys" procedure="A"><executeData><fail phase="process" text="no"/></executeData></execute></procedure>`)
	if sutler.CodeOf(err) != sutler.Unexpected || resp.Status != sutler.RollingBack {
		t.Errorf("Submit: %s, %v (code %s)", resp.Status, err, sutler.CodeOf(err))
	}
	if err := recoverAll(t.Context(), b.Engine); err != nil {
		t.Errorf("RecoverAll with a panic: %v", err)
	}
	b.trace = nil
	if err := recoverAll(t.Context(), b.Engine); err != nil {
		t.Errorf("RecoverAll: %v", err)
	}
	if st := b.fold(t, resp.Transaction).Status; st != sutler.RolledBack || len(b.fake.Effects()) > 0 {
		t.Errorf("in the end %s with %v", st, b.fake.Effects())
	}
}

// torn is a log in which the records of one transaction cannot be read.
type torn struct {
	*sutlertest.Log
	id sutler.TransactionID
}

func (l torn) Records(ctx context.Context, id sutler.TransactionID) ([]sutler.Record, error) {
	if id == l.id {
		return nil, sutler.Errorf(sutler.Corrupt, "cannot read group 7")
	}
	return l.Log.Records(ctx, id)
}

// TestOneDamagedTransactionKeepsNobodyOut recovers beside one whose records
// are damaged: that one is left alone, the others are finished, and the doors
// open.
func TestOneDamagedTransactionKeepsNobodyOut(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, func(l *sutlertest.Log) sutler.TransactionLog { return torn{l, "{a}"} })
	for _, id := range []sutler.TransactionID{"{a}", "{b}"} {
		if err := b.log.Append(t.Context(), sutler.Lease{Engine: "e1", Fence: 1}, sutler.Record{Transaction: id, Kind: sutler.Began}); err != nil {
			t.Fatal(err)
		}
	}
	if err := recoverAll(t.Context(), b.Engine); err != nil {
		t.Errorf("RecoverAll: %v", err)
	}
	if a, other := b.fold(t, "{a}").Status, b.fold(t, "{b}").Status; a != sutler.Active || other != sutler.RolledBack {
		t.Errorf("the damaged one is %s, the other %s", a, other)
	}
}

// TestDoubtStaysDoubt retries a transaction whose outcome only an operator
// knows: the log must stay readable, and what is known be kept.
func TestDoubtStaysDoubt(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/>
		<execute namespace="Two" procedure="Operator"><executeData><panic phase="process" after="effect"/></executeData></execute></procedure>`)
	if resp.Status != sutler.InDoubt || sutler.CodeOf(err) != sutler.Doubt {
		t.Fatalf("Submit: %s, %v", resp.Status, err)
	}
	first := b.fold(t, resp.Transaction)
	for range 3 {
		if st, err := b.Resolve(t.Context(), admin, resp.Transaction, again); st != sutler.InDoubt || err != nil {
			t.Fatalf("Retry: %s, %v", st, err)
		}
		if tx := b.fold(t, resp.Transaction); tx.Status != sutler.InDoubt || tx.Code != first.Code || !strings.Contains(tx.Text, "operator must decide") {
			t.Errorf("after a retry: %s %s %s", tx.Status, tx.Code, tx.Text)
		}
	}
	if st, err := b.Recover(t.Context(), resp.Transaction); st != sutler.InDoubt || err != nil {
		t.Errorf("Recover: %s, %v", st, err)
	}
}

// refusing is a log that refuses one kind of records, as a store does with
// one that is too large.
type refusing struct {
	*sutlertest.Log
	match func(sutler.Record) bool
}

func (l refusing) Append(ctx context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	if slices.ContainsFunc(rs, l.match) {
		return sutler.Errorf(sutler.LogRefused, "cannot write records: they are too large")
	}
	return l.Log.Append(ctx, lease, rs...)
}

// TestRefusedRecordIsUndone shows that a record which the log refuses ends
// the transaction at once: nothing was written, so everything can be undone.
func TestRefusedRecordIsUndone(t *testing.T) {
	for name, match := range map[string]func(sutler.Record) bool{
		"committed":  func(r sutler.Record) bool { return r.Kind == sutler.CommittedTx },
		"preparing":  func(r sutler.Record) bool { return r.Kind == sutler.PreparingTx },
		"committing": func(r sutler.Record) bool { return r.Kind == sutler.CommittingTx },
		"start":      func(r sutler.Record) bool { return r.Kind == sutler.StepStarted && r.Seq == 2 },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sutler.Limits{}, funcs{}, func(l *sutlertest.Log) sutler.TransactionLog { return refusing{l, match} })
			last := "T"
			if name == "committed" {
				last = "Operator"
			}
			resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/><try><execute namespace="Two" procedure="`+last+`"/></try><catch/></procedure>`)
			b.wantUndone(t, resp, err, sutler.LogRefused)
		})
	}
}

// TestFencedRecoveryTouchesNothing lets an engine recover whose lease is no
// longer the newest: before it touches the world its log must have taken that
// rolling back begins.
func TestFencedRecoveryTouchesNothing(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	lease, err := b.log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.log.Append(t.Context(), lease, sutler.Record{Transaction: "{x}", Kind: sutler.Began},
		sutler.Record{Transaction: "{x}", Kind: sutler.StepStarted, Seq: 1, Namespace: "Sys", Procedure: "A", Provider: "fake",
			Type: sutler.Write, Policy: sutler.Repeatable, Context: "<context/>"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recover(t.Context(), "{x}"); sutler.CodeOf(err) != sutler.LogRefused {
		t.Errorf("Recover by a fenced engine: %v, want code LogRefused", err)
	}
	if calls := b.fake.Trace(); len(calls) > 0 {
		t.Errorf("a fenced engine called %v", calls)
	}
}

// TestRecoveryOfWhatNobodyKnows recovers calls of a provider that the engine
// does not have, in every state, and one whose record is unreadable.
func TestRecoveryOfWhatNobodyKnows(t *testing.T) {
	started := sutler.Record{Kind: sutler.StepStarted, Seq: 1, Namespace: "Gone", Procedure: "P", Provider: "gone",
		Type: sutler.TwoPhase, Policy: sutler.Repeatable, Context: "<context/>"}
	unreadable := started
	unreadable.Provider, unreadable.Context = "fake", "<context"
	probe := started
	probe.Policy = sutler.Probe
	done := sutler.Record{Kind: sutler.StepDone, Seq: 1}
	for name, test := range map[string]struct {
		records []sutler.Record
		want    sutler.Status
		text    string
	}{
		"started":    {[]sutler.Record{started}, sutler.InDoubt, `no provider "gone"`},
		"probe":      {[]sutler.Record{probe}, sutler.InDoubt, "has no provider"},
		"done":       {[]sutler.Record{started, done}, sutler.RollbackFailed, `no provider "gone"`},
		"committing": {[]sutler.Record{started, done, {Kind: sutler.PreparingTx}, {Kind: sutler.CommittingTx}}, sutler.InDoubt, `"gone"`},
		"unreadable": {[]sutler.Record{unreadable, done}, sutler.RollbackFailed, "cannot read the record of call 1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sutler.Limits{}, funcs{}, nil)
			lease := sutler.Lease{Engine: "e1", Fence: 1}
			rs := append([]sutler.Record{{Kind: sutler.Began}}, test.records...)
			for i := range rs {
				rs[i].Transaction = "{x}"
			}
			if err := b.log.Append(t.Context(), lease, rs...); err != nil {
				t.Fatal(err)
			}
			if err := recoverAll(t.Context(), b.Engine); err != nil {
				t.Fatalf("RecoverAll: %v", err)
			}
			for range 2 {
				tx := b.fold(t, "{x}")
				if tx.Status != test.want || !strings.Contains(tx.Text, test.text) {
					t.Errorf("%s: %q, want %s: …%s…", tx.Status, tx.Text, test.want, test.text)
				}
				if _, err := b.Resolve(t.Context(), admin, "{x}", again); err != nil {
					t.Errorf("Retry: %v", err)
				}
			}
		})
	}
}

// TestCaughtRefusalLeavesNoError commits a transaction that was refused a
// call on its way: the committed transaction has no error.
func TestCaughtRefusalLeavesNoError(t *testing.T) {
	rs := []sutler.Record{{Kind: sutler.Began}, {Kind: sutler.Refused, Seq: 1, Code: sutler.Denied, Text: "no"}, {Kind: sutler.CommittedTx}}
	tx, err := sutler.Fold(rs)
	if err != nil || tx.Code != sutler.OK || tx.Text != "" {
		t.Errorf("Fold: %+v, %v, want no error", tx, err)
	}
}

// TestRetryKeepsTheCause retries a rollback that failed: what ended the
// request is still told afterwards.
func TestRetryKeepsTheCause(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Sys" procedure="A"><executeData><fail phase="rollback" text="stuck" times="1"/></executeData></execute>
		<execute namespace="Sys" procedure="A"><executeData><fail phase="process" code="0x80070050" text="it exists"/></executeData></execute></procedure>`)
	if resp.Status != sutler.RollbackFailed || sutler.CodeOf(err) != sutler.Exists {
		t.Fatalf("Submit: %s, %v", resp.Status, err)
	}
	if st, err := b.Resolve(t.Context(), admin, resp.Transaction, again); st != sutler.RolledBack || err != nil {
		t.Fatalf("Retry: %s, %v", st, err)
	}
	tx := b.fold(t, resp.Transaction)
	if tx.Code != sutler.Exists || tx.Text != "it exists" || tx.Response != string(resp.XML) {
		t.Errorf("after the retry: %s %q\n%s\nwant the response\n%s", tx.Code, tx.Text, tx.Response, resp.XML)
	}
}

// TestCrashDuringRecovery lets the log die in each story, then in each commit
// of the recovery, and recovers at last: never may the records contradict
// each other, and the world is whole or untouched or an operator is told why.
func TestCrashDuringRecovery(t *testing.T) {
	points := 0
	for _, s := range stories(t) {
		if !s.crashable {
			continue
		}
		whole, commits := s.whole(t)
		for n := 1; n <= commits; n++ {
			for m := 1; m <= 4; m++ {
				for _, after := range []bool{false, true} {
					if points++; points%crashStep != 0 {
						continue
					}
					log, fake := sutlertest.NewLog(), sutlertest.NewFake()
					e := s.newEngine(t, log, fake)
					log.DieAfter(n)
					_, _ = s.submit(t, e)
					fake.Release()
					log.Revive()
					e = s.newEngine(t, log, fake)
					if after {
						log.DieAfter(m)
					} else {
						log.DieBefore(m)
					}
					_ = recoverAll(t.Context(), e)
					log.Revive()
					where := fmt.Sprintf("%s, commit %d, recovery %d (after: %v)", s.name, n, m, after)
					for range 1 + len(s.pauses) {
						if err := recoverAll(t.Context(), s.newEngine(t, log, fake)); err != nil {
							t.Errorf("%s: %v", where, err)
						}
					}
					tx, err := sutler.Fold(log.All())
					if err != nil {
						t.Fatalf("%s: %v", where, err)
					}
					effects := fake.Effects()
					if tx.Status == sutler.Committed && !slices.Equal(effects, whole) || tx.Status == sutler.RolledBack && len(effects) > 0 ||
						!tx.Status.Final() && !tx.Status.Waiting() {
						t.Errorf("%s: %s with effects %v", where, tx.Status, effects)
					}
					if tx.Status.Waiting() {
						for range 2 {
							if _, err := s.newEngine(t, log, fake).Resolve(t.Context(), admin, tx.ID, again); err != nil {
								t.Errorf("%s: Retry: %v", where, err)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d crash points", points)
}

// TestRandomCrashes runs random procedures over a provider that fails and
// panics in every phase, lets the log die anywhere, then dies in recoveries
// as well. The records never contradict each other or the world: what they
// call committed is there, call by call, and of what was undone nothing is.
func TestRandomCrashes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	const sys = `<namespace name="R" providerSource="fake"><procedure name="A" type="write"/><procedure name="Plain" type="write"/>
		<procedure name="Saved" type="write" saveDataForRollback="1"/><procedure name="Probe" type="write"/><procedure name="ProbePlain" type="write"/>
		<procedure name="Operator" type="write"/><procedure name="ProbeUnknown" type="write"/><procedure name="T" type="two-phase"/>
		<procedure name="Get" type="read" auditEnabled="1"/></namespace>`
	step := func() string {
		directive := ""
		if random.IntN(2) == 0 {
			directive = fmt.Sprintf(`<%s phase="%s" after="%s" times="%d" text="no"/>`, pick("fail", "fail", "panic"),
				pick("process", "process", "rollback", "prepare", "commit"), pick("", "effect"), 1+random.IntN(2))
		}
		return fmt.Sprintf(`<execute namespace="R" procedure="%s"><executeData>%s</executeData></execute>`,
			pick("A", "A", "Plain", "Saved", "Probe", "ProbePlain", "Operator", "ProbeUnknown", "T", "T", "Get"), directive)
	}
	ends := map[sutler.Status]int{}
	const rounds = 1500 / crashStep
	for range rounds {
		var steps strings.Builder
		for range 1 + random.IntN(5) {
			if random.IntN(3) == 0 {
				steps.WriteString("<try>" + step() + step() + "</try><catch>" + pick("", step()) + "</catch>")
			} else {
				steps.WriteString(step())
			}
		}
		request := "<procedure>" + steps.String() + "</procedure>"
		b := newBench(t, sutler.Limits{}, funcs{}, nil, sys)
		die := func(n int) {
			if random.IntN(2) == 0 {
				b.log.DieAfter(n)
			} else {
				b.log.DieBefore(n)
			}
		}
		die(1 + random.IntN(12))
		resp, err := b.run(t, request)
		for range random.IntN(3) {
			b.log.Revive()
			die(1 + random.IntN(4))
			_ = recoverAll(t.Context(), b.Engine)
		}
		b.log.Revive()
		if err := recoverAll(t.Context(), b.Engine); err != nil {
			t.Fatalf("%s: RecoverAll: %v", request, err)
		}
		all := b.log.All()
		if len(all) == 0 {
			if left := b.fake.Effects(); len(left) > 0 {
				t.Fatalf("%s: %v and no record", request, left)
			}
			continue
		}
		tx := b.fold(t, resp.Transaction)
		ends[tx.Status]++
		if resp.Status.Final() && tx.Status != resp.Status {
			t.Fatalf("%s: answered %s (%v), in the end %s", request, resp.Status, err, tx.Status)
		}
		for range 4 { // an operator tries again
			if tx.Status.Final() {
				break
			}
			if !tx.Status.Waiting() || tx.Text == "" {
				t.Fatalf("%s: %s after recovery: %q", request, tx.Status, tx.Text)
			}
			if _, err := b.Resolve(t.Context(), admin, tx.ID, again); err != nil {
				t.Fatalf("%s: Retry: %v", request, err)
			}
			tx = b.fold(t, tx.ID)
		}
		effects, done := len(b.fake.Effects()), 0
		for i := range tx.Steps {
			if s := &tx.Steps[i]; s.Type != sutler.Read && (s.Status == sutler.CallDone || s.Status == sutler.CallCommitted) {
				done++
			}
		}
		if tx.Status == sutler.Committed && effects != done || tx.Status == sutler.RolledBack && effects > 0 {
			t.Fatalf("%s: %s with %d effects and %d calls done", request, tx.Status, effects, done)
		}
	}
	for _, st := range []sutler.Status{sutler.Committed, sutler.RolledBack, sutler.InDoubt, sutler.RollbackFailed} {
		if ends[st] < rounds/100 {
			t.Errorf("only %d of %d ended %s: %v", ends[st], rounds, st, ends)
		}
	}
}
