// Package login turns what an HTTP request proves into a caller.
//
// An Authenticator knows one kind of proof: a bearer token of an OpenID
// issuer, the session of a browser, a client certificate, the name and secret
// of a local account. A Chain asks them in order; a Gate answers those who are
// not let in. Every refusal looks the same from outside; why it was refused is
// in the Refusal, for the audit alone.
package login

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sutler"
)

// Authenticator finds out who asks. The error is ErrNoProof when r carries
// nothing of its kind, a *Refusal when the proof is wrong, and anything else
// when it could not be checked. With an error the caller is empty.
type Authenticator interface {
	Authenticate(r *http.Request) (sutler.Caller, error)
}

// ErrNoProof says that a request carries no proof of the kind asked for.
var ErrNoProof error = sutler.Errorf(sutler.Denied, notLetIn)

// notLetIn is all that a caller hears who is not let in.
const notLetIn = "cannot let the caller in: the proof of who it is is missing or not valid"

// Refusal is a wrong proof. Its text is the same for all and says nothing; its
// code is Denied.
type Refusal struct {
	Method  string // openid, session, certificate, password, token, transport
	Account string // who it claimed to be, as far as known; not to be trusted
	Reason  string // what was wrong, without secrets: for the audit, never for the caller
	Foreign bool   // the proof is right, but another site made the browser send it
	Cause   error  // what the accounts said, which wraps ErrWrong; nil where they were not asked
}

// Error returns what the caller may know.
func (*Refusal) Error() string { return notLetIn }

// Unwrap returns an error with code Denied.
func (*Refusal) Unwrap() error { return sutler.Errorf(sutler.Denied, notLetIn) }

// refuse returns a Refusal with a reason of bounded length.
func refuse(method, account, format string, args ...any) *Refusal {
	return &Refusal{Method: method, Account: bounded(account), Reason: bounded(fmt.Sprintf(format, args...))}
}

// bounded cuts what came from outside to a length that a log can bear.
func bounded(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// Chain asks its members in order. The first that finds a proof of its kind
// decides, for or against. Over a connection that can be listened to nobody is
// let in, whatever the proof: see Secure.
type Chain []Authenticator

// Authenticate returns the caller that the first proof of r shows.
func (c Chain) Authenticate(r *http.Request) (sutler.Caller, error) {
	if !Secure(r) {
		return sutler.Caller{}, refuse("transport", "", "plain HTTP from %s: only TLS, or both ends on this host", r.RemoteAddr)
	}
	for _, a := range c {
		caller, err := a.Authenticate(r)
		switch {
		case err == nil:
			return caller, nil
		case !errors.Is(err, ErrNoProof):
			return sutler.Caller{}, err
		}
	}
	return sutler.Caller{}, ErrNoProof
}
