package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// sleeper is an engine whose lease a test lets lapse.
type sleeper struct {
	*engine.Engine
	log   *sutlertest.Log
	fake  *sutlertest.Fake
	holds atomic.Bool
}

func newSleeper(t *testing.T, log *sutlertest.Log, fake *sutlertest.Fake, id sutler.TransactionID) *sleeper {
	t.Helper()
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	s := &sleeper{log: log, fake: fake}
	s.holds.Store(true)
	s.Engine, err = engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": fake},
		Builtin:   []sutler.Source{{File: "n.xml", Text: []byte(sysNamespace)}},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID:     func() sutler.TransactionID { return id },
		Holds:     s.holds.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const twoSteps = `<request><procedure><execute namespace="Sys" procedure="A"/><execute namespace="Sys" procedure="B"/></procedure></request>`

// TestLapsedLease lets the lease lapse between two calls: the second does not
// act, and whoever has the next lease undoes the first.
func TestLapsedLease(t *testing.T) {
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	s := newSleeper(t, log, fake, "{1}")
	fake.Echo = func(c *sutler.Call) {
		if c.Seq == 2 {
			s.holds.Store(false)
		}
	}
	resp, err := s.Submit(context.Background(), admin, trusted(t, twoSteps))
	if sutler.CodeOf(err) != sutler.LogRefused || resp.Status.Final() {
		t.Errorf("Submit = %+v, %v", resp, err)
	}
	if got := fake.Effects(); !slices.Equal(got, []string{"A"}) {
		t.Errorf("in the world are %v, want A alone: the lease had lapsed", got)
	}
	fake.Echo = nil
	if err := recoverAll(t.Context(), newSleeper(t, log, fake, "{2}").Engine); err != nil {
		t.Fatal(err)
	}
	if tx := foldOf(t, log, "{1}"); tx.Status != sutler.RolledBack || len(fake.Effects()) > 0 {
		t.Errorf("%s with %v", tx.Status, fake.Effects())
	}
}

// TestLateEffect lets the lease lapse while a call acts. Another engine undoes
// the transaction meanwhile; when the sleeper wakes, its effect is undone again.
func TestLateEffect(t *testing.T) {
	for name, c := range map[string]struct {
		late  string
		early bool // it has its new lease before the call acts
	}{"first call": {"Sys/A", false}, "last call": {"Sys/B", false}, "with a new lease already": {"Sys/B", true}} {
		late := c.late
		t.Run(name, func(t *testing.T) {
			var s *sleeper
			wake := func() sutler.Lease {
				lease, err := s.log.Lease(t.Context(), "e1")
				if err != nil {
					t.Fatal(err)
				}
				s.SetLease(lease)
				s.holds.Store(true)
				return lease
			}
			log, fake := sutlertest.NewLog(), sutlertest.NewFake()
			s = newSleeper(t, log, fake, "{1}")
			var lease sutler.Lease
			slow := &slowFake{Fake: fake, procedure: late, before: func() {
				// The sleeper sleeps here, after its record is durable.
				s.holds.Store(false)
				other := newSleeper(t, log, fake, "{2}")
				if err := recoverAll(t.Context(), other.Engine); err != nil {
					t.Error(err)
				}
				if tx := foldOf(t, log, "{1}"); tx.Status != sutler.RolledBack || len(fake.Effects()) > 0 {
					t.Errorf("the other engine left it %s with %v", tx.Status, fake.Effects())
				}
				if c.early {
					lease = wake()
					if err := s.RecoverAll(t.Context(), lease); err != nil {
						t.Error(err)
					}
				}
			}}
			s.Engine = rebuilt(t, s, slow)
			_, err := s.Submit(context.Background(), admin, trusted(t, twoSteps))
			if sutler.CodeOf(err) != sutler.LogRefused {
				t.Errorf("Submit: %v, want code LogRefused", err)
			}
			if len(fake.Effects()) != 1 {
				t.Fatalf("in the world are %v; the effect should have come late", fake.Effects())
			}
			if c.early {
				if _, err := s.RecoverDue(t.Context()); err != nil { // as the manager does each second
					t.Fatal(err)
				}
			} else {
				lease = wake()
				for range 2 {
					if err := s.RecoverAll(t.Context(), lease); err != nil {
						t.Fatal(err)
					}
				}
			}
			tx := foldOf(t, log, "{1}")
			if tx.Status != sutler.RolledBack || len(fake.Effects()) > 0 {
				t.Errorf("after waking it is %s with %v", tx.Status, fake.Effects())
			}
			told := 0
			for _, r := range log.All() {
				if r.Kind == sutler.LateEffect {
					told++
				}
			}
			if told != 1 {
				t.Errorf("the late effect is recorded %d times", told)
			}
		})
	}
}

// slowFake does something right before one of its procedures acts.
type slowFake struct {
	*sutlertest.Fake
	procedure string
	before    func()
}

func (s *slowFake) Process(ctx context.Context, c *sutler.Call) error {
	if c.Namespace+"/"+c.Procedure != s.procedure {
		return s.Fake.Process(ctx, c)
	}
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	s.before()
	c.Rollback = sutler.NewRollbackData(nil, nil) // flushed, as far as the fake knows
	return s.Fake.Process(ctx, c)
}

// rebuilt is the engine of s with another provider.
func rebuilt(t *testing.T, s *sleeper, p sutler.Provider) *engine.Engine {
	t.Helper()
	e, err := engine.New(t.Context(), engine.Options{
		Lease: s.Lease(), Log: s.log, Config: &sutlertest.Config{}, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": p},
		Builtin:   []sutler.Source{{File: "n.xml", Text: []byte(sysNamespace)}},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID:     func() sutler.TransactionID { return "{1}" },
		Holds:     s.holds.Load,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func foldOf(t *testing.T, log *sutlertest.Log, id sutler.TransactionID) *sutler.Transaction {
	t.Helper()
	rs, err := log.Records(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := sutler.Fold(rs)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestLetGoIsTakenUpAgain lets the log fail and come back: with a new lease
// the engine finishes what it let go, in the same process.
func TestLetGoIsTakenUpAgain(t *testing.T) {
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	s := newSleeper(t, log, fake, "{1}")
	log.DieAfter(2)
	if _, err := s.Submit(context.Background(), admin, trusted(t, twoSteps)); sutler.CodeOf(err) != sutler.LogFailed {
		t.Fatalf("Submit: %v", err)
	}
	if next, err := s.RecoverDue(t.Context()); err != nil || next.IsZero() {
		t.Errorf("RecoverDue under the old lease = %v, %v; it must wait", next, err)
	}
	if len(fake.Effects()) != 1 {
		t.Errorf("in the world are %v, want A, untouched", fake.Effects())
	}
	log.Revive()
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	s.SetLease(lease)
	if next, err := s.RecoverDue(t.Context()); err != nil || !next.IsZero() {
		t.Errorf("RecoverDue = %v, %v", next, err)
	}
	if tx := foldOf(t, log, "{1}"); tx.Status != sutler.RolledBack || len(fake.Effects()) > 0 {
		t.Errorf("%s with %v", tx.Status, fake.Effects())
	}
}

// TestRecoverDue lets pauses pass by the engine's own clock.
func TestRecoverDue(t *testing.T) {
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Unix(1_700_000_000, 0)
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Pauses: []time.Duration{time.Minute, time.Hour},
		Providers: map[string]sutler.Provider{"fake": fake},
		Builtin:   []sutler.Source{{File: "n.xml", Text: []byte(sysNamespace)}},
		Now:       func() time.Time { return clock },
		NewID:     func() sutler.TransactionID { return "{1}" },
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := e.Submit(context.Background(), admin, trusted(t, `<request>`+stuckUndo+`</request>`))
	if err == nil || resp.Status != sutler.RollingBack {
		t.Fatalf("Submit = %+v, %v", resp, err)
	}
	for _, pause := range []time.Duration{time.Minute, time.Hour} {
		due := clock.Add(pause)
		if next, err := e.RecoverDue(t.Context()); err != nil || !next.Equal(due) {
			t.Errorf("RecoverDue too early = %v, %v, want %v", next, err, due)
		}
		if tx := foldOf(t, log, "{1}"); !tx.Due.Equal(due) {
			t.Errorf("the log says %v, want %v", tx.Due, due)
		}
		clock = due
		if _, err := e.RecoverDue(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if tx := foldOf(t, log, "{1}"); tx.Status != sutler.RollbackFailed || tx.Round != 2 {
		t.Errorf("in the end it is %s after %d rounds", tx.Status, tx.Round)
	}
	if next, err := e.RecoverDue(t.Context()); err != nil || !next.IsZero() {
		t.Errorf("RecoverDue at the end = %v, %v", next, err)
	}
}

// TestAdmit refuses requests before anything is done.
func TestAdmit(t *testing.T) {
	why := error(sutler.Errorf(sutler.NoAudit, "the anchor is full"))
	log := sutlertest.NewLog()
	e, err := engine.New(t.Context(), engine.Options{
		Log: log, Config: &sutlertest.Config{}, Providers: map[string]sutler.Provider{"fake": sutlertest.NewFake()},
		Builtin: []sutler.Source{{File: "n.xml", Text: []byte(sysNamespace)}},
		Now:     time.Now, NewID: func() sutler.TransactionID { return "{1}" },
		Admit: func() error { return why },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Submit(t.Context(), admin, trusted(t, twoSteps)); sutler.CodeOf(err) != sutler.NoAudit || !errors.Is(err, why) {
		t.Errorf("Submit: %v", err)
	}
	why = nil
	if _, err := e.Submit(t.Context(), admin, trusted(t, twoSteps)); err != nil {
		t.Errorf("Submit: %v", err)
	}
}
