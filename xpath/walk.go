package xpath

import (
	"slices"

	"sutler/xmltree"
)

// walker walks the steps of paths and does with the nodes that it meets what
// was asked for. Its methods report whether it wants more; err says why not.
type walker struct {
	c     *Context
	want  want
	nodes []*xmltree.Node // collecting
	base  int             // … where in nodes they begin
	room  int             // … how many may come before duplicates are dropped
	left  int             // counting down: which node is wanted
	count int
	found *xmltree.Node
	visit func(*xmltree.Node) bool
	op    relation // comparing and matching: the node found is in this relation
	num   float64  // … to this, or the sum so far
	str   string   // … or to this
	texts *texts   // gathering and meeting
	err   error
}

// want is what a walker does with a node.
type want uint8

const (
	anyOne    want = iota // stops at the first
	lowest                // looks for the first in document order
	highest               // keeps the last that it meets
	nth                   // stops at one further on
	counting              // counts
	all                   // collects
	distinct              // collects what may come twice and out of order
	visiting              // calls visit
	comparing             // looks for one whose number is in relation to num
	matching              // looks for one whose string-value is in relation to str
	meeting               // looks for one whose string-value is in texts
	gathering             // puts the string-values into texts
	bounding              // looks for the number that it is easiest to be in relation to
	telling               // looks for two string-values that differ
	adding                // adds the numbers up
)

// take does with n what is wanted.
func (w *walker) take(n *xmltree.Node) bool {
	switch w.want {
	case all:
		if w.nodes = append(w.nodes, n); len(w.nodes)%batch == 0 {
			w.c.due += batch
			if len(w.nodes)+batch > cap(w.nodes) {
				w.nodes = slices.Grow(w.nodes, len(w.nodes)) // large sets double: they are copied less
			}
		}
		return true
	case anyOne:
		w.found = n
		return false
	case counting:
		w.count++
		return true
	case nth:
		if w.left--; w.left > 0 {
			return true
		}
		w.found = n
		return false
	case lowest:
		if w.found == nil || xmltree.Compare(n, w.found) < 0 {
			w.found = n
		}
		return true
	case highest:
		w.found = n
		return true
	case distinct:
		if w.nodes = append(w.nodes, n); len(w.nodes)%batch == 0 {
			w.c.due += batch
		}
		return len(w.nodes) < w.room || w.tidy()
	case comparing, matching, meeting, gathering, bounding, telling:
		return w.compare(n)
	case adding:
		var s string
		s, w.err = text(w.c, n)
		w.num += ParseNumber(s)
		return w.err == nil
	}
	return w.visit(n)
}

// tidy drops the duplicates so far, so that a set never needs much more room
// than there are nodes.
func (w *walker) tidy() bool {
	var set []*xmltree.Node
	set, w.err = inOrder(w.c, w.nodes[w.base:])
	w.nodes = w.nodes[:w.base+len(set)]
	w.room = max(w.base+2*len(set), w.room)
	return w.err == nil
}

// roomToTidy is how many nodes are collected before duplicates are dropped.
const roomToTidy = 4096

// step charges for one node.
func (w *walker) step() bool {
	if w.c.due++; w.c.due < batch {
		return true
	}
	return w.pay()
}

func (w *walker) pay() bool {
	w.err = w.c.pay()
	return w.err == nil
}

// from walks steps from n.
func (w *walker) from(n *xmltree.Node, steps []*step) bool {
	if len(steps) == 0 {
		return w.take(n)
	}
	s, rest := steps[0], steps[1:]
	switch {
	case s.sweep != nil:
		return w.sweep(n, s.sweep, rest)
	case s.sized:
		return w.chosen(n, s, rest)
	case len(s.preds) > 0:
		if s.axis == child && len(s.preds) == 1 && s.preds[0].at > 0 {
			return w.numbered(n, s, rest)
		}
		return w.along(n, s, rest)
	}
	switch s.axis {
	case child:
		return w.children(n, s, rest)
	case descendant, descendantOrSelf:
		return w.under(n, s, rest)
	case attribute:
		if s.test.of == oneName {
			if s.test.kind == xmltree.Attribute {
				n = n.AttrNode(s.test.name.Space, s.test.name.Local)
				return w.step() && (n == nil || w.from(n, rest))
			}
			return true
		}
	case self:
		return w.step() && (!s.test.matches(n) || w.from(n, rest))
	case parent:
		n = n.Parent()
		return w.step() && (n == nil || !s.test.matches(n) || w.from(n, rest))
	}
	return w.along(n, s, rest)
}

