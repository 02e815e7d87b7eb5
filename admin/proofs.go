package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"sutler/security"
)

// Proofs remembers for a short while which passwords were right, so that one who
// comes with each request costs a hash now and then only. Of a password it keeps
// a MAC under a key of its own.
//
// It is no help to a guesser: what it remembers of an account counts for the
// source that the password came from, as long as the account has the hash and
// the state that it had, and is forgotten with the first other password that
// comes for the account from there. A Proofs is safe for concurrent use.
type Proofs struct {
	life time.Duration
	most int
	key  [sha256.Size]byte
	mu   sync.Mutex
	kept map[origin]proof
}

// origin is an account and the source that its password came from.
type origin struct{ account, source string }

type proof struct {
	mac  [sha256.Size]byte
	made time.Time
}

// NewProofs returns a Proofs that remembers each of most proofs for life. The key
// comes from random.
func NewProofs(random io.Reader, life time.Duration, most int) (*Proofs, error) {
	p := &Proofs{life: life, most: most, kept: map[origin]proof{}}
	if _, err := io.ReadFull(random, p.key[:]); err != nil {
		return nil, fmt.Errorf("cannot make the key of remembered passwords: %w", err)
	}
	return p, nil
}

// Holds reports whether password was right for acct from source; if another one
// is remembered, it is no longer. A nil acct,
// of a name that does not exist, costs the same.
func (p *Proofs) Holds(now time.Time, source string, acct *security.Account, password string) bool {
	at, mac := p.of(source, acct, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	k, kept := p.kept[at]
	held := hmac.Equal(k.mac[:], mac[:]) && kept && p.lasts(now, k)
	if kept && !held {
		delete(p.kept, at)
	}
	return held
}

// Keep remembers that password is right for acct, and came from source.
func (p *Proofs) Keep(now time.Time, source string, acct *security.Account, password string) {
	at, mac := p.of(source, acct, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest, first := at, now
	delete(p.kept, at)
	for o, k := range p.kept {
		if !p.lasts(now, k) {
			delete(p.kept, o)
		} else if k.made.Before(first) || oldest == at {
			oldest, first = o, k.made
		}
	}
	if len(p.kept) >= p.most {
		delete(p.kept, oldest)
	}
	p.kept[at] = proof{mac, now}
}

// lasts reports whether k counts still; it does not when the clock was set back.
func (p *Proofs) lasts(now time.Time, k proof) bool {
	age := now.Sub(k.made)
	return age >= 0 && age < p.life
}

func originOf(source string, acct *security.Account) origin {
	if acct == nil {
		return origin{source: source}
	}
	return origin{security.Fold(acct.Name), source}
}

// of returns where password is remembered, and as what.
func (p *Proofs) of(source string, acct *security.Account, password string) (origin, [sha256.Size]byte) {
	at, hash, changed := originOf(source, acct), "", time.Time{}
	if acct != nil {
		hash, changed = acct.Hash, acct.Changed
	}
	m := hmac.New(sha256.New, p.key[:])
	for _, part := range []string{at.account, at.source, hash, changed.UTC().Format(time.RFC3339Nano), password} {
		m.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		io.WriteString(m, part)
	}
	return at, [sha256.Size]byte(m.Sum(nil))
}
