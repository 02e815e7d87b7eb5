package xpath

import "sutler/xmltree"

// step is a location step (section 2.1).
type step struct {
	axis       axis
	test       nodeTest
	preds      []predicate
	positional bool   // what it selects depends on positions along its axis
	sized      bool   // … and all nodes must be known before the first is selected
	depth      int    // of its predicates
	counted    int    // the only predicate that looks at positions; -1: there is none or more
	narrowed   bool   // it was written with predicates
	impure     bool   // a predicate calls a function of the host language
	sweep      *sweep // of a plan: this is a row of steps, and nothing else is set
}

// predicate is one predicate of a step or a filter (section 2.4).
type predicate struct {
	expr
	at         int       // [3]: the position selected; 0: see the others and expr
	after      int       // [position() > 3]: how many are left out; 0: none of that
	last       bool      // [last()]
	attr       *nodeTest // [@name = 'text']: the attribute
	text       string    // … and its value
	has        *step     // [name] or [@name]: the step
	positional bool
	sized      bool
}

// newPredicate returns the predicate [e]. Nil: always true.
func newPredicate(e expr) *predicate {
	p := &predicate{expr: e}
	in := e.about()
	p.sized = in.size
	p.positional = in.position || in.size || in.typ == NumberType || in.typ == AnyType
	switch x := e.(type) {
	case *constant:
		if x.v.typ != NumberType {
			if x.v.Bool() {
				return nil
			}
			break
		}
		if at := int(min(max(x.v.num, 0), 1<<31-1)); at > 0 && float64(at) == x.v.num {
			p.at = at
			break
		}
		p.expr = newConstant(in.at, Boolean(false)) // no position is that
		p.positional = false
	case *call:
		p.last = x.fn.name == "last"
	case *comparison:
		p.wordy(x)
		p.attribute(x)
	case *path:
		if x.lone != nil && x.lone.axis <= parent {
			p.has = x.lone
		}
	}
	return p
}

// wordy recognises [position() = 3], [position() > 3] and [position() = last()].
func (p *predicate) wordy(x *comparison) {
	op, l, r := x.op, x.l, x.r
	if !calls(l, "position") {
		op, l, r = op.mirrored(), r, l
	}
	if !calls(l, "position") {
		return
	}
	if k, ok := r.(*constant); ok && op == greater && k.v.typ == NumberType && k.v.num >= 1 {
		p.after = int(min(k.v.num, 1<<31-1))
	}
	if op != equal {
		return
	}
	if k, ok := r.(*constant); ok && k.v.typ == NumberType {
		if q := newPredicate(k); q.at > 0 {
			p.at = q.at
		}
	}
	p.last = calls(r, "last")
}

// attribute recognises [@name = 'text'].
func (p *predicate) attribute(x *comparison) {
	l, isPath := x.l.(*path)
	r, isText := x.r.(*constant)
	if x.op != equal || !isPath || !isText || r.v.typ != StringType || l.root || l.start != nil || len(l.steps) != 1 {
		return
	}
	s := l.steps[0]
	if s.axis != attribute || s.test.of != oneName || s.test.kind != xmltree.Attribute || len(s.preds) > 0 {
		return
	}
	p.attr, p.text = &s.test, r.v.str
}

func calls(e expr, name string) bool {
	x, ok := e.(*call)
	return ok && x.fn.name == name
}

func newStep(a axis, t nodeTest, preds []predicate) *step {
	s := &step{axis: a, test: t, preds: preds, counted: -1}
	for i, p := range preds {
		switch {
		case !p.positional:
		case s.positional:
			s.counted = -1
		default:
			s.counted = i
		}
		s.positional = s.positional || p.positional
		s.sized = s.sized || p.sized || p.positional && i >= len(positions{})
		s.depth = max(s.depth, p.about().depth)
		s.impure = s.impure || p.about().impure
	}
	return s
}

// on returns s on another axis with the same principal kind of node.
func (s *step) on(a axis) *step {
	t := *s
	t.axis = a
	return &t
}

// bare reports whether s is axis::node() without predicates.
func (s *step) bare() bool { return s.test.of == anyNode && len(s.preds) == 0 }

