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
	}
	return f
}

func (f *filter) eval(c *Context) (Value, error) {
	if f.preds[0].at == 1 {
		n, err := f.first(c)
		if n == nil || err != nil {
			return NodeSet(nil), err
		}
		return NodeSet([]*xmltree.Node{n}), nil
	}
	nodes, err := nodesOf(c, f.x)
	if err != nil {
		return Value{}, err
	}
	if err := charge(c, len(nodes)); err != nil {
		return Value{}, err
	}
	nodes, err = filtered(c, slices.Clone(nodes), f.preds)
	return NodeSet(nodes), err
}

// first returns the first node or nil. For [1] it does not look further.
func (f *filter) first(c *Context) (*xmltree.Node, error) {
	preds := f.preds
	var nodes []*xmltree.Node
	if preds[0].at == 1 {
		n, err := firstOf(c, f.x)
		if n == nil || err != nil {
			return nil, err
		}
		nodes, preds = []*xmltree.Node{n}, preds[1:]
	} else {
		all, err := nodesOf(c, f.x)
		if err != nil {
			return nil, err
		}
		nodes = slices.Clone(all)
	}
	nodes, err := filtered(c, nodes, preds)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	return nodes[0], nil
}

// union is the union of node-sets, a | b (section 3.3).
type union struct {
	info
	parts []expr
}

func (u *union) eval(c *Context) (Value, error) {
	var all []*xmltree.Node
	for _, e := range u.parts {
		nodes, err := nodesOf(c, e)
		if err != nil {
			return Value{}, err
		}
		all = append(all, nodes...)
	}
	nodes, err := inOrder(c, all)
	return NodeSet(nodes), err
}

// first returns the first node or nil, walking no part further than its first.
func (u *union) first(c *Context) (*xmltree.Node, error) {
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
