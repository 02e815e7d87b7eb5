package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// CanI says whether as may call a procedure by a simple request without a
// context: by the first check that refuses, else by the access list that
// allows. Who may ask, and what he learns, is as with ExplainAccess, but a
// procedure that the asker may not call or that does not exist is a refusal
// and no error.
func (e *Engine) CanI(ctx context.Context, from sutler.Caller, as, namespace, name string) (security.Decision, error) {
	a, err := e.asker(from, as, nil)
	if err != nil {
		return security.Decision{}, err
	}
	s := simpleOf(a.access, a.as)
	if !s.may.Allowed {
		return a.neutral(s.may), nil
	}
	p, err := e.catalog.Load().procedure(namespace, name)
	switch {
	case err != nil && a.all:
		return security.Decision{}, err
	case err != nil:
		return unseen, nil
	}
	d := s.call(p)
	if !d.Allowed && !a.all {
		return unseen, nil
	}
	return a.neutral(d), nil
}

// WhoCan returns the users of the installation that may call a procedure by a
// simple request, by name. Users whom only a door knows, and groups that only
// a door vouches for, are not among what it knows. Only those who may
// configure or read the audit log may ask.
func (e *Engine) WhoCan(ctx context.Context, from sutler.Caller, namespace, name string) ([]security.WhoCan, error) {
	a, err := e.auditor(from, "who can call a procedure")
	if err != nil {
		return nil, err
	}
	p, err := e.catalog.Load().procedure(namespace, name)
	if err != nil {
		return nil, err
	}
	var can []security.WhoCan
	for _, u := range a.access.Accounts(false) {
		if ctx.Err() != nil {
			return nil, askCancelled(ctx)
		}
		s := simpleOf(a.access, sutler.Caller{Account: u.Name})
		if d := s.call(p); d.Allowed {
			can = append(can, security.WhoCan{Account: u.Name, Rule: d.Rule})
		}
	}
	return can, nil
}

// WhatCan returns the procedures that as may call by a simple request, by
// namespace and in document order. Who may ask, and what he learns, is as with
// ExplainAccess.
func (e *Engine) WhatCan(ctx context.Context, from sutler.Caller, as string) ([]security.WhatCan, error) {
	a, err := e.asker(from, as, nil)
	if err != nil {
		return nil, err
	}
	s := simpleOf(a.access, a.as)
	var can []security.WhatCan
	for _, ns := range e.catalog.Load().list() {
		if ctx.Err() != nil {
			return nil, askCancelled(ctx)
		}
		for _, p := range ns.Procedures {
			if d := s.call(p); d.Allowed {
				can = append(can, security.WhatCan{Namespace: ns.Name, Procedure: p.Name, Rule: a.neutral(d).Rule})
			}
		}
	}
	return can, nil
}

// AccessDiff says what an edit of the access rules would change: whoever may
// call a procedure by a simple request after rows were put and could not
// before, or the other way round, by account, namespace and procedure. It looks
// at every user before and after the edit, at every name in a list that is no
// account of the installation, and at two who stand for all others:
// "Authenticated Users", of whom nothing but a name is known, and "Anonymous".
// As whom procedures act is not compared. Only those who may configure or read
// the audit log may ask. A row that cannot be read is an error with code
// BadInput.
func (e *Engine) AccessDiff(ctx context.Context, from sutler.Caller, rows []sutler.AccessRow) ([]security.AccessEffect, error) {
	if _, err := e.auditor(from, "what an edit changes"); err != nil {
		return nil, err
	}
	if e.rules == nil {
		return nil, sutler.Errorf(sutler.NotYet, "cannot say what an edit changes: this engine keeps no accounts and lists")
	}
	now, revision, err := e.rules.Access(ctx)
	if err != nil {
		return nil, err
	}
	deny := e.access.Load().DefaultDeny
	before, err := security.NewAccess(now, revision, deny)
	if err != nil {
		return nil, err
	}
	after, err := security.NewAccess(edited(now, rows), revision, deny)
	if err != nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot say what an edit changes: %w", err)
	}
	var changes []security.AccessEffect
	all := e.catalog.Load().list()
	for _, c := range compared(before, after) {
		was, will := simpleOf(before, c), simpleOf(after, c)
		for _, ns := range all {
			if ctx.Err() != nil {
				return nil, askCancelled(ctx)
			}
			for _, p := range ns.Procedures {
				if b, a := was.call(p), will.call(p); b.Allowed != a.Allowed {
					changes = append(changes, security.AccessEffect{Account: cmp.Or(c.Account, security.Anonymous), Namespace: ns.Name, Procedure: p.Name, Before: b, After: a})
				}
			}
		}
	}
	slices.SortStableFunc(changes, func(a, b security.AccessEffect) int {
		return cmp.Or(strings.Compare(security.Fold(a.Account), security.Fold(b.Account)),
			strings.Compare(procedure.Fold(a.Namespace), procedure.Fold(b.Namespace)), strings.Compare(procedure.Fold(a.Procedure), procedure.Fold(b.Procedure)))
	})
	return changes, nil
}

// edited returns rows as they are after others were put.
func edited(rows, put []sutler.AccessRow) []sutler.AccessRow {
	type key struct {
		kind sutler.AccessKind
		name string
	}
	all := map[key]sutler.AccessRow{}
	for _, r := range slices.Concat(rows, put) {
		if all[key{r.Kind, r.Name}] = r; r.Value == nil {
			delete(all, key{r.Kind, r.Name})
		}
	}
	return slices.Collect(maps.Values(all))
}

// compared returns whom a comparison looks at, each once.
func compared(pictures ...*security.Access) []sutler.Caller {
	found := map[string]string{security.Fold(security.AuthenticatedUsers): security.AuthenticatedUsers}
	group := func(name string) bool {
		if name = security.Fold(name); name == security.Fold(security.Everyone) || name == security.Fold(security.Anonymous) {
			return true
		}
		return slices.ContainsFunc(pictures, func(a *security.Access) bool { acct := a.Account(name); return acct != nil && acct.Group })
	}
	for _, a := range pictures {
		for _, u := range a.Accounts(false) {
			found[security.Fold(u.Name)] = u.Name
		}
		for _, o := range a.Objects() {
			for _, entry := range a.List(o).Entries {
				if key := security.Fold(entry.Who); found[key] == "" && !group(key) {
					found[key] = entry.Who
				}
			}
		}
	}
	callers := []sutler.Caller{{Unknown: true}}
	for _, name := range found {
		callers = append(callers, sutler.Caller{Account: name})
	}
	return callers
}

// simple is somebody who submits simple requests without a context.
type simple struct {
	lists
	may security.Decision // submit them
}

func simpleOf(access *security.Access, c sutler.Caller) simple {
	l := listsOf(access, c, c.Account)
	return simple{l, security.Last(access.MaySubmit(l.caller, security.Engines, security.Submission{}))}
}

// call decides whether the request may call p.
func (s *simple) call(p *procedure.Procedure) security.Decision {
	if !s.may.Allowed {
		return s.may
	}
	return security.Last(s.mayCall(p, false))
}
