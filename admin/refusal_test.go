package admin_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// chief is an administrator, crew a group of them.
var (
	chief   = user("chief", "Administrators")
	crew    = group("crew", "MPFAdmins")
	foreman = user("foreman", "crew")
	setExec = sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Create", ExecuteAs: text("ops")}
)

// refusals are changes that are not made, with the code of their error.
var refusals = []struct {
	name   string
	before []sutler.AccessChange
	change sutler.AccessChange
	code   sutler.Code
	says   string // a part of the error
}{
	{"no such verb", nil, sutler.AccessChange{Verb: "promote", Name: "ann"}, sutler.BadInput, `"promote"`},
	{"no name", nil, user(""), sutler.BadInput, "1 to 256 bytes"},
	{"space at an end", nil, user("ann "), sutler.BadInput, "no space at its ends"},
	{"257 bytes", nil, user(strings.Repeat("a", 257)), sutler.BadInput, "1 to 256 bytes"},
	{"line feed in a name", nil, user("an\nn"), sutler.BadInput, "cannot be seen"},
	{"delete in a name", nil, group("st\x7faff"), sutler.BadInput, "cannot be seen"},
	{"name that is not UTF-8", nil, group("st\xffaff"), sutler.BadInput, "cannot be seen"},
	{"control character in the name of a credential", nil, credential("o\x00ps"), sutler.BadInput, "cannot be seen"},
	{"control character in who", nil, allow("Mail", "an\tn"), sutler.BadInput, "cannot be seen"},
	{"character without width in a name", nil, user("an\u200bn"), sutler.BadInput, "cannot be seen"},
	{"direction of writing in a name", nil, user("an\u202en"), sutler.BadInput, "cannot be seen"},
	{"accent beside its letter", nil, user("Rene\u0301"), sutler.BadInput, "NFC"},
	{"name of a SID", nil, user("S-1-5-32-544"), sutler.BadInput, "SID"},
	{"long s", nil, user("Admini\u017ftrators"), sutler.Exists, `"Administrators"`},
	{"wide letters", []sutler.AccessChange{user("ann")}, group("\uff41nn"), sutler.Exists, `"ann"`},
	{"colon in a name", nil, user("https://issuer:ann"), sutler.BadInput, "no colon"},

	{"user twice", []sutler.AccessChange{user("ann")}, user("ANN"), sutler.Exists, "there is an account"},
	{"group twice", []sutler.AccessChange{group("staff")}, group("Staff"), sutler.Exists, "there is an account"},
	{"group named like a user", []sutler.AccessChange{user("ann")}, group("ann"), sutler.Exists, "there is an account"},
	{"group that is built in", nil, group("mpfadmins"), sutler.Exists, "there is an account"},
	{"user named like a principal", nil, user("authenticated users"), sutler.Exists, "there is an account"},
	{"user named like everyone", nil, user("EVERYONE"), sutler.Exists, "there is an account"},
	{"user of an unknown group", nil, user("ann", "MPFClientAccts", "staff"), sutler.NotFound, `"staff"`},
	{"group of an unknown group", nil, group("night", "staff"), sutler.NotFound, `"staff"`},
	{"group in itself from the start", nil, group("staff", "staff"), sutler.NotFound, `"staff"`},
	{"user in a user", []sutler.AccessChange{user("ann")}, user("bob", "ann"), sutler.NotFound, `"ann"`},

	{"weak password", nil, sutler.AccessChange{Verb: sutler.AddUser, Name: "ann", Secret: "tiny-secret"}, sutler.BadInput, "too short"},
	{"common password", []sutler.AccessChange{user("ann")}, sutler.AccessChange{Verb: sutler.SetPassword, Name: "ann", Secret: "password123456"}, sutler.BadInput, "many people use"},
	{"password of the name", nil, sutler.AccessChange{Verb: sutler.AddUser, Name: "ann.marie", Secret: "ann.marie2026"}, sutler.BadInput, "name of the account"},
	{"no password", []sutler.AccessChange{user("ann")}, sutler.AccessChange{Verb: sutler.SetPassword, Name: "ann"}, sutler.BadInput, "too short"},
	{"password of nobody", nil, sutler.AccessChange{Verb: sutler.SetPassword, Name: "ann", Secret: good}, sutler.NotFound, "no account"},
	{"password of a group", nil, sutler.AccessChange{Verb: sutler.SetPassword, Name: "MPFAdmins", Secret: good}, sutler.BadInput, "a group has no password"},

	{"disable nobody", nil, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "ann"}, sutler.NotFound, "no account"},
	{"enable nobody", nil, sutler.AccessChange{Verb: sutler.EnableAccount, Name: "ann"}, sutler.NotFound, "no account"},
	{"delete nobody", nil, sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "ann"}, sutler.NotFound, "no account"},
	{"disable a built-in group", nil, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "administrators"}, sutler.Conflict, "built in"},
	{"delete a built-in group", nil, sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "mpfauditors"}, sutler.Conflict, "built in"},
	{"delete a built-in group that is a member", []sutler.AccessChange{group("staff"), member("staff", "MPFAuditors")},
		sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "MPFAuditors"}, sutler.Conflict, "built in"},

	{"disable the last administrator", []sutler.AccessChange{chief, user("ann")}, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "Chief"}, sutler.Conflict, "no account that can log in"},
	{"delete the last administrator", []sutler.AccessChange{chief, user("ann")}, sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "chief"}, sutler.Conflict, "no account that can log in"},
	{"take the last administrator out", []sutler.AccessChange{chief}, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "administrators", Who: "CHIEF"}, sutler.Conflict, "no account that can log in"},
	{"the other one cannot log in", []sutler.AccessChange{chief, {Verb: sutler.AddUser, Name: "ann", Groups: []string{"MPFAdmins"}}},
		sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "chief"}, sutler.Conflict, "no account that can log in"},
	{"the other one is disabled", []sutler.AccessChange{chief, user("ann", "MPFAdmins"), {Verb: sutler.DisableAccount, Name: "ann"}},
		sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "chief"}, sutler.Conflict, "no account that can log in"},
	{"disable the group that makes the last one", []sutler.AccessChange{crew, foreman}, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "crew"}, sutler.Conflict, "no account that can log in"},
	{"delete the group that makes the last one", []sutler.AccessChange{crew, foreman}, sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "crew"}, sutler.Conflict, "no account that can log in"},
	{"take that group out", []sutler.AccessChange{crew, foreman}, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "MPFAdmins", Who: "crew"}, sutler.Conflict, "no account that can log in"},
	{"take the last one out of that group", []sutler.AccessChange{crew, foreman}, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "crew", Who: "foreman"}, sutler.Conflict, "no account that can log in"},

	{"member of an unknown group", []sutler.AccessChange{user("ann")}, member("staff", "ann"), sutler.NotFound, `"staff"`},
	{"member of a user", []sutler.AccessChange{user("ann"), user("bob")}, member("ann", "bob"), sutler.NotFound, `"ann"`},
	{"unknown member", nil, member("MPFAdmins", "ann"), sutler.NotFound, `"ann"`},
	{"unknown member to remove", nil, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "MPFAdmins", Who: "ann"}, sutler.NotFound, `"ann"`},
	{"group in itself", []sutler.AccessChange{group("staff")}, member("staff", "Staff"), sutler.Conflict, "in itself"},
	{"group in itself through others", []sutler.AccessChange{group("one"), group("two", "one"), group("three", "two")}, member("three", "one"), sutler.Conflict, "in itself"},

	{"unknown namespace", nil, allow("Nail", "ann"), sutler.NotFound, "no such namespace"},
	{"unknown procedure", nil, allow("Mail/Make", "ann"), sutler.NotFound, "no such namespace or procedure"},
	{"import to an unknown object", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Nail", SDDL: "D:(A;;GX;;;WD)"}, sutler.NotFound, "no such namespace"},
	{"clear an unknown object", nil, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Nail"}, sutler.NotFound, "no such namespace"},
	{"right of engines on a namespace", nil, allow("Mail", "ann", "trusted"), sutler.BadInput, `"trusted"`},
	{"unknown right", nil, allow("engines", "ann", "trusted", "fly"), sutler.BadInput, `"fly"`},
	{"right of namespaces on engines", nil, allow("engines", "ann", "execute"), sutler.BadInput, `"execute"`},
	{"no right on queues", nil, sutler.AccessChange{Verb: sutler.DenyAccess, Name: "queues", Who: "ann"}, sutler.BadInput, "no right is named"},
	{"namespace that inherits", nil, sutler.AccessChange{Verb: sutler.InheritAccess, Name: "Mail"}, sutler.BadInput, "only a procedure inherits"},

	{"bad SDDL", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "D:(A;;GX;;;WD"}, sutler.BadInput, ""},
	{"SDDL with an object entry", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "D:(OA;;GX;bf967aba-0de6-11d0-a285-00aa003049e2;;WD)"}, sutler.BadInput, ""},
	{"SDDL without a DACL", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "O:BAG:BA"}, sutler.BadInput, "no DACL"},
	{"SDDL with a null DACL", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "D:NO_ACCESS_CONTROL"}, sutler.BadInput, "no DACL"},
	{"SDDL for a domain", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "D:(A;;GX;;;DA)"}, sutler.BadInput, "domain"},
	{"no SDDL", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail"}, sutler.BadInput, ""},
	{"SDDL for engines", nil, sutler.AccessChange{Verb: sutler.ImportAccess, Name: "engines", SDDL: "D:(A;;GX;;;WD)"}, sutler.BadInput, "sutler right"},

	{"settings of a namespace", nil, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail", Audit: text("on")}, sutler.BadInput, "NAMESPACE/PROCEDURE"},
	{"settings of an unknown procedure", nil, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Make", Audit: text("on")}, sutler.NotFound, "no such namespace"},
	{"unknown credential", nil, setExec, sutler.NotFound, `"ops"`},
	{"execute-as in a read-only namespace", []sutler.AccessChange{credential("ops")}, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Fixed/Get", ExecuteAs: text("ops")}, sutler.ReadOnlyName, "read-only"},
	{"access of no kind", nil, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Create", Access: text("secret")}, sutler.BadInput, `"secret"`},
	{"audit neither on nor off", nil, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Create", Audit: text("yes")}, sutler.BadInput, `audit is "yes"`},
	{"credential without an account", nil, sutler.AccessChange{Verb: sutler.SetCredential, Name: "ops", Secret: good}, sutler.BadInput, "needs an account"},
	{"credential without a password", nil, sutler.AccessChange{Verb: sutler.SetCredential, Name: "ops", Account: "ops"}, sutler.BadInput, "needs an account"},
	{"delete an unknown credential", nil, sutler.AccessChange{Verb: sutler.DeleteCredential, Name: "ops"}, sutler.NotFound, "no credential"},
}

func TestRefusedChange(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			in := install(t, c.before...)
			before, revision := in.shown(), in.engine.Access().Revision
			err := in.Change(t.Context(), root, c.change)
			if sutler.CodeOf(err) != c.code || err == nil {
				t.Fatalf("code %s (%v), want %s", sutler.CodeOf(err), err, c.code)
			}
			if !regexp.MustCompile(`(?s)^cannot [a-z -]+ ".*": `).MatchString(err.Error()) || strings.Count(err.Error(), "cannot ") > 2 {
				t.Errorf("%q does not say what could not be done, to what", err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			if s := c.change.Secret; s != "" && strings.Contains(err.Error(), s) {
				t.Errorf("%q has the password", err)
			}
			if diff := changed(before, in.shown()); len(diff) > 0 || in.engine.Access().Revision != revision {
				t.Errorf("it has changed %q, revision %d to %d", diff, revision, in.engine.Access().Revision)
			}
			raw := sutler.EncodeRecords(nil, in.log.All())
			if s := c.change.Secret; s != "" && bytes.Contains(raw, []byte(s)) {
				t.Error("the log has the password")
			}
		})
	}
}

// TestNobodyElseChanges lets those who may not try every verb: nothing is
// changed, each try is on record, and what the change was about stays hidden.
func TestNobodyElseChanges(t *testing.T) {
	callers := []struct {
		from sutler.Caller
		rule string
	}{
		{sutler.Caller{}, "role: "},
		{sutler.Caller{Account: "ann"}, `role: "ann" is not a member`},
		{sutler.Caller{Account: "otto", Groups: []string{sutler.MPFAuditors, sutler.MPFTrustedUsers, sutler.MPFServiceAccts}}, `role: "otto" is not a member`},
		{sutler.Caller{Account: "gone"}, `account: account "gone" is disabled`},
		{sutler.Caller{Account: "local", Groups: []string{security.Administrators}, Unknown: true}, "role: "},
	}
	in := install(t, chief, user("ann"), user("gone", "Administrators"), sutler.AccessChange{Verb: sutler.DisableAccount, Name: "gone"}, allow("Mail", "ann"), credential("ops"))
	before := in.shown()
	for _, caller := range callers {
		for _, v := range verbs {
			commits := in.log.Commits()
			c := sutler.AccessChange{Verb: v, Name: "chief", Who: "ann", Secret: "tiny-secret", SDDL: "D:", Account: "x"}
			err := in.Change(t.Context(), caller.from, c)
			if sutler.CodeOf(err) != sutler.Denied || strings.Contains(err.Error(), "chief") || strings.Contains(err.Error(), "tiny-secret") {
				t.Errorf("%s by %q: %v", v, caller.from.Account, err)
			}
			found := 0
			for _, g := range in.log.Groups()[commits:] {
				for _, r := range g {
					if r.Kind != sutler.Refused {
						continue
					}
					found++
					if r.Code != sutler.Denied || !strings.HasPrefix(r.Text, caller.rule) || !r.Audited || r.Procedure != strings.ReplaceAll(string(v), "-", " ") {
						t.Errorf("%s by %q: record %+v, want the rule %q", v, caller.from.Account, r, caller.rule)
					}
				}
			}
			if found != 1 {
				t.Errorf("%s by %q: %d refusals on record, want 1", v, caller.from.Account, found)
			}
		}
	}
	if diff := cmp.Diff(before, in.shown()); diff != "" {
		t.Errorf("it has changed (-before +after):\n%s", diff)
	}
	if bytes.Contains(sutler.EncodeRecords(nil, in.log.All()), []byte("tiny-secret")) {
		t.Error("the log has a password")
	}
}

// TestSomebodyFaster changes something between the reading and the writing of
// a change: it is made again from what is there then.
func TestSomebodyFaster(t *testing.T) {
	in := install(t, group("staff"), user("ann"))
	other := func(rows ...sutler.AccessRow) func() {
		return func() {
			_, revision, err := in.config.Access(t.Context())
			if err == nil {
				_, err = in.config.PutAccess(t.Context(), revision, rows...)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	in.faster.puts = 0
	in.faster.first = other(security.Row(sutler.AccountRow, "ann", &security.Account{Name: "ann", MemberOf: []string{"MPFAuditors"}}))
	in.must(t, member("staff", "ann"))
	if diff := cmp.Diff([]string{"user ann in MPFAuditors,staff", "group staff"}, in.shown()); diff != "" || in.faster.puts != 2 {
		t.Errorf("after %d tries (-want +got):\n%s", in.faster.puts, diff)
	}
	in.faster.first = other(security.Row[security.Account](sutler.AccountRow, "staff", nil))
	if err := in.Change(t.Context(), root, member("staff", "ann")); sutler.CodeOf(err) != sutler.NotFound {
		t.Errorf("a group that somebody else has deleted: %v", err)
	}
}
