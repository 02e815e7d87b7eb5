package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

const planNamespaces = `<namespace name="Hosting"><procedure name="Create" access="public"><transform/></procedure><procedure name="Internal"><transform/></procedure></namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser" access="public"/></namespace>`

var planRows = []sutler.AccessRow{
	userRow("ann", sutler.MPFAdmins), userRow("Bob", sutler.MPFClientAccts, "staff"), userRow("carl", sutler.MPFClientAccts), userRow("dora"),
	security.Row(sutler.AccountRow, "zoe", &security.Account{Name: "zoe", Disabled: true, MemberOf: []string{sutler.MPFAdmins}}),
	security.Row(sutler.AccountRow, "staff", &security.Account{Name: "staff", Group: true}),
	listRow("Hosting", "+staff +MPFAdmins"),
}

func TestCanI(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, planNamespaces, planRows...)
	for _, row := range []struct {
		from          sutler.Caller
		as, procedure string
		want          string
	}{
		{admin, "bob", "Hosting/Create", `{true access list an entry on the namespace Hosting allows "staff"}`},
		{admin, "carl", "hosting/create", `{false access list no entry on Hosting/Create or inherited allows "carl" or a group of it to execute}`},
		{auditor, "bob", "Hosting/Internal", `{false access type Hosting/Internal is private, and no entry on engines allows Execute Private Procedures to "bob" or a group of it}`},
		{auditor, "dora", "Hosting/Create", `{false server right no entry on engines allows Execute Procedures to "dora" or a group of it}`},
		{admin, "ann", "Hosting/Internal", `{true access list an entry on the namespace Hosting allows "MPFAdmins"}`},
		{admin, "zoe", "AD/AddUser", `{false account account "zoe" is disabled}`},
		{submitter, "bob", "Hosting/Create", `{true access list allowed}`},
		{submitter, "Bob", "Hosting/Internal", `{false access list refused by the access list}`},
		{sutler.Caller{Account: "dora"}, "dora", "Hosting/Create", `{false server right refused by the access list}`},
		{sutler.Caller{Account: "dora"}, "dora", "No/No", `{false server right refused by the access list}`},
		{sutler.Caller{Account: "zoe"}, "zoe", "AD/AddUser", `{false account refused}`},
	} {
		ns, p, _ := strings.Cut(row.procedure, "/")
		d, err := g.CanI(t.Context(), row.from, row.as, ns, p)
		if got := fmt.Sprint(d); err != nil || got != row.want {
			t.Errorf("%s asks whether %s can %s: %s, %v; want %s", row.from.Account, row.as, row.procedure, got, err, row.want)
		}
	}
	if _, err := g.CanI(t.Context(), admin, "bob", "Hosting", "Gone"); sutler.CodeOf(err) != sutler.NotFound {
		t.Errorf("of a procedure that is not there: %v", err)
	}
}

func TestWhoAndWhatCan(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, planNamespaces, planRows...)
	who := func(ns, p string) string {
		all, err := g.WhoCan(t.Context(), auditor, ns, p)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, w := range all {
			names = append(names, w.Account+" ("+w.Rule+")")
		}
		return strings.Join(names, ", ")
	}
	for name, want := range map[string]string{
		"Hosting/Create":   `ann (an entry on the namespace Hosting allows "MPFAdmins"), Bob (an entry on the namespace Hosting allows "staff")`,
		"hosting/internal": `ann (an entry on the namespace Hosting allows "MPFAdmins")`,
		"AD/AddUser": `ann (AD/AddUser has no access list, and access.defaultDeny is off), Bob (AD/AddUser has no access list, and access.defaultDeny is off), ` +
			`carl (AD/AddUser has no access list, and access.defaultDeny is off)`,
	} {
		ns, p, _ := strings.Cut(name, "/")
		if got := who(ns, p); got != want {
			t.Errorf("who can %s: %s\nwant %s", name, got, want)
		}
	}
	if _, err := g.WhoCan(t.Context(), admin, "Hosting", "Gone"); sutler.CodeOf(err) != sutler.NotFound {
		t.Errorf("who can what is not there: %v", err)
	}
	for _, row := range []struct {
		from sutler.Caller
		as   string
		want []security.WhatCan
	}{
		{auditor, "bob", []security.WhatCan{{Namespace: "AD", Procedure: "AddUser", Rule: "AD/AddUser has no access list, and access.defaultDeny is off"}, {Namespace: "Hosting", Procedure: "Create", Rule: `an entry on the namespace Hosting allows "staff"`}}},
		{submitter, "bob", []security.WhatCan{{Namespace: "AD", Procedure: "AddUser", Rule: "allowed"}, {Namespace: "Hosting", Procedure: "Create", Rule: "allowed"}}},
		{sutler.Caller{Account: "carl"}, "carl", []security.WhatCan{{Namespace: "AD", Procedure: "AddUser", Rule: "allowed"}}},
		{sutler.Caller{Account: "dora"}, "dora", nil},
		{admin, "ann", []security.WhatCan{{Namespace: "AD", Procedure: "AddUser", Rule: "AD/AddUser has no access list, and access.defaultDeny is off"},
			{Namespace: "Hosting", Procedure: "Create", Rule: `an entry on the namespace Hosting allows "MPFAdmins"`}, {Namespace: "Hosting", Procedure: "Internal", Rule: `an entry on the namespace Hosting allows "MPFAdmins"`}}},
	} {
		got, err := g.WhatCan(t.Context(), row.from, row.as)
		if d := cmp.Diff(row.want, got); d != "" || err != nil {
			t.Errorf("%s asks what %s can: %v (-want +got):\n%s", row.from.Account, row.as, err, d)
		}
	}
}

