package login

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"sutler"
)

// Accounts knows the local accounts. Slowing down those who guess is its
// matter, and so is taking as long for a name that does not exist.
type Accounts interface {
	// Password returns the caller of that name if that is its password, asked from
	// source, an address;
	// ErrWrong when it is not, or the account does not exist or is locked; an error
	// with code Busy when too many ask at once.
	Password(ctx context.Context, source, name, password string) (sutler.Caller, error)
	// Token returns the caller that the token was made for; ErrWrong when
	// there is no such token, or it is over.
	Token(ctx context.Context, token string) (sutler.Caller, error)
}

// ErrWrong says that a secret is not right; errors that wrap it tell the audit
// more.
var ErrWrong = errors.New("wrong name or secret")

// Local authenticates by secrets of local accounts: their tokens and, with
// Basic, names with passwords. In a Chain it comes after OpenID, which leaves
// bearer tokens to it that are no JWT.
type Local struct {
	Accounts Accounts
	Basic    bool
}

// Authenticate returns the account whose secret r shows.
func (l *Local) Authenticate(r *http.Request) (sutler.Caller, error) {
	scheme, credentials, err := authorization(r)
	if err != nil {
		return sutler.Caller{}, err
	}
	switch {
	case scheme == "bearer":
		c, err := l.Accounts.Token(r.Context(), credentials)
		return l.judge("token", "", c, err)
	case scheme == "basic" && l.Basic:
		name, password, ok := readBasic(credentials)
		if !ok {
			return sutler.Caller{}, refuse("password", "", "malformed Basic credentials")
		}
		c, err := l.Accounts.Password(r.Context(), r.RemoteAddr, name, password)
		return l.judge("password", name, c, err)
	}
	return sutler.Caller{}, ErrNoProof
}

// judge turns what Accounts said into what an Authenticator says.
func (l *Local) judge(method, name string, c sutler.Caller, err error) (sutler.Caller, error) {
	switch {
	case errors.Is(err, ErrWrong):
		f := refuse(method, name, "%v", err)
		f.Cause = err
		return sutler.Caller{}, f
	case err != nil:
		return sutler.Caller{}, fmt.Errorf("cannot look the account up: %w", err)
	}
	return c, nil
}

// readBasic returns the name and the password in Basic credentials (RFC 7617):
// UTF-8 without control characters, a colon between them.
func readBasic(credentials string) (name, password string, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(credentials)
	if err != nil || !utf8.Valid(b) || strings.ContainsFunc(string(b), unicode.IsControl) {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(b), ":")
	if !ok || name == "" {
		return "", "", false
	}
	return name, password, true
}
