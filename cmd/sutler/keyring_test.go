//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

func TestKeysOfTheStore(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		h := s.starts(t)
		sealed, key := sealedBy(t, h), h.keys.keys.KeyIDs()[0]
		if proof := []byte(keysRows(t, h)[proofRow]); security.KeyOf(proof) != key || h.keys.keys.Check(proof) != nil {
			t.Errorf("the store has the proof %x of the key %d", proof, key)
		}
		closed(t, h)
		h = s.starts(t)
		opensAt(t, h, sealed)
		closed(t, h)

		good, named := s.keysFile(t), fmt.Sprintf("key %d", key)
		other, err := security.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		b, err := other.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, string(b))
		s.refuses(t, "has no "+named, "copy seal.keys")
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}
		s.refuses(t, named+" has sealed", "copy seal.keys") // and makes no keys
		s.write(t, good)
		closed(t, s.starts(t))

		h = s.starts(t)
		if err := h.keys.rotate(false); err != nil {
			t.Fatal(err)
		}
		second, rotated := sealedBy(t, h), s.keysFile(t)
		if now := security.KeyOf(second); now == key || security.KeyOf([]byte(keysRows(t, h)[proofRow])) != now {
			t.Error("the proof was not sealed anew")
		}
		closed(t, h)
		s.write(t, good)
		s.refuses(t, fmt.Sprintf("has no key %d; its keys are [%d]", security.KeyOf(second), key))
		s.write(t, rotated)
		h = s.starts(t)
		opensAt(t, h, sealed)
		opensAt(t, h, second)
		closed(t, h)
	})
}

func TestKeysLost(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		s.lost, s.log = true, new(bytes.Buffer)
		h := s.starts(t)
		sealed := sealedBy(t, h)
		closed(t, h)
		h = s.starts(t) // nothing is lost
		opensAt(t, h, sealed)
		closed(t, h)
		if s.log.Len() > 0 {
			t.Errorf("keys are said to be lost:\n%s", s.log)
		}
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}
		h = s.starts(t)
		if _, err := h.keys.Open(sealed, record); sutler.CodeOf(err) != sutler.NotFound {
			t.Errorf("Open of what was given up: %v", err)
		}
		closed(t, h)
		if want := fmt.Sprintf("given up\" key=%d", security.KeyOf(sealed)); !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, s.log)
		}
		s.lost = false
		closed(t, s.starts(t))
	})
}

// TestStoreWithoutProof starts on a store of before there were proofs: with its
// keys all is well, and without them no others are made.
func TestStoreWithoutProof(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		h := s.starts(t)
		key := h.keys.keys.KeyIDs()[0]
		if err := h.admin().Change(t.Context(), administrator("test"), sutler.AccessChange{Verb: sutler.SetCredential, Name: "ops", Account: "ops", Secret: "hush"}); err != nil {
			t.Fatal(err)
		}
		forget := func(h *host) {
			forgetKeys(t, h)
			closed(t, h)
		}
		forget(h)
		h = s.starts(t)
		if len(keysRows(t, h)) != 1 {
			t.Error("no proof is made")
		}
		forget(h)
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}
		s.refuses(t, fmt.Sprintf("key %d has sealed", key), "copy seal.keys")
	})
}

