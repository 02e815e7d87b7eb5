package store_test

import (
	"testing"

	"sutler"
)

// TestNothingIsAcknowledgedAfterAFailure lets the log fail and tries
// everything else that writes: a disk that lost one commit may lose the next.
func TestNothingIsAcknowledgedAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	alter(t, dir, "ALTER TABLE log RENAME TO elsewhere")
	wantCode(t, "Append", s.Append(t.Context(), l, record("{a}", sutler.Began)), sutler.LogFailed)
	alter(t, dir, "ALTER TABLE elsewhere RENAME TO log")
	wantCode(t, "SetSetting", s.SetSetting(t.Context(), "limit.depth", "7"), sutler.LogFailed, "can be written again")
	_, err := s.Lease(t.Context(), "e")
	wantCode(t, "Lease", err, sutler.LogFailed)
	_, err = s.PutNamespaces(t.Context(), 0)
	wantCode(t, "PutNamespaces", err, sutler.LogFailed)
	closeStore(t, s)
	s = open(t, dir)
	if all, err := s.Settings(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("Settings = %v, %v, want none", all, err)
	}
}
