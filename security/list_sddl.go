package security

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

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
	if s, err := ParseSID(name); err == nil && !s.Relative() && len(name) > 2 {
		return s
	}
	sum := sha256.Sum256([]byte(Fold(name)))
	n := func(i int) uint32 { return binary.BigEndian.Uint32(sum[4*i:]) }
	return SID(fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", n(0), n(1), n(2), n(3)))
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
// grants or denies execute counts, as the principal of a with that SID, or the
// SID where none is known; entries for inheritance alone and audit entries do
// not. Entries for one kind of object, conditional ones and a missing DACL are
// an error with code BadInput: leaving them out would change who may call.
func ListOf(sddl string, a *Access) (*List, error) {
	d, err := ParseSDDL(sddl)
	if err != nil {
		return nil, err
	}
	if d.DACL == nil || d.DACL.Null {
		return nil, sutler.Errorf(sutler.BadInput, "the descriptor has no DACL (D:…); to let everybody in, clear the list")
	}
	names := map[SID]string{}
	for key := range a.accounts {
		names[SIDOf(key)] = a.accounts[key].Name
	}
	for _, name := range []string{AuthenticatedUsers, Anonymous, Everyone} {
		names[SIDOf(name)] = name
	}
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
		who := names[ace.Trustee]
		if who == "" {
			who = string(ace.Trustee)
		}
		l.Entries = append(l.Entries, Entry{Deny: ace.Type == "D", Who: who, Rights: Execute})
	}
	l.fold()
	return l, nil
}
