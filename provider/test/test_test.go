package test_test

import (
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/provider/test"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// nowhere is a world that the provider cannot change: it touches nothing.
type nowhere struct{}

func (nowhere) Provider() sutler.Provider    { return test.New() }
func (nowhere) Snapshot(t *testing.T) string { return "" }

func TestNamespace(t *testing.T) {
	if err := provider.Match(test.Namespace(), test.New()); err != nil {
		t.Error(err)
	}
}

func TestProvider(t *testing.T) {
	const data = `<organization type="primary" name="OrgA"/><empty/>text`
	const identity = `<identity kind="service" account="sutler"/>`
	sutlertest.TestProvider(t, func(*testing.T) nowhere { return nowhere{} }, []sutlertest.ProviderCase[nowhere]{
		{Procedure: "Read Request", Type: sutler.Read, Data: data, Output: data},
		{Procedure: "write request", Data: data, Output: data},
		{Procedure: "TwoPhase Request", Type: sutler.TwoPhase, Data: data, Output: data},
		{Name: "Return Credentials without any", Procedure: "Return Credentials", Type: sutler.Read, Data: `<x/>`, Output: `<x/>` + identity},
		{
			Procedure: "Return Credentials", Type: sutler.Read,
			Context: `<securityContext trustee="corp\ann"><authentication><basic domain="corp" username="ann" password="s3cret"/>
				<Password>s3cret</Password><key do-not-log="1">s3<b/>cret</key></authentication></securityContext>`,
			Output: `<securityContext trustee="corp\ann"><authentication><basic domain="corp" username="ann" password="********"/>
				<Password>********</Password><key do-not-log="1">********</key></authentication></securityContext>` + identity,
		},
		{
			Name: "as a credential", Procedure: "Return Credentials", Type: sutler.Read, Output: `<identity kind="basic" account="corp\ann"/>`,
			Identity: sutler.Identity{Kind: sutler.BasicAccount, Account: `corp\ann`, Secret: sutler.NewSecret("s3cret")},
		},
		{
			Name: "as the caller", Procedure: "Return Credentials", Type: sutler.Read, Output: `<identity kind="caller" account="corp\ann"/>`,
			Identity: sutler.Identity{Kind: sutler.CallingUser, Account: `corp\ann`},
		},
		{Procedure: "Other", Code: sutler.NoProvider, Text: `"Other"`},
	})
}

// The masking must not reach the context that other calls see.
func TestReturnCredentialsLeavesTheContext(t *testing.T) {
	c := sutlertest.NewCallIn(t, "Return Credentials", `<securityContext><authentication><basic password="s3cret"/></authentication></securityContext>`, "")
	before := xmltree.Canonical(c.Context)
	if err := test.New().Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if after := xmltree.Canonical(c.Context); after != before {
		t.Errorf("the context is %s, want %s", after, before)
	}
}
