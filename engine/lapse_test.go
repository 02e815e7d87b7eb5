package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// committer calls before at the first commit, whose answer it gives.
type committer struct {
	*sutlertest.Fake
	before  func() error
	first   atomic.Bool
	commits atomic.Int32
}

func (c *committer) Commit(ctx context.Context, call *sutler.Call) error {
	if c.first.CompareAndSwap(false, true) {
		if err := c.before(); err != nil {
			return err
		}
	}
	c.commits.Add(1)
	return c.Fake.Commit(ctx, call)
}

const twoPhase = `<namespace name="Two" providerSource="fake"><procedure name="T" type="two-phase" access="public"/></namespace>`

func reviewEngine(t *testing.T, log *sutlertest.Log, p sutler.Provider, holds func() bool, id sutler.TransactionID) *engine.Engine {
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Providers: map[string]sutler.Provider{"fake": p},
		Builtin: []sutler.Source{{File: "n.xml", Text: []byte(twoPhase)}},
		Now:     func() time.Time { return time.Unix(1_700_000_000, 0) }, NewID: func() sutler.TransactionID { return id }, Holds: holds,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func lateCommit(t *testing.T, takeover bool, answer error) (*sutler.Transaction, int32, error) {
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	var holds atomic.Bool
	holds.Store(true)
	c := &committer{Fake: fake}
	e := reviewEngine(t, log, c, holds.Load, "{1}")
	c.before = func() error {
		holds.Store(false)
		if takeover {
			other := reviewEngine(t, log, c, nil, "{2}")
			if err := other.RecoverAll(t.Context(), other.Lease()); err != nil {
				t.Error(err)
			}
			t.Log("after takeover:", foldOf(t, log, "{1}").Status)
		}
		return answer
	}
	resp, err := e.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="Two" procedure="T"/></procedure></request>`))
	t.Logf("Submit: %s %v", resp.Status, err)
	l, _ := log.Lease(t.Context(), "e1")
	e.SetLease(l)
	holds.Store(true)
	t.Log("RecoverAll:", e.RecoverAll(t.Context(), l))
	rs, _ := log.Records(t.Context(), "{1}")
	tx, err := sutler.Fold(rs)
	return tx, c.commits.Load(), err
}

// TestLateCommitAfterTakeover lets another engine commit meanwhile: a late
// commit is as it should be.
func TestLateCommitAfterTakeover(t *testing.T) {
	if _, _, err := lateCommit(t, true, nil); err != nil {
		t.Errorf("the records contradict each other: %v", err)
	}
}

// TestLateCommitThatFailed gives an error under a lapsed lease: the commit must
// be tried again.
func TestLateCommitThatFailed(t *testing.T) {
	tx, commits, err := lateCommit(t, false, errors.New("not now"))
	if err != nil {
		t.Fatal(err)
	}
	if tx.Status == sutler.Committed && commits == 0 {
		t.Errorf("it is %s, call 1 is %s, and its commit never succeeded (%d)", tx.Status, tx.Steps[0].Status, commits)
	}
}

// finds counts how often a clientTransactionId is looked for.
type finds struct {
	*sutlertest.Log
	n *atomic.Int32
}

func (f finds) Find(ctx context.Context, trustee, client string) (sutler.TransactionID, error) {
	defer f.n.Add(1)
	return f.Log.Find(ctx, trustee, client)
}

// TestRepetitionHoldsNoPlace lets a repetition wait for the first request: of
// two places another request must find one.
func TestRepetitionHoldsNoPlace(t *testing.T) {
	end, started := make(chan struct{}), make(chan struct{}, 1)
	odd := funcs{process: func(ctx context.Context, c *sutler.Call) error {
		if c.Type == sutler.Read {
			return nil
		}
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		started <- struct{}{}
		<-end
		return nil
	}}
	var n atomic.Int32
	b := newBench(t, sutler.Limits{Running: 2}, odd, func(l *sutlertest.Log) sutler.TransactionLog { return finds{l, &n} })
	const one = `<request><context><clientContext clientTransactionId="c1"/></context><procedure><execute namespace="Odd" procedure="Write"/></procedure></request>`
	answers := make(chan *sutler.Response, 2)
	submit := func() {
		resp, err := b.Submit(context.Background(), admin, trusted(t, one))
		if err != nil {
			t.Errorf("Submit: %v", err)
		}
		answers <- resp
	}
	go submit()
	<-started
	go submit()
	for deadline := time.Now().Add(time.Minute); n.Load() < 2; {
		if time.Now().After(deadline) {
			t.Fatal("the repetition never came")
		}
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := b.Submit(ctx, admin, trusted(t, `<request><procedure><execute namespace="Odd" procedure="Read"/></procedure></request>`)); err != nil {
		t.Errorf("another request finds no place while a repetition waits: %v", err)
	}
	close(end)
	if x, y := <-answers, <-answers; x.Transaction != y.Transaction || x.Repeated == y.Repeated {
		t.Errorf("answers %+v and %+v, want one of them repeated", x, y)
	}
}

// TestAbandonedCallSets sets rollback data after nobody waits any more; the race
// detector looks on.
func TestAbandonedCallSets(t *testing.T) {
	go_, gone := make(chan struct{}), make(chan struct{})
	odd := funcs{process: func(ctx context.Context, c *sutler.Call) error {
		defer close(gone)
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
		for {
			select {
			case <-go_:
				return nil
			default:
				c.Rollback.Set("x", "1")
			}
		}
	}}
	b := newBench(t, sutler.Limits{CallTime: 20}, odd, nil)
	resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write"/></procedure>`)
	t.Log(resp.Status, err)
	close(go_)
	<-gone
}
