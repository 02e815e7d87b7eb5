package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// ticket is a login under way. It travels as the state through the issuer and
// back, and the server keeps nothing: what makes it good is the seed, which
// only the browser that began the login has, in a cookie. Nonce and PKCE
// verifier follow from both, so that several pages may log in at once.
type ticket struct {
	at   time.Time
	next string // page to come back to
	body []byte // the above as bytes, with a salt
}

const (
	saltBytes = 16
	headBytes = 8 + saltBytes
)

// newTicket returns a ticket for a login that begins now.
func newTicket(seed string, now time.Time, next string) ticket {
	body := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	body = append(body, make([]byte, saltBytes)...)
	_, _ = rand.Read(body[8:]) // never fails
	return ticket{now, next, append(body, next...)}
}

// readTicket returns the ticket that state holds, if it was made with seed.
func readTicket(seed, state string) (ticket, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(b) < sha256.Size+headBytes {
		return ticket{}, false
	}
	t := ticket{body: b[sha256.Size:]}
	if !hmac.Equal(t.derive(seed, "state"), b[:sha256.Size]) {
		return ticket{}, false
	}
	t.at = time.Unix(int64(binary.BigEndian.Uint64(t.body)), 0)
	t.next = localPath(string(t.body[headBytes:]))
	return t, true
}

// derive returns a secret for one use.
func (t ticket) derive(seed, use string) []byte {
	m := hmac.New(sha256.New, []byte(seed))
	m.Write([]byte(use))
	m.Write([]byte{0})
	m.Write(t.body)
	return m.Sum(nil)
}

func (t ticket) state(seed string) string {
	return base64.RawURLEncoding.EncodeToString(append(t.derive(seed, "state"), t.body...))
}

func (t ticket) nonce(seed string) string {
	return base64.RawURLEncoding.EncodeToString(t.derive(seed, "nonce"))
}

func (t ticket) verifier(seed string) string {
	return base64.RawURLEncoding.EncodeToString(t.derive(seed, "verifier"))
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
