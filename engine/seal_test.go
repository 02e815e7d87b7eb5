package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sutler"
)

// TestSealedBeforeItSaidWhy undoes a sealed call whose record does not say
// whether the call was sensitive: its values are hidden as if it was. Where it
// says that it was not, they are shown.
func TestSealedBeforeItSaidWhy(t *testing.T) {
	for said, want := range map[string]string{
		``:                 "cannot undo ***",
		`,"private":true`:  "cannot undo ***",
		`,"private":false`: "cannot undo hushhush",
	} {
		v := newVault(t, funcs{
			rollback: func(_ context.Context, c *sutler.Call) error {
				return errors.New("cannot undo " + c.Rollback.Get("name"))
			},
			traits: func(string) sutler.Traits { return sutler.Traits{NoAnswer: sutler.Repeatable} },
		})
		part, err := lid{}.Seal([]byte(`{"context":"<context/>","rollback":[{"Name":"name","Value":"hushhush"}]`+said+`}`), []byte("{x}/1/"+sutler.StepStarted.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := v.log.Append(t.Context(), v.Lease(), sutler.Record{Transaction: "{x}", Kind: sutler.Began},
			sutler.Record{Transaction: "{x}", Kind: sutler.StepStarted, Seq: 1, Namespace: "Vault", Procedure: "Write", Provider: "odd",
				Type: sutler.Write, Policy: sutler.Repeatable, Sensitive: true, Sealed: part}); err != nil {
			t.Fatal(err)
		}
		if err := recoverAll(t.Context(), v.Engine); err != nil {
			t.Fatal(err)
		}
		rs, err := v.log.Records(t.Context(), "{x}")
		if err != nil {
			t.Fatal(err)
		}
		last := rs[len(rs)-1]
		if last.Kind == sutler.StepStarted || !strings.Contains(last.Text, want) || !strings.Contains(v.events.String(), want) {
			t.Errorf("said %q: %s %q and the log %s, want %q", said, last.Kind, last.Text, v.events.String(), want)
		}
	}
}
