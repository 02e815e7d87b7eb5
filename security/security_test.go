package security_test

import (
	"fmt"
	"testing"

	"sutler"
	"sutler/security"
)

// TestIdentityOf goes through every combination of what an identity depends
// on. The rows are those of the table of schema C.3.4, an "any" written out.
func TestIdentityOf(t *testing.T) {
	const on, off = true, false
	service := sutler.Identity{Kind: sutler.ServiceAccount}
	executeAs := sutler.Identity{Kind: sutler.ExecuteAs, Account: "e"}
	basic := sutler.Identity{Kind: sutler.BasicAccount, Account: "b"}
	caller := sutler.Identity{Kind: sutler.CallingUser, Account: "c"}
	nobody := sutler.Identity{Kind: sutler.CallingUser}

	rows := []struct {
		impersonate              bool
		executeAs, basic, caller string
		want                     sutler.Identity
	}{
		// off, any, any: the service account
		{off, "", "", "", service},
		{off, "", "", "c", service},
		{off, "", "b", "", service},
		{off, "", "b", "c", service},
		{off, "e", "", "", service},
		{off, "e", "", "c", service},
		{off, "e", "b", "", service},
		{off, "e", "b", "c", service},
		// on, yes, any: the Execute-as credential
		{on, "e", "", "", executeAs},
		{on, "e", "", "c", executeAs},
		{on, "e", "b", "", executeAs},
		{on, "e", "b", "c", executeAs},
		// on, no, yes: the basic credential
		{on, "", "b", "", basic},
		{on, "", "b", "c", basic},
		// on, no, no: the calling user
		{on, "", "", "c", caller},
		{on, "", "", "", nobody},
	}
	seen := map[string]bool{}
	for _, row := range rows {
		s := security.Settings{Impersonate: row.impersonate, ExecuteAs: row.executeAs, Basic: row.basic, Caller: row.caller}
		seen[fmt.Sprint(s)] = true
		if got := security.IdentityOf(s); got != row.want {
			t.Errorf("IdentityOf(%+v) = %v, want %v", s, got, row.want)
		}
	}
	if len(seen) != 16 {
		t.Errorf("the table has %d combinations, want all 16", len(seen))
	}
}

// everyGroup holds each built-in group and one of an installation's own, and
// whether its members may do what the package is asked about. Names of groups are
// compared as they are.
var everyGroup = []struct {
	groups  []string
	allowed bool
}{
	{nil, false},
	{[]string{sutler.MPFAdmins}, true},
	{[]string{sutler.MPFAuditors}, false},
	{[]string{sutler.MPFServiceAccts}, false},
	{[]string{sutler.MPFClientAccts}, false},
	{[]string{sutler.MPFTrustedUsers}, false},
	{[]string{"staff"}, false},
	{[]string{"mpfadmins"}, false},
	{[]string{"MPFAdmins "}, false},
	{[]string{""}, false},
	{[]string{sutler.MPFAuditors, sutler.MPFServiceAccts, sutler.MPFClientAccts, sutler.MPFTrustedUsers}, false},
	{[]string{"staff", sutler.MPFTrustedUsers, sutler.MPFAdmins}, true},
}

const admin = "member of MPFAdmins"

func TestMaySubmit(t *testing.T) {
	refusal := map[bool]string{
		false: "only members of MPFAdmins may submit requests",
		true:  "only members of MPFAdmins may submit trusted requests",
	}
	for _, row := range everyGroup {
		for _, trusted := range []bool{false, true} {
			want := security.Decision{Allowed: row.allowed, Rule: refusal[trusted]}
			if row.allowed {
				want.Rule = admin
			}
			// Neither the name nor the door of a caller gives a right.
			from := sutler.Caller{Account: sutler.MPFAdmins, Groups: row.groups, Door: "json"}
			if got := security.MaySubmit(from, trusted); got != want {
				t.Errorf("MaySubmit(%q, trusted %t) = %+v, want %+v", row.groups, trusted, got, want)
			}
		}
	}
}

func TestMayRegister(t *testing.T) {
	for _, row := range everyGroup {
		want := security.Decision{Allowed: row.allowed, Rule: "only members of MPFAdmins may register namespaces"}
		if row.allowed {
			want.Rule = admin
		}
		from := sutler.Caller{Account: sutler.MPFAdmins, Groups: row.groups, Door: "json"}
		if got := security.MayRegister(from); got != want {
			t.Errorf("MayRegister(%q) = %+v, want %+v", row.groups, got, want)
		}
	}
}

// TestMayCall has every kind of target: until access lists are kept, neither
// public nor nested changes an answer.
func TestMayCall(t *testing.T) {
	for _, row := range everyGroup {
		for _, public := range []bool{false, true} {
			for _, nested := range []bool{false, true} {
				want := security.Decision{Allowed: row.allowed, Rule: "only members of MPFAdmins may call procedures"}
				if row.allowed {
					want.Rule = admin
				}
				who := sutler.Trustee{Account: sutler.MPFAdmins, Groups: row.groups}
				target := security.Target{Namespace: "Files", Procedure: "Delete", Public: public, Nested: nested}
				if got := security.MayCall(who, target); got != want {
					t.Errorf("MayCall(%q, %+v) = %+v, want %+v", row.groups, target, got, want)
				}
			}
		}
	}
}
