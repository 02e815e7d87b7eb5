package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// TestMain runs the tests, or the program that TestKill kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		if err := appendForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	sutlertest.TestStore(t, func(t *testing.T) sutlertest.Place {
		return sutlertest.Directory{Dir: t.TempDir(), Make: func(t *testing.T, dir string) sutlertest.Storer { return open(t, dir) }}
	})
}

// stillClock is a clock that stands still.
func stillClock() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC) }

func database(dir string) string { return filepath.Join(dir, "sutler.db") }

// open opens the store in dir; the end of the test closes it.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: database(dir), Now: stillClock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// alter runs SQL behind the back of the store in dir.
func alter(t testing.TB, dir string, commands ...string) {
	t.Helper()
	alterFile(t, database(dir), commands...)
}

// indexFile is the file of the index of the store in dir.
func indexFile(dir string) string { return filepath.Join(dir, "sutler-index.db") }

// alterIndex runs SQL on the index of the store in dir.
func alterIndex(t testing.TB, dir string, commands ...string) {
	t.Helper()
	alterFile(t, indexFile(dir), commands...)
}

// forgetIndex empties the index, as if nothing had ever been indexed.
func forgetIndex(t testing.TB, dir string) {
	t.Helper()
	alterIndex(t, dir, "DELETE FROM tx", "DELETE FROM mark")
}

func alterFile(t testing.TB, file string, commands ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range commands {
		if _, err := db.Exec(c); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
}

// number asks a database file for a number.
func number(t testing.TB, file, query string) (n int64) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func lease(t testing.TB, s *store.Store, engine sutler.EngineID) sutler.Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAppend(t testing.TB, s *store.Store, l sutler.Lease, rs ...sutler.Record) {
	t.Helper()
	if err := s.Append(t.Context(), l, rs...); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

// record returns a record of that kind.
func record(id sutler.TransactionID, kind sutler.RecordKind) sutler.Record {
	return sutler.Record{Transaction: id, Kind: kind, At: stillClock(), Seq: 1, Type: sutler.Write}
}

// wantKinds compares the kinds of the records of a transaction, as one word each.
func wantKinds(t testing.TB, s *store.Store, id sutler.TransactionID, want string) {
	t.Helper()
	rs, err := s.Records(t.Context(), id)
	if err != nil {
		t.Errorf("Records(%s): %v", id, err)
		return
	}
	var kinds []string
	for _, r := range rs {
		kinds = append(kinds, r.Kind.String())
	}
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("records of %s are %q, want %q", id, got, want)
	}
}

func wantCode(t testing.TB, what string, err error, want sutler.Code, words ...string) {
	t.Helper()
	if got := sutler.CodeOf(err); got != want {
		t.Errorf("%s: code %s (%v), want %s", what, got, err, want)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
}

func TestSecondStoreIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	second, err := store.Open(t.Context(), store.Options{Path: database(dir)})
	if !errors.Is(err, store.ErrInUse) || second != nil || !strings.Contains(err.Error(), database(dir)) {
		t.Errorf("a second Open gives %v, %v", second, err)
	}
	mustAppend(t, first, lease(t, first, "e"), record("{a}", sutler.Began))
	closeStore(t, first)
	wantKinds(t, open(t, dir), "{a}", "began")
}

func TestFilesBelongToTheOwner(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "a b%20c?d#é&e=f")
	if runtime.GOOS == "windows" {
		dir = filepath.Join(t.TempDir(), "new", "a b%20c#é&e=f")
	}
	s := open(t, dir)
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.Began))
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		if info, err := f.Info(); err != nil || info.Mode().Perm() != mode(0o600, 0o666) {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if got, want := strings.Join(names, " "), "sutler-index.db sutler-index.db-shm sutler-index.db-wal sutler.db sutler.db-shm sutler.db-wal sutler.db.lock"; got != want {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != mode(0o700, 0o777) {
			t.Errorf("%s has mode %v, %v", d, info.Mode(), err)
		}
	}
}

// mode returns the mode that a file shows: windows knows no owner's mode.
func mode(unix, windows os.FileMode) os.FileMode {
	if runtime.GOOS == "windows" {
		return windows
	}
	return unix
}

