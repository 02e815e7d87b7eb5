package admin_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sutler/admin"
	"sutler/login"
	"sutler/security"
)

// burst is many logins at once. A hash takes until release is closed.
type burst struct {
	*testing.T
	accounts *admin.Accounts
	release  chan struct{}
	mu       sync.Mutex
	hashes   int
	answers  map[string]int // of tries, by their error; "" for a success
}

// inBurst runs test with the turns that the server has.
func inBurst(t *testing.T, test func(b *burst)) {
	a, _, _ := accounts(t)
	a.Turns = &admin.Turns{AtOnce: 4, Waiting: 256, Share: 128}
	a.Wrong = login.ErrWrong
	synctest.Test(t, func(t *testing.T) {
		b := &burst{T: t, accounts: a, release: make(chan struct{}), answers: map[string]int{}}
		a.Hasher.Computed = func(security.Params) {
			b.mu.Lock()
			b.hashes++
			b.mu.Unlock()
			<-b.release
		}
		test(b)
	})
}

// tries starts a login and goes on once it ended or can get no further.
func (b *burst) tries(ctx context.Context, source, name, password string) {
	go func() {
		_, err := b.accounts.Password(ctx, source, name, password)
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case err == nil:
			b.answers[""]++
		case errors.Is(err, admin.ErrBusy):
			b.answers["busy"]++
		case errors.Is(err, admin.ErrGuessing):
			b.answers["guessing"]++
		case errors.Is(err, login.ErrWrong):
			b.answers["wrong"]++
		default:
			b.answers[err.Error()]++
		}
	}()
	synctest.Wait()
}

// wants compares the numbers of hashes begun and of logins answered, and
// forgets them.
func (b *burst) wants(hashes int, answers map[string]int) {
	b.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hashes != hashes {
		b.Errorf("%d hashes, want %d", b.hashes, hashes)
	}
	if fmt.Sprint(b.answers) != fmt.Sprint(answers) {
		b.Errorf("answered %v, want %v", b.answers, answers)
	}
	b.hashes, b.answers = 0, map[string]int{}
}

// TestBurstOnOneAccount has one address try many passwords at once: it gets
// five, as one who tries them one after another, and one who comes from
// elsewhere waits for none of them. It does not matter whether the account is there.
func TestBurstOnOneAccount(t *testing.T) {
	for _, name := range []string{"ann", "nobody"} {
		inBurst(t, func(b *burst) {
			for i := range 300 {
				b.tries(b.Context(), fmt.Sprint("192.0.2.1:", 1000+i), name, fmt.Sprint("guess", i))
			}
			b.tries(b.Context(), "192.0.2.1:9", name, good)
			b.wants(1, map[string]int{"busy": 172})
			b.tries(b.Context(), "198.51.100.7:9", "ann", good)
			b.wants(1, nil)
			close(b.release)
			b.wants(4, map[string]int{"": 1, "wrong": 5, "guessing": 124})
			b.tries(b.Context(), "192.0.2.1:9", name, good)
			b.wants(0, map[string]int{"guessing": 1})
			if wait := b.accounts.Guard.Allow(b.accounts.Now(), name, "192.0.2.1:9"); wait != time.Second {
				b.Errorf("the burst has to wait %s", wait)
			}
			for i := range 4 {
				b.tries(b.Context(), fmt.Sprintf("192.0.2.%d:9", 2+i), "ann", good)
			}
			b.wants(4, map[string]int{"": 4})
		})
	}
}

// TestBurstOnManyAccounts has one address try many names at once: it gets fifty,
// but for one that everybody on the host has.
func TestBurstOnManyAccounts(t *testing.T) {
	for _, row := range []struct {
		source  string
		hashes  int
		answers map[string]int
	}{
		{"192.0.2.1:9", 50, map[string]int{"wrong": 50, "guessing": 50}},
		{"[2001:db8::1]:9", 50, map[string]int{"wrong": 50, "guessing": 50}},
		{"127.0.0.1:9", 100, map[string]int{"": 1, "wrong": 99}},
		{"[::1]:9", 100, map[string]int{"": 1, "wrong": 99}},
	} {
		inBurst(t, func(b *burst) {
			for n := range 3 {
				b.release = make(chan struct{})
				for i := range 33 { // as many as have places
					b.tries(b.Context(), row.source, fmt.Sprint("user", n, "-", i), good)
				}
				close(b.release)
				synctest.Wait()
			}
			b.tries(b.Context(), row.source, "ann", good)
			b.wants(row.hashes, row.answers)
		})
	}
}

