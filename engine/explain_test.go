package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
)

// guarded is an engine over a fake with accounts, lists and credentials.
type guarded struct {
	*engine.Engine
	log    *sutlertest.Log
	fake   *sutlertest.Fake
	config *sutlertest.Config
	keys   *security.Keys
}

var (
	auditor   = sutler.Caller{Account: "otto", Groups: []string{sutler.MPFAuditors}}
	submitter = sutler.Caller{Account: "bob", Groups: []string{sutler.MPFClientAccts}}
)

func newGuarded(t *testing.T, limits sutler.Limits, namespaces string, rows ...sutler.AccessRow) *guarded {
	t.Helper()
	keys, err := security.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{log: sutlertest.NewLog(), fake: sutlertest.NewFake(), config: &sutlertest.Config{}, keys: keys}
	lease, err := g.log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.config.PutAccess(t.Context(), 0, rows...); err != nil {
		t.Fatal(err)
	}
	ids := 0
	g.Engine, err = engine.New(t.Context(), engine.Options{
		Lease: lease, Log: g.log, Config: g.config, Access: g.config, Sealer: keys, Limits: limits, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": g.fake},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID: func() sutler.TransactionID {
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%d}", ids))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range strings.SplitAfter(strings.TrimSpace(namespaces), "</namespace>") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if problems, err := g.Register(t.Context(), admin, sutler.Source{File: fmt.Sprintf("n%d.xml", i+1), Text: []byte(text)}); err != nil {
			t.Fatalf("Register: %v %v", err, problems)
		}
	}
	return g
}

