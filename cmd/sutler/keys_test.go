//go:build unix

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKeysAreDurable wants the name of the file on disk before anything is
// sealed with a key in it.
func TestKeysAreDurable(t *testing.T) {
	s := site{data: filepath.Join(t.TempDir(), "data")}
	h := s.starts(t)
	defer closed(t, h)
	before, rows := s.keysFile(t), keysRows(t, h)
	broken := errors.New("the disk is gone")
	var synced []string
	h.keys.sync = func(folder string) error {
		if s.keysFile(t) == before {
			t.Error("the folder is synced before the file is in place")
		}
		if diff := cmp.Diff(rows, keysRows(t, h)); diff != "" {
			t.Errorf("the folder is synced after the store was told:\n%s", diff)
		}
		synced = append(synced, folder)
		return broken
	}
	ids := h.keys.keys.KeyIDs()
	if err := h.keys.rotate(false); !errors.Is(err, broken) {
		t.Errorf("rotate = %v", err)
	}
	if diff := cmp.Diff([]string{s.data}, synced); diff != "" {
		t.Errorf("synced (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ids, h.keys.keys.KeyIDs()); diff != "" {
		t.Errorf("the keys after a rotation that failed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(rows, keysRows(t, h)); diff != "" {
		t.Errorf("the rows after a rotation that failed (-before +after):\n%s", diff)
	}
}

func TestSyncFolder(t *testing.T) {
	if err := syncFolder(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := syncFolder(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestLeftKeys starts after a kill in the middle of a rotation: what it left is
// removed, and no file that somebody has put there.
func TestLeftKeys(t *testing.T) {
	for _, address := range []string{"", testKMS} {
		t.Run(address, func(t *testing.T) {
			s := site{data: filepath.Join(t.TempDir(), "data [1]"), log: new(bytes.Buffer)}
			h := s.starts(t)
			closed(t, h)
			put := func(name string) string {
				file := filepath.Join(s.data, name)
				if err := os.WriteFile(file, []byte(s.keysFile(t)), 0o600); err != nil {
					t.Fatal(err)
				}
				return file
			}
			left := put("seal.keys.1234567.new")
			others := []string{put("seal.keys.20260131"), put("seal.keys.bak"), put("seal.keys.new"), put("seal.keys.copy.new"), put("seal.keys.1.new.bak"), put("seal.keys")}
			s.kms = address
			closed(t, s.starts(t))
			if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", left, err)
			}
			for _, file := range others {
				if _, err := os.Stat(file); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestNamesOfLeftKeys breaks off a write of the keys, as a kill does, and wants
// what is left of it to be known as such.
func TestNamesOfLeftKeys(t *testing.T) {
	data := t.TempDir()
	f, err := createAside(filepath.Join(data, keysFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := leftKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{f.Name()}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	info, err := os.Stat(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
}
