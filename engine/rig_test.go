package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// funcs is a provider made of functions; nil ones do nothing.
type funcs struct {
	process, rollback func(ctx context.Context, c *sutler.Call) error
	traits            func(procedure string) sutler.Traits
}

func (p funcs) Process(ctx context.Context, c *sutler.Call) error {
	if p.process == nil {
		return nil
	}
	return p.process(ctx, c)
}

func (p funcs) Rollback(ctx context.Context, c *sutler.Call) error {
	if p.rollback == nil {
		return nil
	}
	return p.rollback(ctx, c)
}

func (p funcs) Traits(procedure string) (sutler.Traits, bool) {
	if p.traits == nil {
		return sutler.Traits{Flushes: true, NoAnswer: sutler.Repeatable}, true
	}
	return p.traits(procedure), true
}

// later is a log that is exchanged later on.
type later struct{ sutler.TransactionLog }

// aside is a log to register the namespaces of a rig in: what the test then
// sees begins after them.
func aside() *later { return &later{sutlertest.NewLog()} }

// bench is an engine over a fake and one more provider, "odd", that a test
// brings along; the namespace Odd has its procedures.
type bench struct {
	*engine.Engine
	log   *sutlertest.Log
	fake  *sutlertest.Fake
	trace func(engine.Event) // nil: nothing
	stop  func()             // tells the engine to stop
}

const benchNamespaces = `<namespace name="Odd" providerSource="odd">
  <procedure name="Read" type="read" access="public"/>
  <procedure name="Audited" type="read" auditEnabled="1" access="public"/>
  <procedure name="Write" type="write" access="public"/>
  <procedure name="Saved" type="write" saveDataForRollback="1" access="public"/>
</namespace>`

// newBench makes an engine. wrap stands between it and its log, if given.
func newBench(t *testing.T, limits sutler.Limits, odd sutler.Provider, wrap func(*sutlertest.Log) sutler.TransactionLog, sources ...string) *bench {
	t.Helper()
	b := &bench{log: sutlertest.NewLog(), fake: sutlertest.NewFake()}
	lease, err := b.log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	log := aside()
	stop, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	b.stop = end
	var mu sync.Mutex
	ids := 0
	b.Engine, err = engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Limits: limits, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": b.fake, "odd": odd},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID: func() sutler.TransactionID {
			mu.Lock()
			defer mu.Unlock()
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%d}", ids))
		},
		Stop:   stop,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Trace: func(ev engine.Event) {
			if b.trace != nil {
				b.trace(ev)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	two := `<namespace name="Two" providerSource="fake"><procedure name="T" type="two-phase" access="public"/>
		<procedure name="Operator" type="write" access="public"/></namespace>`
	for _, s := range append([]string{sysNamespace, two, benchNamespaces}, sources...) {
		if problems, err := b.Register(t.Context(), admin, sutler.Source{File: "n.xml", Text: []byte(s)}); err != nil {
			t.Fatalf("Register: %v %v", err, problems)
		}
	}
	log.TransactionLog, ids = b.log, 0
	if wrap != nil {
		log.TransactionLog = wrap(b.log)
	}
	return b
}

// run submits a trusted request of these steps.
func (b *bench) run(t *testing.T, steps string) (*sutler.Response, error) {
	t.Helper()
	return b.Submit(context.Background(), admin, trusted(t, `<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform">`+steps+`</request>`))
}

// fold returns a transaction as its records tell it.
func (b *bench) fold(t *testing.T, id sutler.TransactionID) *sutler.Transaction {
	t.Helper()
	rs, err := b.log.Records(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := sutler.Fold(rs)
	if err != nil {
		t.Fatalf("Fold: %v", err)
	}
	return tx
}

// wantUndone looks whether the answer, the log and the world agree that
// everything was undone, with the given code.
func (b *bench) wantUndone(t *testing.T, resp *sutler.Response, err error, code sutler.Code) {
	t.Helper()
	if sutler.CodeOf(err) != code {
		t.Errorf("Submit: code %s (%v), want %s", sutler.CodeOf(err), err, code)
	}
	if resp.Status != sutler.RolledBack {
		t.Errorf("Submit: status %s, want %s", resp.Status, sutler.RolledBack)
	}
	if st := b.fold(t, resp.Transaction).Status; st != sutler.RolledBack {
		t.Errorf("the log says %s, want %s", st, sutler.RolledBack)
	}
	if left := b.fake.Effects(); len(left) > 0 {
		t.Errorf("left in the world: %v", left)
	}
}

// again is an operator's word to try once more.
var again = sutler.Resolution{Verb: sutler.Retry, Reason: "the test says so"}
