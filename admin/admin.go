// Package admin is what administrators do to who may do what, and the local
// accounts that log in. It turns an sutler.AccessChange into rows of the access
// store, and asks an engine to check, record and store them.
package admin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"sutler"
	"sutler/security"
)

// Engine is what changes go through.
type Engine interface {
	// Access returns what the installation allows now.
	Access() *security.Access
	// ChangeAccess checks that from may, records what is done and stores the
	// rows that make returns.
	ChangeAccess(ctx context.Context, from sutler.Caller, what, detail string, make func(*security.Access) ([]sutler.AccessRow, error)) error
	// RenewHash keeps fresh, a hash of the same password, in place of the hash
	// old of an account, unless the account has another one by now.
	RenewHash(ctx context.Context, account, old, fresh string) error
	// HasProcedure reports whether a namespace is registered, "" standing for
	// any procedure of it, and whether it is read-only.
	HasProcedure(namespace, procedure string) (found, readOnly bool)
	// Registered returns the names of a namespace and a procedure in the case as
	// registered; a name that is not registered comes back as it is.
	Registered(namespace, procedure string) (string, string)
}

// Admin carries out changes. All fields but Policy are required.
type Admin struct {
	Engine Engine
	Hasher security.Hasher
	Policy func() security.Policy // of new passwords; nil: the usual one
	Sealer sutler.Sealer
	Random io.Reader
	Now    func() time.Time
}

func (a *Admin) policy() security.Policy {
	if a.Policy == nil {
		return security.Policy{}
	}
	return a.Policy()
}

// Change carries out c for from. An error says what is wrong with it (code
// BadInput, NotFound, Exists, ReadOnlyName), that from may not (Denied), or that
// it could not be stored; then nothing was changed, see engine.ChangeAccess.
// A change that was made already may be made again: all but add-user and
// add-group.
func (a *Admin) Change(ctx context.Context, from sutler.Caller, c sutler.AccessChange) error {
	if d := a.Engine.Access().MayConfigure(a.Engine.Access().Caller(from)); d.Allowed {
		// What costs work or tells of accounts comes after the check, which
		// ChangeAccess makes again and records.
		if err := a.prepare(&c); err != nil {
			return fmt.Errorf("cannot %s: %w", phrase(&c), err)
		}
	}
	return a.Engine.ChangeAccess(ctx, from, words(c.Verb), detail(&c), func(now *security.Access) ([]sutler.AccessRow, error) {
		rows, err := a.Rows(now, c)
		if err != nil {
			return nil, fmt.Errorf("cannot %s: %w", phrase(&c), err)
		}
		return rows, nil
	})
}

// prepare checks a password and replaces it by its hash, or seals it.
func (a *Admin) prepare(c *sutler.AccessChange) error {
	switch c.Verb {
	case sutler.AddUser, sutler.SetPassword:
		if c.Secret == "" && c.Verb == sutler.AddUser {
			return nil
		}
		if err := security.CheckPassword(a.policy(), c.Name, c.Secret); err != nil {
			return err
		}
		salt, err := newSalt(a.Random)
		if err != nil {
			return err
		}
		c.Secret = a.Hasher.Hash(c.Secret, salt)
	case sutler.SetCredential:
		if c.Secret == "" || c.Account == "" {
			return sutler.Errorf(sutler.BadInput, "a credential needs an account and its password")
		}
		if a.Sealer == nil {
			return sutler.Errorf(sutler.NotYet, "this engine has no keys to seal passwords with")
		}
		sealed, err := a.Sealer.Seal([]byte(c.Secret), security.CredentialRecord(c.Name))
		if err != nil {
			return err
		}
		c.Secret = string(sealed)
	}
	return nil
}

// Rows returns the rows that a change puts, of a change whose secret is
// prepared or empty. It changes nothing.
func (a *Admin) Rows(now *security.Access, c sutler.AccessChange) ([]sutler.AccessRow, error) {
	if err := goodName(c.Name); err != nil {
		return nil, err
	}
	switch c.Verb {
	case sutler.AddUser, sutler.AddGroup:
		return a.add(now, &c)
	case sutler.SetPassword, sutler.DisableAccount, sutler.EnableAccount:
		return a.alter(now, &c)
	case sutler.DeleteAccount:
		return a.remove(now, c.Name)
	case sutler.AddMember, sutler.RemoveMember:
		return a.member(now, &c)
	case sutler.AllowAccess, sutler.DenyAccess, sutler.RemoveAccess, sutler.InheritAccess, sutler.ImportAccess, sutler.ClearAccess:
		return a.list(now, &c)
	case sutler.SetProcedure:
		return a.procedure(now, &c)
	case sutler.SetCredential:
		v := &security.Credential{Name: c.Name, Account: c.Account, Sealed: []byte(c.Secret), Changed: a.Now().UTC()}
		return []sutler.AccessRow{security.Row(sutler.CredentialRow, c.Name, v)}, nil
	case sutler.DeleteCredential:
		return a.removeCredential(now, c.Name)
	}
	return nil, sutler.Errorf(sutler.BadInput, "there is no verb %q", c.Verb)
}

