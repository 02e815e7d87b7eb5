package xpath

import "sutler/xmltree"

// Type is one of the four types of XPath (section 1).
type Type uint8

// The types. AnyType is the static type of what is known only when it is
// evaluated, a variable for instance; no value has it.
const (
	AnyType Type = iota
	NodeSetType
	StringType
	NumberType
	BooleanType
)

// String returns the type as messages name it.
func (t Type) String() string {
	return [...]string{"a value", "a node-set", "a string", "a number", "a boolean"}[t]
}

// Value is an immutable value of one of the four types. The zero Value is the
// empty string.
type Value struct {
	typ   Type
	frag  bool    // a result tree fragment: nodes holds its root
	num   float64 // a number, or 1 for true
	str   string
	nodes []*xmltree.Node
}

// NodeSet returns the node-set of nodes, which must be in document order and
// without duplicates and must not be changed afterwards.
func NodeSet(nodes []*xmltree.Node) Value { return Value{typ: NodeSetType, nodes: nodes} }

// Fragment returns the result tree fragment of XSLT 1.0 (its section 11.1) with
// that root. It is of type NodeSetType and converts as the node-set of its root
// does, but where an expression needs a node-set it is an error.
func Fragment(root *xmltree.Node) Value {
	return Value{typ: NodeSetType, frag: true, nodes: []*xmltree.Node{root}}
}

// IsFragment reports whether v came from Fragment.
func (v Value) IsFragment() bool { return v.frag }

// String returns the string s.
func String(s string) Value { return Value{typ: StringType, str: s} }

// Number returns the number f.
func Number(f float64) Value { return Value{typ: NumberType, num: f} }

// Boolean returns the boolean b.
func Boolean(b bool) Value {
	if b {
		return Value{typ: BooleanType, num: 1}
	}
	return Value{typ: BooleanType}
}

// Type returns the type of v; it is never AnyType.
func (v Value) Type() Type {
	if v.typ == AnyType {
		return StringType
	}
	return v.typ
}

// Nodes returns the nodes of a node-set in document order, and nil for the
// other types. The caller must not change the slice.
func (v Value) Nodes() []*xmltree.Node { return v.nodes }

// Str returns v as by the function string (section 4.2): a node-set is the
// string-value of its first node.
func (v Value) Str() string {
	switch v.typ {
	case NodeSetType:
		if len(v.nodes) == 0 {
			return ""
		}
		return v.nodes[0].Text()
	case NumberType:
		return FormatNumber(v.num)
	case BooleanType:
		if v.num != 0 {
			return "true"
		}
		return "false"
	}
	return v.str
}

// Num returns v as by the function number (section 4.4).
func (v Value) Num() float64 {
	switch v.typ {
	case NumberType, BooleanType:
		return v.num
	}
	return ParseNumber(v.Str())
}

// Bool returns v as by the function boolean (section 4.3): a number is true
// unless it is zero or not a number, a node-set or string unless it is empty.
func (v Value) Bool() bool {
	switch v.typ {
	case NodeSetType:
		return len(v.nodes) > 0
	case NumberType, BooleanType:
		return v.num != 0 && v.num == v.num
	}
	return v.str != ""
}
