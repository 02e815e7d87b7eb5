package security_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler/security"
)

// attempts plays with a Guard against a clock of its own.
type attempts struct {
	*testing.T
	guard *security.Guard
	now   time.Time
}

func newAttempts(t *testing.T, limits security.Limits) *attempts {
	return &attempts{t, security.NewGuard(limits), time.Date(2031, 3, 4, 12, 0, 0, 0, time.UTC)}
}

func (a *attempts) wait(account, source string) time.Duration {
	return a.guard.Allow(a.now, account, source)
}

func (a *attempts) wants(want time.Duration, account, source string) {
	a.Helper()
	if got := a.wait(account, source); got != want {
		a.Errorf("%s from %s waits %s, want %s", account, source, got, want)
	}
}

func (a *attempts) fail(n int, account, source string) {
	for range n {
		a.guard.Failed(a.now, account, source)
	}
}

const (
	home    = "192.0.2.1"
	office  = "198.51.100.7"
	nowhere = "203.0.113.9"
)

// doubling are the waits from a limit on.
var doubling = []time.Duration{
	1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second,
	128 * time.Second, 256 * time.Second, 512 * time.Second, 15 * time.Minute, 15 * time.Minute, 15 * time.Minute,
}

func TestPairWaits(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	for range 4 {
		a.fail(1, "ann", home)
		a.wants(0, "ann", home)
	}
	for _, want := range doubling {
		a.fail(1, "ann", home)
		a.wants(want, "ann", home)
		a.wants(0, "ann", office)
		a.wants(0, "bob", home)
		a.now = a.now.Add(want - 1)
		a.wants(1, "ann", home)
		a.now = a.now.Add(1)
		a.wants(0, "ann", home)
	}
	a.fail(1, "ann", home)
	a.now = a.now.Add(24 * time.Hour) // a night's sleep forgives nothing
	a.wants(0, "ann", home)
	a.fail(1, "ann", home)
	a.wants(15*time.Minute, "ann", home)
}

func TestSuccessEndsThePairsWait(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	a.fail(4, "ann", home)
	a.guard.Succeeded(a.now, "ann", home)
	a.fail(4, "ann", home)
	a.wants(0, "ann", home)
	a.fail(1, "ann", home)
	a.wants(time.Second, "ann", home)
	a.guard.Succeeded(a.now, "ann", office)
	a.wants(time.Second, "ann", home)
	a.guard.Succeeded(a.now, "ann", home)
	a.wants(0, "ann", home)
}

// TestFailuresAtOnce has more tries fail at the same time than may: the waits
// are as if all but the first that makes one wait had not been.
func TestFailuresAtOnce(t *testing.T) {
	for _, row := range []struct {
		what            string
		fail            func(a *attempts)
		account, source string
	}{
		{"a pair", func(a *attempts) { a.fail(300, "ann", home) }, "ann", home},
		{"a source", func(a *attempts) {
			for i := range 300 {
				a.fail(1, fmt.Sprint("user", i), home)
			}
		}, "ann", home},
	} {
		a := newAttempts(t, security.Limits{})
		row.fail(a)
		for _, want := range doubling[:8] {
			a.wants(want, row.account, row.source)
			a.now = a.now.Add(want)
			a.wants(0, row.account, row.source)
			a.fail(1, row.account, row.source)
		}
	}
}

func TestSourceWaits(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	for i := range 49 {
		a.fail(1, fmt.Sprint("user", i), home)
		a.wants(0, "ann", home)
	}
	for i, want := range doubling[:10] { // 511 seconds but for the last
		a.fail(1, fmt.Sprint("other", i), home)
		a.wants(want, "ann", home)
		a.wants(0, "ann", office)
		a.now = a.now.Add(want - 1)
		a.wants(1, "ann", home)
		if i < 9 {
			a.now = a.now.Add(1)
		}
	}
	// An account of one's own does not help to go on with others.
	a.guard.Succeeded(a.now, "mallory", home)
	a.wants(1, "ann", home)
	a.now = a.now.Add(10 * time.Minute)
	a.wants(0, "ann", home)
	a.fail(1, "other", home) // those before are out of the window
	a.wants(0, "ann", home)
}

