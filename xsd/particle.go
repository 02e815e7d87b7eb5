package xsd

import (
	"slices"
	"sort"

	"sutler/xmltree"
)

// unbounded is a maxOccurs without limit.
const unbounded = -1

// grouping is what a particle is.
type grouping uint8

const (
	leaf grouping = iota // an element or a wildcard
	sequence
	choice
)

// particle is a piece of a content model and how often it may occur.
type particle struct {
	min, max int // max is unbounded, or a number
	group    grouping
	elem     *element
	any      *wildcard
	parts    []*particle // of a group
	node     *xmltree.Node

	// What finish finds out, for running the model.
	bodyEmpty bool            // one occurrence may be empty
	first     map[qname][]int // of a group: the parts that may begin with that name, in order
	wild      []int           // the parts that may begin with a wildcard
	starts    []*wildcard     // the wildcards that the particle may begin with
	solid     []int           // of a sequence: how many of parts[:i] cannot be empty
}

// empty reports whether the particle may match nothing.
func (p *particle) empty() bool { return p.min == 0 || p.bodyEmpty }

// more reports whether an occurrence may follow n of them.
func (p *particle) more(n int) bool { return p.max == unbounded || n < p.max }

// enough reports whether n occurrences are enough.
func (p *particle) enough(n int) bool { return n >= p.min || p.bodyEmpty }

// optional reports whether there is a number of occurrences after which
// another one may come and need not.
func (p *particle) optional() bool {
	least := p.min
	if p.bodyEmpty {
		least = 0
	}
	return p.max == unbounded || max(least, 1) < p.max
}

// model is the content model of a type: a tree of particles, or an all group.
type model struct {
	root  *particle
	all   []*particle   // elements in any order, each once; nil: it is root
	least int           // of all: 0 or 1
	index map[qname]int // of all

	names map[qname]*element // every element that is named, those that stand in for it too
}

// finish prepares m for running.
func (m *model) finish() {
	m.names = map[qname]*element{}
	if m.all != nil {
		m.index = map[qname]int{}
		for i, p := range m.all {
			for q, e := range p.elem.matches() {
				m.index[q] = i
				m.names[q] = e
			}
		}
		return
	}
	m.root.finish(m.names)
}

// finish prepares p and returns the names that p may begin with.
func (p *particle) finish(all map[qname]*element) []qname {
	if p.group == leaf {
		if p.any != nil {
			p.starts = []*wildcard{p.any}
			return nil
		}
		var names []qname
		for q, e := range p.elem.matches() {
			all[q] = e
			names = append(names, q)
		}
		return names
	}
	p.first, p.wild, p.starts, p.bodyEmpty = map[qname][]int{}, nil, nil, p.group == sequence
	p.solid = make([]int, len(p.parts)+1)
	var names []qname
	open := true // all parts so far may be empty
	for i, part := range p.parts {
		for _, q := range part.finish(all) {
			if p.first[q] == nil && open {
				names = append(names, q)
			}
			if at := p.first[q]; len(at) == 0 || at[len(at)-1] != i {
				p.first[q] = append(at, i)
			}
		}
		if part.starts != nil {
			p.wild = append(p.wild, i)
			if open {
				p.starts = append(p.starts, part.starts...)
			}
		}
		p.solid[i+1] = p.solid[i]
		if p.group == choice {
			p.bodyEmpty = p.bodyEmpty || part.empty()
		} else if !part.empty() {
			p.solid[i+1]++
			p.bodyEmpty, open = false, false
		}
	}
	return names
}

// matches returns the elements that stand where e is asked for, by name.
func (e *element) matches() map[qname]*element {
	all := map[qname]*element{e.name: e}
	for q, m := range e.members {
		all[q] = m
	}
	return all
}

// find returns the part of a group, from part i on, that begins with q; a
// sequence is followed only over parts that may be empty.
func (p *particle) find(q qname, from int) (int, bool) {
	at := p.first[q]
	i := sort.SearchInts(at, from)
	if i < len(at) && p.reaches(from, at[i]) {
		return at[i], true
	}
	for _, w := range p.wild[sort.SearchInts(p.wild, from):] {
		if !p.reaches(from, w) {
			break
		}
		if slices.ContainsFunc(p.parts[w].starts, func(x *wildcard) bool { return x.allows(q.space) }) {
			return w, true
		}
	}
	return 0, false
}

// reaches reports whether what begins with part from may begin with part i.
func (p *particle) reaches(from, i int) bool {
	return p.group == choice || p.solid[i] == p.solid[from]
}

// finished reports whether nothing more need come behind part i of a group.
func (p *particle) finished(i int) bool {
	return p.group == choice || p.solid[len(p.parts)] == p.solid[i+1]
}

// run is a model on its way through the children of an element: the particles
// from the root to where it is.
type run struct {
	m     *model
	stack []place
	seen  []bool // of an all group
}

// place is a particle with its current occurrence, and of a group its part.
type place struct {
	p     *particle
	count int
	part  int
}

