// Package logintest has an OpenID provider that logins are tested against.
package logintest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Provider is a real OpenID provider with a storage of our own: one user, ann,
// who is logged in as soon as she comes, and one machine, robot. It knows the
// server that is tested as the client sutler with the secret sutler-secret.
type Provider struct {
	*httptest.Server
	Storage *Storage
	Fetched atomic.Int32 // how often the keys were read
	Down    atomic.Bool  // every answer is that nothing works
}

// New starts a provider on loopback, with plain HTTP; stop ends it.
func New() (p *Provider, stop func(), err error) {
	store, err := newStorage()
	if err != nil {
		return nil, nil, err
	}
	p = &Provider{Storage: store}
	var handler http.Handler
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		switch r.URL.Path {
		case "/keys":
			p.Fetched.Add(1)
		case "/ann": // the page where a user would type her password
			if err := p.Storage.login(r.FormValue("id"), "ann"); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(r.FormValue("id")), http.StatusFound)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	handler, err = op.NewProvider(&op.Config{CryptoKey: [32]byte{1}, CodeMethodS256: true}, p.Storage,
		op.StaticIssuer(p.URL), op.WithAllowInsecure())
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, p.Close, nil
}

// Token returns an access token of the machine.
func (p *Provider) Token() (string, error) {
	resp, err := http.PostForm(p.URL+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"robot"}, "client_secret": {"robot-secret"}, "scope": {"openid"},
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("no token: %s %s %w", resp.Status, answer.Error, err)
	}
	return answer.Token, nil
}

// Storage is what the provider knows, in memory. Its fields are set before
// somebody comes.
type Storage struct {
	Life     time.Duration // of access tokens; 5 minutes
	IDLife   time.Duration // of ID tokens; an hour
	Audience []string      // of the machine's tokens; https://sutler.example
	Groups   any           // claim groups; ops and lunch
	Redirect []string      // where browsers may be sent
	Nonce    string        // put into ID tokens in place of the real one; "": the real one

	mu       sync.Mutex
	key      signingKey
	requests map[string]*authRequest
	codes    map[string]string
}

func newStorage() (*Storage, error) {
	s := &Storage{
		requests: map[string]*authRequest{}, codes: map[string]string{},
		Life: 5 * time.Minute, IDLife: time.Hour,
		Audience: []string{"https://sutler.example"}, Groups: []string{"ops", "lunch"},
	}
	return s, s.Rotate()
}

// Rotate makes a new key and forgets the old one.
func (s *Storage) Rotate() error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = signingKey{rand.Text(), k}
	return nil
}

// login says that account is who makes the request of that id.
func (s *Storage) login(id, account string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return errors.New("no such request")
	}
	r.subject, r.done = account, true
	return nil
}

type signingKey struct {
	id  string
	key *ecdsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k signingKey) Key() any                                    { return k.key }

type publicKey struct{ signingKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.key.PublicKey }

// authRequest is a login under way.
type authRequest struct {
	*oidc.AuthRequest
	id, subject string
	nonce       string
	done        bool
}

func (r *authRequest) GetID() string                      { return r.id }
func (r *authRequest) GetACR() string                     { return "" }
func (r *authRequest) GetAMR() []string                   { return nil }
func (r *authRequest) GetAudience() []string              { return []string{r.ClientID} }
func (r *authRequest) GetAuthTime() time.Time             { return time.Now() }
func (r *authRequest) GetClientID() string                { return r.ClientID }
func (r *authRequest) GetNonce() string                   { return r.nonce }
func (r *authRequest) GetRedirectURI() string             { return r.RedirectURI }
func (r *authRequest) GetResponseType() oidc.ResponseType { return r.ResponseType }
func (r *authRequest) GetResponseMode() oidc.ResponseMode { return r.ResponseMode }
func (r *authRequest) GetScopes() []string                { return r.Scopes }
func (r *authRequest) GetState() string                   { return r.State }
func (r *authRequest) GetSubject() string                 { return r.subject }
func (r *authRequest) Done() bool                         { return r.done }
func (r *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

// client is the server that is tested, or the machine.
type client struct {
	*Storage
	id string
}

func (c client) GetID() string                       { return c.id }
func (c client) RedirectURIs() []string              { return c.Redirect }
func (c client) PostLogoutRedirectURIs() []string    { return nil }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
}
func (c client) LoginURL(id string) string           { return "/ann?id=" + url.QueryEscape(id) }
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c client) IDTokenLifetime() time.Duration      { return c.IDLife }
func (c client) DevMode() bool                       { return true }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (c client) IsScopeAllowed(string) bool           { return true }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) ClockSkew() time.Duration             { return 0 }

// machine is what the robot asks for.
type machine struct{ *Storage }

func (m machine) GetSubject() string    { return "robot" }
func (m machine) GetAudience() []string { return m.Audience }
func (m machine) GetScopes() []string   { return []string{"openid"} }

func (s *Storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &authRequest{AuthRequest: r, id: rand.Text(), nonce: r.Nonce}
	if s.Nonce != "" {
		a.nonce = s.Nonce
	}
	s.requests[a.id] = a
	return a, nil
}

func (s *Storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return nil, errors.New("no such request")
	}
	return r, nil
}

func (s *Storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *Storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *Storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

func (s *Storage) CreateAccessToken(context.Context, op.TokenRequest) (string, time.Time, error) {
	return rand.Text(), time.Now().Add(s.Life), nil
}

func (s *Storage) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key, nil
}

func (s *Storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

func (s *Storage) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []op.Key{publicKey{s.key}}, nil
}

func (s *Storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != "sutler" && id != "robot" {
		return nil, errors.New("no such client")
	}
	return client{s, id}, nil
}

func (s *Storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if secret != id+"-secret" {
		return errors.New("wrong secret")
	}
	return nil
}

func (s *Storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

func (s *Storage) ClientCredentialsTokenRequest(context.Context, string, []string) (op.TokenRequest, error) {
	return machine{s}, nil
}

func (s *Storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{"groups": s.Groups}, nil
}

func (s *Storage) SetUserinfoFromScopes(_ context.Context, info *oidc.UserInfo, user, _ string, scopes []string) error {
	info.Subject = user
	if slices.Contains(scopes, "profile") {
		info.PreferredUsername = strings.ToUpper(user)
	}
	info.AppendClaims("groups", s.Groups)
	return nil
}

// What no test asks for.

var errUnused = errors.New("not part of this provider")

func (s *Storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errUnused
}
func (s *Storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errUnused
}
func (s *Storage) TerminateSession(context.Context, string, string) error { return errUnused }
func (s *Storage) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrServerError()
}
func (s *Storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}
func (s *Storage) SetUserinfoFromToken(context.Context, *oidc.UserInfo, string, string, string) error {
	return errUnused
}
func (s *Storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errUnused
}
func (s *Storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errUnused
}
func (s *Storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errUnused
}
func (s *Storage) Health(context.Context) error { return nil }

var _ op.Storage = (*Storage)(nil)
var _ op.ClientCredentialsStorage = (*Storage)(nil)
