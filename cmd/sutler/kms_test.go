//go:build unix

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// Key encryption keys of the tests.
const (
	testKey  = "smGbjm71Nxd1Ig5FS0wj9SlbzAIrnolCz9bQQ6uAhl4="
	testKMS  = "base64key://" + testKey
	wrongKMS = "base64key://q3Vyqz8u0mYyQmDnNuN0bcLIYWmfAD8Kr3iAzUEkvWw="
)

func TestKMSAddress(t *testing.T) {
	t.Setenv("VAULT_ADDR", "")
	for address, want := range map[string]string{
		testKey:                           "its scheme is not",
		"base64keys://" + testKey:         "its scheme is not",
		"base64key://":                    "no key of 32 bytes", // which would be a new one at each start
		"base64key:" + testKey:            "no URL of scheme",
		"base64key://" + testKey[:20]:     "no key of 32 bytes",
		testKMS + "?x=1":                  "no key of 32 bytes",
		testKMS + "/" + testKey:           "no key of 32 bytes",
		"base64key://u:" + testKey + "@h": "no URL of scheme",
		"hashivault://" + testKey + "\n":  "no URL",
		"hashivault://" + testKey:         "VAULT_ADDR",
	} {
		_, err := openKMS(address)
		if sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), want) {
			t.Errorf("openKMS(%q) = %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), testKey[:20]) {
			t.Errorf("the error for %q shows the key: %v", address, err)
		}
	}
}

func TestKMS(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		s.kms, s.log = testKMS, new(bytes.Buffer)
		h := s.starts(t)
		sealed, rows := sealedBy(t, h), keysRows(t, h)
		if len(rows) != 2 || s.keysFile(t) != "" {
			t.Errorf("the store has %d rows, and the file is %q", len(rows), s.keysFile(t))
		}
		clear, err := h.keys.keys.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		closed(t, h)

		wrong, none := s, s
		wrong.kms, none.kms = wrongKMS, ""
		wrong.refuses(t, "cannot open the wrapped key set", "key encryption key")
		none.refuses(t, "start with --seal-kms or SUTLER_SEAL_KMS")
		none.write(t, string(clear))
		none.refuses(t, "start with --seal-kms or SUTLER_SEAL_KMS")
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}
		h = s.starts(t)
		opensAt(t, h, sealed)
		if diff := cmp.Diff(rows, keysRows(t, h)); diff != "" {
			t.Errorf("the rows after refused starts (-before +after):\n%s", diff)
		}
		if err := h.keys.rotate(false); err != nil {
			t.Fatal(err)
		}
		second := sealedBy(t, h)
		closed(t, h)
		h = s.starts(t)
		opensAt(t, h, sealed)
		opensAt(t, h, second)
		if got := security.KeyOf(sealedBy(t, h)); got != security.KeyOf(second) {
			t.Errorf("after a start key %d seals and not %d", got, security.KeyOf(second))
		}
		closed(t, h)
		if strings.Contains(s.log.String(), testKey) {
			t.Error("the log shows the key")
		}
		wrong.lost = true
		h = wrong.starts(t)
		if _, err := h.keys.Open(sealed, record); sutler.CodeOf(err) != sutler.NotFound {
			t.Errorf("Open of what was given up: %v", err)
		}
		closed(t, h)
		wrong.lost = false
		closed(t, wrong.starts(t))
	})
}

// TestKMSMove wraps the keys of a file.
func TestKMSMove(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		h := s.starts(t)
		sealed, file := sealedBy(t, h), s.keysFile(t)
		closed(t, h)
		s.kms, s.log = testKMS, new(bytes.Buffer)
		h = s.starts(t)
		opensAt(t, h, sealed)
		if !strings.Contains(s.log.String(), "delete this file") || s.keysFile(t) != file {
			t.Errorf("the file should be there, and the log should say what to do with it:\n%s", s.log)
		}
		closed(t, h)
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}
		s.log.Reset()
		h = s.starts(t)
		opensAt(t, h, sealed)
		if s.log.Len() > 0 {
			t.Errorf("the log tells of something:\n%s", s.log)
		}
		closed(t, h)
		other, err := security.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		if err := writeKeys(filepath.Join(s.data, keysFile), other); err != nil {
			t.Fatal(err)
		}
		closed(t, s.starts(t))
		if text := s.log.String(); !strings.Contains(text, "not all of its keys") || strings.Contains(text, "delete") {
			t.Errorf("a file with other keys should not be deleted:\n%s", text)
		}
	})
}

// TestKMSOfTwoEngines rotates at one engine, and the other goes on.
func TestKMSOfTwoEngines(t *testing.T) {
	a, b := twoSites(t)
	a.kms, b.kms = testKMS, testKMS
	first, second := a.starts(t), b.starts(t)
	defer closed(t, first)
	defer closed(t, second)
	opensAt(t, second, sealedBy(t, first))
	for i, h := range []*host{first, second, first} { // each on top of what the other did
		if err := h.keys.rotate(false); err != nil {
			t.Fatal(err)
		}
		if n := len(h.keys.keys.KeyIDs()); n != i+2 {
			t.Errorf("%d keys after %d rotations", n, i+1)
		}
	}
	sealed := sealedBy(t, first)
	opensAt(t, second, sealed)
	if got := security.KeyOf(sealedBy(t, second)); got != security.KeyOf(sealed) {
		t.Errorf("the other engine seals with key %d and not %d", got, security.KeyOf(sealed))
	}
	if err := first.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	if err := second.keys.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.keys.keys.KeyIDs(), second.keys.keys.KeyIDs()); diff != "" {
		t.Errorf("the keys of the two (-a +b):\n%s", diff)
	}
}