// TestBurstFromManyAddresses has a crowd try an account at once. Each gets its
// five passwords until more than a hundred were wrong, then one, and its
// owner still gets in from an address that nobody has seen.
func TestBurstFromManyAddresses(t *testing.T) {
	inBurst(t, func(b *burst) {
		for i := range 40 {
			for range 5 {
				b.tries(b.Context(), fmt.Sprintf("10.0.0.%d:9", i), "ann", "guess")
			}
		}
		b.wants(4, nil)
		close(b.release)
		b.wants(100+40-4, map[string]int{"wrong": 100 + 40, "guessing": 60})
		b.tries(b.Context(), "198.51.100.7:9", "ann", good)
		b.wants(1, map[string]int{"": 1})
	})
}

// TestBurstOfThoseWhoMay has one address log in with the right password many
// times at once, as a portal does: all get in whom places were left for, with
// one hash.
func TestBurstOfThoseWhoMay(t *testing.T) {
	inBurst(t, func(b *burst) {
		for range 4 {
			b.accounts.Guard.Failed(b.accounts.Now(), "ann", "192.0.2.1")
		}
		for range 150 {
			b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		}
		b.wants(1, map[string]int{"busy": 21})
		close(b.release)
		b.wants(0, map[string]int{"": 129})
		b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		b.wants(0, map[string]int{"": 1})
	})
}

// TestFloodFromOneAddress has an address that everybody shares flooded by names
// that nobody has. Who has logged in from there before gets in, also after the
// proof is forgotten; who has not is told to come again.
func TestFloodFromOneAddress(t *testing.T) {
	inBurst(t, func(b *burst) {
		const proxy = "127.0.0.1:9"
		now := b.accounts.Now()
		b.accounts.Now = func() time.Time { return now }
		b.accounts.Guard.Succeeded(now, "ann", proxy)
		for i := range 400 {
			b.tries(b.Context(), proxy, fmt.Sprint("user", i), good)
		}
		b.wants(1, map[string]int{"busy": 400 - 257})
		for range 20 {
			b.tries(b.Context(), proxy, "ann", good)
		}
		b.wants(0, map[string]int{"busy": 20}) // of the flood
		for range 2 {                          // that of the flood whose turn it is, and ann's next
			b.release <- struct{}{}
			synctest.Wait()
		}
		b.tries(b.Context(), proxy, "ann", good) // remembered
		b.wants(2, map[string]int{"": 2, "wrong": 1})
		now = now.Add(time.Minute)
		for i := range 20 { // the two places that were left are taken again
			b.tries(b.Context(), proxy, fmt.Sprint("more", i), good)
		}
		b.tries(b.Context(), proxy, "ann", good)
		close(b.release)
		b.wants(237, map[string]int{"": 20, "busy": 18 + 1, "wrong": 237})
	})
}

// TestPortalInAFlood has a portal log in many times at once, for the first time,
// at an address that is flooded: after the first of them the others wait for
// one stranger each at most.
func TestPortalInAFlood(t *testing.T) {
	inBurst(t, func(b *burst) {
		const proxy = "127.0.0.1:9"
		for i := range 50 {
			b.tries(b.Context(), proxy, fmt.Sprint("user", i), good)
		}
		for range 50 {
			b.tries(b.Context(), proxy, "ann", good)
		}
		for i := range 100 {
			b.tries(b.Context(), proxy, fmt.Sprint("more", i), good)
		}
		for range 50 + 1 + 49 { // who came before, ann, and one stranger for each other ann
			b.release <- struct{}{}
			synctest.Wait()
		}
		if b.answers[""] != 50 || b.answers["wrong"] != 50+49 {
			b.Errorf("answered %v", b.answers)
		}
		close(b.release)
		b.wants(151, map[string]int{"": 50, "wrong": 150})
	})
}

