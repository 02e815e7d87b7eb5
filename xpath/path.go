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
	one   plan // for a start of one node
	many  plan // for a start of several
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
	}
	p.depth += 1 + len(p.steps) + deepest
	p.one = planOf(p.steps, state{single: true, ordered: true, unique: true, apart: true})
	if start != nil {
		p.many = planOf(p.steps, state{ordered: true, unique: true})
	}
	return p
}

// simplified drops the steps that lead nowhere and turns what // stands for,
// followed by a step on which position does not count, into one walk.
func simplified(steps []*step) []*step {
	var out []*step
	for _, s := range steps {
		if s.axis == self && s.bare() {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].axis == descendantOrSelf && out[last].bare() && !s.positional {
			switch s.axis {
			case child, descendant:
				out[last] = s.on(descendant)
				continue
			case self, descendantOrSelf:
				out[last] = s.on(descendantOrSelf)
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// plan says how the steps of a path are walked.
type plan struct {
	cuts   []int // after how many steps the nodes must be put in order before the walk goes on
	order  order // of the nodes at the end of the walk
	unique bool  // the end of the walk meets each node once
}

type order uint8

const (
	unordered order = iota
	ascending       // document order
	descending
)

// state is what is known of the nodes that a walk has reached.
type state struct {
	single   bool // at most one
	ordered  bool // met in document order
	reversed bool // met in reverse document order
	unique   bool // each is met once
	apart    bool // none is an ancestor of another
}

func planOf(steps []*step, st state) plan {
	var p plan
	for i, s := range steps {
		if !st.unique {
			p.cuts = append(p.cuts, i)
			st = state{ordered: true, unique: true}
		}
		st = s.from(st)
	}
	p.unique = st.unique
	switch {
	case st.ordered:
		p.order = ascending
	case st.reversed:
		p.order = descending
	}
	return p
}

// from returns the state after s when it starts from nodes in state in, each
// of which is met once.
func (s *step) from(in state) state {
	if in.single && s.atMostOne() {
		return in
	}
	switch s.axis {
	case self:
		return in
	case child:
		return state{ordered: in.ordered && in.apart, unique: true, apart: in.apart}
	case attribute, namespace:
		return state{ordered: in.ordered, unique: true, apart: true}
	case descendant, descendantOrSelf:
		return state{ordered: in.ordered && in.apart, unique: in.apart}
	}
	if !in.single {
		return state{}
	}
	switch s.axis {
	case followingSibling:
		return state{ordered: true, unique: true, apart: true}
	case following:
		return state{ordered: true, unique: true}
	case precedingSibling:
		return state{reversed: true, unique: true, apart: true}
	}
	return state{reversed: true, unique: true} // ancestor, ancestor-or-self, preceding
}

func (p *path) eval(c *Context) (Value, error) {
	nodes, err := p.nodes(c)
	return NodeSet(nodes), err
}

// nodes returns the nodes in document order.
func (p *path) nodes(c *Context) ([]*xmltree.Node, error) {
	o, err := p.origin(c)
	if err != nil {
		return nil, err
	}
	var out []*xmltree.Node
	err = p.walk(c, o, func(n *xmltree.Node) bool {
		out = append(out, n)
		return true
	})
	if err != nil {
		return nil, err
	}
	switch o.plan.order {
	case ascending:
		return out, nil
	case descending:
		slices.Reverse(out)
		return out, nil
	}
	return inOrder(c, out)
}

// first returns the first node in document order or nil.
func (p *path) first(c *Context) (*xmltree.Node, error) {
	o, err := p.origin(c)
	if err != nil {
		return nil, err
	}
	var found *xmltree.Node
	err = p.walk(c, o, func(n *xmltree.Node) bool {
		if o.plan.order != unordered || found == nil || xmltree.Compare(n, found) < 0 {
			found = n
		}
		return o.plan.order != ascending
	})
	return found, err
}

// exists reports whether there is a node.
func (p *path) exists(c *Context) (bool, error) {
	found := false
	err := p.each(c, func(*xmltree.Node) bool {
		found = true
		return false
	})
	return found, err
}

// count returns the number of nodes.
func (p *path) count(c *Context) (int, error) {
	o, err := p.origin(c)
	if err != nil {
		return 0, err
	}
	if !o.plan.unique {
		nodes, err := p.nodes(c)
		return len(nodes), err
	}
	count := 0
	err = p.walk(c, o, func(*xmltree.Node) bool {
		count++
		return true
	})
	return count, err
}

// each visits the nodes in any order, perhaps more than once, until visit
// returns false.
func (p *path) each(c *Context, visit func(*xmltree.Node) bool) error {
	o, err := p.origin(c)
	if err != nil {
		return err
	}
	return p.walk(c, o, visit)
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
	nodes, err := nodesOf(c, p.start)
	if len(nodes) == 1 {
		return origin{node: nodes[0], plan: &p.one}, err
	}
	return origin{set: nodes, plan: &p.many}, err
}

// walk visits what the steps lead to until visit returns false.
func (p *path) walk(c *Context, o origin, visit func(*xmltree.Node) bool) error {
	steps, done := p.steps, 0
	for _, cut := range o.plan.cuts {
		var met []*xmltree.Node
		_, err := walkFrom(c, o, steps[:cut-done], func(n *xmltree.Node) bool {
			met = append(met, n)
			return true
		})
		if err != nil {
			return err
		}
		if o.set, err = inOrder(c, met); err != nil {
			return err
		}
		o.node, steps, done = nil, steps[cut-done:], cut
	}
	_, err := walkFrom(c, o, steps, visit)
	return err
}

func walkFrom(c *Context, o origin, steps []*step, visit func(*xmltree.Node) bool) (more bool, err error) {
	if o.node != nil {
		return walk(c, o.node, steps, visit)
	}
	for _, n := range o.set {
		if more, err := walk(c, n, steps, visit); !more || err != nil {
			return more, err
		}
	}
	return true, nil
}

// walk visits what steps lead to from n. It reports whether visit wants more.
func walk(c *Context, n *xmltree.Node, steps []*step, visit func(*xmltree.Node) bool) (more bool, err error) {
	if len(steps) == 0 {
		return visit(n), nil
	}
	s, rest := steps[0], steps[1:]
	if s.sized {
		nodes, err := s.selected(c, n)
		for _, m := range nodes {
			if more, err := walk(c, m, rest, visit); !more || err != nil {
				return more, err
			}
		}
		return true, err
	}
	var k cursor
	var pos positions
	for m := s.enter(&k, n); m != nil; m = k.next(m) {
		if err := charge(c, 1); err != nil {
			return false, err
		}
		if !s.test.matches(m) {
			continue
		}
		if s.preds != nil {
			ok, err := s.accepts(c, m, &pos)
			if err != nil {
				return false, err
			}
			if !ok {
				if s.exhausted(&pos) {
					break
				}
				continue
			}
		}
		if more, err := walk(c, m, rest, visit); !more || err != nil {
			return more, err
		}
		if s.exhausted(&pos) {
			break
		}
	}
	return true, nil
}

// inOrder sorts nodes into document order and drops duplicates, in place.
func inOrder(c *Context, nodes []*xmltree.Node) ([]*xmltree.Node, error) {
	if err := charge(c, len(nodes)); err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(nodes, xmltree.Compare) {
		slices.SortFunc(nodes, xmltree.Compare)
	}
	return slices.Compact(nodes), nil
}