func TestKeysOfTwoEngines(t *testing.T) {
	a, b := twoSites(t)
	first := a.starts(t)
	defer closed(t, first)
	b.refuses(t, fmt.Sprintf("key %d has sealed", first.keys.keys.KeyIDs()[0]), "copy seal.keys")
	b.write(t, a.keysFile(t))
	second := b.starts(t)
	defer closed(t, second)

	// Rotated without preparation: the other opens it when it has the file.
	if err := first.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	sealed := sealedBy(t, first)
	named := fmt.Sprintf("no key %d", security.KeyOf(sealed))
	if _, err := second.keys.Open(sealed, record); sutler.CodeOf(err) != sutler.NotFound || !strings.Contains(err.Error(), named) {
		t.Errorf("Open without the key: %v", err)
	}
	if err := second.keys.rotate(false); err == nil || !strings.Contains(err.Error(), named) {
		t.Errorf("an engine that lags behind rotates: %v", err)
	}
	if err := second.keys.follow(t.Context()); err == nil || !strings.Contains(err.Error(), named) {
		t.Errorf("an engine that lags behind follows: %v", err)
	}
	old := sealedBy(t, second)
	opensAt(t, first, old)
	b.write(t, a.keysFile(t))
	opensAt(t, second, sealed)
	if got := security.KeyOf(sealedBy(t, second)); got != security.KeyOf(sealed) {
		t.Errorf("it goes on sealing with key %d", got)
	}

	// Prepared, copied, rotated: nothing is read in between that does not open.
	if err := first.keys.rotate(true); err != nil {
		t.Fatal(err)
	}
	if got := security.KeyOf(sealedBy(t, first)); got != security.KeyOf(sealed) {
		t.Error("a prepared key seals")
	}
	b.write(t, a.keysFile(t))
	if err := first.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	third := sealedBy(t, first)
	if security.KeyOf(third) == security.KeyOf(sealed) || len(first.keys.keys.KeyIDs()) != 3 {
		t.Errorf("rotated to %d of %d", security.KeyOf(third), first.keys.keys.KeyIDs())
	}
	if err := second.keys.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.keys.keys.KeyIDs(), second.keys.keys.KeyIDs()); diff != "" {
		t.Errorf("the keys of the two (-a +b):\n%s", diff)
	}
	opensAt(t, second, third)

	// A file with fewer keys must not take the place of what is there.
	fewer, err := copyOf(first.keys.keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := fewer.Drop(security.KeyOf(old)); err != nil {
		t.Fatal(err)
	}
	if err := writeKeys(filepath.Join(b.data, keysFile), fewer); err != nil {
		t.Fatal(err)
	}
	if _, err := second.keys.Open(append([]byte{1, 0, 0, 0, 1}, third[5:]...), record); err == nil || !strings.Contains(err.Error(), "any more") {
		t.Errorf("Open for a key that nobody has, beside a file with fewer keys: %v", err)
	}
	for _, sealed := range [][]byte{old, third} {
		opensAt(t, second, sealed)
	}
}

// TestKeysFollowed lets a running server find out by itself.
func TestKeysFollowed(t *testing.T) {
	a, b := twoSites(t)
	a.serve, b.serve = true, true
	first := a.starts(t)
	b.write(t, a.keysFile(t))
	second := b.starts(t)
	if err := first.keys.rotate(true); err != nil {
		t.Fatal(err)
	}
	b.write(t, a.keysFile(t))
	if err := first.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	want := first.keys.keys.KeyIDs()[0]
	deadline, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for second.keys.keys.KeyIDs()[0] != want {
		select {
		case <-tick.C:
		case <-deadline.Done():
			t.Fatal("the other engine does not follow")
		}
	}
	closed(t, second)
	closed(t, first)
}

