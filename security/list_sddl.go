package security

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"sutler"
)

// principalSIDs are the SIDs of the principals that everybody knows.
var principalSIDs = map[string]SID{
	Fold(Administrators): "S-1-5-32-544", Fold(AuthenticatedUsers): "S-1-5-11", Fold(Anonymous): "S-1-5-7", Fold(Everyone): "S-1-1-0",
}

// SIDOf returns the SID of a principal: the well-known one, the name itself
// where it is a SID, else one made from the name, the same for ever.
func SIDOf(name string) SID {
	if s, ok := principalSIDs[Fold(name)]; ok {
		return s
	}
	if isSID(name) {
		s, _ := ParseSID(name)
		return s
	}
	sum := sha256.Sum256([]byte(Fold(name)))
	n := func(i int) uint32 { return binary.BigEndian.Uint32(sum[4*i:]) }
	return SID(fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", n(0), n(1), n(2), n(3)))
}

// Principal returns what lists call who: where it is a SID, the account,
// principal or name in a list in force that has this SID, else the SID in its
// one form; where it is an account, that in its case as added. Of names in
// lists those of first, which may be nil, come before others.
func (a *Access) Principal(who string, first *List) string {
	if acct := a.Account(who); acct != nil {
		return acct.Name
	}
	if sid := SIDOf(who); isSID(who) {
		return cmp.Or(a.bySID(first)[sid], string(sid))
	}
	return who
}

// isSID reports whether a name in a list is a SID.
func isSID(name string) bool {
	sid, err := ParseSID(name)
	return err == nil && !sid.Relative() && len(name) > 2
}

// bySID returns whom lists can name, by SID.
func (a *Access) bySID(first *List) map[SID]string {
	names := map[SID]string{}
	add := func(name string) {
		if sid := SIDOf(name); names[sid] == "" && !isSID(name) {
			names[sid] = name
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.accounts)) {
		add(a.accounts[key].Name)
	}
	for _, name := range []string{AuthenticatedUsers, Anonymous, Everyone} {
		add(name)
	}
	lists := []*List{first}
	for _, object := range a.Objects() {
		lists = append(lists, a.lists[object])
	}
	for _, l := range lists {
		if l == nil {
			continue
		}
		for _, e := range l.Entries {
			add(e.Who)
		}
	}
	return names
}

// SDDL returns the list as a security descriptor whose entries, allowed or
// denied, are for GENERIC_EXECUTE.
func (l *List) SDDL() string {
	acl := &ACL{}
	if l.Protected {
		acl.Flags = Protected
	}
	for _, deny := range []bool{true, false} { // the canonical order
		for _, e := range l.Entries {
			if e.Deny != deny || e.Rights&Execute == 0 {
				continue
			}
			ace := ACE{Type: "A", Rights: Rights{Mask: genericExecute, Codes: "GX"}, Trustee: SIDOf(e.Who)}
			if deny {
				ace.Type = "D"
			}
			acl.ACEs = append(acl.ACEs, ace)
		}
	}
	return Descriptor{DACL: acl}.String()
}

// ListOf reads the DACL of a security descriptor as a list. Every entry that
// grants or denies execute counts, as what a.Principal says of its SID, old
// being the list that is replaced, or nil; entries for inheritance alone and
// audit entries do not. Entries for one kind of object, conditional ones and a
// missing DACL are an error with code BadInput: leaving them out would change
// who may call.
func ListOf(sddl string, a *Access, old *List) (*List, error) {
	d, err := ParseSDDL(sddl)
	if err != nil {
		return nil, err
	}
	if d.DACL == nil || d.DACL.Null {
		return nil, sutler.Errorf(sutler.BadInput, "the descriptor has no DACL (D:…); to let everybody in, clear the list")
	}
	names := a.bySID(old)
	l := &List{Protected: d.DACL.Flags&Protected != 0}
	for i, ace := range d.DACL.ACEs {
		switch {
		case ace.Type != "A" && ace.Type != "D":
			return nil, sutler.Errorf(sutler.BadInput, "entry %d is of type %s: only A and D can be imported", i+1, ace.Type)
		case ace.Flags&InheritOnly != 0 || !GrantsExecute(ace.Rights.Mask):
			continue
		case ace.Trustee.Relative():
			return nil, sutler.Errorf(sutler.BadInput, "entry %d is for %s, which depends on a domain: write the whole SID", i+1, ace.Trustee)
		}
		l.Entries = append(l.Entries, Entry{Deny: ace.Type == "D", Who: cmp.Or(names[ace.Trustee], string(ace.Trustee)), Rights: Execute})
	}
	l.fold()
	return l, nil
}
