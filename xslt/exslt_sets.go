package xslt

import (
	"sutler/xmltree"
	"sutler/xpath"
)

// setFunction returns a function of the EXSLT module sets. Node-sets come in
// document order, so two of them are compared in one walk over both.
func setFunction(name string) (xpath.Function, bool) {
	full := "set:" + name
	switch name {
	case "difference":
		return overNodes(full, 2, xpath.NodeSetType, func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return xpath.NodeSet(apart(args[0].Nodes(), args[1].Nodes(), false)), nil
		})
	case "intersection":
		return overNodes(full, 2, xpath.NodeSetType, func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return xpath.NodeSet(apart(args[0].Nodes(), args[1].Nodes(), true)), nil
		})
	case "has-same-node":
		return overNodes(full, 2, xpath.BooleanType, func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return xpath.Boolean(len(apart(args[0].Nodes(), args[1].Nodes(), true)) > 0), nil
		})
	case "distinct":
		return overNodes(full, 1, xpath.NodeSetType, distinct)
	case "leading":
		return overNodes(full, 2, xpath.NodeSetType, leading)
	case "trailing":
		return overNodes(full, 2, xpath.NodeSetType, trailing)
	}
	return xpath.Function{}, false
}

// apart returns the nodes of a that are in b, or those that are not.
func apart(a, b []*xmltree.Node, in bool) []*xmltree.Node {
	var found []*xmltree.Node
	for _, n := range a {
		for len(b) > 0 && xmltree.Compare(b[0], n) < 0 {
			b = b[1:]
		}
		if (len(b) > 0 && xmltree.Compare(b[0], n) == 0) == in {
			found = append(found, n)
		}
	}
	return found
}

// distinct keeps the first node of each string-value.
func distinct(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	seen := map[string]bool{}
	var found []*xmltree.Node
	for _, n := range args[0].Nodes() {
		s := n.Text()
		if err := payText(c, len(s)); err != nil {
			return xpath.Value{}, err
		}
		if !seen[s] {
			seen[s] = true
			found = append(found, n)
		}
	}
	return xpath.NodeSet(found), nil
}

// leading returns the nodes of the first set before the first node of the
// second: all if that is empty, none if that node is not in the first set.
func leading(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	a, b := args[0].Nodes(), args[1].Nodes()
	if len(b) == 0 {
		return args[0], nil
	}
	return xpath.NodeSet(a[:max(0, nodeIndex(a, b[0]))]), nil
}

// trailing is leading for the nodes after that node.
func trailing(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	a, b := args[0].Nodes(), args[1].Nodes()
	if len(b) == 0 {
		return args[0], nil
	}
	i := nodeIndex(a, b[0])
	if i < 0 {
		return xpath.NodeSet(nil), nil
	}
	return xpath.NodeSet(a[i+1:]), nil
}

// nodeIndex returns the place of n in nodes, -1 if it is not there. Namespace
// nodes are made anew for each path, so identity is what Compare says.
func nodeIndex(nodes []*xmltree.Node, n *xmltree.Node) int {
	for i, m := range nodes {
		if xmltree.Compare(m, n) == 0 {
			return i
		}
	}
	return -1
}
