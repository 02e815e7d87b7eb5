package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/login"
)

func TestLogin(t *testing.T) {
	for name, secure := range map[string]bool{"sutler": false, "__Host-sutler": true} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, secure)
			b := s.browser(t)
			p := b.open(s.URL + "/transactions?x=1")
			q := p.query(t)
			if p.status != http.StatusFound || !strings.HasPrefix(p.location, s.provider.URL+"/authorize?") {
				t.Fatalf("got %d %q, want the issuer", p.status, p.location)
			}
			if q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" {
				t.Errorf("the way to the issuer lacks PKCE, nonce or state: %v", q)
			}
			if again := b.open(s.URL + "/").query(t); again.Get("nonce") == q.Get("nonce") || again.Get("code_challenge") == q.Get("code_challenge") {
				t.Error("two logins share nonce or challenge")
			}
			p = b.login(s, s.URL+"/transactions?x=1")
			if p.status != http.StatusFound || p.location != s.URL+"/transactions?x=1" {
				t.Fatalf("got %d %q %s; want the page asked for", p.status, p.location, s.reason())
			}
			set := p.setCookie(t, name)
			if !set.HttpOnly || set.Secure != secure || set.SameSite != http.SameSiteLaxMode || set.Path != "/" || set.Domain != "" {
				t.Errorf("the cookie is %v", set)
			}
			p = b.do(http.MethodGet, p.location)
			var got sutler.Caller
			if err := json.Unmarshal([]byte(p.body), &got); err != nil {
				t.Fatalf("%d %s", p.status, p.body)
			}
			want := sutler.Caller{Account: "openid:ann@" + s.provider.URL, Groups: []string{sutler.MPFAdmins}}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			v, err := s.sessions.Get(t.Context(), hashed(set.Value))
			if err != nil || s.sessions.Len() != 1 {
				t.Errorf("the session is not kept under the hash of its ID: %v, %d sessions", err, s.sessions.Len())
			}
			text, err := json.Marshal(v)
			if err != nil || strings.Contains(string(text), set.Value) {
				t.Errorf("the store knows the ID: %s", text)
			}
		})
	}
}

// Each login makes a new session and ends the one before.
func TestLoginRenewsSession(t *testing.T) {
	s := newSite(t, true)
	b := s.browser(t)
	callback := b.toCallback(s, s.URL+"/")
	planted := strings.Repeat("A", 43)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "__Host-sutler", Value: planted, Path: "/", Secure: true}})
	if p := b.open(callback); p.status != http.StatusFound {
		t.Fatal(p)
	}
	first := b.cookie(s, "__Host-sutler")
	if first == planted || first == "" {
		t.Fatalf("the session has the ID that was there before: %q", first)
	}
	if err := s.sessions.Delete(t.Context(), hashed(first)); err != nil || s.sessions.Len() != 0 { // so that a page leads to the issuer
		t.Fatalf("%v, %d sessions are left", err, s.sessions.Len())
	}
	p := b.open(s.URL + "/")
	if err := s.sessions.Put(t.Context(), hashed(first), login.Session{Made: time.Now(), Seen: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p = b.open(p.location)
	}
	if p = b.open(p.location); p.status != http.StatusFound {
		t.Fatal(p.status, s.reason())
	}
	if _, err := s.sessions.Get(t.Context(), hashed(first)); err == nil || s.sessions.Len() != 1 || b.cookie(s, "__Host-sutler") == first {
		t.Error("the session before is still good")
	}
}

func TestSessionEnds(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.login(s, s.URL+"/")
	in := func() bool { t.Helper(); return b.do(http.MethodGet, s.URL+"/v1").status == http.StatusOK }
	for range 11*2 + 1 { // half an hour but a second, again and again
		s.clock.add(30*time.Minute - time.Second)
		if !in() {
			t.Fatalf("a session in use is over: %s", s.reason())
		}
	}
	s.clock.add(29 * time.Minute)
	if !in() {
		t.Fatalf("a session of less than 12 hours is over: %s", s.reason())
	}
	s.clock.add(2 * time.Minute)
	if in() {
		t.Fatal("a session lasts longer than 12 hours")
	}
	if !strings.Contains(s.reason(), "is over") || s.sessions.Len() != 0 {
		t.Errorf("out for %q, with %d sessions left", s.reason(), s.sessions.Len())
	}
}

func TestSessionIdle(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.login(s, s.URL+"/")
	s.clock.add(30 * time.Minute)
	if p := b.do(http.MethodGet, s.URL+"/v1"); p.status != http.StatusUnauthorized {
		t.Fatalf("got %d after half an hour", p.status)
	}
	if p := b.open(s.URL + "/"); p.status != http.StatusFound {
		t.Fatalf("got %d for a page after half an hour, want the issuer", p.status)
	}
}

