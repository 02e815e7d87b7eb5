package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/security"
)

// access makes a picture of rows.
func access(t testing.TB, defaultDeny bool, rows ...sutler.AccessRow) *security.Access {
	t.Helper()
	a, err := security.NewAccess(rows, 1, defaultDeny)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func user(name string, groups ...string) sutler.AccessRow {
	return security.Row(sutler.AccountRow, name, &security.Account{Name: name, MemberOf: groups})
}

func group(name string, groups ...string) sutler.AccessRow {
	return security.Row(sutler.AccountRow, name, &security.Account{Name: name, Group: true, MemberOf: groups})
}

// list makes a list of words such as "+ann -staff"; "!" first breaks inheritance.
func list(object, words string) sutler.AccessRow {
	l := &security.List{}
	for _, w := range strings.Fields(words) {
		if w == "!" {
			l.Protected = true
			continue
		}
		l.Entries = append(l.Entries, security.Entry{Deny: w[0] == '-', Who: w[1:], Rights: security.Execute})
	}
	return security.Row(sutler.ListRow, object, l)
}

// TestMatrix is the matrix of the documents: what each group may without
// further configuration.
func TestMatrix(t *testing.T) {
	a := access(t, false)
	columns := []func(*security.Who) bool{
		func(w *security.Who) bool {
			return security.Last(a.MaySubmit(w, security.Engines, security.Submission{})).Allowed
		},
		func(w *security.Who) bool {
			return security.Last(a.MaySubmit(w, security.Queues, security.Submission{Context: true, Credentials: true})).Allowed
		},
		func(w *security.Who) bool {
			return security.Last(a.MaySubmit(w, security.Engines, security.Submission{Trusted: true})).Allowed
		},
		func(w *security.Who) bool { return a.Right(w, security.Engines, security.PrivateProcedures).Allowed },
		func(w *security.Who) bool { return a.MayConfigure(w).Allowed },
		func(w *security.Who) bool { return a.MayAudit(w).Allowed },
		func(w *security.Who) bool { return a.MaySee(w).Allowed },
	}
	for group, want := range map[string]string{ // simple, credentials, trusted, private, configure, audit, see
		security.Administrators: "yyyyyyy", sutler.MPFAdmins: "yyyyyyy", sutler.MPFTrustedUsers: "yyynnnn", sutler.MPFServiceAccts: "yynynny",
		sutler.MPFClientAccts: "yynnnnn", sutler.MPFAuditors: "nnnnnyy", security.AuthenticatedUsers: "nnnnnnn",
	} {
		got := ""
		for _, may := range columns {
			got += map[bool]string{true: "y", false: "n"}[may(a.Who("ann", []string{group}))]
		}
		if got != want {
			t.Errorf("%s: %s, want %s", group, got, want)
		}
	}
}

// TestMaySubmit goes through what a request may bring.
func TestMaySubmit(t *testing.T) {
	a := access(t, false,
		security.Row(sutler.ListRow, security.Engines, &security.List{Entries: []security.Entry{
			{Who: "plain", Rights: security.ExecuteProcedures}, {Who: "creds", Rights: security.ExecuteProcedures | security.CallersCredentials},
			{Who: "trusted", Rights: security.TrustedProcedures}, {Who: "both", Rights: security.TrustedProcedures | security.CallersCredentials},
			{Who: "torn", Rights: security.ExecuteProcedures}, {Deny: true, Who: "torn", Rights: security.ExecuteProcedures},
		}}),
		security.Row(sutler.AccountRow, "off", &security.Account{Name: "off", Disabled: true, MemberOf: []string{"plain"}}))
	type sub = security.Submission
	for _, row := range []struct {
		who, check string // check that refuses, "" when allowed
		s          sub
	}{
		{"plain", "", sub{}}, {"nobody", security.CheckRight, sub{}}, {"torn", security.CheckRight, sub{}}, {"off", security.CheckAccount, sub{}},
		{"plain", security.CheckCredentials, sub{Context: true}}, {"creds", "", sub{Context: true}},
		{"creds", "", sub{Context: true, Trustee: "CREDS"}}, {"creds", security.CheckContext, sub{Context: true, Trustee: "plain"}},
		{"creds", security.CheckContext, sub{Context: true, StartValue: "impersonate"}},
		{"creds", "", sub{Context: true, Credentials: true}}, {"creds", security.CheckCredentials, sub{Context: true, Credentials: true, NoPassword: true}},
		{"plain", security.CheckCredentials, sub{Context: true, Credentials: true}},
		{"plain", security.CheckRight, sub{Trusted: true}}, {"trusted", "", sub{Trusted: true}}, {"trusted", security.CheckRight, sub{}},
		{"trusted", "", sub{Trusted: true, Context: true, Trustee: "root", StartValue: "impersonate"}},
		{"trusted", security.CheckCredentials, sub{Trusted: true, Context: true, Credentials: true}}, {"both", "", sub{Trusted: true, Context: true, Credentials: true}},
		{"both", security.CheckCredentials, sub{Trusted: true, Context: true, Credentials: true, NoPassword: true}},
	} {
		d := security.Last(a.MaySubmit(a.Who(row.who, nil), security.Engines, row.s))
		if d.Allowed != (row.check == "") || !d.Allowed && d.Check != row.check || d.Rule == "" {
			t.Errorf("%s with %+v: %+v, want refused by %q", row.who, row.s, d, row.check)
		}
	}
}

// TestMayCall goes through access types and lists.
func TestMayCall(t *testing.T) {
	groups := []sutler.AccessRow{user("ann", "staff"), user("bob", "staff", "barred"), group("staff", "people"), group("barred"), group("people", "staff"),
		security.Row(sutler.AccountRow, "off", &security.Account{Name: "off", Disabled: true, MemberOf: []string{"staff"}})}
	closed := func(group string) sutler.AccessRow {
		return security.Row(sutler.AccountRow, group, &security.Account{Name: group, Group: true, Disabled: true})
	}
	ns, proc := security.NamespaceObject("N"), security.ProcedureObject("n", "P")
	for _, row := range []struct {
		name  string
		rows  []sutler.AccessRow
		deny  bool
		allow string // of ann, bob, eve, off
	}{
		{"no list", nil, false, "ann bob eve"},
		{"no list, default deny", nil, true, ""},
		{"empty list", []sutler.AccessRow{list(ns, "")}, false, ""},
		{"group through a group", []sutler.AccessRow{list(ns, "+people")}, false, "ann bob"},
		{"disabled group grants nothing", []sutler.AccessRow{closed("staff"), list(ns, "+staff +people +bob")}, false, "bob"},
		{"disabled group is denied still", []sutler.AccessRow{closed("staff"), list(ns, "-staff +Everyone")}, false, "eve"},
		{"deny before allow", []sutler.AccessRow{list(ns, "+staff -barred")}, false, "ann"},
		{"deny of a user before allow of the same", []sutler.AccessRow{list(ns, "+ann -ANN +bob")}, false, "bob"},
		{"explicit allow before inherited deny", []sutler.AccessRow{list(ns, "-staff"), list(proc, "+bob")}, false, "bob"},
		{"explicit deny before inherited allow", []sutler.AccessRow{list(ns, "+staff"), list(proc, "-bob")}, false, "ann"},
		{"inherited counts where nothing is explicit", []sutler.AccessRow{list(ns, "+staff"), list(proc, "+eve")}, false, "ann bob eve"},
		{"inheritance broken", []sutler.AccessRow{list(ns, "+staff"), list(proc, "! +eve")}, false, "eve"},
		{"inheritance broken, default deny", []sutler.AccessRow{list(ns, "+staff"), list(proc, "!")}, true, ""},
		{"authenticated users", []sutler.AccessRow{list(ns, "+authenticated_users")}, false, ""}, // not its name
		{"everyone", []sutler.AccessRow{list(ns, "+Everyone")}, false, "ann bob eve"},
		{"another namespace", []sutler.AccessRow{list(security.NamespaceObject("NN"), "")}, false, "ann bob eve"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := access(t, row.deny, slices.Concat(groups, row.rows)...)
			for _, name := range []string{"ann", "bob", "eve", "off"} {
				d := security.Last(a.MayCall(a.Who("root", nil), a.Who(name, nil), security.Engines, security.Target{Namespace: "N", Procedure: "p", Public: true}))
				if want := strings.Contains(row.allow, name); d.Allowed != want || d.Rule == "" {
					t.Errorf("%s: %+v, want %t", name, d, want)
				}
			}
		})
	}
}

