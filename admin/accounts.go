package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
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
	Places chan struct{} // a hash that is computed holds one: they take memory
	Wrong  error         // what a wrong secret is answered with

	// The token of the data directory and who its holder is.
	Secret string
	Local  sutler.Caller
}

// Password returns the caller of that name if that is its password. An unknown
// name, a disabled account, one without a password and a wrong password take
// the same work and give the same error. source is where the request came from.
func (a *Accounts) Password(ctx context.Context, source, name, password string) (sutler.Caller, error) {
	if wait := a.Guard.Allow(a.Now(), name, source); wait > 0 {
		return sutler.Caller{}, fmt.Errorf("%w: %w for %s", a.Wrong, ErrGuessing, wait.Round(time.Second))
	}
	select {
	case a.Places <- struct{}{}:
		defer func() { <-a.Places }()
	case <-ctx.Done():
		return sutler.Caller{}, context.Cause(ctx)
	}
	hash := ""
	acct := a.Engine.Access().Account(name)
	if acct != nil && !acct.Group {
		hash = acct.Hash
	}
	ok, _ := a.Hasher.Verify(hash, password)
	if !ok || acct.Disabled {
		a.Guard.Failed(a.Now(), name, source)
		return sutler.Caller{}, a.Wrong
	}
	a.Guard.Succeeded(a.Now(), name, source)
	return sutler.Caller{Account: acct.Name}, nil
}

// Token returns the local caller for the token of the data directory.
func (a *Accounts) Token(_ context.Context, token string) (sutler.Caller, error) {
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.Secret))
	if a.Secret == "" || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		return sutler.Caller{}, a.Wrong
	}
	return a.Local, nil
}
