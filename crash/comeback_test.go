//go:build unix

package crash_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/store"
	"sutler/sutlertest"
)

// TestCrashComeBack lets a sync fail, or the disk be full for a while, under
// eight callers. The engine lets go of what runs, goes on by itself under a new
// lease, and finishes it: what was acknowledged is on the disk, nothing is half
// done, and a request that was not answered can be repeated.
func TestCrashComeBack(t *testing.T) {
	for name, how := range map[string]sutlertest.Death{"a failed sync": sutlertest.LostSync, "a full disk": sutlertest.Full} {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 4, 9, 20, 45, 90} {
				comeBack(t, n, how)
			}
		})
	}
}

func comeBack(t *testing.T, n int, how sutlertest.Death) {
	t.Helper()
	dir := filepath.Join(place(t), "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := sutlertest.NewDisk()
	healed := make(chan struct{}, 1000)
	log, err := store.Open(t.Context(), store.Options{
		Path: filepath.Join(dir, "sutler.db"), VFS: d.Name(), Now: time.Now, Healed: func() { healed <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(log)
	defer w.Release()
	var mu sync.Mutex
	ids := 0
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Providers: map[string]sutler.Provider{"fake": w},
		Builtin: []sutler.Source{{File: "n.xml", Text: []byte(`<namespace name="Sys" providerSource="fake"><procedure name="A" type="write"/><procedure name="B" type="write"/></namespace>`)}},
		Now:     time.Now,
		NewID: func() sutler.TransactionID {
			mu.Lock()
			defer mu.Unlock()
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%05d}", ids))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	submit := func(client string) (*sutler.Response, error) {
		req, err := sutler.ParseRequest(fmt.Appendf(nil, `<request><context><clientContext clientTransactionId="%s"/></context><data/><procedure>
			<execute namespace="Sys" procedure="A"><executeData><name>%s</name></executeData></execute>
			<execute namespace="Sys" procedure="B"><executeData><name>%s</name></executeData></execute></procedure></request>`, client, client, client), "r.xml", sutler.Limits{})
		if err != nil {
			return nil, err
		}
		req.Trusted = true
		return e.Submit(context.Background(), sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}}, req)
	}
	var lock sync.Mutex
	answers := map[string]*sutler.Response{}
	lost := 0
	d.DieAt(n, how)
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := range 25 {
				client := fmt.Sprintf("%d-%d", c, i)
				resp, err := submit(client)
				lock.Lock()
				if err == nil {
					answers[client] = resp
				} else {
					answers[client] = nil
					lost++
				}
				lock.Unlock()
				if err != nil {
					if code := sutler.CodeOf(err); code != sutler.LogFailed {
						t.Errorf("operation %d: Submit: %v (%v), want code LogFailed", n, err, code)
					}
					return
				}
			}
		})
	}
	wg.Wait()
	if lost == 0 {
		t.Errorf("operation %d: nothing failed", n)
	}
	effects := len(w.Effects())
	d.Room()
	select {
	case <-healed:
	case <-time.After(time.Minute):
		t.Fatalf("operation %d: the store does not go on: %v", n, log.Err())
	}
	if lease, err = log.Lease(t.Context(), "e1"); err != nil { // what the host does
		t.Fatal(err)
	}
	e.SetLease(lease)
	if err := e.RecoverAll(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RecoverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(place(t), "image") // the power is lost now
	if err := os.Mkdir(image, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Image(image, sutlertest.Nothing); err != nil {
		t.Fatal(err)
	}
	left, err := openStore(image, "")
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	committed := 0
	for client, first := range answers {
		resp, err := submit(client)
		if resp == nil || !resp.Status.Final() {
			t.Errorf("operation %d: %s, once more: %+v, %v", n, client, resp, err)
			continue
		}
		if resp.Status == sutler.Committed {
			committed++
		}
		if first == nil {
			continue
		}
		if resp.Transaction != first.Transaction || resp.Status != first.Status || !resp.Repeated {
			t.Errorf("operation %d: %s was answered %s %s, and once more %s %s", n, client, first.Transaction, first.Status, resp.Transaction, resp.Status)
		}
		if tx, err := left.Transaction(t.Context(), first.Transaction); err != nil || tx.Status != sutler.Committed {
			t.Errorf("operation %d: %s was acknowledged and is not on the disk: %v", n, client, err)
		}
	}
	if got := len(w.Effects()); got != 2*committed {
		t.Errorf("operation %d: %d effects of %d committed requests (%d before the disk came back)", n, got, committed, effects)
	}
	if len(w.unknown) > 0 || len(w.Double()) > 0 {
		t.Errorf("operation %d: effects without a record: %v; made twice: %v", n, w.unknown, w.Double())
	}
	if bad := chains(t, log); len(bad) > 0 {
		t.Errorf("operation %d: %v", n, bad)
	}
}
