package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler/audit"
)

// notebook keeps what is recorded, a line each.
type notebook struct {
	lines []string
	err   error
}

func (n *notebook) write(r audit.RefusalRecord) error {
	if n.err != nil {
		return n.err
	}
	n.lines = append(n.lines, fmt.Sprintf("%s/%s %s: %s", r.Caller, r.Trustee, r.What, r.Text))
	return nil
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func guess(account, source string) audit.Refused {
	return audit.Refused{What: "log in", Method: "password", Claimed: account, Source: source, Reason: "wrong name or secret"}
}

// TestRefusalsAreCounted notes refusals over two windows: the first of a kind
// is written at once, the others as one when the window is over.
func TestRefusalsAreCounted(t *testing.T) {
	var n notebook
	r := audit.NewRefusals(n.write, nil)
	step := func(after time.Duration, all bool, want ...string) {
		t.Helper()
		n.lines = nil
		if err := r.Flush(noon.Add(after), all); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, n.lines); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", after, diff)
		}
	}
	r.Note(noon, guess("ann", "10.0.0.1:4711"))
	r.Note(noon.Add(time.Second), guess("ANN", "10.0.0.1:4712"))
	r.Note(noon.Add(2*time.Second), guess("ann", "10.0.0.1:4713"))
	r.Note(noon.Add(3*time.Second), guess("ann", "[2001:db8::1]:1"))
	r.Note(noon.Add(3*time.Second), guess("ann", "[2001:db8::2]:1"))
	r.Note(noon.Add(3*time.Second), guess("bob\n", "10.0.0.1:4711"))
	locked := guess("ann", "10.0.0.1:4714")
	locked.What = "log in while locked out"
	r.Note(noon.Add(4*time.Second), locked)
	role := audit.Refused{What: "use GET /v1/audit", Caller: "eve", Source: "10.0.0.1:9", Reason: "role"}
	r.Note(noon.Add(4*time.Second), role)
	step(5*time.Second, false,
		"/ann log in: password: wrong name or secret, from 10.0.0.1:4711",
		"/ann log in: password: wrong name or secret, from [2001:db8::1]:1",
		`/bob\n log in: password: wrong name or secret, from 10.0.0.1:4711`,
		"/ann log in while locked out: password: wrong name or secret, from 10.0.0.1:4714",
		"eve/eve use GET /v1/audit: role, from 10.0.0.1:9")
	step(10*time.Minute-time.Second, false)
	step(10*time.Minute, false,
		"/ann log in: 2 from 2026-01-02T12:00:01Z to 2026-01-02T12:00:02Z more, the last: password: wrong name or secret, from 10.0.0.1:4713",
		"/ann log in: 1 from 2026-01-02T12:00:03Z to 2026-01-02T12:00:03Z more, the last: password: wrong name or secret, from [2001:db8::2]:1")
	r.Note(noon.Add(11*time.Minute), guess("ann", "10.0.0.1:4711"))
	r.Note(noon.Add(12*time.Minute), guess("ann", "10.0.0.1:4711"))
	step(13*time.Minute, false, "/ann log in: password: wrong name or secret, from 10.0.0.1:4711")
	step(13*time.Minute, true,
		"/ann log in: 1 from 2026-01-02T12:12:00Z to 2026-01-02T12:12:00Z more, the last: password: wrong name or secret, from 10.0.0.1:4711")
	// The next refusal ends a window, too, and so does a clock that was set back.
	r.Note(noon.Add(14*time.Minute), guess("ann", "10.0.0.1:4711"))
	r.Note(noon.Add(time.Minute), guess("ann", "10.0.0.1:4711"))
	step(time.Minute, false,
		"/ann log in: password: wrong name or secret, from 10.0.0.1:4711",
		"/ann log in: password: wrong name or secret, from 10.0.0.1:4711")
}

// TestFloodOfRefusals tries twenty thousand names from as many networks: few
// records come of it, and refusals of callers whose name is proved are among
// them.
func TestFloodOfRefusals(t *testing.T) {
	var n notebook
	r := audit.NewRefusals(n.write, nil)
	for i := range 20_000 {
		r.Note(noon.Add(time.Duration(i)*time.Millisecond), guess(strings.Repeat("x", 10_000)[:i%10_000]+fmt.Sprint(i), fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)))
	}
	r.Note(noon.Add(100*time.Second), audit.Refused{What: "use GET /v1/audit", Caller: "eve", Reason: "role"})
	if err := r.Flush(noon.Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	if len(n.lines) != 52 {
		t.Fatalf("%d records, want 52", len(n.lines))
	}
	want := []string{
		"eve/eve use GET /v1/audit: role",
		"/ log in: 19950 from 2026-01-02T12:00:00Z to 2026-01-02T12:00:19Z more, of accounts and networks beyond the first 50 kinds; the log of the server has each of them",
	}
	if diff := cmp.Diff(want, n.lines[50:]); diff != "" {
		t.Errorf("the last records (-want +got):\n%s", diff)
	}
	for _, line := range n.lines {
		if len(line) > 1000 {
			t.Errorf("a record of %d bytes", len(line))
		}
	}
}

// TestRefusalsWait cannot write for a while: records wait, those that are too
// many are dropped, and that is said.
func TestRefusalsWait(t *testing.T) {
	n := notebook{err: errors.New("no lease")}
	r := audit.NewRefusals(n.write, nil)
	at := noon
	for range 10 {
		for i := range 50 {
			r.Note(at, guess(fmt.Sprint(i), "10.0.0.1"))
		}
		if err := r.Flush(at, false); err == nil {
			t.Fatal("Flush hides that it cannot write")
		}
		at = at.Add(time.Hour)
	}
	n.err = nil
	if err := r.Flush(at, false); err != nil {
		t.Fatal(err)
	}
	if len(n.lines) != 301 || n.lines[300] != "/ log in: 200 refusals are not recorded: the audit log could not be written for too long" {
		t.Errorf("%d records, the last %q", len(n.lines), n.lines[len(n.lines)-1])
	}
	n.lines = nil
	if err := r.Flush(at, false); err != nil || n.lines != nil {
		t.Errorf("written twice: %v %v", n.lines, err)
	}
}

// TestRefusalsKeepNobodyWaiting takes note while a record is being written, and
// writes what is counted when it ends.
func TestRefusalsKeepNobodyWaiting(t *testing.T) {
	writing, goOn := make(chan struct{}), make(chan struct{})
	var n notebook
	r := audit.NewRefusals(func(rec audit.RefusalRecord) error {
		if n.lines == nil {
			close(writing)
			<-goOn
		}
		return n.write(rec)
	}, nil)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx, func() time.Time { return noon }); close(ended) }()
	r.Note(noon, guess("ann", "10.0.0.1"))
	<-writing
	for range 1000 {
		r.Note(noon, guess("ann", "10.0.0.1")) // would hang
	}
	end()
	close(goOn)
	<-ended
	if len(n.lines) != 2 || !strings.Contains(n.lines[1], " 1000 from ") {
		t.Errorf("recorded: %q", n.lines)
	}
}