func (a *Admin) add(now *security.Access, c *sutler.AccessChange) ([]sutler.AccessRow, error) {
	if strings.ContainsAny(c.Name, ":") {
		return nil, sutler.Errorf(sutler.BadInput, "the name of an account has no colon, which marks those of outside issuers")
	}
	if _, err := security.ParseSID(c.Name); err == nil {
		return nil, sutler.Errorf(sutler.BadInput, "the name of an account is not that of a SID, which lists may hold")
	}
	for _, taken := range names(now) {
		if looks(taken) == looks(c.Name) {
			return nil, sutler.Errorf(sutler.Exists, "there is an account or group of that name, or one that looks the same: %q", taken)
		}
	}
	v := &security.Account{Name: c.Name, Group: c.Verb == sutler.AddGroup, Changed: a.Now().UTC()}
	for _, g := range c.Groups {
		if err := isGroup(now, g); err != nil {
			return nil, err
		}
		if name := now.Account(g).Name; !slices.Contains(v.MemberOf, name) {
			v.MemberOf = append(v.MemberOf, name)
		}
	}
	if !v.Group {
		v.Hash = c.Secret
	}
	return []sutler.AccessRow{security.Row(sutler.AccountRow, c.Name, v)}, nil
}

func isGroup(now *security.Access, name string) error {
	if g := now.Account(name); g == nil || !g.Group {
		return sutler.Errorf(sutler.NotFound, "no group is called %q", name)
	}
	return nil
}

func (a *Admin) alter(now *security.Access, c *sutler.AccessChange) ([]sutler.AccessRow, error) {
	old := now.Account(c.Name)
	if old == nil {
		return nil, sutler.Errorf(sutler.NotFound, "no account is called so")
	}
	v := *old
	v.Changed = a.Now().UTC()
	switch c.Verb {
	case sutler.SetPassword:
		if v.Group {
			return nil, sutler.Errorf(sutler.BadInput, "a group has no password")
		}
		v.Hash = c.Secret
	case sutler.DisableAccount:
		if isBuiltIn(v.Name) {
			return nil, sutler.Errorf(sutler.Conflict, "the group is built in")
		}
		v.Disabled = true
	case sutler.EnableAccount:
		v.Disabled = false
	}
	rows := []sutler.AccessRow{security.Row(sutler.AccountRow, v.Name, &v)}
	return rows, someoneLeft(now, rows)
}

// someoneLeft refuses rows of accounts that take from an account that it can
// administer, when nobody is left who can log in and do: nobody could undo that.
func someoneLeft(now *security.Access, rows []sutler.AccessRow) error {
	all := map[string]sutler.AccessRow{}
	for _, acct := range slices.Concat(now.Accounts(false), now.Accounts(true)) {
		r := security.Row(sutler.AccountRow, acct.Name, acct)
		all[r.Name] = r
	}
	for _, r := range rows {
		if r.Kind != sutler.AccountRow {
			continue
		}
		if all[r.Name] = r; r.Value == nil {
			delete(all, r.Name)
		}
	}
	after, err := security.NewAccess(slices.Collect(maps.Values(all)), 0, false)
	if err != nil {
		return err
	}
	may := func(a *security.Access, name string) bool { return a.MayConfigure(a.Who(name, nil)).Allowed }
	lost := false
	for _, u := range now.Accounts(false) {
		lost = lost || may(now, u.Name) && (after.Account(u.Name) == nil || !may(after, u.Name))
	}
	for _, u := range after.Accounts(false) {
		if u.Hash != "" && may(after, u.Name) {
			return nil
		}
	}
	if lost {
		return sutler.Errorf(sutler.Conflict, "it would leave no account that can log in and administer; make another one first")
	}
	return nil
}

func (a *Admin) remove(now *security.Access, name string) ([]sutler.AccessRow, error) {
	old := now.Account(name)
	if old == nil {
		return nil, sutler.Errorf(sutler.NotFound, "no account is called so")
	}
	if isBuiltIn(name) {
		return nil, sutler.Errorf(sutler.Conflict, "the group is built in")
	}
	rows := []sutler.AccessRow{security.Row[security.Account](sutler.AccountRow, name, nil)}
	for _, of := range slices.Concat(now.Accounts(false), now.Accounts(true)) {
		if i := slices.IndexFunc(of.MemberOf, func(g string) bool { return same(g, name) }); i >= 0 && !same(of.Name, name) {
			v := *of
			v.MemberOf = slices.Delete(slices.Clone(v.MemberOf), i, i+1)
			rows = append(rows, security.Row(sutler.AccountRow, v.Name, &v))
		}
	}
	for _, object := range now.Objects() {
		l := now.List(object)
		if next := l.Without(name, 0xff); len(next.Entries) != len(l.Entries) {
			rows = append(rows, security.Row(sutler.ListRow, object, next))
		}
	}
	return rows, someoneLeft(now, rows)
}

