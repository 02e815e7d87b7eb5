package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// stepNamespaces have calls of every kind.
const stepNamespaces = `<namespace name="Hosting">
<procedure name="Create" access="public">
<execute namespace="ad" procedure="adduser"><when source="data" sourcePath="x"/></execute>
<execute namespace="AD" procedure="AddUser"><forEach name="e" root="data" path="x"/></execute>
<execute namespace="AD" procedure="AddUser"><repeat source="data" sourcePath="n"/></execute>
<execute namespace="AD" procedure="AddUser"><before source="data" sourcePath="x" destination="executeData" ifNull="skip"/></execute>
<transform><before source="data" destination="data"/></transform>
<try><execute namespace="AD" procedure="AddUser"/></try><catch><execute namespace="Hosting" procedure="Inner" impersonate="1"/></catch>
<execute namespace="Hosting" procedure="Inner" impersonate="2"/>
<execute namespace="Hostin" procedure="Inner"/>
<queue namespace="AD" procedure="AddUser"/>
</procedure>
<procedure name="Inner"><execute namespace="AD" procedure="AddUser"/></procedure>
<procedure name="Ping" access="public"><execute namespace="Hosting" procedure="Pong"/></procedure>
<procedure name="Pong" access="public"><execute namespace="Hosting" procedure="Ping"><when source="data" sourcePath="x"/></execute><execute namespace="AD" procedure="AddUser"/></procedure>
</namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser" access="public"/></namespace>`

func TestExplainSteps(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, stepNamespaces)
	for _, row := range []struct {
		name string
		q    security.AccessQuery
		want string
	}{
		{"every kind", security.AccessQuery{Namespace: "hosting", Procedure: "create"}, `Hosting/Create
  AD/AddUser conditional at n1.xml:3:1 by fake as service (nothing turns impersonation on)
  AD/AddUser conditional at n1.xml:4:1 by fake as service (nothing turns impersonation on)
  AD/AddUser conditional at n1.xml:5:1 by fake as service (nothing turns impersonation on)
  AD/AddUser conditional at n1.xml:6:1 by fake as service (nothing turns impersonation on)
  AD/AddUser at n1.xml:8:6 by fake as service (nothing turns impersonation on)
  Hosting/Inner conditional at n1.xml:8:64
    AD/AddUser conditional at n1.xml:13:25 by fake as caller:bob (impersonate="1" on n1.xml:8:64, inherited; no credential is in force)
  Hosting/Inner at n1.xml:9:1
    AD/AddUser at n1.xml:13:25 by fake as service (impersonate="2" on n1.xml:9:1, inherited)
  Hostin/Inner at n1.xml:10:1 REFUSED procedure: cannot call Hostin/Inner: no namespace "Hostin" is registered; there is "Hosting"
  AD/AddUser at n1.xml:11:1 REFUSED queue: this engine has no queue manager yet
`},
		{"recursion", security.AccessQuery{Namespace: "Hosting", Procedure: "Ping"}, `Hosting/Ping
  Hosting/Pong at n1.xml:14:40
    Hosting/Ping conditional recursive at n1.xml:15:40
    AD/AddUser at n1.xml:15:132 by fake as service (nothing turns impersonation on)
`},
		{"trusted", security.AccessQuery{Groups: []string{sutler.MPFTrustedUsers}, Request: trusted(t, `<request><data/><context><securityContext impersonate="1"/></context>
<procedure><execute namespace="AD" procedure="AddUser"/>
<execute namespace="Hosting" procedure="Inner"/></procedure></request>`)}, `AD/AddUser at request.xml:2:12 by fake as caller:bob (impersonate="1" on securityContext, inherited; no credential is in force)
Hosting/Inner at request.xml:3:1 REFUSED access type: Hosting/Inner is private, and no entry on engines allows Execute Private Procedures to "bob" or a group of it
  AD/AddUser at n1.xml:13:25 by fake as caller:bob (impersonate="1" on securityContext, inherited; no credential is in force)
`},
	} {
		q := row.q
		q.As = "bob"
		if q.Groups == nil {
			q.Groups = []string{sutler.MPFClientAccts}
		}
		x := g.explain(t, auditor, q)
		if d := cmp.Diff(row.want, shownSteps(x.Steps)); d != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, d)
		}
		if !x.Allowed || x.More || x.As != "bob" || x.Trustee != "bob" {
			t.Errorf("%s: %+v", row.name, x)
		}
	}
}

