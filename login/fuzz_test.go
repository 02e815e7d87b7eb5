package login_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/login"
)

// echo lets everybody in as who they say they are.
type echo struct{}

func (echo) Password(_ context.Context, _, name, password string) (sutler.Caller, error) {
	return sutler.Caller{Account: name, Door: password}, nil
}

func (echo) Token(_ context.Context, token string) (sutler.Caller, error) {
	return sutler.Caller{Account: token}, nil
}

// What gets through the header is exactly what was put into it; everything
// else is refused or no proof.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"", "Bearer abc", "bearer  a.b.c==", "Basic YW5uOnB3", "Basic YW5u", "Basic OnB3", "Basic YW5uOnB=", "Digest x=y", "Bearer a,b", "Bearer\tabc"} {
		f.Add(s)
	}
	l := &login.Local{Accounts: echo{}, Basic: true}
	f.Fuzz(func(t *testing.T, header string) {
		r := with("")
		r.Header["Authorization"] = []string{header}
		c, err := l.Authenticate(r)
		var refusal *login.Refusal
		switch {
		case errors.Is(err, login.ErrNoProof), errors.As(err, &refusal):
			if c.Account != "" {
				t.Errorf("%q: both %v and %v", header, c, err)
			}
			return
		case err != nil:
			t.Fatalf("%q: %v", header, err)
		}
		scheme, rest, _ := strings.Cut(header, " ")
		rest = strings.TrimLeft(rest, " ")
		switch strings.ToLower(scheme) {
		case "bearer":
			if c.Account != rest || strings.ContainsAny(rest, " ,\t\"\r\n") {
				t.Errorf("%q gives token %q", header, c.Account)
			}
		case "basic":
			if back := base64.StdEncoding.EncodeToString([]byte(c.Account + ":" + c.Door)); back != rest || strings.Contains(c.Account, ":") {
				t.Errorf("%q gives %q and %q", header, c.Account, c.Door)
			}
		default:
			t.Errorf("%q lets %v in", header, c)
		}
	})
}

// one is a store with one session, whatever it is asked for.
type one struct{ asked *string }

func (one) Put(context.Context, string, login.Session) error { return nil }
func (o one) Get(_ context.Context, hash string) (login.Session, error) {
	*o.asked = hash
	return login.Session{Caller: sutler.Caller{Account: "ann"}, Made: noon, Seen: noon}, nil
}
func (one) Touch(context.Context, string, time.Time) error { return nil }
func (one) Delete(context.Context, string) error           { return nil }

// Only a cookie of the form that the server gives out is looked up, and only
// under its hash.
func FuzzCookie(f *testing.F) {
	id := strings.Repeat("A", 43)
	for _, s := range []string{"", "__Host-sutler=" + id, "sutler=" + id, "__Host-sutler=" + id + "; __Host-sutler=" + id, "__Host-sutler=\"" + id + "\"", "__Host-sutler=x", "a=b; __Host-sutler=" + id} {
		f.Add(s)
	}
	var asked string
	o, err := login.NewOpenID(login.OpenIDConfig{Issuer: "https://login.example", ClientID: "sutler", Now: newClock(noon).now})
	if err != nil {
		f.Fatal(err)
	}
	b, err := login.NewBrowser(login.BrowserConfig{OpenID: o, RedirectURL: "https://sutler.example/login/callback", Sessions: one{&asked}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "https://sutler.example/", nil)
		r.Header["Cookie"] = []string{header}
		asked = ""
		_, err := b.Authenticate(r)
		found := r.CookiesNamed("__Host-sutler")
		if (err == nil) != (asked != "") {
			t.Fatalf("%q: %v, looked up %q", header, err, asked)
		}
		if err != nil {
			return
		}
		if len(found) != 1 || len(found[0].Value) != 43 || asked != hashed(found[0].Value) {
			t.Errorf("%q is let in, looked up %q", header, asked)
		}
	})
}

// Whatever page was asked for and whatever comes back as state, a browser is
// never led to another host.
func FuzzNext(f *testing.F) {
	for _, s := range []string{"/", "/a?b=c", "//evil", "/\\evil", "/%5cevil", "/%2f%2fevil", "/\tevil", "/.//evil", "/..//evil", "/a:b@evil", "/#x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		next := login.LocalPath(path)
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest(http.MethodGet, "https://sutler.example/login/callback", nil), next, http.StatusFound)
		at := w.Header().Get("Location")
		base, err := url.Parse("https://sutler.example/login/callback")
		if err != nil {
			t.Fatal(err)
		}
		u, err := base.Parse(strings.ReplaceAll(at, `\`, "/")) // as browsers read it
		if err != nil || u.Host != "sutler.example" || u.Scheme != "https" || strings.ContainsAny(at, "\t\r\n") {
			t.Errorf("%q leads to %q", path, at)
		}
	})
}