// TestLoopbackIsShared has somebody on the host guess: only the pair waits, as
// everybody there has the address.
func TestLoopbackIsShared(t *testing.T) {
	for _, source := range []string{"127.0.0.1:4711", "127.8.9.10", "[::1]:4711", "::1", "::ffff:127.0.0.1"} {
		a := newAttempts(t, security.Limits{})
		for i := range 500 {
			a.fail(1, fmt.Sprint("user", i), source)
		}
		a.wants(0, "admin", source)
		a.fail(5, "admin", source)
		a.wants(time.Second, "admin", source)
		a.wants(0, "ann", source)
		a.wants(0, "admin", home)
	}
	a := newAttempts(t, security.Limits{})
	for i := range 50 {
		a.fail(1, fmt.Sprint("user", i), "128.0.0.1")
	}
	a.wants(time.Second, "admin", "128.0.0.1")
}

// TestSourceCountsAWindow has failures count for 10 minutes, and not for more
// than a tenth longer.
func TestSourceCountsAWindow(t *testing.T) {
	for _, row := range []struct {
		quiet time.Duration
		want  time.Duration
	}{{10 * time.Minute, time.Second}, {11 * time.Minute, 0}, {240 * time.Hour, 0}} {
		a := newAttempts(t, security.Limits{})
		a.now = a.now.Add(59 * time.Second)
		for i := range 49 {
			a.fail(1, fmt.Sprint("user", i), home)
		}
		a.now = a.now.Add(row.quiet)
		a.fail(1, "user", home)
		a.wants(row.want, "ann", home)
	}
	a := newAttempts(t, security.Limits{})
	for i := range 200 { // one in 15 seconds: 40 to 44 at a time
		a.fail(1, fmt.Sprint("user", i), home)
		a.wants(0, "ann", home)
		a.now = a.now.Add(15 * time.Second)
	}
}

// TestALaterFailureChangesNoWait has a known source fail, which the source's
// wait does not hold up.
func TestALaterFailureChangesNoWait(t *testing.T) {
	a := newAttempts(t, security.Limits{FirstWait: 5 * time.Minute})
	a.guard.Succeeded(a.now, "ann", home)
	for i := range 50 {
		a.fail(1, fmt.Sprint("user", i), home)
	}
	a.now = a.now.Add(2 * time.Minute)
	a.fail(1, "ann", home)
	a.wants(3*time.Minute, "bob", home)
}

func TestSourcesOfOneNetwork(t *testing.T) {
	for _, row := range []struct {
		one, other string
		same       bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "[2001:db8:1:2::2]:4711", true},
		{"2001:db8:1:2::1", "2001:DB8:0001:2:0::1", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"192.0.2.1", "192.0.2.1:4711", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "[::ffff:192.0.2.1]:4711", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"@", "@", true},
		{"@", "", false},
		{"unix:a", "unix:b", false},
	} {
		a := newAttempts(t, security.Limits{})
		a.fail(5, "ann", row.one)
		if got := a.wait("ann", row.other) > 0; got != row.same {
			t.Errorf("%s and %s are one source: %t, want %t", row.one, row.other, got, row.same)
		}
		if got := security.Source(row.one) == security.Source(row.other); got != row.same {
			t.Errorf("%s and %s have one name: %t, want %t", row.one, row.other, got, row.same)
		}
	}
}

func TestAccountsInWhateverCase(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	a.fail(3, `corp\ann`, home)
	a.fail(2, `CORP\Ann`, home)
	a.wants(time.Second, `Corp\ANN`, home)
	a.wants(0, "ann", home)
	a.wants(0, "", home)
	// Where the one name ends and the other begins counts.
	a.fail(5, "bob"+"un", "ix:a")
	a.wants(0, "bob", "unix:a")
}

// TestOldestIsForgotten has three of each remembered.
func TestOldestIsForgotten(t *testing.T) {
	few := security.Limits{Entries: 3, PairFailures: 1, SourceFailures: 2, AccountFailures: 1}
	t.Run("pairs", func(t *testing.T) {
		a := newAttempts(t, few)
		a.fail(1, "a", "1")
		a.fail(1, "b", "2")
		a.fail(1, "c", "3")
		a.fail(1, "a", "1") // touched again
		a.fail(1, "d", "4")
		a.wants(0, "b", "2")
		a.wants(time.Second, "a", "1")
		a.wants(time.Second, "c", "3")
		a.wants(time.Second, "d", "4")
	})
	t.Run("sources", func(t *testing.T) {
		a := newAttempts(t, few)
		for _, source := range []string{"1", "2", "3", "4"} {
			a.fail(1, "a"+source, source)
			a.fail(1, "b"+source, source)
		}
		a.wants(0, "new", "1")
		a.wants(time.Second, "new", "2")
		a.wants(time.Second, "new", "4")
	})
	t.Run("accounts", func(t *testing.T) {
		a := newAttempts(t, security.Limits{Entries: 3, AccountFailures: 1})
		for _, account := range []string{"a", "b", "c", "d"} {
			a.fail(1, account, "1")
		}
		for _, account := range []string{"d", "c", "b"} {
			a.fail(1, account, "2")
			a.wants(15*time.Minute, account, "2")
		}
		a.fail(1, "a", "2")
		a.wants(0, "a", "2")
	})
	t.Run("known sources", func(t *testing.T) {
		a := newAttempts(t, security.Limits{Entries: 3, AccountFailures: 1})
		for _, source := range []string{"1", "2", "3", "4"} {
			a.guard.Succeeded(a.now, "ann", source)
		}
		for i := range 10 { // failures push out nobody who is known
			a.fail(1, fmt.Sprint(i), fmt.Sprint(i))
		}
		a.fail(1, "ann", "5")
		a.fail(1, "ann", "6")
		a.fail(1, "ann", "1")
		a.wants(15*time.Minute, "ann", "1")
		a.fail(1, "ann", "2")
		a.wants(0, "ann", "2")
		a.fail(1, "ann", "4")
		a.wants(0, "ann", "4")
	})
}

