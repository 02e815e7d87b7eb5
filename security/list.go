package security

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Right is a right, or a set of them.
type Right uint8

// The four rights of "Requests Security" on engines and queue managers, with
// MPF's captions, and the one right of access lists on namespaces and
// procedures.
const (
	ExecuteProcedures  Right = 1 << iota // submit simple requests
	CallersCredentials                   // put a basic credential into a request
	TrustedProcedures                    // submit trusted requests
	PrivateProcedures                    // call private procedures directly from a request
	Execute                              // call the procedure

	requestRights = ExecuteProcedures | CallersCredentials | TrustedProcedures | PrivateProcedures
)

var rightNames = []struct {
	right         Right
	word, caption string
}{
	{ExecuteProcedures, "procedures", "Execute Procedures"},
	{CallersCredentials, "credentials", "Execute with Caller's Credentials"},
	{TrustedProcedures, "trusted", "Execute Trusted Procedures"},
	{PrivateProcedures, "private", "Execute Private Procedures"},
	{Execute, "execute", "Execute"},
}

// String returns the captions of the rights.
func (r Right) String() string {
	var words []string
	for _, n := range rightNames {
		if r&n.right != 0 {
			words = append(words, n.caption)
		}
	}
	return strings.Join(words, ", ")
}

// Words returns the rights as the command line spells them.
func (r Right) Words() []string {
	var words []string
	for _, n := range rightNames {
		if r&n.right != 0 {
			words = append(words, n.word)
		}
	}
	return words
}

// ParseRight reads a right by its word or caption, and "all" as the four
// rights on engines and queue managers.
func ParseRight(text string) (Right, error) {
	for _, n := range rightNames {
		if strings.EqualFold(text, n.word) || strings.EqualFold(text, n.caption) {
			return n.right, nil
		}
	}
	if strings.EqualFold(text, "all") {
		return requestRights, nil
	}
	return 0, fmt.Errorf("no right is called %q; want procedures, credentials, trusted, private or all", text)
}

// Entry allows or denies rights to one principal.
type Entry struct {
	Deny   bool   `json:"deny,omitempty"`
	Who    string `json:"who"` // name of a user or group, or a SID
	Rights Right  `json:"rights"`

	key string
}

// String returns the entry in words.
func (e Entry) String() string {
	verb := "allow"
	if e.Deny {
		verb = "deny"
	}
	return fmt.Sprintf("%s %q %s", verb, e.Who, e.Rights)
}

// List is an access list. Nil means that there is none, which is not the same
// as one without entries, which lets nobody in.
type List struct {
	Protected bool    `json:"protected,omitempty"` // a procedure's: nothing is inherited from the namespace
	Entries   []Entry `json:"entries"`
}

func (l *List) fold() {
	for i := range l.Entries {
		l.Entries[i].key = Fold(l.Entries[i].Who)
	}
}

// With returns a copy of l, which may be nil, in which who is allowed or
// denied the rights, and no longer has the opposite entry for them. An entry
// that loses all its rights is left out.
func (l *List) With(deny bool, who string, rights Right) *List {
	next := l.Without(who, rights)
	for i := range next.Entries {
		if e := &next.Entries[i]; e.Deny == deny && e.key == Fold(who) {
			e.Rights |= rights
			return next
		}
	}
	next.Entries = append(next.Entries, Entry{Deny: deny, Who: who, Rights: rights, key: Fold(who)})
	return next
}

// Without returns a copy of l, which may be nil, in which nothing is said of
// who and the rights.
func (l *List) Without(who string, rights Right) *List {
	next := &List{}
	if l == nil {
		return next
	}
	next.Protected = l.Protected
	for _, e := range l.Entries {
		if Fold(e.Who) == Fold(who) {
			e.Rights &^= rights
		}
		if e.Rights != 0 {
			next.Entries = append(next.Entries, e)
		}
	}
	next.fold()
	return next
}

// The objects that have lists.
const (
	Engines = "right:engines"
	Queues  = "right:queues"
)

// NamespaceObject names the list of a namespace.
func NamespaceObject(namespace string) string { return "namespace:" + Fold(namespace) }

// ProcedureObject names the list and the settings of a procedure.
func ProcedureObject(namespace, procedure string) string {
	return "procedure:" + Fold(namespace) + "/" + Fold(procedure)
}

// usualRights is the list of engines and of queue managers as long as nobody
// has changed it: the permissions matrix of MPF.
var usualRights = func() *List {
	l := &List{Entries: []Entry{
		{Who: Administrators, Rights: requestRights},
		{Who: "MPFAdmins", Rights: requestRights},
		{Who: "MPFTrustedUsers", Rights: ExecuteProcedures | CallersCredentials | TrustedProcedures},
		{Who: "MPFServiceAccts", Rights: ExecuteProcedures | CallersCredentials | PrivateProcedures},
		{Who: "MPFClientAccts", Rights: ExecuteProcedures | CallersCredentials},
	}}
	l.fold()
	return l
}()

// List returns the list of an object, nil when it has none. Engines and queue
// managers always have one. It must not be changed.
func (a *Access) List(object string) *List {
	if l := a.lists[object]; l != nil {
		return l
	}
	if object == Engines || object == Queues {
		return usualRights
	}
	return nil
}

// Objects returns the objects that have a list of their own, in their order.
func (a *Access) Objects() []string { return slices.Sorted(maps.Keys(a.lists)) }

// decide looks for what l says of right for w: deny before allow.
func (l *List) decide(w *Who, right Right) (e *Entry, found bool) {
	var allow *Entry
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Rights&right == 0 || !w.is[e.key] {
			continue
		}
		if e.Deny {
			return e, true
		}
		if allow == nil && !w.off[e.key] { // a disabled group grants nothing, and denies still
			allow = e
		}
	}
	return allow, allow != nil
}