// children walks a step on the child axis without predicates.
func (w *walker) children(n *xmltree.Node, s *step, rest []*step) bool {
	t := &s.test
	if t.of != oneName || t.kind != xmltree.Element {
		for m := n.First(); m != nil; m = m.Next() {
			if !w.step() || t.matches(m) && !w.from(m, rest) {
				return false
			}
		}
		return true
	}
	for m := firstChild(w.c, n, t); m != nil; m = m.Next() {
		if !w.step() {
			return false
		}
		if m.Kind() != xmltree.Element || !alike(m.Local(), t.name.Local) || m.Space() != t.name.Space {
			continue
		}
		if len(rest) == 0 {
			if !w.take(m) {
				return false
			}
		} else if !w.from(m, rest) {
			return false
		}
	}
	return true
}

// numbered walks a step on the child axis whose only predicate is a number.
func (w *walker) numbered(n *xmltree.Node, s *step, rest []*step) bool {
	c, t, left := w.c, &s.test, s.preds[0].at
	m := n.First()
	if t.of == oneName && t.kind == xmltree.Element {
		m = firstChild(c, n, t)
	}
	for ; m != nil; m = m.Next() {
		if c.due++; c.due >= batch && !w.pay() {
			return false
		}
		if !t.matches(m) {
			continue
		}
		if left--; left == 0 {
			return w.from(m, rest)
		}
	}
	return true
}

// walkFirst is how many children are looked at before an index is asked for:
// building one is dear and pays only where there are very many.
const walkFirst = 64

// firstChild returns a child of n before which none passes t, nil if none does.
func firstChild(c *Context, n *xmltree.Node, t *nodeTest) *xmltree.Node {
	m := n.First()
	if t.name.Space != "" {
		return m
	}
	for i := range walkFirst {
		if m == nil || m.Kind() == xmltree.Element && alike(m.Local(), t.name.Local) && m.Space() == "" {
			c.due += i / 8
			return m
		}
		m = m.Next()
	}
	c.due += walkFirst / 8
	return n.Child(t.name.Local)
}

// under walks a step on the axis descendant or descendant-or-self without
// predicates.
func (w *walker) under(top *xmltree.Node, s *step, rest []*step) bool {
	c, t := w.c, &s.test
	named := t.of == oneName && t.kind == xmltree.Element
	m := top
	if s.axis == descendant {
		if m = top.First(); m == nil {
			return true
		}
	}
	for {
		if c.due++; c.due >= batch && !w.pay() {
			return false
		}
		kind := m.Kind()
		var hit bool
		if named {
			hit = kind == xmltree.Element && alike(m.Local(), t.name.Local) && m.Space() == t.name.Space
		} else {
			hit = t.matches(m)
		}
		if hit {
			if len(rest) == 0 {
				if !w.take(m) {
					return false
				}
			} else if !w.from(m, rest) {
				return false
			}
		}
		if kind <= xmltree.Element {
			if first := m.First(); first != nil && !(t.kind == xmltree.Element && childless(first)) {
				m = first
				continue
			}
		}
		for m != top {
			if next := m.Next(); next != nil {
				m = next
				break
			}
			m = m.Parent()
		}
		if m == top {
			return true
		}
	}
}

// alike is s == t, which is seldom asked of what is alike and short.
func alike(s, t string) bool {
	return len(s) == len(t) && s[len(s)-1] == t[len(t)-1] && s[0] == t[0] && s == t
}

// along walks a step on any axis whose predicates need no size.
func (w *walker) along(n *xmltree.Node, s *step, rest []*step) bool {
	var k cursor
	var pos positions
	for m := s.enter(w.c, &k, n); m != nil; m = k.next(m) {
		if !w.step() {
			return false
		}
		if !s.test.matches(m) {
			continue
		}
		if s.preds != nil {
			ok, err := s.accepts(w.c, m, &pos)
			if err != nil {
				w.err = err
				return false
			}
			if !ok {
				if s.exhausted(&pos) {
					break
				}
				continue
			}
		}
		if !w.from(m, rest) {
			return false
		}
		if s.exhausted(&pos) {
			break
		}
	}
	return true
}

// chosen walks a step with predicates that need the size.
func (w *walker) chosen(n *xmltree.Node, s *step, rest []*step) bool {
	nodes, err := s.selected(w.c, n)
	if err != nil {
		w.err = err
		return false
	}
	for _, m := range nodes {
		if !w.from(m, rest) {
			return false
		}
	}
	return true
}
