package admin_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	a.Turns = &admin.Turns{AtOnce: 4, Waiting: 256, Share: 32}
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
			b.wants(1, map[string]int{"busy": 268})
			b.tries(b.Context(), "198.51.100.7:9", "ann", good)
			b.wants(1, nil)
			close(b.release)
			b.wants(4, map[string]int{"": 1, "wrong": 5, "guessing": 28})
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
// times at once: all get in whom places were left for.
func TestBurstOfThoseWhoMay(t *testing.T) {
	inBurst(t, func(b *burst) {
		for range 4 {
			b.accounts.Guard.Failed(b.accounts.Now(), "ann", "192.0.2.1")
		}
		for range 33 {
			b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		}
		close(b.release)
		b.wants(33, map[string]int{"": 33})
	})
}

// TestGuesserTakesNoPlace has a line full but for one place: who has to wait
// before the next try is told so at once and leaves the place to others.
func TestGuesserTakesNoPlace(t *testing.T) {
	inBurst(t, func(b *burst) {
		for range 5 {
			b.accounts.Guard.Failed(b.accounts.Now(), "ann", "192.0.2.1")
		}
		for range 32 {
			b.tries(b.Context(), "192.0.2.1:9", "nobody", "guess")
		}
		b.tries(b.Context(), "192.0.2.1:9", "ann", good)
		b.wants(1, map[string]int{"guessing": 1})
		b.tries(b.Context(), "192.0.2.1:9", "nobody", "guess")
		b.wants(0, nil)
		close(b.release)
		b.wants(4, map[string]int{"wrong": 5, "guessing": 28})
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
		for range 33 {
			b.tries(b.Context(), "192.0.2.1:9", "somebody", "guess")
		}
		_, want := ask(func(r *http.Request) { r.SetBasicAuth("nobody", "x") })
		if want[:3] != "503" {
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
		b.wants(4, map[string]int{"wrong": 5, "guessing": 28})
	})
}