// TestExplainChecks has the checks of the submission and the first call.
func TestExplainChecks(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, stepNamespaces, listRow("Hosting", "-eve +Everyone"))
	const credentials = `<context><securityContext trustee="eve"><authentication><basic username="u" password="p"/></authentication></securityContext></context>`
	for _, row := range []struct {
		groups  string
		request *sutler.Request
		want    string
	}{
		{"", simple(t, "Hosting", "Ping", `<request/>`), "no server right"},
		{sutler.MPFClientAccts, simple(t, "Hosting", "Ping", `<request/>`), "server right, access type, access list"},
		{sutler.MPFClientAccts, simple(t, "AD", "AddUser", `<request/>`), "server right, access type, access list, identity"},
		{sutler.MPFClientAccts, simple(t, "Hosting", "Inner", `<request/>`), "server right, no access type"},
		{sutler.MPFClientAccts, simple(t, "Hosting", "Ping", `<request>`+credentials+`</request>`), "server right, credentials, no security context"},
		{sutler.MPFTrustedUsers, trusted(t, `<request>`+credentials+`<procedure><execute namespace="Hosting" procedure="Ping"/></procedure></request>`),
			"server right, credentials, access type, no access list"},
		{sutler.MPFTrustedUsers, trusted(t, `<request><procedure><try/><catch><execute namespace="Hosting" procedure="Inner"/></catch>
			<execute namespace="AD" procedure="AddUser"/></procedure></request>`), "server right, access type, access list, identity"},
		{sutler.MPFTrustedUsers, trusted(t, `<request><procedure/></request>`), "server right"},
		{sutler.MPFTrustedUsers, trusted(t, `<request><procedure><execute namespace="Hosting" procedure="Gone"/></procedure></request>`), "server right, no procedure"},
	} {
		doc := row.request.Doc
		x := g.explain(t, auditor, security.AccessQuery{As: "bob", Groups: strings.Fields(row.groups), Request: row.request})
		var got []string
		for _, d := range x.Checks {
			got = append(got, map[bool]string{false: "no "}[d.Allowed]+d.Check)
		}
		if s := strings.Join(got, ", "); s != row.want || x.Allowed != !strings.Contains(row.want, "no ") {
			t.Errorf("%s: %s, allowed %t; want %s", row.groups, s, x.Allowed, row.want)
		}
		if doc.Root() != nil {
			t.Error("the document of the request is not released")
		}
	}
}

// TestExplainErrors has the questions that have no answer.
func TestExplainErrors(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, stepNamespaces)
	ended, end := context.WithCancel(t.Context())
	end()
	steps := `<request><procedure><execute namespace="AD" procedure="AddUser"/></procedure></request>`
	client := []string{sutler.MPFClientAccts}
	for _, row := range []struct {
		ctx  context.Context
		from sutler.Caller
		q    security.AccessQuery
		code sutler.Code
		text string
	}{
		{t.Context(), auditor, security.AccessQuery{As: "bob", Groups: client, Namespace: "AD", Procedure: "Gone"}, sutler.NotFound, `namespace "AD" has no procedure "Gone"`},
		{t.Context(), auditor, security.AccessQuery{As: "bob", Groups: client, Namespace: "ADD", Procedure: "Gone"}, sutler.NotFound, `there is "AD"`},
		{t.Context(), auditor, security.AccessQuery{As: "bob", Groups: client}, sutler.BadInput, "name a namespace and a procedure"},
		{t.Context(), auditor, security.AccessQuery{As: "bob", Groups: client, Request: simple(t, "AD", "AddUser", steps)}, sutler.BadRequest, "submit it as a trusted one"},
		{t.Context(), admin, security.AccessQuery{As: "ann", Request: trusted(t, `<request><procedure><execute/></procedure></request>`)}, sutler.BadRequest, ""},
		{ended, auditor, security.AccessQuery{As: "bob", Groups: client, Namespace: "AD", Procedure: "AddUser"}, sutler.Cancelled, "cancel"},
		{ended, submitter, security.AccessQuery{As: "bob", Namespace: "AD", Procedure: "AddUser"}, sutler.Cancelled, "cancel"},
	} {
		x, err := g.ExplainAccess(row.ctx, row.from, row.q)
		if sutler.CodeOf(err) != row.code || !strings.Contains(fmt.Sprint(err), row.text) || x != nil {
			t.Errorf("%+v: %v (%v), want %s %q", row.q, err, x, row.code, row.text)
		}
	}
}

