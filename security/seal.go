package security

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"sutler"
)

// Keys seals the secrets that an installation keeps, such as passwords of
// credentials: AES-256 in GCM under the primary key of a Tink key set. Older
// keys of the set still open what they sealed. A Keys is safe for concurrent
// use. One key is good for 2³² seals; rotate long before.
type Keys struct {
	change sync.Mutex // held by those who replace the set
	set    atomic.Pointer[keySet]
}

// keySet is a key set and what seals with it; it never changes.
type keySet struct {
	handle *keyset.Handle
	cipher tink.AEAD
	ids    []uint32 // the primary, then the others from the newest to the oldest
}

// Each sealed value begins with this byte and the ID of its key in four more.
const (
	sealedMark   = 1
	sealedPrefix = 5
)

// NewKeys returns a set with one fresh key, which is its primary.
func NewKeys() (*Keys, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot make a key: %w", err)
	}
	return keysOf(handle)
}

// ParseKeys reads a set that Bytes returned, or one in clear text that another
// tool for Tink wrote as JSON. Each key must be for AES-256 in GCM with Tink's
// prefix. The error is BadInput and shows nothing of what b holds.
func ParseKeys(b []byte) (*Keys, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil { // its text may quote key material
		return nil, sutler.Errorf(sutler.BadInput, "cannot read the key set: it is not a Tink key set in clear text, written as JSON, with a primary key; restore the file from its backup")
	}
	return keysOf(handle)
}

// ParseWrappedKeys reads a set that Wrapped returned, with the same key
// encryption key. The error is BadInput when b has not that form or the set
// holds other keys than ParseKeys takes, Failed when kek does not open it.
func ParseWrappedKeys(b []byte, kek tink.AEAD) (*Keys, error) {
	if kek == nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot read the wrapped key set: no key encryption key is given")
	}
	wrapped, err := keyset.NewJSONReader(bytes.NewReader(b)).ReadEncrypted()
	if err != nil || len(wrapped.GetEncryptedKeyset()) == 0 { // might be clear text by mistake
		return nil, sutler.Errorf(sutler.BadInput, "cannot read the wrapped key set: it is not an encrypted Tink key set, written as JSON; restore the file from its backup")
	}
	handle, err := keyset.Read(keyset.NewJSONReader(bytes.NewReader(b)), kek)
	if err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot open the wrapped key set: %w; check that the key encryption key is the one that wrapped it and that this program may use it", err)
	}
	return keysOf(handle)
}

func keysOf(handle *keyset.Handle) (*Keys, error) {
	set, err := newKeySet(handle)
	if err != nil {
		return nil, err
	}
	k := new(Keys)
	k.set.Store(set)
	return k, nil
}

// newKeySet checks that every key of the set is of our kind.
func newKeySet(handle *keyset.Handle) (*keySet, error) {
	primary, err := handle.Primary()
	if err != nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot use the key set: %w", err)
	}
	ids := []uint32{primary.KeyID()}
	for i := handle.Len() - 1; i >= 0; i-- {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, sutler.Errorf(sutler.Failed, "cannot read the key set: %w", err)
		}
		p, ok := entry.Key().Parameters().(*aesgcm.Parameters)
		if !ok || p.KeySizeInBytes() != 32 || p.Variant() != aesgcm.VariantTink {
			return nil, sutler.Errorf(sutler.BadInput, "cannot use key %d of the key set: it is not for AES-256 in GCM with Tink's prefix; make the set with key type AES256_GCM", entry.KeyID())
		}
		if !entry.IsPrimary() {
			ids = append(ids, entry.KeyID())
		}
	}
	cipher, err := aead.New(handle)
	if err != nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot use the key set: %w", err)
	}
	return &keySet{handle, cipher, ids}, nil
}

// Bytes returns the set in clear text, as JSON. Whoever reads it can open
// everything: write it to a file of mode 0600, and never to a log.
func (k *Keys) Bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.set.Load().handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot write the key set: %w", err)
	}
	return b.Bytes(), nil
}

// Wrapped returns the set as JSON, its keys encrypted by kek, which a key
// management service usually keeps.
func (k *Keys) Wrapped(kek tink.AEAD) ([]byte, error) {
	if kek == nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot wrap the key set: no key encryption key is given")
	}
	var b bytes.Buffer
	if err := k.set.Load().handle.Write(keyset.NewJSONWriter(&b), kek); err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot wrap the key set: %w; check that this program may use the key encryption key", err)
	}
	return b.Bytes(), nil
}