func TestOpenSaysWhatItCannotDo(t *testing.T) {
	newer := t.TempDir()
	closeStore(t, open(t, newer))
	alter(t, newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
	foreign := t.TempDir()
	if err := os.WriteFile(database(foreign), []byte(strings.Repeat("not a database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	blocked := t.TempDir()
	if err := os.WriteFile(filepath.Join(blocked, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		database(newer):   "a newer sutler wrote it",
		database(foreign): "not a database",
		filepath.Join(blocked, "file", "below.db"): "file",
		blocked: "directory",
	} {
		s, err := store.Open(t.Context(), store.Options{Path: path})
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "cannot open database") {
			t.Errorf("Open(%s) = %v, %v; want an error with %q", path, s, err, want)
		}
	}
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir())
	l := lease(t, s, "e")
	closeStore(t, s)
	wantCode(t, "Append", s.Append(t.Context(), l, record("{a}", sutler.Began)), sutler.LogFailed, "closed")
	_, err := s.Lease(t.Context(), "e")
	wantCode(t, "Lease", err, sutler.Stopping, "closed")
	wantCode(t, "SetSetting", s.SetSetting(t.Context(), "a", "b"), sutler.Stopping)
}

func TestCancelledAppendIsWholeOrRefused(t *testing.T) {
	s := open(t, t.TempDir())
	l := lease(t, s, "e")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 50 {
		id := sutler.TransactionID(fmt.Sprintf("{%d}", i))
		if err := s.Append(ctx, l, record(id, sutler.Began), record(id, sutler.CommittedTx)); err != nil {
			wantCode(t, "Append", err, sutler.LogRefused, "canceled")
			wantKinds(t, s, id, "")
			continue
		}
		wantKinds(t, s, id, "began committed")
	}
}

// TestRecordsAfterTheEnd appends to a transaction that is finished and
// forgotten in memory.
func TestRecordsAfterTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.Began), record("{a}", sutler.CommittedTx), record("{b}", sutler.Refused), record("{c}", sutler.Began))
	for range 2 {
		closeStore(t, s)
		s = open(t, dir)
		mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.Refused), record("{b}", sutler.Refused), record("{c}", sutler.StepFlushed))
	}
	mustAppend(t, s, lease(t, s, "e"), record("{b}", sutler.Began))
	for range 2 {
		wantKinds(t, s, "{a}", "began committed refused refused")
		wantKinds(t, s, "{b}", "refused refused refused began")
		wantKinds(t, s, "{c}", "began stepFlushed stepFlushed")
		ids, err := s.Unfinished(t.Context(), "e", "", 10)
		if err != nil || fmt.Sprint(ids) != "[{b} {c}]" {
			t.Errorf("Unfinished = %v, %v", ids, err)
		}
		txs, err := s.Transactions(t.Context(), sutler.Filter{Status: sutler.Committed})
		if err != nil || len(txs) != 1 || txs[0].ID != "{a}" {
			t.Errorf("committed are %+v, %v", txs, err)
		}
		closeStore(t, s)
		s = open(t, dir)
	}
}

// TestLateEffectAfterTheEnd tells of a late effect of a transaction that is
// finished and forgotten in memory: it is to be undone, also after a restart.
func TestLateEffectAfterTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.Began), record("{a}", sutler.StepStarted), record("{a}", sutler.RollingBackTx), record("{a}", sutler.RolledBackTx))
	closeStore(t, s)
	s = open(t, dir)
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.LateEffect))
	for range 3 {
		ids, err := s.Unfinished(t.Context(), "e", "", 10)
		if err != nil || fmt.Sprint(ids) != "[{a}]" {
			t.Errorf("Unfinished = %v, %v", ids, err)
		}
		wantKinds(t, s, "{a}", "began stepStarted rollingBack rolledBack lateEffect")
		closeStore(t, s)
		s = open(t, dir)
	}
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.StepUndone), record("{a}", sutler.RolledBackTx))
	for range 2 {
		txs, err := s.Transactions(t.Context(), sutler.Filter{Status: sutler.RolledBack})
		if err != nil || len(txs) != 1 || txs[0].ID != "{a}" {
			t.Errorf("rolled back are %+v, %v", txs, err)
		}
		closeStore(t, s)
		s = open(t, dir)
	}
}

// TestRowsSeenAgain holds the mark of a chain back by a young transaction that
// the table does not have yet, while it has another one with rows behind the
// mark: opened again, the store sees those a second time.
func TestRowsSeenAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	mustAppend(t, s, l, record("{young}", sutler.Began))
	mustAppend(t, s, l, record("{wait}", sutler.Began), record("{wait}", sutler.StepStarted))
	mustAppend(t, s, l, record("{wait}", sutler.StepDone), record("{wait}", sutler.InDoubtTx))
	closeStore(t, s)
	alterIndex(t, dir, "UPDATE mark SET number = 0", "DELETE FROM tx WHERE id = '{young}'") // as when killed now
	want := "began stepStarted stepDone inDoubt"
	for range 3 {
		s = open(t, dir)
		wantKinds(t, s, "{wait}", want)
		mustAppend(t, s, lease(t, s, "e"), record("{wait}", sutler.Resolved))
		want += " resolved"
		wantKinds(t, s, "{wait}", want)
		ids, err := s.Unfinished(t.Context(), "e", "", 10)
		if err != nil || fmt.Sprint(ids) != "[{young}]" {
			t.Errorf("Unfinished = %v, %v, want {young} alone", ids, err)
		}
		closeStore(t, s)
	}
}

