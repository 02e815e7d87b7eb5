//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// wantsService is what an engine without a key management service says of a
// store whose keys one has wrapped.
const wantsService = "start with --seal-kms or SUTLER_SEAL_KMS"

// TestMoveOneByOne moves two engines to a key management service, one after
// the other, and asks the one that lags behind to rotate.
func TestMoveOneByOne(t *testing.T) {
	a, b := twoSites(t)
	closed(t, a.starts(t))
	b.write(t, a.keysFile(t))
	second := b.starts(t)
	old := sealedBy(t, second)
	a.kms = testKMS
	first := a.starts(t)
	rows, file := keysRows(t, first), b.keysFile(t)
	for _, prepare := range []bool{true, false} {
		if err := second.keys.rotate(prepare); err == nil || !strings.Contains(err.Error(), wantsService) {
			t.Errorf("an engine without the service rotates, prepare %t: %v", prepare, err)
		}
	}
	if err := second.keys.follow(t.Context()); err == nil || !strings.Contains(err.Error(), wantsService) {
		t.Errorf("an engine without the service follows: %v", err)
	}
	if diff := cmp.Diff(rows, keysRows(t, first)); diff != "" || b.keysFile(t) != file {
		t.Errorf("a refused rotation changes the keys:\n%s", diff)
	}
	opensAt(t, second, old) // it goes on meanwhile
	opensAt(t, first, sealedBy(t, second))

	if err := first.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	sealed := sealedBy(t, first)
	_, err := second.keys.Open(sealed, record)
	if sutler.CodeOf(err) != sutler.NotFound || !strings.Contains(err.Error(), wantsService) || strings.Contains(err.Error(), "copy seal.keys") {
		t.Errorf("Open without the key of an engine with the service: %v", err)
	}
	closed(t, first)
	closed(t, second)
	b.refuses(t, wantsService)
	b.kms = testKMS
	for _, s := range []site{a, b} {
		h := s.starts(t)
		opensAt(t, h, old)
		opensAt(t, h, sealed)
		closed(t, h)
	}
}

// TestMoveWhileOneRotates moves the keys between what a rotation at another
// engine reads and what it writes.
func TestMoveWhileOneRotates(t *testing.T) {
	a, b := twoSites(t)
	closed(t, a.starts(t))
	b.write(t, a.keysFile(t))
	second := b.starts(t)
	a.kms = testKMS
	second.keys.store = &faster{second.Store, func() { closed(t, a.starts(t)) }}
	if err := second.keys.rotate(false); err == nil || !strings.Contains(err.Error(), wantsService) {
		t.Errorf("the rotation ends with %v", err)
	}
	old := sealedBy(t, second)
	closed(t, second)
	first := a.starts(t)
	opensAt(t, first, old)
	closed(t, first)
}

// TestProofBesideTheWrappedSet has a store whose proof is of a key that is not
// in its wrapped set: an engine that runs says so.
func TestProofBesideTheWrappedSet(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		s.kms = testKMS
		h := s.starts(t)
		foreign, err := security.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		putProof(t, h, foreign)
		sealed, err := foreign.Seal([]byte("hush"), record)
		if err != nil {
			t.Fatal(err)
		}
		const want = "the wrapped set in the store does not fit it"
		if err := h.keys.follow(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("follow = %v", err)
		}
		if _, err := h.keys.Open(sealed, record); sutler.CodeOf(err) != sutler.NotFound || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v", err)
		}
		closed(t, h)
	})
}
