package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/admin"
	"sutler/security"
)

// remembering returns accounts with a clock, and how to log in: the error of a
// login and the number of hashes that it took.
func remembering(t *testing.T) (in *installation, a *admin.Accounts, pass func(time.Duration), login func(source, name, password string) (int, error)) {
	t.Helper()
	a, hashes, in := accounts(t)
	now := a.Now()
	a.Now = func() time.Time { return now }
	pass = func(d time.Duration) { now = now.Add(d) }
	login = func(source, name, password string) (int, error) {
		*hashes = 0
		_, err := a.Password(t.Context(), source, name, password)
		return *hashes, err
	}
	return in, a, pass, login
}

const home, away = "192.0.2.1:99", "192.0.2.2:99"

// TestRemembered logs in again and again: it takes a hash each minute, at each
// address.
func TestRemembered(t *testing.T) {
	_, a, pass, login := remembering(t)
	for _, step := range []struct {
		after  time.Duration
		source string
		name   string
		hashes int
	}{
		{0, home, "ann", 1},
		{0, home, "ANN", 0},
		{time.Minute - 1, "192.0.2.1:100", "ann", 0},
		{0, away, "ann", 1},
		{1, home, "ann", 1}, // the minute is not begun anew by each login
		{0, home, "ann", 0},
		{-time.Hour, home, "ann", 1}, // the clock was set back
		{0, home, "ann", 0},
	} {
		pass(step.after)
		if hashes, err := login(step.source, step.name, good); err != nil || hashes != step.hashes {
			t.Errorf("%+v: %v after %d hashes", step, err, hashes)
		}
	}
	a.Proofs = nil
	for range 2 {
		if hashes, err := login(home, "ann", good); err != nil || hashes != 1 {
			t.Errorf("without proofs: %v after %d hashes", err, hashes)
		}
	}
}

// TestRememberedIsNoHint guesses an account whose password is remembered: each
// wrong one takes a hash and counts, as for one that is not there, and after
// the first nothing is remembered, so that no number of them that nobody waits
// for tells more than one.
func TestRememberedIsNoHint(t *testing.T) {
	_, a, _, login := remembering(t)
	for range 2 {
		if _, err := login(home, "ann", good); err != nil {
			t.Fatal(err)
		}
	}
	if hashes, err := login(home, "ann", good+"!"); err != errWrong || hashes != 1 {
		t.Errorf("a wrong password: %v after %d hashes", err, hashes)
	}
	if hashes, err := login(home, "ann", good); err != nil || hashes != 1 {
		t.Errorf("the right one after it: %v after %d hashes", err, hashes)
	}
	// One guess finds no place; the right password after it is no longer known.
	a.Turns.Share = 0
	end, _, err := a.Turns.Take(t.Context(), "192.0.2.1", "other", false)
	if err != nil {
		t.Fatal(err)
	}
	if hashes, err := login(home, "ann", "guess"); err != admin.ErrBusy || hashes != 0 {
		t.Errorf("a guess without a place: %v after %d hashes", err, hashes)
	}
	if hashes, err := login(home, "ann", good); err != admin.ErrBusy || hashes != 0 {
		t.Errorf("the right one after it: %v after %d hashes", err, hashes)
	}
	end(false)
	for range 5 {
		if hashes, err := login(home, "ann", "guess"); err != errWrong || hashes != 1 {
			t.Errorf("guessing: %v after %d hashes", err, hashes)
		}
	}
	if hashes, err := login(home, "ann", good); !errors.Is(err, admin.ErrGuessing) || hashes != 0 {
		t.Errorf("after five guesses: %v after %d hashes", err, hashes)
	}
}

// TestWaitBeforeRemembered has a pair wait whose password is remembered.
func TestWaitBeforeRemembered(t *testing.T) {
	_, a, _, login := remembering(t)
	if _, err := login(home, "ann", good); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		a.Guard.Failed(a.Now(), "ann", home)
	}
	if _, err := login(home, "ann", good); !errors.Is(err, admin.ErrGuessing) {
		t.Errorf("who has to wait is told what is remembered: %v", err)
	}
}