// TestKeysAtOnce starts two engines at once on an empty database: with a
// service they have one set in the end, and with files one of them refuses.
func TestKeysAtOnce(t *testing.T) {
	for _, address := range []string{"", testKMS} {
		t.Run(address, func(t *testing.T) {
			a, b := twoSites(t)
			a.kms, b.kms = address, address
			closed(t, site{data: filepath.Join(t.TempDir(), "z"), database: a.database, engine: "z", kms: address}.starts(t))       // makes the tables
			h := site{data: filepath.Join(t.TempDir(), "y"), database: a.database, engine: "y", kms: address, lost: true}.starts(t) // without any keys
			forgetKeys(t, h)
			closed(t, h)
			var hosts [2]*host
			var errs [2]error
			var wg sync.WaitGroup
			for i, s := range []site{a, b} {
				wg.Go(func() { hosts[i], errs[i] = s.open(t) })
			}
			wg.Wait()
			for _, h := range hosts {
				if h != nil {
					defer closed(t, h)
				}
			}
			if address != "" {
				if err := errors.Join(errs[:]...); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(hosts[0].keys.keys.KeyIDs(), hosts[1].keys.keys.KeyIDs()); diff != "" {
					t.Errorf("the keys of the two (-a +b):\n%s", diff)
				}
				opensAt(t, hosts[1], sealedBy(t, hosts[0]))
				return
			}
			if (errs[0] == nil) == (errs[1] == nil) || (a.keysFile(t) == "") == (b.keysFile(t) == "") {
				t.Errorf("one should start and have keys, and the other neither: %v; %v", errs[0], errs[1])
			}
		})
	}
}

func TestKeysOfTheFaster(t *testing.T) {
	for _, address := range []string{"", testKMS} {
		for _, sameKeys := range []bool{true, false} { // what the faster one changes
			t.Run(fmt.Sprint(address, sameKeys), func(t *testing.T) {
				h := site{data: filepath.Join(t.TempDir(), "data")}.starts(t)
				defer closed(t, h)
				forgetKeys(t, h)
				var service *kms
				if address != "" {
					var err error
					if service, err = openKMS(address); err != nil {
						t.Fatal(err)
					}
				}
				ring := func(data string, store sutler.AccessStore) *keyring {
					return &keyring{store: store, file: filepath.Join(data, keysFile), kms: service, now: time.Now, sync: syncFolder, log: slog.New(slog.DiscardHandler)}
				}
				a, b := t.TempDir(), t.TempDir()
				var before *keyring
				slow := &faster{h.Store, func() {
					var err error
					if sameKeys {
						before = ring(a, h.Store)
						err = before.open(t.Context(), false)
					} else {
						err = h.admin().Change(t.Context(), administrator("test"), sutler.AccessChange{Verb: sutler.AddGroup, Name: "staff"})
					}
					if err != nil {
						t.Fatal(err)
					}
				}}
				after := ring(b, slow)
				err := after.open(t.Context(), false)
				switch left := (site{data: b}).keysFile(t); {
				case sameKeys && address == "":
					if sutler.CodeOf(err) != sutler.Failed || !strings.Contains(err.Error(), fmt.Sprintf("key %d has sealed", before.keys.KeyIDs()[0])) || left != "" {
						t.Errorf("the slower one ends with %v, and leaves %q", err, left)
					}
				case err != nil:
					t.Error(err)
				case sameKeys:
					if diff := cmp.Diff(before.keys.KeyIDs(), after.keys.KeyIDs()); diff != "" {
						t.Errorf("the keys of the two (-faster +slower):\n%s", diff)
					}
				case (left == "") != (address != ""):
					t.Errorf("%s is %q", keysFile, left)
				}
				if rows := keysRows(t, h); err == nil && after.keys.Check([]byte(rows[proofRow])) != nil {
					t.Error("the proof is not that of the keys")
				}
			})
		}
	}
}

// TestRotateOfTheSlower rotates while somebody else changes who may do what.
func TestRotateOfTheSlower(t *testing.T) {
	s := site{data: filepath.Join(t.TempDir(), "data")}
	h := s.starts(t)
	defer closed(t, h)
	h.keys.store = &faster{h.Store, func() {
		if err := h.admin().Change(t.Context(), administrator("test"), sutler.AccessChange{Verb: sutler.AddGroup, Name: "staff"}); err != nil {
			t.Fatal(err)
		}
	}}
	if err := h.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	if ids := h.keys.keys.KeyIDs(); len(ids) != 2 || security.KeyOf([]byte(keysRows(t, h)[proofRow])) != ids[0] {
		t.Errorf("keys after one rotation: %d", ids)
	}
}