func TestHundredThousandAreRemembered(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	a.fail(5, "first", home)
	for i := range 99_999 {
		a.fail(1, fmt.Sprint("user", i), fmt.Sprint("source", i))
	}
	a.wants(time.Second, "first", home)
	a.fail(1, "one more", "one more")
	a.wants(0, "first", home)
}

// TestUnknownAccount has a long name that nobody has wait as any other.
func TestUnknownAccount(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	a.fail(5, "no such account "+strings.Repeat("x", 1<<16), home)
	a.wants(time.Second, "no such account "+strings.Repeat("x", 1<<16), home)
	a.wants(0, "no such account "+strings.Repeat("x", 1<<16-1), home)
}

func TestClockSetBack(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	for i := range 49 {
		a.fail(1, fmt.Sprint("user", i), home)
	}
	a.fail(5, "ann", office)
	a.now = a.now.Add(-24 * time.Hour)
	a.wants(15*time.Minute, "ann", office)
	a.fail(1, "user", home)
	a.wants(time.Second, "bob", home)
	a.now = time.Time{}
	a.fail(1, "user", nowhere)
	a.wants(0, "bob", nowhere)
}

func TestGuardLimits(t *testing.T) {
	a := newAttempts(t, security.Limits{PairFailures: 2, FirstWait: time.Minute, MaxWait: 3 * time.Minute})
	a.fail(1, "ann", home)
	a.wants(0, "ann", home)
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute} {
		a.fail(1, "ann", home)
		a.wants(want, "ann", home)
		a.now = a.now.Add(want)
	}
	a = newAttempts(t, security.Limits{Window: time.Minute, SourceFailures: 2, Trust: time.Minute})
	a.guard.Succeeded(a.now, "ann", home)
	a.fail(1, "b", home)
	a.now = a.now.Add(66 * time.Second)
	a.fail(1, "c", home)
	a.wants(0, "ann", home)
	a.fail(1, "d", home)
	a.wants(time.Second, "ann", home) // a minute's trust is over
	a = newAttempts(t, security.Limits{PairFailures: 1, FirstWait: time.Hour, MaxWait: time.Minute})
	a.fail(1, "ann", home)
	a.wants(time.Minute, "ann", home)
}

// TestGuardMeanwhile has many tell at the same time; every failure counts.
func TestGuardMeanwhile(t *testing.T) {
	const each = 5000
	a := newAttempts(t, security.Limits{PairFailures: 8 * each, SourceFailures: 1 << 20, AccountFailures: 1 << 20})
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range 8 {
		user := fmt.Sprint("user", i)
		wg.Go(func() {
			<-start
			for range each {
				a.guard.Allow(a.now, "ann", home)
				a.guard.Failed(a.now, "ann", home)
				a.guard.Failed(a.now, user, office)
				a.guard.Succeeded(a.now, user, office)
			}
		})
	}
	close(start)
	wg.Wait()
	a.wants(time.Second, "ann", home)
	a.guard.Succeeded(a.now, "ann", home)
	a.fail(8*each-1, "ann", home)
	a.wants(0, "ann", home)
}

func FuzzGuard(f *testing.F) {
	f.Add("ann", "[2001:db8::1%eth0]:80")
	f.Add("", "::ffff:192.0.2.1")
	f.Fuzz(func(t *testing.T, account, source string) {
		a := newAttempts(t, security.Limits{})
		a.fail(5, account, source)
		a.wants(time.Second, account, source)
		a.guard.Succeeded(a.now, account, source)
		a.wants(0, account, source)
	})
}