// TestRememberedUntilChanged changes an account whose password is remembered.
func TestRememberedUntilChanged(t *testing.T) {
	const better = "a better pony battery"
	for _, row := range []struct {
		name    string
		changes []sutler.AccessChange
		old     error // what the old password gives then
		hashes  int
	}{
		{"another password", []sutler.AccessChange{{Verb: sutler.SetPassword, Name: "ann", Secret: better}}, errWrong, 1},
		{"the same password again", []sutler.AccessChange{{Verb: sutler.SetPassword, Name: "ann", Secret: good}}, nil, 1},
		{"disabled", []sutler.AccessChange{{Verb: sutler.DisableAccount, Name: "ann"}}, errWrong, 1},
		{"disabled and enabled", []sutler.AccessChange{{Verb: sutler.DisableAccount, Name: "ann"}, {Verb: sutler.EnableAccount, Name: "ann"}}, nil, 1},
		{"deleted", []sutler.AccessChange{{Verb: sutler.DeleteAccount, Name: "ann"}}, errWrong, 1},
		{"deleted and a group", []sutler.AccessChange{{Verb: sutler.DeleteAccount, Name: "ann"}, group("ann")}, errWrong, 1},
		{"deleted and added", []sutler.AccessChange{{Verb: sutler.DeleteAccount, Name: "ann"}, user("ann")}, nil, 1},
		{"nothing of it", []sutler.AccessChange{user("bob")}, nil, 0},
	} {
		in, _, _, login := remembering(t)
		for i := range 2 {
			if hashes, err := login(home, "ann", good); err != nil || hashes != 1-i {
				t.Fatalf("%s: %v after %d hashes", row.name, err, hashes)
			}
		}
		for i, c := range row.changes { // with the same salt
			in.Now = func() time.Time { return time.Unix(1_700_000_001+int64(i), 0) }
			in.must(t, c)
		}
		if hashes, err := login(home, "ann", good); err != row.old || hashes != row.hashes {
			t.Errorf("%s: %v after %d hashes, want %v after %d", row.name, err, hashes, row.old, row.hashes)
		}
	}
}

// TestProofsAreBounded remembers more than two: the oldest is forgotten.
func TestProofsAreBounded(t *testing.T) {
	in, _, pass, login := remembering(t)
	in.must(t, user("bob"))
	in.must(t, user("cid"))
	for _, step := range []struct {
		name   string
		hashes int
	}{{"ann", 1}, {"bob", 1}, {"ann", 0}, {"cid", 1}, {"bob", 0}, {"cid", 0}, {"ann", 1}, {"cid", 0}, {"bob", 1}} {
		pass(time.Second)
		if hashes, err := login(home, step.name, good); err != nil || hashes != step.hashes {
			t.Errorf("%+v: %v after %d hashes", step, err, hashes)
		}
	}
}

// TestProofs has proofs without a key, and accounts as the store has them.
func TestProofs(t *testing.T) {
	if _, err := admin.NewProofs(strings.NewReader("short"), time.Minute, 2); err == nil {
		t.Error("a key of five bytes is taken")
	}
	one, err1 := admin.NewProofs(strings.NewReader(strings.Repeat("a", 32)), time.Minute, 2)
	if err1 != nil {
		t.Fatal(err1)
	}
	now, acct := time.Unix(1_700_000_000, 0), &security.Account{Name: "ann", Hash: "h"}
	one.Keep(now, "s", acct, "p")
	if one.Holds(now, "s", nil, "p") || !one.Holds(now, "s", acct, "p") {
		t.Error("nobody's password is held, or ann's is not")
	}
	if one.Holds(now, "s", &security.Account{Name: "ann", Hash: "another"}, "p") {
		t.Error("a password is held that has another hash by now")
	}
}
