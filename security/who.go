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

	is map[string]bool // every principal that it matches, folded
}

// Is reports whether w is the principal, or a member of it.
func (w *Who) Is(principal string) bool { return w.is[Fold(principal)] }

// Groups returns the names, folded, of every principal that w matches beside itself.
func (w *Who) Groups() []string {
	var all []string
	for p := range w.is {
		if p != Fold(w.Account) {
			all = append(all, p)
		}
	}
	slices.Sort(all)
	return all
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
	a.join(w, Fold(account))
	for _, g := range groups {
		a.join(w, Fold(g))
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

func (a *Access) join(w *Who, key string) {
	if w.is[key] {
		return
	}
	w.is[key] = true
	if acct := a.accounts[key]; acct != nil && !acct.Disabled {
		for _, g := range acct.MemberOf {
			a.join(w, Fold(g))
		}
	}
}
