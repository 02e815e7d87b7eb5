package xmltree

import "strings"

// comparer decides which elements contain which, as merging needs it. It
// charges a step for each node it looks at; once the budget is used up err is
// set and every answer is no.
type comparer struct {
	budget *Budget
	err    error
	known  map[[2]*Node]bool // answers for elements with child elements
}

func (c *comparer) step(n int) {
	if c.err == nil {
		c.err = c.budget.Steps(int64(n))
	}
}

// within reports whether t contains s: they have the same expanded name, and
// t has every attribute of s, the own text of s, unless s has none, and for
// each child element of s another one that contains it. An element without
// attributes, text and child elements is contained only in another such.
// White space around own text does not count, comments and processing
// instructions neither.
func (c *comparer) within(s, t *Node) bool {
	if c.step(1); c.err != nil || !t.Is(s.name.Space, s.name.Local) {
		return false
	}
	if bare(s) || bare(t) {
		return bare(s) && bare(t)
	}
	if !c.attrsWithin(s, t) {
		return false
	}
	if text := ownText(s); text != "" && text != ownText(t) {
		return false
	}
	if s.FirstElement() == nil {
		return true
	}
	pair := [2]*Node{s, t}
	answer, ok := c.known[pair]
	if ok {
		return answer
	}
	if c.known == nil {
		c.known = make(map[[2]*Node]bool)
	}
	answer = c.inOrder(s, t) || c.inAnyOrder(s, t)
	c.known[pair] = answer
	return answer
}

// attrsWithin reports whether t has every attribute of s with its value.
func (c *comparer) attrsWithin(s, t *Node) bool {
	n := 0
	for a := s.attrs; a != nil; a = a.next {
		n++
	}
	c.step(n)
	if n <= 16 {
		for a := s.attrs; a != nil; a = a.next {
			if b := t.AttrNode(a.name.Space, a.name.Local); b == nil || b.value != a.value {
				return false
			}
		}
		return true
	}
	type name struct{ space, local string }
	values := make(map[name]string)
	for b := t.attrs; b != nil; b = b.next {
		values[name{b.name.Space, b.name.Local}] = b.value
	}
	c.step(len(values))
	for a := s.attrs; a != nil; a = a.next {
		if v, ok := values[name{a.name.Space, a.name.Local}]; !ok || v != a.value {
			return false
		}
	}
	return true
}

// inOrder tries to find the child elements of s in t in the order of both,
// which is how they mostly are. No means nothing.
func (c *comparer) inOrder(s, t *Node) bool {
	y := t.FirstElement()
	for x := s.FirstElement(); x != nil; x = x.NextElement() {
		for y != nil && !c.within(x, y) {
			y = y.NextElement()
		}
		if y == nil {
			return false
		}
		y = y.NextElement()
	}
	return true
}

// inAnyOrder reports whether each child element of s can have a child element
// of t to itself that contains it: a matching by augmenting paths.
func (c *comparer) inAnyOrder(s, t *Node) bool {
	if first := s.FirstElement(); first.NextElement() == nil {
		return false // inOrder has tried it with all
	}
	a := assignment{comparer: c, index: newMergeIndex(c, t)}
	for x := s.FirstElement(); x != nil; x = x.NextElement() {
		r := newRecord(c, x)
		in := a.index.rarest(r.features)
		if in == nil {
			return false
		}
		a.sources, a.in = append(a.sources, r.node), append(a.in, in)
	}
	if len(a.sources) > len(a.index.children) {
		return false
	}
	a.owner = make([]int, len(a.index.children))
	a.tried = make([]int, len(a.index.children))
	for i := range a.sources {
		if !a.assign(i, i+1) {
			return false
		}
	}
	return true
}

// assignment gives each source a child of the index to itself.
type assignment struct {
	*comparer
	index   *mergeIndex
	sources []*Node
	in      []*places // where the candidates of each source are
	owner   []int     // of each child: 1 + its source, or 0
	tried   []int     // the last round in which a child was tried
}

// assign finds a child for source i; other sources move if they must.
func (a *assignment) assign(i, round int) bool {
	p := a.in[i]
	free := func(k int) bool { return a.owner[k] == 0 }
	for j := p.skip(free); j < len(p.at); j++ {
		if k := p.at[j]; free(k) && a.within(a.sources[i], a.index.children[k].node) {
			a.owner[k] = i + 1
			return true
		}
	}
	for _, k := range p.at {
		if a.step(1); a.err != nil {
			return false
		}
		if a.tried[k] == round || !a.within(a.sources[i], a.index.children[k].node) {
			continue
		}
		a.tried[k] = round
		if a.assign(a.owner[k]-1, round) {
			a.owner[k] = i + 1
			return true
		}
	}
	return false
}

// bare reports whether n has no attributes, no own text and no child elements.
func bare(n *Node) bool {
	return n.attrs == nil && (n.first == nil || n.FirstElement() == nil && ownText(n) == "")
}

// ownText returns the text of the text children of n, without white space
// around it.
func ownText(n *Node) string { return strings.Trim(rawText(n), " \t\r\n") }

// rawText returns the text of the text children of n as it is.
func rawText(n *Node) string {
	var only *Node
	several := false
	for c := n.first; c != nil; c = c.next {
		if c.kind == Text {
			several = only != nil
			only = c
			if several {
				break
			}
		}
	}
	switch {
	case only == nil:
		return ""
	case !several:
		return only.value
	}
	var b strings.Builder
	for c := n.first; c != nil; c = c.next {
		if c.kind == Text {
			b.WriteString(c.value)
		}
	}
	return b.String()
}
