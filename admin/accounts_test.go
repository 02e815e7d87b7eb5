package admin_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/admin"
	"sutler/login"
	"sutler/security"
)

var errWrong = errors.New("wrong name or secret")

// accounts returns the accounts of an installation, whose hashes are counted.
func accounts(t *testing.T) (a *admin.Accounts, hashes *int, in *installation) {
	t.Helper()
	in = install(t, user("Ann"), user("gone"), sutler.AccessChange{Verb: sutler.DisableAccount, Name: "gone"},
		group("staff"), sutler.AccessChange{Verb: sutler.AddUser, Name: "outside"})
	hashes = new(int)
	a = &admin.Accounts{
		Engine: in.engine, Hasher: security.Hasher{Params: cheap, Computed: func() { *hashes++ }}, Guard: security.NewGuard(security.Limits{}),
		Now:    func() time.Time { return time.Unix(1_700_000_000, 0) },
		Places: make(chan struct{}, 1), Wrong: errWrong, Secret: "the token of the directory", Local: root,
	}
	return a, hashes, in
}

// strangers are all that cannot log in.
var strangers = []struct{ what, name, password string }{
	{"unknown account", "nobody", good},
	{"wrong password", "ann", good + "!"},
	{"no password given", "ann", ""},
	{"disabled, right password", "gone", good},
	{"disabled, wrong password", "gone", "x"},
	{"a group", "staff", good},
	{"a built-in group", "MPFAdmins", ""},
	{"an account without a password", "outside", ""},
	{"an account without a password, with one", "outside", good},
	{"no name", "", good},
	{"a principal", "Everyone", ""},
}

func TestPassword(t *testing.T) {
	a, hashes, _ := accounts(t)
	for _, s := range strangers {
		*hashes = 0
		caller, err := a.Password(t.Context(), "192.0.2.1:99", s.name, s.password)
		if err != errWrong || *hashes != 1 || !cmp.Equal(caller, sutler.Caller{}) {
			t.Errorf("%s: %+v, %v after %d hashes; want %v after 1", s.what, caller, err, *hashes, errWrong)
		}
	}
	*hashes = 0
	caller, err := a.Password(t.Context(), "192.0.2.1:99", "ANN", good)
	if diff := cmp.Diff(sutler.Caller{Account: "Ann"}, caller); diff != "" || err != nil || *hashes != 1 {
		t.Errorf("the right password: %v after %d hashes (-want +got):\n%s", err, *hashes, diff)
	}
}

// TestGuessing lets one source guess: it has to wait, without a hash, and
// nobody else does.
func TestGuessing(t *testing.T) {
	for _, name := range []string{"ann", "nobody", "gone"} {
		a, hashes, _ := accounts(t)
		for range 5 {
			if _, err := a.Password(t.Context(), "192.0.2.1:99", name, "x"); err != errWrong {
				t.Fatalf("%s: %v", name, err)
			}
		}
		*hashes = 0
		_, err := a.Password(t.Context(), "192.0.2.1:100", name, good)
		if !errors.Is(err, errWrong) || !errors.Is(err, admin.ErrGuessing) || *hashes != 0 {
			t.Errorf("%s: the guesser's next try gives %v after %d hashes", name, err, *hashes)
		}
		if _, err := a.Password(t.Context(), "192.0.2.2:99", "ann", good); err != nil {
			t.Errorf("%s: another source has to bear it: %v", name, err)
		}
	}
}

func TestToken(t *testing.T) {
	a, _, _ := accounts(t)
	if caller, err := a.Token(t.Context(), a.Secret); err != nil || !cmp.Equal(caller, root) {
		t.Errorf("the token gives %+v, %v", caller, err)
	}
	for _, wrong := range []string{"", " ", a.Secret[:5], a.Secret + " ", a.Secret + "\x00", "The token of the directory"} {
		if caller, err := a.Token(t.Context(), wrong); err != errWrong || !cmp.Equal(caller, sutler.Caller{}) {
			t.Errorf("the token %q gives %+v, %v", wrong, caller, err)
		}
	}
	a.Secret = ""
	if caller, err := a.Token(t.Context(), ""); err != errWrong || caller.Account != "" {
		t.Errorf("no token where none is gives %+v, %v", caller, err)
	}
}

// TestEnumeration asks over HTTP: no answer tells which accounts there are.
func TestEnumeration(t *testing.T) {
	a, hashes, _ := accounts(t)
	a.Wrong = login.ErrWrong
	a.Guard = security.NewGuard(security.Limits{PairFailures: 3})
	gate := &login.Gate{Chain: login.Chain{&login.Local{Accounts: a, Basic: true}}, Basic: true}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller, in := gate.Admit(w, r); in {
			fmt.Fprint(w, caller.Account)
		}
	}))
	t.Cleanup(s.Close)
	ask := func(name, password string) string {
		t.Helper()
		req, err := http.NewRequest("GET", s.URL+"/v1/whoami", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		res.Header.Del("Date")
		return fmt.Sprintf("%s %d %v\n%s", res.Status, res.ContentLength, res.Header, body)
	}
	if got := ask("ann", good); got[:3] != "200" || got[len(got)-3:] != "Ann" {
		t.Fatalf("the right password: %s", got)
	}
	want := ask("nobody else", good)
	if want[:3] != "401" {
		t.Fatalf("an unknown account: %s", want)
	}
	for _, st := range strangers {
		before := *hashes
		for try := range 5 { // from the fourth on the guard refuses
			if got := ask(st.name, st.password); got != want {
				t.Errorf("%s, try %d, is answered\n%s\nand an unknown account\n%s", st.what, try+1, got, want)
			}
		}
		if n := *hashes - before; n > 4 {
			t.Errorf("%s: %d hashes, the guard slept", st.what, n)
		}
	}
}
