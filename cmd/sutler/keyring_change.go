package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"sutler"
	"sutler/security"
)

// Seal implements sutler.Sealer.
func (r *keyring) Seal(plain, record []byte) ([]byte, error) { return r.keys.Seal(plain, record) }

// Open implements sutler.Sealer. For a key that it lacks it reads the keys
// anew, once: another engine may have rotated them.
func (r *keyring) Open(sealed, record []byte) ([]byte, error) {
	plain, err := r.keys.Open(sealed, record)
	if sutler.CodeOf(err) != sutler.NotFound {
		return plain, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), kmsPatience)
	defer cancel()
	if again := r.reread(ctx); again != nil {
		return nil, &sutler.Error{Code: sutler.NotFound, Err: fmt.Errorf("%w; the keys were read anew in vain: %w", err, again)}
	}
	return r.keys.Open(sealed, record)
}

// reread goes on with the keys as they are kept at present.
func (r *keyring) reread(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, err := r.kept(ctx)
	if err != nil {
		return err
	}
	return r.take(kept)
}

// follow seals with the key that the store says, for which it reads the keys
// anew when it must.
func (r *keyring) follow(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept, err := r.kept(ctx)
	if err != nil {
		return err
	}
	if err := r.served(kept); err != nil {
		return err
	}
	known := r.kms == nil || bytes.Equal(kept.wrapped, r.wrapped)
	if kept.proof != nil && known && r.keys.Follow(kept.proof) == nil { // it is the primary, or was prepared
		return nil
	}
	if err := r.take(kept); err != nil {
		return fmt.Errorf("cannot seal with the key %d of the other engines: %w", kept.key(), err)
	}
	return nil
}

// take goes on with the keys as they are kept, if they are more than those
// that it has. The lock is held.
func (r *keyring) take(kept keptKeys) error {
	if err := r.served(kept); err != nil {
		return err
	}
	if r.kms != nil && bytes.Equal(kept.wrapped, r.wrapped) {
		return r.fits(r.keys, kept) // without another question to the service
	}
	next, err := r.read(kept)
	if err != nil {
		return err
	}
	if next == nil {
		return sutler.Errorf(sutler.NotFound, "%s is not there any more: put it back", r.file)
	}
	if err := r.fits(next, kept); err != nil {
		return err
	}
	r.keys.Replace(next)
	r.wrapped = kept.wrapped
	return nil
}

// fits checks that next can take the place of the keys in use, and has it seal
// with the key that the store says.
func (r *keyring) fits(next *security.Keys, kept keptKeys) error {
	err := next.Covers(r.keys)
	if err == nil && kept.proof != nil {
		err = next.Follow(kept.proof)
	}
	if err != nil {
		return r.foreign(kept, err)
	}
	return nil
}

// rotate makes the key that was prepared, or else a new one, the one that seals
// from now on; what older ones sealed still opens. prepare only adds a key, so
// that the file can be copied before anything is sealed with it.
func (r *keyring) rotate(prepare bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx := context.Background() // whoever asked may go: it is not done by half
	for try := 1; ; try++ {
		kept, err := r.kept(ctx)
		if err == nil {
			err = r.change(ctx, kept, prepare)
		}
		if sutler.CodeOf(err) == sutler.Conflict && try < mostTries {
			continue
		}
		return err
	}
}

func (r *keyring) change(ctx context.Context, kept keptKeys, prepare bool) error {
	if err := r.served(kept); err != nil {
		return err
	}
	next, err := r.read(kept) // another engine or the operator may have changed them
	if err == nil && next == nil {
		next, err = copyOf(r.keys) // the file is gone
	}
	if err != nil {
		return err
	}
	if err := r.fits(next, kept); err != nil {
		return err
	}
	var rows []sutler.AccessRow
	if prepare {
		err = next.Prepare()
	} else if err = next.Rotate(); err == nil {
		rows, err = proofOf(next)
	}
	if err != nil {
		return err
	}
	if r.kms == nil {
		err = r.write(next)
	} else if kept.wrapped, err = next.Wrapped(r.kms); err == nil {
		rows = append(rows, sutler.AccessRow{Kind: sutler.KeysRow, Name: wrappedRow, Value: kept.wrapped})
	}
	if err == nil && len(rows) > 0 { // not before the keys are on disk
		_, err = r.store.PutAccess(ctx, kept.revision, rows...)
	}
	if err != nil {
		return err
	}
	r.keys.Replace(next)
	r.wrapped = kept.wrapped
	return nil
}

// keepKeys follows the rotations of other engines. It is no part of refresh:
// a key management service may be slow, and withdrawn rights do not wait.
func (h *host) keepKeys(ctx context.Context) {
	tick := time.NewTicker(pollStamps)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-h.rotated:
		case <-tick.C:
			if said == "" { // nothing to try again
				continue
			}
		case <-ctx.Done():
			return
		}
		err := h.keys.follow(ctx)
		switch {
		case err == nil:
			said = ""
		case ctx.Err() == nil && err.Error() != said:
			said = err.Error()
			h.o.Logger.Error("cannot follow a rotation of the keys", "error", said)
		}
	}
}