func TestCallbackRefused(t *testing.T) {
	s := newSite(t, false)
	change := func(callback, key, value string) string {
		u, err := url.Parse(callback)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	flip := func(state string) string { // one bit of the page to come back to
		c := []byte(state)
		c[len(c)-3] ^= 1
		return string(c)
	}
	for _, c := range []struct {
		name   string
		change func(b *browser, callback string) (*browser, string)
		reason string
	}{
		{"browser of somebody else", func(_ *browser, at string) (*browser, string) { return s.browser(t), at }, "did not begin"},
		{"state of somebody else", func(b *browser, at string) (*browser, string) {
			other := s.browser(t)
			other.open(s.URL + "/")
			return other, at
		}, "not this browser's"},
		{"no state", func(b *browser, at string) (*browser, string) { return b, change(at, "state", "") }, "not this browser's"},
		{"changed state", func(b *browser, at string) (*browser, string) {
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			return b, change(at, "state", flip(u.Query().Get("state")))
		}, "not this browser's"},
		{"other code", func(b *browser, at string) (*browser, string) { return b, change(at, "code", "guess") }, "does not take the code"},
		{"no code", func(b *browser, at string) (*browser, string) { return b, change(at, "code", "") }, "no code"},
		{"other issuer", func(b *browser, at string) (*browser, string) { return b, change(at, "iss", "https://evil.example") }, "answer of issuer"},
		{"late", func(b *browser, at string) (*browser, string) {
			s.clock.add(10*time.Minute + time.Second)
			return b, at
		}, "a login begun"},
		{"nonce of another login", func(b *browser, at string) (*browser, string) { return b, at }, "another nonce"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := s.browser(t)
			if strings.HasPrefix(c.name, "nonce") {
				s.provider.Storage.Nonce = "replayed"
				defer func() { s.provider.Storage.Nonce = "" }()
			}
			b, at := c.change(b, b.toCallback(s, s.URL+"/"))
			p := b.open(at)
			s.clock.set(time.Now())
			if p.status != http.StatusUnauthorized || !strings.Contains(s.reason(), c.reason) {
				t.Errorf("got %d for %q; want 401 for %q", p.status, s.reason(), c.reason)
			}
			if s.sessions.Len() != 0 {
				t.Fatal("there is a session")
			}
		})
	}
}

