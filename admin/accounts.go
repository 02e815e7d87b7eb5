package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"sutler"
	"sutler/security"
)

// ErrGuessing says that a source has guessed too often and has to wait. It
// looks to the caller like a wrong password.
var ErrGuessing = errors.New("too many wrong passwords from there: it has to wait")

// Accounts logs local accounts in.
type Accounts struct {
	Engine Engine
	Hasher security.Hasher
	Guard  *security.Guard
	Now    func() time.Time
	Turns  *Turns      // a password is looked at in a turn of its source: hashes take memory
	Proofs *Proofs     // passwords that need no turn and no hash; nil: each does
	Wrong  error       // what a wrong secret is answered with
	Random io.Reader   // makes the salts of hashes that are renewed
	Report func(error) // is told why a hash could not be renewed; nil: nobody is

	// The token of the data directory and who its holder is.
	Secret func() string // "" or nil: nobody is
	Local  sutler.Caller
}

// Password returns the caller of that name if that is its password. An unknown
// name, a disabled account, one without a password and a wrong password take
// the same work and give the same error. source is where the request came from.
// The error is ErrBusy, whatever the name, when there are too many logins; who
// comes ahead of others then, because the account has logged in from there
// before, hears nothing else unless the password is right.
// A hash with other parameters than the current ones costs what its own say
// until its account logs in, when it is renewed.
func (a *Accounts) Password(ctx context.Context, source, name, password string) (sutler.Caller, error) {
	from := security.Source(source)
	if err := a.guessing(source, name); err != nil { // who has to wait takes nobody's place
		if a.Turns.Full() {
			err = ErrBusy
		}
		return sutler.Caller{}, err
	}
	if acct := a.user(name); a.remembers(from, acct, password) {
		return sutler.Caller{Account: acct.Name}, nil
	}
	end, ahead, err := a.Turns.Take(ctx, from, security.Fold(name), a.Guard.Knows(a.Now(), name, source))
	if err != nil {
		return sutler.Caller{}, err
	}
	known := false
	defer func() { end(known) }()
	caller, err := a.judge(ctx, source, name, password)
	if err != nil && ahead {
		err = errors.Join(ErrBusy, err) // which the audit log tells apart
	}
	known = err == nil
	return caller, err
}

// judge is Password for one whose turn it is.
func (a *Accounts) judge(ctx context.Context, source, name, password string) (sutler.Caller, error) {
	if err := a.guessing(source, name); err != nil { // because of those that came before
		return sutler.Caller{}, err
	}
	from, acct, hash := security.Source(source), a.user(name), ""
	if a.remembers(from, acct, password) { // of one that came at the same time
		return sutler.Caller{Account: acct.Name}, nil
	}
	if acct != nil {
		hash = acct.Hash
	}
	ok, stale := a.Hasher.Verify(hash, password)
	if !ok || acct.Disabled {
		a.Guard.Failed(a.Now(), name, source)
		return sutler.Caller{}, a.Wrong
	}
	a.Guard.Succeeded(a.Now(), name, source)
	if stale {
		if err := a.renew(ctx, acct, password); err != nil && a.Report != nil { // the next login tries again
			a.Report(fmt.Errorf("cannot renew the hash of the password of %q: %w", acct.Name, err))
		}
	} else if a.Proofs != nil {
		a.Proofs.Keep(a.Now(), from, acct, password)
	}
	return sutler.Caller{Account: acct.Name}, nil
}

// user returns the user of that name, or nil.
func (a *Accounts) user(name string) *security.Account {
	acct := a.Engine.Access().Account(name)
	if acct == nil || acct.Group {
		return nil
	}
	return acct
}

// remembers reports whether password is known to be right, without a hash. Who
// asks has looked before whether the source has to wait: a password is not to
// be guessed here either.
func (a *Accounts) remembers(source string, acct *security.Account, password string) bool {
	return a.Proofs != nil && a.Proofs.Holds(a.Now(), source, acct, password) && acct != nil && !acct.Disabled
}

// guessing returns an error while source has to wait before it tries name again.
func (a *Accounts) guessing(source, name string) error {
	if wait := a.Guard.Allow(a.Now(), name, source); wait > 0 {
		return fmt.Errorf("%w: %w for %s", a.Wrong, ErrGuessing, wait.Round(time.Second))
	}
	return nil
}

// renew keeps a hash with the current parameters in place of that of acct.
func (a *Accounts) renew(ctx context.Context, acct *security.Account, password string) error {
	salt, err := newSalt(a.Random)
	if err != nil {
		return err
	}
	return a.Engine.RenewHash(ctx, acct.Name, acct.Hash, a.Hasher.Hash(password, salt))
}

func newSalt(random io.Reader) ([]byte, error) {
	salt := make([]byte, 16)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("cannot make a salt: %w", err)
	}
	return salt, nil
}

// Token returns the local caller for the token of the data directory.
func (a *Accounts) Token(_ context.Context, token string) (sutler.Caller, error) {
	secret := ""
	if a.Secret != nil {
		secret = a.Secret()
	}
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(secret))
	if secret == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return sutler.Caller{}, a.Wrong
	}
	return a.Local, nil
}
