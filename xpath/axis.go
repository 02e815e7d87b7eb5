package xpath

import "sutler/xmltree"

// axis is one of the thirteen axes (section 2.2).
type axis uint8

const (
	child axis = iota
	attribute
	self
	parent
	descendant
	descendantOrSelf
	ancestor
	ancestorOrSelf
	followingSibling
	precedingSibling
	following
	preceding
	namespace
)

var axisNames = [...]string{
	child:            "child",
	attribute:        "attribute",
	self:             "self",
	parent:           "parent",
	descendant:       "descendant",
	descendantOrSelf: "descendant-or-self",
	ancestor:         "ancestor",
	ancestorOrSelf:   "ancestor-or-self",
	followingSibling: "following-sibling",
	precedingSibling: "preceding-sibling",
	following:        "following",
	preceding:        "preceding",
	namespace:        "namespace",
}

// principal returns the kind of node that a name test on a selects (section 2.3).
func (a axis) principal() xmltree.Kind {
	switch a {
	case attribute:
		return xmltree.Attribute
	case namespace:
		return xmltree.Namespace
	}
	return xmltree.Element
}

// cursor walks along an axis from one node, nearest nodes first.
type cursor struct {
	axis   axis
	origin *xmltree.Node
	up     *xmltree.Node   // preceding: the ancestor or self of origin beside which the cursor is
	list   []*xmltree.Node // namespace: what is left
}

// first returns the first node on axis a from n, or nil.
func (k *cursor) first(a axis, n *xmltree.Node) *xmltree.Node {
	k.axis, k.origin = a, n
	beside := n.Kind() == xmltree.Attribute || n.Kind() == xmltree.Namespace // no child of its parent
	switch a {
	case child, descendant:
		return n.First()
	case attribute:
		return n.Attrs()
	case self, descendantOrSelf, ancestorOrSelf:
		return n
	case parent, ancestor:
		return n.Parent()
	case followingSibling:
		if beside {
			return nil
		}
		return n.Next()
	case precedingSibling:
		if beside {
			return nil
		}
		return n.Prev()
	case following:
		if beside && n.Parent() != nil {
			return behind(n.Parent(), true)
		}
		return behind(n, false)
	case preceding:
		if beside {
			n = n.Parent()
		}
		k.up = n
		return k.beforeUp()
	}
	if n.Kind() != xmltree.Element {
		return nil
	}
	k.list = n.NamespacesInScope()
	return k.shift()
}

// next returns the node after m, or nil.
func (k *cursor) next(m *xmltree.Node) *xmltree.Node {
	switch k.axis {
	case child, attribute, followingSibling:
		return m.Next()
	case precedingSibling:
		return m.Prev()
	case ancestor, ancestorOrSelf:
		return m.Parent()
	case descendant, descendantOrSelf:
		return below(m, k.origin)
	case following:
		return behind(m, true)
	case preceding:
		return k.before(m)
	case namespace:
		return k.shift()
	}
	return nil
}

// below returns the node after m in document order if it is a descendant of top.
func below(m, top *xmltree.Node) *xmltree.Node {
	if c := m.First(); c != nil {
		return c
	}
	for ; m != top; m = m.Parent() {
		if s := m.Next(); s != nil {
			return s
		}
	}
	return nil
}

// behind returns the node after m in document order, one of its descendants
// only if inside is set.
func behind(m *xmltree.Node, inside bool) *xmltree.Node {
	if c := m.First(); inside && c != nil {
		return c
	}
	for ; m != nil; m = m.Parent() {
		if s := m.Next(); s != nil {
			return s
		}
	}
	return nil
}

// before returns the node before m in document order that is no ancestor of
// the origin.
func (k *cursor) before(m *xmltree.Node) *xmltree.Node {
	if s := m.Prev(); s != nil {
		return deepestLast(s)
	}
	if p := m.Parent(); p != k.up.Parent() {
		return p
	}
	k.up = k.up.Parent()
	return k.beforeUp()
}

// beforeUp moves up until a node has a previous sibling and returns the last
// node in that.
func (k *cursor) beforeUp() *xmltree.Node {
	for ; k.up != nil; k.up = k.up.Parent() {
		if s := k.up.Prev(); s != nil {
			return deepestLast(s)
		}
	}
	return nil
}

func deepestLast(n *xmltree.Node) *xmltree.Node {
	for n.Last() != nil {
		n = n.Last()
	}
	return n
}

func (k *cursor) shift() *xmltree.Node {
	if len(k.list) == 0 {
		return nil
	}
	n := k.list[0]
	k.list = k.list[1:]
	return n
}

// nodeTest is what a step asks of a node on its axis (section 2.3).
type nodeTest struct {
	of   testOf
	kind xmltree.Kind // 0: any
	name xmltree.Name // what of says of it counts

	among []nodeTest // oneOf
}

// equal reports whether t and u pass the same nodes because they say the same.
func (t *nodeTest) equal(u *nodeTest) bool {
	return t.of == u.of && t.kind == u.kind && t.name == u.name && t.among == nil && u.among == nil
}

type testOf uint8

const (
	anyNode  testOf = iota // node()
	anyKind                // *, text(), comment() or processing-instruction()
	anyLocal               // prefix:*
	oneName                // a QName, or processing-instruction('target')
	oneOf                  // any of several
	anyChild               // what can be a child
	none                   // nothing
)

func (t *nodeTest) matches(n *xmltree.Node) bool {
	if t.kind != 0 && n.Kind() != t.kind {
		return false
	}
	switch t.of {
	case anyNode, anyKind:
		return true
	case anyLocal:
		return n.Space() == t.name.Space && t.kind != xmltree.Namespace
	case anyChild:
		k := n.Kind()
		return k == xmltree.Element || k == xmltree.Text || k == xmltree.Comment || k == xmltree.ProcInst
	case none:
		return false
	case oneOf:
		kind, local := n.Kind(), n.Local()
		for i := range t.among {
			if a := &t.among[i]; a.of == oneName && a.kind == xmltree.Element {
				if kind == a.kind && alike(local, a.name.Local) && n.Space() == a.name.Space {
					return true
				}
			} else if a.matches(n) {
				return true
			}
		}
		return false
	}
	return n.Local() == t.name.Local && (n.Space() == t.name.Space || t.kind == xmltree.ProcInst)
}
