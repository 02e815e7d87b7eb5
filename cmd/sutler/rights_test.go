package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"

	"sutler"
	"sutler/admin"
	"sutler/login"
	"sutler/security"
	"sutler/store"
)

// TestPollingPeriod holds what is promised: withdrawn rights are looked for
// every 2 seconds, and the last look counts for 5.
func TestPollingPeriod(t *testing.T) {
	if pollStamps > 2*time.Second || staleAfter > 5*time.Second || pollStamps+lookTime > staleAfter {
		t.Errorf("looks every %s, of at most %s, count for %s", pollStamps, lookTime, staleAfter)
	}
}

// TestRightsGrowStale sets the clock by hand.
func TestRightsGrowStale(t *testing.T) {
	var at time.Duration
	looks, away := 0, errors.New("the database is away")
	var fails error
	r := newRights(func() time.Duration { return at }, func(context.Context) error { looks++; return fails })
	want := func(what string, n int, code sutler.Code) {
		t.Helper()
		err := r.current(t.Context())
		if (err != nil || code != sutler.OK) && (sutler.CodeOf(err) != code || !errors.Is(err, away)) || looks != n {
			t.Errorf("%s: %v after %d looks, want %s after %d", what, err, looks, code, n)
		}
	}
	want("at the start", 1, sutler.OK)
	at = 5 * time.Second
	want("after 5 s", 1, sutler.OK)
	at += time.Nanosecond
	want("later", 2, sutler.OK)
	at += 2 * time.Second
	fails = away
	if err := r.poll(t.Context()); !errors.Is(err, away) {
		t.Errorf("poll: %v", err)
	}
	want("after a look that failed", 3, sutler.OK)
	at += 3*time.Second + time.Nanosecond
	want("5 s after the last one that did not", 4, sutler.AccessUnknown)
	want("and again", 5, sutler.AccessUnknown)
	fails = nil
	want("when it is back", 6, sutler.OK)
}

// TestLookOfMany lets many ask at once while the database does not answer: one
// of them looks, and the others hear what came of it.
func TestLookOfMany(t *testing.T) {
	var mu sync.Mutex
	at, looks := time.Duration(0), 0
	now := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		at++
		return at
	}
	const many = 20
	asked := make(chan struct{}, 2*many)
	r := newRights(func() time.Duration { asked <- struct{}{}; return now() }, nil)
	<-asked
	r.now = func() time.Duration { n := now(); asked <- struct{}{}; return n }
	r.look = func(context.Context) error {
		looks++
		for range 2*many + 2 { // each of them: is it fresh, and when did I ask? This one has asked twice more
			<-asked
		}
		r.now = now
		return errors.New("away")
	}
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if err := r.current(context.Background()); sutler.CodeOf(err) != sutler.AccessUnknown {
				t.Errorf("%v, want AccessUnknown", err)
			}
		})
	}
	wg.Wait()
	if looks != 1 {
		t.Errorf("%d looks, want 1", looks)
	}
}

// served is a server as serve makes it, without a listener of its own.
type served struct {
	*host
	address string
	session string // of ann's browser
	end     func()
	log     lines
}

const annsPassword = "four grey geese graze"

