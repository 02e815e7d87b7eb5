package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sutler"
)

// stuckUndo leaves a transaction of three calls as rollbackFailed: call 2
// cannot be undone.
const stuckUndo = `<procedure><execute namespace="Sys" procedure="A"/>
	<execute namespace="Sys" procedure="B"><executeData><fail text="stuck" phase="rollback"/></executeData></execute>
	<execute namespace="Sys" procedure="A"><executeData><fail text="no" phase="process"/></executeData></execute></procedure>`

// stuckCommit leaves a transaction as inDoubt: call 1 is committed, call 2
// cannot be, and call 3 is of type write.
const stuckCommit = `<procedure><execute namespace="Two" procedure="T"/>
	<execute namespace="Two" procedure="T"><executeData><name>2</name><fail text="stuck" phase="commit"/></executeData></execute>
	<execute namespace="Sys" procedure="A"/></procedure>`

// stuckCall leaves a transaction as inDoubt: nobody knows what call 2 did.
const stuckCall = `<procedure><execute namespace="Sys" procedure="A"/>
	<execute namespace="Two" procedure="Operator"><executeData><panic phase="process" after="effect"/></executeData></execute></procedure>`

func TestResolve(t *testing.T) {
	for name, c := range map[string]struct {
		steps  string
		do     sutler.Resolution
		want   sutler.Status
		calls  string // of the provider, caused by the verb
		step2  sutler.StepStatus
		effect []string
	}{
		"retry undo":     {stuckUndo, sutler.Resolution{Verb: sutler.Retry}, sutler.RollbackFailed, "rollback B: stuck", sutler.CallUndoFailed, []string{"B"}},
		"skip undo":      {stuckUndo, sutler.Resolution{Verb: sutler.SkipStep, Seq: 2}, sutler.RolledBack, "", sutler.CallSkipped, []string{"B"}},
		"undone by hand": {stuckUndo, sutler.Resolution{Verb: sutler.MarkDone, Seq: 2}, sutler.RolledBack, "", sutler.CallUndone, []string{"B"}},
		"retry commit":   {stuckCommit, sutler.Resolution{Verb: sutler.Retry}, sutler.InDoubt, "commit   T 2: stuck", sutler.CallDone, []string{"T", "T 2", "A"}},
		"skip commit":    {stuckCommit, sutler.Resolution{Verb: sutler.SkipStep, Seq: 2}, sutler.Committed, "", sutler.CallSkipped, []string{"T", "T 2", "A"}},
		"committed by hand": {stuckCommit, sutler.Resolution{Verb: sutler.MarkDone, Seq: 2}, sutler.Committed, "", sutler.CallCommitted,
			[]string{"T", "T 2", "A"}},
		"turn back": {stuckCommit, sutler.Resolution{Verb: sutler.RollbackVerb}, sutler.RolledBack, "rollback A\nrollback T 2\nrollback T", sutler.CallUndone, nil},
		"retry call": {stuckCall, sutler.Resolution{Verb: sutler.Retry}, sutler.InDoubt, "", sutler.CallStarted,
			[]string{"A", "Operator"}},
		"leave call":       {stuckCall, sutler.Resolution{Verb: sutler.SkipStep, Seq: 2}, sutler.RolledBack, "rollback A", sutler.CallSkipped, []string{"Operator"}},
		"call was cleared": {stuckCall, sutler.Resolution{Verb: sutler.MarkDone, Seq: 2}, sutler.RolledBack, "rollback A", sutler.CallUndone, []string{"Operator"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sutler.Limits{}, funcs{}, nil)
			resp, _ := b.run(t, c.steps)
			if !resp.Status.Waiting() {
				t.Fatalf("before, the transaction is %s", resp.Status)
			}
			b.fake.Trace()
			c.do.Reason = "  ticket 7  "
			commits := b.log.Commits()
			st, err := b.Resolve(t.Context(), admin, resp.Transaction, c.do)
			if st != c.want || err != nil {
				t.Errorf("Resolve = %s, %v, want %s", st, err, c.want)
			}
			if got := strings.Join(b.fake.Trace(), "\n"); got != c.calls {
				t.Errorf("it called\n%s\nwant\n%s", got, c.calls)
			}
			tx := b.fold(t, resp.Transaction)
			if tx.Status != c.want || tx.Steps[1].Status != c.step2 {
				t.Errorf("the log says %s, call 2 %s; want %s, %s", tx.Status, tx.Steps[1].Status, c.want, c.step2)
			}
			if r := tx.Resolved; len(r) != 1 || r[0].Reason != "ticket 7" || r[0].Caller != "ann" || r[0].Verb != c.do.Verb {
				t.Errorf("resolved: %+v", r)
			}
			// The word is durable by itself, before anything is done.
			if g := b.log.Groups()[commits]; len(g) != 1 || g[0].Kind != sutler.Resolved {
				t.Errorf("the first commit holds %v", g)
			}
			if got := b.fake.Effects(); !slices.Equal(got, c.effect) {
				t.Errorf("in the world are %v, want %v", got, c.effect)
			}
		})
	}
}