// TestPrivate has who may call a private procedure directly: by the caller's
// right, whoever the trustee is; procedures may always.
func TestPrivate(t *testing.T) {
	rows := []sutler.AccessRow{
		security.Row(sutler.ProcedureRow, security.ProcedureObject("N", "Opened"), &security.ProcedureSettings{Access: "public"}),
		security.Row(sutler.ProcedureRow, security.ProcedureObject("N", "Closed"), &security.ProcedureSettings{Access: "private"}),
	}
	a := access(t, false, rows...)
	root, eve := a.Who("root", []string{sutler.MPFAdmins}), a.Who("eve", []string{sutler.MPFTrustedUsers})
	for _, row := range []struct {
		caller, trustee *security.Who
		procedure       string
		public, nested  bool
		want            bool
	}{
		{root, eve, "P", false, false, true}, {eve, root, "P", false, false, false}, {eve, eve, "P", false, true, true}, {eve, eve, "P", true, false, true},
		{eve, eve, "opened", false, false, true}, {eve, eve, "CLOSED", true, false, false}, {eve, eve, "Closed", true, true, true},
	} {
		made := a.MayCall(row.caller, row.trustee, security.Engines, security.Target{Namespace: "n", Procedure: row.procedure, Public: row.public, Nested: row.nested})
		if d := security.Last(made); d.Allowed != row.want {
			t.Errorf("%s for %s calls %s (public %t, nested %t): %+v", row.caller.Account, row.trustee.Account, row.procedure, row.public, row.nested, d)
		}
	}
}

