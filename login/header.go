package login

import (
	"net/http"
	"strings"
)

// longest is how many bytes an Authorization header or a cookie may have.
const longest = 16 << 10

// authorization returns the scheme, in lower case, and the credentials of r's
// Authorization header. The error is ErrNoProof without a header, and a
// Refusal for one that is malformed or there twice.
func authorization(r *http.Request) (scheme, credentials string, err error) {
	values := r.Header.Values("Authorization")
	switch {
	case len(values) == 0:
		return "", "", ErrNoProof
	case len(values) > 1:
		return "", "", refuse("header", "", "%d Authorization headers", len(values))
	case len(values[0]) > longest:
		return "", "", refuse("header", "", "an Authorization header of %d bytes", len(values[0]))
	}
	scheme, credentials, ok := strings.Cut(values[0], " ")
	credentials = strings.TrimLeft(credentials, " ")
	if !ok || scheme == "" || !token68(credentials) {
		return "", "", refuse("header", "", "a malformed Authorization header")
	}
	return strings.ToLower(scheme), credentials, nil
}

// bearer returns the bearer token of r. The error is ErrNoProof for another scheme.
func bearer(r *http.Request) (string, error) {
	scheme, credentials, err := authorization(r)
	switch {
	case err != nil:
		return "", err
	case scheme != "bearer":
		return "", ErrNoProof
	}
	return credentials, nil
}

// token68 reports whether s is what RFC 9110 lets follow a scheme that takes
// no parameters: letters, digits, -._~+/ and = at the end.
func token68(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" {
		return false
	}
	for _, c := range []byte(body) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~+/", c) >= 0:
		default:
			return false
		}
	}
	return true
}
