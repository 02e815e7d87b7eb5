package admin_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// TestImportKnowsNames reads lists back that name accounts of no directory: one
// that stands in a list in force is known by its SID, any other stays a SID.
func TestImportKnowsNames(t *testing.T) {
	const sub, zed, machine = "openid:4711@https://login.example.com/realms/hosting", `corp\Zed`, "certificate:portal"
	in := install(t, user("Ann"), allow("Mail", sub), allow("Mail", zed), sutler.AccessChange{Verb: sutler.DenyAccess, Name: "Mail", Who: machine},
		allow("Mail", "ann"), allow("Mail", "S-1-5-21-1-2-3-4"), allow("Mail/Create", `CORP\zed`), allow("engines", "certificate:other", "procedures"))
	view := func(object string) (who []string, sddl string) {
		for _, l := range in.View().Lists {
			if l.Object == object {
				for _, e := range l.Entries {
					who = append(who, map[bool]string{true: "-", false: "+"}[e.Deny]+e.Who)
				}
				return who, l.SDDL
			}
		}
		return nil, ""
	}
	_, sddl := view("Mail")
	for _, step := range []struct {
		name, object, sddl string
		want               []string
	}{
		{"the same list", "Mail", sddl, []string{"-" + machine, "+" + sub, "+" + zed, "+Ann", "+S-1-5-21-1-2-3-4"}},
		{"once more", "Mail", sddl, []string{"-" + machine, "+" + sub, "+" + zed, "+Ann", "+S-1-5-21-1-2-3-4"}},
		{"another list", "Mail/Create", sddl, []string{"-" + machine, "+" + sub, `+CORP\zed`, "+Ann", "+S-1-5-21-1-2-3-4"}},
		{"a name on engines", "Fixed", "D:(A;;GX;;;" + string(security.SIDOf("Certificate:Other")) + ")", []string{"+certificate:other"}},
		{"a name of nobody", "Fixed", "D:(A;;GX;;;" + string(security.SIDOf("certificate:third")) + ")", []string{"+" + string(security.SIDOf("certificate:third"))}},
	} {
		in.must(t, sutler.AccessChange{Verb: sutler.ImportAccess, Name: step.object, SDDL: step.sddl})
		got, again := view(step.object)
		if d := diff.Diff(step.want, got); d != "" || again != step.sddl {
			t.Errorf("%s: %s from %s (-want +got):\n%s", step.name, again, step.sddl, d)
		}
	}
}

// TestEntriesBySID: a SID is the account or principal that it stands for, also
// where a list is changed by hand.
func TestEntriesBySID(t *testing.T) {
	in := install(t, user("Ann"), allow("Mail", "S-1-1-0"), allow("Mail", string(security.SIDOf("ann"))), allow("Mail", "S-1-5-21-1-2-3-4"))
	show := func() (who []string) {
		for _, e := range in.engine.Access().List(security.NamespaceObject("Mail")).Entries {
			who = append(who, e.Who)
		}
		return who
	}
	if d := diff.Diff([]string{"Everyone", "Ann", "S-1-5-21-1-2-3-4"}, show()); d != "" {
		t.Error(d)
	}
	for _, sid := range []string{"S-1-1-0", "s-1-5-21-1-2-3-4"} {
		in.must(t, sutler.AccessChange{Verb: sutler.RemoveAccess, Name: "Mail", Who: sid})
	}
	if d := diff.Diff([]string{"Ann"}, show()); d != "" {
		t.Error(d)
	}
}

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
		for _, l := range in.View().Lists {
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
		want := view("Mail/Create")
		if want == nil {
			continue // nothing was allowed or denied
		}
		shapes[want.SDDL] = true
		in.must(t, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Mail/Create"})
		if view("Mail/Create") != nil {
			t.Fatal("the list was not cleared")
		}
		in.must(t, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail/Create", SDDL: want.SDDL})
		if d := diff.Diff(want, view("Mail/Create")); d != "" {
			t.Fatalf("list %d, %s (-exported +imported):\n%s", i, want.SDDL, d)
		}
		in.must(t, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Mail/Create"})
	}
	if len(shapes) < 150 {
		t.Errorf("only %d different lists", len(shapes))
	}
}
