package login

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"sutler"
)

// How long sessions last.
const (
	IdleTime     = 30 * time.Minute // without a request
	SessionTime  = 12 * time.Hour   // in any case
	loginTime    = 10 * time.Minute // for a login at the issuer
	callbackPath = "/login/callback"
	logoutPath   = "/logout"
)

// Names of cookies, __Host- before them with TLS.
const (
	sessionCookie = "sutler"
	loginCookie   = "sutler-login"
)

// BrowserConfig says where browsers log in and where their sessions are kept.
type BrowserConfig struct {
	OpenID       *OpenID  // who vouches for users; its ClientID is this server
	ClientSecret string   // "" when the issuer gave none: PKCE is used in any case
	RedirectURL  string   // where the issuer sends browsers back: https://HOST/login/callback, HOST being how browsers ask for this server
	Scopes       []string // beside openid and profile, for instance groups
	Sessions     Sessions
	Idle         time.Duration // 0: IdleTime, which is also the most
	Absolute     time.Duration // 0: SessionTime, which is also the most
}

// Browser authenticates browsers by the cookie of a session, and logs them in
// at the issuer: by code, with state, nonce and PKCE. The caller of a session
// is who the issuer named at the login; what changes there later shows at the
// next login.
type Browser struct {
	config BrowserConfig
	openID *OpenID
}

// NewBrowser checks c.
func NewBrowser(c BrowserConfig) (*Browser, error) {
	if c.OpenID == nil || c.Sessions == nil {
		return nil, errors.New("cannot log browsers in without an issuer and a store of sessions")
	}
	if c.OpenID.config.ClientID == "" {
		return nil, fmt.Errorf("cannot log browsers in at %q: name the client that this server is there", c.OpenID.config.Issuer)
	}
	if err := trustworthy(c.RedirectURL); err != nil {
		return nil, fmt.Errorf("cannot send browsers back to %q: %w", c.RedirectURL, err)
	}
	if u, _ := url.Parse(c.RedirectURL); u.Path != callbackPath {
		return nil, fmt.Errorf("cannot send browsers back to %q: its path has to be %s", c.RedirectURL, callbackPath)
	}
	c.Idle, c.Absolute = cmp.Or(c.Idle, IdleTime), cmp.Or(c.Absolute, SessionTime)
	if c.Idle < 0 || c.Idle > IdleTime || c.Absolute < 0 || c.Absolute > SessionTime {
		return nil, fmt.Errorf("cannot let sessions last %s, %s without a request: at most %s and %s", c.Absolute, c.Idle, SessionTime, IdleTime)
	}
	return &Browser{c, c.OpenID}, nil
}

// Authenticate returns who logged in with the browser that sends r. A request
// that may change something has to come from a page of this server.
func (b *Browser) Authenticate(r *http.Request) (sutler.Caller, error) {
	id, err := readCookie(r, sessionCookie)
	if err != nil {
		return sutler.Caller{}, err
	}
	hash, now := hashOf(id), b.openID.config.Now()
	s, err := b.config.Sessions.Get(r.Context(), hash)
	switch {
	case errors.Is(err, ErrNoSession):
		return sutler.Caller{}, refuse("session", "", "no such session")
	case err != nil:
		return sutler.Caller{}, fmt.Errorf("cannot look the session up: %w", err)
	case !now.Before(s.Made.Add(b.config.Absolute)) || !now.Before(s.Seen.Add(b.config.Idle)):
		if err := b.config.Sessions.Delete(r.Context(), hash); err != nil {
			return sutler.Caller{}, fmt.Errorf("cannot end the session: %w", err)
		}
		return sutler.Caller{}, refuse("session", s.Caller.Account, "the session of %s, last seen %s, is over",
			s.Made.UTC().Format(time.RFC3339), s.Seen.UTC().Format(time.RFC3339))
	case changing(r) && !sameSite(r):
		f := refuse("session", s.Caller.Account, "%s %s sent for %q", r.Method, r.URL.Path, r.Header.Get("Origin"))
		f.Foreign = true
		return sutler.Caller{}, f
	}
	if now.Sub(s.Seen) >= touchAfter {
		if err := b.config.Sessions.Touch(r.Context(), hash, now); err != nil {
			return sutler.Caller{}, fmt.Errorf("cannot note the use of the session: %w", err)
		}
	}
	return s.Caller, nil
}

// Serves reports whether r is for ServeHTTP.
func (b *Browser) Serves(r *http.Request) bool {
	return r.URL.Path == callbackPath || r.URL.Path == logoutPath
}

// start sends the browser to the issuer, to come back to the page that it asked for.
func (b *Browser) start(w http.ResponseWriter, r *http.Request) error {
	p, _, err := b.openID.issuer.discover(r.Context())
	if err != nil {
		return err
	}
	seed, err := readCookie(r, loginCookie)
	if err != nil { // none, or none of ours
		seed = newID()
	}
	t := newTicket(seed, b.openID.config.Now(), localPath(r.URL.RequestURI()))
	setCookie(w, r, loginCookie, seed, loginTime)
	http.Redirect(w, r, b.oauth(p).AuthCodeURL(t.state(seed), oidc.Nonce(t.nonce(seed)),
		oauth2.S256ChallengeOption(t.verifier(seed))), http.StatusFound)
	return nil
}

