package engine_test

import (
	"context"
	"strings"
	"testing"

	"sutler"
)

// TestStoredNamespaceIsRefused starts an engine over namespaces that an older
// one took: what does not compile any more cannot be called, the rest can.
func TestStoredNamespaceIsRefused(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	_, revision, err := r.config.Namespaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const head = `<namespace name="Old" readOnly="1" providerSource="fake"><providerContext><password>hush</password></providerContext>`
	old := head + `<procedure name="P" type="write"><Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
<xs:include schemaLocation="other.xsd"/><xs:element name="executeData"/></xs:schema></Schema></procedure></namespace>`
	if _, err := r.config.PutNamespaces(t.Context(), revision, sutler.Namespace{Name: "Old", File: "old.xml", Text: []byte(old), ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	r.Engine = r.another(t, sutler.Limits{})
	submit := func(namespace, procedure string) error {
		_, err := r.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="`+namespace+`" procedure="`+procedure+`"/></procedure></request>`))
		return err
	}
	if err := submit("Sys", "A"); err != nil {
		t.Errorf("a call beside the refused namespace: %v", err)
	}
	err = submit("OLD", "P")
	if sutler.CodeOf(err) != sutler.BadNamespace {
		t.Fatalf("a call of the refused namespace: %v, want BadNamespace", err)
	}
	for _, want := range []string{`cannot call OLD/P`, "old.xml", `"Old"`, "2:1 XS010", "register a corrected file"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not hold %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the error shows the file: %v", err)
	}
	// Another registration does not bring it back; a corrected file does.
	r.register(t, `<namespace name="M" providerSource="fake"><procedure name="Q" type="write"/></namespace>`)
	if err := submit("Old", "P"); sutler.CodeOf(err) != sutler.BadNamespace {
		t.Errorf("a call after another registration: %v, want BadNamespace", err)
	}
	r.register(t, head+`<procedure name="P" type="write"/></namespace>`)
	if err := submit("Old", "P"); err != nil {
		t.Errorf("a call of the corrected namespace: %v", err)
	}
}
