package login_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/login"
)

// accounts are local accounts with their secrets.
type accounts struct{}

func (accounts) Password(_ context.Context, _, name, password string) (sutler.Caller, error) {
	switch {
	case name == "broken":
		return sutler.Caller{}, errors.New("disk full")
	case name == "busy":
		return sutler.Caller{}, sutler.Errorf(sutler.Busy, "cannot: a full disk")
	case name == "flooded":
		return sutler.Caller{}, errors.Join(sutler.Errorf(sutler.Busy, "cannot: a full disk"), login.ErrWrong)
	case name == "ann" && password == "pass:word ü":
		return sutler.Caller{Account: "ann"}, nil
	case name == "locked":
		return sutler.Caller{}, fmt.Errorf("account %q is locked: %w", name, login.ErrWrong)
	}
	return sutler.Caller{}, login.ErrWrong
}

func (accounts) Token(_ context.Context, token string) (sutler.Caller, error) {
	if token == "good-token" {
		return sutler.Caller{Account: "robot"}, nil
	}
	return sutler.Caller{}, login.ErrWrong
}

// basic returns a request with Basic credentials.
func basic(name, password string) *http.Request {
	r := with("")
	r.SetBasicAuth(name, password)
	return r
}

func TestLocal(t *testing.T) {
	l := &login.Local{Accounts: accounts{}, Basic: true}
	for _, c := range []struct {
		r    *http.Request
		want string
	}{{basic("ann", "pass:word ü"), "ann"}, {with("good-token"), "robot"}} {
		if got, err := l.Authenticate(c.r); err != nil || got.Account != c.want {
			t.Errorf("%v %v, want %s", got, err, c.want)
		}
	}
	for _, c := range []struct {
		r              *http.Request
		method, reason string
	}{
		{basic("ann", "guess"), "password", "wrong"},
		{basic("locked", "x"), "password", "locked"},
		{basic("", "x"), "password", "malformed"},
		{basic("ann\n", "x"), "password", "malformed"},
		{basic("ann\xff", "x"), "password", "malformed"},
		{with("bad-token"), "token", "wrong"},
	} {
		got, err := l.Authenticate(c.r)
		if reason := refused(t, got, err, c.method); !strings.Contains(reason, c.reason) {
			t.Errorf("refused for %q, want for %q", reason, c.reason)
		}
	}
	var f *login.Refusal
	if _, err := l.Authenticate(basic("broken", "x")); err == nil || errors.As(err, &f) {
		t.Errorf("got %v; want an error that is no refusal", err)
	}
	if _, err := (&login.Local{Accounts: accounts{}}).Authenticate(basic("ann", "pass:word ü")); err != login.ErrNoProof {
		t.Errorf("got %v without Basic", err)
	}
}

// address is a net.Addr.
type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// over returns r as if it came over plain HTTP between two addresses.
func over(r *http.Request, local, remote string) *http.Request {
	r.TLS = nil
	r.RemoteAddr = remote
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(address(local))))
}

func TestSecure(t *testing.T) {
	for _, c := range []struct {
		local, remote string
		want          bool
	}{
		{"127.0.0.1:80", "127.0.0.1:5000", true},
		{"[::1]:80", "[::1]:5000", true},
		{"[::ffff:127.0.0.1]:80", "127.9.9.9:5000", true},
		{"127.0.0.1:80", "192.0.2.1:5000", false},
		{"192.0.2.1:80", "127.0.0.1:5000", false},
		{"192.0.2.1:80", "192.0.2.1:5000", false},
		{"0.0.0.0:80", "127.0.0.1:5000", false},
		{"", "127.0.0.1:5000", false},
		{"127.0.0.1:80", "", false},
		{"127.0.0.1:80", "localhost:5000", false},
	} {
		r := over(with("good-token"), c.local, c.remote)
		for _, h := range []string{"X-Forwarded-Proto", "X-Forwarded-Ssl", "X-Forwarded-Scheme", "Front-End-Https"} {
			r.Header.Set(h, "https")
		}
		r.Header.Set("Forwarded", "for=127.0.0.1;proto=https")
		r.Header.Set("X-Forwarded-For", "127.0.0.1")
		if got := login.Secure(r); got != c.want {
			t.Errorf("from %s to %s: %v", c.remote, c.local, got)
		}
		_, err := login.Chain{&login.Local{Accounts: accounts{}}}.Authenticate(r)
		if (err == nil) != c.want {
			t.Errorf("from %s to %s a secret is answered with %v", c.remote, c.local, err)
		}
	}
	if r := with("x"); !login.Secure(r) || r.TLS == nil { // httptest makes https requests with TLS
		t.Error("TLS is not secure")
	}
	r := over(with("x"), "127.0.0.1:80", "127.0.0.1:81")
	if r = r.WithContext(context.Background()); login.Secure(r) {
		t.Error("secure without knowing the own address")
	}
}

