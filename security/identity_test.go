package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/security"
)

// apply is what an attribute impersonate makes of what is in force.
func apply(attr string, now bool) bool {
	switch attr {
	case "1":
		return true
	case "2":
		return false
	}
	return now
}

// run is the example of the documents: the request calls Procedure2 with A,
// which has the execute-as credential and calls Procedure3 with B. It returns
// as whom Procedure3 runs.
func run(a string, basic, executeAs bool, b string) sutler.Identity {
	var top security.Frame
	if basic {
		top.Basic, top.Secret = "basic user", sutler.NewSecret("p")
	}
	var credential *security.Credential
	if executeAs {
		credential = &security.Credential{Name: "cred", Account: "execute-as user"}
	}
	second := top.Enter(apply(a, top.Impersonate), credential, sutler.NewSecret("q"))
	third := second.Enter(apply(b, second.Impersonate), nil, sutler.Secret{})
	return third.Identity("calling user", sutler.ReachHost)
}

// TestTruthTable has the nine rows that the documents of MPF print.
func TestTruthTable(t *testing.T) {
	kinds := map[string]sutler.IdentityKind{"service": sutler.ServiceAccount, "basic": sutler.BasicAccount, "caller": sutler.CallingUser, "execas": sutler.ExecuteAs}
	options := map[string][]bool{"any": {false, true}, "yes": {true}, "no": {false}}
	rows := strings.Fields(`1,0,any,any,0,service 2,1,yes,no,0,basic 3,1,no,no,0,caller 4,2,any,any,0,service 5,,yes,no,1,basic
		6,,no,no,1,caller 7,,any,any,2,service 8,1,any,yes,0,execas 9,,any,yes,1,execas`)
	for _, row := range rows {
		f := strings.Split(row, ",")
		for _, basic := range options[f[2]] {
			for _, executeAs := range options[f[3]] {
				got := run(f[1], basic, executeAs, f[4])
				t.Logf("row %s: A=%q basic=%t execute-as=%t B=%q: %s", f[0], f[1], basic, executeAs, f[4], got)
				if got.Kind != kinds[f[5]] {
					t.Errorf("row %s with basic %t and execute-as %t runs as %s, want %s", f[0], basic, executeAs, got, f[5])
				}
			}
		}
	}
	if len(rows) != 9 {
		t.Errorf("%d rows, want 9", len(rows))
	}
}

// TestEveryCombination prints all 64 combinations. What must come out is
// written down apart from the code: the table of results by B, then A.
func TestEveryCombination(t *testing.T) {
	values := []string{"", "0", "1", "2"}
	on := map[string]bool{ // A+B that leave impersonation on
		"1": true, "10": true, "11": true, "01": true, "21": true, // "1" + "", "1"+"0", "1"+"1", "0"+"1", "2"+"1"
	}
	seen := 0
	for _, a := range values {
		for _, b := range values {
			for _, basic := range []bool{false, true} {
				for _, executeAs := range []bool{false, true} {
					got := run(a, basic, executeAs, b)
					want := sutler.Identity{Kind: sutler.ServiceAccount}
					impersonating := on[a+b] || a == "" && b == "1"
					if a == "0" && b == "" || a == "2" && b == "" {
						impersonating = false
					}
					switch {
					case !impersonating:
					case executeAs:
						want = sutler.Identity{Kind: sutler.ExecuteAs, Account: "execute-as user", Credential: "cred", Secret: sutler.NewSecret("q")}
					case basic:
						want = sutler.Identity{Kind: sutler.BasicAccount, Account: "basic user", Secret: sutler.NewSecret("p")}
					default:
						want = sutler.Identity{Kind: sutler.CallingUser, Account: "calling user"}
					}
					t.Logf("A=%-1s basic=%-5t execute-as=%-5t B=%-1s -> %s", a, basic, executeAs, b, got)
					if got != want {
						t.Errorf("A=%q basic=%t execute-as=%t B=%q runs as %s, want %s", a, basic, executeAs, b, got, want)
					}
					seen++
				}
			}
		}
	}
	if seen != 64 {
		t.Errorf("%d combinations, want 64", seen)
	}
}

// TestSecretsStayIn has every way in which an identity may be shown.
func TestSecretsStayIn(t *testing.T) {
	i := sutler.Identity{Kind: sutler.BasicAccount, Account: "ann", Secret: sutler.NewSecret("tops3cret")}
	text, err := i.Secret.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{i.String(), fmt.Sprintf("%v %+v %#v %s %q %x", i, i, i, i.Secret, i.Secret, i.Secret), string(text), i.Secret.LogValue().String()} {
		if strings.Contains(shown, "tops3cret") || strings.Contains(shown, fmt.Sprintf("%x", "tops3cret")) {
			t.Errorf("the secret is shown: %s", shown)
		}
	}
}

func TestReach(t *testing.T) {
	for s, want := range map[security.ClientSettings]struct {
		reach   sutler.Reach
		unknown bool
	}{
		{Impersonation: "default"}:                          {sutler.ReachHost, false},
		{Impersonation: "anonymous"}:                        {sutler.ReachNone, true},
		{Impersonation: "identify"}:                         {sutler.ReachNone, false},
		{Impersonation: "impersonate"}:                      {sutler.ReachHost, false},
		{Impersonation: "impersonate", Cloaking: "dynamic"}: {sutler.ReachHost, false},
		{Impersonation: "delegate", Cloaking: "dynamic"}:    {sutler.ReachAll, false},
		{Impersonation: "delegate", Cloaking: "static"}:     {sutler.ReachHost, false},
		{Impersonation: "delegate", Cloaking: "none"}:       {sutler.ReachHost, false},
	} {
		if reach, unknown := s.Reach(); reach != want.reach || unknown != want.unknown {
			t.Errorf("%+v reaches %v, unknown %t; want %+v", s, reach, unknown, want)
		}
	}
}

func TestMayActAs(t *testing.T) {
	caller := sutler.Identity{Kind: sutler.CallingUser, Account: "ann"}
	nobody := sutler.Identity{Kind: sutler.CallingUser, Account: "ann", Reach: sutler.ReachNone}
	service := sutler.Identity{Kind: sutler.ServiceAccount, Reach: sutler.ReachNone}
	for _, row := range []struct {
		who    sutler.Identity
		queued bool
		want   bool
	}{{caller, false, true}, {caller, true, false}, {nobody, false, false}, {nobody, true, false}, {service, true, true}, {service, false, true}} {
		if d := security.MayActAs(row.who, row.queued); d.Allowed != row.want {
			t.Errorf("%s with reach %v, queued %t: %+v", row.who, row.who.Reach, row.queued, d)
		}
	}
	var refused []string
	for _, level := range []string{"none", "connect", "call", "packet", "integrity", "privacy"} {
		s := security.ClientSettings{Level: level}
		if !s.MayConnect(false, true).Allowed {
			t.Errorf("level %s is refused on loopback", level)
		}
		if s.MayConnect(false, false).Allowed {
			t.Errorf("level %s is let in over plain HTTP", level)
		}
		if !s.MayConnect(true, false).Allowed {
			refused = append(refused, level)
		}
	}
	if !slices.Equal(refused, []string{"none"}) {
		t.Errorf("over TLS %v are refused, want none alone", refused)
	}
}
