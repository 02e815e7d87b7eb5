package xpath

import (
	"slices"

	"sutler/xmltree"
)

// filter is an expression with predicates, (e)[p] (section 3.3). Positions
// are those in document order.
type filter struct {
	info
	x     expr
	preds []predicate
}

func newFilter(at int, x expr, preds []predicate) *filter {
	f := &filter{info: holding(at, NodeSetType, x), x: x, preds: preds}
	for _, p := range preds {
		f.depth = max(f.depth, 1+p.about().depth)
		f.impure = f.impure || p.about().impure
	}
	return f
}

func (f *filter) eval(c *Context) (Value, error) {
	nodes, err := f.nodes(c)
	return NodeSet(nodes), err
}

// nodes returns the nodes in document order.
func (f *filter) nodes(c *Context) ([]*xmltree.Node, error) {
	preds := f.preds
	var nodes []*xmltree.Node
	if k := preds[0].at; k > 0 {
		n, err := nthOf(c, f.x, k)
		if n == nil || err != nil {
			return nil, err
		}
		nodes, preds = []*xmltree.Node{n}, preds[1:]
	} else {
		all, err := nodesOf(c, f.x)
		if err != nil {
			return nil, err
		}
		if k := preds[0].after; k > 0 {
			all, preds = all[min(k, len(all)):], preds[1:]
			if len(preds) == 0 {
				return slices.Clip(all), nil
			}
		}
		if err := charge(c, len(all)); err != nil {
			return nil, err
		}
		nodes = slices.Clone(all)
	}
	return filtered(c, nodes, preds)
}

// first returns the first node or nil. For [3] it does not look further.
func (f *filter) first(c *Context) (*xmltree.Node, error) {
	if k := f.preds[0].at; k > 0 && len(f.preds) == 1 {
		return nthOf(c, f.x, k)
	}
	nodes, err := f.nodes(c)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	return nodes[0], nil
}

// union is the union of node-sets, a | b (section 3.3).
type union struct {
	info
	parts []expr
	near  *near // it is no more than this
}

// near is a union of attributes and children of the context node, @* | node(),
// which can be walked in document order.
type near struct {
	attrs, kids []nodeTest
}

// newUnion returns the union of parts, which are node-sets.
func newUnion(at int, parts []expr) expr {
	if p := joined(at, parts); p != nil {
		return p
	}
	u := &union{info: holding(at, NodeSetType, parts...), parts: parts}
	var near near
	for _, e := range parts {
		switch p, ok := e.(*path); {
		case !ok || p.lone == nil:
			return u
		case p.lone.axis == attribute:
			near.attrs = append(near.attrs, p.lone.test)
		case p.lone.axis == child:
			near.kids = append(near.kids, p.lone.test)
		default:
			return u
		}
	}
	u.near = &near
	return u
}

// joined returns the union of paths that differ only in the node test of their
// last step, //a | //b or x/a | x/b, as one path, or nil.
func joined(at int, parts []expr) expr {
	first, ok := parts[0].(*path)
	if !ok || first.start != nil || len(first.steps) == 0 {
		return nil
	}
	last := len(first.steps) - 1
	s := newStep(first.steps[last].axis, nodeTest{of: oneOf}, nil)
	for _, e := range parts {
		p, ok := e.(*path)
		if !ok || p.start != nil || p.root != first.root || len(p.steps) != last+1 {
			return nil
		}
		for i, t := range p.steps {
			if f := first.steps[i]; t.axis != f.axis || len(t.preds) > 0 || i < last && !t.test.equal(&f.test) {
				return nil
			}
		}
		s.test.among = append(s.test.among, p.steps[last].test)
	}
	s.test.kind = s.test.among[0].kind
	for _, t := range s.test.among {
		if t.kind != s.test.kind {
			s.test.kind = 0
		}
	}
	p := newPath(at, first.root, nil, append(slices.Clone(first.steps[:last]), s))
	p.depth = max(p.depth, holding(at, NodeSetType, parts...).depth)
	return p
}

// walk visits the nodes from n in document order.
func (u *near) walk(w *walker, n *xmltree.Node) bool {
	if len(u.attrs) > 0 && !walkTests(w, n.Attrs(), u.attrs) {
		return false
	}
	return len(u.kids) == 0 || walkTests(w, n.First(), u.kids)
}

func walkTests(w *walker, first *xmltree.Node, tests []nodeTest) bool {
	for n := first; n != nil; n = n.Next() {
		if !w.step() {
			return false
		}
		for i := range tests {
			if !tests[i].matches(n) {
				continue
			}
			if !w.take(n) {
				return false
			}
			break
		}
	}
	return true
}

func (u *union) eval(c *Context) (Value, error) {
	nodes, err := u.collect(c, nil)
	return NodeSet(nodes), err
}

// collect appends the nodes in document order to buf.
func (u *union) collect(c *Context, buf []*xmltree.Node) ([]*xmltree.Node, error) {
	w := walker{c: c, want: all, nodes: buf, base: len(buf)}
	if u.near != nil {
		u.near.walk(&w, c.Node)
		return w.nodes, w.err
	}
	w.room = w.base + roomToTidy
	for _, e := range u.parts {
		var err error
		if w.nodes, err = appendOf(c, e, w.nodes); err != nil {
			return buf, err
		}
		if len(w.nodes) >= w.room && !w.tidy() {
			return buf, w.err
		}
	}
	w.tidy()
	return w.nodes, w.err
}

// stream visits the nodes in document order until visit returns false.
func (u *union) stream(c *Context, visit func(*xmltree.Node) bool) error {
	if u.near != nil {
		w := walker{c: c, want: visiting, visit: visit}
		u.near.walk(&w, c.Node)
		return w.err
	}
	nodes, err := u.collect(c, nil)
	for _, n := range nodes {
		if !visit(n) {
			break
		}
	}
	return err
}

// size returns the number of nodes.
func (u *union) size(c *Context) (int, error) {
	if u.near != nil {
		w := walker{c: c, want: counting}
		u.near.walk(&w, c.Node)
		return w.count, w.err
	}
	buf := c.scratch
	c.scratch = nil
	nodes, err := u.collect(c, buf[:0])
	c.scratch = nodes[:0]
	return len(nodes), err
}

// exists reports whether there is a node.
func (u *union) exists(c *Context) (bool, error) {
	for _, e := range u.parts {
		if some, err := test(c, e); some || err != nil {
			return some, err
		}
	}
	return false, nil
}

// first returns the first node or nil, walking no part further than its first.
func (u *union) first(c *Context) (*xmltree.Node, error) {
	if u.near != nil {
		w := walker{c: c}
		u.near.walk(&w, c.Node)
		return w.found, w.err
	}
	var found *xmltree.Node
	for _, e := range u.parts {
		n, err := firstOf(c, e)
		if err != nil {
			return nil, err
		}
		if n != nil && (found == nil || xmltree.Compare(n, found) < 0) {
			found = n
		}
	}
	return found, nil
}
