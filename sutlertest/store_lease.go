package sutlertest

import (
	"fmt"
	"sync"
	"testing"

	"sutler"
)

// testClients begins transactions under clientTransactionIds: the first keeps
// its ID, whoever comes second is refused alone.
func testClients(t *testing.T, s Storer) {
	l := mustLease(t, s, "one")
	begin := func(id sutler.TransactionID, trustee, client string) sutler.Record {
		return sutler.Record{Transaction: id, Kind: sutler.Began, At: at(1), Trustee: trustee, Client: client}
	}
	find := func(trustee, client string, want sutler.TransactionID) {
		t.Helper()
		if got, err := s.Find(t.Context(), trustee, client); err != nil || got != want {
			t.Errorf("Find(%q, %q) = %q, %v; want %q", trustee, client, got, err, want)
		}
	}
	find("ann", "c-1", "")
	mustAppend(t, s, l, begin("{a}", "ann", "c-1"))
	find("ann", "c-1", "{a}")
	find("bob", "c-1", "")
	find("ann", "C-1", "")
	find("", "", "")
	wantCode(t, "Append under a taken ID", s.Append(t.Context(), l, begin("{b}", "ann", "c-1"), sutler.Record{Transaction: "{b}", Kind: sutler.StepStarted, Seq: 1}), sutler.Duplicate)
	wantRecords(t, s, "{b}", nil)
	mustAppend(t, s, l, begin("{c}", "bob", "c-1"))
	mustAppend(t, s, l, begin("{d}", "ann", ""), begin("{e}", "ann", ""))

	// Of many that come at once under one ID one begins, and nobody else is
	// touched.
	const many = 40
	codes := make([]sutler.Code, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			id := sutler.TransactionID(fmt.Sprintf("{%02d}", i))
			client := "same"
			if i%2 == 0 {
				client = fmt.Sprint("own ", i)
			}
			codes[i] = sutler.CodeOf(s.Append(t.Context(), l, begin(id, "eve", client)))
		})
	}
	wg.Wait()
	began := 0
	for i, code := range codes {
		switch {
		case i%2 == 0 && code != sutler.OK:
			t.Errorf("Append %d under an ID of its own: code %v", i, code)
		case i%2 == 1 && code == sutler.OK:
			began++
			find("eve", "same", sutler.TransactionID(fmt.Sprintf("{%02d}", i)))
		case i%2 == 1 && code != sutler.Duplicate:
			t.Errorf("Append %d: code %v, want %v", i, code, sutler.Duplicate)
		}
	}
	if began != 1 {
		t.Errorf("%d transactions began under one ID", began)
	}
}

// testLeases walks leases and states of engines through their life.
func testLeases(t *testing.T, s Storer) {
	ctx := t.Context()
	engine := func(name sutler.EngineID) sutler.EngineInfo {
		t.Helper()
		all, err := s.Engines(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Name == name {
				return e
			}
		}
		t.Fatalf("no engine %q among %+v", name, all)
		return sutler.EngineInfo{}
	}
	one, two := mustLease(t, s, "one"), mustLease(t, s, "two")
	if e := engine("one"); e.State != sutler.EngineActive || !e.Alive || e.Fence != one.Fence || e.Granted.IsZero() {
		t.Errorf("a new engine is %+v", e)
	}
	wantCode(t, "Renew", s.Renew(ctx, one), sutler.OK)
	_, err := s.TakeOver(ctx, "one", one.Fence, "holder")
	wantCode(t, "TakeOver of a living engine", err, sutler.Conflict)
	wantCode(t, "Release", s.Release(ctx, one), sutler.OK)
	if engine("one").Alive {
		t.Error("an engine is alive whose lease has ended")
	}
	wantCode(t, "Renew of an ended lease", s.Renew(ctx, one), sutler.LogRefused)
	_, err = s.TakeOver(ctx, "one", one.Fence-1, "holder")
	wantCode(t, "TakeOver with an old number", err, sutler.Conflict)
	mustAppend(t, s, two, story("{two}", sutler.Began)...)
	next, err := s.TakeOver(ctx, "one", one.Fence, "holder")
	if err != nil || next.Fence <= two.Fence {
		t.Fatalf("TakeOver = %+v, %v", next, err)
	}
	wantCode(t, "Append with the lease taken over", s.Append(ctx, one, story("{late}", sutler.Began)...), sutler.LogRefused)
	wantCode(t, "Renew of the lease taken over", s.Renew(ctx, one), sutler.LogRefused)
	wantCode(t, "Release of the lease taken over", s.Release(ctx, one), sutler.OK)
	if e := engine("one"); !e.Alive || e.Fence != next.Fence {
		t.Errorf("after a takeover the engine is %+v", e)
	}
	mustAppend(t, s, next, story("{next}", sutler.Began)...)
	mustAppend(t, s, two, story("{two}", sutler.Began, sutler.CommittedTx)[1:]...)
	wantUnfinished(t, s, "one", []sutler.TransactionID{"{next}"})

	for _, state := range []sutler.EngineState{sutler.EngineDraining, sutler.EngineInactive, sutler.EngineActive} {
		wantCode(t, "SetEngineState", s.SetEngineState(ctx, "one", state), sutler.OK)
		if got := engine("one").State; got != state {
			t.Errorf("the engine is %q, want %q", got, state)
		}
	}
	wantCode(t, "SetEngineState of nobody", s.SetEngineState(ctx, "nobody", sutler.EngineActive), sutler.NotFound)
	wantCode(t, "SetEngineState of no state", s.SetEngineState(ctx, "one", "asleep"), sutler.BadInput)
	if mustLease(t, s, "one"); engine("one").State != sutler.EngineActive {
		t.Error("a lease changes the state of its engine")
	}
}
