package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sutler/login"
)

// believe makes the site log browsers in at n.
func (s *site) believe(t *testing.T, n *notary) {
	t.Helper()
	o := openID(t, n.URL, func(c *login.OpenIDConfig) { c.ClientID, c.Now = "sutler", newClock(noon).now })
	b, err := login.NewBrowser(login.BrowserConfig{OpenID: o, RedirectURL: s.URL + "/login/callback", Sessions: s.sessions})
	if err != nil {
		t.Fatal(err)
	}
	gate := &login.Gate{Chain: login.Chain{b}, Browser: b, Report: s.report}
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { gate.Admit(w, r) })
}

func TestIDToken(t *testing.T) {
	s, n := newSite(t, false), newNotary(t)
	s.believe(t, n)
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	type m = map[string]any
	for _, c := range []struct {
		name    string
		alg     string
		changes m
		reason  string // "": let in
	}{
		{"good", "RS256", nil, ""},
		{"of an hour", "RS256", m{"exp": at(time.Hour)}, ""},
		{"for two, made for us", "RS256", m{"aud": []string{"x", "sutler"}, "azp": "sutler"}, ""},
		{"for somebody else", "RS256", m{"aud": "x"}, "is for"},
		{"for the API", "RS256", m{"aud": audience}, "is for"},
		{"for two", "RS256", m{"aud": []string{"x", "sutler"}}, "made for client"},
		{"made for somebody else", "RS256", m{"azp": "x"}, "made for client"},
		{"old", "RS256", m{"iat": at(-15*time.Minute - time.Second), "exp": at(time.Hour)}, "was issued at"},
		{"expired", "RS256", m{"iat": at(-5 * time.Minute), "exp": at(-time.Minute)}, "expired"},
		{"not yet", "RS256", m{"nbf": at(time.Minute)}, "not valid yet"},
		{"other issuer", "RS256", m{"iss": "https://elsewhere.example"}, "different provider"},
		{"no nonce", "RS256", m{"nonce": nil}, "another nonce"},
		{"signed with a shared secret", "HS256", nil, "algorithm"},
		{"not signed", "none", nil, "algorithm"},
		{"missing", "", nil, "no ID token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.browser(t)
			q := b.open(s.URL + "/").query(t)
			claims := m{"aud": "sutler", "nonce": q.Get("nonce")}
			for k, v := range c.changes {
				claims[k] = v
			}
			n.answer = m{"access_token": "x", "token_type": "Bearer"}
			if c.alg != "" {
				n.answer["id_token"] = n.sign(t, c.alg, n.good(claims))
			}
			p := b.open(s.URL + "/login/callback?" + url.Values{"code": {"x"}, "state": {q.Get("state")}}.Encode())
			switch {
			case c.reason == "":
				if p.status != http.StatusFound {
					t.Errorf("%d for %q", p.status, s.reason())
				}
			case p.status != http.StatusUnauthorized || !strings.Contains(s.reason(), c.reason):
				t.Errorf("%d for %q; want 401 for %q", p.status, s.reason(), c.reason)
			}
		})
	}
}

// An issuer whose discovery document leads elsewhere is not believed.
func TestDiscovery(t *testing.T) {
	for _, name := range []string{"jwks_uri", "token_endpoint", "authorization_endpoint", "issuer"} {
		n := newNotary(t)
		n.named = map[string]string{name: "http://evil.example/x"}
		o := openID(t, n.URL, func(c *login.OpenIDConfig) { c.Now = newClock(noon).now })
		_, err := o.Authenticate(with(n.sign(t, "RS256", n.good(nil))))
		var f *login.Refusal
		if err == nil || errors.As(err, &f) || !strings.Contains(err.Error(), "evil.example") {
			t.Errorf("%s elsewhere: %v", name, err)
		}
	}
}
