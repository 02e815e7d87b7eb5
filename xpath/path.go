package xpath

import (
	"slices"

	"sutler/xmltree"
)

// path is a location path (section 2), or steps from the nodes of another
// expression (section 3.3).
type path struct {
	info
	root  bool // it starts at the root of the tree
	start expr // or at these nodes; nil and not root: at the context node
	steps []*step
	here  bool  // it is the context node
	lone  *step // it is this one step from the context node, without predicates
	memo  int   // its place in Context.memo plus one; 0: it is not remembered

	one  plan // for a start of one node
	some plan // for several of which none is in another
	many plan // for others
}

// newPath returns the path of steps from start with the plans of its walk.
func newPath(at int, root bool, start expr, steps []*step) *path {
	p := &path{info: info{at: at, typ: NodeSetType, context: start == nil}, root: root, start: start, steps: simplified(steps)}
	if start != nil {
		p.info = holding(at, NodeSetType, start)
	}
	deepest := 0
	for _, s := range p.steps {
		deepest = max(deepest, s.depth)
		p.impure = p.impure || s.impure
	}
	p.depth += 1 + len(p.steps) + deepest
	p.one = planOf(p.steps, state{single: true, ordered: true, unique: true, apart: true})
	switch {
	case start != nil:
		p.some = planOf(p.steps, state{ordered: true, unique: true, apart: true})
		p.many = planOf(p.steps, state{ordered: true, unique: true})
	case root:
	case len(p.steps) == 0:
		p.here = true
	case len(p.steps) == 1 && len(p.steps[0].preds) == 0:
		p.lone = p.steps[0]
	}
	return p
}

// atMostOne reports whether p has no more than one node, which is found without
// a walk.
func (p *path) atMostOne() bool {
	return p.here || p.lone != nil && (p.lone.axis == self || p.lone.axis == parent || p.lone.axis == attribute && p.lone.test.of == oneName)
}

func (p *path) eval(c *Context) (Value, error) {
	nodes, err := p.nodes(c)
	return NodeSet(nodes), err
}

// nodes returns the nodes in document order.
func (p *path) nodes(c *Context) ([]*xmltree.Node, error) {
	if p.memo == 0 {
		return p.fresh(c)
	}
	if nodes, known, err := p.remembered(c); known {
		return nodes, err
	}
	nodes, err := p.fresh(c)
	if err == nil {
		c.memo[p.memo-1] = memo{root: c.Node.Top(), known: true, nodes: nodes}
	}
	return nodes, err
}

// largeSet is a set that is not worth a copy.
const largeSet = 1024

// fresh returns the nodes in document order in a slice of their own. It grows
// in one that c keeps for the purpose.
func (p *path) fresh(c *Context) ([]*xmltree.Node, error) {
	buf := c.scratch
	c.scratch = nil
	nodes, err := p.collect(c, buf[:0])
	switch {
	case err != nil:
		return nil, err
	case len(nodes) > largeSet:
		return nodes, nil
	}
	c.scratch = nodes[:0]
	if len(nodes) == 0 {
		return nil, nil
	}
	return slices.Clone(nodes), nil
}

// collect appends the nodes in document order to buf.
func (p *path) collect(c *Context, buf []*xmltree.Node) ([]*xmltree.Node, error) {
	if p.lone != nil && p.lone.axis <= attribute {
		return p.lone.collect(c, c.Node, buf)
	}
	o, err := p.origin(c)
	if err != nil {
		return buf, err
	}
	w := walker{c: c, want: all, nodes: buf, base: len(buf)}
	sorted := o.plan.order != unordered && o.plan.unique
	if !sorted {
		w.want, w.room = distinct, len(buf)+roomToTidy
	}
	w.run(o)
	switch {
	case w.err != nil:
		return buf, w.err
	case !sorted:
		w.tidy()
	case o.plan.order == descending:
		slices.Reverse(w.nodes[w.base:])
	}
	return w.nodes, w.err
}

// first returns the first node in document order or nil.
func (p *path) first(c *Context) (*xmltree.Node, error) {
	switch {
	case p.here:
		return c.Node, nil
	case p.lone != nil && p.lone.axis <= parent:
		return p.lone.first(c, c.Node)
	case p.memo > 0:
		if nodes, known, err := p.remembered(c); known {
			if len(nodes) == 0 {
				return nil, err
			}
			return nodes[0], err
		}
	}
	o, err := p.origin(c)
	if err != nil {
		return nil, err
	}
	w := walker{c: c}
	switch o.plan.order {
	case unordered:
		w.want = lowest
	case descending:
		w.want = highest
	}
	w.run(o)
	return w.found, w.err
}

// first returns the first node that s, a step without predicates on one of the
// axes up to parent, selects from n.
func (s *step) first(c *Context, n *xmltree.Node) (*xmltree.Node, error) {
	t := &s.test
	switch s.axis {
	case child:
		m := n.First()
		if t.of == oneName && t.kind == xmltree.Element {
			m = firstChild(c, n, t)
		}
		looked := 1
		for ; m != nil && !t.matches(m); m = m.Next() {
			looked++
		}
		return m, charge(c, looked)
	case attribute:
		if t.of == oneName && t.kind == xmltree.Attribute {
			return n.AttrNode(t.name.Space, t.name.Local), charge(c, 1)
		}
		m := n.Attrs()
		for m != nil && !t.matches(m) {
			m = m.Next()
		}
		return m, charge(c, 1)
	case parent:
		n = n.Parent()
	}
	if n == nil || !t.matches(n) {
		return nil, charge(c, 1)
	}
	return n, charge(c, 1)
}

