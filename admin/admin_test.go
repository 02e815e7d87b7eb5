package admin_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

// changes are the verbs with what they leave.
var changes = []struct {
	name   string
	before []sutler.AccessChange
	change sutler.AccessChange
	want   []string
}{
	{"add a user", nil, user("Ann"), []string{"+ user Ann password"}},
	{"add one who logs in otherwise", nil, sutler.AccessChange{Verb: sutler.AddUser, Name: "ann"}, []string{"+ user ann"}},
	{"add one to groups", []sutler.AccessChange{group("staff")}, user("ann", "staff", "MPFClientAccts"), []string{"+ user ann password in staff,MPFClientAccts"}},
	{"add one to a group twice", []sutler.AccessChange{group("Staff")}, user("ann", "staff", "STAFF"), []string{"+ user ann password in Staff"}},
	{"add a group", nil, group("staff", "MPFClientAccts"), []string{"+ group staff in MPFClientAccts"}},
	{"a group takes no password", nil, sutler.AccessChange{Verb: sutler.AddGroup, Name: "staff", Secret: good}, []string{"+ group staff"}},
	{"first password", []sutler.AccessChange{{Verb: sutler.AddUser, Name: "ann"}}, sutler.AccessChange{Verb: sutler.SetPassword, Name: "ANN", Secret: good},
		[]string{"- user ann", "+ user ann password"}},
	{"disable", []sutler.AccessChange{user("ann")}, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "Ann"}, []string{"- user ann password", "+ user ann password disabled"}},
	{"disable again", []sutler.AccessChange{user("ann"), {Verb: sutler.DisableAccount, Name: "ann"}}, sutler.AccessChange{Verb: sutler.DisableAccount, Name: "ann"}, []string{}},
	{"enable", []sutler.AccessChange{user("ann"), {Verb: sutler.DisableAccount, Name: "ann"}}, sutler.AccessChange{Verb: sutler.EnableAccount, Name: "ann"},
		[]string{"- user ann password disabled", "+ user ann password"}},
	{"delete a user with entries", []sutler.AccessChange{user("ann"), user("bob"), allow("Mail", "ann"), allow("Mail", "bob"), allow("engines", "ann", "all")},
		sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "ANN"},
		[]string{"- user ann password", "- list Mail: allow ann execute", "- list engines: allow ann procedures,credentials,trusted,private"}},
	{"delete a group with members and entries", []sutler.AccessChange{group("staff"), group("night", "staff"), user("ann", "MPFClientAccts", "Staff"), allow("Mail/Create", "staff")},
		sutler.AccessChange{Verb: sutler.DeleteAccount, Name: "staff"},
		[]string{"- user ann password in MPFClientAccts,staff", "- group night in staff", "- group staff", "- list Mail/Create: allow staff execute",
			"+ user ann password in MPFClientAccts", "+ group night"}},
	{"add a member", []sutler.AccessChange{group("Staff"), user("ann")}, member("staff", "ANN"), []string{"- user ann password", "+ user ann password in Staff"}},
	{"add a member again", []sutler.AccessChange{group("staff"), user("ann", "staff")}, member("staff", "ann"), []string{}},
	{"add a group to a built-in one", []sutler.AccessChange{group("staff")}, member("MPFAuditors", "staff"), []string{"- group staff", "+ group staff in MPFAuditors"}},
	{"remove a member", []sutler.AccessChange{group("staff"), user("ann", "staff")}, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "STAFF", Who: "ann"},
		[]string{"- user ann password in staff", "+ user ann password"}},
	{"remove one who is none", []sutler.AccessChange{group("staff"), user("ann")}, sutler.AccessChange{Verb: sutler.RemoveMember, Name: "staff", Who: "ann"}, []string{}},
	{"allow on a namespace", []sutler.AccessChange{user("Ann")}, allow("MAIL", "ann"), []string{"+ list Mail", "+ list Mail: allow Ann execute"}},
	{"allow one who is in no directory", nil, allow("Mail/create", "Authenticated Users", "execute"), []string{"+ list Mail/Create", "+ list Mail/Create: allow Authenticated Users execute"}},
	{"allow on engines", nil, allow("engines", "bob", "trusted", "private"), []string{
		"+ list engines", "+ list engines: allow Administrators procedures,credentials,trusted,private", "+ list engines: allow MPFAdmins procedures,credentials,trusted,private",
		"+ list engines: allow MPFTrustedUsers procedures,credentials,trusted", "+ list engines: allow MPFServiceAccts procedures,credentials,private",
		"+ list engines: allow MPFClientAccts procedures,credentials", "+ list engines: allow bob trusted,private"}},
	{"deny what was allowed", []sutler.AccessChange{allow("Mail", "ann")}, sutler.AccessChange{Verb: sutler.DenyAccess, Name: "Mail", Who: "ANN"},
		[]string{"- list Mail: allow ann execute", "+ list Mail: deny ANN execute"}},
	{"deny one right of several", []sutler.AccessChange{allow("queues", "ann", "all")}, sutler.AccessChange{Verb: sutler.DenyAccess, Name: "queues", Who: "ann", Rights: []string{"private"}},
		[]string{"- list queues: allow ann procedures,credentials,trusted,private", "+ list queues: allow ann procedures,credentials,trusted", "+ list queues: deny ann private"}},
	{"remove an entry", []sutler.AccessChange{allow("Mail", "ann"), allow("Mail", "bob")}, sutler.AccessChange{Verb: sutler.RemoveAccess, Name: "Mail", Who: "Ann"},
		[]string{"- list Mail: allow ann execute"}},
	{"remove the last entry: it lets nobody in", []sutler.AccessChange{allow("Mail", "ann")}, sutler.AccessChange{Verb: sutler.RemoveAccess, Name: "Mail", Who: "ann"},
		[]string{"- list Mail: allow ann execute"}},
	{"remove where no list is", nil, sutler.AccessChange{Verb: sutler.RemoveAccess, Name: "Mail", Who: "ann"}, []string{}},
	{"do not inherit", []sutler.AccessChange{allow("Mail/Create", "ann")}, sutler.AccessChange{Verb: sutler.InheritAccess, Name: "Mail/Create"},
		[]string{"- list Mail/Create", "+ list Mail/Create protected"}},
	{"inherit again", []sutler.AccessChange{allow("Mail/Create", "ann"), {Verb: sutler.InheritAccess, Name: "Mail/Create"}},
		sutler.AccessChange{Verb: sutler.InheritAccess, Name: "Mail/Create", On: true}, []string{"- list Mail/Create protected", "+ list Mail/Create"}},
	{"inherit, with nothing of its own", []sutler.AccessChange{{Verb: sutler.InheritAccess, Name: "Mail/Create"}},
		sutler.AccessChange{Verb: sutler.InheritAccess, Name: "Mail/Create", On: true}, []string{"- list Mail/Create protected"}},
	{"import", []sutler.AccessChange{user("ann"), allow("Mail", "bob")},
		sutler.AccessChange{Verb: sutler.ImportAccess, Name: "Mail", SDDL: "D:(D;;GX;;;AN)(A;;GX;;;" + string(security.SIDOf("ann")) + ")(A;;GX;;;S-1-5-21-1-2-3-4)"},
		[]string{"- list Mail: allow bob execute", "+ list Mail: deny Anonymous execute", "+ list Mail: allow ann execute", "+ list Mail: allow S-1-5-21-1-2-3-4 execute"}},
	{"clear", []sutler.AccessChange{allow("Mail", "ann")}, sutler.AccessChange{Verb: sutler.ClearAccess, Name: "Mail"}, []string{"- list Mail", "- list Mail: allow ann execute"}},
	{"clear the engines", []sutler.AccessChange{{Verb: sutler.RemoveAccess, Name: "engines", Who: "MPFAdmins", Rights: []string{"all"}},
		{Verb: sutler.RemoveAccess, Name: "engines", Who: "Administrators", Rights: []string{"all"}}, {Verb: sutler.RemoveAccess, Name: "engines", Who: "MPFTrustedUsers", Rights: []string{"all"}},
		{Verb: sutler.RemoveAccess, Name: "engines", Who: "MPFServiceAccts", Rights: []string{"all"}}},
		sutler.AccessChange{Verb: sutler.ClearAccess, Name: "engines"}, []string{"- list engines", "- list engines: allow MPFClientAccts procedures,credentials"}},
	{"set a procedure", []sutler.AccessChange{credential("ops")},
		sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Create", ExecuteAs: text("ops"), Access: text("private"), Audit: text("on"), Perf: text("off"), SaveRollback: text("on")},
		[]string{`+ procedure Mail/Create as="ops" access="private" audit=true perf=false saveRollback=true`}},
	{"set one thing of a procedure", []sutler.AccessChange{{Verb: sutler.SetProcedure, Name: "Mail/Create", Audit: text("on"), Access: text("private")}},
		sutler.AccessChange{Verb: sutler.SetProcedure, Name: "mail/CREATE", Audit: text("")},
		[]string{`- procedure Mail/Create as="" access="private" audit=true`, `+ procedure Mail/Create as="" access="private"`}},
	{"set the last thing back", []sutler.AccessChange{{Verb: sutler.SetProcedure, Name: "Mail/Create", Access: text("private")}},
		sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Mail/Create", Access: text("")}, []string{`- procedure Mail/Create as="" access="private"`}},
	{"set a procedure of a read-only namespace", nil, sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Fixed/Get", Audit: text("on")},
		[]string{`+ procedure Fixed/Get as="" access="" audit=true`}},
	{"set a credential", nil, credential("Ops"), []string{`+ credential Ops corp\Ops`}},
	{"set it anew", []sutler.AccessChange{credential("ops")}, sutler.AccessChange{Verb: sutler.SetCredential, Name: "ops", Account: `corp\other`, Secret: good},
		[]string{`- credential ops corp\ops`, `+ credential ops corp\other`}},
	{"delete a credential", []sutler.AccessChange{credential("ops"), credential("web"),
		{Verb: sutler.SetProcedure, Name: "Mail/Create", ExecuteAs: text("OPS"), Audit: text("on")}, {Verb: sutler.SetProcedure, Name: "Mail/Delete", ExecuteAs: text("ops")}},
		sutler.AccessChange{Verb: sutler.DeleteCredential, Name: "Ops"},
		[]string{`- procedure Mail/Create as="OPS" access="" audit=true`, `- procedure Mail/Delete as="ops" access=""`, `- credential ops corp\ops`, `+ procedure Mail/Create as="" access="" audit=true`}},
}

