package login_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler/login"
)

func hashed(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}

// site is a server that tells callers who they are, behind a gate.
type site struct {
	*httptest.Server
	provider *provider
	sessions *login.MemorySessions
	clock    *clock
	mu       sync.Mutex
	reasons  []string
}

func newSite(t *testing.T, secure bool) *site {
	t.Helper()
	s := &site{provider: newProvider(t), sessions: &login.MemorySessions{}, clock: newClock(time.Now())}
	var gate *login.Gate
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := gate.Admit(w, r)
		if !ok {
			return
		}
		_ = json.NewEncoder(w).Encode(c)
	})
	if secure {
		s.Server = httptest.NewTLSServer(handler)
	} else {
		s.Server = httptest.NewServer(handler)
	}
	t.Cleanup(s.Close)
	s.provider.Storage.Redirect = []string{s.URL + "/login/callback"}
	o := openID(t, s.provider.URL, func(c *login.OpenIDConfig) { c.ClientID, c.Now = "sutler", s.clock.now })
	b, err := login.NewBrowser(login.BrowserConfig{
		OpenID: o, ClientSecret: "sutler-secret", RedirectURL: s.URL + "/login/callback", Sessions: s.sessions,
	})
	if err != nil {
		t.Fatal(err)
	}
	gate = &login.Gate{Chain: login.Chain{o, b}, Browser: b, Report: s.report}
	return s
}

// report keeps why a request was kept out.
func (s *site) report(_ *http.Request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var f *login.Refusal
	if errors.As(err, &f) {
		err = errors.New(f.Reason)
	}
	s.reasons = append(s.reasons, err.Error())
}

// reason returns why the last request was kept out.
func (s *site) reason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.reasons) == 0 {
		return ""
	}
	return s.reasons[len(s.reasons)-1]
}

// browser is a client with cookies; it follows redirects only when told to.
type browser struct {
	*http.Client
	t *testing.T
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := *s.Client()
	c.Jar = jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{&c, t}
}

// page is an answer.
type page struct {
	status   int
	location string
	header   http.Header
	body     string
}

// do sends a request; headers are pairs.
func (b *browser) do(method, address string, headers ...string) page {
	b.t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	at, _ := resp.Location()
	p := page{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if at != nil {
		p.location = at.String()
	}
	return p
}

// open opens a page as a browser does.
func (b *browser) open(address string) page {
	b.t.Helper()
	return b.do(http.MethodGet, address, "Accept", "text/html,application/xhtml+xml;q=0.9", "Sec-Fetch-Mode", "navigate")
}

// toCallback goes through a login at the issuer, up to the callback.
func (b *browser) toCallback(s *site, address string) string {
	b.t.Helper()
	p := b.open(address)
	for range 5 {
		if p.status != http.StatusFound {
			b.t.Fatalf("got %d at %q: %s", p.status, p.location, p.body)
		}
		if strings.HasPrefix(p.location, s.URL+"/login/callback") {
			return p.location
		}
		p = b.open(p.location)
	}
	b.t.Fatal("the login does not end")
	return ""
}

// login logs in and returns the page at the end.
func (b *browser) login(s *site, address string) page {
	b.t.Helper()
	return b.open(b.toCallback(s, address))
}

// cookie returns the value of a cookie.
func (b *browser) cookie(s *site, name string) string {
	b.t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// setCookie returns the cookie of that name that p sets.
func (p page) setCookie(t *testing.T, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: p.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %q in %v", name, p.header)
	return nil
}

func (p page) query(t *testing.T) url.Values {
	t.Helper()
	u, err := url.Parse(p.location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
