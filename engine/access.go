package engine

import (
	"context"
	"fmt"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// Access returns what the installation allows now.
func (e *Engine) Access() *security.Access { return e.access.Load() }

// RefreshAccess reads who may do what anew, as another engine may have changed
// it. It counts for running transactions from their next call on. After an
// error the picture of before stays in force.
func (e *Engine) RefreshAccess(ctx context.Context) error {
	e.granting.Lock()
	defer e.granting.Unlock()
	return e.loadAccess(ctx)
}

func (e *Engine) loadAccess(ctx context.Context) error {
	var rows []sutler.AccessRow
	var revision int64
	var err error
	if e.rules != nil {
		if rows, revision, err = e.rules.Access(ctx); err != nil {
			return err
		}
	}
	stored, err := e.config.Settings(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	deny := sutler.DefaultDenyOf(stored)
	if now := e.access.Load(); now != nil && now.Revision == revision && now.DefaultDeny == deny {
		return nil
	}
	a, err := security.NewAccess(rows, revision, deny)
	if err != nil {
		return err
	}
	e.access.Store(a)
	return nil
}

// ChangeAccess changes who may do what: make returns the rows to change, made
// from the picture it is given, and is called again when somebody else was
// faster. It counts at once here, for running transactions too, and within
// seconds in other engines. Who may, what is recorded and the errors are those
// of Configure.
func (e *Engine) ChangeAccess(ctx context.Context, from sutler.Caller, what, detail string, make func(*security.Access) ([]sutler.AccessRow, error)) error {
	return e.Configure(from, what, detail, func() error {
		if e.rules == nil {
			return sutler.Errorf(sutler.NotYet, "this engine keeps no accounts and lists")
		}
		e.granting.Lock()
		defer e.granting.Unlock()
		return e.changeAccess(ctx, make)
	})
}

// RenewHash keeps fresh, a hash of the same password with other parameters, in
// place of the hash old of an account. When the account has another one by now,
// or is gone, it does nothing. It leaves no record: what anybody may do, and who
// knows the password, stays as it was.
func (e *Engine) RenewHash(ctx context.Context, account, old, fresh string) error {
	if e.rules == nil {
		return sutler.Errorf(sutler.NotYet, "this engine keeps no accounts and lists")
	}
	e.granting.Lock()
	defer e.granting.Unlock()
	return e.changeAccess(ctx, func(now *security.Access) ([]sutler.AccessRow, error) {
		acct := now.Account(account)
		if acct == nil || acct.Hash != old {
			return nil, nil
		}
		v := *acct
		v.Hash = fresh
		return []sutler.AccessRow{security.Row(sutler.AccountRow, v.Name, &v)}, nil
	})
}

// HasProcedure reports whether a namespace is registered that has the
// procedure, "" standing for any, and whether it is read-only.
func (e *Engine) HasProcedure(namespace, name string) (found, readOnly bool) {
	ns := e.catalog.Load().namespaces[procedure.Fold(namespace)]
	if ns == nil || name != "" && ns.Procedure(name) == nil {
		return false, false
	}
	return true, ns.builtin || ns.ReadOnly
}

// Registered returns the names of a namespace and a procedure, "" standing for
// none, in the case as registered. What is not registered comes back as it is.
func (e *Engine) Registered(namespace, name string) (string, string) {
	ns := e.catalog.Load().namespaces[procedure.Fold(namespace)]
	if ns == nil {
		return namespace, name
	}
	if p := ns.Procedure(name); p != nil {
		name = p.Name
	}
	return ns.Name, name
}

// mostTries bounds how often a change is made again after somebody was faster.
const mostTries = 10

func (e *Engine) changeAccess(ctx context.Context, make func(*security.Access) ([]sutler.AccessRow, error)) error {
	for try := 1; ; try++ {
		if err := e.loadAccess(ctx); err != nil {
			return err
		}
		now := e.access.Load()
		rows, err := make(now)
		if err != nil || len(rows) == 0 {
			return err
		}
		_, err = e.rules.PutAccess(ctx, now.Revision, rows...)
		if sutler.CodeOf(err) == sutler.Conflict && try < mostTries {
			continue
		}
		if err != nil {
			return err
		}
		return e.loadAccess(ctx)
	}
}
