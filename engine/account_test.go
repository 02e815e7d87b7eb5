package engine_test

import (
	"context"
	"strings"
	"testing"

	"sutler"
	"sutler/security"
	"sutler/sutlertest"
)

// TestExecuteAsAccountStaysInside sees that the caller of a procedure is not
// told the account that it executes as by an error of the provider, and that
// the record of the call is.
func TestExecuteAsAccountStaysInside(t *testing.T) {
	config := &sutlertest.Config{}
	if _, err := config.PutAccess(t.Context(), 0,
		security.Row(sutler.AccountRow, "ann", &security.Account{Name: "ann", MemberOf: []string{sutler.MPFClientAccts}}),
		security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\mailadmin`, Sealed: []byte("one")}),
		security.Row(sutler.ProcedureRow, security.ProcedureObject("Whole", "Twice"), &security.ProcedureSettings{ExecuteAs: "ops"}),
	); err != nil {
		t.Fatal(err)
	}
	log := sutlertest.NewLog()
	e := newEngineOver(t, log, config, funcs{process: func(ctx context.Context, call *sutler.Call) error {
		if err := call.Rollback.Flush(ctx); err != nil {
			return err
		}
		return &sutler.Error{Code: sutler.Exists, Detail: "<user>mailadmin</user>", Err: sutler.Errorf(sutler.Exists, "cannot log in as %q: mailadmin MAILADMIN is locked, mailadmins are not", call.Identity.Account)}
	}})
	req, err := sutler.ParseRequest([]byte(`<request/>`), "r.xml", sutler.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	req.Namespace, req.Procedure = "Whole", "Twice"
	resp, err := e.Submit(t.Context(), sutler.Caller{Account: "ann"}, req)
	if sutler.CodeOf(err) != sutler.Exists || !strings.Contains(err.Error(), `cannot log in as "***": *** *** is locked, mailadmins are not`) {
		t.Errorf("the caller hears %v", err)
	}
	if strings.Contains(strings.ReplaceAll(string(resp.XML), "mailadmins", ""), "mailadmin") {
		t.Errorf("the caller gets %s", resp.XML)
	}
	records, err := log.Records(t.Context(), resp.Transaction)
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, r := range records {
		told = told || r.Kind == sutler.StepFailed && strings.Contains(r.Text, "mailadmin MAILADMIN is locked")
		if r.Kind == sutler.RollingBackTx && strings.Contains(strings.ReplaceAll(r.Text+r.Response, "mailadmins", ""), "mailadmin") {
			t.Errorf("what the caller may read later holds the account: %s %s", r.Text, r.Response)
		}
	}
	if !told {
		t.Error("no record tells why the call failed")
	}
}

// TestExecuteAsErrorIsCaught sees that a catch handles what a provider says,
// whatever its code and whether its words name the account.
func TestExecuteAsErrorIsCaught(t *testing.T) {
	config := &sutlertest.Config{}
	if _, err := config.PutAccess(t.Context(), 0,
		security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\mailadmin`, Sealed: []byte("one")}),
		security.Row(sutler.ProcedureRow, security.ProcedureObject("Caught", "Try"), &security.ProcedureSettings{ExecuteAs: "ops"}),
	); err != nil {
		t.Fatal(err)
	}
	e := newEngineOver(t, sutlertest.NewLog(), config, funcs{process: func(context.Context, *sutler.Call) error {
		return sutler.Errorf(sutler.LimitReached, "login of mailadmin failed: too many connections")
	}})
	caught := `<namespace name="Caught"><procedure name="Try" type="write" access="public"><try><execute namespace="Odd" procedure="Write" impersonate="1"/></try><catch/></procedure></namespace>`
	if problems, err := e.Register(t.Context(), admin, sutler.Source{File: "c.xml", Text: []byte(caught)}); err != nil {
		t.Fatal(err, problems)
	}
	if _, err := e.Submit(t.Context(), admin, trusted(t, `<request><procedure><execute namespace="Caught" procedure="Try"/></procedure></request>`)); err != nil {
		t.Errorf("the catch did not see it: %v", err)
	}
}
