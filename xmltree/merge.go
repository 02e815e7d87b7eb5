package xmltree

import (
	"fmt"
	"strings"
)

// Merge makes dst the smallest tree that holds both dst and src, without ever
// fusing two records: the mode merge of before and after. src is not changed;
// if it holds dst or lies in it, it is copied first.
//
// The attributes of src overwrite those of dst. Each child element of src is
// matched with a child element that dst had before, one with one:
//
//  1. those that contain each other;
//  2. then each with the first one left that contains it: nothing to do;
//  3. then each with the first one left that it contains, whose place it takes.
//
// A copy of what finds no match is appended, in the order of src. Own text of
// src is appended unless that of dst ends with it, comments and processing
// instructions unless dst has them. One element contains another if it has the
// same expanded name and all attributes, the own text and child elements that
// contain those of the other; an element without all these is contained only
// in another such. Merging the same src again changes nothing.
//
// Each node looked at is a step charged to b. The time is near to linear in
// the size of src, also for many merges into one dst that is not edited
// otherwise, if the records can be told apart by attributes or texts. The
// error is a *LimitError, or that of a dst that cannot have children; after a
// *LimitError a part may have been merged.
func (d *Document) Merge(dst, src *Node, b *Budget) error {
	switch {
	case dst.kind > Element || src.kind > Element || dst.doc != d:
		return fmt.Errorf("cannot merge %s into %s", src.Path(), dst.Path())
	case dst == src:
		return nil
	case holds(src, dst) || holds(dst, src):
		c, err := d.Copy(src)
		if err != nil {
			return err
		}
		src = c
	}
	if err := b.Err(); err != nil {
		return err
	}
	m := &merger{comparer: comparer{budget: b}, dst: dst, index: d.merges[dst]}
	m.begin()
	if dst.kind == Element {
		dst.setAttrs(src)
	}
	m.match(src)
	m.apply(src)
	if m.err != nil {
		dst.unindex()
	}
	return m.err
}

// holds reports whether n lies below e.
func holds(e, n *Node) bool {
	for n != nil && n != e {
		n = n.parent
	}
	return n != nil
}

// merger is one merge into dst.
type merger struct {
	comparer
	dst   *Node
	index *mergeIndex
	left  int // depth that may be below dst

	sources []record
	matched []bool
	place   []int // where a source takes the place of what it contains, else -1
}

// begin ends what the document has remembered, except for the index of dst.
func (m *merger) begin() {
	d := m.dst.doc
	d.changed()
	d.scopes, d.ids = nil, nil
	m.left = d.depth
	for e := m.dst; e != nil; e = e.parent {
		if e.kind == Element {
			m.left--
		}
	}
	if m.dst.parent != nil {
		m.dst.parent.unindex()
	}
	if m.index == nil {
		m.index = newMergeIndex(&m.comparer, m.dst)
		if d.merges == nil {
			d.merges = make(map[*Node]*mergeIndex)
		}
		d.merges[m.dst] = m.index
		m.dst.flags |= target
	}
	m.index.merges++
}

// match finds a match for the child elements of src.
func (m *merger) match(src *Node) {
	for e := src.FirstElement(); e != nil; e = e.NextElement() {
		m.sources = append(m.sources, newRecord(&m.comparer, e))
	}
	m.matched = make([]bool, len(m.sources))
	m.place = make([]int, len(m.sources))
	x := m.index
	// Of equal sources the last take the equal children, so that the first go
	// on to the containing ones now and in a second merge alike.
	for i := len(m.sources) - 1; i >= 0; i-- {
		s := m.sources[i]
		m.take(i, x.first(x.alike(s), func(k int) bool { return x.children[k].hash == s.hash && m.within(s.node, x.children[k].node) }))
		m.place[i] = -1
	}
	for i, s := range m.sources {
		if !m.matched[i] {
			m.take(i, x.first(x.rarest(s.features), func(k int) bool { return m.within(s.node, x.children[k].node) }))
		}
	}
	for i, s := range m.sources {
		if m.matched[i] {
			continue
		}
		place := -1
		for _, f := range s.features {
			k := x.first(x.inside(f), func(k int) bool { return m.within(x.children[k].node, s.node) })
			if k >= 0 && (place < 0 || k < place) {
				place = k
			}
			if x.having == nil {
				break // all children were named
			}
		}
		m.take(i, place)
		m.place[i] = place
	}
}

// take matches source i with child k, unless that is -1.
func (m *merger) take(i, k int) {
	if k >= 0 {
		m.matched[i] = true
		m.index.children[k].taken = m.index.merges
	}
}

// apply changes dst as match has found, in the order of src.
func (m *merger) apply(src *Node) {
	text := m.wantsText(src)
	var asides map[aside]int
	next := 0
	for c := src.first; c != nil && m.err == nil; c = c.next {
		switch c.kind {
		case Element:
			if s := m.sources[next]; m.place[next] >= 0 {
				m.replace(m.place[next], s)
			} else if !m.matched[next] {
				m.append(s)
			}
			next++
		case Text:
			if text {
				m.appendText(c.value)
			}
		default:
			a := aside{c.kind, c.Local(), c.value}
			if asides == nil {
				asides = make(map[aside]int)
			}
			if asides[a]++; asides[a] > m.index.asides[a] {
				m.link(c, nil)
				m.index.noteAside(a)
			}
		}
	}
}

// link puts a copy of c into dst, before ref or at the end, and returns it, or
// nil after an error.
func (m *merger) link(c, ref *Node) *Node {
	d := m.dst.doc
	if c.height() > m.left {
		m.err = depthError(d.depth)
		return nil
	}
	n, err := d.Copy(c)
	if err != nil {
		m.err = err
		return nil
	}
	m.dst.link(n, ref)
	return n
}

func (m *merger) append(s record) {
	if s.node = m.link(s.node, nil); s.node != nil {
		m.index.append(&m.comparer, s)
	}
}

func (m *merger) replace(k int, s record) {
	old := m.index.children[k].node
	if s.node = m.link(s.node, old); s.node != nil {
		m.dst.cut(old)
		m.index.replace(k, s)
	}
}

// wantsText reports whether dst lacks the own text of src.
func (m *merger) wantsText(src *Node) bool {
	text := ownText(src)
	if text == "" {
		return false
	}
	if m.index.text == nil {
		m.index.text = new(strings.Builder)
		m.index.text.WriteString(rawText(m.dst))
	}
	return !strings.HasSuffix(strings.TrimRight(m.index.text.String(), " \t\r\n"), text)
}

func (m *merger) appendText(s string) {
	m.index.text.WriteString(s)
	m.dst.addText(s)
}
