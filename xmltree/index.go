package xmltree

// walkFirst is how many siblings Child looks at before it asks for an index.
const walkFirst = 16

// childIndex finds the first child element of a name in no namespace. It is
// kept up to date by the edits of the element.
type childIndex struct {
	byName map[string]*posting
}

// posting holds the children of one name in order. Children that were taken
// out of its middle are counted in gone and skipped when they come to the head.
type posting struct {
	nodes []*Node
	gone  map[*Node]int
	stale bool // a child was put somewhere in the middle
}

// Child returns the first child element of n with that local name in no
// namespace, or nil. For an element with many children it takes constant time
// on average, also when children are appended and removed in between.
func (n *Node) Child(local string) *Node {
	c := n.first
	for range walkFirst {
		if c == nil {
			return nil
		}
		if c.Is("", local) {
			return c
		}
		c = c.next
	}
	if c == nil {
		return nil
	}
	d := n.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.children[n]
	if x == nil {
		x = newChildIndex(n)
		if d.children == nil {
			d.children = make(map[*Node]*childIndex)
		}
		d.children[n] = x
	}
	p := x.byName[local]
	switch {
	case p == nil:
		return nil
	case p.stale:
		p.reset()
		for c := n.first; c != nil; c = c.next {
			if c.Is("", local) {
				p.nodes = append(p.nodes, c)
			}
		}
	}
	if len(p.nodes) == 0 {
		return nil
	}
	return p.nodes[0]
}

func newChildIndex(n *Node) *childIndex {
	x := &childIndex{byName: make(map[string]*posting)}
	for c := n.first; c != nil; c = c.next {
		x.linked(c)
	}
	return x
}

func (p *posting) reset() { *p = posting{} }

// linked notes that c was linked. A nil index notes nothing.
func (x *childIndex) linked(c *Node) {
	if x == nil || c.kind != Element || c.name.Space != "" {
		return
	}
	p := x.byName[c.name.Local]
	switch {
	case p == nil:
		x.byName[c.name.Local] = &posting{nodes: []*Node{c}}
	case len(p.nodes) == 0 || c.next == nil:
		p.nodes = append(p.nodes, c)
	case c.next == p.nodes[0]:
		p.nodes[0] = c // ReplaceWith: the old one is about to go
		p.stale = true
	default:
		p.stale = true
	}
}

// unlinking notes that c is about to be unlinked.
func (x *childIndex) unlinking(c *Node) {
	if x == nil || c.kind != Element || c.name.Space != "" {
		return
	}
	p := x.byName[c.name.Local]
	if p == nil || p.stale {
		return
	}
	switch last := len(p.nodes) - 1; {
	case last < 0:
	case p.nodes[0] == c && p.gone[c] == 0:
		p.nodes = p.nodes[1:]
		p.skip()
	case p.nodes[last] == c:
		p.nodes = p.nodes[:last]
	default:
		if p.gone == nil {
			p.gone = make(map[*Node]int)
		}
		p.gone[c]++
	}
}

// skip drops children from the head that are gone.
func (p *posting) skip() {
	for len(p.nodes) > 0 && p.gone[p.nodes[0]] > 0 {
		p.gone[p.nodes[0]]--
		p.nodes = p.nodes[1:]
	}
}
