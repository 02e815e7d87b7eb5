package security_test

import (
	"fmt"
	"testing"
	"time"

	"sutler/security"
)

// flood fails n times for account, each time from another source.
func (a *attempts) flood(n int, account string) {
	for i := range n {
		a.fail(1, account, fmt.Sprintf("10.0.%d.%d", i/256, i%256))
	}
}

// TestAccountUnderAttack has more than 100 failures of an account: a source has
// one more try, but for those that it knows, and none is kept from its first.
func TestAccountUnderAttack(t *testing.T) {
	a := newAttempts(t, security.Limits{})
	a.guard.Succeeded(a.now, "ann", home)
	a.now = a.now.Add(time.Hour)
	a.flood(99, "ann")
	a.fail(1, "ann", office) // the hundredth
	a.wants(0, "ann", office)
	a.fail(1, "ann", office)
	a.wants(15*time.Minute, "ann", office)
	for i := range 1000 {
		source := fmt.Sprintf("2001:db8:0:%x::1", i)
		a.wants(0, "ann", source)
		a.fail(1, "ann", source)
		a.wants(15*time.Minute, "ann", source)
	}
	a.wants(0, "ann", nowhere)
	a.fail(1, "bob", office)
	a.wants(0, "bob", office)
	// What succeeded for another account is not known to this one.
	a.guard.Succeeded(a.now, "bob", nowhere)
	a.fail(1, "ann", nowhere)
	a.wants(15*time.Minute, "ann", nowhere)

	// The pair of a known source counts by itself.
	a.fail(4, "ann", home)
	a.wants(0, "ann", home)
	a.fail(1, "ann", home)
	a.wants(time.Second, "ann", home)
	a.now = a.now.Add(time.Second)
	a.fail(1, "ann", home)
	a.wants(2*time.Second, "ann", home)

	a.now = a.now.Add(15*time.Minute - time.Second)
	for _, source := range []string{office, nowhere} {
		a.wants(0, "ann", source)
		a.fail(1, "ann", source) // those before are out of the window
		a.wants(0, "ann", source)
	}
}

// TestOneSourceIsNoAttack has few sources fail as often as they may: of each
// count five in a row.
func TestOneSourceIsNoAttack(t *testing.T) {
	a := newAttempts(t, security.Limits{Window: 1000 * time.Hour})
	tries := func(sources int) {
		for i := range sources {
			for source := fmt.Sprintf("10.0.0.%d", i); a.wait("ann", source) == 0; {
				a.fail(1, "ann", source)
			}
		}
	}
	for range 200 {
		tries(19) // 95 count
		a.now = a.now.Add(15 * time.Minute)
	}
	a.fail(4, "ann", office)
	a.wants(0, "ann", office)
	a.fail(1, "ann", office) // the hundredth, and its own fifth
	a.wants(time.Second, "ann", office)
	a.fail(1, "ann", nowhere)
	a.wants(15*time.Minute, "ann", nowhere)
	a.wants(0, "ann", home)
}

// TestKnows asks which accounts have logged in from where.
func TestKnows(t *testing.T) {
	a := newAttempts(t, security.Limits{Trust: time.Hour})
	a.fail(1, "bob", home)
	a.guard.Succeeded(a.now, "ann", home)
	for _, row := range []struct {
		after  time.Duration
		name   string
		source string
		want   bool
	}{
		{0, "ann", home, true}, {0, "ANN", home, true}, {0, "ann", "198.51.100.77:9", false}, {0, "bob", home, false},
		{0, "nobody", home, false}, {time.Hour, "ann", home, true}, {1, "ann", home, false},
	} {
		a.now = a.now.Add(row.after)
		if got := a.guard.Knows(a.now, row.name, row.source); got != row.want {
			t.Errorf("%+v: %t", row, got)
		}
	}
}

// TestKnownSource has a source that succeeded for an account keep its own
// counter only, for 30 days from the last success.
func TestKnownSource(t *testing.T) {
	const days = 24 * time.Hour
	a := newAttempts(t, security.Limits{})
	a.guard.Succeeded(a.now, "ann", home)
	a.now = a.now.Add(20 * days)
	a.guard.Succeeded(a.now, "ann", home)
	a.now = a.now.Add(30 * days)
	a.flood(200, "ann")
	for i := range 50 {
		a.fail(1, fmt.Sprint("user", i), home)
	}
	a.wants(0, "ann", home)
	a.fail(1, "ann", home)
	a.wants(0, "ann", home)
	a.wants(time.Second, "bob", home)
	a.now = a.now.Add(1)
	a.wants(time.Second-1, "ann", home)
	a.now = a.now.Add(time.Second)
	a.fail(1, "ann", home)
	a.wants(15*time.Minute, "ann", home)
}
