package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
)

// TestUndoneWithoutTheCaller undoes a call of the calling user: while the
// caller waits as that user, after a crash as the service account where the
// provider declares so, and else not at all.
func TestUndoneWithoutTheCaller(t *testing.T) {
	for _, declared := range []bool{true, false} {
		var undone []sutler.Identity
		b := newBench(t, sutler.Limits{}, funcs{
			rollback: func(_ context.Context, c *sutler.Call) error { undone = append(undone, c.Identity); return nil },
			traits: func(string) sutler.Traits {
				return sutler.Traits{NoAnswer: sutler.Repeatable, UndoAsService: declared}
			},
		}, nil)
		zoe := sutler.Identity{Kind: sutler.CallingUser, Account: "zoe"}
		if err := b.log.Append(t.Context(), sutler.Lease{Engine: "e1", Fence: 1}, sutler.Record{Transaction: "{x}", Kind: sutler.Began},
			sutler.Record{Transaction: "{x}", Kind: sutler.StepStarted, Seq: 1, Namespace: "Odd", Procedure: "Write", Provider: "odd",
				Type: sutler.Write, Policy: sutler.Repeatable, Context: "<context/>", Identity: zoe}); err != nil {
			t.Fatal(err)
		}
		if err := recoverAll(t.Context(), b.Engine); err != nil {
			t.Fatal(err)
		}
		want, status, text := []sutler.Identity{{Kind: sutler.ServiceAccount}}, sutler.RolledBack, ""
		if !declared {
			want, status, text = nil, sutler.InDoubt, `the calling user "zoe", who has gone`
		}
		if tx := b.fold(t, "{x}"); tx.Status != status || !strings.Contains(tx.Text, text) || !slices.Equal(undone, want) {
			t.Errorf("declared %v: %s %q, undone as %v, want %s …%s…, undone as %v", declared, tx.Status, tx.Text, undone, status, text, want)
		}

		undone = nil
		resp, err := b.run(t, `<procedure><execute namespace="Odd" procedure="Write" impersonate="1"/>
			<execute namespace="Sys" procedure="A"><executeData><fail phase="process" text="no"/></executeData></execute></procedure>`)
		b.wantUndone(t, resp, err, sutler.Failed)
		if len(undone) != 1 || undone[0].Kind != sutler.CallingUser {
			t.Errorf("declared %v: with the caller there it is undone as %v", declared, undone)
		}
	}
}

// TestUndoneWithoutTheCredential takes a stored credential away, or gives it
// another account or password, while its request runs. What it did is undone as
// the account that did it: with the password as it is now where there still is
// one. When the request has ended, a credential that is gone is waited for.
func TestUndoneWithoutTheCredential(t *testing.T) {
	credential := func(account, sealed string) sutler.AccessRow {
		return security.Row(sutler.CredentialRow, "ops", &security.Credential{Name: "ops", Account: account, Sealed: []byte(sealed)})
	}
	standing := []sutler.AccessRow{
		security.Row(sutler.AccountRow, "ann", &security.Account{Name: "ann", MemberOf: []string{sutler.MPFTrustedUsers}}),
		credential(`corp\ops`, "one"),
		security.Row(sutler.ProcedureRow, security.ProcedureObject("Whole", "Twice"), &security.ProcedureSettings{ExecuteAs: "ops"}),
	}
	for _, c := range []struct {
		name   string
		change sutler.AccessRow
		want   string
	}{
		{"deleted", security.Row[security.Credential](sutler.CredentialRow, "ops", nil), `executeAs:corp\ops/one`},
		{"another account", credential(`corp\other`, "two"), `executeAs:corp\ops/one`},
		{"a new password", credential(`corp\ops`, "two"), `executeAs:corp\ops/two`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := &sutlertest.Config{}
			if _, err := config.PutAccess(t.Context(), 0, standing...); err != nil {
				t.Fatal(err)
			}
			var e *engine.Engine
			var undone []string
			calls := 0
			odd := funcs{
				process: func(ctx context.Context, call *sutler.Call) error {
					if calls++; calls > 1 {
						return sutler.Errorf(sutler.Failed, "no")
					}
					return changeElsewhere(ctx, config, e, c.change)
				},
				rollback: func(_ context.Context, call *sutler.Call) error {
					if call.Seq == 2 { // the first; 1 is Twice
						undone = append(undone, call.Identity.String()+"/"+call.Identity.Secret.Reveal())
					}
					return nil
				},
				traits: func(string) sutler.Traits { return sutler.Traits{NoAnswer: sutler.Repeatable} },
			}
			log := sutlertest.NewLog()
			e = newEngineOver(t, log, config, odd)
			resp, err := e.Submit(t.Context(), sutler.Caller{Account: "ann"}, trusted(t, `<request><procedure><execute namespace="Whole" procedure="Twice"/></procedure></request>`))
			if err == nil || resp.Status != sutler.RolledBack {
				t.Errorf("it is %s, %v, want it rolled back", resp.Status, err)
			}
			if !slices.Equal(undone, []string{c.want}) {
				t.Errorf("undone as %q, want %q", undone, c.want)
			}
		})
	}

	b := newBench(t, sutler.Limits{}, funcs{
		rollback: func(_ context.Context, c *sutler.Call) error { t.Errorf("undone as %s", c.Identity); return nil },
	}, nil)
	gone := sutler.Identity{Kind: sutler.ExecuteAs, Account: `corp\ops`, Credential: "ops", Secret: sutler.NewSecret("one")}
	if err := b.log.Append(t.Context(), sutler.Lease{Engine: "e1", Fence: 1}, sutler.Record{Transaction: "{x}", Kind: sutler.Began},
		sutler.Record{Transaction: "{x}", Kind: sutler.StepStarted, Seq: 1, Namespace: "Odd", Procedure: "Write", Provider: "odd",
			Type: sutler.Write, Policy: sutler.Repeatable, Context: "<context/>", Identity: gone},
		sutler.Record{Transaction: "{x}", Kind: sutler.StepDone, Seq: 1}); err != nil {
		t.Fatal(err)
	}
	if err := recoverAll(t.Context(), b.Engine); err != nil {
		t.Fatal(err)
	}
	if tx := b.fold(t, "{x}"); tx.Status != sutler.RollbackFailed || !strings.Contains(tx.Text, `"ops" was deleted`) {
		t.Errorf("after the request it is %s %q", tx.Status, tx.Text)
	}
}
