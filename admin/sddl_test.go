package admin_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/admin"
)

// TestExportImport writes random lists as SDDL, clears them, and reads them
// back through the door of administrators.
func TestExportImport(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{"Administrators", "MPFAdmins", "MPFClientAccts", "Authenticated Users", "Anonymous", "Everyone", "S-1-5-21-1-2-3-4", "S-1-5-80-1"}
	in := install(t)
	for i := range 6 {
		in.must(t, user(fmt.Sprintf("User %d é", i)))
		names = append(names, fmt.Sprintf("User %d é", i))
	}
	view := func(object string) *sutler.ListView {
		for _, l := range admin.View(in.engine.Access()).Lists {
			if l.Object == object {
				slices.SortStableFunc(l.Entries, func(a, b sutler.EntryView) int { // denied ones come first, which is how lists are read
					return cmp.Compare(fmt.Sprint(!a.Deny), fmt.Sprint(!b.Deny))
				})
				return &l
			}
		}
		return nil
	}
	shapes := map[string]bool{}
	for i := range 200 {
		for _, n := range rnd.Perm(len(names))[:rnd.IntN(len(names))] {
			c := allow("Mail/Create", names[n])
			if rnd.IntN(2) == 0 {
				c.Verb = sutler.DenyAccess
			}
			in.must(t, c)
		}
		if rnd.IntN(2) == 0 {
			in.must(t, sutler.AccessChange{Verb: sutler.InheritAccess, Name: "Mail/Create"})
		}
		want := view("mail/create")
		if want == nil {
			continue // nothing was allowed or denied
		}
		shapes[want.SDDL] = true
		in.must(t, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Mail/Create"})
		if view("mail/create") != nil {
			t.Fatal("the list was not cleared")
		}
		in.must(t, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail/Create", SDDL: want.SDDL})
		if d := diff.Diff(want, view("mail/create")); d != "" {
			t.Fatalf("list %d, %s (-exported +imported):\n%s", i, want.SDDL, d)
		}
		in.must(t, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Mail/Create"})
	}
	if len(shapes) < 150 {
		t.Errorf("only %d different lists", len(shapes))
	}
}
