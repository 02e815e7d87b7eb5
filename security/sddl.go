package security

import (
	"slices"
	"strconv"
	"strings"
)

// Descriptor is a security descriptor: who owns an object and who may do what
// with it. An absent part is "" or nil.
type Descriptor struct {
	Owner, Group SID
	DACL, SACL   *ACL // who may, and what is recorded
}

// ACL is a list of entries in the order in which they are asked.
type ACL struct {
	Flags ACLFlags
	Null  bool // NO_ACCESS_CONTROL: there is no list, so nothing is refused; ACEs is empty
	ACEs  []ACE
}

// ACLFlags are the bits that an access control list has as a whole.
type ACLFlags uint8

// The flags of a list in the order in which SDDL writes them.
const (
	Protected            ACLFlags = 1 << iota // P: nothing is inherited from above
	AutoInheritRequested                      // AR
	AutoInherited                             // AI
)

// ACE is one entry of an access control list. The codec keeps entries of every
// type and judges none: an entry of a type that a check does not know must not
// grant anything, and in a SACL none does.
type ACE struct {
	Type        string // A, D, OA, OD and the others of SDDL, in capital letters
	Flags       ACEFlags
	Rights      Rights
	ObjectType  string // GUID in small letters, or ""; only OA, OD, OU, OL and ZA have one
	InheritType string // GUID of the type of object that inherits the entry, likewise
	Trustee     SID
	Data        string // (condition) of XA, XD, XU, ZA and FL, (attribute) of RA, as written
}

// ACEFlags are the bits of the header of an entry (MS-DTYP 2.4.4.1).
type ACEFlags uint8

// The flags of an entry in the order in which SDDL writes them.
const (
	ObjectInherit    ACEFlags = 0x01 // OI
	ContainerInherit ACEFlags = 0x02 // CI
	NoPropagate      ACEFlags = 0x04 // NP
	InheritOnly      ACEFlags = 0x08 // IO: not in force for the object itself
	Inherited        ACEFlags = 0x10 // ID
	AuditSuccess     ACEFlags = 0x40 // SA
	AuditFailure     ACEFlags = 0x80 // FA
)

// Rights are an access mask and how it is written.
type Rights struct {
	Mask  uint32
	Codes string // two-letter codes that add up to Mask, such as GRGX; "" writes it as a number
}

// maxText is how many bytes a text may have, maxACEs how many entries a list.
const (
	maxText = 64 << 10
	maxACEs = 1820
)

// noAccessControl stands for a list that is not there.
const noAccessControl = "NO_ACCESS_CONTROL"

// named is a bit, or several, and the code for it.
type named[B uint8 | uint32] struct {
	code string
	bits B
}

var aclFlags = []named[uint8]{
	{"P", uint8(Protected)}, {"AR", uint8(AutoInheritRequested)}, {"AI", uint8(AutoInherited)},
}

var aceFlags = []named[uint8]{
	{"OI", uint8(ObjectInherit)}, {"CI", uint8(ContainerInherit)}, {"NP", uint8(NoPropagate)}, {"IO", uint8(InheritOnly)},
	{"ID", uint8(Inherited)}, {"SA", uint8(AuditSuccess)}, {"FA", uint8(AuditFailure)},
}

const (
	genericAll     = 0x10000000
	genericExecute = 0x20000000
	fileExecute    = 0x20
)

var rights = []named[uint32]{
	{"GA", genericAll}, {"GR", 0x80000000}, {"GW", 0x40000000}, {"GX", genericExecute},
	{"RC", 0x20000}, {"SD", 0x10000}, {"WD", 0x40000}, {"WO", 0x80000},
	{"RP", 0x10}, {"WP", 0x20}, {"CC", 0x1}, {"DC", 0x2}, {"LC", 0x4}, {"SW", 0x8}, {"LO", 0x80}, {"DT", 0x40}, {"CR", 0x100},
	{"FA", 0x1F01FF}, {"FR", 0x120089}, {"FW", 0x120116}, {"FX", 0x1200A0},
	{"KA", 0xF003F}, {"KR", 0x20019}, {"KW", 0x20006}, {"KX", 0x20019},
}

// labelRights are what a mandatory label, an entry of type ML, refuses to
// those below it.
var labelRights = []named[uint32]{{"NR", 0x2}, {"NW", 0x1}, {"NX", 0x4}}

