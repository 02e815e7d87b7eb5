package login_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sutler/login"
)

// TestMemorySessions reaches the bound: then the one that is idle longest goes.
func TestMemorySessions(t *testing.T) {
	const most = 100_000
	var s login.MemorySessions
	at := func(i int) time.Time { return time.Unix(int64(i), 0) }
	for i := range most {
		if err := s.Put(t.Context(), fmt.Sprint(i), login.Session{Seen: at(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Touch(t.Context(), "0", at(2*most)); err != nil { // now 1 is idle longest
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "one more", login.Session{Seen: at(3 * most)}); err != nil {
		t.Fatal(err)
	}
	_, kept := s.Get(t.Context(), "0")
	_, gone := s.Get(t.Context(), "1")
	if s.Len() != most || kept != nil || !errors.Is(gone, login.ErrNoSession) {
		t.Errorf("%d sessions, the touched one: %v, the idle one: %v", s.Len(), kept, gone)
	}
}
