package security

import (
	"encoding/binary"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"sutler"
)

// proofRecord is the ID under which proofs are sealed.
var proofRecord = []byte("keys/proof")

// KeyOf returns the ID of the key that sealed a value, or 0 when Seal did not
// make it.
func KeyOf(sealed []byte) uint32 {
	if len(sealed) < sealedPrefix || sealed[0] != sealedMark {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:])
}

// Proof returns a value that says nothing, sealed by the primary key. Whoever
// can open it has that key: a store that keeps one knows which keys belong to
// it, and which of them seals.
func (k *Keys) Proof() ([]byte, error) { return k.Seal([]byte("sutler"), proofRecord) }

// Check reports whether the set has the key that a proof was made with. The
// error is NotFound when it has no key of that ID, Corrupt when its key of
// that ID is another one or proof is no proof; it names the ID.
func (k *Keys) Check(proof []byte) error {
	id := KeyOf(proof)
	if ids := k.KeyIDs(); id != 0 && !slices.Contains(ids, id) {
		return sutler.Errorf(sutler.NotFound, "the key set has no key %d; its keys are %d", id, ids)
	}
	if _, err := k.Open(proof, proofRecord); err != nil {
		return sutler.Errorf(sutler.Corrupt, "key %d of the key set is not the one that is wanted, or the proof was changed", id)
	}
	return nil
}

// Follow makes the key that a proof was made with the primary. Its errors are
// those of Check; then nothing changes.
func (k *Keys) Follow(proof []byte) error {
	if err := k.Check(proof); err != nil {
		return err
	}
	id := KeyOf(proof)
	return k.alter(func(m *keyset.Manager) error {
		if err := m.SetPrimary(id); err != nil {
			return sutler.Errorf(sutler.Failed, "cannot seal with key %d: %w", id, err)
		}
		return nil
	})
}

// Covers reports whether the set has every key of other, so that it opens
// whatever other does. The error names a key that it lacks.
func (k *Keys) Covers(other *Keys) error {
	proof, err := other.Proof()
	if err != nil {
		return err
	}
	ids := k.KeyIDs()
	for _, id := range other.KeyIDs() {
		if !slices.Contains(ids, id) {
			return sutler.Errorf(sutler.NotFound, "the key set has no key %d any more; its keys are %d", id, ids)
		}
	}
	return k.Check(proof)
}

// Prepare adds a fresh key that seals nothing before Rotate makes it the
// primary: until then the set can be carried to whoever will have to open what
// that key seals. A set with a prepared key stays as it is.
func (k *Keys) Prepare() error {
	return k.alter(func(m *keyset.Manager) error {
		if k.set.Load().prepared() != 0 {
			return nil
		}
		if _, err := m.Add(aead.AES256GCMKeyTemplate()); err != nil {
			return sutler.Errorf(sutler.Failed, "cannot add a key to the key set: %w", err)
		}
		return nil
	})
}

// prepared returns the ID of the newest key when it does not seal yet, else 0.
func (s *keySet) prepared() uint32 {
	entry, err := s.handle.Entry(s.handle.Len() - 1)
	if err != nil || entry.IsPrimary() || entry.KeyStatus() != keyset.Enabled {
		return 0
	}
	return entry.KeyID()
}
