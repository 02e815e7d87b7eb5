package login_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/login"
)

// notary is an issuer whose tokens are signed by hand, so that they can be wrong.
type notary struct {
	*httptest.Server
	rsa    *rsa.PrivateKey
	ec     *ecdsa.PrivateKey
	ed     ed25519.PrivateKey
	secret []byte
	named  map[string]string // what the discovery document has in place of the truth
	answer map[string]any    // of the token endpoint
}

func newNotary(t *testing.T) *notary {
	t.Helper()
	n := &notary{secret: []byte("thirty-two bytes that are shared")}
	var err error
	if n.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if n.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, n.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			doc := map[string]any{
				"issuer": n.URL, "authorization_endpoint": n.URL + "/a", "token_endpoint": n.URL + "/t", "jwks_uri": n.URL + "/keys",
				"id_token_signing_alg_values_supported": []string{"none", "HS256", "RS256", "RS512", "PS256"},
			}
			for k, v := range n.named {
				doc[k] = v
			}
			_ = json.NewEncoder(w).Encode(doc)
		case "/t":
			_ = json.NewEncoder(w).Encode(n.answer)
		case "/keys":
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": n.keys(t)})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(n.Close)
	return n
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// keys are the public keys as a JSON Web Key Set has them, the shared one among them.
func (n *notary) keys(t *testing.T) []map[string]string {
	point, err := n.ec.PublicKey.Bytes()
	if err != nil {
		t.Error(err)
	}
	return []map[string]string{
		{"kid": "RS256", "kty": "RSA", "n": b64(n.rsa.N.Bytes()), "e": "AQAB"},
		{"kid": "ES256", "kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kid": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": b64(n.ed.Public().(ed25519.PublicKey))},
		{"kid": "HS256", "kty": "oct", "k": b64(n.secret)},
	}
}

// sign makes a token; the kid is the name of the algorithm unless one is given.
func (n *notary) sign(t *testing.T, alg string, claims map[string]any) string {
	t.Helper()
	kid := map[string]string{"RS512": "RS256", "PS256": "RS256"}[alg]
	if kid == "" {
		kid = alg
	}
	return n.signAs(t, alg, kid, claims)
}

func (n *notary) signAs(t *testing.T, alg, kid string, claims map[string]any) string {
	t.Helper()
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(text))
	var sig []byte
	switch alg {
	case "RS256":
		sig, err = rsa.SignPKCS1v15(rand.Reader, n.rsa, crypto.SHA256, sum[:])
	case "RS512":
		h := crypto.SHA512.New()
		h.Write([]byte(text))
		sig, err = rsa.SignPKCS1v15(rand.Reader, n.rsa, crypto.SHA512, h.Sum(nil))
	case "PS256":
		sig, err = rsa.SignPSS(rand.Reader, n.rsa, crypto.SHA256, sum[:], nil)
	case "ES256":
		r, s, e := ecdsa.Sign(rand.Reader, n.ec, sum[:])
		sig, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
	case "EdDSA":
		sig = ed25519.Sign(n.ed, []byte(text))
	case "HS256":
		m := hmac.New(sha256.New, n.secret)
		m.Write([]byte(text))
		sig = m.Sum(nil)
	case "none":
	default:
		t.Fatalf("cannot sign with %q", alg)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(sig)
}

// noon is when tokens are shown in tests; they were issued at that time.
var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// good are the claims of a good token, with changes; nil removes one.
func (n *notary) good(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": n.URL, "aud": audience, "sub": "u1", "iat": noon.Unix(), "exp": noon.Add(5 * time.Minute).Unix(),
		"preferred_username": "ann", "groups": []string{"ops"},
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func TestAlgorithms(t *testing.T) {
	n := newNotary(t)
	o := openID(t, n.URL, func(c *login.OpenIDConfig) { c.Now = newClock(noon).now })
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		if _, err := o.Authenticate(with(n.sign(t, alg, n.good(nil)))); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
	for _, alg := range []string{"none", "HS256", "RS512", "PS256"} {
		got, err := o.Authenticate(with(n.sign(t, alg, n.good(nil))))
		if reason := refused(t, got, err, "openid"); !strings.Contains(reason, "algorithm") {
			t.Errorf("%s is refused for %q; want for its algorithm", alg, reason)
		}
	}
}

// A token may not choose that the issuer's public key is a shared secret, nor
// that the key of one algorithm serves another.
func TestAlgorithmConfusion(t *testing.T) {
	n := newNotary(t)
	o := openID(t, n.URL, func(c *login.OpenIDConfig) { c.Now = newClock(noon).now })
	n.secret = n.rsa.N.Bytes()
	for _, alg := range []string{"HS256", "ES256", "EdDSA"} {
		got, err := o.Authenticate(with(n.signAs(t, alg, "RS256", n.good(nil))))
		refused(t, got, err, "openid")
	}
	// Signed well, then changed.
	parts := strings.Split(n.sign(t, "RS256", n.good(nil)), ".")
	forged := strings.Split(n.sign(t, "RS256", n.good(map[string]any{"sub": "root"})), ".")
	got, err := o.Authenticate(with(parts[0] + "." + forged[1] + "." + parts[2]))
	refused(t, got, err, "openid")
}

func TestClaims(t *testing.T) {
	n := newNotary(t)
	o := openID(t, n.URL, func(c *login.OpenIDConfig) { c.Now = newClock(noon).now })
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	type m = map[string]any
	for _, c := range []struct {
		name    string
		changes m
		reason  string // "": let in
	}{
		{"good", nil, ""},
		{"two audiences", m{"aud": []string{"x", audience}}, ""},
		{"expired within the skew", m{"iat": at(-5 * time.Minute), "exp": at(-30 * time.Second)}, ""},
		{"not yet, within the skew", m{"iat": at(30 * time.Second), "nbf": at(30 * time.Second)}, ""},
		{"longest life", m{"exp": at(15 * time.Minute)}, ""},
		{"nbf reached", m{"nbf": at(0)}, ""},

		{"other issuer", m{"iss": "https://elsewhere.example"}, "issued by a different provider"},
		{"issuer but for a slash", m{"iss": n.URL + "/"}, "issued by a different provider"},
		{"no issuer", m{"iss": nil}, "issued by a different provider"},
		{"other audience", m{"aud": "x"}, "the token is for"},
		{"no audience", m{"aud": nil}, "the token is for"},
		{"beginning of the audience", m{"aud": audience[:len(audience)-1]}, "the token is for"},
		{"expired", m{"iat": at(-5 * time.Minute), "exp": at(-31 * time.Second)}, "expired"},
		{"no expiry", m{"exp": nil}, "how long it lives"},
		{"null expiry", m{"exp": json.RawMessage("null")}, "unmarshal"},
		{"no issue time", m{"iat": nil}, "how long it lives"},
		{"issued in the future", m{"iat": at(31 * time.Second)}, "in the future"},
		{"not yet", m{"nbf": at(31 * time.Second)}, "not valid yet"},
		{"nbf far off", m{"nbf": json.RawMessage("1e300")}, "not valid yet"},
		{"nbf that is no time", m{"nbf": "later"}, "unmarshal"},
		{"lives a second too long", m{"exp": at(15*time.Minute + time.Second)}, "longer than 15m0s"},
		{"lives for a year", m{"exp": at(365 * 24 * time.Hour)}, "longer than 15m0s"},
		{"issued long ago", m{"iat": 0}, "longer than 15m0s"},
		{"issued before all time", m{"iat": json.RawMessage("-9223372036854775808")}, "longer than 15m0s"},
		{"no subject", m{"sub": nil}, "cannot be part of a name"},
		{"subject of two lines", m{"sub": "u1\nu2"}, "cannot be part of a name"},
		{"subject without end", m{"sub": strings.Repeat("x", 256)}, "cannot be part of a name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := o.Authenticate(with(n.sign(t, "ES256", n.good(c.changes))))
			if c.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if reason := refused(t, got, err, "openid"); !strings.Contains(reason, c.reason) {
				t.Errorf("refused for %q; want for %q", reason, c.reason)
			}
		})
	}
}

func TestAccounts(t *testing.T) {
	n := newNotary(t)
	who := func(claim string, changes map[string]any) sutler.Caller {
		t.Helper()
		o := openID(t, n.URL, func(c *login.OpenIDConfig) {
			c.Now = newClock(noon).now
			c.AccountClaim = claim
			c.Accounts = map[string]string{"ann": `corp\ann`, "u7": `corp\seven`, "ann@example.org": `corp\mail`}
		})
		got, err := o.Authenticate(with(n.sign(t, "ES256", n.good(changes))))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	type m = map[string]any
	mail := m{"email": "ann@example.org", "email_verified": true}
	for _, c := range []struct {
		claim   string
		changes m
		want    string
	}{
		{"", nil, "openid:u1@" + n.URL},
		{"", m{"sub": "u7"}, `corp\seven`},
		{"", m{"sub": "U7"}, "openid:%557@" + n.URL},
		{"", m{"sub": "%557"}, "openid:%25557@" + n.URL},
		{"preferred_username", nil, `corp\ann`},
		{"preferred_username", m{"preferred_username": "bob"}, "openid:u1@" + n.URL},
		{"preferred_username", m{"preferred_username": "local"}, "openid:u1@" + n.URL},
		{"sub", m{"sub": "u7"}, `corp\seven`},
		{"sub", nil, "openid:u1@" + n.URL},
		{"upn", m{"upn": "ann"}, `corp\ann`},
		{"upn", m{"upn": []string{"ann"}}, "openid:u1@" + n.URL},
		{"email", mail, `corp\mail`},
		{"email", m{"email": "ann@example.org", "email_verified": "true"}, `corp\mail`},
		{"email", m{"email": "ann@example.org", "email_verified": false}, "openid:u1@" + n.URL},
		{"email", m{"email": "ann@example.org"}, "openid:u1@" + n.URL},
	} {
		if got := who(c.claim, c.changes).Account; got != c.want {
			t.Errorf("by %q with %v: %q, want %q", c.claim, c.changes, got, c.want)
		}
	}
	for _, c := range []struct {
		groups any
		want   []string
	}{
		{[]string{"ops", "dev", "ops", "lunch"}, []string{sutler.MPFAdmins, sutler.MPFClientAccts}},
		{"dev", []string{sutler.MPFClientAccts}},
		{[]string{sutler.MPFAdmins}, nil}, // the name of a group of ours is no value of the claim
		{nil, nil},
		{7, nil},
		{[]any{"ops", 7}, nil},
	} {
		if d := cmp.Diff(c.want, who("", m{"groups": c.groups}).Groups); d != "" {
			t.Errorf("groups %v: %s", c.groups, d)
		}
	}
}

func TestNoProof(t *testing.T) {
	n := newNotary(t)
	o := openID(t, n.URL, nil)
	for _, header := range []string{"", "Basic YTpi", "Bearer local-token", "bearer a.b", "Bearer a.b.c.d.e", "Negotiate abc"} {
		r := with("")
		r.Header.Del("Authorization")
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		if got, err := o.Authenticate(r); err != login.ErrNoProof {
			t.Errorf("%q: %v %v; want no proof", header, got, err)
		}
	}
	r := with("a.b.c")
	r.Header.Add("Authorization", "Bearer a.b.c")
	got, err := o.Authenticate(r)
	refused(t, got, err, "header")
	for _, header := range []string{"", "Bearer", "Bearer ", "Bearer a b", "Bearer ü.b.c", "Bearer " + strings.Repeat("x", 17<<10)} {
		r := with("")
		r.Header.Set("Authorization", header)
		got, err := o.Authenticate(r)
		refused(t, got, err, "header")
	}
}

func TestOpenIDConfig(t *testing.T) {
	for name, change := range map[string]func(*login.OpenIDConfig){
		"no clock":         func(c *login.OpenIDConfig) { c.Now = nil },
		"no audience":      func(c *login.OpenIDConfig) { c.Audiences = nil },
		"empty audience":   func(c *login.OpenIDConfig) { c.Audiences = []string{""} },
		"long life":        func(c *login.OpenIDConfig) { c.MaxAge = time.Hour },
		"negative life":    func(c *login.OpenIDConfig) { c.MaxAge = -1 },
		"plain HTTP":       func(c *login.OpenIDConfig) { c.Issuer = "http://login.example" },
		"plain, like here": func(c *login.OpenIDConfig) { c.Issuer = "http://localhost.example" },
		"no issuer":        func(c *login.OpenIDConfig) { c.Issuer = "" },
		"user in URL":      func(c *login.OpenIDConfig) { c.Issuer = "https://a:b@login.example" },
		"query in URL":     func(c *login.OpenIDConfig) { c.Issuer = "https://login.example?x=y" },
	} {
		c := login.OpenIDConfig{Issuer: "https://login.example", Audiences: []string{audience}, Now: time.Now}
		change(&c)
		if _, err := login.NewOpenID(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
