package security_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

func copied(t *testing.T, k *security.Keys) *security.Keys {
	return must(security.ParseKeys(must(k.Bytes())(t)))(t)
}

func TestKeyOf(t *testing.T) {
	k := newKeys(t)
	if got := security.KeyOf(seal(t, k, secret)); got != k.KeyIDs()[0] {
		t.Errorf("KeyOf = %d, want %d", got, k.KeyIDs()[0])
	}
	for _, none := range [][]byte{nil, {}, {1, 2, 3, 4}, {0, 1, 2, 3, 4, 5}} {
		if got := security.KeyOf(none); got != 0 {
			t.Errorf("KeyOf(%v) = %d, want 0", none, got)
		}
	}
}

func TestProof(t *testing.T) {
	k := newKeys(t)
	old := must(k.Proof())(t)
	before := copied(t, k)
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	proof := must(k.Proof())(t)
	for _, p := range [][]byte{old, proof} {
		if err := k.Check(p); err != nil {
			t.Errorf("Check: %v", err)
		}
	}
	refuses(t, before.Check(proof), sutler.NotFound, fmt.Sprintf("the key set has no key %d; its keys are [%d]", k.KeyIDs()[0], before.KeyIDs()[0]))
	refuses(t, k.Check(seal(t, k, secret)), sutler.Corrupt, "is not the one that is wanted")
	proof[len(proof)-1] ^= 1
	refuses(t, k.Check(proof), sutler.Corrupt, fmt.Sprintf("key %d of the key set", k.KeyIDs()[0]))
	refuses(t, k.Check(nil), sutler.Corrupt, "the proof was changed")
}

func TestPrepareAndFollow(t *testing.T) {
	a := newKeys(t)
	first := a.KeyIDs()[0]
	for range 2 { // the second time there is one already
		if err := a.Prepare(); err != nil {
			t.Fatal(err)
		}
	}
	ids := a.KeyIDs()
	if len(ids) != 2 || ids[0] != first || security.KeyOf(seal(t, a, secret)) != first {
		t.Fatalf("keys after Prepare: %d, want %d and another", ids, first)
	}
	b := copied(t, a)
	if err := a.Rotate(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{ids[1], first}, a.KeyIDs()); diff != "" {
		t.Errorf("Rotate does not take the prepared key (-want +got):\n%s", diff)
	}
	opens(t, b, seal(t, a, secret), secret)
	proof := must(a.Proof())(t)
	if err := b.Follow(proof); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.KeyIDs(), b.KeyIDs()); diff != "" {
		t.Errorf("keys after Follow (-want +got):\n%s", diff)
	}
	if err := a.Rotate(); err != nil {
		t.Fatal(err)
	}
	if n := len(a.KeyIDs()); n != 3 {
		t.Errorf("%d keys after a rotation with none prepared, want 3", n)
	}
	refuses(t, b.Follow(must(a.Proof())(t)), sutler.NotFound, "the key set has no key")
	if b.KeyIDs()[0] != ids[1] {
		t.Error("a refused Follow has changed the set")
	}
}

func TestCovers(t *testing.T) {
	k := newKeys(t)
	before := copied(t, k)
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	if err := k.Covers(before); err != nil {
		t.Errorf("a set does not cover what it was before: %v", err)
	}
	refuses(t, before.Covers(k), sutler.NotFound, fmt.Sprintf("the key set has no key %d any more", k.KeyIDs()[0]))
	refuses(t, newKeys(t).Covers(k), sutler.NotFound, "any more")
}
