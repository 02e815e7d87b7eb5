package admin_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/admin"
	"sutler/login"
	"sutler/security"
)

var errWrong = errors.New("wrong name or secret")

const token = "the-token-of-the-directory"

// accounts returns the accounts of an installation, whose hashes are counted.
func accounts(t *testing.T) (a *admin.Accounts, hashes *int, in *installation) {
	t.Helper()
	in = install(t, user("Ann"), user("gone"), sutler.AccessChange{Verb: sutler.DisableAccount, Name: "gone"},
		group("staff"), sutler.AccessChange{Verb: sutler.AddUser, Name: "outside"})
	hashes = new(int)
	proofs, err := admin.NewProofs(strings.NewReader("a key of 32 bytes for the proofs"), time.Minute, 2)
	if err != nil {
		t.Fatal(err)
	}
	a = &admin.Accounts{
		Proofs: proofs,
		Engine: in.engine, Hasher: security.Hasher{Params: cheap, Computed: func(security.Params) { *hashes++ }}, Guard: security.NewGuard(security.Limits{}),
		Now:   func() time.Time { return time.Unix(1_700_000_000, 0) },
		Turns: &admin.Turns{AtOnce: 1, Waiting: 1, Share: 1}, Wrong: errWrong, Secret: func() string { return token }, Local: root, Random: strings.NewReader("another salt of 16 bytes for them"),
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

// TestRenewal logs in with a hash of other parameters than the current ones: it
// is renewed once, nobody else's is, and no record tells of it.
func TestRenewal(t *testing.T) {
	a, _, in := accounts(t)
	current := security.Params{MemoryKiB: 16, Passes: 2, Lanes: 1}
	var computed []security.Params
	a.Hasher = security.Hasher{Params: current, Computed: func(p security.Params) { computed = append(computed, p) }}
	log := func(name, password string, want ...security.Params) error {
		t.Helper()
		computed = nil
		_, err := a.Password(t.Context(), "192.0.2.1:99", name, password)
		if d := cmp.Diff(want, computed); d != "" {
			t.Errorf("%s with %q (-want +computed):\n%s", name, password, d)
		}
		return err
	}
	records, before := len(in.log.All()), *in.engine.Access().Account("ann")
	for _, s := range strangers {
		cost := current // what is unknown costs what a login will
		if acct := in.engine.Access().Account(s.name); acct != nil && acct.Hash != "" {
			cost = cheap
		}
		if err := log(s.name, s.password, cost); err != errWrong {
			t.Errorf("%s: %v", s.what, err)
		}
	}
	if after := *in.engine.Access().Account("ann"); !cmp.Equal(before, after) {
		t.Errorf("a wrong password changed %+v to %+v", before, after)
	}
	if err := log("ANN", good, cheap, current); err != nil {
		t.Fatal(err)
	}
	after := *in.engine.Access().Account("ann")
	if ok, stale := (security.Hasher{Params: current}).Verify(after.Hash, good); !ok || stale {
		t.Errorf("the hash is %s, stale %t", after.Hash, stale)
	}
	if after.Hash = before.Hash; !cmp.Equal(before, after) {
		t.Errorf("more than the hash changed: %+v to %+v", before, after)
	}
	if err := log("ann", good, current); err != nil {
		t.Error(err)
	}
	if err := log("ann", good+"!", current); err != errWrong {
		t.Error(err)
	}
	if n := len(in.log.All()); n != records {
		t.Errorf("%d records of it", n-records)
	}
	if err := in.engine.RefreshAccess(t.Context()); err != nil || log("ann", good, current) != nil {
		t.Errorf("the fresh hash was not stored: %v", err)
	}
}

// TestRenewalIsLate: a password that somebody has set meanwhile stays, and a
// store that refuses lets the account in.
func TestRenewalIsLate(t *testing.T) {
	a, _, in := accounts(t)
	a.Hasher.Params = security.Params{MemoryKiB: 16, Passes: 2, Lanes: 1}
	in.faster.first = func() {
		acct := *in.engine.Access().Account("ann")
		acct.Hash = "set meanwhile"
		if _, err := in.config.PutAccess(t.Context(), in.engine.Access().Revision, security.Row(sutler.AccountRow, acct.Name, &acct)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Password(t.Context(), "192.0.2.1:99", "ann", good); err != nil {
		t.Fatal(err)
	}
	if got := in.engine.Access().Account("ann").Hash; got != "set meanwhile" {
		t.Errorf("the hash is %q", got)
	}
	a, _, in = accounts(t)
	a.Hasher.Params = security.Params{MemoryKiB: 16, Passes: 2, Lanes: 1}
	var told error
	a.Engine, a.Report = refusing{in.engine}, func(err error) { told = err }
	if c, err := a.Password(t.Context(), "192.0.2.1:99", "ann", good); err != nil || c.Account != "Ann" {
		t.Errorf("%+v %v", c, err)
	}
	if told == nil || !strings.Contains(told.Error(), `"Ann"`) || !errors.Is(told, errFull) {
		t.Errorf("told %v", told)
	}
}

var errFull = errors.New("the disk is full")

// refusing is an engine that stores nothing.
type refusing struct{ admin.Engine }

func (refusing) RenewHash(context.Context, string, string, string) error { return errFull }

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
	if caller, err := a.Token(t.Context(), token); err != nil || !cmp.Equal(caller, root) {
		t.Errorf("the token gives %+v, %v", caller, err)
	}
	for _, wrong := range []string{"", " ", token[:5], token + " ", token + "\x00", "The-token-of-the-directory"} {
		if caller, err := a.Token(t.Context(), wrong); err != errWrong || !cmp.Equal(caller, sutler.Caller{}) {
			t.Errorf("the token %q gives %+v, %v", wrong, caller, err)
		}
	}
	a.Secret = func() string { return "" }
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