// collect appends to buf what s, a step without predicates on the axis child or
// attribute, selects from n.
func (s *step) collect(c *Context, n *xmltree.Node, buf []*xmltree.Node) ([]*xmltree.Node, error) {
	t := &s.test
	named := t.of == oneName && t.kind == xmltree.Element
	m := n.First()
	switch {
	case s.axis == attribute:
		m = n.Attrs()
	case named:
		m = firstChild(c, n, t)
	}
	was := len(buf)
	for ; m != nil; m = m.Next() {
		if c.due++; c.due >= batch {
			if err := c.pay(); err != nil {
				return buf[:was], err
			}
		}
		if named {
			if m.Kind() == xmltree.Element && alike(m.Local(), t.name.Local) && m.Space() == t.name.Space {
				buf = append(buf, m)
			}
		} else if t.matches(m) {
			buf = append(buf, m)
		}
	}
	if made := len(buf) - was; made >= batch {
		return buf, charge(c, made)
	}
	return buf, nil
}

// nth returns node number k, from 1, in document order, or nil.
func (p *path) nth(c *Context, k int) (*xmltree.Node, error) {
	if k == 1 {
		return p.first(c)
	}
	if p.memo == 0 {
		o, err := p.origin(c)
		if err != nil {
			return nil, err
		}
		if o.plan.streams() {
			w := walker{c: c, want: nth, left: k}
			w.run(o)
			return w.found, w.err
		}
	}
	nodes, err := p.nodes(c)
	if err != nil || k > len(nodes) {
		return nil, err
	}
	return nodes[k-1], nil
}

// exists reports whether there is a node.
func (p *path) exists(c *Context) (bool, error) {
	switch {
	case p.here:
		return true, nil
	case p.lone != nil && p.lone.axis <= parent:
		n, err := p.lone.first(c, c.Node)
		return n != nil, err
	case p.memo > 0:
		if nodes, known, err := p.remembered(c); known {
			return len(nodes) > 0, err
		}
	}
	o, err := p.origin(c)
	if err != nil {
		return false, err
	}
	w := walker{c: c}
	w.run(o)
	return w.found != nil, w.err
}

// size returns the number of nodes.
func (p *path) size(c *Context) (int, error) {
	if nodes, known, err := p.remembered(c); known {
		return len(nodes), err
	}
	o, err := p.origin(c)
	if err != nil {
		return 0, err
	}
	if !o.plan.unique {
		nodes, err := p.collect(c, nil)
		return len(nodes), err
	}
	w := walker{c: c, want: counting}
	w.run(o)
	return w.count, w.err
}

// stream visits the nodes in document order, each once, until visit returns
// false.
func (p *path) stream(c *Context, visit func(*xmltree.Node) bool) error {
	o, err := p.origin(c)
	if err != nil {
		return err
	}
	if o.plan.streams() {
		w := walker{c: c, want: visiting, visit: visit}
		w.run(o)
		return w.err
	}
	nodes, err := p.nodes(c)
	for _, n := range nodes {
		if !visit(n) {
			break
		}
	}
	return err
}

// origin is where a walk begins, at one node or several, and its plan.
type origin struct {
	node *xmltree.Node
	set  []*xmltree.Node
	plan *plan
}

func (p *path) origin(c *Context) (origin, error) {
	switch {
	case p.root:
		return origin{node: c.Node.Top(), plan: &p.one}, nil
	case p.start == nil:
		return origin{node: c.Node, plan: &p.one}, nil
	}
	if x, ok := p.start.(*hostCall); ok && x.fn.Node != nil {
		n, err := x.node(c)
		return origin{node: n, plan: &p.one}, err
	}
	if x, ok := p.start.(*filter); ok && len(x.preds) == 1 && x.preds[0].at > 0 {
		n, err := x.first(c)
		return origin{node: n, plan: &p.one}, err
	}
	nodes, err := nodesOf(c, p.start)
	switch {
	case len(nodes) == 1:
		return origin{node: nodes[0], plan: &p.one}, err
	case siblings(nodes):
		return origin{set: nodes, plan: &p.some}, err
	}
	return origin{set: nodes, plan: &p.many}, err
}

// siblings reports whether nodes are all of one parent.
func siblings(nodes []*xmltree.Node) bool {
	if len(nodes) == 0 || nodes[0].Parent() == nil {
		return false
	}
	for _, n := range nodes {
		if n.Parent() != nodes[0].Parent() {
			return false
		}
	}
	return true
}

// run walks the plan of o.
func (w *walker) run(o origin) {
	steps, done := o.plan.steps, 0
	for _, cut := range o.plan.cuts {
		part := walker{c: w.c, want: distinct, room: roomToTidy}
		if !part.begin(o, steps[:cut-done]) || !part.tidy() {
			w.err = part.err
			return
		}
		o.node, o.set, steps, done = nil, part.nodes, steps[cut-done:], cut
	}
	w.begin(o, steps)
}

// begin walks steps from the nodes of o.
func (w *walker) begin(o origin, steps []*step) bool {
	if o.node != nil {
		return w.from(o.node, steps)
	}
	for _, n := range o.set {
		if !w.from(n, steps) {
			return false
		}
	}
	return true
}