// Whatever is wrong, the answer is the same to the byte.
func TestEqualRefusals(t *testing.T) {
	s := newSite(t, false)
	n := newNotary(t)
	o := openID(t, s.provider.URL, func(c *login.OpenIDConfig) { c.ClientID = "sutler" })
	b, err := login.NewBrowser(login.BrowserConfig{OpenID: o, RedirectURL: s.URL + "/login/callback", Sessions: s.sessions})
	if err != nil {
		t.Fatal(err)
	}
	var reported int
	g := &login.Gate{
		Chain: login.Chain{o, &login.Local{Accounts: accounts{}, Basic: true}, b}, Browser: b, Basic: true,
		Report: func(*http.Request, error) { reported++ },
	}
	answer := func(r *http.Request) string {
		w := httptest.NewRecorder()
		if c, ok := g.Admit(w, r); ok {
			t.Fatalf("let %v in", c)
		}
		var text strings.Builder
		if err := w.Result().Header.Write(&text); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d\n%s\n%s", w.Code, text.String(), body)
	}
	plain := with("")
	plain.Header.Del("Authorization")
	want := answer(plain)
	if !strings.HasPrefix(want, "401\n") || !strings.Contains(want, `Bearer realm="sutler"`) || !strings.Contains(want, `Basic realm="sutler"`) || !strings.Contains(want, `"Denied"`) {
		t.Errorf("no proof is answered with %s", want)
	}
	if reported != 0 {
		t.Error("a request without proof is reported")
	}
	twice := with("a")
	twice.Header.Add("Authorization", "Bearer b")
	cookie, callback := with(""), httptest.NewRequest(http.MethodGet, "https://sutler.example/login/callback?code=x&state=y", nil)
	cookie.Header.Del("Authorization")
	cookie.AddCookie(&http.Cookie{Name: "__Host-sutler", Value: strings.Repeat("A", 43)})
	wrong := map[string]*http.Request{
		"signature":        with(n.sign(t, "RS256", n.good(nil))),
		"rubbish":          with("a.b.c"),
		"token":            with("bad"),
		"password":         basic("ann", "x"),
		"account":          basic("nobody", "x"),
		"locked account":   basic("locked", "x"),
		"malformed Basic":  basic("", ""),
		"two headers":      twice,
		"unknown session":  cookie,
		"callback":         callback,
		"plain HTTP":       over(with("good-token"), "192.0.2.1:80", "192.0.2.2:99"),
		"plain HTTP, none": over(plain.Clone(context.Background()), "192.0.2.1:80", "192.0.2.2:99"),
	}
	for name, r := range wrong {
		if d := cmp.Diff(want, answer(r)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if reported != len(wrong) {
		t.Errorf("%d of %d refusals reported", reported, len(wrong))
	}
	if got := answer(basic("broken", "x")); !strings.HasPrefix(got, "503\n") || strings.Contains(got, "disk") {
		t.Errorf("a store that is down is answered with %s", got)
	}
	if busy, got := answer(basic("busy", "x")), answer(basic("flooded", "x")); got != busy {
		t.Errorf("a wrong password in a flood is answered\n%s\nand who is not looked at\n%s", got, busy)
	}
	if got := answer(basic("busy", "x")); !strings.HasPrefix(got, "429\n") || !strings.Contains(got, `"Busy"`) || !strings.Contains(got, "Retry-After") || strings.Contains(got, "disk") {
		t.Errorf("too many logins are answered with %s", got)
	}
}

// A browser over plain HTTP from elsewhere is not led to a login, which could
// not end well, nor does its cookie do anything.
func TestNoLoginOverPlainHTTP(t *testing.T) {
	s := newSite(t, false)
	b := s.browser(t)
	b.login(s, s.URL+"/")
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, "/"}, {http.MethodPost, "/logout"}, {http.MethodGet, "/login/callback?code=x&state=y"},
	} {
		r := httptest.NewRequest(c.method, s.URL+c.path, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.AddCookie(&http.Cookie{Name: "sutler", Value: b.cookie(s, "sutler")})
		w := httptest.NewRecorder()
		s.Config.Handler.ServeHTTP(w, over(r, "192.0.2.1:80", "192.0.2.2:99"))
		if w.Code != http.StatusUnauthorized || !strings.Contains(s.reason(), "plain HTTP") || s.sessions.Len() != 1 {
			t.Errorf("%s %s: %d for %q", c.method, c.path, w.Code, s.reason())
		}
	}
}

func TestBrowserConfig(t *testing.T) {
	issuer := openID(t, "https://login.example", func(c *login.OpenIDConfig) { c.ClientID = "sutler" })
	nobody := openID(t, "https://login.example", nil)
	for name, change := range map[string]func(*login.BrowserConfig){
		"":             func(*login.BrowserConfig) {},
		"no issuer":    func(c *login.BrowserConfig) { c.OpenID = nil },
		"no client":    func(c *login.BrowserConfig) { c.OpenID = nobody },
		"no sessions":  func(c *login.BrowserConfig) { c.Sessions = nil },
		"plain HTTP":   func(c *login.BrowserConfig) { c.RedirectURL = "http://sutler.example/login/callback" },
		"other path":   func(c *login.BrowserConfig) { c.RedirectURL = "https://sutler.example/callback" },
		"long idle":    func(c *login.BrowserConfig) { c.Idle = 31 * time.Minute },
		"long session": func(c *login.BrowserConfig) { c.Absolute = 13 * time.Hour },
	} {
		c := login.BrowserConfig{OpenID: issuer, Sessions: &login.MemorySessions{}, RedirectURL: "https://sutler.example/login/callback"}
		change(&c)
		if _, err := login.NewBrowser(c); (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