// TestResolveRefuses asks for what cannot be done: nothing is recorded.
func TestResolveRefuses(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	undo, _ := b.run(t, stuckUndo)
	commit, _ := b.run(t, stuckCommit)
	done, _ := b.run(t, `<procedure><execute namespace="Sys" procedure="A"/></procedure>`)
	commits := b.log.Commits()
	outsider := sutler.Caller{Account: "eve"}
	for name, c := range map[string]struct {
		from sutler.Caller
		id   sutler.TransactionID
		do   sutler.Resolution
		want sutler.Code
	}{
		"no right":              {outsider, undo.Transaction, sutler.Resolution{Verb: sutler.Retry, Reason: "r"}, sutler.Denied},
		"no reason":             {admin, undo.Transaction, sutler.Resolution{Verb: sutler.Retry, Reason: " "}, sutler.BadInput},
		"no transaction":        {admin, "{none}", sutler.Resolution{Verb: sutler.Retry, Reason: "r"}, sutler.NotFound},
		"final":                 {admin, done.Transaction, sutler.Resolution{Verb: sutler.Retry, Reason: "r"}, sutler.Conflict},
		"no verb":               {admin, undo.Transaction, sutler.Resolution{Verb: "bless", Reason: "r"}, sutler.BadInput},
		"no call":               {admin, undo.Transaction, sutler.Resolution{Verb: sutler.SkipStep, Seq: 9, Reason: "r"}, sutler.BadInput},
		"call is undone":        {admin, undo.Transaction, sutler.Resolution{Verb: sutler.SkipStep, Seq: 1, Reason: "r"}, sutler.BadInput},
		"call is committed":     {admin, commit.Transaction, sutler.Resolution{Verb: sutler.MarkDone, Seq: 1, Reason: "r"}, sutler.BadInput},
		"call does not commit":  {admin, commit.Transaction, sutler.Resolution{Verb: sutler.SkipStep, Seq: 3, Reason: "r"}, sutler.BadInput},
		"it goes back already":  {admin, undo.Transaction, sutler.Resolution{Verb: sutler.RollbackVerb, Reason: "r"}, sutler.BadInput},
		"a call without number": {admin, undo.Transaction, sutler.Resolution{Verb: sutler.MarkDone, Reason: "r"}, sutler.BadInput},
	} {
		_, err := b.Resolve(t.Context(), c.from, c.id, c.do)
		if sutler.CodeOf(err) != c.want {
			t.Errorf("%s: %v (%v), want %v", name, sutler.CodeOf(err), err, c.want)
		}
	}
	if got := b.log.Commits() - commits; got != 1 {
		t.Errorf("%d commits, want one: that the caller without the right was refused", got)
	}
}

