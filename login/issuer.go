package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// How often an issuer is asked.
const (
	retryAfter   = 5 * time.Second // a request that failed is repeated no sooner
	refreshAfter = time.Minute     // keys are read again no sooner
	issuerTime   = 10 * time.Second
	issuerBytes  = 1 << 20
)

// algorithms are the signatures that are believed: public keys only.
func algorithms() []string { return []string{oidc.RS256, oidc.ES256, oidc.EdDSA} }

// issuer is an OpenID provider as its discovery document describes it, read at
// the first use.
type issuer struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // nil: not discovered yet
	verifier *oidc.IDTokenVerifier
	keys     *thrifty
	failed   error // of the last attempt
	again    time.Time
}

// newIssuer checks that url may be believed: https, or http on this host.
func newIssuer(address string, client *http.Client, now func() time.Time) (*issuer, error) {
	if err := trustworthy(address); err != nil {
		return nil, fmt.Errorf("cannot use issuer %q: %w", address, err)
	}
	limited := http.Client{Timeout: issuerTime}
	if client != nil {
		limited = *client
		if limited.Timeout == 0 {
			limited.Timeout = issuerTime
		}
	}
	if limited.Transport == nil {
		limited.Transport = http.DefaultTransport
	}
	limited.Transport = brief{limited.Transport}
	limited.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &issuer{url: address, client: &limited, now: now}, nil
}

// trustworthy returns an error unless address is an https URL, or an http one of this host.
func trustworthy(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want a URL such as https://login.example.org")
	}
	a, _ := netip.ParseAddr(u.Hostname())
	here := a.IsLoopback() || u.Hostname() == "localhost"
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return errors.New("want https: over plain HTTP anybody on the way could answer in its place")
	}
	return nil
}

// discover returns the provider and what verifies its tokens. A failure is
// remembered for retryAfter, so that an issuer that is down is not asked by
// every request.
func (i *issuer) discover(ctx context.Context) (*oidc.Provider, *oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, i.verifier, nil
	}
	if i.failed != nil && i.now().Before(i.again) {
		return nil, nil, i.failed
	}
	p, keys, err := i.read(ctx)
	if err != nil {
		i.failed, i.again = fmt.Errorf("cannot ask issuer %q: %w", i.url, err), i.now().Add(retryAfter)
		return nil, nil, i.failed
	}
	keysClient := *i.client
	i.keys = &thrifty{next: i.client.Transport, now: i.now}
	keysClient.Transport = i.keys
	set := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &keysClient), keys)
	i.provider = p
	i.verifier = oidc.NewVerifier(i.url, set, &oidc.Config{
		SupportedSigningAlgs: algorithms(),
		SkipClientIDCheck:    true, // the caller checks the audience and
		SkipExpiryCheck:      true, // the times, with less leeway
	})
	return i.provider, i.verifier, nil
}

// read fetches the discovery document and returns the provider and the URL of its keys.
func (i *issuer) read(ctx context.Context) (*oidc.Provider, string, error) {
	ctx = context.WithoutCancel(ctx) // it is for everybody, not for the one who asks first
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, i.client), i.url)
	if err != nil {
		return nil, "", err
	}
	var doc struct {
		Authorization string `json:"authorization_endpoint"`
		Token         string `json:"token_endpoint"`
		Keys          string `json:"jwks_uri"`
	}
	if err := p.Claims(&doc); err != nil {
		return nil, "", err
	}
	for _, address := range []string{doc.Authorization, doc.Token, doc.Keys} {
		u, err := url.Parse(address)
		if err != nil {
			return nil, "", fmt.Errorf("it names %q, which is no URL", address)
		}
		u.RawQuery = ""
		if err := trustworthy(u.String()); err != nil {
			return nil, "", fmt.Errorf("it names %q: %w", address, err)
		}
	}
	return p, doc.Keys, nil
}

// verify checks the signature and the issuer of a token. A wrong one is a
// Refusal, an issuer that gives no keys another error.
func (i *issuer) verify(ctx context.Context, method, token string) (*oidc.IDToken, error) {
	_, verifier, err := i.discover(ctx)
	if err != nil {
		return nil, err
	}
	t, err := verifier.Verify(ctx, token)
	if err == nil {
		return t, nil
	}
	if down := i.keys.failure(); down != nil {
		return nil, fmt.Errorf("cannot read the keys of issuer %q: %w", i.url, down)
	}
	return nil, refuse(method, "", "%s", strings.TrimPrefix(err.Error(), "oidc: "))
}

// errFresh refuses to read keys that were just read.
var errFresh = errors.New("no such key, and the keys were read within the last minute")

// thrifty lets through one request for the keys in a while: anybody can send
// tokens that name keys which do not exist.
type thrifty struct {
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	again  time.Time
	failed error
}

func (t *thrifty) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// RoundTrip asks for the keys, or refuses to ask so soon again.
func (t *thrifty) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now().Before(t.again) {
		if t.failed != nil {
			return nil, t.failed
		}
		return nil, errFresh
	}
	resp, err := t.next.RoundTrip(r)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the issuer answered %s", resp.Status)
		_ = resp.Body.Close()
	}
	t.failed = err
	if err != nil {
		t.again = t.now().Add(retryAfter)
		return nil, err
	}
	t.again = t.now().Add(refreshAfter)
	return resp, nil
}

// brief bounds what an issuer answers.
type brief struct{ next http.RoundTripper }

// RoundTrip passes r on.
func (b brief) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, issuerBytes)
	}
	return resp, err
}