// TestAccessDiff has what edits would change, and that they change nothing
// before they are made and just that afterwards.
func TestAccessDiff(t *testing.T) {
	engines := func(words string) sutler.AccessRow {
		l := &security.List{}
		for _, w := range strings.Fields(words) {
			l.Entries = append(l.Entries, security.Entry{Who: strings.ReplaceAll(w, "_", " "), Rights: security.ExecuteProcedures})
		}
		return security.Row(sutler.ListRow, security.Engines, l)
	}
	for _, row := range []struct {
		name string
		rows []sutler.AccessRow
		want string
	}{
		{"nothing", nil, ""},
		{"the same again", []sutler.AccessRow{listRow("Hosting", "+staff +MPFAdmins")}, ""},
		{"an entry", []sutler.AccessRow{listRow("Hosting", "+staff +MPFAdmins +carl")}, "+carl Hosting/Create"},
		{"another rule with the same effect", []sutler.AccessRow{listRow("Hosting", "+bob +MPFAdmins")}, ""},
		{"a deny", []sutler.AccessRow{listRow("Hosting/Create", "-staff -ann")}, "-ann Hosting/Create, -Bob Hosting/Create"},
		{"a list is taken away", []sutler.AccessRow{security.Row[security.List](sutler.ListRow, security.NamespaceObject("Hosting"), nil)}, "+carl Hosting/Create"},
		{"a new list", []sutler.AccessRow{listRow("AD", "+MPFAdmins")}, "-Bob AD/AddUser, -carl AD/AddUser"},
		{"a user is taken away", []sutler.AccessRow{security.Row[security.Account](sutler.AccountRow, "carl", nil)}, "-carl AD/AddUser"},
		{"a new user", []sutler.AccessRow{userRow("Emil", sutler.MPFClientAccts, "staff")}, "+Emil AD/AddUser, +Emil Hosting/Create"},
		{"enabled", []sutler.AccessRow{userRow("zoe", sutler.MPFAdmins)}, "+zoe AD/AddUser, +zoe Hosting/Create, +zoe Hosting/Internal"},
		{"a procedure is made private", []sutler.AccessRow{security.Row(sutler.ProcedureRow, security.ProcedureObject("AD", "AddUser"), &security.ProcedureSettings{Access: "private"})},
			"-Bob AD/AddUser, -carl AD/AddUser"},
		{"everybody whose name is known", []sutler.AccessRow{engines("MPFAdmins Authenticated_Users")},
			"-ann Hosting/Internal, +Authenticated Users AD/AddUser, +dora AD/AddUser"},
		{"really everybody", []sutler.AccessRow{engines("MPFAdmins Everyone"), listRow("Hosting", "+Everyone")},
			"-ann Hosting/Internal, +Authenticated Users AD/AddUser, +Authenticated Users Hosting/Create, " +
				"+carl Hosting/Create, +dora AD/AddUser, +dora Hosting/Create"},
		{"a name that only a door knows", []sutler.AccessRow{engines(`MPFAdmins MPFClientAccts corp\zed`)}, `-ann Hosting/Internal, +corp\zed AD/AddUser`},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newGuarded(t, sutler.Limits{}, planNamespaces, planRows...)
			show := func(changes []security.AccessEffect) string {
				var all []string
				for _, c := range changes {
					if c.Before.Allowed == c.After.Allowed || c.Before.Rule == "" || c.After.Rule == "" {
						t.Errorf("no change: %+v", c)
					}
					all = append(all, map[bool]string{true: "+", false: "-"}[c.After.Allowed]+c.Account+" "+c.Namespace+"/"+c.Procedure)
				}
				return strings.Join(all, ", ")
			}
			before := g.Access()
			changes, err := g.AccessDiff(t.Context(), admin, row.rows)
			if d := cmp.Diff(row.want, show(changes)); d != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
			if g.Access() != before {
				t.Error("asking changed who may do what")
			}
			g.put(t, row.rows...)
			if left, err := g.AccessDiff(t.Context(), admin, row.rows); err != nil || len(left) > 0 {
				t.Errorf("after the edit it would still change %v, %v", show(left), err)
			}
			for _, c := range changes { // of those who can be asked about
				if slices.Contains([]string{security.Anonymous, security.AuthenticatedUsers}, c.Account) {
					continue
				}
				if d, err := g.CanI(t.Context(), admin, c.Account, c.Namespace, c.Procedure); err != nil || d != c.After {
					t.Errorf("%s then can %s/%s: %+v %v, foretold %+v", c.Account, c.Namespace, c.Procedure, d, err, c.After)
				}
			}
		})
	}
	g := newGuarded(t, sutler.Limits{}, planNamespaces)
	bad := sutler.AccessRow{Kind: sutler.ListRow, Name: "namespace:ad", Value: []byte("{")}
	if _, err := g.AccessDiff(t.Context(), admin, []sutler.AccessRow{bad}); sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), "namespace:ad") {
		t.Errorf("a row that is not one: %v", err)
	}
	if _, err := newRig(t, sutler.Limits{}).AccessDiff(t.Context(), admin, nil); sutler.CodeOf(err) != sutler.NotYet {
		t.Errorf("an engine without lists: %v", err)
	}
}
