package login_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/login"
	"sutler/login/logintest"
)

const audience = "https://sutler.example"

// provider is an OpenID provider that ends with the test.
type provider struct{ *logintest.Provider }

func newProvider(t *testing.T) *provider {
	t.Helper()
	p, stop, err := logintest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return &provider{p}
}

// token returns an access token of the machine.
func (p *provider) token(t *testing.T) string {
	t.Helper()
	token, err := p.Token()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// openID returns an authenticator that believes an issuer; change is called before.
func openID(t *testing.T, issuer string, change func(*login.OpenIDConfig)) *login.OpenID {
	t.Helper()
	c := login.OpenIDConfig{
		Issuer: issuer, Audiences: []string{audience}, Now: time.Now,
		GroupsClaim: "groups", Groups: map[string]string{"ops": sutler.MPFAdmins, "dev": sutler.MPFClientAccts},
	}
	if change != nil {
		change(&c)
	}
	o, err := login.NewOpenID(c)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// with returns a request with a bearer token.
func with(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://sutler.example/v1/namespaces", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// refused fails unless err is a refusal of that method, and returns its reason.
func refused(t *testing.T, caller sutler.Caller, err error, method string) string {
	t.Helper()
	var f *login.Refusal
	if !errors.As(err, &f) {
		t.Fatalf("got %v, %v; want a refusal", caller, err)
	}
	if f.Method != method {
		t.Fatalf("refused by %q for %q; want by %q", f.Method, f.Reason, method)
	}
	if d := cmp.Diff(sutler.Caller{}, caller); d != "" {
		t.Fatalf("a caller with a refusal: %s", d)
	}
	if sutler.CodeOf(err) != sutler.Denied || err.Error() != login.ErrNoProof.Error() {
		t.Fatalf("the refusal reads %v %q; want it like any other", sutler.CodeOf(err), err)
	}
	return f.Reason
}

func TestProviderToken(t *testing.T) {
	p := newProvider(t)
	o := openID(t, p.URL, nil)
	got, err := o.Authenticate(with(p.token(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := sutler.Caller{Account: "openid:robot@" + p.URL, Groups: []string{sutler.MPFAdmins}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestProviderOtherAudience(t *testing.T) {
	p := newProvider(t)
	p.Storage.Audience = []string{"https://elsewhere.example"}
	got, err := openID(t, p.URL, nil).Authenticate(with(p.token(t)))
	t.Log(refused(t, got, err, "openid"))
}

func TestProviderLongToken(t *testing.T) {
	p := newProvider(t)
	p.Storage.Life = 16 * time.Minute
	got, err := openID(t, p.URL, nil).Authenticate(with(p.token(t)))
	t.Log(refused(t, got, err, "openid"))
}

// A token of another provider is not believed, though it is a good one there.
func TestOtherProvider(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	got, err := openID(t, p.URL, nil).Authenticate(with(other.token(t)))
	t.Log(refused(t, got, err, "openid"))
}

// An issuer that is down is no reason to refuse anybody, and is asked again.
func TestProviderDown(t *testing.T) {
	p := newProvider(t)
	token := p.token(t)
	clock := newClock(time.Now())
	o := openID(t, p.URL, func(c *login.OpenIDConfig) { c.Now = clock.now })
	p.Down.Store(true)
	_, err := o.Authenticate(with(token))
	var f *login.Refusal
	if err == nil || errors.As(err, &f) || errors.Is(err, login.ErrNoProof) {
		t.Fatalf("got %v; want an error that is no refusal", err)
	}
	p.Down.Store(false)
	if _, again := o.Authenticate(with(token)); again == nil || again.Error() != err.Error() {
		t.Fatalf("got %v at once; want the error of before: %v", again, err)
	}
	clock.add(5 * time.Second)
	if _, err := o.Authenticate(with(token)); err != nil {
		t.Fatal(err)
	}
}

// The keys are read again for a token with an unknown key, once a minute.
func TestProviderNewKey(t *testing.T) {
	p := newProvider(t)
	clock := newClock(time.Now())
	o := openID(t, p.URL, func(c *login.OpenIDConfig) { c.Now = clock.now })
	for range 3 {
		if _, err := o.Authenticate(with(p.token(t))); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.Fetched.Load(); n != 1 {
		t.Fatalf("read the keys %d times for one key", n)
	}
	if err := p.Storage.Rotate(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		got, err := o.Authenticate(with(p.token(t)))
		refused(t, got, err, "openid")
	}
	if n := p.Fetched.Load(); n != 1 {
		t.Fatalf("read the keys %d times within a minute", n)
	}
	clock.add(time.Minute)
	if _, err := o.Authenticate(with(p.token(t))); err != nil {
		t.Fatal(err)
	}
	if n := p.Fetched.Load(); n != 2 {
		t.Fatalf("read the keys %d times, want twice", n)
	}
}
