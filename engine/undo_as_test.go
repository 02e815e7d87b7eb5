package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"sutler"
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
