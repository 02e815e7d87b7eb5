package engine_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/engine"
)

// doings tells what the log holds of the doings of administrators, a line for
// each and one for each of its calls.
func doings(t *testing.T, log interface{ All() []sutler.Record }) string {
	t.Helper()
	var ids []sutler.TransactionID
	records := map[sutler.TransactionID][]sutler.Record{}
	for _, r := range log.All() {
		if records[r.Transaction] == nil {
			ids = append(ids, r.Transaction)
		}
		records[r.Transaction] = append(records[r.Transaction], r)
	}
	var b strings.Builder
	for _, id := range ids {
		tx, err := sutler.Fold(records[id])
		if err != nil {
			t.Fatal(err)
		}
		if tx.Namespace != sutler.ConfigNamespace {
			continue
		}
		fmt.Fprintf(&b, "%s/%s: %s, %s %s %s\n", tx.Caller, tx.Trustee, tx.Procedure, tx.Status, tx.Code.Name(), tx.Text)
		for _, s := range tx.Steps {
			fmt.Fprintf(&b, "  %s, %s: %s\n", s.Procedure, s.Status, s.Before)
			if !s.Audited {
				t.Errorf("%s is not for the audit log", s.Procedure)
			}
		}
	}
	return b.String()
}

// TestRegistrationIsRecorded registers and fails to: who did what to which
// namespace stands in the log, and nothing of the files but their hashes.
func TestRegistrationIsRecorded(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	source := func(file, text string) (sutler.Source, string) {
		sum := sha256.Sum256([]byte(text))
		return sutler.Source{File: file, Text: []byte(text)}, hex.EncodeToString(sum[:])
	}
	one, hash1 := source("m.xml", `<namespace name="Mail" providerSource="fake"><providerContext><password>hush</password></providerContext><procedure name="P" type="write"/></namespace>`)
	two, hash2 := source("m.xml", `<namespace name="mail" providerSource="fake"><procedure name="Q" type="write"/></namespace>`)
	other, hash3 := source("o.xml", `<namespace name="Other" providerSource="fake"><procedure name="Q" type="write"/></namespace>`)
	bad, hash4 := source("bad\n.xml", `<namespace name="Bad"><providerContext><password>hush</password></providerContext><hush/></namespace>`)
	boss := sutler.Caller{Account: "boss", Groups: admin.Groups}
	for _, step := range []struct {
		from sutler.Caller
		srcs []sutler.Source
		lint bool
		code sutler.Code
	}{
		{boss, []sutler.Source{one}, false, sutler.OK},
		{admin, []sutler.Source{other, two}, true, sutler.OK},
		{admin, []sutler.Source{two, other}, false, sutler.OK},
		{admin, []sutler.Source{other, bad}, false, sutler.BadNamespace},
		{submitter, []sutler.Source{other}, false, sutler.Denied},
		{submitter, nil, true, sutler.Denied},
		{admin, nil, false, sutler.BadInput},
	} {
		do := r.Register
		if step.lint {
			do = r.Lint
		}
		if problems, err := do(t.Context(), step.from, step.srcs...); sutler.CodeOf(err) != step.code && (err != nil || step.code != sutler.OK) {
			t.Fatalf("Register: %v %v, want %s", err, problems, step.code)
		}
	}
	want := `boss/boss: register namespaces, committed OK 
  add namespace Mail, done: <executeData>file m.xml, SHA-256 ` + hash1 + `</executeData>
ann/ann: register namespaces, committed OK 
  replace namespace mail, done: <executeData>file m.xml, SHA-256 ` + hash2 + `, in place of ` + hash1 + `</executeData>
  add namespace Other, done: <executeData>file o.xml, SHA-256 ` + hash3 + `</executeData>
ann/ann: register namespaces, rolledBack BadNamespace cannot register namespaces: their files have errors (bad\n.xml:1:1 PR005, bad\n.xml:1:83 PR002)
  replace namespace Other, failed: <executeData>file o.xml, SHA-256 ` + hash3 + `, in place of ` + hash3 + `</executeData>
  add namespace, failed: <executeData>file bad\n.xml, SHA-256 ` + hash4 + `</executeData>
bob/bob: register namespaces, rolledBack Denied role: "bob" is not a member of any of [Administrators MPFAdmins]
bob/bob: register namespaces, rolledBack Denied role: "bob" is not a member of any of [Administrators MPFAdmins]
`
	if diff := cmp.Diff(want, doings(t, r.log)); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	for _, rec := range r.log.All() {
		if text := fmt.Sprintf("%+v", rec); strings.Contains(text, "hush") {
			t.Errorf("a record shows the file: %s", text)
		}
	}
}

