package xsd

import (
	"slices"
	"strconv"

	"sutler/xmltree"
)

// derivation is a set of ways to make one type of another.
type derivation uint8

const (
	extension derivation = 1 << iota
	restriction
	list
	union
	substitution
)

// content is what may stand inside the elements of a complex type.
type content uint8

const (
	emptyContent content = iota
	textContent
	elementContent
	mixedContent
)

// typeDef is a simple or complex type.
type typeDef struct {
	what     string // for messages: xs:int, type "Address", the type of "a"
	name     qname
	base     *typeDef
	method   derivation // from base
	final    derivation // ways in which nothing may be derived from it
	block    derivation // ways in which what is derived may not stand in for it
	abstract bool

	simple *simple // of a simple type, and of text content

	complex bool
	content content
	model   *model // of elementContent and mixedContent
	attrs   []*attrUse
	byName  map[qname]*attrUse
	needed  int       // how many of attrs are required
	anyAttr *wildcard // nil: no other attributes
	open    bool      // XDR: what is not named may be there too
	loose   bool      // XDR: in text there may be elements

	node      *xmltree.Node // where it is defined
	particles *particle     // content as written, nil for none
	state     state
	build     func() // makes attributes and particles
}

// state is how far a component is compiled.
type state uint8

const (
	fresh state = iota
	busy
	done
)

// derivedFrom reports whether t is base or derived from it, and by which ways.
func (t *typeDef) derivedFrom(base *typeDef) (ways derivation, ok bool) {
	for d := t; d != nil; d = d.base {
		if d == base {
			return ways, true
		}
		if base.simple != nil && base.simple.members != nil && d.simple != nil && slices.Contains(base.simple.members, d.simple) {
			return ways | restriction, true
		}
		ways |= d.method
	}
	return ways, false
}

// fixing is a default or fixed value.
type fixing struct {
	text  string
	value value
	fixed bool
}

// element is the declaration of an element.
type element struct {
	name     qname
	typ      *typeDef
	nillable bool
	abstract bool
	block    derivation
	value    *fixing // nil: none
	keys     []*constraint
	global   bool

	head    *element           // substitutionGroup
	members map[qname]*element // those that may stand in for it, by name
	node    *xmltree.Node
}

// attrUse is an attribute of a type.
type attrUse struct {
	name       qname
	typ        *simple
	def        *typeDef
	required   bool
	prohibited bool
	value      *fixing
	node       *xmltree.Node
}

// quoted writes a name for a message: in quotes, with its namespace when it is
// not that of the schema.
func quoted(q qname) string { return strconv.Quote(q.String()) }
