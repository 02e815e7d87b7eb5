package xmltree

import (
	"slices"
	"strconv"
	"strings"
)

// Text returns the string-value of XPath: of an element or Root all text below
// it, of other nodes their value.
func (n *Node) Text() string {
	if n.kind != Element && n.kind != Root {
		return n.value
	}
	if n.first == nil {
		return ""
	}
	if n.first == n.last && n.first.kind == Text {
		return n.first.value
	}
	var b strings.Builder
	for e := n.first; ; {
		if e.kind == Text {
			b.WriteString(e.value)
		}
		if e.first != nil {
			e = e.first
			continue
		}
		for e.next == nil {
			if e = e.parent; e == n {
				return b.String()
			}
		}
		e = e.next
	}
}

// Path returns the way to n for messages, for instance
// /request/data/user[2]/@id. A number is given where siblings share the name.
func (n *Node) Path() string {
	var steps []string
	for e := n; e != nil; e = e.parent {
		if e.kind != Root {
			steps = append(steps, e.step())
		}
	}
	if len(steps) == 0 {
		return "/"
	}
	var b strings.Builder
	for i := len(steps) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(steps[i])
	}
	return b.String()
}

// step returns the last step of the path of n.
func (n *Node) step() string {
	var name string
	switch n.kind {
	case Attribute:
		return "@" + n.name.String()
	case Namespace:
		return "namespace::" + n.Local()
	case Element:
		name = n.name.String()
	case Text:
		name = "text()"
	case Comment:
		name = "comment()"
	case ProcInst:
		name = "processing-instruction(" + n.name.Local + ")"
	}
	place, others := 1, false
	for s := n.prev; s != nil; s = s.prev {
		if s.alike(n) {
			place++
		}
	}
	for s := n.next; s != nil && !others; s = s.next {
		others = s.alike(n)
	}
	if place == 1 && !others {
		return name
	}
	return name + "[" + strconv.Itoa(place) + "]"
}

// alike reports whether n and m have the same kind and name.
func (n *Node) alike(m *Node) bool {
	return n.kind == m.kind && n.Local() == m.Local() && n.Space() == m.Space()
}

// NamespacesInScope returns the namespace nodes of the element n by prefix:
// its declarations, those of its ancestors that it does not override, and xml.
// While the document is not edited the same nodes are returned each time.
func (n *Node) NamespacesInScope() []*Node {
	if n.kind != Element {
		return nil
	}
	d := n.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	if ns, ok := d.scopes[n]; ok {
		return ns
	}
	ns := n.scope()
	if d.scopes == nil {
		d.scopes = make(map[*Node][]*Node)
	}
	d.scopes[n] = ns
	return ns
}

func (n *Node) scope() []*Node {
	ns := []*Node{{kind: Namespace, doc: n.doc, parent: n, name: &Name{Local: "xml"}, value: XMLSpace}}
	seen := map[string]bool{"xml": true}
	for e := n; e != nil; e = e.parent {
		for x := e.decls; x != nil; x = x.next {
			if seen[x.name.Local] {
				continue
			}
			seen[x.name.Local] = true
			switch {
			case x.value == "":
			case e == n:
				ns = append(ns, x)
			default:
				ns = append(ns, &Node{kind: Namespace, doc: n.doc, parent: n, name: x.name, value: x.value, off: x.off})
			}
		}
	}
	slices.SortFunc(ns, func(a, b *Node) int { return strings.Compare(a.name.Local, b.name.Local) })
	return ns
}
