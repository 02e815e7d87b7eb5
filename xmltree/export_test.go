package xmltree

import "fmt"

// Resolve is what makes the names of external entities.
var Resolve = resolve

// Embeds reports whether each child element of s has one of t to itself that
// contains it, by trying all ways: what merging must keep true.
func Embeds(s, t *Node) bool {
	var ts []*Node
	for e := t.FirstElement(); e != nil; e = e.NextElement() {
		ts = append(ts, e)
	}
	return embed(s.FirstElement(), ts)
}

func embed(s *Node, ts []*Node) bool {
	if s == nil {
		return true
	}
	for i, t := range ts {
		if t == nil || !plainWithin(s, t) {
			continue
		}
		ts[i] = nil
		ok := embed(s.NextElement(), ts)
		ts[i] = t
		if ok {
			return true
		}
	}
	return false
}

// plainWithin is the definition of design L1, without any cleverness.
func plainWithin(s, t *Node) bool {
	if s.Name() != t.Name() {
		return false
	}
	empty := func(n *Node) bool { return n.Attrs() == nil && ownText(n) == "" && n.FirstElement() == nil }
	if empty(s) || empty(t) {
		return empty(s) && empty(t)
	}
	for a := s.Attrs(); a != nil; a = a.Next() {
		if b := t.AttrNode(a.Space(), a.Local()); b == nil || b.Value() != a.Value() {
			return false
		}
	}
	if text := ownText(s); text != "" && text != ownText(t) {
		return false
	}
	return Embeds(s, t)
}

// Check returns an error if the links below n do not fit together.
func Check(n *Node) error {
	var prev *Node
	for c := n.first; c != nil; prev, c = c, c.next {
		if c.parent != n || c.prev != prev || c.doc != n.doc {
			return fmt.Errorf("the links of %s are wrong", c.Path())
		}
		for a := c.attrs; a != nil; a = a.next {
			if a.parent != c || a.kind != Attribute {
				return fmt.Errorf("the links of %s are wrong", a.Path())
			}
		}
		if err := Check(c); err != nil {
			return err
		}
	}
	if n.last != prev {
		return fmt.Errorf("the last child of %s is wrong", n.Path())
	}
	return nil
}