// TestAnonymous: nobody knows such a caller, so that only lists that name
// Anonymous let it in.
func TestAnonymous(t *testing.T) {
	a := access(t, false, list(security.NamespaceObject("N"), "+ann +Anonymous"), list(security.NamespaceObject("M"), "+ann"), list(security.NamespaceObject("E"), "+Everyone"),
		security.Row(sutler.ListRow, security.Engines, &security.List{Entries: []security.Entry{{Who: security.AuthenticatedUsers, Rights: security.ExecuteProcedures}}}))
	known, unknown := sutler.Caller{Account: "ann"}, sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}, Unknown: true}
	for _, row := range []struct {
		c         sutler.Caller
		submit    bool
		namespace string
		call      bool
	}{
		{known, true, "N", true}, {known, true, "M", true}, {known, true, "E", true},
		{unknown, false, "N", true}, {unknown, false, "M", false}, {unknown, false, "E", false},
	} {
		w := a.Caller(row.c)
		if got := security.Last(a.MaySubmit(w, security.Engines, security.Submission{})).Allowed; got != row.submit {
			t.Errorf("unknown %t submits: %t", row.c.Unknown, got)
		}
		if got := security.Last(a.MayCall(w, w, security.Engines, security.Target{Namespace: row.namespace, Procedure: "P", Public: true})).Allowed; got != row.call {
			t.Errorf("unknown %t calls %s: %t", row.c.Unknown, row.namespace, got)
		}
	}
}

// TestTrustee has whom a request names: an account of the installation with
// its groups, another by its name alone, and nobody under a name of many.
func TestTrustee(t *testing.T) {
	a := access(t, false, user("ann", "staff"), group("staff"), list(security.NamespaceObject("E"), "+Everyone"),
		list(security.NamespaceObject("S"), "+staff"), list(security.NamespaceObject("Z"), "+zed +Anonymous"),
		security.Row(sutler.ListRow, security.NamespaceObject("A"), &security.List{Entries: []security.Entry{{Who: security.AuthenticatedUsers, Rights: security.Execute}}}))
	for name, want := range map[string]string{
		"ANN": "AESO", "zed": "ZO", "ZED": "ZO", "yan": "O", "staff": "", "everyone": "", "Authenticated Users": "", "Anonymous": "", "Administrators": "",
	} {
		got := ""
		for _, namespace := range []string{"A", "E", "S", "Z", "O"} { // O has no list
			d := security.Last(a.MayCall(a.Who("root", nil), a.Trustee(name), security.Engines, security.Target{Namespace: namespace, Procedure: "P", Public: true}))
			if d.Allowed {
				got += namespace
			}
			if want == "" && d.Check != security.CheckAccount {
				t.Errorf("%s in %s: %+v", name, namespace, d)
			}
		}
		if got != want {
			t.Errorf("for %s: %q, want %q", name, got, want)
		}
	}
}

// TestListEdits has what allow, deny and remove leave of a list.
func TestListEdits(t *testing.T) {
	show := func(l *security.List) string {
		var words []string
		for _, e := range l.Entries {
			words = append(words, fmt.Sprintf("%t %s %d", e.Deny, e.Who, e.Rights))
		}
		return strings.Join(words, "; ")
	}
	var none *security.List
	l := none.With(false, "Ann", security.ExecuteProcedures|security.TrustedProcedures)
	denied := l.With(true, "ann", security.TrustedProcedures)
	for got, want := range map[string]string{
		show(l):      "false Ann 5",
		show(denied): "false Ann 1; true ann 4",
		show(denied.With(false, "ANN", security.Execute)): "false Ann 17; true ann 4",
		show(denied.Without("ann", 255)):                  "",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestBadRows: whoever may do what is never guessed.
func TestBadRows(t *testing.T) {
	for _, r := range []sutler.AccessRow{
		{Kind: "other", Name: "x", Value: []byte("{}")}, {Kind: sutler.AccountRow, Name: "x", Value: []byte("{")}, {Kind: sutler.ListRow, Name: "x", Value: []byte(`{"entries":1}`)},
	} {
		if _, err := security.NewAccess([]sutler.AccessRow{r}, 1, false); sutler.CodeOf(err) != sutler.Corrupt || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// BenchmarkMayCall decides over 1,000 namespaces with 20 entries each for a
// user in 50 groups.
func BenchmarkMayCall(b *testing.B) {
	var rows []sutler.AccessRow
	var mine []string
	for i := range 50 {
		mine = append(mine, fmt.Sprintf("group%d", i))
	}
	for i := range 1000 {
		words := ""
		for j := range 20 {
			words += fmt.Sprintf("+other%d ", (i+j)%500)
		}
		rows = append(rows, list(security.NamespaceObject(fmt.Sprintf("N%d", i)), words[:len(words)-9]+" +group49"))
	}
	a := access(b, true, append(rows, user("ann", mine...))...)
	w := a.Who("ann", nil)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if !security.Last(a.MayCall(w, w, security.Engines, security.Target{Namespace: fmt.Sprint("N", i%1000), Procedure: "P", Public: true})).Allowed {
			b.Fatal("refused")
		}
	}
}
