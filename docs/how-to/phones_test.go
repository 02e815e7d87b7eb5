// Package phones is the example of the page provider.md: a provider for the
// extensions of a switchboard.
package phones_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/sutlertest"
)

// New returns a provider that assigns the extensions of b.
func New(b *Switchboard) sutler.Provider {
	p := &phones{b}
	return provider.Procedures{
		"Assign Extension": {Process: p.assign, Rollback: p.unassign, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Show Extension":   {Process: p.show},
	}
}

type phones struct{ board *Switchboard }

func (p *phones) assign(ctx context.Context, c *sutler.Call) error {
	number, err := provider.Required(c, "number")
	if err != nil {
		return err
	}
	user, err := provider.Required(c, "user")
	if err != nil {
		return err
	}
	as, err := operator(c)
	if err != nil {
		return err
	}
	if e, taken := p.board.Look(as, number); taken { // look,
		return sutler.Errorf(sutler.Exists, "cannot assign extension %s to %q: %q has it", number, user, e.User)
	}
	note := fmt.Sprintf("%s call %d", c.Transaction, c.Seq)
	c.Rollback.Set("number", number) // remember what, and how to know it again,
	c.Rollback.Set("note", note)
	c.Rollback.Set("as", as)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if err := p.board.Assign(ctx, as, number, Extension{user, note}); err != nil { // act.
		return fmt.Errorf("cannot assign extension %s to %q: %w", number, user, err)
	}
	return nil
}

// unassign may run after a crash inside assign, or twice. An extension that
// somebody else has assigned since carries another note and stays.
func (p *phones) unassign(ctx context.Context, c *sutler.Call) error {
	as, err := operator(c)
	if err != nil {
		return err
	}
	if c.Identity.Kind == sutler.ServiceAccount { // perhaps in place of a caller who has gone
		as = c.Rollback.Get("as")
	}
	return p.board.Free(as, c.Rollback.Get("number"), c.Rollback.Get("note"))
}

func (p *phones) show(ctx context.Context, c *sutler.Call) error {
	number, err := provider.Required(c, "number")
	if err != nil {
		return err
	}
	as, err := operator(c)
	if err != nil {
		return err
	}
	e, taken := p.board.Look(as, number)
	if !taken {
		return sutler.Errorf(sutler.NotFound, "cannot show extension %s: it is not assigned", number)
	}
	result, err := provider.Result(c)
	if err != nil {
		return err
	}
	provider.SetAttr(result, "user", e.User)
	return nil
}

// operator is as whom a call acts. The switchboard believes the names that it
// is told, so an account whose password nobody has checked is not for it.
func operator(c *sutler.Call) (string, error) {
	switch c.Identity.Kind {
	case sutler.ServiceAccount:
		return "sutler", nil
	case sutler.CallingUser, sutler.ExecuteAs:
		return c.Identity.Account, nil
	}
	return "", sutler.Errorf(sutler.Denied, "cannot call %q as %s: the switchboard cannot check its password", c.Procedure, c.Identity)
}

// Switchboard stands for the outside system. Its two commands are atomic:
// assign if free, and free if the note is still this one.
type Switchboard struct {
	mu         sync.Mutex
	extensions map[string]Extension
	operators  []string // who gave commands
}

// Extension is an assigned extension; Note is free text that the system keeps.
type Extension struct{ User, Note string }

// Look returns an extension and whether it is assigned.
func (b *Switchboard) Look(as, number string) (Extension, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.operators = append(b.operators, as)
	e, ok := b.extensions[number]
	return e, ok
}

// Assign assigns a free extension.
func (b *Switchboard) Assign(ctx context.Context, as, number string, e Extension) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.operators = append(b.operators, as)
	if err := ctx.Err(); err != nil {
		return err
	}
	if old, taken := b.extensions[number]; taken {
		return sutler.Errorf(sutler.Exists, "%q has it", old.User)
	}
	b.extensions[number] = e
	return nil
}

// Free frees an extension that has this note; any other stays.
func (b *Switchboard) Free(as, number, note string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.operators = append(b.operators, as)
	if b.extensions[number].Note == note {
		delete(b.extensions, number)
	}
	return nil
}

// world lets the conformance suite make, look at and act on a switchboard.
type world struct{ *Switchboard }

func (w world) Provider() sutler.Provider { return New(w.Switchboard) }

func (w world) Snapshot(*testing.T) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, number := range slices.Sorted(maps.Keys(w.extensions)) {
		fmt.Fprintf(&b, "%s %s\n", number, w.extensions[number].User)
	}
	return b.String()
}

// ActedAs lets the suite see as whom commands were given.
func (w world) ActedAs(*testing.T) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	who := w.operators
	w.operators = nil
	return who
}

func newWorld(*testing.T) world {
	return world{&Switchboard{extensions: map[string]Extension{}}}
}

// taken is a setup in which bob has extension 11.
func taken(_ *testing.T, w world) { w.extensions["11"] = Extension{User: "bob"} }

func TestConformance(t *testing.T) {
	const ann = `<number>11</number><user>ann</user>`
	sutlertest.TestProvider(t, newWorld, []sutlertest.ProviderCase[world]{
		{
			Procedure: "Assign Extension", Data: ann, Want: "11 ann\n",
			Bystanders: []sutlertest.Bystander[world]{{
				Name: "assigns it first",
				Act: func(t *testing.T, w world) {
					w.mu.Lock()
					defer w.mu.Unlock()
					w.extensions["11"] = Extension{User: "bob"}
				},
				Left: func(t *testing.T, w world) {
					w.mu.Lock()
					defer w.mu.Unlock()
					if e := w.extensions["11"]; e.User != "bob" {
						t.Errorf("extension 11 belongs to %q, want bob", e.User)
					}
				},
			}},
		},
		{
			Name: "as ann", Procedure: "Assign Extension", Data: ann,
			Identity: sutler.Identity{Kind: sutler.ExecuteAs, Account: "ann", Secret: sutler.NewSecret("her password")},
		},
		{
			Name: "by a caller", Procedure: "Assign Extension", Data: ann,
			Identity: sutler.Identity{Kind: sutler.CallingUser, Account: "bob"},
		},
		{
			Name: "by a password", Procedure: "Assign Extension", Data: ann, Code: sutler.Denied,
			Identity: sutler.Identity{Kind: sutler.BasicAccount, Account: "ann", Secret: sutler.NewSecret("a guess")},
		},
		{Name: "taken", Procedure: "Assign Extension", Data: ann, Setup: taken, Code: sutler.Exists, Text: `"bob" has it`},
		{Name: "no user", Procedure: "Assign Extension", Data: `<number>11</number>`, Code: sutler.BadInput, Text: "user"},
		{
			Procedure: "Show Extension", Type: sutler.Read, Data: `<number>11</number>`, Setup: taken,
			Output: `<number>11</number><result user="bob"/>`,
		},
		{Name: "not assigned", Procedure: "Show Extension", Type: sutler.Read, Data: `<number>11</number>`, Code: sutler.NotFound},
	})
}

func TestNamespace(t *testing.T) {
	if err := provider.Match([]byte(namespace), New(&Switchboard{}).(provider.Procedures)); err != nil {
		t.Error(err)
	}
}

// namespace is the file beside the provider.
const namespace = `<namespace name="Phone Namespace" providerSource="phones" readOnly="1"
           description="Extensions of the switchboard">
  <procedure name="Assign Extension" type="write" access="private" auditEnabled="1"/>
  <procedure name="Show Extension" type="read" access="private"/>
</namespace>
`
