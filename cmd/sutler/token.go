package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"sutler"
	"sutler/client"
)

// localAccount is who holds the token of the data directory.
const localAccount = "local"

// administrator is the caller behind a door that knows one account only.
func administrator(door string) sutler.Caller {
	return sutler.Caller{Account: localAccount, Groups: []string{sutler.MPFAdmins, sutler.MPFTrustedUsers}, Door: door}
}

// token is that of a data directory. Its file is read anew when it changes, so
// that one which is replaced or removed is worth nothing at once.
type token struct {
	file string

	mu    sync.Mutex
	at    time.Time // of the file as it was read
	size  int64
	value string
}

// tokenOf returns the token of a data directory and makes it at the first
// start. It refuses a token that others than the owner can read.
func tokenOf(data string) (*token, error) {
	t := &token{file: filepath.Join(data, client.TokenFile)}
	if _, err := os.Stat(t.file); errors.Is(err, os.ErrNotExist) {
		if err := putInPlace(t.file, []byte(rand.Text()+rand.Text()+"\n")); err != nil {
			return nil, fmt.Errorf("cannot make the token: %w", err)
		}
	}
	_, err := t.read()
	return t, err
}

// secret returns the token, "" when there is none that may be used.
func (t *token) secret() string {
	v, err := t.read()
	if err != nil {
		return ""
	}
	return v
}

func (t *token) read() (string, error) {
	info, err := os.Stat(t.file)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("cannot use the token in %q: others can read it (mode %04o); remove it for a new one, or chmod 600 it", t.file, info.Mode().Perm())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" && info.ModTime().Equal(t.at) && info.Size() == t.size {
		return t.value, nil
	}
	b, err := os.ReadFile(t.file)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	t.at, t.size, t.value = info.ModTime(), info.Size(), strings.TrimSpace(string(b))
	if len(t.value) < minToken {
		t.value = ""
		return "", fmt.Errorf("cannot use the token in %q: it has fewer than %d characters; remove it for a new one", t.file, minToken)
	}
	return t.value, nil
}

// minToken is the shortest token that is taken.
const minToken = 16