// Seal encrypts plain under the primary key and binds it to the ID of the
// record that keeps it, which must not be empty: in any other record the
// value does not open. Two seals of the same differ.
func (k *Keys) Seal(plain, record []byte) ([]byte, error) {
	if len(record) == 0 {
		return nil, sutler.Errorf(sutler.BadInput, "cannot seal a value: the ID of its record is empty")
	}
	sealed, err := k.set.Load().cipher.Encrypt(plain, record)
	if err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot seal the value of record %q: %w", record, err)
	}
	return sealed, nil
}

// Open returns what Seal got. The error is Corrupt when sealed is not what
// Seal returned for that record, and NotFound when the set has not the key
// that it names.
func (k *Keys) Open(sealed, record []byte) ([]byte, error) {
	if len(sealed) < sealedPrefix || sealed[0] != sealedMark {
		return nil, sutler.Errorf(sutler.Corrupt, "cannot open the value of record %q: it was not sealed; set it again", record)
	}
	set := k.set.Load()
	if id := binary.BigEndian.Uint32(sealed[1:]); !slices.Contains(set.ids, id) {
		return nil, sutler.Errorf(sutler.NotFound, "cannot open the value of record %q: the key set has no key %d; restore the set that has it, or set the value again", record, id)
	}
	plain, err := set.cipher.Decrypt(sealed, record)
	if err != nil {
		return nil, sutler.Errorf(sutler.Corrupt, "cannot open the value of record %q: it was changed, sealed for another record, or its key is disabled; set it again", record)
	}
	return plain, nil
}

// Rotate makes the key that Prepare has added the primary, or a fresh one when
// none is prepared; the older ones go on opening. What is sealed from then on is lost unless the new set is kept, so
// where values are sealed all the time rotate a copy, keep it, and Replace.
func (k *Keys) Rotate() error {
	return k.alter(func(m *keyset.Manager) error {
		id, err := k.set.Load().prepared(), error(nil)
		if id == 0 {
			id, err = m.Add(aead.AES256GCMKeyTemplate())
		}
		if err == nil {
			err = m.SetPrimary(id)
		}
		if err != nil {
			return sutler.Errorf(sutler.Failed, "cannot rotate the key set: %w", err)
		}
		return nil
	})
}

// Drop removes an old key for good: what it sealed never opens again. Seal
// such values anew first. The error is Conflict for the primary key and
// NotFound for one that the set has not; then nothing changes.
func (k *Keys) Drop(keyID uint32) error {
	return k.alter(func(m *keyset.Manager) error {
		switch at := slices.Index(k.KeyIDs(), keyID); {
		case at < 0:
			return sutler.Errorf(sutler.NotFound, "cannot drop key %d: the key set has no such key", keyID)
		case at == 0:
			return sutler.Errorf(sutler.Conflict, "cannot drop key %d: it is the primary key; rotate the set and seal everything anew first", keyID)
		}
		if err := m.Delete(keyID); err != nil {
			return sutler.Errorf(sutler.Failed, "cannot drop key %d: %w", keyID, err)
		}
		return nil
	})
}

// alter swaps the set for a changed copy. Whoever seals or opens meanwhile
// uses the one or the other, never half of a change.
func (k *Keys) alter(change func(*keyset.Manager) error) error {
	k.change.Lock()
	defer k.change.Unlock()
	m := keyset.NewManagerFromHandle(k.set.Load().handle)
	if err := change(m); err != nil {
		return err
	}
	handle, err := m.Handle()
	if err != nil {
		return sutler.Errorf(sutler.Failed, "cannot change the key set: %w", err)
	}
	set, err := newKeySet(handle)
	if err != nil {
		return err
	}
	k.set.Store(set)
	return nil
}

// Replace goes on with the keys that next has at the moment: a rotated copy
// that was kept, or the set that another program has rotated.
func (k *Keys) Replace(next *Keys) {
	set := next.set.Load() // before the lock: next may be k
	k.change.Lock()
	defer k.change.Unlock()
	k.set.Store(set)
}

// KeyIDs returns the ID of each key: the primary, then the others from the
// newest to the oldest.
func (k *Keys) KeyIDs() []uint32 { return slices.Clone(k.set.Load().ids) }