// TestRegistrationAndRecord lets the log die at each of the two writes of a
// registration: without a record of what is about to be done nothing is done,
// and what was done and not recorded is said.
func TestRegistrationAndRecord(t *testing.T) {
	src := sutler.Source{File: "m.xml", Text: []byte(`<namespace name="Mail" providerSource="fake"><procedure name="P" type="write"/></namespace>`)}
	for n, want := range map[int]struct {
		there bool
		text  string
	}{
		1: {false, "cannot register namespaces: "},
		2: {true, "cannot record that it was done (register namespaces)"},
	} {
		r := newRig(t, sutler.Limits{})
		r.log.DieBefore(n)
		_, err := r.Register(t.Context(), admin, src)
		if sutler.CodeOf(err) != sutler.LogFailed || !strings.Contains(err.Error(), want.text) {
			t.Errorf("write %d is lost: %v, want %q", n, err, want.text)
		}
		if there, _ := r.HasProcedure("Mail", "P"); there != want.there {
			t.Errorf("write %d is lost: the namespace is in force: %t", n, there)
		}
		r.log.Revive()
		if err := r.RecoverAll(t.Context(), r.Lease()); err != nil {
			t.Fatal(err)
		}
		if got := doings(t, r.log); want.there && !strings.Contains(got, "register namespaces, rolledBack Interrupted") {
			t.Errorf("after recovery the log holds %q", got)
		}
	}
}

// TestRefusalsAreBounded refuses names of any length and form: what goes into
// the log is short and printable.
func TestRefusalsAreBounded(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	long := "{\x1b[31m" + strings.Repeat("é\n", 100_000) + "}"
	if _, err := r.Resolve(t.Context(), submitter, sutler.TransactionID(long), sutler.Resolution{Verb: sutler.Verb(long), Reason: long}); sutler.CodeOf(err) != sutler.Denied || len(err.Error()) > 1000 {
		t.Errorf("an ID that is none: %d bytes, %.200v", len(err.Error()), err)
	}
	if _, err := r.Resolve(t.Context(), submitter, "{0A-1}", again); sutler.CodeOf(err) != sutler.Denied {
		t.Errorf("an ID: %v", err)
	}
	if err := r.ChangeAccess(t.Context(), submitter, long, long, nil); sutler.CodeOf(err) != sutler.Denied || len(err.Error()) > 1000 {
		t.Errorf("a verb: %d bytes, %.200v", len(err.Error()), err)
	}
	if err := r.RecordRefusal(engine.Refusal{Trustee: long, What: "log in", Text: long}); err != nil {
		t.Error(err)
	}
	for _, rec := range r.log.All() {
		text := rec.Caller + rec.Trustee + rec.Procedure + rec.Text
		if len(text) > 2000 || strings.ContainsAny(text, "\x1b\n") {
			t.Errorf("a record of %d bytes: %.200q", len(text), text)
		}
	}
	got := doings(t, r.log)
	for _, want := range []string{"bob/bob: resolve a transaction, ", "bob/bob: resolve transaction {0A-1}, ", `/{\x1b[31mé\né\n`} {
		if !strings.Contains(got, want) {
			t.Errorf("the log does not hold %q:\n%s", want, got)
		}
	}
	for _, id := range []sutler.TransactionID{"", "{}", "{a b}", "a", "{\n}", "{{}}", sutler.TransactionID("{" + strings.Repeat("a", 63) + "}")} {
		if _, err := r.Resolve(t.Context(), admin, id, again); sutler.CodeOf(err) != sutler.NotFound || !strings.Contains(err.Error(), "it is no ID of a transaction") {
			t.Errorf("Resolve %q: %v", id, err)
		}
	}
	if _, err := r.Resolve(t.Context(), admin, "{1}", sutler.Resolution{Verb: sutler.Retry, Reason: long}); sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), "at most 4096") {
		t.Errorf("a long reason: %.200v", err)
	}
}
