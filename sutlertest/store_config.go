package sutlertest

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"

	"sutler"
)

// testConfig walks the configuration through its life.
func testConfig(t *testing.T, s Storer) {
	wantNamespaces(t, s, 0, nil)
	alpha, beta := namespace("Alpha", "<one/>"), namespace("beta", "<two/>")
	r1 := mustPut(t, s, 0, beta, alpha)
	wantNamespaces(t, s, r1, []sutler.Namespace{alpha, beta})

	_, err := s.PutNamespaces(t.Context(), r1-1, namespace("Gamma", "<three/>"))
	wantCode(t, "PutNamespaces at an old revision", err, sutler.Conflict)
	for what, bad := range map[string][]sutler.Namespace{
		"without a name":    {namespace("Gamma", "<three/>"), namespace("", "<x/>")},
		"with a wrong hash": {namespace("Gamma", "<three/>"), {Name: "Delta", Hash: alpha.Hash, Text: []byte("<x/>")}},
		"given twice":       {namespace("Gamma", "<three/>"), namespace("GAMMA", "<x/>")},
	} {
		_, err := s.PutNamespaces(t.Context(), r1, bad...)
		wantCode(t, "PutNamespaces of one "+what, err, sutler.BadInput)
	}
	wantNamespaces(t, s, r1, []sutler.Namespace{alpha, beta})

	renamed := namespace("ALPHA", "<four/>")
	renamed.ReadOnly, renamed.Version = true, 2
	r2 := mustPut(t, s, r1, renamed)
	if r2 <= r1 {
		t.Errorf("revision %d is not above %d", r2, r1)
	}
	wantNamespaces(t, s, r2, []sutler.Namespace{renamed, beta})
	if r3 := mustPut(t, s, r2); r3 != r2 {
		t.Errorf("putting nothing changed the revision from %d to %d", r2, r3)
	}
	for _, ns := range []sutler.Namespace{alpha, beta, renamed} {
		text, err := s.Source(t.Context(), ns.Hash)
		if err != nil || string(text) != string(ns.Text) {
			t.Errorf("source of %s %s is %q, %v", ns.Name, ns.Hash, text, err)
		}
	}
	_, err = s.Source(t.Context(), "00")
	wantCode(t, "an unknown source", err, sutler.NotFound)

	for _, set := range [][2]string{{"a", "1"}, {"b", "2"}, {"a", "3"}, {"b", ""}, {"never", ""}} {
		if err := s.SetSetting(t.Context(), set[0], set[1]); err != nil {
			t.Fatalf("SetSetting(%q): %v", set, err)
		}
	}
	if got, err := s.Settings(t.Context()); err != nil || !reflect.DeepEqual(got, map[string]string{"a": "3"}) {
		t.Errorf("Settings = %v, %v", got, err)
	}
}

// testAccess changes who may do what, also at an old revision.
func testAccess(t *testing.T, s Storer) {
	want := func(what string, revision int64, rows ...sutler.AccessRow) {
		t.Helper()
		got, r, err := s.Access(t.Context())
		if err != nil || r != revision || len(got) != len(rows) || len(rows) > 0 && !reflect.DeepEqual(got, rows) {
			t.Errorf("%s: rows %+v of revision %d, %v; want %+v of %d", what, got, r, err, rows, revision)
		}
	}
	_, r0, err := s.Access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put := func(revision int64, rows ...sutler.AccessRow) int64 {
		t.Helper()
		next, err := s.PutAccess(t.Context(), revision, rows...)
		if err != nil {
			t.Fatalf("PutAccess: %v", err)
		}
		return next
	}
	ann := sutler.AccessRow{Kind: sutler.AccountRow, Name: "ann", Value: []byte("{}")}
	list := sutler.AccessRow{Kind: sutler.ListRow, Name: "ann", Value: []byte{0, 1, 255}}
	r1 := put(r0, list, ann)
	want("two rows of one name", r1, ann, list)
	for what, bad := range map[string][]sutler.AccessRow{
		"without a name": {{Kind: sutler.AccountRow, Value: []byte("x")}}, "without a kind": {{Name: "x", Value: []byte("x")}}, "given twice": {ann, ann},
	} {
		_, err := s.PutAccess(t.Context(), r1, bad...)
		wantCode(t, "PutAccess of a row "+what, err, sutler.BadInput)
	}
	_, err = s.PutAccess(t.Context(), r0, sutler.AccessRow{Kind: sutler.AccountRow, Name: "ann"})
	wantCode(t, "PutAccess at an old revision", err, sutler.Conflict)
	want("after refusals", r1, ann, list)
	if r := put(r1); r != r1 {
		t.Errorf("putting nothing changed the revision from %d to %d", r1, r)
	}
	ann.Value = []byte(`{"a":1}`)
	r2 := put(r1, ann, sutler.AccessRow{Kind: sutler.ListRow, Name: "ann"}, sutler.AccessRow{Kind: sutler.ListRow, Name: "never"})
	want("replaced and removed", r2, ann)
	put(r2, sutler.AccessRow{Kind: sutler.AccountRow, Name: "ann"})
}

// namespace returns a namespace with every field set.
func namespace(name, text string) sutler.Namespace {
	sum := sha256.Sum256([]byte(text))
	return sutler.Namespace{
		Name: name, Hash: hex.EncodeToString(sum[:]), File: name + ".xml", Text: []byte(text),
		Description: "what " + name + " does", ProviderSource: "files", Version: 1, Procedures: 3, Registered: at(1),
	}
}

func mustPut(t *testing.T, s Storer, revision int64, ns ...sutler.Namespace) int64 {
	t.Helper()
	next, err := s.PutNamespaces(t.Context(), revision, ns...)
	if err != nil {
		t.Fatalf("PutNamespaces(%d, %d namespaces): %v", revision, len(ns), err)
	}
	return next
}

func wantNamespaces(t *testing.T, s Storer, revision int64, want []sutler.Namespace) {
	t.Helper()
	got, r, err := s.Namespaces(t.Context())
	if err != nil || r != revision || len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("Namespaces are\n%+v of revision %d, %v\nwant\n%+v of revision %d", got, r, err, want, revision)
	}
}