// aceTypes are the types of entries, and which fields they have of those that
// not all have.
var aceTypes = []struct {
	name  string
	guids bool // may have GUIDs
	data  bool // has a seventh field
}{
	{name: "A"}, {name: "D"}, {name: "OA", guids: true}, {name: "OD", guids: true},
	{name: "AU"}, {name: "AL"}, {name: "OU", guids: true}, {name: "OL", guids: true},
	{name: "ML"}, {name: "SP"}, {name: "TL"}, {name: "FL", data: true},
	{name: "XA", data: true}, {name: "XD", data: true}, {name: "XU", data: true}, {name: "ZA", guids: true, data: true},
	{name: "RA", data: true},
}

// GrantsExecute reports whether an entry with that mask is about execution: it
// has GX, GA or the bit 0x20, which FX and FA have. This is our reading: a
// procedure is to its list what a program file is to its own. So WP, which is
// the same bit as file execute, counts too; KX, which lacks it, does not.
func GrantsExecute(mask uint32) bool {
	return mask&(genericExecute|genericAll|fileExecute) != 0
}

// String returns d in SDDL, as ParseSDDL reads it: owner, group, DACL, SACL.
func (d Descriptor) String() string {
	var b strings.Builder
	if d.Owner != "" {
		b.WriteString("O:" + d.Owner.text())
	}
	if d.Group != "" {
		b.WriteString("G:" + d.Group.text())
	}
	if d.DACL != nil {
		b.WriteString("D:" + d.DACL.String())
	}
	if d.SACL != nil {
		b.WriteString("S:" + d.SACL.String())
	}
	return b.String()
}

// String returns l in SDDL, without the D: or S: before it.
func (l ACL) String() string {
	var b strings.Builder
	b.WriteString(l.Flags.String())
	if l.Null {
		b.WriteString(noAccessControl)
		return b.String()
	}
	for _, a := range l.ACEs {
		b.WriteString(a.String())
	}
	return b.String()
}

// String returns a in SDDL, in its parentheses.
func (a ACE) String() string {
	fields := []string{a.Type, a.Flags.String(), a.Rights.String(), a.ObjectType, a.InheritType, a.Trustee.text()}
	if a.Data != "" {
		fields = append(fields, a.Data)
	}
	return "(" + strings.Join(fields, ";") + ")"
}

// String returns the codes of the flags.
func (f ACLFlags) String() string { return codesOf(uint8(f), aclFlags) }

// String returns the codes of the flags.
func (f ACEFlags) String() string { return codesOf(uint8(f), aceFlags) }

// String returns the codes of r if they mean its mask, else the mask as 0x and
// hexadecimal digits, and nothing for a mask without any right.
func (r Rights) String() string {
	if r.Codes != "" && len(r.Codes)%2 == 0 {
		var mask uint32
		known := true
		for at := 0; at < len(r.Codes); at += 2 {
			bits, ok := bitsOf(r.Codes[at:at+2], rights)
			if !ok {
				bits, ok = bitsOf(r.Codes[at:at+2], labelRights)
			}
			mask |= bits
			known = known && ok
		}
		if known && mask == r.Mask {
			return r.Codes
		}
	}
	if r.Mask == 0 {
		return ""
	}
	return "0x" + strconv.FormatUint(uint64(r.Mask), 16)
}

// text returns what stands for s in SDDL.
func (s SID) text() string {
	if alias := s.Alias(); alias != "" {
		return alias
	}
	return string(s)
}

// codesOf returns the codes of the bits that are set.
func codesOf(bits uint8, names []named[uint8]) string {
	var b strings.Builder
	for _, n := range names {
		if bits&n.bits != 0 {
			b.WriteString(n.code)
		}
	}
	return b.String()
}

// bitsOf returns what a code stands for.
func bitsOf[B uint8 | uint32](code string, names []named[B]) (B, bool) {
	for _, n := range names {
		if n.code == code {
			return n.bits, true
		}
	}
	return 0, false
}

// listOf returns all codes for a message.
func listOf[B uint8 | uint32](lists ...[]named[B]) string {
	var all []string
	for _, n := range slices.Concat(lists...) {
		all = append(all, n.code)
	}
	return strings.Join(all, " ")
}
