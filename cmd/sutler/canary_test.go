package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"sutler"
	"sutler/security"
)

// TestCanaries sends 200 secrets through everything that takes one and then
// looks for them in every file of the data directory, in the log of the server
// and in the errors that callers get. A secret that is not marked as one is
// found, so that the search is known to work.
func TestCanaries(t *testing.T) {
	dir := t.TempDir()
	var log, answers bytes.Buffer
	h, err := openHost(t.Context(), hostOptions{
		Data: filepath.Join(dir, "data"), Root: filepath.Join(dir, "root"), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var canaries []string
	canary := func() string {
		c := fmt.Sprintf("canary-%03d-Kx7qWvZt", len(canaries))
		canaries = append(canaries, c)
		return c
	}
	a, admin := h.admin(), administrator("test")
	a.Hasher.Params = security.Params{MemoryKiB: 64, Passes: 1, Lanes: 1}
	change := func(c sutler.AccessChange) {
		t.Helper()
		if err := a.Change(t.Context(), admin, c); err != nil {
			t.Fatal(err)
		}
	}
	submit := func(text string, wantErr bool) {
		t.Helper()
		req, err := sutler.ParseRequest([]byte(text), "request.xml", h.Limits)
		if err != nil {
			t.Fatal(err)
		}
		req.Trusted = true
		resp, err := h.Submit(context.Background(), admin, req)
		if (err != nil) != wantErr {
			t.Fatalf("%v", err)
		}
		if err != nil { // the answer to a request that went well is the caller's own
			fmt.Fprintf(&answers, "%v\n%s\n", err, resp.XML)
		}
	}
	const open = "plain-text-that-is-no-secret"
	submit(`<request><procedure><execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>`+open+`</dirName><sourcePath path="."/></executeData></execute></procedure></request>`, false)
	for i := range 40 {
		change(sutler.AccessChange{Verb: sutler.AddUser, Name: fmt.Sprint("user", i), Secret: canary()})
		change(sutler.AccessChange{Verb: sutler.SetCredential, Name: fmt.Sprint("cred", i), Account: "ops", Secret: canary()})
		// A credential, trusted and impersonated, of a call that succeeds.
		submit(fmt.Sprintf(`<request><context><securityContext impersonate="1" trusted="1"><authentication><basic username="ann" password=%q/></authentication></securityContext></context>
			<procedure><execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>d%d</dirName><sourcePath path="."/></executeData></execute></procedure></request>`, canary(), i), false)
		// A do-not-log value of a call that is undone, under sensitive.
		submit(fmt.Sprintf(`<request><data><v do-not-log="1">%s</v></data><procedure>
			<execute namespace="File System Provider" procedure="CreateFile" sensitive="1"><executeData><fileName>f%d</fileName><sourcePath path="."/><content do-not-log="1">%s</content></executeData></execute>
			<execute namespace="Fault Namespace" procedure="Fail"><executeData/></execute></procedure></request>`, canary(), i, canary()), true)
		if i == 20 {
			if err := h.keys.rotate(false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(canaries) != 200 {
		t.Fatalf("%d canaries, want 200", len(canaries))
	}
	search := func(where string, b []byte) {
		for _, c := range canaries {
			for how, form := range formsOf(c) {
				if bytes.Contains(b, form) {
					t.Errorf("%s holds %s, %s", where, c, how)
				}
			}
		}
	}
	files, found := 0, false
	scan := func() {
		err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			files++
			found = found || bytes.Contains(b, []byte(open))
			search(path, b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	scan() // while it runs: write-ahead logs too
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	scan()
	search("the log", log.Bytes())
	search("an answer", answers.Bytes())
	if files < 8 || !found || answers.Len() == 0 {
		t.Errorf("%d files were read, the open text found: %t, %d bytes of errors: the search does not look where it should", files, found, answers.Len())
	}
}

// formsOf are the ways in which a secret may be written.
func formsOf(s string) map[string][]byte {
	forms := map[string][]byte{"raw": []byte(s), "hex": []byte(hex.EncodeToString([]byte(s)))}
	for shift := range 3 { // base64 depends on where it begins
		b := append(bytes.Repeat([]byte{'x'}, shift), s...)
		text := base64.StdEncoding.EncodeToString(b)
		forms[fmt.Sprint("base64 at ", shift)] = []byte(text[4 : len(text)-4])
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	forms["UTF-16"] = wide
	return forms
}
