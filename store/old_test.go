package store_test

import (
	"os"
	"testing"

	"sutler"
)

// TestOldDatabase opens a database of the first form, with two leases, a
// finished and an unfinished transaction.
func TestOldDatabase(t *testing.T) {
	dir := t.TempDir()
	old, err := os.ReadFile("testdata/v1.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(database(dir), old, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := open(t, dir)
		wantKinds(t, s, "{a}", "began stepStarted stepDone committed")
		wantKinds(t, s, "{b}", "began stepStarted")
		if id, err := s.Find(t.Context(), "bob", "c-1"); err != nil || id != "{a}" {
			t.Errorf("Find = %v, %v, want {a}", id, err)
		}
		if ids, err := s.Unfinished(t.Context(), "e", "", 9); err != nil || len(ids) != 1 || ids[0] != "{b}" {
			t.Errorf("Unfinished = %v, %v", ids, err)
		}
		if got, err := s.Settings(t.Context()); err != nil || got["limit.depth"] != "7" {
			t.Errorf("Settings = %v, %v", got, err)
		}
		if l := lease(t, s, "e"); l.Fence < 3 {
			t.Errorf("the next lease is %d, and 2 was given before", l.Fence)
		}
		closeStore(t, s)
	}
}

// TestOldDamage opens a database of the first form with a damaged row, which
// must not be taken for whole.
func TestOldDamage(t *testing.T) {
	dir := t.TempDir()
	old, err := os.ReadFile("testdata/v1.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(database(dir), old, 0o600); err != nil {
		t.Fatal(err)
	}
	alter(t, dir, "UPDATE log SET records = CAST(substr(records, 1, 9) || x'AA' || substr(records, 11) AS BLOB) WHERE sequence = 2")
	s := open(t, dir)
	_, err = s.Records(t.Context(), "{a}")
	wantCode(t, "Records", err, sutler.Corrupt, "{a}", "group 1.2")
	wantKinds(t, s, "{b}", "began stepStarted")
}
