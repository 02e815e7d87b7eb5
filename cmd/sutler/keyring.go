package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sutler"
	"sutler/security"
)

// The rows of sutler.KeysRow in the store.
const (
	proofRow   = "proof"   // sealed by the key that seals: which keys belong to this store
	wrappedRow = "wrapped" // the set, encrypted by a key management service; without one it is in keysFile
)

// mostTries bounds how often the rows are changed again after somebody was faster.
const mostTries = 10

// keyring is the keys of one engine. The store has a proof of the key that
// seals at present: an engine whose keys cannot open it does not start, and
// one that runs seals with the key that made it.
type keyring struct {
	keys  *security.Keys
	store sutler.AccessStore
	file  string
	kms   *kms // nil: the set is in file, copied to all engines
	now   func() time.Time
	sync  func(folder string) error // makes names in a folder durable
	log   *slog.Logger

	mu      sync.Mutex // one reading or rotation at a time
	wrapped []byte     // the row of the store that keys was read from, with a service
}

// keptKeys is what the store has of the keys.
type keptKeys struct {
	proof, wrapped []byte
	credentials    []security.Credential // with a sealed password
	revision       int64
	lost           *lostKeys // was there, and is given up
}

// open gets the keys that belong to the store, and makes them at the first
// start: in a file of the data directory or, with a key management service,
// wrapped in the store. lost gives up what keys have sealed that are nowhere
// any more.
func (r *keyring) open(ctx context.Context, lost bool) error {
	r.tidy()
	for try := 1; ; try++ {
		kept, err := r.kept(ctx)
		if err == nil && lost {
			kept, err = r.giveUp(kept)
		}
		if err == nil {
			err = r.start(ctx, kept)
		}
		if sutler.CodeOf(err) == sutler.Conflict && try < mostTries {
			continue // another engine was faster: its keys, or another row
		}
		if err != nil {
			return &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot use the keys that secrets are sealed with: %w", err)}
		}
		if kept.lost != nil {
			kept.lost.tell(r.log)
		}
		r.advise()
		return nil
	}
}

// start takes the keys that are there, or makes new ones where none ever were.
func (r *keyring) start(ctx context.Context, kept keptKeys) error {
	if err := r.served(kept); err != nil {
		return err
	}
	keys, err := r.read(kept)
	if err != nil {
		return err
	}
	var rows []sutler.AccessRow
	fresh := keys == nil
	switch {
	case fresh && (kept.proof != nil || len(kept.credentials) > 0):
		return sutler.Errorf(sutler.Failed, "this store has secrets that key %d has sealed, and %s is not there: %s", kept.key(), r.file, copyIt)
	case fresh:
		if keys, err = security.NewKeys(); err != nil {
			return err
		}
	default:
		if err := kept.fits(keys); err != nil {
			return r.foreign(kept, err)
		}
	}
	if kept.proof == nil {
		rows, err = proofOf(keys)
	} else {
		err = keys.Follow(kept.proof)
	}
	if err != nil {
		return err
	}
	if r.kms != nil && kept.wrapped == nil {
		if kept.wrapped, err = keys.Wrapped(r.kms); err != nil {
			return err
		}
		rows = append(rows, sutler.AccessRow{Kind: sutler.KeysRow, Name: wrappedRow, Value: kept.wrapped})
	}
	if fresh && r.kms == nil {
		if err := r.write(keys); err != nil { // before anything is sealed with them
			return err
		}
	}
	if kept.lost != nil {
		rows = append(rows, kept.lost.aside...)
	}
	if len(rows) > 0 {
		if _, err := r.store.PutAccess(ctx, kept.revision, rows...); err != nil {
			if fresh && r.kms == nil && sutler.CodeOf(err) == sutler.Conflict { // else they may be those of the store
				err = errors.Join(err, os.Remove(r.file))
			}
			return err
		}
	}
	r.keys, r.wrapped = keys, kept.wrapped
	return nil
}

// copyIt is what to do when an engine lacks the keys of its store.
const copyIt = "copy seal.keys, mode 0600, from an engine that has this key, or from its backup; when it is nowhere, --keys-lost gives up what it sealed"

// foreign says what to do about keys that are not those of the store.
func (r *keyring) foreign(kept keptKeys, err error) error {
	if r.kms != nil && kept.wrapped != nil {
		return sutler.Errorf(sutler.Failed, "the wrapped set in the store does not fit it: %w; restore the database from its backup, or give up with --keys-lost what is sealed", err)
	}
	return sutler.Errorf(sutler.Failed, "%s is not that of this store: %w; %s", r.file, err, copyIt)
}

// served refuses an engine that was started without the key management service
// that wraps the keys of its store: it has no part in them any more.
func (r *keyring) served(kept keptKeys) error {
	if r.kms == nil && kept.wrapped != nil {
		return sutler.Errorf(sutler.BadInput, "a key management service wraps the keys of this store, and this engine has none: start with --seal-kms or %s", kmsVariable)
	}
	return nil
}

// kept reads what the store has of the keys.
func (r *keyring) kept(ctx context.Context) (keptKeys, error) {
	rows, revision, err := r.store.Access(ctx)
	kept := keptKeys{revision: revision}
	for _, row := range rows {
		switch {
		case row.Kind == sutler.KeysRow && row.Name == proofRow:
			kept.proof = row.Value
		case row.Kind == sutler.KeysRow && row.Name == wrappedRow:
			kept.wrapped = row.Value
		case row.Kind == sutler.CredentialRow:
			var c security.Credential
			if json.Unmarshal(row.Value, &c) == nil && security.KeyOf(c.Sealed) != 0 {
				kept.credentials = append(kept.credentials, c)
			}
		}
	}
	return kept, err
}

// key returns the ID of the key that the store's secrets are sealed with.
func (k keptKeys) key() uint32 {
	if k.proof != nil {
		return security.KeyOf(k.proof)
	}
	if len(k.credentials) > 0 {
		return security.KeyOf(k.credentials[0].Sealed)
	}
	return 0
}

// read returns the keys as they are kept at present, or nil when there are
// none. A file in clear text counts until a service has wrapped it.
func (r *keyring) read(kept keptKeys) (*security.Keys, error) {
	if r.kms != nil && kept.wrapped != nil {
		return security.ParseWrappedKeys(kept.wrapped, r.kms)
	}
	return readKeys(r.file)
}

// write puts keys in place of the file. They are on disk when it returns nil.
func (r *keyring) write(keys *security.Keys) error {
	if err := writeKeys(r.file, keys); err != nil {
		return err
	}
	return r.sync(filepath.Dir(r.file))
}

// tidy removes the keys in clear text that a kill has left beside the file.
func (r *keyring) tidy() {
	left, err := leftKeys(filepath.Dir(r.file))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		r.log.Warn("cannot remove keys in clear text that an interrupted start or rotation left", "files", left, "error", err)
	}
}

// advise tells the operator of a file that is of no use any more.
func (r *keyring) advise() {
	if r.kms == nil {
		return
	}
	old, err := readKeys(r.file)
	switch {
	case old == nil && err == nil:
	case err == nil && r.keys.Covers(old) == nil:
		r.log.Warn("the keys are wrapped in the store: delete this file and its copies", "file", r.file, "service", r.kms.name)
	default:
		r.log.Warn("the keys are wrapped in the store; this file is not used, and not all of its keys are there", "file", r.file, "service", r.kms.name)
	}
}

func proofOf(keys *security.Keys) ([]sutler.AccessRow, error) {
	proof, err := keys.Proof()
	return []sutler.AccessRow{{Kind: sutler.KeysRow, Name: proofRow, Value: proof}}, err
}
