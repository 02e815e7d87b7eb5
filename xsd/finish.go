package xsd

import "sutler/xmltree"

// finishType makes the model of t, now that all particles and all members of
// substitution groups are known, and checks it.
func (c *compiler) finishType(t *typeDef) {
	if t.content == textContent || t.particles == nil && t.model == nil {
		return
	}
	if c.spent || !c.spend(t.particles.count()+len(t.model.leaves())) {
		return
	}
	if t.particles != nil {
		t.model = &model{root: t.particles.simplified()}
	}
	t.model.finish()
	c.consistent(t.model, t.node)
	c.checkModel(t.model)
}

// leaves returns the elements of an xs:all.
func (m *model) leaves() []*particle {
	if m == nil {
		return nil
	}
	return m.all
}

// count counts the particles in p, which may be nil, and the names of elements.
func (p *particle) count() int {
	if p == nil {
		return 0
	}
	n := 1
	if p.elem != nil {
		n += len(p.elem.members)
	}
	for _, part := range p.parts {
		n += part.count()
	}
	return n
}

// simplified returns p without groups of one part, whose occurrences are
// multiplied where that leaves no gaps.
func (p *particle) simplified() *particle {
	if p.group == leaf {
		return p
	}
	q := *p
	q.parts = nil
	for _, part := range p.parts {
		q.parts = append(q.parts, part.simplified())
	}
	if len(q.parts) != 1 {
		return &q
	}
	in := q.parts[0]
	m, n := in.min, in.max
	switch {
	case q.min == 1 && q.max == 1:
		return in
	case n == unbounded && (q.min > 0 || m <= 1), n != unbounded && (q.min == q.max || (q.min+1)*m <= q.min*n+1):
	default:
		return &q
	}
	out := *in
	out.min = q.min * m
	if n != unbounded && q.max != unbounded {
		out.max = q.max * n
	} else {
		out.max = unbounded
	}
	return &out
}

// consistent checks that elements of one name in a model have one type
// (Schema Component Constraint: Element Declarations Consistent).
func (c *compiler) consistent(m *model, n *xmltree.Node) {
	types := map[qname]*typeDef{}
	m.each(func(p *particle) {
		if p.elem == nil {
			return
		}
		e := p.elem
		if was := types[e.name]; was != nil && was != e.typ && !c.full() {
			c.report(p.node, "XS020", "give both the same named type", "element %s is of %s here and of %s before, in one content model", quoted(e.name), e.typ.what, was.what)
			return
		}
		types[e.name] = e.typ
	})
}

// each calls f for every leaf of m.
func (m *model) each(f func(*particle)) {
	for _, p := range m.all {
		f(p)
	}
	if m.root != nil {
		m.root.each(f)
	}
}

func (p *particle) each(f func(*particle)) {
	if p.group == leaf {
		f(p)
	}
	for _, part := range p.parts {
		part.each(f)
	}
}
