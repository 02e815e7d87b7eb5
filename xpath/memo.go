package xpath

import "sutler/xmltree"

// memo is what an evaluation remembers of a path that it comes to again and
// again, in a predicate for instance, and that has the same nodes each time.
type memo struct {
	root  *xmltree.Node // of the tree in which it was walked
	known bool
	nodes []*xmltree.Node
}

// remembered returns the nodes of p if it was walked before in this evaluation.
func (p *path) remembered(c *Context) (nodes []*xmltree.Node, known bool, err error) {
	if p.memo == 0 {
		return nil, false, nil
	}
	if len(c.memo) < p.memo {
		c.memo = append(c.memo, make([]memo, p.memo-len(c.memo))...)
	}
	m, root := &c.memo[p.memo-1], c.Node.Top()
	switch {
	case m.root != root:
		*m = memo{root: root}
		return nil, false, nil
	case m.known:
		return m.nodes, true, charge(c, 1)
	}
	if nodes, err = p.collect(c, nil); err != nil {
		return nil, true, err
	}
	// A path in p may have made room for itself meanwhile.
	c.memo[p.memo-1] = memo{root: root, known: true, nodes: nodes}
	return nodes, true, nil
}
