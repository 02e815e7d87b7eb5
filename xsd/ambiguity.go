package xsd

import (
	"maps"
	"slices"
)

// A content model must leave no choice: each child is let in by one particle,
// which is known without looking at what follows (Schema Component Constraint:
// Unique Particle Attribution). Counters make that a question of numbers too:
// behind (a{2,3}) an a may be the third or the first of something else, behind
// (a{2,2}) it may not. And where a loop leads from a particle back to the same
// particle, as in (a{1,2}, b?){3,4}, the Recommendation sees no ambiguity, but the
// counts do depend on what follows; such a model is refused too, unless going
// on with the inner count first is always right: that makes the fewest rounds of
// the outer loop, which must not ask for more than one, and the longest of the
// inner one, which must not leave a rest that is too short for a round.

// beginning is a particle that may come next. It is rigid when its loop asks
// for more than one occurrence and ends at some number: going on until then
// could leave too few for the next round.
type beginning struct {
	p     *particle
	rigid bool
}

// beginnings are what may come next, by name, and the wildcards.
type beginnings struct {
	names map[qname][]beginning
	wilds []beginning
}

func (b *beginnings) add(q qname, x beginning) {
	if b.names == nil {
		b.names = map[qname][]beginning{}
	}
	b.names[q] = join(b.names[q], x)
}

func join(all []beginning, x beginning) []beginning {
	for i := range all {
		if all[i].p == x.p {
			all[i].rigid = all[i].rigid || x.rigid
			return all
		}
	}
	return append(slices.Clip(all), x)
}

// merge adds what is in other to b, all of it rigid if that is said.
func (a *ambiguity) merge(b, other *beginnings, rigid bool) {
	for q, xs := range other.names {
		for _, x := range xs {
			if !a.c.spend(1 + len(b.names[q])/8) {
				return
			}
			b.add(q, beginning{x.p, x.rigid || rigid})
		}
	}
	for _, x := range other.wilds {
		if !a.c.spend(1 + len(b.wilds)/8) {
			return
		}
		b.wilds = join(b.wilds, beginning{x.p, x.rigid || rigid})
	}
}

func (b *beginnings) size() int { return len(b.names) + len(b.wilds) }

// ambiguity looks for choices in one model. It reports the first.
type ambiguity struct {
	c     *compiler
	found bool
}

// checkModel reports an ambiguous model.
func (c *compiler) checkModel(m *model) {
	if m.root == nil {
		return
	}
	a := &ambiguity{c: c}
	a.look(m.root)
}

// look returns what p may begin with, and what may go on inside of p at a
// point where p may also end.
func (a *ambiguity) look(p *particle) (first, cont *beginnings) {
	first, cont = &beginnings{}, &beginnings{}
	if a.found {
		return first, cont
	}
	if p.group == leaf {
		if p.any != nil {
			first.wilds = []beginning{{p, false}}
		} else {
			for q := range p.elem.matches() {
				first.add(q, beginning{p, false})
			}
		}
	} else {
		first, cont = a.lookInside(p)
	}
	least := p.min
	if p.bodyEmpty {
		least = 0
	}
	if p.group != leaf && p.more(1) {
		a.loop(p, cont, first, least)
	}
	if p.optional() {
		a.merge(cont, first, least > 1 && p.max != unbounded)
	}
	if a.c.spent {
		a.found = true
	}
	return first, cont
}

// lookInside looks at one occurrence of a group.
func (a *ambiguity) lookInside(p *particle) (first, cont *beginnings) {
	first, cont = &beginnings{}, &beginnings{}
	open := true
	for i, part := range p.parts {
		f, c := a.look(part)
		if p.group == choice {
			a.clash(first, f)
			a.merge(first, f, false)
			a.merge(cont, c, false)
			continue
		}
		a.clash(cont, f)
		if open {
			a.clash(first, f)
			a.merge(first, f, false)
		}
		if !part.empty() {
			cont, open = c, false
			continue
		}
		a.merge(cont, c, false)
		if i > 0 {
			a.merge(cont, f, false)
		}
	}
	return first, cont
}

// clash reports when something could be let in by both sides.
func (a *ambiguity) clash(x, y *beginnings) {
	if a.found || x.size() == 0 || y.size() == 0 {
		return
	}
	small, large := y, x
	if len(small.names) > len(large.names) {
		small, large = large, small
	}
	for _, q := range sorted(small.names) {
		if len(large.names[q]) > 0 {
			a.report(q, x.names[q][0].p, y.names[q][0].p)
			return
		}
	}
	for _, w := range x.wilds {
		a.clashWild(w.p, y)
	}
	for _, w := range y.wilds {
		a.clashWild(w.p, &beginnings{names: x.names})
	}
}

func sorted(names map[qname][]beginning) []qname {
	return slices.SortedFunc(maps.Keys(names), func(a, b qname) int {
		return compareNames(a, b)
	})
}

// clashWild reports when a wildcard lets in something of b.
func (a *ambiguity) clashWild(w *particle, b *beginnings) {
	if a.found || !a.c.spend(b.size()) {
		return
	}
	for _, q := range sorted(b.names) {
		if w.any.allows(q.space) {
			a.report(q, w, b.names[q][0].p)
			return
		}
	}
	for _, x := range b.wilds {
		if w.any.overlaps(x.p.any) {
			a.found = true
			a.c.report(x.p.node, "XS016", "let them allow different namespaces", "the content model is ambiguous: an element could be let in by two wildcards")
			return
		}
	}
}

// loop looks at what happens when p begins anew: cont goes on in the last
// occurrence, first begins the next one.
func (a *ambiguity) loop(p *particle, cont, first *beginnings, least int) {
	if a.found {
		return
	}
	for _, q := range sorted(cont.names) {
		for _, x := range cont.names[q] {
			for _, y := range first.names[q] {
				a.again(p, q, x, y, least)
			}
		}
	}
	for _, x := range cont.wilds {
		for _, y := range first.wilds {
			if x.p == y.p || x.p.any.overlaps(y.p.any) {
				a.again(p, qname{local: "*"}, x, y, least)
			}
		}
		a.clashWild(x.p, &beginnings{names: first.names})
	}
	for _, y := range first.wilds {
		a.clashWild(y.p, &beginnings{names: cont.names})
	}
}

func (a *ambiguity) again(p *particle, q qname, x, y beginning, least int) {
	switch {
	case a.found:
	case x.p != y.p:
		a.report(q, x.p, y.p)
	case x.rigid || least > 1:
		a.found = true
		a.c.report(p.node, "XS017", "give only one of the two a minOccurs above 1, or take one loop away",
			"the content model counts %s in two loops, one inside the other, and how far the inner one goes depends on what follows", quoted(q))
	}
}

func (a *ambiguity) report(q qname, x, y *particle) {
	a.found = true
	other := " of another place"
	if x.node != nil && x.node.Pos().Line > 0 {
		other = " at " + x.node.Pos().String()
	}
	a.c.report(y.node, "XS016", "let each place of the model begin with other names; (a, b) | (a, c) is a, (b | c)",
		"the content model is ambiguous: %s could be let in here or by that%s", quoted(q), other)
}
