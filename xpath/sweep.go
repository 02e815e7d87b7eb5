package xpath

import (
	"math/bits"

	"sutler/xmltree"
)

// sweep is a row of steps down the tree, the first of them to any depth, which
// one by one would meet nodes out of order or twice: //a/b, //a//b, //a[1]. It
// is walked once over all nodes below, in document order, with a note of the
// steps that lead to each: bit i of a mask says that steps[:i] select a node.
type sweep struct {
	steps    []*step
	kids     uint32 // the steps on the child axis
	deep     uint32 // those to any depth
	self     uint32 // … which take the node itself too
	slots    []int  // for a positional step: which of the counters of a level is its own
	count    int    // counters of a level
	elements bool   // only elements lead further or can be reached
	bare     bool   // no step has predicates or takes the node itself
}

// longestSweep is how many steps a sweep can have.
const longestSweep = 24

// sweepable returns how many steps, from the first on, are better swept when
// they start from nodes in state st.
func sweepable(steps []*step, st state) int {
	if !st.single && !(st.ordered && st.apart) {
		return 0
	}
	n := 0
	for ; n < len(steps) && n < longestSweep; n++ {
		s := steps[n]
		deep := s.axis == descendant || s.axis == descendantOrSelf
		if s.axis != child && !deep || deep && s.positional || n == 0 && !deep {
			break
		}
		st = s.from(st)
	}
	if st.ordered && st.unique {
		return 0
	}
	return n
}

func newSweep(steps []*step) *step {
	w := &sweep{steps: steps, slots: make([]int, len(steps)), elements: steps[len(steps)-1].test.kind == xmltree.Element, bare: true}
	for i, s := range steps {
		switch s.axis {
		case child:
			w.kids |= 1 << i
		case descendantOrSelf:
			w.self |= 1 << i
			w.deep |= 1 << i
		default:
			w.deep |= 1 << i
		}
		w.bare = w.bare && len(s.preds) == 0 && s.axis != descendantOrSelf
		if s.positional {
			w.slots[i] = w.count
			w.count++
			w.elements = w.elements && s.test.kind == xmltree.Element
		}
	}
	return &step{sweep: w}
}

// level is what is known where the children of one node are walked.
type level struct {
	deep int    // the last step that takes all below them, -1: none
	kids uint32 // the steps behind that which take these children
}

// below returns the level of the children of a node to which the steps of mask
// lead. What a step before a deep one would lead to further down is led to by
// that as well.
func (sw *sweep) below(at level, mask uint32) level {
	if deep := mask & sw.deep; deep != 0 {
		at.deep = max(at.deep, bits.Len32(deep)-1)
	}
	at.kids = mask & sw.kids >> (at.deep + 1) << (at.deep + 1)
	return at
}

// counter is the state of a positional step among the children of one node.
type counter struct {
	pos   positions
	known bool            // only and rest are set
	only  *xmltree.Node   // [last()]: the one
	rest  []*xmltree.Node // sized: those still to come
}

// sweep walks sw below top, and rest from each node that all its steps reach.
func (w *walker) sweep(top *xmltree.Node, sw *sweep, rest []*step) bool {
	c, reached := w.c, uint32(1)<<len(sw.steps)
	mask, ok := w.inPlace(sw, top, 1)
	if !ok || mask&reached != 0 && !w.from(top, rest) {
		return false
	}
	var levelRoom [16]level
	var counterRoom [8]counter
	m, at := top.First(), sw.below(level{deep: -1}, mask)
	if m == nil {
		return true
	}
	levels, counters := append(levelRoom[:0], at), moreCounters(counterRoom[:0], sw.count)
	for {
		if c.due++; c.due >= batch && !w.pay() {
			return false
		}
		if m.Kind() == xmltree.Element || !sw.elements {
			mask, ok := w.reach(sw, at, counters[len(counters)-sw.count:], m)
			switch {
			case !ok:
				return false
			case mask&reached == 0:
			case len(rest) == 0:
				if !w.take(m) {
					return false
				}
			case !w.from(m, rest):
				return false
			}
			if first := m.First(); first != nil && !(sw.elements && childless(first)) {
				if inner := sw.below(at, mask); inner.deep >= 0 || inner.kids != 0 {
					levels, counters = append(levels, inner), moreCounters(counters, sw.count)
					m, at = first, inner
					continue
				}
			}
		}
		for m.Next() == nil {
			m = m.Parent()
			levels, counters = levels[:len(levels)-1], counters[:len(counters)-sw.count]
			if len(levels) == 0 {
				return true
			}
			at = levels[len(levels)-1]
		}
		m = m.Next()
	}
}

