package security

import (
	"slices"

	"sutler"
)

// Who is an account as lists see it: with every group it is in, directly or
// through others.
type Who struct {
	Account  string
	Disabled bool
	NameOnly bool // the installation does not know it, and no door has let it in

	// Every principal that it matches, folded. False are those that it is in
	// through a disabled group alone: they deny, and allow nothing any more.
	is map[string]bool
}

// Is reports whether w is the principal, or a member of it, and no disabled
// group stands between.
func (w *Who) Is(principal string) bool { return w.is[Fold(principal)] }

// matches reports whether an entry for the principal, folded, is about w.
func (w *Who) matches(principal string, deny bool) bool {
	live, in := w.is[principal]
	return in && (live || deny)
}

// Who returns the account with the groups that its door vouches for and those
// of the installation. An account that the installation does not know is in no
// group of it; a disabled one is in no group at all. No account is Anonymous,
// who is not even one of Everyone: a list lets it in by its name only (MPF:
// impersonation level Anonymous).
func (a *Access) Who(account string, groups []string) *Who {
	w := &Who{Account: account, is: map[string]bool{}}
	if account == "" {
		w.is[Fold(Anonymous)] = true
		return w
	}
	w.is[Fold(Everyone)] = true
	known := a.accounts[Fold(account)]
	if known != nil && (known.Disabled || known.Group) {
		w.Disabled = true
		w.is[Fold(account)] = true
		return w
	}
	w.is[Fold(AuthenticatedUsers)] = true
	a.join(w, Fold(account), true)
	for _, g := range groups {
		a.join(w, Fold(g), true)
	}
	return w
}

// Trustee returns an account that a request names and no door has let in. Of one
// that the installation does not know only the name counts: it is none of
// Authenticated Users, nor of Everyone. The name of a group, or of a principal
// that stands for many, is nobody's, and refused like a disabled account.
func (a *Access) Trustee(name string) *Who {
	if a.accounts[Fold(name)] != nil {
		return a.Who(name, nil)
	}
	_, many := principalSIDs[Fold(name)]
	return &Who{Account: name, Disabled: many, NameOnly: true, is: map[string]bool{Fold(name): true}}
}

// Caller returns the caller as lists see it: one that the door does not know
// is Anonymous (impersonation level Anonymous).
func (a *Access) Caller(c sutler.Caller) *Who {
	if c.Unknown {
		return a.Who("", nil)
	}
	return a.Who(c.Account, c.Groups)
}

// Groups returns the names of every group and principal that w is beside itself.
func (a *Access) Groups(w *Who) []string {
	var all []string
	for p, live := range w.is {
		if live && p != Fold(w.Account) {
			all = append(all, a.called(p))
		}
	}
	slices.Sort(all)
	return all
}

// called returns a name as it is written, from what it is folded to.
func (a *Access) called(key string) string {
	if acct := a.accounts[key]; acct != nil {
		return acct.Name
	}
	for _, p := range []string{Everyone, AuthenticatedUsers, Anonymous} {
		if Fold(p) == key {
			return p
		}
	}
	return key
}

// join puts w into a group and those around it; live is false behind a disabled one.
func (a *Access) join(w *Who, key string, live bool) {
	acct := a.accounts[key]
	live = live && (acct == nil || !acct.Disabled)
	if was, in := w.is[key]; in && (was || !live) {
		return
	}
	w.is[key] = live
	if acct != nil {
		for _, g := range acct.MemberOf {
			a.join(w, Fold(g), live)
		}
	}
}