// TestOtherEngineGoesOn lets an engine go on with what another one began, and
// derives the index anew: whichever chain is read first, the newer row decides.
func TestOtherEngineGoesOn(t *testing.T) {
	for _, names := range [][2]sutler.EngineID{{"a", "b"}, {"b", "a"}} {
		dir := t.TempDir()
		s := open(t, dir)
		one, two := lease(t, s, names[0]), lease(t, s, names[1])
		mustAppend(t, s, one, record("{a}", sutler.Began), record("{a}", sutler.StepStarted))
		mustAppend(t, s, two, record("{a}", sutler.RollingBackTx))
		closeStore(t, s)
		forgetIndex(t, dir)
		for range 2 {
			s = open(t, dir)
			wantKinds(t, s, "{a}", "began stepStarted rollingBack")
			ids, err := s.Unfinished(t.Context(), names[1], "", 10)
			if err != nil || fmt.Sprint(ids) != "[{a}]" {
				t.Errorf("Unfinished of %s = %v, %v", names[1], ids, err)
			}
			txs, err := s.Transactions(t.Context(), sutler.Filter{Status: sutler.RollingBack})
			if err != nil || len(txs) != 1 || !txs[0].Started.Equal(stillClock()) {
				t.Errorf("rolling back are %+v, %v", txs, err)
			}
			closeStore(t, s)
		}
	}
}

// TestOlderCopyBesideNewerIndex puts an older copy of the database beside the
// index of a newer one: no fencing number of which the index tells is given again.
func TestOlderCopyBesideNewerIndex(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	lease(t, s, "e")
	closeStore(t, s)
	older, err := os.ReadFile(database(dir))
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	l := lease(t, s, "e")
	for range 5 {
		mustAppend(t, s, l, record("{lost}", sutler.Began), record("{lost}", sutler.CommittedTx))
	}
	closeStore(t, s)
	if err := os.WriteFile(database(dir), older, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	next := lease(t, s, "e")
	if next.Fence <= l.Fence {
		t.Errorf("the next lease is %d, and the index tells of %d", next.Fence, l.Fence)
	}
	mustAppend(t, s, next, record("{new}", sutler.Began))
	closeStore(t, s)
	alterIndex(t, dir, "DELETE FROM tx WHERE id = '{new}'", fmt.Sprint("DELETE FROM mark WHERE fence = ", next.Fence)) // as when killed now
	s = open(t, dir)
	if ids, err := s.Unfinished(t.Context(), "e", "", 10); err != nil || fmt.Sprint(ids) != "[{new}]" {
		t.Errorf("Unfinished = %v, %v", ids, err)
	}
}

// TestIndexIsDerived throws the index away.
func TestIndexIsDerived(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	for _, id := range []sutler.TransactionID{"{c}", "{a}", "{b}"} {
		mustAppend(t, s, l, record(id, sutler.Began), record(id, sutler.StepStarted))
	}
	mustAppend(t, s, l, record("{a}", sutler.StepDone), record("{a}", sutler.CommittedTx))
	before, err := s.Transactions(t.Context(), sutler.Filter{})
	if err != nil || len(before) != 3 {
		t.Fatalf("Transactions = %+v, %v", before, err)
	}
	closeStore(t, s)
	forgetIndex(t, dir)
	s = open(t, dir)
	after, err := s.Transactions(t.Context(), sutler.Filter{})
	if err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("Transactions = %+v, %v\nwant %+v", after, err, before)
	}
	wantKinds(t, s, "{a}", "began stepStarted stepDone committed")
}

func TestDamagedConfigurationIsFound(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of "test"
	if _, err := s.PutNamespaces(t.Context(), 0, sutler.Namespace{Name: "Space", Hash: hash, Text: []byte("test")}); err != nil {
		t.Fatal(err)
	}
	all, _, err := s.Namespaces(t.Context())
	if err != nil || len(all) != 1 || !all[0].Registered.Equal(stillClock()) {
		t.Errorf("Namespaces = %+v, %v", all, err)
	}
	alter(t, dir, "UPDATE source SET text = x'00'")
	_, _, err = s.Namespaces(t.Context())
	wantCode(t, "Namespaces", err, sutler.Corrupt, "Space")
	_, err = s.Source(t.Context(), hash)
	wantCode(t, "Source", err, sutler.Corrupt, hash)
}

// TestMarkHeldBack holds the mark of a chain back by a transaction that stays
// open, while another one ends in the chain of a later lease: opened again, the
// store must not take its first part for all of it.
func TestMarkHeldBack(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first := lease(t, s, "e")
	mustAppend(t, s, first, record("{long}", sutler.Began))
	mustAppend(t, s, first, record("{short}", sutler.Began), record("{short}", sutler.StepStarted))
	second := lease(t, s, "e")
	mustAppend(t, s, second, record("{short}", sutler.RollingBackTx), record("{short}", sutler.RolledBackTx))
	closeStore(t, s)
	alterIndex(t, dir, "UPDATE mark SET number = 0 WHERE fence = 1", "DELETE FROM tx WHERE id = '{long}'") // as if {long} had not been saved
	s = open(t, dir)
	ids, err := s.Unfinished(t.Context(), "e", "", 10)
	if err != nil || fmt.Sprint(ids) != "[{long}]" {
		t.Errorf("Unfinished = %v, %v, want {long} alone", ids, err)
	}
	txs, err := s.Transactions(t.Context(), sutler.Filter{Status: sutler.RolledBack})
	if err != nil || len(txs) != 1 || txs[0].ID != "{short}" {
		t.Errorf("rolled back are %+v, %v", txs, err)
	}
	wantKinds(t, s, "{short}", "began stepStarted rollingBack rolledBack")
}