// TestResolveWhileRunning asks for a transaction that a request works on.
func TestResolveWhileRunning(t *testing.T) {
	entered, leave := make(chan sutler.TransactionID), make(chan struct{})
	b := newBench(t, sutler.Limits{}, funcs{process: func(ctx context.Context, c *sutler.Call) error {
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		entered <- c.Transaction
		<-leave
		return nil
	}}, nil)
	done := make(chan error)
	go func() {
		_, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"/></procedure>`)
		done <- err
	}()
	id := <-entered
	if _, err := b.Resolve(t.Context(), admin, id, again); sutler.CodeOf(err) != sutler.Conflict {
		t.Errorf("Resolve: %v, want code Conflict", err)
	}
	if err := recoverAll(t.Context(), b.Engine); err != nil {
		t.Errorf("RecoverAll: %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Errorf("Submit: %v, after somebody tried to recover it", err)
	}
}

// clientRequest is a request under a clientTransactionId.
func clientRequest(client, name string) string {
	return fmt.Sprintf(`<context><clientContext clientTransactionId="%s"/></context><procedure><execute namespace="Sys" procedure="A"><executeData><name>%s</name></executeData>
		</execute></procedure>`, client, name)
}

// TestRepeatedRequest submits a request again: it runs once.
func TestRepeatedRequest(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	first, err := b.run(t, `<data><x/></data>`+clientRequest("c-1", "one"))
	if err != nil || first.Repeated {
		t.Fatalf("Submit = %+v, %v", first, err)
	}
	second, err := b.run(t, `<data><x/></data>`+clientRequest("c-1", "one"))
	if err != nil || !second.Repeated || second.Transaction != first.Transaction || second.Status != first.Status || string(second.XML) != string(first.XML) {
		t.Errorf("the same again = %+v, %v; want %+v", second, err, first)
	}
	other, err := b.run(t, `<data><x/></data>`+clientRequest("c-1", "two"))
	if sutler.CodeOf(err) != sutler.Duplicate || other.Transaction != "" || !strings.Contains(err.Error(), string(first.Transaction)) {
		t.Errorf("other content = %+v, %v; want code Duplicate and the first transaction named", other, err)
	}
	if third, err := b.run(t, `<data><x/></data>`+clientRequest("c-2", "one")); err != nil || third.Repeated {
		t.Errorf("another ID = %+v, %v", third, err)
	}
	if got := b.fake.Effects(); !slices.Equal(got, []string{"A one", "A one"}) {
		t.Errorf("in the world are %v", got)
	}

	failing := strings.Replace(clientRequest("c-3", "x"), "<name>x</name>", `<name>x</name><fail code="0x80070050" text="it exists" phase="process"/>`, 1)
	first, err = b.run(t, failing)
	again, errAgain := b.run(t, failing)
	if err == nil || errAgain == nil || sutler.CodeOf(err) != sutler.CodeOf(errAgain) || err.Error() != errAgain.Error() || again.Transaction != first.Transaction ||
		again.Status != sutler.RolledBack || string(again.XML) != string(first.XML) || !again.Repeated {
		t.Errorf("a failed request again = %+v, %v; want %+v, %v", again, errAgain, first, err)
	}
}

// TestRepeatedAtOnce submits one request many times at once: one runs, and all
// have its answer.
func TestRepeatedAtOnce(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	type answer struct {
		resp *sutler.Response
		err  error
	}
	const many = 32
	answers := make(chan answer, many)
	for range many {
		go func() {
			resp, err := b.run(t, clientRequest("same", "x"))
			answers <- answer{resp, err}
		}()
	}
	ids := map[sutler.TransactionID]bool{}
	first := 0
	for range many {
		a := <-answers
		if a.err != nil || a.resp.Status != sutler.Committed {
			t.Errorf("Submit = %+v, %v", a.resp, a.err)
			continue
		}
		ids[a.resp.Transaction] = true
		if !a.resp.Repeated {
			first++
		}
	}
	if len(ids) != 1 || first != 1 {
		t.Errorf("%d transactions, %d of them not repeated; want 1", len(ids), first)
	}
	if got := b.fake.Effects(); len(got) != 1 {
		t.Errorf("in the world are %v", got)
	}
}

// TestRefusedRequestTakesNoID submits without a right, then with it.
func TestRefusedRequestTakesNoID(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	src := `<request>` + clientRequest("c", "x") + `</request>`
	if _, err := b.Submit(t.Context(), sutler.Caller{Account: "ann"}, trusted(t, src)); sutler.CodeOf(err) != sutler.Denied {
		t.Fatalf("Submit without a right: %v", err)
	}
	if resp, err := b.Submit(t.Context(), admin, trusted(t, src)); err != nil || resp.Repeated {
		t.Errorf("Submit = %+v, %v", resp, err)
	}
}
