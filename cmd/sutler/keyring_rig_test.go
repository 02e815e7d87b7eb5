//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// record is what the tests seal their secrets for.
var record = []byte("test/1")

// site is where an engine of a test lives; its zero database is SQLite.
type site struct {
	data, database, engine string
	kms                    string
	lost, serve            bool
	log                    *bytes.Buffer
}

func (s site) open(t *testing.T) (*host, error) {
	t.Helper()
	o := hostOptions{
		Data: s.data, Database: s.database, Engine: sutler.EngineID(s.engine), Root: filepath.Join(s.data, "world"),
		KeysLost: s.lost, Serve: s.serve, Logger: slog.New(slog.DiscardHandler),
	}
	if s.log != nil {
		o.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	}
	if s.kms != "" {
		var err error
		if o.KMS, err = openKMS(s.kms); err != nil {
			t.Fatal(err)
		}
	}
	return openHost(t.Context(), o)
}

// starts opens an engine that must start.
func (s site) starts(t *testing.T) *host {
	t.Helper()
	h, err := s.open(t)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// refuses opens an engine that must not start, says each of want, and leaves
// the keys in the store and in the data directory as they were.
func (s site) refuses(t *testing.T, want ...string) {
	t.Helper()
	before, rows := s.keysFile(t), s.rows(t)
	h, err := s.open(t)
	if err == nil {
		_ = h.Close()
		t.Fatalf("the engine starts, and should say %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error lacks %q:\n%v", w, err)
		}
	}
	if diff := cmp.Diff(before, s.keysFile(t)); diff != "" {
		t.Errorf("a refused start changes %s (-before +after):\n%s", keysFile, diff)
	}
	if diff := cmp.Diff(rows, s.rows(t)); diff != "" {
		t.Errorf("a refused start changes the rows of the keys (-before +after):\n%s", diff)
	}
}

// rows returns what the store has of the keys while no engine of the site runs.
func (s site) rows(t *testing.T) map[string]string {
	t.Helper()
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	o := store.Options{Path: filepath.Join(s.data, "sutler.db"), Log: slog.New(slog.DiscardHandler), Now: time.Now}
	if s.database != "" {
		o.Path, o.Database = "", s.database
	}
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	return keysRowsOf(t, st)
}

// keysFile returns what the data directory has of the keys, "" for nothing.
func (s site) keysFile(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data, keysFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func (s site) write(t *testing.T, keys string) {
	t.Helper()
	if err := os.MkdirAll(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.data, keysFile), []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, h *host) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func sealedBy(t *testing.T, h *host) []byte {
	t.Helper()
	b, err := h.keys.Seal([]byte("hush"), record)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opensAt(t *testing.T, h *host, sealed []byte) {
	t.Helper()
	if plain, err := h.keys.Open(sealed, record); err != nil || string(plain) != "hush" {
		t.Errorf("Open = %q, %v", plain, err)
	}
}

// keysRows returns what the store has of the keys.
func keysRows(t *testing.T, h *host) map[string]string {
	t.Helper()
	return keysRowsOf(t, h.Store)
}

func keysRowsOf(t *testing.T, st sutler.AccessStore) map[string]string {
	t.Helper()
	rows, _, err := st.Access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range rows {
		if r.Kind == sutler.KeysRow {
			all[r.Name] = string(r.Value)
		}
	}
	return all
}

// everywhere runs a test on SQLite and on PostgreSQL.
func everywhere(t *testing.T, f func(*testing.T, site)) {
	p := sutlertest.StartPostgres(t, "fsync=off")
	t.Run("SQLite", func(t *testing.T) { f(t, site{data: filepath.Join(t.TempDir(), "data")}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		f(t, site{data: filepath.Join(t.TempDir(), "a"), database: p.Database(t), engine: "a"})
	})
}

// twoSites are two engines of one database.
func twoSites(t *testing.T) (a, b site) {
	dir, database := t.TempDir(), sutlertest.StartPostgres(t, "fsync=off").Database(t)
	return site{data: filepath.Join(dir, "a"), database: database, engine: "a"}, site{data: filepath.Join(dir, "b"), database: database, engine: "b"}
}

// forgetKeys removes what the store has of the keys.
func forgetKeys(t *testing.T, h *host) {
	t.Helper()
	_, revision, err := h.Store.Access(t.Context())
	if err == nil {
		_, err = h.Store.PutAccess(t.Context(), revision, sutler.AccessRow{Kind: sutler.KeysRow, Name: proofRow}, sutler.AccessRow{Kind: sutler.KeysRow, Name: wrappedRow})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// faster is a store in which somebody else is faster with a change.
type faster struct {
	sutler.AccessStore
	first func()
}

func (f *faster) PutAccess(ctx context.Context, revision int64, rows ...sutler.AccessRow) (int64, error) {
	if first := f.first; first != nil {
		f.first = nil
		first()
	}
	return f.AccessStore.PutAccess(ctx, revision, rows...)
}