// step takes a child of that name. It returns the declaration or the wildcard
// that lets it in; with neither nothing has changed.
func (r *run) step(q qname) (*element, *wildcard) {
	if r.m.all != nil {
		return r.stepAll(q), nil
	}
	if len(r.stack) == 0 {
		return r.begin(q)
	}
	for d := len(r.stack) - 1; d >= 0; d-- {
		at := &r.stack[d]
		if at.p.group == leaf {
			if at.p.more(at.count) {
				if e, w := at.p.let(q); e != nil || w != nil {
					r.stack = r.stack[:d+1]
					at.count++
					return e, w
				}
			}
		} else {
			if at.p.group == sequence {
				if i, ok := at.p.find(q, at.part+1); ok {
					r.stack = r.stack[:d+1]
					at.part = i
					return r.enter(at.p.parts[i], q)
				}
			}
			if !at.p.finished(at.part) {
				return nil, nil
			}
			if at.p.more(at.count) {
				if i, ok := at.p.find(q, 0); ok {
					r.stack = r.stack[:d+1]
					at.count, at.part = at.count+1, i
					return r.enter(at.p.parts[i], q)
				}
			}
		}
		if !at.p.enough(at.count) {
			return nil, nil
		}
	}
	return nil, nil
}

// begin takes the first child.
func (r *run) begin(q qname) (*element, *wildcard) {
	root := r.m.root
	if root.max == 0 {
		return nil, nil
	}
	if root.group == leaf {
		if e, w := root.let(q); e == nil && w == nil {
			return nil, nil
		}
	} else if _, ok := root.find(q, 0); !ok {
		return nil, nil
	}
	return r.enter(root, q)
}

// enter goes down into p, which may begin with q.
func (r *run) enter(p *particle, q qname) (*element, *wildcard) {
	for p.group != leaf {
		i, _ := p.find(q, 0)
		r.stack = append(r.stack, place{p, 1, i})
		p = p.parts[i]
	}
	r.stack = append(r.stack, place{p: p, count: 1})
	return p.let(q)
}

// let returns what lets q in at a leaf.
func (p *particle) let(q qname) (*element, *wildcard) {
	switch {
	case p.any != nil:
		if p.any.allows(q.space) {
			return nil, p.any
		}
	case q == p.elem.name:
		return p.elem, nil
	default:
		return p.elem.members[q], nil
	}
	return nil, nil
}

func (r *run) stepAll(q qname) *element {
	i, ok := r.m.index[q]
	if !ok {
		return nil
	}
	if r.seen == nil {
		r.seen = make([]bool, len(r.m.all))
	}
	if r.seen[i] {
		return nil
	}
	r.seen[i] = true
	return r.m.names[q]
}

// complete reports whether the element may end here.
func (r *run) complete() bool {
	if r.m.all != nil {
		if r.seen == nil && r.m.least == 0 {
			return true
		}
		for i, p := range r.m.all {
			if p.min > 0 && (r.seen == nil || !r.seen[i]) {
				return false
			}
		}
		return true
	}
	if len(r.stack) == 0 {
		return r.m.root.empty()
	}
	for d := len(r.stack) - 1; d >= 0; d-- {
		at := r.stack[d]
		if at.p.group != leaf && !at.p.finished(at.part) || !at.p.enough(at.count) {
			return false
		}
	}
	return true
}

// mostWanted is how many names an error lists.
const mostWanted = 8

// wanted lists what may come here, for a message, without doubles.
func (r *run) wanted() []string {
	var out []string
	add := func(word string) {
		if !slices.Contains(out, word) && len(out) <= mostWanted {
			out = append(out, word)
		}
	}
	if r.m.all != nil {
		for i, p := range r.m.all {
			if r.seen == nil || !r.seen[i] {
				p.begins(add)
			}
		}
		return out
	}
	if len(r.stack) == 0 {
		if r.m.root.max != 0 {
			r.m.root.begins(add)
		}
		return out
	}
	for d := len(r.stack) - 1; d >= 0; d-- {
		at := r.stack[d]
		if at.p.group == leaf {
			if at.p.more(at.count) {
				at.p.begins(add)
			}
		} else {
			if at.p.group == sequence {
				at.p.beginsFrom(at.part+1, add)
			}
			if !at.p.finished(at.part) {
				return out
			}
			if at.p.more(at.count) {
				at.p.begins(add)
			}
		}
		if !at.p.enough(at.count) {
			return out
		}
	}
	return out
}

// begins calls add with what p may begin with.
func (p *particle) begins(add func(string)) {
	switch {
	case p.any != nil:
		add(p.any.String())
	case p.elem != nil:
		add(quoted(p.elem.name))
	case p.group == choice:
		for _, part := range p.parts[:min(len(p.parts), 4*mostWanted)] {
			part.begins(add)
		}
	default:
		p.beginsFrom(0, add)
	}
}

func (p *particle) beginsFrom(i int, add func(string)) {
	for _, part := range p.parts[i:min(len(p.parts), i+4*mostWanted)] {
		part.begins(add)
		if !part.empty() {
			return
		}
	}
}