func newServed(t *testing.T) *served {
	t.Helper()
	s := &served{}
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, loginFile), []byte(`{"openID": {"issuer": "https://id.example", "clientID": "sutler", "redirectURL": "https://sutler.example/login/callback"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(&s.log, nil))
	h, err := openHost(t.Context(), hostOptions{Data: data, Root: filepath.Join(data, "files"), Serve: true, Stop: context.Background(), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s.host = h
	if err := h.Store.SetSetting(t.Context(), sutler.SettingPassport, "on"); err != nil { // or no browser logs in
		t.Fatal(err)
	}
	if err := h.rights.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	gate, closed, _, err := h.gate(data, func() string { return strings.Repeat("t", 40) }, logger)
	if err != nil {
		t.Fatal(err)
	}
	door, err := h.door(gate, closed, nil, logger)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(door)
	s.address = srv.URL
	s.end = sync.OnceFunc(func() {
		srv.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.end)
	for _, c := range []sutler.AccessChange{
		{Verb: sutler.AddGroup, Name: "watch", Groups: []string{sutler.MPFAuditors}},
		{Verb: sutler.AddUser, Name: "ann", Groups: []string{"watch"}, Secret: annsPassword},
	} {
		if err := h.admin().Change(t.Context(), administrator("test"), c); err != nil {
			t.Fatal(err)
		}
	}
	s.session = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	hash := sha256.Sum256([]byte(s.session))
	now := time.Now()
	if err := h.sessions.Put(t.Context(), hex.EncodeToString(hash[:]), login.Session{Caller: sutler.Caller{Account: "ann"}, Made: now, Seen: now}); err != nil {
		t.Fatal(err)
	}
	return s
}

// audits asks for the audit log, with a password or as the browser.
func (s *served) audits(t *testing.T, user, password string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.address+"/v1/audit", nil)
	if err != nil {
		t.Fatal(err)
	}
	if user == "" {
		req.AddCookie(&http.Cookie{Name: "sutler", Value: s.session})
	} else {
		req.SetBasicAuth(user, password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestWithdrawnFromSessions changes ann in the store, as another engine would,
// and looks: her browser's session and her password have lost what she lost.
func TestWithdrawnFromSessions(t *testing.T) {
	s := newServed(t)
	if browser, basic := s.audits(t, "", ""), s.audits(t, "ann", annsPassword); browser != 200 || basic != 200 {
		t.Fatalf("before: %d and %d, want 200", browser, basic)
	}
	ann := *s.Access().Account("ann")
	row := func(change func(*security.Account)) sutler.AccessRow {
		v := ann
		change(&v)
		return security.Row(sutler.AccountRow, "ann", &v)
	}
	for _, c := range []struct {
		name           string
		row            sutler.AccessRow
		browser, basic int
	}{
		{"she lost her group", row(func(a *security.Account) { a.MemberOf = nil }), 403, 403},
		{"she has it again", row(func(*security.Account) {}), 200, 200},
		{"her group lost what it was in", security.Row(sutler.AccountRow, "watch", &security.Account{Name: "watch", Group: true}), 403, 403},
		{"it has it again", security.Row(sutler.AccountRow, "watch", &security.Account{Name: "watch", Group: true, MemberOf: []string{sutler.MPFAuditors}}), 200, 200},
		{"she is disabled", row(func(a *security.Account) { a.Disabled = true }), 401, 401},
		{"she is deleted", security.Row[security.Account](sutler.AccountRow, "ann", nil), 401, 401},
	} {
		_, revision, err := s.Store.Access(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Store.PutAccess(t.Context(), revision, c.row); err != nil {
			t.Fatal(err)
		}
		if err := s.rights.poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if browser, basic := s.audits(t, "", ""), s.audits(t, "ann", annsPassword); browser != c.browser || basic != c.basic {
			t.Errorf("%s: the browser gets %d and the password %d, want %d and %d", c.name, browser, basic, c.browser, c.basic)
		}
	}
}

// TestNobodyIsLetInBlindly: when it is not known who may do what, the door
// answers 503 to everybody.
func TestNobodyIsLetInBlindly(t *testing.T) {
	s := newServed(t)
	blind := newRights(sinceBoot, func(context.Context) error { return errors.New("the database is away") })
	door, err := (&host{Engine: s.Engine, Store: s.Store, rights: blind, refusals: s.refusals, o: s.o}).door(&login.Gate{}, &login.Gate{}, nil, s.o.Logger)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "http://localhost/v1/whoami", nil)
	door.ServeHTTP(w, r)
	if body := w.Body.String(); w.Code != 503 || !strings.Contains(body, "AccessUnknown") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, body)
	}
}

// TestRegistrationIsShown registers a namespace: after the server has ended an
// auditor finds it by its name and sees the hash of its text, at whatever level.
func TestRegistrationIsShown(t *testing.T) {
	s := newServed(t)
	if err := s.Store.SetSetting(t.Context(), sutler.SettingAuditLevel, "none"); err != nil {
		t.Fatal(err)
	}
	s.level.Store(int32(sutler.AuditNone)) // as the next look would
	text := []byte(`<namespace name="Mail" providerSource="x"><procedure name="P" access="public"/></namespace>`)
	if problems, err := s.Register(t.Context(), administrator("test"), sutler.Source{File: "mail.xml", Text: text}); err != nil {
		t.Fatal(err, problems)
	}
	s.end()
	after, err := store.Open(t.Context(), store.Options{Path: filepath.Join(s.o.Data, "sutler.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	list, err := after.Audited(t.Context(), sutler.AuditFilter{Namespace: sutler.ConfigNamespace, Text: "namespace mail"})
	if err != nil || len(list) != 1 {
		t.Fatalf("found %d, %v", len(list), err)
	}
	tx, err := after.AuditedTransaction(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := (&program{pretty: colorprofile.NewWriter(&b, nil)}).printTransaction(tx); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	for _, want := range []string{"MPF Config / add namespace Mail", "file mail.xml, SHA-256 " + hex.EncodeToString(sum[:]), "local"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, b.String())
		}
	}
}

// guessing are accounts that are asked too often.
type guessing struct{ login.Accounts }

func (guessing) Password(context.Context, string, string, string) (sutler.Caller, error) {
	return sutler.Caller{}, fmt.Errorf("%w: %w for 2s", login.ErrWrong, admin.ErrGuessing)
}

// TestRefusalsAtTheDoorAreAudited fails to log in and asks for more than is
// allowed: after the server has ended an auditor finds it, and no password.
func TestRefusalsAtTheDoorAreAudited(t *testing.T) {
	s := newServed(t)
	for range 3 {
		if got := s.audits(t, "bob\x01", "hush-hush"); got != 401 {
			t.Fatalf("malformed: %d", got)
		}
		if got := s.audits(t, "bob", "hush-hush"); got != 401 {
			t.Fatalf("a wrong password: %d", got)
		}
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		r.SetBasicAuth("bob", "hush-hush")
		_, err := (&login.Local{Accounts: guessing{}, Basic: true}).Authenticate(r)
		s.notLetIn(r, err, s.o.Logger)
	}
	if err := s.admin().Change(t.Context(), administrator("test"), sutler.AccessChange{Verb: sutler.RemoveMember, Name: "watch", Who: "ann"}); err != nil {
		t.Fatal(err)
	}
	if got := s.audits(t, "ann", annsPassword); got != 403 {
		t.Fatalf("ann without her group: %d", got)
	}
	s.end()
	after, err := store.Open(t.Context(), store.Options{Path: filepath.Join(s.o.Data, "sutler.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	find := func(f sutler.AuditFilter) (texts []string) {
		t.Helper()
		list, err := after.Audited(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range list {
			texts = append(texts, tx.Caller+"/"+tx.Trustee+" "+tx.Namespace+"/"+tx.Procedure+": "+tx.Text)
		}
		return texts
	}
	bobs := find(sutler.AuditFilter{Outcome: sutler.OutcomeRefused, Trustee: "bob"})
	all := strings.Join(bobs, "\n")
	for _, want := range []string{
		"/bob MPF Config/log in: password: wrong name or secret, from 127.0.0.1",
		"/bob MPF Config/log in: 2 from ",
		"/bob MPF Config/log in while locked out: password: wrong name or secret: too many wrong passwords from there: it has to wait for 2s, from 192.0.2.1",
		"/bob MPF Config/log in while locked out: 2 from ",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the audit log does not hold %q, but\n%s", want, all)
		}
	}
	if anns := find(sutler.AuditFilter{Outcome: sutler.OutcomeRefused, Caller: "ann"}); len(anns) != 1 || !strings.HasPrefix(anns[0], "ann/ann MPF Config/use GET /v1/audit: role: ") {
		t.Errorf("of ann: %q", anns)
	}
	logins := find(sutler.AuditFilter{Procedure: "log in"})
	if len(logins) != 4 || strings.Contains(strings.Join(logins, "\n"), "hush") {
		t.Errorf("logins: %q", logins)
	}
}
