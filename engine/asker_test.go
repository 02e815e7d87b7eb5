package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

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
	if x := g.explain(t, admin, security.AccessQuery{As: "ann", Groups: []string{"staff"}, Namespace: "Hosting", Procedure: "Create"}); x.Allowed || len(x.Checks) != 1 {
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

// TestSubmitsLookAlike calls procedures that are not there and such that may
// not be called: neither the answer nor what a catch sees tells them apart, and
// the log has the reason. What a procedure of a namespace calls is no secret.
func TestSubmitsLookAlike(t *testing.T) {
	g := newGuarded(t, sutler.Limits{}, `<namespace name="Hosting"><procedure name="Open" access="public"><execute namespace="AD" procedure="Gone"/></procedure>
<procedure name="Private"><execute namespace="AD" procedure="AddUser"/></procedure><procedure name="Denied" access="public"><transform/></procedure></namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser" access="public"><Schema name="inputSchema" validate="1">
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData"><xs:complexType><xs:attribute name="need" use="required"/></xs:complexType></xs:element></xs:schema>
</Schema></procedure></namespace>`,
		listRow("Hosting", "+Everyone"), listRow("Hosting/Denied", "-bob -tom"), listRow("AD", "+boss"))
	tom := sutler.Caller{Account: "tom", Groups: []string{sutler.MPFTrustedUsers}}
	reasons := map[string]string{
		"hosting/PRIVATE": "access type: Hosting/Private is private, and no entry on engines allows Execute Private Procedures to %q or a group of it",
		"Hosting/Denied":  "access list: an entry on the procedure Hosting/Denied denies %q",
		"Hosting/Gone":    `procedure: cannot call Hosting/Gone: namespace "Hosting" has no procedure "Gone"`,
		"ad/AddUser":      "access list: no entry on AD/AddUser or inherited allows %q or a group of it to execute",
		"AD/Gone":         `procedure: cannot call AD/Gone: namespace "AD" has no procedure "Gone"`,
		"Hos/Open":        `procedure: cannot call Hos/Open: no namespace "Hos" is registered; there is "Hosting"`,
		"Nowhere/Gone":    `procedure: cannot call Nowhere/Gone: no namespace "Nowhere" is registered`,
	}
	submit := func(from sutler.Caller, name, around string) (answer string, code sutler.Code, log string) {
		ns, p, _ := strings.Cut(name, "/")
		req := simple(t, ns, p, `<request/>`)
		if around != "" {
			req = trusted(t, `<request><procedure>`+fmt.Sprintf(around, fmt.Sprintf(`<execute namespace="%s" procedure="%s"/>`, ns, p))+`</procedure></request>`)
		}
		before := len(g.log.All())
		resp, err := g.Submit(t.Context(), from, req)
		answer = fmt.Sprint(resp.Status, " ", err, " ", string(resp.XML))
		if resp.Err != nil {
			answer += fmt.Sprint(resp.Err.Code, resp.Err.Seq, resp.Err.Sources, resp.Err.Detail)
		}
		for _, r := range g.log.All()[before:] {
			if r.Kind == sutler.Refused {
				log += r.Text
			}
		}
		return strings.ReplaceAll(answer, name, "N/P"), sutler.CodeOf(err), log
	}
	const caught = `<try>%s</try><catch><transform><after source="context" sourcePath="errorContext" destination="data" mode="insert"/></transform></catch>`
	for _, row := range []struct {
		from   sutler.Caller
		around string
	}{{submitter, ""}, {tom, ""}, {tom, "%s"}, {tom, caught}, {sutler.Caller{Account: "sam", Groups: []string{sutler.MPFServiceAccts}}, ""}} {
		first := ""
		for name, reason := range reasons {
			if row.from.Account == "sam" && name != "ad/AddUser" && !strings.HasPrefix(reason, "procedure") { // he may call it
				continue
			}
			answer, code, log := submit(row.from, name, row.around)
			ns, p, _ := strings.Cut(name, "/")
			answer = strings.NewReplacer(`"`+ns+`"`, `"N"`, `"`+p+`"`, `"P"`, "{"+ns+" "+p+"}", "{N P}").Replace(answer)
			if first == "" {
				first = answer
			}
			if answer != first || code != sutler.Denied && row.around != caught || !strings.Contains(answer, "there is no such procedure, or it may not be called") {
				t.Errorf("%s %q of %s: %s\nand of another: %s", row.from.Account, row.around, name, answer, first)
			}
			if strings.Contains(reason, "%q") {
				reason = fmt.Sprintf(reason, row.from.Account)
			}
			if log != reason {
				t.Errorf("%s %q of %s: on record is %q, want %q", row.from.Account, row.around, name, log, reason)
			}
		}
	}
	// Nobody hides from those who read all that, nor what a procedure calls.
	for _, row := range []struct {
		from       sutler.Caller
		name, want string
		code       sutler.Code
	}{
		{admin, "Hosting/Gone", `namespace "Hosting" has no procedure "Gone"`, sutler.NotFound},
		{admin, "ad/AddUser", "cannot call AD/AddUser as", sutler.Denied},
		{sutler.Caller{Account: "bob", Groups: []string{sutler.MPFClientAccts, sutler.MPFAuditors}}, "Hos/Open", `there is "Hosting"`, sutler.NotFound},
		{submitter, "Hosting/Open", `namespace "AD" has no procedure "Gone"`, sutler.NotFound},
	} {
		if answer, code, _ := submit(row.from, row.name, ""); code != row.code || !strings.Contains(answer, row.want) {
			t.Errorf("%s calls %s: %s", row.from.Account, row.name, answer)
		}
	}
}
