package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"sutler"
)

// Session is a browser that logged in.
type Session struct {
	Caller sutler.Caller
	Made   time.Time // at the login
	Seen   time.Time // at the last request, give or take a minute
}

// Sessions keeps sessions under hashes of their IDs; who reads them cannot
// take a session over. It may forget those that were made longer ago than
// sessions last.
type Sessions interface {
	// Put adds a session.
	Put(ctx context.Context, hash string, s Session) error
	// Get returns a session; ErrNoSession when it is not there.
	Get(ctx context.Context, hash string) (Session, error)
	// Touch sets Seen of a session that is still there and makes none that is
	// not: a logout at the same time has the last word.
	Touch(ctx context.Context, hash string, seen time.Time) error
	// Delete removes a session; one that is not there is no error.
	Delete(ctx context.Context, hash string) error
}

// ErrNoSession says that there is no session of that hash.
var ErrNoSession = errors.New("no such session")

// touchAfter is how exact Seen is; it spares a write for each request.
const touchAfter = time.Minute

// newID returns 256 random bits as they stand in a cookie.
func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// readID returns what a value that newID made holds.
func readID(value string) ([]byte, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	return b, err == nil && len(b) == 32
}

// hashOf is what the store of sessions sees of an ID.
func hashOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// cookieName returns the name of a cookie of ours on r's connection. The
// prefix __Host- makes browsers refuse one that another host or plain HTTP
// would set; it needs TLS, which a connection on this host may lack.
func cookieName(r *http.Request, name string) string {
	if r.TLS != nil {
		return "__Host-" + name
	}
	return name
}

// readCookie returns the ID in a cookie of ours. The error is ErrNoProof
// without one, and a Refusal when it is malformed or there twice.
func readCookie(r *http.Request, name string) (string, error) {
	switch found := r.CookiesNamed(cookieName(r, name)); len(found) {
	case 0:
		return "", ErrNoProof
	case 1:
		if _, ok := readID(found[0].Value); !ok {
			return "", refuse("session", "", "a malformed cookie")
		}
		return found[0].Value, nil
	default:
		return "", refuse("session", "", "%d cookies of one name", len(found))
	}
}

// setCookie sets a cookie of ours; an empty value removes it.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