func (a *Admin) member(now *security.Access, c *sutler.AccessChange) ([]sutler.AccessRow, error) {
	if err := isGroup(now, c.Name); err != nil {
		return nil, err
	}
	old := now.Account(c.Who)
	if old == nil {
		return nil, sutler.Errorf(sutler.NotFound, "no account or group is called %q", c.Who)
	}
	v := *old
	if v.Changed.IsZero() {
		v.Changed = a.Now().UTC()
	}
	v.MemberOf = slices.DeleteFunc(slices.Clone(v.MemberOf), func(g string) bool { return same(g, c.Name) })
	if c.Verb == sutler.RemoveMember {
		rows := []sutler.AccessRow{security.Row(sutler.AccountRow, v.Name, &v)}
		return rows, someoneLeft(now, rows)
	}
	if old.Group && now.Within(c.Name, c.Who) {
		return nil, sutler.Errorf(sutler.Conflict, "%q is a member of %q already, and a group cannot be in itself", c.Name, c.Who)
	}
	v.MemberOf = append(v.MemberOf, now.Account(c.Name).Name)
	return []sutler.AccessRow{security.Row(sutler.AccountRow, v.Name, &v)}, nil
}

func (a *Admin) procedure(now *security.Access, c *sutler.AccessChange) ([]sutler.AccessRow, error) {
	ns, proc, err := a.target(c.Name)
	if err != nil || proc == "" {
		return nil, orElse(err, sutler.Errorf(sutler.BadInput, "want NAMESPACE/PROCEDURE"))
	}
	v := now.Settings(ns, proc)
	if c.ExecuteAs != nil {
		if *c.ExecuteAs != "" {
			if now.Credential(*c.ExecuteAs) == nil {
				return nil, sutler.Errorf(sutler.NotFound, "no credential is called %q; make it with sutler credential set", *c.ExecuteAs)
			}
			if _, readOnly := a.Engine.HasProcedure(ns, proc); readOnly {
				return nil, sutler.Errorf(sutler.ReadOnlyName, "namespace %q is read-only: its procedures offer no execute-as", ns)
			}
		}
		v.ExecuteAs = *c.ExecuteAs
	}
	if c.Access != nil {
		if !slices.Contains([]string{"", "public", "private"}, *c.Access) {
			return nil, sutler.Errorf(sutler.BadInput, "access is %q: want public, private, or nothing for what the namespace says", *c.Access)
		}
		v.Access = *c.Access
	}
	for _, s := range []struct {
		name string
		from *string
		to   **bool
	}{{"audit", c.Audit, &v.Audit}, {"perf", c.Perf, &v.Perf}, {"save-rollback", c.SaveRollback, &v.SaveRollback}} {
		if s.from == nil {
			continue
		}
		switch on := *s.from == "on"; *s.from {
		case "on", "off":
			*s.to = &on
		case "":
			*s.to = nil
		default:
			return nil, sutler.Errorf(sutler.BadInput, "%s is %q: want on, off, or nothing for what the namespace says", s.name, *s.from)
		}
	}
	return []sutler.AccessRow{settingsRow(security.ProcedureObject(ns, proc), v)}, nil
}

// settingsRow keeps v, or removes the row when nothing is set.
func settingsRow(object string, v security.ProcedureSettings) sutler.AccessRow {
	if v == (security.ProcedureSettings{}) {
		return security.Row[security.ProcedureSettings](sutler.ProcedureRow, object, nil)
	}
	return security.Row(sutler.ProcedureRow, object, &v)
}

// removeCredential also clears it from the procedures that execute as it, so
// that one made later under the same name is not theirs.
func (a *Admin) removeCredential(now *security.Access, name string) ([]sutler.AccessRow, error) {
	if now.Credential(name) == nil {
		return nil, sutler.Errorf(sutler.NotFound, "no credential is called so")
	}
	rows := []sutler.AccessRow{security.Row[security.Credential](sutler.CredentialRow, name, nil)}
	all := now.ProcedureSettings()
	for _, object := range slices.Sorted(maps.Keys(all)) {
		if v := *all[object]; same(v.ExecuteAs, name) {
			v.ExecuteAs = ""
			rows = append(rows, settingsRow(object, v))
		}
	}
	return rows, nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
