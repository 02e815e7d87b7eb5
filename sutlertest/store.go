package sutlertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"sutler"
)

// Storer is a whole store.
type Storer interface {
	Leaser
	sutler.Leases
	sutler.Config
	sutler.AccessStore
	sutler.Monitor
	// Source returns the text of a namespace by its content hash.
	Source(ctx context.Context, hash string) ([]byte, error)
	// Commits returns how many commits the log has made since it was opened.
	Commits() int64
	Close() error
}

// Place is where a store keeps its data.
type Place interface {
	// Open opens a store on the data, empty at first; the test closes it.
	Open(t *testing.T) Storer
	// Crash returns a place with what would be left if the host of an open
	// store lost its power now.
	Crash(t *testing.T) Place
}

// Directory is a place of files.
type Directory struct {
	Dir  string
	Make func(t *testing.T, dir string) Storer // opens the store in dir
}

// Open implements Place.
func (d Directory) Open(t *testing.T) Storer { return d.Make(t, d.Dir) }

// Crash implements Place with copies of the files.
func (d Directory) Crash(t *testing.T) Place {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(d.Dir)); err != nil {
		t.Fatal(err)
	}
	return Directory{to, d.Make}
}

// TestStore tests that a store keeps its contracts: the log (TestLog), many
// writers at once, leases, what is left after Close and after a crash, the
// monitor and the configuration. A new store is done when it passes. place
// returns an empty place.
func TestStore(t *testing.T, place func(t *testing.T) Place) {
	start := func(t *testing.T, p Place) Storer {
		s := p.Open(t)
		t.Cleanup(func() { mustClose(t, s) })
		return s
	}
	fresh := func(t *testing.T) Storer { return start(t, place(t)) }
	t.Run("log", func(t *testing.T) { TestLog(t, func(t *testing.T) Leaser { return fresh(t) }) })
	t.Run("commits", func(t *testing.T) { testCommits(t, fresh(t)) })
	t.Run("many at once", func(t *testing.T) { testMany(t, fresh(t)) })
	t.Run("client IDs", func(t *testing.T) { testClients(t, fresh(t)) })
	t.Run("leases", func(t *testing.T) { testLeases(t, fresh(t)) })
	t.Run("closed and opened", func(t *testing.T) {
		p := place(t)
		s := start(t, p)
		filled := fill(t, s)
		mustClose(t, s)
		filled.check(t, start(t, p))
	})
	t.Run("killed and opened", func(t *testing.T) {
		p := place(t)
		filled := fill(t, start(t, p))
		left := p.Crash(t)
		s := start(t, left)
		again := left.Crash(t) // a crash right after a crash
		filled.check(t, start(t, again))
		if _, files := p.(Directory); files {
			filled.check(t, s)
		}
	})
	t.Run("monitor", func(t *testing.T) { testMonitor(t, fresh(t)) })
	t.Run("configuration", func(t *testing.T) { testConfig(t, fresh(t)) })
	t.Run("access", func(t *testing.T) { testAccess(t, fresh(t)) })
}

// mustClose closes s, which may be closed already.
func mustClose(t *testing.T, s Storer) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// testCommits counts the commits of a lonely writer: one for each Append.
func testCommits(t *testing.T, s Storer) {
	l := mustLease(t, s, "engine")
	const n = 20
	for range n {
		mustAppend(t, s, l, story("{a}", sutler.StepFlushed)...)
	}
	if got := s.Commits(); got != n {
		t.Errorf("%d Appends made %d commits", n, got)
	}
}

