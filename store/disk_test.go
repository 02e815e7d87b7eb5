//go:build unix

package store_test

import (
	"fmt"
	"testing"
	"time"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// onDisk opens a store on a disk that dies on command.
func onDisk(t testing.TB, d *sutlertest.Disk, dir string, healed func()) (*store.Store, error) {
	return store.Open(t.Context(), store.Options{Path: database(dir), Now: stillClock, VFS: d.Name(), Healed: healed})
}

// TestCrashDisk lets the disk die at every operation of a few Appends, in every
// way, and looks at what is left: what was acknowledged is there, all else is
// there whole or not at all.
func TestCrashDisk(t *testing.T) {
	const appends = 5
	run := func(d *sutlertest.Disk, dir string, die func()) (acknowledged int) {
		s, err := onDisk(t, d, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := lease(t, s, "e")
		die()
		for i := range appends {
			id := sutler.TransactionID(fmt.Sprintf("{%d}", i))
			if s.Append(t.Context(), l, record(id, sutler.Began), record(id, sutler.StepStarted)) != nil {
				break
			}
			acknowledged++
		}
		_ = s.Close()
		return acknowledged
	}
	d := sutlertest.NewDisk()
	before := 0
	if n := run(d, t.TempDir(), func() { before = d.Operations() }); n != appends {
		t.Fatalf("without a death %d of %d Appends succeed", n, appends)
	}
	operations := d.Operations() - before
	if operations < 3*appends {
		t.Fatalf("only %d operations", operations)
	}
	for n := 1; n <= operations; n++ {
		for _, how := range []sutlertest.Death{sutlertest.Before, sutlertest.After, sutlertest.Torn512, sutlertest.Torn4096} {
			d := sutlertest.NewDisk()
			acknowledged := run(d, t.TempDir(), func() { d.DieAt(n, how) })
			for _, left := range []sutlertest.Left{sutlertest.Nothing, sutlertest.Everything, sutlertest.EverySecond} {
				image := t.TempDir()
				if err := d.Image(image, left); err != nil {
					t.Fatal(err)
				}
				s := open(t, image)
				for i := range appends {
					rs, err := s.Records(t.Context(), sutler.TransactionID(fmt.Sprintf("{%d}", i)))
					if err != nil || len(rs) != 2 && (i < acknowledged || len(rs) != 0) {
						t.Errorf("death %d at operation %d, left %d: Append %d of %d acknowledged has %d records, %v", how, n, left, i+1, acknowledged, len(rs), err)
					}
				}
				closeStore(t, s)
			}
		}
	}
}

// TestDiskComesBack lets a sync fail, or the disk be full for a while: nothing
// is acknowledged that is not durable, and the store goes on by itself under a
// new lease.
func TestDiskComesBack(t *testing.T) {
	for name, how := range map[string]sutlertest.Death{"a lost sync": sutlertest.LostSync, "a full disk": sutlertest.Full} {
		t.Run(name, func(t *testing.T) {
			for n := 1; n <= 12; n++ {
				d := sutlertest.NewDisk()
				healed := make(chan struct{}, 100)
				s, err := onDisk(t, d, t.TempDir(), func() { healed <- struct{}{} })
				if err != nil {
					t.Fatal(err)
				}
				l := lease(t, s, "e")
				var acknowledged []sutler.TransactionID
				failed := false
				d.DieAt(n, how)
				for i := range 12 {
					id := sutler.TransactionID(fmt.Sprintf("{%d}", i))
					r := record(id, sutler.Began)
					r.Text = fmt.Sprintf("%010000d", i)
					if err := s.Append(t.Context(), l, r); err != nil {
						wantCode(t, "Append", err, sutler.LogFailed)
						wantCode(t, "Err", s.Err(), sutler.LogFailed, "sutler.db")
						failed = true
						break
					}
					acknowledged = append(acknowledged, id)
				}
				if !failed {
					t.Errorf("operation %d: nothing failed", n)
				}
				d.Room()
				if failed {
					select {
					case <-healed:
					case <-time.After(time.Minute):
						t.Fatalf("operation %d: the store does not go on: %v", n, s.Err())
					}
					wantCode(t, "Append under the lease of before", s.Append(t.Context(), l, record("{late}", sutler.Began)), sutler.LogRefused)
				}
				l = lease(t, s, "e")
				mustAppend(t, s, l, record("{after}", sutler.Began))
				acknowledged = append(acknowledged, "{after}")
				image := t.TempDir() // the power is lost now
				if err := d.Image(image, sutlertest.Nothing); err != nil {
					t.Fatal(err)
				}
				left := open(t, image)
				for _, id := range acknowledged {
					wantKinds(t, s, id, "began")
					wantKinds(t, left, id, "began")
				}
				wantKinds(t, left, "{late}", "")
				closeStore(t, left)
				closeStore(t, s)
			}
		})
	}
}
