package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
)

// pair is two engines over one store. The procedure Odd/Write of the first one
// does what during says.
type pair struct {
	one, two *engine.Engine
	during   func()
	current  error // what the first one hears when it asks
	log      *sutlertest.Log
	calls    []string
}

const withdrawnNamespaces = `<namespace name="N">
  <procedure name="P" access="public"><execute namespace="Odd" procedure="Write"/><execute namespace="Odd" procedure="Next"/></procedure>
  <procedure name="Caught" access="public"><execute namespace="Odd" procedure="Write"/><try><execute namespace="Odd" procedure="Next"/></try><catch/></procedure>
</namespace>
<namespace name="Odd" providerSource="odd"><procedure name="Write" type="write" access="public"/><procedure name="Next" type="write" access="public"/></namespace>`

func newPair(t *testing.T, rows ...sutler.AccessRow) *pair {
	t.Helper()
	p := &pair{log: sutlertest.NewLog()}
	config := &sutlertest.Config{}
	if _, err := config.PutAccess(t.Context(), 0, rows...); err != nil {
		t.Fatal(err)
	}
	odd := funcs{
		process: func(ctx context.Context, c *sutler.Call) error {
			p.calls = append(p.calls, c.Procedure)
			if err := c.Rollback.Flush(ctx); err != nil {
				return err
			}
			if c.Procedure == "Write" && p.during != nil {
				p.during()
			}
			return nil
		},
		rollback: func(_ context.Context, c *sutler.Call) error {
			p.calls = append(p.calls, "undo "+c.Procedure)
			return nil
		},
	}
	var sources []sutler.Source
	for i, text := range strings.SplitAfter(withdrawnNamespaces, "</namespace>") {
		if strings.TrimSpace(text) != "" {
			sources = append(sources, sutler.Source{File: fmt.Sprintf("n%d.xml", i), Text: []byte(text)})
		}
	}
	ids := 0
	for name, e := range map[sutler.EngineID]**engine.Engine{"one": &p.one, "two": &p.two} {
		lease, err := p.log.Lease(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*e, err = engine.New(t.Context(), engine.Options{
			Lease: lease, Log: p.log, Config: config, Access: config, Builtin: sources, Grace: time.Millisecond, Pauses: []time.Duration{},
			Providers: map[string]sutler.Provider{"odd": odd}, Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
			NewID:   func() sutler.TransactionID { ids++; return sutler.TransactionID(fmt.Sprintf("{%d}", ids)) },
			Current: func(context.Context) error { return p.current },
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// change lets the second engine put rows; the first one hears nothing of it.
func (p *pair) change(t *testing.T, rows ...sutler.AccessRow) {
	t.Helper()
	if err := p.two.ChangeAccess(t.Context(), admin, "change", "", func(*security.Access) ([]sutler.AccessRow, error) { return rows, nil }); err != nil {
		t.Fatal(err)
	}
}

func (p *pair) submit(t *testing.T, from sutler.Caller, procedure string) (*sutler.Response, error) {
	t.Helper()
	return p.one.Submit(context.Background(), from, simple(t, "N", procedure, `<request/>`))
}

// TestWithdrawnElsewhere takes something from the caller at another engine
// while its transaction runs: once this engine has looked, the next call is
// refused and what was done is undone. Before that it counts as before.
func TestWithdrawnElsewhere(t *testing.T) {
	staff := []sutler.AccessRow{userRow("bob", "staff", sutler.MPFClientAccts), security.Row(sutler.AccountRow, "staff", &security.Account{Name: "staff", Group: true}),
		listRow("N", "+staff"), listRow("Odd", "+staff")}
	for name, rows := range map[string][]sutler.AccessRow{
		"the list":    {listRow("Odd", "+boss")},
		"denied":      {listRow("Odd", "-bob +staff")},
		"the group":   {userRow("bob", sutler.MPFClientAccts)},
		"the right":   {userRow("bob")}, // in no group at all
		"disabled":    {security.Row(sutler.AccountRow, "bob", &security.Account{Name: "bob", Disabled: true, MemberOf: []string{"staff", sutler.MPFClientAccts}})},
		"deleted":     {security.Row[security.Account](sutler.AccountRow, "bob", nil)},
		"whole group": {security.Row(sutler.AccountRow, "staff", &security.Account{Name: "staff", Group: true, Disabled: true})},
	} {
		t.Run(name, func(t *testing.T) {
			for _, looks := range []bool{true, false} {
				p := newPair(t, staff...)
				p.during = func() {
					p.change(t, rows...)
					if looks {
						if err := p.one.RefreshAccess(t.Context()); err != nil {
							t.Error(err)
						}
					}
				}
				resp, err := p.submit(t, sutler.Caller{Account: "bob"}, "P")
				want, calls := sutler.Committed, "Write Next"
				if looks {
					want, calls = sutler.RolledBack, "Write undo Write"
				}
				if got := strings.Join(p.calls, " "); resp.Status != want || got != calls || looks != (sutler.CodeOf(err) == sutler.Denied && err != nil) {
					t.Errorf("looked %t: %s, %v, called %s; want %s and %s", looks, resp.Status, err, got, want, calls)
				}
				// The next request finds it so, too.
				if !looks {
					if err := p.one.RefreshAccess(t.Context()); err != nil {
						t.Error(err)
					}
				}
				p.calls, p.during = nil, nil
				if resp, err := p.submit(t, sutler.Caller{Account: "bob"}, "P"); sutler.CodeOf(err) != sutler.Denied || resp.Status != sutler.RolledBack {
					t.Errorf("the next request: %s %v", resp.Status, err)
				}
			}
		})
	}
}

// TestAccessUnknown keeps the engine from knowing who may do what: a new
// request is refused, a running one undone, and no catch sees why.
func TestAccessUnknown(t *testing.T) {
	away := sutler.Errorf(sutler.AccessUnknown, "the database is away")
	for _, procedure := range []string{"P", "Caught"} {
		p := newPair(t)
		p.during = func() { p.current = away }
		resp, err := p.submit(t, admin, procedure)
		if got := strings.Join(p.calls, " "); resp.Status != sutler.RolledBack || sutler.CodeOf(err) != sutler.AccessUnknown || !errors.Is(err, away) || got != "Write undo Write" {
			t.Errorf("%s: %s, %v, called %s", procedure, resp.Status, err, got)
		}
		commits := p.log.Commits()
		resp, err = p.submit(t, admin, procedure)
		if resp.Transaction != "" || sutler.CodeOf(err) != sutler.AccessUnknown || p.log.Commits() != commits {
			t.Errorf("a new request: %+v, %v", resp, err)
		}
		p.current, p.during = nil, nil
		if resp, err := p.submit(t, admin, procedure); resp.Status != sutler.Committed {
			t.Errorf("when it is known again: %s %v", resp.Status, err)
		}
	}
}
