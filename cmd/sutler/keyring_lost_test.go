//go:build unix

package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sutler"
	"sutler/security"
)

// TestNotLost asks to give up keys that a service has wrapped, and that are
// not shown to be lost.
func TestNotLost(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		v := startVault(t)
		s.kms, s.log = "hashivault://seals", new(bytes.Buffer)
		h := s.starts(t)
		sealed := sealedBy(t, h)
		closed(t, h)

		none := s
		none.kms, none.lost = "", true
		none.refuses(t, "start with --seal-kms or SUTLER_SEAL_KMS")
		none.write(t, newKeysText(t))
		none.refuses(t, "start with --seal-kms or SUTLER_SEAL_KMS")
		if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
			t.Fatal(err)
		}

		lost := s
		lost.lost = true
		const nothing = "nothing is given up before the key management service works"
		v.answer = func(w http.ResponseWriter) bool {
			http.Error(w, `{"errors":["Vault is sealed"]}`, http.StatusBadRequest)
			return true
		}
		lost.refuses(t, nothing, "Vault is sealed")
		v.answer = func(w http.ResponseWriter) bool { // it encrypts, and decrypts nothing
			fmt.Fprint(w, `{"data":{"ciphertext":"vault:v1:AAAA"}}`)
			return true
		}
		lost.refuses(t, nothing)
		v.answer = func(w http.ResponseWriter) bool { // it decrypts something else
			fmt.Fprint(w, `{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"AAAA"}}`)
			return true
		}
		lost.refuses(t, nothing, "does not decrypt what it encrypts")
		v.answer = nil
		missing := lost
		missing.kms = "hashivault://others"
		missing.refuses(t, nothing, "no such key")
		t.Setenv("VAULT_TOKEN", "token-that-is-wrong")
		lost.refuses(t, nothing, "permission denied")
		t.Setenv("VAULT_TOKEN", "token-of-the-test")

		h = lost.starts(t)
		opensAt(t, h, sealed)
		closed(t, h)
		if s.log.Len() > 0 {
			t.Errorf("keys are said to be lost:\n%s", s.log)
		}
	})
}

// TestUnreadableFileIsNotLost has a service that is to wrap a file which
// cannot be read yet.
func TestUnreadableFileIsNotLost(t *testing.T) {
	s := site{data: filepath.Join(t.TempDir(), "data")}
	closed(t, s.starts(t))
	if err := os.Chmod(filepath.Join(s.data, keysFile), 0o644); err != nil {
		t.Fatal(err)
	}
	s.kms, s.lost = testKMS, true
	s.refuses(t, "chmod 600")
}

// TestGivenUpAndBroughtBack gives up keys that are not lost after all.
func TestGivenUpAndBroughtBack(t *testing.T) {
	for _, address := range []string{"", testKMS} {
		t.Run(address, func(t *testing.T) {
			everywhere(t, func(t *testing.T, s site) {
				s.kms = address
				h := s.starts(t)
				setCredential(t, h)
				sealed, rows := sealedBy(t, h), keysRows(t, h)
				closed(t, h)

				given, file := s, s.keysFile(t)
				given.lost, given.log = true, new(bytes.Buffer)
				if address == "" {
					if err := os.Remove(filepath.Join(s.data, keysFile)); err != nil {
						t.Fatal(err)
					}
				} else {
					given.kms = wrongKMS
				}
				h = given.starts(t)
				if _, err := h.keys.Open(sealed, record); sutler.CodeOf(err) != sutler.NotFound {
					t.Errorf("Open of what was given up: %v", err)
				}
				after := keysRows(t, h)
				closed(t, h)
				for _, name := range slices.Sorted(maps.Keys(rows)) {
					if after[name] == rows[name] {
						t.Errorf("the row %s is what it was", name)
					}
					if !slices.Contains(slices.Collect(maps.Values(after)), rows[name]) {
						t.Errorf("the old row %s is gone: there are %q", name, slices.Sorted(maps.Keys(after)))
					}
				}
				if len(after) != 2*len(rows) {
					t.Errorf("the store has %q of the keys", slices.Sorted(maps.Keys(after)))
				}

				s.run(t, bringsBack(t, given.log.String()))
				if address == "" {
					s.write(t, file)
				}
				h = s.starts(t)
				opensAt(t, h, sealed)
				back := keysRows(t, h)
				for name, want := range rows {
					if back[name] != want {
						t.Errorf("the row %s is not what it was", name)
					}
				}
				for name, value := range after { // the keys of meanwhile may be wanted, too
					if !slices.Contains(slices.Collect(maps.Values(back)), value) {
						t.Errorf("the row %s of meanwhile is gone", name)
					}
				}
				closed(t, h)
			})
		})
	}
}

