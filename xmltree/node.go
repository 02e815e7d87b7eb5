package xmltree

// Kind tells what a node is.
type Kind uint8

// The kinds of nodes of the XPath 1.0 data model. A Root is the parent of the
// top nodes of one tree; a document may own several trees (see Document.NewRoot).
const (
	Root Kind = iota + 1
	Element
	Attribute
	Text
	Comment
	ProcInst  // a processing instruction: its target is the local name, its data the value
	Namespace // a namespace declaration or, on the namespace axis, a namespace in scope
)

// Name is the name of an element, attribute or processing instruction. Space
// is the namespace URI, empty for none; two names are equal when Space and
// Local are. Prefix is what the author wrote and only a wish when writing.
type Name struct {
	Space, Prefix, Local string
}

// Is reports whether n is the expanded name (space, local).
func (n Name) Is(space, local string) bool { return n.Local == local && n.Space == space }

// String returns the name as it was written: prefix:local or local.
func (n Name) String() string {
	if n.Prefix == "" {
		return n.Local
	}
	return n.Prefix + ":" + n.Local
}

// Node is one node of a tree. Nodes belong to a Document, are made by its
// methods and recycled by its Release; a node must not be used after that.
// A node unlinked from its tree stays readable until then. Nodes of one
// document may be read by many goroutines at once and edited by one.
type Node struct {
	kind  Kind
	flags flag
	off   uint32 // byte offset in the document's source plus one; 0: not parsed here
	order uint32 // place in document order, see order.go
	seq   uint32 // when it was made, counted in its document
	name  *Name
	value string
	doc   *Document

	parent, prev, next *Node
	first, last        *Node // children
	attrs, decls       *Node // attributes, namespace declarations; linked through next
}

type flag uint8

const (
	keepSpace flag = 1 << iota // text that white-space stripping never drops: CDATA, character reference
	typeID                     // an attribute that the DTD declares as ID
	elsewhere                  // an attribute whose value is not written at its place: a default, or from an entity
	target                     // Document.merges holds an index of the children for merging
)

// Kind returns what n is.
func (n *Node) Kind() Kind { return n.kind }

// Name returns the name of an element, an attribute or a processing
// instruction, the prefix (as Local) of a namespace node, and else the zero Name.
func (n *Node) Name() Name {
	if n.name == nil {
		return Name{}
	}
	return *n.name
}

// Local returns the local part of the name of n, or "".
func (n *Node) Local() string {
	if n.name == nil {
		return ""
	}
	return n.name.Local
}

// Space returns the namespace URI of the name of n, or "".
func (n *Node) Space() string {
	if n.name == nil {
		return ""
	}
	return n.name.Space
}

// Is reports whether n is an element with the expanded name (space, local).
func (n *Node) Is(space, local string) bool {
	return n.kind == Element && n.name.Local == local && n.name.Space == space
}

// Value returns the text of an attribute, text, comment or processing
// instruction, the URI of a namespace node, and "" for elements and roots.
func (n *Node) Value() string { return n.value }

// Document returns the owner of n.
func (n *Node) Document() *Document { return n.doc }

// Parent returns the parent of n or nil. The parent of an attribute or a
// namespace node is its element.
func (n *Node) Parent() *Node { return n.parent }

// First returns the first child of n or nil. Attributes are not children.
func (n *Node) First() *Node { return n.first }

// Last returns the last child of n or nil.
func (n *Node) Last() *Node { return n.last }

// Next returns the next sibling of n or nil; for an attribute or a namespace
// declaration the next one of the same element.
func (n *Node) Next() *Node { return n.next }

// Prev returns the previous sibling of n or nil; always nil for attributes.
func (n *Node) Prev() *Node { return n.prev }

// Attrs returns the first attribute of n or nil; Next leads to the others.
// Namespace declarations are not among them.
func (n *Node) Attrs() *Node { return n.attrs }

// Decls returns the first namespace declaration of n or nil; Next leads to
// the others. Local is the prefix, Value the URI; xmlns="" has an empty Value.
func (n *Node) Decls() *Node { return n.decls }

// KeepsSpace reports whether n is text that white-space stripping must leave:
// it came from a CDATA section or holds a character reference.
func (n *Node) KeepsSpace() bool { return n.flags&keepSpace != 0 }

// IsID reports whether n is an attribute that identifies its element: the DTD
// of the document declares it as ID, or it is xml:id.
func (n *Node) IsID() bool {
	return n.kind == Attribute && (n.flags&typeID != 0 || n.name.Local == "id" && n.name.Space == XMLSpace)
}

// Attr returns the value of the attribute with that local name in no
// namespace, and "" if there is none.
func (n *Node) Attr(local string) string {
	if a := n.AttrNode("", local); a != nil {
		return a.value
	}
	return ""
}

// AttrNode returns the attribute (space, local) of n or nil.
func (n *Node) AttrNode(space, local string) *Node {
	for a := n.attrs; a != nil; a = a.next {
		if a.name.Local == local && a.name.Space == space {
			return a
		}
	}
	return nil
}

// FirstElement returns the first child of n that is an element, or nil.
func (n *Node) FirstElement() *Node {
	for c := n.first; c != nil; c = c.next {
		if c.kind == Element {
			return c
		}
	}
	return nil
}

// NextElement returns the next sibling of n that is an element, or nil.
func (n *Node) NextElement() *Node {
	for c := n.next; c != nil; c = c.next {
		if c.kind == Element {
			return c
		}
	}
	return nil
}

// Top returns the highest ancestor of n, n itself when it is unlinked.
func (n *Node) Top() *Node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// Lookup returns the namespace URI that prefix stands for at n, by the
// declarations of n and its ancestors; the prefix xml is always there. The
// empty prefix without a declaration gives "", true.
func (n *Node) Lookup(prefix string) (uri string, ok bool) {
	if prefix == "xml" {
		return XMLSpace, true
	}
	for e := n; e != nil; e = e.parent {
		for d := e.decls; d != nil; d = d.next {
			if d.name.Local == prefix {
				return d.value, d.value != "" || prefix == ""
			}
		}
	}
	return "", prefix == ""
}

// XMLSpace is the namespace of the prefix xml.
const XMLSpace = "http://www.w3.org/XML/1998/namespace"
