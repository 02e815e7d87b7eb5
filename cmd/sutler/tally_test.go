package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/admin"
	"sutler/login"
)

// TestTally notes a flood: it is told each second at most, and each time
// counts once.
func TestTally(t *testing.T) {
	var f tally
	now := time.Unix(1_700_000_000, 0)
	var told []string
	for _, step := range []struct {
		after time.Duration
		times int
	}{{0, 30_000}, {time.Second - 1, 7}, {1, 2}, {time.Minute, 1}, {0, 3}, {-time.Hour, 1}} {
		now = now.Add(step.after)
		for range step.times {
			if n := f.note(now); n > 0 {
				told = append(told, fmt.Sprint(n))
			}
		}
	}
	if got, want := strings.Join(told, " "), "1 30007 2 4"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// saying are accounts that give an error.
type saying struct {
	login.Accounts
	err error
}

func (s saying) Password(context.Context, string, string, string) (sutler.Caller, error) {
	return sutler.Caller{}, s.err
}

// TestTurnedAwayInTheLog has many logins find no place, or leave: a line tells of
// them. A wrong password has a line and a record of its own, also when its
// caller has gone.
func TestTurnedAwayInTheLog(t *testing.T) {
	s := newServed(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	gone, leave := context.WithCancel(t.Context())
	leave()
	fail := func(ctx context.Context, err error) {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil)
		r.SetBasicAuth("bob", "hush-hush")
		_, err = (&login.Local{Accounts: saying{err: err}, Basic: true}).Authenticate(r)
		s.notLetIn(r, err, logger)
	}
	for range 10 {
		fail(t.Context(), admin.ErrBusy)
		fail(gone, context.Canceled)
	}
	told := 0
	for line := range strings.Lines(log.String()) {
		var n int
		_, count, _ := strings.Cut(line, "count=")
		if _, err := fmt.Sscan(count, &n); err != nil {
			t.Errorf("told %q: %v", line, err)
		}
		told += n
	}
	if told == 0 || told+s.turnedAway.count != 20 {
		t.Errorf("%d of 20 logins are told, %d are counted", told, s.turnedAway.count)
	}
	log.Reset()
	fail(gone, login.ErrWrong)
	if !strings.Contains(log.String(), "account=bob") {
		t.Errorf("a wrong password is told as %q", log.String())
	}
	s.end()
}
