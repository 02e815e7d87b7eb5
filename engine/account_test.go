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
		return &sutler.Error{Code: sutler.Exists, Detail: "<user>mailadmin</user>", Err: sutler.Errorf(sutler.Exists, "cannot log in as %q: mailadmin is locked", call.Identity.Account)}
	}})
	req, err := sutler.ParseRequest([]byte(`<request/>`), "r.xml", sutler.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	req.Namespace, req.Procedure = "Whole", "Twice"
	resp, err := e.Submit(t.Context(), sutler.Caller{Account: "ann"}, req)
	if sutler.CodeOf(err) != sutler.Exists || !strings.Contains(err.Error(), `cannot log in as "***": *** is locked`) {
		t.Errorf("the caller hears %v", err)
	}
	if strings.Contains(string(resp.XML), "mailadmin") {
		t.Errorf("the caller gets %s", resp.XML)
	}
	records, err := log.Records(t.Context(), resp.Transaction)
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, r := range records {
		told = told || r.Kind == sutler.StepFailed && strings.Contains(r.Text, "mailadmin is locked")
		if r.Kind == sutler.RollingBackTx && strings.Contains(r.Text+r.Response, "mailadmin") {
			t.Errorf("what the caller may read later holds the account: %s %s", r.Text, r.Response)
		}
	}
	if !told {
		t.Error("no record tells why the call failed")
	}
}
