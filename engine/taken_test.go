package engine_test

import (
	"context"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// TestWithdrawnWhileItRuns takes something away in the middle of a request, as
// another engine of the same store does it: behind the back of this one, which
// reads it anew a moment later. The next call is refused and the first undone.
func TestWithdrawnWhileItRuns(t *testing.T) {
	row := security.Row[security.Account]
	ann := &security.Account{Name: "ann", MemberOf: []string{"staff"}}
	standing := []sutler.AccessRow{
		row(sutler.AccountRow, "ann", ann),
		row(sutler.AccountRow, "bob", &security.Account{Name: "bob"}),
		row(sutler.AccountRow, "staff", &security.Account{Name: "staff", Group: true, MemberOf: []string{sutler.MPFTrustedUsers}}),
		security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\ops`, Sealed: []byte("one")}),
		security.Row(sutler.ProcedureRow, security.ProcedureObject("Whole", "Twice"), &security.ProcedureSettings{ExecuteAs: "ops"}),
	}
	for _, c := range []struct {
		name    string
		trustee string
		change  sutler.AccessRow
		denied  string // the check; "" when the request goes on
		second  string // as whom the second call runs
	}{
		{name: "nothing", change: row(sutler.AccountRow, "carl", &security.Account{Name: "carl"}), second: `executeAs:corp\ops/one`},
		{name: "the caller disabled", change: row(sutler.AccountRow, "ann", &security.Account{Name: "ann", Disabled: true, MemberOf: ann.MemberOf}), denied: security.CheckAccount},
		{name: "the caller disabled, for a trustee", trustee: "bob", change: row(sutler.AccountRow, "ann", &security.Account{Name: "ann", Disabled: true, MemberOf: ann.MemberOf}), denied: security.CheckAccount},
		{name: "the trustee disabled", trustee: "bob", change: row(sutler.AccountRow, "bob", &security.Account{Name: "bob", Disabled: true}), denied: security.CheckAccount},
		{name: "the caller deleted", trustee: "bob", change: row(sutler.AccountRow, "ann", nil), denied: security.CheckRight},
		{name: "out of the group", trustee: "bob", change: row(sutler.AccountRow, "ann", &security.Account{Name: "ann"}), denied: security.CheckRight},
		{name: "the group disabled", change: row(sutler.AccountRow, "staff", &security.Account{Name: "staff", Group: true, Disabled: true, MemberOf: []string{sutler.MPFTrustedUsers}}), denied: security.CheckRight},
		{name: "the right denied", change: security.Row(sutler.ListRow, security.Engines, &security.List{Entries: []security.Entry{
			{Who: "staff", Rights: security.TrustedProcedures}, {Deny: true, Who: "ann", Rights: security.TrustedProcedures},
		}}), denied: security.CheckRight},
		{name: "off the list", change: security.Row(sutler.ListRow, security.NamespaceObject("Odd"), &security.List{Entries: []security.Entry{{Who: "bob", Rights: security.Execute}}}), denied: security.CheckList},
		{name: "the credential deleted", change: security.Row[security.Credential](sutler.CredentialRow, "ops", nil), denied: security.CheckCredentials},
		{name: "the credential set anew", change: security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: `corp\ops2`, Sealed: []byte("two")}), second: `executeAs:corp\ops2/two`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &sutlertest.Config{}
			if _, err := config.PutAccess(t.Context(), 0, standing...); err != nil {
				t.Fatal(err)
			}
			var e *engine.Engine
			var ran []string
			undone := 0
			odd := funcs{
				process: func(ctx context.Context, call *sutler.Call) error {
					if ran = append(ran, call.Identity.String()+"/"+call.Identity.Secret.Reveal()); len(ran) > 1 {
						return nil
					}
					return changeElsewhere(ctx, config, e, c.change)
				},
				rollback: func(context.Context, *sutler.Call) error { undone++; return nil },
			}
			log := sutlertest.NewLog()
			e = newEngineOver(t, log, config, odd)
			text := `<request><context><securityContext trustee="` + c.trustee + `"/></context><procedure><execute namespace="Whole" procedure="Twice"/></procedure></request>`
			resp, err := e.Submit(t.Context(), sutler.Caller{Account: "ann"}, trusted(t, text))
			if ran[0] != `executeAs:corp\ops/one` {
				t.Fatalf("the first call ran as %s", ran[0])
			}
			if c.denied == "" {
				if err != nil || len(ran) != 2 || ran[1] != c.second || undone != 0 {
					t.Errorf("%v; calls ran as %q, undone %d; want the second as %s", err, ran, undone, c.second)
				}
				return
			}
			if sutler.CodeOf(err) != sutler.Denied || len(ran) != 1 {
				t.Errorf("%v after calls as %q; want one, and the next denied", err, ran)
			}
			records, err := log.Records(t.Context(), resp.Transaction)
			if err != nil {
				t.Fatal(err)
			}
			checks := ""
			for _, r := range records {
				if r.Kind == sutler.Refused {
					checks += r.Text + "\n"
				}
			}
			if want := c.denied + ": "; len(checks) < len(want) || checks[:len(want)] != want {
				t.Errorf("refused by %q, want the check %s", checks, c.denied)
			}
		})
	}
}

// changeElsewhere changes a row as another engine of the store does, and lets e look.
func changeElsewhere(ctx context.Context, config *sutlertest.Config, e *engine.Engine, row sutler.AccessRow) error {
	_, revision, err := config.Access(ctx)
	if err != nil {
		return err
	}
	if _, err := config.PutAccess(ctx, revision, row); err != nil {
		return err
	}
	return e.RefreshAccess(ctx)
}

// opened seals nothing: what is sealed is its own secret.
type opened struct{}

func (opened) Seal(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (opened) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// newEngineOver makes an engine with the namespaces Odd, of odd, and Whole, whose
// Twice writes twice as whoever it executes as.
func newEngineOver(t *testing.T, log *sutlertest.Log, config *sutlertest.Config, odd sutler.Provider) *engine.Engine {
	t.Helper()
	lease, err := log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: log, Config: config, Access: config, Sealer: opened{}, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"odd": odd},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID:     func() sutler.TransactionID { return "{1}" },
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := `<namespace name="Whole"><procedure name="Twice" type="write" access="public">
		<execute namespace="Odd" procedure="Write" impersonate="1"/><execute namespace="Odd" procedure="Write" impersonate="1"/></procedure></namespace>`
	if problems, err := e.Register(t.Context(), admin, sutler.Source{File: "o.xml", Text: []byte(benchNamespaces)}, sutler.Source{File: "w.xml", Text: []byte(whole)}); err != nil {
		t.Fatal(err, xmltree.Problems(problems))
	}
	return e
}
