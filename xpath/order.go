package xpath

import (
	"slices"

	"sutler/xmltree"
)

// inOrder puts nodes into document order and drops duplicates, in place. What
// walks leave behind are rows that are in order already; two at a time they
// are merged, and each comparison is charged.
func inOrder(c *Context, nodes []*xmltree.Node) ([]*xmltree.Node, error) {
	var fewEnds [32]int
	ends, n, err := rows(c, nodes, fewEnds[:0])
	if err != nil || len(ends) <= 1 {
		return nodes[:n], err
	}
	from, to := nodes[:n], make([]*xmltree.Node, 0, n)
	for len(ends) > 1 {
		to = to[:0]
		merges := ends[:0] // never overtakes what is read
		start := 0
		for i := 0; i < len(ends); i += 2 {
			if i+1 == len(ends) {
				to = append(to, from[start:ends[i]]...)
			} else if to, err = merge(c, to, from[start:ends[i]], from[ends[i]:ends[i+1]]); err != nil {
				return nil, err
			} else {
				start = ends[i+1]
			}
			merges = append(merges, len(to))
		}
		ends, from, to = merges, to, from
	}
	return append(nodes[:0], from...), nil
}

// rows finds the rows of nodes that are in order, or in reverse order, which it
// turns round. It returns where they end and how many nodes there are without
// the duplicates that stood side by side.
func rows(c *Context, nodes []*xmltree.Node, ends []int) ([]int, int, error) {
	nodes = slices.Compact(nodes)
	for start := 0; start < len(nodes); {
		end := start + 1
		down := end < len(nodes) && xmltree.Compare(nodes[start], nodes[end]) > 0
		for end < len(nodes) && xmltree.Compare(nodes[end-1], nodes[end]) > 0 == down {
			end++
			if err := charge(c, 1); err != nil {
				return nil, 0, err
			}
		}
		if down {
			slices.Reverse(nodes[start:end])
		}
		ends = append(ends, end)
		start = end
	}
	return ends, len(nodes), charge(c, len(ends))
}

// merge appends the nodes of a and b, both in order, to out, each once.
func merge(c *Context, out, a, b []*xmltree.Node) ([]*xmltree.Node, error) {
	if len(a) > 0 && len(b) > 0 && xmltree.Compare(a[len(a)-1], b[0]) < 0 {
		return append(append(out, a...), b...), charge(c, 1)
	}
	for len(a) > 0 && len(b) > 0 {
		if err := charge(c, 1); err != nil {
			return nil, err
		}
		switch order := xmltree.Compare(a[0], b[0]); {
		case order < 0:
			out, a = append(out, a[0]), a[1:]
		case order > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...), nil
}
