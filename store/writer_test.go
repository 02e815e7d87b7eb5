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
	wantCode(t, "Append", s.Append(t.Context(), l, record("{b}", sutler.Began)), sutler.LogFailed, "group 1.2")
	alter(t, dir, "ALTER TABLE elsewhere RENAME TO log")
	wantCode(t, "Append after a failed one", s.Append(t.Context(), l, record("{c}", sutler.Began)), sutler.LogFailed, "can be written again")
	wantCode(t, "Err", s.Err(), sutler.LogFailed, "can be written again")
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

// TestFailedIndexLosesNothing takes the table of the index away: the log goes
// on, and the next Open derives what is missing.
func TestFailedIndexLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	alterIndex(t, dir, "ALTER TABLE tx RENAME TO elsewhere")
	var many []sutler.Record
	for i := range 1500 { // more than wait for a pause
		many = append(many, record(sutler.TransactionID(fmt.Sprintf("{%04d}", i)), sutler.Began))
	}
	mustAppend(t, s, l, many...)
	mustAppend(t, s, l, record("{late}", sutler.Began), record("{late}", sutler.CommittedTx))
	closeStore(t, s)
	alterIndex(t, dir, "ALTER TABLE elsewhere RENAME TO tx")
	s = open(t, dir)
	ids, err := s.Unfinished(t.Context(), "e", "", 2000)
	if err != nil || len(ids) != len(many) {
		t.Errorf("%d transactions are left, %v, want %d", len(ids), err, len(many))
	}
	wantKinds(t, s, "{late}", "began committed")
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

// TestFinishedTransactionsAreForgotten ends more transactions than wait to be
// saved, and looks whether in the end only the table knows them.
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
	wantKinds(t, s, "{0007}", "began committed")
	for deadline := time.Now().Add(time.Minute); number(t, indexFile(dir), "SELECT count(*) FROM tx") < 1500; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the index is never saved")
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // saved, soon forgotten
		alterIndex(t, dir, "DELETE FROM tx")
		if rs, err := s.Records(t.Context(), "{0007}"); err == nil && len(rs) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a finished transaction is never forgotten")
		}
	}
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
		if got := number(t, indexFile(dir), "SELECT number FROM mark"); got != 3 {
			t.Errorf("after a pause the index reaches to group %d, want 3", got)
		}
		closeStore(t, s)
	})
}
