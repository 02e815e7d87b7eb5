package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"sutler"
	"sutler/security"
)

// keysFile in the data directory holds the keys that secrets are sealed with.
const keysFile = "seal.keys"

// readKeys reads keys from a file, nil when there is none. It refuses one that
// others than the owner can read.
func readKeys(file string) (*security.Keys, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the keys: %w", err)
	}
	if err := ownersAlone(file); err != nil {
		return nil, err
	}
	keys, err := security.ParseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", file, err)
	}
	return keys, nil
}

// ownersAlone refuses a file that others than its owner can read.
func ownersAlone(file string) error { return keptFrom(file, 0o077, "others than its owner", "600") }

// notForAll refuses a file that everybody can read; a group may, as many systems
// keep the keys of TLS for one.
func notForAll(file string) error { return keptFrom(file, 0o007, "everybody", "640") }

func keptFrom(file string, mode os.FileMode, whom, better string) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("cannot look at %s: %w", file, err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&mode != 0 {
		return sutler.Errorf(sutler.Denied, "cannot use %s: %s can read it; chmod %s it", file, whom, better)
	}
	return nil
}

// writeKeys puts keys in place of a file, whole or not at all.
func writeKeys(file string, keys *security.Keys) error {
	b, err := keys.Bytes()
	if err == nil {
		err = putInPlace(file, b)
	}
	if err != nil {
		return fmt.Errorf("cannot write the keys: %w", err)
	}
	return nil
}

// leftKeys returns the files with keys that createAside made and that a kill left there.
// Nothing was sealed with a key that is in them alone.
func leftKeys(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, e := range entries {
		middle, ours := strings.CutPrefix(e.Name(), keysFile+".")
		middle, ends := strings.CutSuffix(middle, asideFile)
		if ours && ends && middle != "" && strings.Trim(middle, "0123456789") == "" { // no copy of somebody
			left = append(left, filepath.Join(folder, e.Name()))
		}
	}
	return left, nil
}

// syncFolder makes the names in a folder durable. Windows does so by itself
// and cannot sync a folder.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("cannot sync the folder of the keys: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync the folder of the keys: %w", err)
	}
	return nil
}

// copyOf returns the same keys as a set of its own.
func copyOf(keys *security.Keys) (*security.Keys, error) {
	b, err := keys.Bytes()
	if err != nil {
		return nil, err
	}
	return security.ParseKeys(b)
}