// TestExplainIsBounded unfolds procedures that call others twice, and a chain
// that is longer than calls may be nested.
func TestExplainIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<namespace name="N">`)
	for i := range 40 {
		fmt.Fprintf(&b, `<procedure name="P%d" access="public"><execute namespace="N" procedure="P%d"/><execute namespace="N" procedure="P%d"/></procedure>`, i, i+1, i+1)
	}
	b.WriteString(`<procedure name="P40"><transform/></procedure></namespace>`)
	g := newGuarded(t, sutler.Limits{}, b.String())
	q := security.AccessQuery{As: "ann", Namespace: "N", Procedure: "P0"}
	if x := g.explain(t, admin, q); !x.More || len(x.Steps) != 10_000 {
		t.Errorf("%d steps, more %t", len(x.Steps), x.More)
	}
	x := newGuarded(t, sutler.Limits{CallDepth: 3}, stepNamespaces).explain(t, admin, security.AccessQuery{As: "ann", Namespace: "Hosting", Procedure: "Ping"})
	if last := x.Steps[len(x.Steps)-1]; last.Depth != 2 || !last.Allowed {
		t.Errorf("as deep as may be: %+v", last)
	}
	x = newGuarded(t, sutler.Limits{CallDepth: 2}, stepNamespaces).explain(t, admin, security.AccessQuery{As: "ann", Namespace: "Hosting", Procedure: "Ping"})
	if last := x.Steps[len(x.Steps)-1]; last.Allowed || !strings.Contains(last.Decision.Rule, "calls are nested 2 deep (limit CallDepth") {
		t.Errorf("deeper than may be: %+v", last)
	}
}

// TestAskersRights: whoever is no administrator and no auditor learns of
// himself only, and nothing of what others set.
func TestAskersRights(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, `<namespace name="Hosting">
<procedure name="Create" access="public"><execute namespace="AD" procedure="AddUser" impersonate="1"/><execute namespace="AD" procedure="Own" impersonate="1"/>
<execute namespace="Hosting" procedure="Inner"/><execute namespace="AD" procedure="Own"/></procedure>
<procedure name="Inner"><execute namespace="AD" procedure="Own"/></procedure></namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser" access="public"/><procedure name="Own" access="public"/></namespace>`,
		listRow("Hosting", "+staff"), userRow("bob", "staff"), userRow("eve"))
	g.executeAs(t, "AD/AddUser")
	q := security.AccessQuery{As: "BOB", Namespace: "Hosting", Procedure: "Create"}
	x := g.explain(t, submitter, q)
	if d := cmp.Diff("Hosting/Create\n  AD/AddUser at n1.xml:2:42 by fake as executeAs\n  AD/Own at n1.xml:2:103 by fake as caller:bob\n", shownSteps(x.Steps)); d != "" || !x.More {
		t.Errorf("more %t (-want +got):\n%s", x.More, d)
	}
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"staff", "ops", "Inner", "MPF", "entry", "n1.xml:3"} {
		if strings.Contains(string(text), word) {
			t.Errorf("he learns of %q: %s", word, text)
		}
	}
	for _, d := range x.Checks {
		if !d.Allowed || d.Rule != "allowed" {
			t.Errorf("check %+v", d)
		}
	}
	for _, from := range []sutler.Caller{auditor, admin} {
		all := g.explain(t, from, security.AccessQuery{As: "bob", Groups: submitter.Groups, Namespace: "Hosting", Procedure: "Create"})
		if len(all.Steps) != 6 || all.More || !strings.Contains(all.Steps[1].Why, `execute-as credential "ops" of AD/AddUser`) || all.Checks[0].Rule == "allowed" {
			t.Errorf("%s sees\n%s", from.Account, shownSteps(all.Steps))
		}
	}
	// Nobody lends himself groups.
	outsider := sutler.Caller{Account: "eve"}
	x = g.explain(t, outsider, security.AccessQuery{As: "eve", Groups: []string{sutler.MPFAdmins}, Namespace: "Hosting", Procedure: "Create"})
	if d := cmp.Diff([]security.Decision{{Check: "server right", Rule: "refused by the access list"}}, x.Checks); x.Allowed || len(x.Steps) > 0 || d != "" {
		t.Errorf("eve with lent groups: %+v", x)
	}
	// But those who may learn everything may ask what if.
	if x := g.explain(t, admin, security.AccessQuery{As: "ann", Groups: []string{"staff"}, Namespace: "Hosting", Procedure: "Create"}); x.Allowed {
		t.Errorf("ann without her groups: %+v", x)
	}
	for _, from := range []sutler.Caller{submitter, outsider, {Account: "ann", Groups: admin.Groups, Unknown: true}} {
		_, err1 := g.ExplainAccess(t.Context(), from, security.AccessQuery{As: "otto", Namespace: "Hosting", Procedure: "Create"})
		_, err2 := g.CanI(t.Context(), from, "otto", "Hosting", "Create")
		_, err3 := g.WhatCan(t.Context(), from, "otto")
		_, err4 := g.WhoCan(t.Context(), from, "Hosting", "Create")
		_, err5 := g.AccessDiff(t.Context(), from, nil)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			if sutler.CodeOf(err) != sutler.Denied || !strings.Contains(err.Error(), "only those who may configure or read the audit log") {
				t.Errorf("%s asks %d: %v", from.Account, i+1, err)
			}
		}
	}
}

