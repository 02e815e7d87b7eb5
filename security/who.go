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

	is  map[string]bool // every principal that it matches, folded
	off map[string]bool // those of them that are disabled groups; nil: none
}

// Is reports whether w is the principal, or a member of it; of a disabled group
// nobody is.
func (w *Who) Is(principal string) bool { return w.is[Fold(principal)] && !w.off[Fold(principal)] }

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
// group of it; a disabled one is in no group at all. A disabled group grants
// nothing, itself or by the groups it is in; what is denied to it is. No account is Anonymous,
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
	} else if acct != nil && acct.Disabled {
		if w.off == nil {
			w.off = map[string]bool{}
		}
		w.off[key] = true
	}
}