// oauth returns what the issuer knows this server as. How it shows its secret
// is settled beforehand: a second try could find the code used up.
func (b *Browser) oauth(p *oidc.Provider) *oauth2.Config {
	var doc struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = p.Claims(&doc) // without a list: the usual way
	ends := p.Endpoint()
	ends.AuthStyle = oauth2.AuthStyleInHeader
	if b.config.ClientSecret == "" ||
		slices.Contains(doc.Methods, "client_secret_post") && !slices.Contains(doc.Methods, "client_secret_basic") {
		ends.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: b.openID.config.ClientID, ClientSecret: b.config.ClientSecret, Endpoint: ends,
		RedirectURL: b.config.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID, oidc.ScopeProfile}, b.config.Scopes...),
	}
}

// finish makes a session of what the issuer sent the browser back with, and
// returns the page that was asked for in the beginning.
func (b *Browser) finish(w http.ResponseWriter, r *http.Request) (string, error) {
	q := r.URL.Query()
	seed, err := readCookie(r, loginCookie)
	if errors.Is(err, ErrNoProof) {
		return "", refuse("openid", "", "a login that this browser did not begin")
	} else if err != nil {
		return "", err
	}
	t, ok := readTicket(seed, q.Get("state"))
	switch now := b.openID.config.Now(); {
	case !ok:
		return "", refuse("openid", "", "a state that is not this browser's")
	case now.After(t.at.Add(loginTime)) || now.Before(t.at.Add(-skew)):
		return "", refuse("openid", "", "a login begun at %s", t.at.UTC().Format(time.RFC3339))
	case q.Has("iss") && q.Get("iss") != b.openID.config.Issuer:
		return "", refuse("openid", "", "an answer of issuer %q", bounded(q.Get("iss")))
	case q.Get("code") == "":
		return "", refuse("openid", "", "the issuer gave no code: %q", bounded(q.Get("error")))
	}
	caller, err := b.exchange(r, q.Get("code"), t.verifier(seed), t.nonce(seed))
	if err != nil {
		return "", err
	}
	if old, err := readCookie(r, sessionCookie); err == nil {
		if err := b.config.Sessions.Delete(r.Context(), hashOf(old)); err != nil {
			return "", fmt.Errorf("cannot end the session before: %w", err)
		}
	}
	id, now := newID(), b.openID.config.Now()
	if err := b.config.Sessions.Put(r.Context(), hashOf(id), Session{Caller: caller, Made: now, Seen: now}); err != nil {
		return "", fmt.Errorf("cannot keep the session: %w", err)
	}
	setCookie(w, r, sessionCookie, id, b.config.Absolute)
	setCookie(w, r, loginCookie, "", 0)
	return t.next, nil
}

// exchange turns the code into an ID token and that into a caller.
func (b *Browser) exchange(r *http.Request, code, verifier, nonce string) (sutler.Caller, error) {
	p, _, err := b.openID.issuer.discover(r.Context())
	if err != nil {
		return sutler.Caller{}, err
	}
	ctx := oidc.ClientContext(r.Context(), b.openID.issuer.client)
	token, err := b.oauth(p).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	var wrong *oauth2.RetrieveError
	switch {
	case errors.As(err, &wrong) && wrong.Response.StatusCode < 500:
		return sutler.Caller{}, refuse("openid", "", "the issuer does not take the code: %q", bounded(wrong.ErrorCode))
	case wrong != nil:
		return sutler.Caller{}, fmt.Errorf("cannot exchange the code at issuer %q: it answered %s", b.openID.config.Issuer, wrong.Response.Status)
	case err != nil:
		return sutler.Caller{}, fmt.Errorf("cannot exchange the code at issuer %q: %w", b.openID.config.Issuer, err)
	}
	raw, _ := token.Extra("id_token").(string)
	if strings.Count(raw, ".") != 2 {
		return sutler.Caller{}, refuse("openid", "", "the issuer gave no ID token")
	}
	t, err := b.openID.issuer.verify(ctx, "openid", raw)
	if err != nil {
		return sutler.Caller{}, err
	}
	c, err := b.openID.inTime(t)
	if err != nil {
		return sutler.Caller{}, err
	}
	if err := b.mine(t, c, nonce); err != nil {
		return sutler.Caller{}, err
	}
	return b.openID.caller(t, c)
}

// mine checks that the ID token t was made for this login. How long it would
// live does not matter, as it is used once; how old it is does.
func (b *Browser) mine(t *oidc.IDToken, c claims, nonce string) error {
	id := b.openID.config.ClientID
	azp := c.text("azp")
	switch {
	case !equal(t.Nonce, nonce):
		return refuse("openid", t.Subject, "the ID token has another nonce")
	case !slices.Contains(t.Audience, id):
		return refuse("openid", t.Subject, "the ID token is for %q", t.Audience)
	case len(t.Audience) > 1 && azp == "", azp != "" && azp != id:
		return refuse("openid", t.Subject, "the ID token was made for client %q", azp)
	case b.openID.config.Now().After(t.IssuedAt.Add(MaxAge)):
		return refuse("openid", t.Subject, "the ID token was issued at %s", t.IssuedAt.UTC().Format(time.RFC3339))
	}
	return nil
}