// atMostOne reports whether s selects at most one node from one node.
func (s *step) atMostOne() bool {
	if s.axis == self || s.axis == parent || s.axis == attribute && s.test.of == oneName {
		return true
	}
	for _, p := range s.preds {
		if p.at > 0 || p.last {
			return true
		}
	}
	return false
}

// enter returns the first node on the axis of s from n, or one further on
// before which none passes the test.
func (s *step) enter(c *Context, k *cursor, n *xmltree.Node) *xmltree.Node {
	switch {
	case s.test.of != oneName:
	case s.axis == attribute && s.test.kind == xmltree.Attribute:
		k.axis = self // there is no other
		return n.AttrNode(s.test.name.Space, s.test.name.Local)
	case s.axis == child && s.test.kind == xmltree.Element:
		k.axis = child
		return firstChild(c, n, &s.test)
	}
	m := k.first(s.axis, n)
	if s.axis == namespace {
		c.due += stepsPerNamespace * len(k.list) // they may have been made for this
	}
	return m
}

// positions counts, for each predicate of a step, the nodes that came to it.
type positions [4]int

// accepts reports whether m passes the predicates of s, which need no size.
func (s *step) accepts(c *Context, m *xmltree.Node, pos *positions) (bool, error) {
	for i := range s.preds {
		p, at := &s.preds[i], 0
		if p.positional {
			pos[i]++
			at = pos[i]
		}
		if ok, err := p.holds(c, m, at, 0); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// exhausted reports whether no further node can pass the first predicate.
func (s *step) exhausted(pos *positions) bool {
	return len(s.preds) > 0 && s.preds[0].at > 0 && pos[0] >= s.preds[0].at
}

// holds reports whether p is true of m at a position among size nodes.
func (p *predicate) holds(c *Context, m *xmltree.Node, at, size int) (bool, error) {
	switch {
	case p.at > 0:
		return at == p.at, nil
	case p.last:
		return at == size, nil
	case p.attr != nil:
		a := m.AttrNode(p.attr.name.Space, p.attr.name.Local)
		return a != nil && a.Value() == p.text, charge(c, 1)
	case p.has != nil:
		n, err := p.has.first(c, m)
		return n != nil, err
	}
	outerNode, outerPosition, outerSize := c.Node, c.Position, c.Size
	c.Node, c.Position, c.Size = m, at, size
	ok, err := p.ask(c, at)
	c.Node, c.Position, c.Size = outerNode, outerPosition, outerSize
	return ok, err
}

// ask evaluates p in c, whose position is at.
func (p *predicate) ask(c *Context, at int) (bool, error) {
	if t := p.about().typ; t != NumberType && t != AnyType {
		return test(c, p.expr)
	}
	v, err := p.eval(c)
	if v.typ == NumberType {
		return v.num == float64(at), err
	}
	return v.Bool(), err
}

// selected returns what s selects from n, nearest nodes first.
func (s *step) selected(c *Context, n *xmltree.Node) ([]*xmltree.Node, error) {
	preds := s.preds
	var nodes []*xmltree.Node
	if s.axis == child && preds[0].last {
		preds = preds[1:]
		m := n.Last()
		for ; m != nil && !s.test.matches(m); m = m.Prev() {
			if err := charge(c, 1); err != nil {
				return nil, err
			}
		}
		if m != nil {
			nodes = append(nodes, m)
		}
	} else {
		var k cursor
		for m := s.enter(c, &k, n); m != nil; m = k.next(m) {
			if err := charge(c, 1); err != nil {
				return nil, err
			}
			if s.test.matches(m) {
				nodes = append(nodes, m)
			}
		}
	}
	return filtered(c, nodes, preds)
}

// filtered returns the nodes, numbered as they come, that pass preds. It
// overwrites nodes.
func filtered(c *Context, nodes []*xmltree.Node, preds []predicate) ([]*xmltree.Node, error) {
	for i := range preds {
		p, size := &preds[i], len(nodes)
		kept := nodes[:0]
		for j, m := range nodes {
			ok, err := p.holds(c, m, j+1, size)
			if err != nil {
				return nil, err
			}
			if ok {
				kept = append(kept, m)
			}
		}
		nodes = kept
	}
	return nodes, nil
}