// childless reports whether an element whose first child is first has no child
// that is an element, where that is quickly seen.
func childless(first *xmltree.Node) bool {
	return first.Kind() != xmltree.Element && first.Next() == nil
}

func moreCounters(counters []counter, n int) []counter {
	for range n {
		counters = append(counters, counter{})
	}
	return counters
}

// reach returns which steps lead to m, a child on level at.
func (w *walker) reach(sw *sweep, at level, counters []counter, m *xmltree.Node) (mask uint32, ok bool) {
	open := at.kids
	if at.deep >= 0 {
		open |= 1 << at.deep
	}
	if sw.bare && m.Kind() == xmltree.Element {
		local := m.Local()
		for ; open != 0; open &= open - 1 {
			i := bits.TrailingZeros32(open)
			if t := &sw.steps[i].test; t.of == oneName && t.kind == xmltree.Element {
				if alike(local, t.name.Local) && m.Space() == t.name.Space {
					mask |= 2 << i
				}
			} else if t.matches(m) {
				mask |= 2 << i
			}
		}
		return mask, true
	}
	for ; open != 0; open &= open - 1 {
		i := bits.TrailingZeros32(open)
		s := sw.steps[i]
		if !s.test.matches(m) {
			continue
		}
		if len(s.preds) > 0 {
			var of *counter
			if s.positional {
				of = &counters[sw.slots[i]]
			}
			if ok, err := s.passes(w.c, m, of); !ok {
				if w.err = err; err != nil {
					return 0, false
				}
				continue
			}
		}
		mask |= 2 << i
	}
	if mask&sw.self == 0 {
		return mask, true
	}
	return w.inPlace(sw, m, mask)
}

// inPlace adds to mask the steps that lead from m to itself.
func (w *walker) inPlace(sw *sweep, m *xmltree.Node, mask uint32) (uint32, bool) {
	for open := sw.self; open != 0; open &= open - 1 {
		i := bits.TrailingZeros32(open)
		if s := sw.steps[i]; mask&(1<<i) == 0 || mask&(2<<i) != 0 || !s.test.matches(m) {
			continue
		} else if len(s.preds) > 0 {
			if ok, err := s.accepts(w.c, m, nil); !ok {
				if w.err = err; err != nil {
					return 0, false
				}
				continue
			}
		}
		mask |= 2 << i
	}
	return mask, true
}

// passes reports whether m, which passes the test of s, passes its predicates
// as the next child of its parent. of is nil if no position counts.
func (s *step) passes(c *Context, m *xmltree.Node, of *counter) (bool, error) {
	switch {
	case of == nil:
		return s.accepts(c, m, nil)
	case !s.sized:
		if s.exhausted(&of.pos) {
			return false, nil
		}
		return s.accepts(c, m, &of.pos)
	case of.known:
	case s.preds[0].last && len(s.preds) == 1:
		of.known = true
		last := m.Parent().Last()
		for ; last != m && !s.test.matches(last); last = last.Prev() {
			if err := charge(c, 1); err != nil {
				return false, err
			}
		}
		of.only = last
	default:
		nodes, err := s.selected(c, m.Parent())
		if err != nil {
			return false, err
		}
		of.known, of.rest = true, nodes
	}
	if of.only != nil {
		return of.only == m, nil
	}
	if len(of.rest) == 0 || of.rest[0] != m {
		return false, nil
	}
	of.rest = of.rest[1:]
	return true, nil
}
