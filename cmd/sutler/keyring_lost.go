package main

import (
	"fmt"
	"log/slog"

	"sutler"
	"sutler/security"
)

// lostKeys is what the store had of keys that are given up. It stays there,
// under other names, for the day on which they are found after all.
type lostKeys struct {
	key    uint32
	suffix string // of the other names
	aside  []sutler.AccessRow
}

// giveUp returns kept without what fits no keys that are there. It changes
// nothing: that start does, at once with what takes its place.
func (r *keyring) giveUp(kept keptKeys) (keptKeys, error) {
	if kept.proof == nil && kept.wrapped == nil && len(kept.credentials) == 0 {
		return kept, nil // nothing was sealed
	}
	if err := r.served(kept); err != nil {
		return kept, err
	}
	if r.kms != nil { // one that does not work now may open the set tomorrow
		if err := r.kms.probe(); err != nil {
			return kept, sutler.Errorf(sutler.Failed, "nothing is given up before the key management service works: %w", err)
		}
	}
	keys, err := r.read(kept)
	if err != nil && kept.wrapped == nil { // the file is there
		return kept, err
	}
	opens := err == nil && keys != nil
	if opens && kept.fits(keys) == nil {
		return kept, nil // nothing is lost
	}
	lost := &lostKeys{key: kept.key(), suffix: ".lost." + r.now().UTC().Format("20060102T150405.000000000Z")}
	lost.setAside(proofRow, kept.proof)
	if !opens { // else the set has other keys, which are not lost
		lost.setAside(wrappedRow, kept.wrapped)
		kept.wrapped = nil
	}
	return keptKeys{wrapped: kept.wrapped, revision: kept.revision, lost: lost}, nil
}

func (l *lostKeys) setAside(name string, value []byte) {
	if value != nil {
		l.aside = append(l.aside, sutler.AccessRow{Kind: sutler.KeysRow, Name: name + l.suffix, Value: value})
	}
}

// tell says in the log what was given up, and how to undo that.
func (l *lostKeys) tell(log *slog.Logger) {
	log.Warn("the keys are lost: what they have sealed is given up", "key", l.key,
		"undo", "when they are found, stop all engines, run this SQL in the database, and start with the seal.keys or the key management service that fits; what was sealed meanwhile is given up then",
		"sql", fmt.Sprintf("UPDATE access SET name = name || '.instead%[3]s' WHERE kind = '%[4]s' AND name IN ('%[1]s', '%[2]s'); "+
			"UPDATE access SET name = replace(name, '%[3]s', '') WHERE kind = '%[4]s' AND name IN ('%[1]s%[3]s', '%[2]s%[3]s')",
			proofRow, wrappedRow, l.suffix, sutler.KeysRow))
}

// fits reports whether keys are those that the store's secrets are sealed
// with. A store of before there were proofs shows it by its credentials.
func (k keptKeys) fits(keys *security.Keys) error {
	if k.proof != nil {
		return keys.Check(k.proof)
	}
	for _, c := range k.credentials {
		if _, err := keys.Open(c.Sealed, security.CredentialRecord(c.Name)); err != nil {
			return fmt.Errorf("credential %q is sealed with key %d: %w", c.Name, security.KeyOf(c.Sealed), err)
		}
	}
	return nil
}
