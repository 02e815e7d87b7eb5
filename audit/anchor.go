package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// The files of the manager in a data directory.
const (
	KeyFile    = "audit.key" // the private key, for the owner alone
	PublicFile = "audit.pub" // the public key, to be kept elsewhere too
	AnchorFile = "audit.anchor"
)

// Key returns the signing key of a data directory, which it makes at the first
// start, together with the file of its public key. It refuses a key that
// others than the owner can read.
func Key(dir string) (ed25519.PrivateKey, error) {
	file := filepath.Join(dir, KeyFile)
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return makeKey(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the audit key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot use the audit key in %q: others can read it (mode %04o); chmod 600 it", file, info.Mode().Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the audit key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("cannot read the audit key in %q: it is not PEM", file)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := any.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read the audit key in %q: it is no Ed25519 key", file)
	}
	return key, nil
}

func makeKey(dir string) (ed25519.PrivateKey, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make the audit key: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot make the audit key: %w", err)
	}
	shown, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("cannot make the audit key: %w", err)
	}
	if err := writeWhole(filepath.Join(dir, PublicFile), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: shown}), 0o644); err != nil {
		return nil, fmt.Errorf("cannot make the audit key: %w", err)
	}
	if err := writeWhole(filepath.Join(dir, KeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return nil, fmt.Errorf("cannot make the audit key: %w", err)
	}
	return key, nil
}

// writeWhole leaves text in file, whole or not at all.
func writeWhole(file string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// ReadPublic returns the public keys of a PEM file.
func ReadPublic(file string) ([]ed25519.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the public key: %w", err)
	}
	var keys []ed25519.PublicKey
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		any, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := any.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("cannot read the public key in %q: it is no Ed25519 key", file)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("cannot read the public key in %q: it is not PEM", file)
	}
	return keys, nil
}

// ReadAnchor returns the lines of an anchor; none if the file does not exist.
// A last line without its end was cut short by a crash, and is left out.
func ReadAnchor(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the anchor: %w", err)
	}
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	var lines [][]byte
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// appendLine adds a line to the anchor; it is durable when it returns. What a
// crash cut short goes away.
func appendLine(file string, line []byte) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the anchor: %w", err)
	}
	defer f.Close()
	end, err := wholeLines(f)
	if err != nil {
		return fmt.Errorf("cannot write the anchor: %w", err)
	}
	if err := f.Truncate(end); err != nil {
		return fmt.Errorf("cannot write the anchor: %w", err)
	}
	if _, err := f.WriteAt(append(slices.Clone(line), '\n'), end); err != nil {
		return fmt.Errorf("cannot write the anchor: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot write the anchor: %w", err)
	}
	return nil
}

// wholeLines returns where the last whole line of f ends.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	const some = 4096
	for end := info.Size(); end > 0; end -= min(end, some) {
		b := make([]byte, min(end, some))
		if _, err := f.ReadAt(b, end-int64(len(b))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return end - int64(len(b)) + int64(i) + 1, nil
		}
	}
	return 0, nil
}
