package engine_test

import (
	"context"
	"fmt"
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
		if forEve := row.want == "server right, credentials, access type, no access list"; x.Trustee != map[bool]string{true: "eve", false: "bob"}[forEve] {
			t.Errorf("%s: the trustee is %q", row.want, x.Trustee)
		}
		if doc.Root() != nil {
			t.Error("the document of the request is not released")
		}
	}
}

// TestExplainTrustee says why a trustee whom the installation does not know is
// let in by its name alone.
func TestExplainTrustee(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, stepNamespaces, listRow("Hosting", "+Everyone +zed"))
	for name, want := range map[string]string{
		"Zed": `an entry on the namespace Hosting allows "zed"`,
		"yan": `no entry on Hosting/Ping or inherited allows the name "yan", which the installation does not know, to execute`,
	} {
		req := trusted(t, `<request><context><securityContext trustee="`+name+`"/></context><procedure><execute namespace="Hosting" procedure="Ping"/></procedure></request>`)
		x := g.explain(t, auditor, security.AccessQuery{As: "bob", Groups: []string{sutler.MPFTrustedUsers}, Request: req})
		if d := x.Steps[0].Decision; d.Rule != want || x.Trustee != name || x.Allowed != (name == "Zed") {
			t.Errorf("for %s: %+v", name, d)
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
