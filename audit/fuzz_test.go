package audit_test

import (
	"testing"

	"sutler/audit"
)

// FuzzStatement reads lines of an anchor: only what the key signed is taken.
func FuzzStatement(f *testing.F) {
	good, err := audit.Sign(audit.Statement{Number: 7, Heads: []audit.Head{{Engine: "e", Fence: 1, Number: 2, Link: "00"}}}, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"statement":{},"key":"","signature":""}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, id, err := audit.ReadStatement(line, keys())
		if err == nil && (s.Number != 7 || id != audit.KeyID(keys()[0])) {
			t.Errorf("%q is taken as %+v of %s", line, s, id)
		}
	})
}