// The code is exchanged with the verifier of the browser's own login: a code
// that was stolen and put into another login fails at the issuer.
func TestStolenCode(t *testing.T) {
	s := newSite(t, false)
	victim, thief := s.browser(t), s.browser(t)
	stolen, err := url.Parse(victim.toCallback(s, s.URL+"/"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := url.Parse(thief.toCallback(s, s.URL+"/"))
	if err != nil {
		t.Fatal(err)
	}
	q := own.Query()
	q.Set("code", stolen.Query().Get("code"))
	own.RawQuery = q.Encode()
	if p := thief.open(own.String()); p.status != http.StatusUnauthorized || !strings.Contains(s.reason(), "does not take the code") {
		t.Errorf("got %d for %q; want 401 for the code", p.status, s.reason())
	}
}

// A callback is good once; with a session by then, it does no harm.
func TestCallbackTwice(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	at := b.toCallback(s, s.URL+"/x")
	b.open(at)
	if p := b.open(at); p.status != http.StatusFound || p.location != s.URL+"/" || s.sessions.Len() != 1 {
		t.Errorf("got %d %q with %d sessions; want the first page and one session", p.status, p.location, s.sessions.Len())
	}
}

// Pages that are opened at once log in one after the other.
func TestTwoPages(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	first, second := b.toCallback(s, s.URL+"/one"), b.toCallback(s, s.URL+"/two")
	if p := b.open(first); p.location != s.URL+"/one" {
		t.Errorf("%d %q", p.status, p.location)
	}
	if p := b.open(second); p.status != http.StatusFound {
		t.Errorf("%d %q", p.status, p.location)
	}
}

func TestLogout(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.login(s, s.URL+"/")
	old := b.cookie(s, "sutler")
	if p := b.open(s.URL + "/logout"); p.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", p.status)
	}
	if p := b.do(http.MethodPost, s.URL+"/logout", "Sec-Fetch-Site", "cross-site"); p.status != http.StatusForbidden || s.sessions.Len() != 1 {
		t.Errorf("another site logged the user out: %d", p.status)
	}
	if p := b.do(http.MethodPost, s.URL+"/logout", "Sec-Fetch-Site", "same-origin"); p.status != http.StatusNoContent {
		t.Errorf("POST: %d", p.status)
	}
	if b.cookie(s, "sutler") != "" || s.sessions.Len() != 0 {
		t.Error("the session is still there")
	}
	if p := b.do(http.MethodGet, s.URL+"/v1", "Cookie", "sutler="+old); p.status != http.StatusUnauthorized {
		t.Errorf("the cookie of before is still good: %d", p.status)
	}
}

func TestOtherSites(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.login(s, s.URL+"/")
	for _, c := range []struct {
		method  string
		headers []string
		want    int
	}{
		{http.MethodPost, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{http.MethodPost, []string{"Sec-Fetch-Site", "none"}, 200},
		{http.MethodPost, []string{"Origin", s.URL}, 200},
		{http.MethodGet, nil, 200},
		{http.MethodGet, []string{"Sec-Fetch-Site", "cross-site"}, 200}, // a link elsewhere; reading is harmless
		{http.MethodPost, nil, 403},
		{http.MethodPut, nil, 403},
		{http.MethodDelete, nil, 403},
		{"PURGE", nil, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", ""}, 403},
		{http.MethodPost, []string{"Sec-Fetch-Site", "cross-site", "Origin", s.URL}, 403},
		{http.MethodPost, []string{"Origin", "null"}, 403},
		{http.MethodPost, []string{"Origin", "http://evil.example"}, 403},
		{http.MethodPost, []string{"Origin", strings.Replace(s.URL, "http:", "https:", 1)}, 403},
		{http.MethodPost, []string{"Origin", s.URL + ".evil.example"}, 403},
	} {
		if p := b.do(c.method, s.URL+"/v1", c.headers...); p.status != c.want {
			t.Errorf("%s with %v: %d, want %d", c.method, c.headers, p.status, c.want)
		}
	}
	// A token is sent by a program on purpose, so where it comes from does not matter.
	if p := s.browser(t).do(http.MethodPost, s.URL+"/v1", "Authorization", "Bearer "+s.provider.token(t)); p.status != 200 {
		t.Errorf("a token: %d %s", p.status, s.reason())
	}
}

// Only browsers that open pages are sent to the issuer.
func TestNavigation(t *testing.T) {
	s := newSite(t, false)
	for _, c := range []struct {
		method  string
		headers []string
		want    int
	}{
		{http.MethodGet, []string{"Accept", "text/html"}, 302},
		{http.MethodGet, []string{"Accept", "application/xml, text/HTML;q=0.5", "Sec-Fetch-Mode", "navigate"}, 302},
		{http.MethodGet, []string{"Accept", "text/html", "Sec-Fetch-Mode", "cors"}, 401},
		{http.MethodGet, []string{"Accept", "text/html2"}, 401},
		{http.MethodGet, []string{"Accept", "*/*"}, 401},
		{http.MethodGet, nil, 401},
		{http.MethodPost, []string{"Accept", "text/html"}, 401},
		{http.MethodGet, []string{"Accept", "text/html", "Authorization", "Bearer a.b.c"}, 401},
		{http.MethodGet, []string{"Accept", "text/html", "Authorization", "Bearer abc"}, 401},
		{http.MethodGet, []string{"Accept", "text/html", "Cookie", "sutler=" + strings.Repeat("A", 43)}, 302},
		{http.MethodGet, []string{"Accept", "text/html", "Cookie", "sutler=x"}, 302},
	} {
		p := s.browser(t).do(c.method, s.URL+"/", c.headers...)
		if p.status != c.want {
			t.Errorf("%s with %v: %d, want %d", c.method, c.headers, p.status, c.want)
		}
		if offered := p.header.Get("WWW-Authenticate"); (p.status == 401) != (offered == `Bearer realm="sutler"`) {
			t.Errorf("%s with %v: offered %q", c.method, c.headers, offered)
		}
	}
}

// While the issuer is down, nobody is refused and nobody is let in.
func TestLoginWithoutIssuer(t *testing.T) {
	s := newSite(t, false)
	s.provider.Down.Store(true)
	if p := s.browser(t).open(s.URL + "/"); p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", p.status, p.header)
	}
}

// After a login a browser goes to pages of this server alone.
func TestOpenRedirect(t *testing.T) {
	s := newSite(t, false)
	for _, c := range []struct{ path, want string }{
		{"/a/b?c=d%20e", "/a/b?c=d%20e"},
		{"//evil.example/x", "/"},
		{"///evil.example/x", "/"},
		{"/%5Cevil.example", "/"},
		{"/%2Fevil.example", "/"},
		{`/\evil.example`, "/"},
		{"/" + strings.Repeat("x", 2000), "/"},
		{"/x?next=//evil.example", "/x?next=//evil.example"},
	} {
		b := s.browser(t)
		r, err := http.NewRequest(http.MethodGet, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = "//" + r.URL.Host + c.path // sent as it stands
		r.Header.Set("Accept", "text/html")
		resp, err := b.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		at := resp.Header.Get("Location")
		for range 3 {
			at = b.open(at).location
		}
		if p := b.open(at); p.status != 302 || p.header.Get("Location") != c.want {
			t.Errorf("%q leads to %d %q, want %q", c.path, p.status, p.header.Get("Location"), c.want)
		}
	}
}