// executeAs stores the credential "ops" of corp\ops and sets it for procedures.
func (g *guarded) executeAs(t *testing.T, procedures ...string) {
	t.Helper()
	sealed, err := g.keys.Seal([]byte("hush"), security.CredentialRecord("ops"))
	if err != nil {
		t.Fatal(err)
	}
	rows := []sutler.AccessRow{security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\ops`, Sealed: sealed})}
	for _, p := range procedures {
		ns, name, _ := strings.Cut(p, "/")
		rows = append(rows, security.Row(sutler.ProcedureRow, security.ProcedureObject(ns, name), &security.ProcedureSettings{ExecuteAs: "ops"}))
	}
	g.put(t, rows...)
}

func (g *guarded) put(t *testing.T, rows ...sutler.AccessRow) {
	t.Helper()
	_, revision, err := g.config.Access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.config.PutAccess(t.Context(), revision, rows...); err != nil {
		t.Fatal(err)
	}
	if err := g.RefreshAccess(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func userRow(name string, groups ...string) sutler.AccessRow {
	return security.Row(sutler.AccountRow, name, &security.Account{Name: name, MemberOf: groups})
}

// listRow makes a list of words such as "+bob -staff", on Hosting or Hosting/Create.
func listRow(object, words string) sutler.AccessRow {
	l := &security.List{Entries: []security.Entry{}}
	for _, w := range strings.Fields(words) {
		l.Entries = append(l.Entries, security.Entry{Deny: w[0] == '-', Who: w[1:], Rights: security.Execute})
	}
	if ns, name, found := strings.Cut(object, "/"); found {
		return security.Row(sutler.ListRow, security.ProcedureObject(ns, name), l)
	}
	return security.Row(sutler.ListRow, security.NamespaceObject(object), l)
}

// shownSteps shows steps, one a line.
func shownSteps(steps []security.StepExplanation) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s%s/%s", strings.Repeat("  ", s.Depth), s.Namespace, s.Procedure)
		if s.Conditional {
			b.WriteString(" conditional")
		}
		if s.Recursive {
			b.WriteString(" recursive")
		}
		if s.At != "" {
			b.WriteString(" at " + s.At)
		}
		if s.Provider != "" {
			fmt.Fprintf(&b, " by %s as %s", s.Provider, s.Identity)
		}
		if s.Why != "" {
			b.WriteString(" (" + s.Why + ")")
		}
		if !s.Allowed {
			fmt.Fprintf(&b, " REFUSED %s: %s", s.Decision.Check, s.Decision.Rule)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (g *guarded) explain(t *testing.T, from sutler.Caller, q security.AccessQuery) *security.AccessExplanation {
	t.Helper()
	records := len(g.log.All())
	x, err := g.ExplainAccess(context.Background(), from, q)
	if err != nil {
		t.Fatalf("ExplainAccess: %v", err)
	}
	if n := len(g.log.All()); n != records {
		t.Errorf("the explanation left %d records", n-records)
	}
	if trace := g.fake.Trace(); len(trace) > 0 {
		t.Errorf("the explanation called the provider: %v", trace)
	}
	for _, s := range x.Steps {
		if !s.Identity.Secret.Empty() {
			t.Errorf("the explanation holds the password of %s", s.Identity)
		}
	}
	return x
}

// TestExplainTruthTable has the nine rows that the documents of MPF print, in
// real namespaces: what is explained, and as whom the provider then acts.
func TestExplainTruthTable(t *testing.T) {
	const basic, ops = "basic credential of the request", `execute-as credential "ops" of Namespace1/Procedure2`
	const none = "no credential is in force"
	a := func(v string) string { return fmt.Sprintf(`impersonate="%s" on n1.xml:2:46`, v) }
	b := func(v string) string { return fmt.Sprintf(`impersonate="%s" on n1.xml:3:30`, v) }
	options := map[string][]bool{"any": {false, true}, "yes": {true}, "no": {false}}
	for _, row := range []struct{ row, a, basic, executeAs, b, want, why string }{
		{"1", "0", "any", "any", "0", "service", "nothing turns impersonation on"},
		{"2", "1", "yes", "no", "0", `basic:corp\ann`, a("1") + ", inherited; " + basic},
		{"3", "1", "no", "no", "0", "caller:ann", a("1") + ", inherited; " + none},
		{"4", "2", "any", "any", "0", "service", a("2") + ", inherited"},
		{"5", "", "yes", "no", "1", `basic:corp\ann`, b("1") + "; " + basic},
		{"6", "", "no", "no", "1", "caller:ann", b("1") + "; " + none},
		{"7", "", "any", "any", "2", "service", b("2")},
		{"8", "1", "any", "yes", "0", `executeAs:corp\ops`, a("1") + ", inherited; " + ops},
		{"9", "", "any", "yes", "1", `executeAs:corp\ops`, b("1") + "; " + ops},
	} {
		for _, withBasic := range options[row.basic] {
			for _, withExecuteAs := range options[row.executeAs] {
				t.Run(fmt.Sprintf("%s basic %t execute-as %t", row.row, withBasic, withExecuteAs), func(t *testing.T) {
					attr := func(v string) string {
						if v == "" {
							return ""
						}
						return ` impersonate="` + v + `"`
					}
					g := newGuarded(t, sutler.Limits{}, `<namespace name="Namespace1">
<procedure name="Procedure1" access="public"><execute procedure="Procedure2" namespace="Namespace1"`+attr(row.a)+`/></procedure>
<procedure name="Procedure2"><execute procedure="Procedure3" namespace="Namespace2"`+attr(row.b)+`/></procedure></namespace>
<namespace name="Namespace2" providerSource="fake"><procedure name="Procedure3"/></namespace>`)
					if withExecuteAs {
						g.executeAs(t, "Namespace1/Procedure2")
					}
					context := ""
					if withBasic {
						context = `<context><securityContext><authentication><basic domain="corp" username="ann" password="p"/></authentication></securityContext></context>`
					}
					text := `<request><data/>` + context + `</request>`
					x := g.explain(t, admin, security.AccessQuery{As: "ann", Request: simple(t, "namespace1", "procedure1", text)})
					last := x.Steps[len(x.Steps)-1]
					if last.Identity.String() != row.want || last.Why != row.why || !x.Allowed || len(x.Steps) != 3 {
						t.Errorf("explained as %s because of %s, want %s because of %s\n%s", last.Identity, last.Why, row.want, row.why, shownSteps(x.Steps))
					}
					var acted string
					g.fake.Echo = func(c *sutler.Call) { acted = c.Identity.String() }
					if _, err := g.Submit(t.Context(), admin, simple(t, "Namespace1", "Procedure1", text)); err != nil || acted != row.want {
						t.Errorf("ran as %s, want %s: %v", acted, row.want, err)
					}
				})
			}
		}
	}
}

// TestExplanationIsWhatHappens runs what was explained: the calls and their
// identities, or the rule that refused, are the same.
func TestExplanationIsWhatHappens(t *testing.T) {
	const hosting = `<namespace name="Hosting">
  <procedure name="Create" access="public"><execute namespace="AD" procedure="AddUser"/><execute namespace="AD" procedure="AddMailbox" impersonate="1"/></procedure>
  <procedure name="Inner"><execute namespace="ad" procedure="adduser"/></procedure>
  <procedure name="Outer" access="public"><execute namespace="Hosting" procedure="Inner" impersonate="1"/><execute namespace="AD" procedure="AddUser"/></procedure>
  <procedure name="Switched" access="public"><execute namespace="Hosting" procedure="Outer" impersonate="1"/><execute namespace="Hosting" procedure="Off" impersonate="1"/></procedure>
  <procedure name="Off"><execute namespace="AD" procedure="AddUser" impersonate="2"/></procedure>
  <procedure name="Lost" access="public"><execute namespace="AD" procedure="AddUser"/><execute namespace="AD" procedure="Gone"/></procedure>
  <procedure name="Caught" access="public"><try><execute namespace="AD" procedure="Gone"/></try><catch><execute namespace="AD" procedure="AddUser"/></catch></procedure>
</namespace>
<namespace name="AD" providerSource="fake"><procedure name="AddUser"/><procedure name="AddMailbox" access="public"/></namespace>`
	const basic = `<context><securityContext%s><authentication><basic domain="corp" username="u" password="p"/></authentication></securityContext></context>`
	service := sutler.Caller{Account: "svc", Groups: []string{sutler.MPFTrustedUsers}}
	distant := sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}, Reach: sutler.ReachNone}
	for _, story := range []struct {
		name            string
		from            sutler.Caller
		procedure, text string // procedure "": a trusted request
		rows            []sutler.AccessRow
		executeAs       string
		deaf            bool // the credential does not open
		caught          bool // the story goes on after a refusal
		calls           string
	}{
		{name: "open", from: submitter, procedure: "Hosting/Create", calls: "AD/AddUser as service, AD/AddMailbox as caller:bob"},
		{name: "names in another case", from: submitter, procedure: "HOSTING/create", calls: "AD/AddUser as service, AD/AddMailbox as caller:bob"},
		{name: "no right", from: sutler.Caller{Account: "eve"}, procedure: "Hosting/Create", calls: `server right: no entry on engines allows Execute Procedures to "eve" or a group of it`},
		{name: "no right and no procedure", from: sutler.Caller{Account: "eve"}, procedure: "No/No", calls: `server right: no entry on engines allows Execute Procedures to "eve" or a group of it`},
		{name: "disabled", from: submitter, procedure: "Hosting/Create", rows: []sutler.AccessRow{security.Row(sutler.AccountRow, "bob", &security.Account{Name: "bob", Disabled: true})},
			calls: `account: account "bob" is disabled`},
		{name: "private", from: submitter, procedure: "Hosting/Inner",
			calls: `access type: Hosting/Inner is private, and no entry on engines allows Execute Private Procedures to "bob" or a group of it`},
		{name: "private with the right", from: admin, procedure: "Hosting/Inner", calls: "AD/AddUser as service"},
		{name: "the namespace denies", from: submitter, procedure: "Hosting/Create", rows: []sutler.AccessRow{listRow("Hosting", "-bob")},
			calls: `access list: an entry on the namespace Hosting denies "bob"`},
		{name: "explicit before inherited", from: submitter, procedure: "Hosting/Create", rows: []sutler.AccessRow{listRow("Hosting", "-bob"), listRow("Hosting/Create", "+MPFClientAccts")},
			calls: "AD/AddUser as service, AD/AddMailbox as caller:bob"},
		{name: "a nested call is denied", from: submitter, procedure: "Hosting/Create", rows: []sutler.AccessRow{listRow("AD/AddMailbox", "-bob")},
			calls: `AD/AddUser as service, access list: an entry on the procedure AD/AddMailbox denies "bob"`},
		{name: "impersonation is inherited and ends", from: submitter, procedure: "Hosting/Switched", executeAs: "Hosting/Off",
			calls: "AD/AddUser as caller:bob, AD/AddUser as caller:bob, AD/AddUser as service"},
		{name: "execute-as reaches no sibling", from: submitter, procedure: "Hosting/Switched", executeAs: "Hosting/Inner",
			calls: `AD/AddUser as executeAs:corp\ops, AD/AddUser as caller:bob, AD/AddUser as service`},
		{name: "execute-as on the provider's procedure", from: submitter, procedure: "Hosting/Create", executeAs: "AD/AddMailbox", text: fmt.Sprintf(basic, ""),
			calls: `AD/AddUser as service, AD/AddMailbox as executeAs:corp\ops`},
		{name: "the credential does not open", from: submitter, procedure: "Hosting/Outer", executeAs: "Hosting/Inner", deaf: true, calls: "80070005"},
		{name: "basic", from: submitter, procedure: "Hosting/Outer", text: fmt.Sprintf(basic, ""), calls: `AD/AddUser as basic:corp\u, AD/AddUser as service`},
		{name: "another trustee in a simple request", from: submitter, procedure: "Hosting/Outer", text: `<context><securityContext trustee="ann"/></context>`,
			calls: `security context: a simple request may not name the trustee "ann"; only a trusted one may name another than the caller`},
		{name: "out of reach", from: distant, procedure: "Hosting/Create",
			calls: "AD/AddUser as service, identity: the step would run as the calling user, and the impersonation level of the client does not let an engine act as it"},
		{name: "unknown", from: submitter, procedure: "Hosting/Lost", calls: "AD/AddUser as service, 80070490"},
		{name: "caught", from: submitter, procedure: "Hosting/Caught", caught: true, calls: "80070490, AD/AddUser as service"},
		{name: "nobody", from: sutler.Caller{Account: "x", Unknown: true}, procedure: "Hosting/Create", calls: `server right: no entry on engines allows Execute Procedures to "" or a group of it`},
		{name: "anonymous", from: sutler.Caller{Account: "x", Unknown: true}, procedure: "AD/AddMailbox", rows: []sutler.AccessRow{
			security.Row(sutler.ListRow, security.Engines, &security.List{Entries: []security.Entry{{Who: security.Anonymous, Rights: security.ExecuteProcedures}}}), listRow("AD", "+Anonymous"),
		}, calls: "AD/AddMailbox as service"},
		{name: "trusted", from: service, text: fmt.Sprintf(basic, ` impersonate="1"`) + `<procedure><execute namespace="Hosting" procedure="Create"/><execute namespace="AD" procedure="AddMailbox" impersonate="2"/></procedure>`,
			calls: `AD/AddUser as basic:corp\u, AD/AddMailbox as basic:corp\u, AD/AddMailbox as service`},
		{name: "trusted and private", from: service, text: `<procedure><execute namespace="Hosting" procedure="Inner"/></procedure>`,
			calls: `access type: Hosting/Inner is private, and no entry on engines allows Execute Private Procedures to "svc" or a group of it`},
		{name: "for another trustee", from: service, text: `<context><securityContext trustee="bob"/></context><procedure><execute namespace="Hosting" procedure="Create" impersonate="1"/></procedure>`,
			rows: []sutler.AccessRow{listRow("Hosting", "+staff"), userRow("bob", "staff"), listRow("AD", "+staff -svc")}, calls: "AD/AddUser as caller:svc, AD/AddMailbox as caller:svc"},
		{name: "for a trustee who may not", from: service, text: `<context><securityContext trustee="bob"/></context><procedure><execute namespace="Hosting" procedure="Create"/></procedure>`,
			rows: []sutler.AccessRow{listRow("AD", "+svc")}, calls: `access list: no entry on AD/AddUser or inherited allows the name "bob", which the installation does not know, to execute`},
		{name: "no trusted right", from: submitter, text: `<procedure><execute namespace="Hosting" procedure="Create"/></procedure>`,
			calls: `server right: no entry on engines allows Execute Trusted Procedures to "bob" or a group of it`},
	} {
		t.Run(story.name, func(t *testing.T) {
			g := newGuarded(t, sutler.Limits{}, hosting, story.rows...)
			if story.executeAs != "" {
				g.executeAs(t, story.executeAs)
			}
			if story.deaf {
				g.put(t, security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\ops`, Sealed: []byte("broken")}))
			}
			request := func() *sutler.Request {
				text := "<request><data/>" + story.text + "</request>"
				if story.procedure == "" {
					return trusted(t, text)
				}
				ns, name, _ := strings.Cut(story.procedure, "/")
				return simple(t, ns, name, text)
			}
			who := story.from.Account
			if story.from.Unknown {
				who = ""
			}
			asking := sutler.Caller{Account: "root", Groups: []string{sutler.MPFAdmins}, Reach: story.from.Reach}
			explained := told(g.explain(t, asking, security.AccessQuery{As: who, Groups: story.from.Groups, Request: request()}), story.caught)
			var happened []string
			g.fake.Echo = func(c *sutler.Call) {
				happened = append(happened, fmt.Sprintf("%s/%s as %s", c.Namespace, c.Procedure, c.Identity))
			}
			_, err := g.Submit(t.Context(), story.from, request())
			refusals := 0
			for _, r := range g.log.All() {
				if r.Kind == sutler.Refused {
					happened = append(happened, r.Text)
					refusals++
				}
			}
			if code := sutler.CodeOf(err); err != nil && refusals == 0 {
				happened = append(happened, fmt.Sprintf("%08X", uint32(code)))
			}
			if story.caught {
				happened = append([]string{"80070490"}, happened...)
			}
			if d := cmp.Diff(story.calls, strings.Join(explained, ", ")); d != "" {
				t.Errorf("explained (-want +got):\n%s", d)
			}
			if d := cmp.Diff(story.calls, strings.Join(happened, ", ")); d != "" {
				t.Errorf("happened (-want +got):\n%s", d)
			}
		})
	}
}

// told is what an explanation says that will happen, up to the first refusal.
func told(x *security.AccessExplanation, caught bool) []string {
	var all []string
	if d := security.Last(x.Checks); !x.Allowed && len(x.Steps) == 0 {
		return []string{d.Check + ": " + d.Rule}
	}
	for _, s := range x.Steps {
		d := s.Decision
		switch {
		case !s.Allowed && d.Check == "procedure":
			all = append(all, "80070490")
		case !s.Allowed && strings.Contains(d.Rule, "cannot use credential"):
			all = append(all, "80070005")
		case !s.Allowed:
			all = append(all, d.Check+": "+d.Rule)
		case s.Provider != "":
			all = append(all, fmt.Sprintf("%s/%s as %s", s.Namespace, s.Procedure, s.Identity))
		}
		if !s.Allowed && !caught {
			break
		}
	}
	return all
}