// verbs are all there are.
var verbs = []sutler.AccessVerb{
	sutler.AddUser, sutler.AddGroup, sutler.SetPassword, sutler.DisableAccount, sutler.EnableAccount, sutler.DeleteAccount, sutler.AddMember, sutler.RemoveMember,
	sutler.AllowAccess, sutler.DenyAccess, sutler.RemoveAccess, sutler.InheritAccess, sutler.ImportAccess, sutler.ClearAccess, sutler.SetProcedure,
	sutler.SetCredential, sutler.DeleteCredential,
}

func TestChange(t *testing.T) {
	seen := map[sutler.AccessVerb]bool{}
	for _, c := range changes {
		seen[c.change.Verb] = true
		t.Run(c.name, func(t *testing.T) {
			in := install(t, c.before...)
			before, commits := in.shown(), in.log.Commits()
			in.must(t, c.change)
			if diff := cmp.Diff(c.want, changed(before, in.shown())); diff != "" {
				t.Errorf("it leaves (-want +got):\n%s", diff)
			}
			in.wantRecorded(t, commits, c.change)
		})
	}
	for _, v := range verbs {
		if !seen[v] {
			t.Errorf("no case has the verb %s", v)
		}
	}
}

// wantRecorded looks for one committed transaction after the first commits,
// with what was done and without its secret.
func (in *installation) wantRecorded(t *testing.T, commits int, c sutler.AccessChange) {
	t.Helper()
	var all []sutler.Record
	for _, g := range in.log.Groups()[commits:] {
		all = append(all, g...)
	}
	kinds := []sutler.RecordKind{}
	for _, r := range all {
		kinds = append(kinds, r.Kind)
	}
	if diff := cmp.Diff([]sutler.RecordKind{sutler.Began, sutler.StepStarted, sutler.StepDone, sutler.CommittedTx}, kinds); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
	what := strings.ReplaceAll(string(c.Verb), "-", " ")
	if r := all[0]; r.Caller != root.Account || r.Procedure != what {
		t.Errorf("%q of %q began, want %q of %q", r.Procedure, r.Caller, what, root.Account)
	}
	step := all[1]
	if !step.Audited {
		t.Error("the audit log does not keep it")
	}
	for _, part := range append([]string{string(c.Verb), c.Name, c.Who, c.SDDL, strings.ReplaceAll(c.Account, `\`, `\\`)}, append(c.Groups, c.Rights...)...) {
		if !strings.Contains(step.Before, part) {
			t.Errorf("the record does not name %q:\n%s", part, step.Before)
		}
	}
	if raw := sutler.EncodeRecords(nil, in.log.All()); bytes.Contains(raw, []byte(good)) || bytes.Contains(raw, []byte("$argon2id")) {
		t.Error("the log has a password or its hash")
	}
}

// TestPasswordIsNowhere looks for passwords where they must not be.
func TestPasswordIsNowhere(t *testing.T) {
	in := install(t, user("ann"), credential("ops"))
	rows, _, err := in.config.Access(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if bytes.Contains(r.Value, []byte(good)) {
			t.Errorf("row %s %s has the password", r.Kind, r.Name)
		}
	}
	shown := fmt.Sprintf("%+v", in.shown())
	if strings.Contains(shown, good) || strings.Contains(shown, "argon2id") {
		t.Errorf("the view has a password: %s", shown)
	}
	a := in.engine.Access()
	if ok, _ := in.Hasher.Verify(a.Account("ann").Hash, good); !ok {
		t.Error("the password of ann is not the one that was set")
	}
	plain, err := in.keys.Open(a.Credential("ops").Sealed, security.CredentialRecord("ops"))
	if err != nil || string(plain) != good {
		t.Errorf("the credential opens to %q, %v", plain, err)
	}
}