// testMany lets 64 writers append at once, one of them only rubbish, and
// looks whether everything acknowledged is there and in order.
func testMany(t *testing.T, s Storer) {
	const writers, each = 64, 8
	l := mustLease(t, s, "engine")
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				id := sutler.TransactionID(fmt.Sprintf("{%02d-%02d}", w, i))
				rs := story(id, sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.CommittedTx)
				if w == 0 {
					rs[1].Kind = 99
				}
				first := s.Append(t.Context(), l, rs[:2]...)
				if w == 0 {
					wantCode(t, "Append of rubbish", first, sutler.LogRefused)
					continue
				}
				if err := errorOf(first, s.Append(t.Context(), l, rs[2:]...)); err != nil {
					t.Errorf("Append of %s: %v", id, err)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		for i := range each {
			id := sutler.TransactionID(fmt.Sprintf("{%02d-%02d}", w, i))
			var want []sutler.Record
			if w > 0 {
				want = story(id, sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.CommittedTx)
			}
			wantRecords(t, s, id, want)
		}
	}
	if got := s.Commits(); got < 2 || got > writers*each*2 {
		t.Errorf("%d Appends made %d commits", writers*each*2, got)
	}
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// filled is a store with something of everything, and what is in it.
type filled struct {
	records  map[sutler.TransactionID][]sutler.Record
	open     []sutler.TransactionID // unfinished ones of engine "one"
	lease    sutler.Lease           // the newest of engine "one"
	list     []sutler.Transaction
	spaces   []sutler.Namespace
	revision int64
}

// fill writes a bit of everything.
func fill(t *testing.T, s Storer) filled {
	t.Helper()
	f := filled{records: map[sutler.TransactionID][]sutler.Record{}}
	mustLease(t, s, "one")
	f.lease = mustLease(t, s, "one")
	for i, end := range endings {
		id := sutler.TransactionID(fmt.Sprintf("{tx-%02d}", i))
		for _, r := range story(id, end.kinds...) {
			mustAppend(t, s, f.lease, r)
			f.records[id] = append(f.records[id], r)
		}
		if end.unfinished {
			f.open = append(f.open, id)
		}
	}
	f.spaces = []sutler.Namespace{namespace("Alpha", "<a/>"), namespace("beta", "<b/>")}
	f.revision = mustPut(t, s, 0, f.spaces...)
	if err := s.SetSetting(t.Context(), "limits.depth", "7"); err != nil {
		t.Fatal(err)
	}
	f.list = list(t, s, sutler.Filter{})
	return f
}

// check looks whether s holds what f says, and goes on from there.
func (f filled) check(t *testing.T, s Storer) {
	t.Helper()
	for id, want := range f.records {
		wantRecords(t, s, id, want)
	}
	wantUnfinished(t, s, "one", f.open)
	if got := list(t, s, sutler.Filter{}); !reflect.DeepEqual(got, f.list) {
		t.Errorf("list is\n%+v\nwant\n%+v", got, f.list)
	}
	wantNamespaces(t, s, f.revision, f.spaces)
	if got, err := s.Settings(t.Context()); err != nil || got["limits.depth"] != "7" {
		t.Errorf("Settings = %v, %v", got, err)
	}
	next := mustLease(t, s, "one")
	if next.Fence <= f.lease.Fence {
		t.Errorf("lease %d is not above %d, which was given before", next.Fence, f.lease.Fence)
	}
	wantCode(t, "Append with the lease of before", s.Append(t.Context(), f.lease, story("{late}", sutler.Began)...), sutler.LogRefused)
	wantRecords(t, s, "{late}", nil)
	end := story(f.open[0], sutler.RollingBackTx, sutler.RolledBackTx)
	mustAppend(t, s, next, end...)
	wantRecords(t, s, f.open[0], append(slices.Clone(f.records[f.open[0]]), end...))
	wantUnfinished(t, s, "one", f.open[1:])
}

// testMonitor compares lists and single transactions with the fold of the
// records, also when they are far more than a store keeps at hand.
func testMonitor(t *testing.T, s Storer) {
	l := mustLease(t, s, "one")
	var ids []sutler.TransactionID // oldest first
	want := map[sutler.TransactionID]sutler.Transaction{}
	tell := func(id sutler.TransactionID, rs []sutler.Record) {
		mustAppend(t, s, l, rs...)
		tx, err := sutler.Fold(rs)
		if err != nil {
			t.Fatalf("story %s: %v", id, err)
		}
		ids = append(ids, id)
		want[id] = *tx
	}
	for i, end := range endings {
		id := sutler.TransactionID(fmt.Sprintf("{early-%02d}", i))
		tell(id, story(id, end.kinds...))
	}
	// What eve did, and what an administrator did, which no list shows.
	eves := story("{eve}", sutler.Began, sutler.CommittedTx)
	eves[0].Caller = "eve"
	tell("{eve}", eves)
	admins := story("{admin}", sutler.Began, sutler.CommittedTx)
	admins[0].Caller, admins[0].Namespace = "eve", sutler.ConfigNamespace
	mustAppend(t, s, l, admins...)
	var crowd []sutler.Record
	for i := range 3000 {
		id := sutler.TransactionID(fmt.Sprintf("{crowd-%04d}", i))
		rs := story(id, sutler.Began, sutler.CommittedTx)
		crowd = append(crowd, rs...)
		tx, err := sutler.Fold(rs)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		want[id] = *tx
	}
	mustAppend(t, s, l, crowd...)
	mustAppend(t, s, l, story("{refused}", sutler.Refused)...)
	for i, end := range endings {
		id := sutler.TransactionID(fmt.Sprintf("{late-%02d}", i))
		tell(id, story(id, end.kinds...))
	}
	slices.Reverse(ids)
	if got := list(t, s, sutler.Filter{Caller: "eve", Limit: 10}); len(got) != 1 || got[0].ID != "{eve}" {
		t.Errorf("the transactions of eve are %v, want one", got)
	}

	for _, st := range []sutler.Status{
		"", sutler.Active, sutler.Preparing, sutler.Committing, sutler.Committed,
		sutler.RollingBack, sutler.RolledBack, sutler.RollbackFailed, sutler.InDoubt,
	} {
		var chosen []sutler.TransactionID
		for _, id := range ids {
			if st == "" || want[id].Status == st {
				chosen = append(chosen, id)
			}
		}
		limit := max(1, len(chosen)/3)
		var got []sutler.TransactionID
		for f := (sutler.Filter{Status: st, Limit: limit}); ; {
			page := list(t, s, f)
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				t.Errorf("a page of %d transactions has %d", limit, len(page))
			}
			for _, tx := range page {
				got = append(got, tx.ID)
				head := want[tx.ID]
				head.Programs, head.Response, head.Steps, head.Refusals, head.Forward = nil, "", nil, nil, false
				tx.Programs, tx.Response, tx.Forward = nil, "", false // a list may leave them out
				if !reflect.DeepEqual(tx, head) {
					t.Errorf("listed is\n%+v\nand the fold is\n%+v", tx, head)
				}
			}
			f.After = page[len(page)-1].ID
		}
		if !slices.Equal(got, chosen) {
			t.Errorf("transactions %q are\n%v\nwant\n%v", st, got, chosen)
		}
	}
	if got := list(t, s, sutler.Filter{}); len(got) != 50 || got[0].ID != ids[0] {
		t.Errorf("a list without a limit has %d transactions and want 50", len(got))
	}
	for _, id := range []sutler.TransactionID{ids[0], ids[len(ids)/2], ids[len(ids)-1]} {
		tx, err := s.Transaction(t.Context(), id)
		if head := want[id]; err != nil || !reflect.DeepEqual(*tx, head) {
			t.Errorf("Transaction(%s) = %+v, %v\nwant %+v", id, tx, err, head)
		}
	}
	for _, id := range []sutler.TransactionID{"{unknown}", "{refused}"} {
		_, err := s.Transaction(t.Context(), id)
		wantCode(t, fmt.Sprintf("Transaction(%s)", id), err, sutler.NotFound)
	}
	_, err := s.Transactions(t.Context(), sutler.Filter{After: "{unknown}"})
	wantCode(t, "Transactions after an unknown one", err, sutler.NotFound)
}

func list(t *testing.T, s sutler.Monitor, f sutler.Filter) []sutler.Transaction {
	t.Helper()
	txs, err := s.Transactions(t.Context(), f)
	if err != nil {
		t.Fatalf("Transactions(%+v): %v", f, err)
	}
	return txs
}
