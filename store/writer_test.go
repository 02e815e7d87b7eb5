package store_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sutler"
	"sutler/store"
)

// TestGroupCommit holds the writer up until many Appends wait, and looks
// what the writer makes of them.
func TestGroupCommit(t *testing.T) {
	for name, test := range map[string]struct {
		engines     int   // the Appends come under so many leases, in turns
		bytes       int   // size of each
		least, most int64 // commits
	}{
		"one lease":       {1, 0, 1, 2}, // the refused one may part the group
		"groups are full": {1, 1 << 18, 3, 4},
		"two leases":      {2, 0, 2, 40},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				const appends = 40
				gate := make(chan struct{})
				var held bool // written before and read by the writer after a hand-over
				s, err := store.Open(t.Context(), store.Options{Path: database(dir), Now: func() time.Time {
					if held {
						<-gate
					}
					return stillClock()
				}})
				if err != nil {
					t.Fatal(err)
				}
				defer closeStore(t, s)
				var leases []sutler.Lease
				for i := range test.engines {
					leases = append(leases, lease(t, s, sutler.EngineID(fmt.Sprint("e", i))))
				}
				held = true
				var wg sync.WaitGroup
				wg.Go(func() { lease(t, s, "slow") })
				synctest.Wait()
				for i := range appends {
					wg.Go(func() {
						r := record(sutler.TransactionID(fmt.Sprintf("{%d}", i)), sutler.Began)
						r.Text = string(make([]byte, test.bytes))
						if i == 20 { // the only one to be refused
							wantCode(t, "Append with a lease never given", s.Append(t.Context(), sutler.Lease{Engine: "e0", Fence: 99}, r), sutler.LogRefused)
							return
						}
						mustAppend(t, s, leases[i%len(leases)], r)
					})
				}
				synctest.Wait()
				close(gate)
				wg.Wait()
				for i := range appends {
					want := "began"
					if i == 20 {
						want = ""
					}
					wantKinds(t, s, sutler.TransactionID(fmt.Sprintf("{%d}", i)), want)
				}
				if got := s.Commits(); got < test.least || got > test.most {
					t.Errorf("%d Appends took %d commits, want %d to %d", appends, got, test.least, test.most)
				}
			})
		})
	}
}

// TestFailedCommitStopsTheWriter takes the table away from the writer.
func TestFailedCommitStopsTheWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	mustAppend(t, s, l, record("{a}", sutler.Began))
	alter(t, dir, "ALTER TABLE log RENAME TO elsewhere")
	wantCode(t, "Append", s.Append(t.Context(), l, record("{b}", sutler.Began)), sutler.LogFailed, "group 2")
	alter(t, dir, "ALTER TABLE elsewhere RENAME TO log")
	wantCode(t, "Append after a failed one", s.Append(t.Context(), l, record("{c}", sutler.Began)), sutler.LogFailed, "opened again")
	wantCode(t, "Err", s.Err(), sutler.LogFailed, "opened again")
	if got := s.Commits(); got != 1 {
		t.Errorf("%d commits, want 1", got)
	}
	closeStore(t, s)

	s = open(t, dir)
	wantKinds(t, s, "{a}", "began")
	wantKinds(t, s, "{c}", "")
	mustAppend(t, s, lease(t, s, "e"), record("{c}", sutler.Began))
	wantKinds(t, s, "{c}", "began")
}

// TestFailedIndexStopsTheWriter takes the table of the index away.
func TestFailedIndexStopsTheWriter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	alter(t, dir, "ALTER TABLE tx RENAME TO elsewhere")
	var many []sutler.Record
	for i := range 1500 { // more than wait for a pause
		many = append(many, record(sutler.TransactionID(fmt.Sprintf("{%04d}", i)), sutler.Began))
	}
	mustAppend(t, s, l, many...)
	wantCode(t, "Append", s.Append(t.Context(), l, record("{late}", sutler.Began)), sutler.LogFailed, "index")
	closeStore(t, s)
	alter(t, dir, "ALTER TABLE elsewhere RENAME TO tx")
	s = open(t, dir)
	ids, err := s.Unfinished(t.Context(), "e", "", 2000)
	if err != nil || len(ids) != len(many) {
		t.Errorf("%d transactions are left, %v, want %d", len(ids), err, len(many))
	}
	wantKinds(t, s, "{late}", "")
}

// TestCloseAmongAppends closes the store while many append: what was
// acknowledged is there, what was not is not.
func TestCloseAmongAppends(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	const writers = 16
	acknowledged := make([]int, writers)
	var started, done sync.WaitGroup
	started.Add(writers)
	for w := range writers {
		done.Go(func() {
			id := sutler.TransactionID(fmt.Sprintf("{%d}", w))
			for {
				err := s.Append(t.Context(), l, record(id, sutler.StepFlushed))
				if acknowledged[w] == 0 {
					started.Done()
				}
				if err != nil {
					wantCode(t, "Append", err, sutler.LogFailed, "closed")
					return
				}
				acknowledged[w]++
			}
		})
	}
	started.Wait()
	closeStore(t, s)
	done.Wait()
	s = open(t, dir)
	for w, want := range acknowledged {
		rs, err := s.Records(t.Context(), sutler.TransactionID(fmt.Sprintf("{%d}", w)))
		if err != nil || len(rs) != want {
			t.Errorf("writer %d finds %d records, %v, want %d", w, len(rs), err, want)
		}
	}
}

// TestFinishedTransactionsAreForgotten ends more transactions than the index
// holds back, and looks whether only the table still knows them.
func TestFinishedTransactionsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	var many []sutler.Record
	for i := range 1500 {
		id := sutler.TransactionID(fmt.Sprintf("{%04d}", i))
		many = append(many, record(id, sutler.Began), record(id, sutler.CommittedTx))
	}
	mustAppend(t, s, l, append(many, record("{open}", sutler.Began))...)
	lease(t, s, "other") // the writer is done with what came before
	wantKinds(t, s, "{0007}", "began committed")
	alter(t, dir, "DELETE FROM tx")
	wantKinds(t, s, "{0007}", "")
	wantKinds(t, s, "{open}", "began")
}

// TestIndexIsSavedInAPause waits for the writer to have nothing to do.
func TestIndexIsSavedInAPause(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		l := lease(t, s, "e")
		for range 3 {
			mustAppend(t, s, l, record("{a}", sutler.StepFlushed))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := number(t, dir, "SELECT indexed FROM state"); got != 3 {
			t.Errorf("after a pause the index reaches to group %d, want 3", got)
		}
		closeStore(t, s)
	})
}