// TestWrappedSetIsKept gives up a key that is not in the wrapped set, and no
// other.
func TestWrappedSetIsKept(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		s.kms, s.log = testKMS, new(bytes.Buffer)
		h := s.starts(t)
		sealed := sealedBy(t, h)
		foreign, err := security.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		putProof(t, h, foreign)
		closed(t, h)
		s.refuses(t, fmt.Sprintf("has no key %d", foreign.KeyIDs()[0]), "the wrapped set in the store does not fit it")
		s.lost = true
		h = s.starts(t)
		opensAt(t, h, sealed)
		closed(t, h)
		if want := fmt.Sprintf("given up\" key=%d", foreign.KeyIDs()[0]); !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, s.log)
		}
		s.lost = false
		closed(t, s.starts(t))
	})
}

// TestForeignKeysClaimNoStore has a store of before there were proofs, whose
// credentials alone say which keys are its own.
func TestForeignKeysClaimNoStore(t *testing.T) {
	everywhere(t, func(t *testing.T, s site) {
		h := s.starts(t)
		setCredential(t, h)
		key, good := h.keys.keys.KeyIDs()[0], s.keysFile(t)
		forgetKeys(t, h)
		closed(t, h)

		s.write(t, newKeysText(t))
		service := s
		service.kms = testKMS
		for _, s := range []site{s, service} {
			s.refuses(t, "seal.keys is not that of this store", `credential "ops"`, fmt.Sprintf("key %d", key), "copy seal.keys")
		}
		s.write(t, good)
		h = s.starts(t)
		if plain, err := h.keys.Open(h.Engine.Access().Credential("ops").Sealed, security.CredentialRecord("ops")); err != nil || string(plain) != "hush" {
			t.Errorf("the credential is %q, %v", plain, err)
		}
		forgetKeys(t, h)
		closed(t, h)

		s.write(t, newKeysText(t))
		s.lost, s.log = true, new(bytes.Buffer)
		closed(t, s.starts(t))
		if want := fmt.Sprintf("given up\" key=%d", key); !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, s.log)
		}
	})
}

// bringsBack returns the commands in a log that bring given up keys back.
func bringsBack(t *testing.T, log string) string {
	t.Helper()
	m := regexp.MustCompile(` sql=("(?:[^"\\]|\\.)*")`).FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("the log does not say how to bring the keys back:\n%s", log)
	}
	commands, err := strconv.Unquote(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return commands
}

// run has the database of a site run SQL while no engine does.
func (s site) run(t *testing.T, commands string) {
	t.Helper()
	driver, place := "sqlite", filepath.Join(s.data, "sutler.db")
	if s.database != "" {
		driver, place = "pgx", s.database
	}
	db, err := sql.Open(driver, place)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for one := range strings.SplitSeq(commands, ";") {
		if _, err := db.ExecContext(t.Context(), one); strings.TrimSpace(one) != "" && err != nil {
			t.Fatalf("%s: %v", one, err)
		}
	}
}

func newKeysText(t *testing.T) string {
	t.Helper()
	keys, err := security.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	b, err := keys.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func setCredential(t *testing.T, h *host) {
	t.Helper()
	if err := h.admin().Change(t.Context(), administrator("test"), sutler.AccessChange{Verb: sutler.SetCredential, Name: "ops", Account: "ops", Secret: "hush"}); err != nil {
		t.Fatal(err)
	}
}

// putProof has the store say that its secrets are sealed by other keys.
func putProof(t *testing.T, h *host, keys *security.Keys) {
	t.Helper()
	rows, err := proofOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	_, revision, err := h.Store.Access(t.Context())
	if err == nil {
		_, err = h.Store.PutAccess(t.Context(), revision, rows...)
	}
	if err != nil {
		t.Fatal(err)
	}
}
