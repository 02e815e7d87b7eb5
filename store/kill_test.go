package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"sutler"
	"sutler/store"
)

// killEnv names the directory in which the child of TestKill writes.
const killEnv = "SUTLER_STORE_TEST_KILL"

// appendForEver runs transactions on many goroutines, each of two Appends of
// two records, and prints a transaction's ID and 1 or 2 after each Append that
// returned. Only an error ends it.
func appendForEver(dir string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Path: database(dir)})
	if err != nil {
		return err
	}
	l, err := s.Lease(ctx, "e")
	if err != nil {
		return err
	}
	failed := make(chan error)
	var mu sync.Mutex // one line at a time
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				id := sutler.TransactionID(fmt.Sprintf("{%d-%d-%d}", l.Fence, w, i))
				for half, rs := range [][]sutler.Record{
					{record(id, sutler.Began), record(id, sutler.StepStarted)},
					{record(id, sutler.StepDone), record(id, sutler.CommittedTx)},
				} {
					if err := s.Append(ctx, l, rs...); err != nil {
						failed <- err
						return
					}
					mu.Lock()
					fmt.Println(id, half+1)
					mu.Unlock()
				}
			}
		}()
	}
	return <-failed
}

// TestKill kills a process in the midst of its Appends, three times over on
// the same files, and looks whether all that was acknowledged is there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[sutler.TransactionID]int{}
	for range 3 {
		killed(t, dir, acknowledged)
		s := open(t, dir)
		for id, halves := range acknowledged {
			rs, err := s.Records(t.Context(), id)
			if err != nil || len(rs) < 2*halves || len(rs)%2 != 0 {
				t.Errorf("%s has %d records, %v, and %d were acknowledged", id, len(rs), err, 2*halves)
			}
		}
		checkUnfinished(t, s)
		closeStore(t, s)
	}
	if len(acknowledged) < 300 {
		t.Errorf("only %d transactions were acknowledged", len(acknowledged))
	}
}

// killed starts a child, kills it after some Appends, and adds what it
// printed.
func killed(t *testing.T, dir string, acknowledged map[sutler.TransactionID]int) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killEnv+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); n++ {
		if n == 400 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		var id sutler.TransactionID
		var half int
		if _, err := fmt.Sscan(lines.Text(), &id, &half); err != nil {
			break // the last line may be cut
		}
		acknowledged[id] = half
	}
	if err := child.Wait(); err == nil || n < 400 {
		t.Fatalf("the child ended by itself after %d lines: %v", n, err)
	}
}

// checkUnfinished looks whether exactly the transactions without an end are
// unfinished.
func checkUnfinished(t *testing.T, s *store.Store) {
	t.Helper()
	ids, err := s.Unfinished(t.Context(), "e", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		wantKinds(t, s, id, "began stepStarted")
	}
	txs, err := s.Transactions(t.Context(), sutler.Filter{Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for _, tx := range txs {
		if tx.Status == sutler.Active {
			open++
		}
	}
	if open != len(ids) {
		t.Errorf("%d transactions are listed as active and %d as unfinished", open, len(ids))
	}
}