// TestUnknownAndForbiddenLookAlike asks for procedures that are not there and
// such that may not be called: nobody can tell them apart.
func TestUnknownAndForbiddenLookAlike(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, `<namespace name="Hosting"><procedure name="Open" access="public"><transform/></procedure>
<procedure name="Private"><execute namespace="AD" procedure="AddUser"/></procedure><procedure name="Denied" access="public"><transform/></procedure></namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser" access="public"/></namespace>`,
		listRow("Hosting", "+Everyone"), listRow("Hosting/Denied", "-bob -tom"), listRow("AD", "+boss"))
	names := []string{"Hosting/Private", "Hosting/Denied", "hosting/denied", "Hosting/Gone", "AD/AddUser", "AD/Gone", "Hos/Open", "Nowhere/Gone"}
	tom := sutler.Caller{Account: "tom", Groups: []string{sutler.MPFTrustedUsers}}
	first := map[string]string{}
	same := func(what, name string, got string) {
		t.Helper()
		got = strings.ReplaceAll(got, name, "N/P")
		if first[what] == "" {
			first[what] = got
		}
		if got != first[what] {
			t.Errorf("%s of %s: %s\nand of %s: %s", what, name, got, names[0], first[what])
		}
	}
	for _, name := range names {
		ns, p, _ := strings.Cut(name, "/")
		_, err := g.ExplainAccess(t.Context(), submitter, security.AccessQuery{As: "bob", Namespace: ns, Procedure: p})
		if sutler.CodeOf(err) != sutler.Denied {
			t.Errorf("%s: %v, want Denied", name, err)
		}
		same("an explanation", name, fmt.Sprint(err))
		d, err := g.CanI(t.Context(), submitter, "bob", ns, p)
		same("can I", name, fmt.Sprintf("%+v %v", d, err))
		if d.Allowed || err != nil {
			t.Errorf("can I %s: %+v %v", name, d, err)
		}
		for _, around := range []string{"%s", `<execute namespace="Hosting" procedure="Open"/>%s`, `<try>%s</try><catch/>`} {
			call := fmt.Sprintf(around, fmt.Sprintf(`<execute namespace="%s" procedure="%s"/>`, ns, p))
			x := g.explain(t, tom, security.AccessQuery{As: "tom", Request: trusted(t, `<request><procedure>`+call+`</procedure></request>`)})
			text, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			same("a trusted request "+around, name, string(text))
			if !x.More || x.Allowed != strings.Contains(around, "Open") {
				t.Errorf("a trusted request with %s: %s", call, text)
			}
		}
	}
	if x := g.explain(t, submitter, security.AccessQuery{As: "bob", Namespace: "Hosting", Procedure: "Open"}); !x.Allowed {
		t.Errorf("what is open: %+v", x)
	}
}

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
		{auditor, "bob", []security.WhatCan{{"AD", "AddUser", "AD/AddUser has no access list, and access.defaultDeny is off"}, {"Hosting", "Create", `an entry on the namespace Hosting allows "staff"`}}},
		{submitter, "bob", []security.WhatCan{{"AD", "AddUser", "allowed"}, {"Hosting", "Create", "allowed"}}},
		{sutler.Caller{Account: "carl"}, "carl", []security.WhatCan{{"AD", "AddUser", "allowed"}}},
		{sutler.Caller{Account: "dora"}, "dora", nil},
		{admin, "ann", []security.WhatCan{{"AD", "AddUser", "AD/AddUser has no access list, and access.defaultDeny is off"},
			{"Hosting", "Create", `an entry on the namespace Hosting allows "MPFAdmins"`}, {"Hosting", "Internal", `an entry on the namespace Hosting allows "MPFAdmins"`}}},
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
			"-ann Hosting/Internal, +Anonymous AD/AddUser, +Anonymous Hosting/Create, +Authenticated Users AD/AddUser, +Authenticated Users Hosting/Create, " +
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