// vault is the transit engine of a Vault server, with one key.
type vault struct {
	*httptest.Server
	answer func(w http.ResponseWriter) bool // takes the place of an answer
	asked  atomic.Int64
}

func startVault(t *testing.T) *vault {
	v := &vault{}
	mask := func(b []byte) []byte {
		for i := range b {
			b[i] ^= 0x5a
		}
		return b
	}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		var in struct{ Plaintext, Ciphertext string }
		switch {
		case v.answer != nil && v.answer(w):
			return
		case r.Header.Get("X-Vault-Token") != "token-of-the-test":
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		case json.NewDecoder(r.Body).Decode(&in) != nil:
			http.Error(w, `{"errors":["no JSON"]}`, http.StatusBadRequest)
			return
		}
		out := map[string]string{}
		switch r.URL.Path {
		case "/v1/transit/encrypt/seals":
			plain, _ := base64.StdEncoding.DecodeString(in.Plaintext)
			out["ciphertext"] = "vault:v1:" + base64.StdEncoding.EncodeToString(mask(plain))
		case "/v1/transit/decrypt/seals":
			wrapped, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
			if err != nil {
				http.Error(w, `{"errors":["invalid ciphertext"]}`, http.StatusBadRequest)
				return
			}
			out["plaintext"] = base64.StdEncoding.EncodeToString(mask(wrapped))
		default:
			http.Error(w, `{"errors":["no such key"]}`, http.StatusNotFound)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": out})
	}))
	t.Cleanup(v.Close)
	t.Setenv("VAULT_ADDR", v.URL)
	t.Setenv("VAULT_TOKEN", "token-of-the-test")
	return v
}

func TestKMSVault(t *testing.T) {
	v := startVault(t)
	s := site{data: filepath.Join(t.TempDir(), "data"), kms: "hashivault://seals", log: new(bytes.Buffer)}
	h := s.starts(t)
	sealed := sealedBy(t, h)
	if err := h.keys.rotate(false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(keysRows(t, h)[wrappedRow], base64.StdEncoding.EncodeToString([]byte("vault:v1:"))) {
		t.Errorf("the store has not what Vault has encrypted: %q", keysRows(t, h)[wrappedRow])
	}
	opensAt(t, h, sealed)
	asked := v.asked.Load()
	if _, err := h.keys.Open(append([]byte{1, 0, 0, 0, 1}, sealed[5:]...), record); sutler.CodeOf(err) != sutler.NotFound || v.asked.Load() != asked {
		t.Errorf("Open for a key that nobody has asks the service %d times: %v", v.asked.Load()-asked, err)
	}
	rows := keysRows(t, h)
	v.answer = func(w http.ResponseWriter) bool { // away while it runs
		http.Error(w, `{"errors":["sealed"]}`, http.StatusBadRequest)
		return true
	}
	key := h.keys.keys.KeyIDs()
	if err := h.keys.rotate(false); err == nil || !strings.Contains(err.Error(), "hashivault://seals") {
		t.Errorf("rotation without the service: %v", err)
	}
	if diff := cmp.Diff(rows, keysRows(t, h)); diff != "" || !cmp.Equal(key, h.keys.keys.KeyIDs()) {
		t.Errorf("a rotation that failed has changed something:\n%s", diff)
	}
	opensAt(t, h, sealed)
	closed(t, h)
	s.refuses(t, "the key management service hashivault://seals does not decrypt")

	v.answer = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusNoContent); return true }
	s.refuses(t, "its answer is not one of such a service")
	v.answer = func(w http.ResponseWriter) bool { fmt.Fprint(w, `{"data":{"plaintext":7}}`); return true }
	s.refuses(t, "its answer is not one of such a service")
	v.answer = nil
	t.Setenv("VAULT_TOKEN", "token-that-is-wrong")
	s.refuses(t, "permission denied")
	t.Setenv("VAULT_TOKEN", "token-of-the-test")
	missing := s
	missing.kms = "hashivault://others"
	missing.refuses(t, "the key management service hashivault://others does not decrypt")
	h = s.starts(t)
	opensAt(t, h, sealed)
	closed(t, h)
	if strings.Contains(s.log.String(), "token-") {
		t.Errorf("the log shows the token:\n%s", s.log)
	}
	v.Close()
	s.refuses(t, "the key management service hashivault://seals does not decrypt")
	empty := s
	empty.data = filepath.Join(t.TempDir(), "data")
	empty.refuses(t, "the key management service hashivault://seals does not encrypt")
}

// TestKMSSilent asks a service that never answers.
func TestKMSSilent(t *testing.T) {
	v := startVault(t)
	release := make(chan struct{})
	v.answer = func(http.ResponseWriter) bool { <-release; return true }
	t.Cleanup(func() { close(release) }) // before the server ends
	k, err := openKMS("hashivault://seals")
	if err != nil {
		t.Fatal(err)
	}
	k.patience = time.Millisecond
	if _, err := k.Encrypt([]byte("x"), nil); err == nil || !strings.Contains(err.Error(), "does not answer within 1ms") {
		t.Errorf("Encrypt = %v", err)
	}
	if _, err := k.Encrypt([]byte("x"), []byte("bound")); sutler.CodeOf(err) != sutler.BadInput {
		t.Errorf("Encrypt of something bound = %v", err)
	}
}
