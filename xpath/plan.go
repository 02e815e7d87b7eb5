package xpath

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
	steps  []*step // some of them put together as sweeps
	cuts   []int   // after how many steps the nodes must be put in order before the walk goes on
	order  order   // of the nodes at the end of the walk
	unique bool    // the end of the walk meets each node once
}

type order uint8

const (
	unordered order = iota
	ascending       // document order
	descending
)

// streams reports whether the walk meets each node once, in document order.
func (p *plan) streams() bool { return p.order == ascending && p.unique }

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
	for i := 0; i < len(steps); {
		if !st.unique {
			p.cuts = append(p.cuts, len(p.steps))
			st = state{ordered: true, unique: true}
		}
		if n := sweepable(steps[i:], st); n > 0 {
			p.steps = append(p.steps, newSweep(steps[i:i+n]))
			st = state{ordered: true, unique: true}
			i += n
			continue
		}
		p.steps = append(p.steps, steps[i])
		st = steps[i].from(st)
		i++
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
