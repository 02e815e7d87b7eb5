package admin_test

import (
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"sutler"
)

// TestViewNames has namespaces and procedures shown in the case as registered,
// whatever case they were named in.
func TestViewNames(t *testing.T) {
	in := install(t, allow("mAIL", "Everyone"), allow("MAIL/DELETE", "Everyone"), allow("fixed", "Everyone"),
		sutler.AccessChange{Verb: sutler.SetProcedure, Name: "mail/create", Access: text("private")})
	shown := func() (names []string) {
		v := in.View()
		for _, l := range v.Lists {
			names = append(names, l.Object)
		}
		for _, p := range v.Procedures {
			names = append(names, p.Procedure)
		}
		return names
	}
	if d := diff.Diff([]string{"Fixed", "Mail", "Mail/Delete", "engines", "queues", "Mail/Create"}, shown()); d != "" {
		t.Error(d)
	}
	again := sutler.Source{File: "n0.xml", Text: []byte(`<namespace name="MaiL" providerSource="fake"><procedure name="cReate" type="write"/></namespace>`)}
	if problems, err := in.engine.Register(t.Context(), root, again); err != nil {
		t.Fatalf("Register: %v %v", err, problems)
	}
	if d := diff.Diff([]string{"Fixed", "MaiL", "MaiL/delete", "engines", "queues", "MaiL/cReate"}, shown()); d != "" {
		t.Error(d)
	}
}