// TestFloodShowsNoNames has an address flooded from which an account has logged
// in: whoever does not know its password cannot tell it from one that is not
// there, not even by making it wait.
func TestFloodShowsNoNames(t *testing.T) {
	inBurst(t, func(b *burst) {
		const proxy = "127.0.0.1:9"
		b.accounts.Guard.Succeeded(b.accounts.Now(), "ann", proxy)
		users := 0
		ask := func(name, password string) error {
			for !b.accounts.Turns.Full() && users < 1000 {
				b.tries(b.Context(), proxy, fmt.Sprint("user", users), good)
				users++
			}
			answered := make(chan error, 1)
			go func() {
				_, err := b.accounts.Password(b.Context(), proxy, name, password)
				answered <- err
			}()
			for {
				synctest.Wait()
				select {
				case err := <-answered:
					return err
				default:
					b.release <- struct{}{}
				}
			}
		}
		if err := ask("ann", good); err != nil {
			b.Errorf("the right password: %v", err)
		}
		for _, name := range []string{"ann", "nobody"} {
			for try := range 7 { // from the fifth on it has to wait
				err := ask(name, "guess")
				if !errors.Is(err, admin.ErrBusy) {
					b.Errorf("%s, try %d: %v", name, try, err)
				}
				if hashed := name == "ann" && try < 5; hashed != errors.Is(err, login.ErrWrong) { // for the audit log
					b.Errorf("%s, try %d, looked at %t: %v", name, try, hashed, err)
				}
			}
		}
		if b.accounts.Guard.Allow(b.accounts.Now(), "ann", proxy) == 0 {
			b.Error("guesses in the flood do not count")
		}
		close(b.release)
		synctest.Wait()
	})
}

// TestGuesserTakesNoPlace has a line full but for one place: who has to wait
// before the next try is told so at once and leaves the place to others; and
// that too many come once it is full.
func TestGuesserTakesNoPlace(t *testing.T) {
	inBurst(t, func(b *burst) {
		for range 5 {
			b.accounts.Guard.Failed(b.accounts.Now(), "ann", "192.0.2.1")
		}
		for i := range 256 {
			b.tries(b.Context(), "192.0.2.1:9", fmt.Sprint("nobody", i%2), "guess")
		}
		b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		b.wants(1, map[string]int{"guessing": 1})
		b.tries(b.Context(), "192.0.2.1:9", "nobody0", "guess")
		b.wants(0, nil)
		b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		b.wants(0, map[string]int{"busy": 1})
		close(b.release)
		b.wants(9, map[string]int{"wrong": 10, "guessing": 247})
	})
}

// TestWhoLeaves has some go away while they wait: nothing is computed for them.
// For who goes later it is, and counts.
func TestWhoLeaves(t *testing.T) {
	inBurst(t, func(b *burst) {
		ctx, leave := context.WithCancel(b.Context())
		for range 20 {
			b.tries(ctx, "192.0.2.1:9", "ann", "guess")
		}
		leave()
		b.wants(1, map[string]int{"context canceled": 19})
		for range 10 {
			b.tries(b.Context(), "192.0.2.1:9", "ann", "guess")
		}
		close(b.release)
		b.wants(4, map[string]int{"wrong": 5, "guessing": 6})
	})
}

// TestBusyAnswers asks over HTTP while no more logins can wait: the answer tells
// no names apart, and other proofs are let in.
func TestBusyAnswers(t *testing.T) {
	inBurst(t, func(b *burst) {
		b.accounts.Secret = func() string { return token }
		gate := &login.Gate{Chain: login.Chain{&login.Local{Accounts: b.accounts, Basic: true}}, Basic: true}
		ask := func(proof func(*http.Request)) (caller, answer string) {
			r := httptest.NewRequestWithContext(b.Context(), "GET", "/v1/whoami", nil)
			r.RemoteAddr, r.TLS = "192.0.2.1:9", &tls.ConnectionState{}
			proof(r)
			w := httptest.NewRecorder()
			c, _ := gate.Admit(w, r)
			return c.Account, fmt.Sprint(w.Code, w.Header(), w.Body)
		}
		for i := range 257 {
			b.tries(b.Context(), "192.0.2.1:9", fmt.Sprint("somebody", i), "guess")
		}
		_, want := ask(func(r *http.Request) { r.SetBasicAuth("nobody", "x") })
		if want[:3] != "429" || !strings.Contains(want, `"Busy"`) {
			b.Fatalf("answered %s", want)
		}
		for _, s := range append(strangers, struct{ what, name, password string }{"the right password", "ann", good}) {
			if _, got := ask(func(r *http.Request) { r.SetBasicAuth(s.name, s.password) }); s.name != "" && got != want {
				b.Errorf("%s is answered\n%s\nand an unknown account\n%s", s.what, got, want)
			}
		}
		if caller, got := ask(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }); caller != root.Account {
			b.Errorf("the token is answered %s", got)
		}
		b.wants(1, nil)
		close(b.release)
		b.wants(49, map[string]int{"wrong": 50, "guessing": 207})
	})
}
