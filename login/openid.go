package login

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"sutler"
)

// MaxAge is the longest life of a token made outside.
const MaxAge = 15 * time.Minute

// skew is how far the clock of an issuer may be off.
const skew = 30 * time.Second

// OpenIDConfig says whose tokens are believed and who their bearers are.
type OpenIDConfig struct {
	Issuer    string   // its URL, exactly as its tokens have it
	Audiences []string // of bearer tokens: one of them must be in the token
	ClientID  string   // of this server at the issuer, for the logins of browsers

	// AccountClaim names the claim that Accounts is asked with; "" means sub.
	// Choose one that users cannot change themselves. The claim email counts
	// only when the token says that it was verified.
	AccountClaim string
	// Accounts maps values of AccountClaim to names of accounts. Whoever is not
	// in it is called openid:SUB@ISSUER, with the capitals and percent signs of
	// SUB as %XX: names are compared without regard to case, subjects are not.
	Accounts map[string]string

	// GroupsClaim names the claim with the groups, a string or a list of them.
	GroupsClaim string
	// Groups maps values of GroupsClaim to groups of ours, such as MPFAdmins.
	// Values that are not in it mean nothing.
	Groups map[string]string

	MaxAge time.Duration    // longest life of a bearer token; 0: the constant, which is also the most
	Now    func() time.Time // required
	HTTP   *http.Client     // asks the issuer; nil: one of our own
}

// OpenID authenticates by bearer tokens that an OpenID issuer signed. It asks
// the issuer for its keys at the first use, and again when a token names an
// unknown key, though once a minute at most.
type OpenID struct {
	config OpenIDConfig
	issuer *issuer
}

// NewOpenID checks c. The issuer is not asked yet.
func NewOpenID(c OpenIDConfig) (*OpenID, error) {
	if c.Now == nil {
		return nil, errors.New("cannot authenticate by OpenID without a clock")
	}
	if len(c.Audiences) == 0 && c.ClientID == "" {
		return nil, fmt.Errorf("cannot believe issuer %q: name an audience, a client, or both", c.Issuer)
	}
	if slices.Contains(c.Audiences, "") {
		return nil, fmt.Errorf("cannot believe issuer %q: an audience is empty", c.Issuer)
	}
	c.MaxAge = cmp.Or(c.MaxAge, MaxAge)
	if c.MaxAge < 0 || c.MaxAge > MaxAge {
		return nil, fmt.Errorf("cannot let tokens of issuer %q live for %s: at most %s", c.Issuer, c.MaxAge, MaxAge)
	}
	iss, err := newIssuer(c.Issuer, c.HTTP, c.Now)
	if err != nil {
		return nil, err
	}
	return &OpenID{c, iss}, nil
}

// Authenticate returns whom the issuer says the bearer of r's token is. A
// bearer token that is no JWT is no proof of this kind.
func (o *OpenID) Authenticate(r *http.Request) (sutler.Caller, error) {
	token, err := bearer(r)
	if err != nil {
		return sutler.Caller{}, err
	}
	if len(o.config.Audiences) == 0 || strings.Count(token, ".") != 2 {
		return sutler.Caller{}, ErrNoProof
	}
	t, err := o.issuer.verify(r.Context(), "openid", token)
	if err != nil {
		return sutler.Caller{}, err
	}
	if !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(o.config.Audiences, a) }) {
		return sutler.Caller{}, refuse("openid", t.Subject, "the token is for %q", t.Audience)
	}
	claims, err := o.inTime(t)
	if err != nil {
		return sutler.Caller{}, err
	}
	if life := t.Expiry.Sub(t.IssuedAt); life > o.config.MaxAge {
		return sutler.Caller{}, refuse("openid", t.Subject, "the token lives for %s, longer than %s", life, o.config.MaxAge)
	}
	return o.caller(t, claims)
}

// claims are those of a token, by name.
type claims map[string]json.RawMessage

// text returns a claim that is a string; "" for any other.
func (c claims) text(name string) string {
	var s string
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// texts returns a claim that is a string or a list of strings.
func (c claims) texts(name string) []string {
	var list []string
	if json.Unmarshal(c[name], &list) == nil {
		return list
	}
	if s := c.text(name); s != "" {
		return []string{s}
	}
	return nil
}

// yes returns a claim that is true, or, as some issuers write it, "true".
func (c claims) yes(name string) bool {
	v := string(c[name])
	return v == "true" || v == `"true"`
}

// inTime checks that t is valid now, and returns its claims.
func (o *OpenID) inTime(t *oidc.IDToken) (claims, error) {
	var c claims
	if err := t.Claims(&c); err != nil {
		return nil, refuse("openid", t.Subject, "the claims cannot be read: %v", err)
	}
	now := o.config.Now()
	switch {
	case c["events"] != nil: // it could ask for a logout, and says nothing about who sends it
		return nil, refuse("openid", t.Subject, "the token tells of events")
	case c["exp"] == nil || c["iat"] == nil:
		return nil, refuse("openid", t.Subject, "the token does not say how long it lives: it needs exp and iat")
	case now.After(t.Expiry.Add(skew)):
		return nil, refuse("openid", t.Subject, "the token expired at %s", t.Expiry.UTC().Format(time.RFC3339))
	case t.IssuedAt.After(now.Add(skew)):
		return nil, refuse("openid", t.Subject, "the token was issued in the future, at %s", t.IssuedAt.UTC().Format(time.RFC3339))
	case c["nbf"] == nil:
		return c, nil
	}
	var nbf float64
	if err := json.Unmarshal(c["nbf"], &nbf); err != nil {
		return nil, refuse("openid", t.Subject, "the token's nbf is no time")
	}
	if nbf > float64(now.Add(skew).Unix()) {
		return nil, refuse("openid", t.Subject, "the token is not valid yet")
	}
	return c, nil
}

// caller returns the account and the groups of the bearer of t.
func (o *OpenID) caller(t *oidc.IDToken, c claims) (sutler.Caller, error) {
	if !printable(t.Subject) {
		return sutler.Caller{}, refuse("openid", "", "the token's sub %q cannot be part of a name", bounded(t.Subject))
	}
	account, ok := o.config.Accounts[o.key(t, c)]
	if !ok {
		account = "openid:" + lower(t.Subject) + "@" + o.config.Issuer
	}
	var groups []string
	for _, value := range c.texts(o.config.GroupsClaim) {
		if g, ok := o.config.Groups[value]; ok && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	return sutler.Caller{Account: account, Groups: groups}, nil
}

// key returns what Accounts is asked with.
func (o *OpenID) key(t *oidc.IDToken, c claims) string {
	switch name := o.config.AccountClaim; name {
	case "":
		return t.Subject
	case "email":
		if !c.yes("email_verified") {
			return ""
		}
		fallthrough
	default:
		return c.text(name)
	}
}

// lower writes the capitals and percent signs of s as %XX.
func lower(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' || c == '%' {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// printable reports whether s can be part of the name of an account: short,
// and without anything that lists or logs could be misled by.
func printable(s string) bool {
	if s == "" || len(s) > 255 || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
