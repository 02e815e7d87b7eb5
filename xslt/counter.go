package xslt

import "sutler/xmltree"

// counter counts for one xsl:number and one current node.
type counter struct {
	r     *run
	in    *number
	like  *xmltree.Node // the current node, which says what is counted without a pattern
	tally *tally        // nil: nothing that was counted before may be used
}

// tally is what an xsl:number found out in this run, so that numbering the nodes
// of a list one after the other does not count the same nodes again and again.
type tally struct {
	last  [4]counted // by level
	known map[*xmltree.Node]int64
	marks []counted // room for those of a walk
}

// counted is a node and how many of it and the nodes before it are counted.
type counted struct {
	node *xmltree.Node
	n    int64
}

// tallyKey names the tally of an xsl:number and, where it has no pattern, the
// nodes that it counts.
type tallyKey struct {
	in   *number
	kind xmltree.Kind
	name xmltree.Name
}

// stride is how far a walk goes between two nodes whose count is kept.
const stride = 64

// tally returns what is known for in and the current node.
func (r *run) tally(in *number) *tally {
	key := tallyKey{in: in}
	if in.count == nil {
		key.kind, key.name = r.node.Kind(), xmltree.Name{Space: r.node.Space(), Local: r.node.Local()}
	}
	t := r.tallies[key]
	if t == nil {
		if r.tallies == nil {
			r.tallies = map[tallyKey]*tally{}
		}
		t = &tally{}
		r.tallies[key] = t
	}
	return t
}

// any counts the nodes up to the current one in document order.
func (k *counter) any() (int64, error) {
	n := k.like
	if kind := n.Kind(); kind != xmltree.Attribute && kind != xmltree.Namespace {
		return k.walk(n, 0, before, true)
	}
	// They come behind their element, and no other of them counts.
	own := int64(0)
	ok, err := k.counts(n)
	if err != nil {
		return 0, err
	}
	if ok {
		own = 1
	}
	stop, err := k.stops(n.Parent())
	if err != nil || stop {
		return own, err
	}
	before, err := k.walk(n.Parent(), 0, before, true)
	return own + before, err
}

// beside returns how many of n and the siblings before it are counted.
func (k *counter) beside(n *xmltree.Node, level int) (int64, error) {
	if kind := n.Kind(); kind == xmltree.Attribute || kind == xmltree.Namespace {
		return 1, nil // they have no siblings
	}
	return k.walk(n, level, (*xmltree.Node).Prev, false)
}

// walk counts n and the nodes that back leads to, bounded if the nodes before
// one that matches from do not count, and neither does that one itself.
func (k *counter) walk(n *xmltree.Node, level int, back func(*xmltree.Node) *xmltree.Node, bounded bool) (total int64, err error) {
	t := k.tally
	if t == nil {
		t = &tally{}
	}
	last := &t.last[min(level, len(t.last)-1)]
	marks := t.marks[:0]
	t.marks = nil // a function in the pattern may number too
	for p, far := n, 1; p != nil; p, far = back(p), far+1 {
		if bounded && p != n {
			stop, err := k.stops(p)
			if err != nil {
				return 0, err
			}
			if stop {
				break
			}
		}
		if p == last.node {
			total += last.n
			break
		}
		if known, ok := t.known[p]; ok {
			total += known
			break
		}
		if k.tally != nil && far%stride == 0 {
			marks = append(marks, counted{p, total})
		}
		ok, err := k.counts(p)
		if err != nil {
			return 0, err
		}
		if ok {
			total++
		}
	}
	if len(marks) > 0 {
		if t.known == nil {
			t.known = map[*xmltree.Node]int64{}
		}
		t.known[n] = total
		for _, m := range marks {
			t.known[m.node] = total - m.n
		}
	}
	*last, t.marks = counted{n, total}, marks
	return total, nil
}

// stops reports whether n matches from.
func (k *counter) stops(n *xmltree.Node) (bool, error) {
	if k.in.from == nil {
		return false, nil
	}
	if err := k.r.step(1, k.in.at); err != nil {
		return false, err
	}
	return k.in.from.matches(k.r, n, k.in.at)
}

// counts reports whether n is one of the nodes that are counted: without a
// pattern those of kind and name of the current node.
func (k *counter) counts(n *xmltree.Node) (bool, error) {
	if err := k.r.step(1, k.in.at); err != nil {
		return false, err
	}
	if k.in.count != nil {
		return k.in.count.matches(k.r, n, k.in.at)
	}
	return n.Kind() == k.like.Kind() && n.Local() == k.like.Local() && n.Space() == k.like.Space(), nil
}
