package xmltree

import (
	"fmt"
	"strings"
)

// edited must be called before the content of n changes: it ends what the
// document has remembered about n and its ancestors.
func (n *Node) edited() {
	d := n.doc
	d.changed()
	if d.scopes != nil {
		d.scopes = nil
	}
	if d.ids != nil {
		d.ids = nil
	}
	if len(d.merges) > 0 {
		n.unindex()
	}
}

// unindex drops the merge indexes of n and its ancestors.
func (n *Node) unindex() {
	d := n.doc
	for e := n; e != nil; e = e.parent {
		if e.flags&target != 0 {
			e.flags &^= target
			delete(d.merges, e)
		}
	}
}

// Append makes c the last child of n. c is unlinked first; one that belongs to
// another document is copied, and the original unlinked there. An attribute is
// set on n, a namespace node declared, and of a Root its children are appended.
// It fails, and changes nothing, when n cannot have children, when n lies in c,
// with a *LimitError when the tree would be too deep, and when the budget is
// used up.
func (n *Node) Append(c *Node) error { return n.insert(c, nil) }

// InsertBefore makes c the sibling before ref, a child of n, and else is as
// Append. A nil ref means at the end.
func (n *Node) InsertBefore(c, ref *Node) error {
	if ref != nil && ref.parent != n {
		return fmt.Errorf("cannot insert before %s: it is not a child of %s", ref.Path(), n.Path())
	}
	return n.insert(c, ref)
}

func (n *Node) insert(c, ref *Node) error {
	if err := n.admits(c); err != nil {
		return err
	}
	if c == ref {
		return nil
	}
	switch c.kind {
	case Attribute:
		name, value := *c.name, c.value
		c.Detach()
		n.SetAttr(name, value)
		return nil
	case Namespace:
		n.Declare(c.Local(), c.value)
		return nil
	case Root:
		for x := c.first; x != nil; x = c.first {
			if err := n.insert(x, ref); err != nil {
				return err
			}
		}
		return nil
	}
	if c.doc != n.doc {
		m, err := n.doc.Copy(c)
		if err != nil {
			return err
		}
		c.Detach()
		c = m
	}
	c.Detach()
	n.edited()
	n.link(c, ref)
	return nil
}

// admits tells whether c may become part of n.
func (n *Node) admits(c *Node) error {
	if n.kind != Element && (n.kind != Root || c.kind == Attribute || c.kind == Namespace) {
		return fmt.Errorf("cannot append %s to %s", c.Path(), n.Path())
	}
	if c.first == nil && c.kind != Element && c != n {
		return n.doc.budget.Err() // it holds nothing, and has no depth
	}
	depth := 0
	for e := n; e != nil; e = e.parent {
		if e == c {
			return fmt.Errorf("cannot append %s to %s, which lies in it", c.Path(), n.Path())
		}
		if e.kind == Element {
			depth++
		}
	}
	if c.kind == Element && depth+1 > n.doc.depth || c.first != nil && depth+c.height() > n.doc.depth {
		return depthError(n.doc.depth)
	}
	return n.doc.budget.Err()
}

// height returns the number of elements on the longest way down from n.
func (n *Node) height() int {
	deepest, depth := 0, 0
	for e := n; e != nil; {
		if e.kind == Element {
			depth++
			deepest = max(deepest, depth)
		}
		if e.first != nil {
			e = e.first
			continue
		}
		for e != nil {
			if e.kind == Element {
				depth--
			}
			if e == n {
				return deepest
			}
			if e.next != nil {
				e = e.next
				break
			}
			e = e.parent
		}
	}
	return deepest
}

// link puts the unlinked c below n, before ref or at the end.
func (n *Node) link(c, ref *Node) {
	c.parent, c.next = n, ref
	if ref != nil {
		c.prev, ref.prev = ref.prev, c
	} else {
		c.prev, n.last = n.last, c
	}
	if c.prev != nil {
		c.prev.next = c
	} else {
		n.first = c
	}
	if n.doc.children != nil {
		n.doc.children[n].linked(c)
	}
}

// push makes the unlinked c the last child of n, of which nobody keeps an
// index yet.
func (n *Node) push(c *Node) {
	c.parent, c.prev = n, n.last
	if n.last != nil {
		n.last.next = c
	} else {
		n.first = c
	}
	n.last = c
}

// Detach unlinks n from its parent. n and all below stay usable until the
// document is released. Detaching an unlinked node does nothing.
func (n *Node) Detach() {
	p := n.parent
	if p == nil || n.kind == Namespace && !n.isDecl() {
		return
	}
	p.edited()
	switch n.kind {
	case Attribute:
		unlink(&p.attrs, n)
		return
	case Namespace:
		unlink(&p.decls, n)
		return
	}
	p.cut(n)
}

// cut takes the child c out of n; the mirror image of link.
func (n *Node) cut(c *Node) {
	n.doc.children[n].unlinking(c)
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		n.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		n.last = c.prev
	}
	c.parent, c.prev, c.next = nil, nil, nil
}

// isDecl reports whether a namespace node is a declaration of its parent.
func (n *Node) isDecl() bool {
	for d := n.parent.decls; d != nil; d = d.next {
		if d == n {
			return true
		}
	}
	return false
}

// unlink takes n out of a list of attributes or declarations.
func unlink(list **Node, n *Node) {
	for p := list; *p != nil; p = &(*p).next {
		if *p == n {
			*p = n.next
			break
		}
	}
	n.parent, n.next = nil, nil
}

// ReplaceWith puts m where n is and unlinks n. It fails as Append does, and
// when n has no parent; nothing is changed then.
func (n *Node) ReplaceWith(m *Node) error {
	p := n.parent
	if p == nil {
		return fmt.Errorf("cannot replace %s: it has no parent", n.Path())
	}
	if m == n {
		return nil
	}
	if n.kind == Attribute || n.kind == Namespace {
		if err := p.Append(m); err != nil {
			return err
		}
		n.Detach()
		return nil
	}
	for e := m.parent; e != nil; e = e.parent {
		if e == n { // m lies in n: it must not go with it
			if err := p.admits(m); err != nil {
				return err
			}
			m.Detach()
			break
		}
	}
	if err := p.InsertBefore(m, n); err != nil {
		return err
	}
	n.Detach()
	return nil
}

// AppendText adds s to the end of n: to a last child that is text, else as a
// new one. An empty s adds nothing. Many calls take time linear in what they add.
func (n *Node) AppendText(s string) {
	if s == "" || n.kind != Element && n.kind != Root {
		return
	}
	n.edited()
	n.addText(s)
}

// addText is AppendText without a word to those who keep an index.
func (n *Node) addText(s string) {
	d, t := n.doc, n.last
	if t == nil || t.kind != Text {
		n.link(d.NewText(s), nil)
		return
	}
	d.charge(len(s))
	if len(t.value)+len(s) < 256 {
		t.value += s
		return
	}
	// A builder's earlier strings stay good while it grows.
	b := d.texts[t]
	if b == nil {
		if d.texts == nil {
			d.texts = make(map[*Node]*strings.Builder)
		}
		b = new(strings.Builder)
		b.WriteString(t.value)
		d.texts[t] = b
	}
	b.WriteString(s)
	t.value = b.String()
}

// SetAttr sets the attribute of n with the expanded name of name, in place if
// there is one and else after the others, and returns it. It returns nil when
// n is no element.
func (n *Node) SetAttr(name Name, value string) *Node {
	if n.kind != Element {
		return nil
	}
	end := n.setting(name.Space, name.Local, value)
	if *end == nil {
		n.addAttr(end, n.doc.intern(name), value)
	}
	return *end
}

// setting returns the place of the attribute (space, local) of n. If there is
// one, it has the value then.
func (n *Node) setting(space, local, value string) **Node {
	n.edited()
	end := &n.attrs
	for ; *end != nil; end = &(*end).next {
		if a := *end; a.name.Local == local && a.name.Space == space {
			n.doc.charge(len(value) - len(a.value))
			a.value, a.off, a.flags = value, 0, a.flags&^elsewhere
			return end
		}
	}
	return end
}

// addAttr makes an attribute of n at the end of the others.
func (n *Node) addAttr(end **Node, name *Name, value string) {
	a := n.doc.make(Attribute)
	a.name, a.value, a.parent = name, value, n
	n.doc.charge(len(name.Local) + len(value))
	*end = a
}

// RemoveAttr unlinks the attribute (space, local) of n, if there is one.
func (n *Node) RemoveAttr(space, local string) {
	if a := n.AttrNode(space, local); a != nil {
		a.Detach()
	}
}

// SetValue changes the text of an attribute, text, comment or processing
// instruction. For an element or a Root, s becomes its only child.
func (n *Node) SetValue(s string) {
	if n.kind == Element || n.kind == Root {
		for n.first != nil {
			n.first.Detach()
		}
		n.AppendText(s)
		return
	}
	n.edited()
	delete(n.doc.texts, n)
	n.doc.charge(len(s) - len(n.value))
	n.value, n.flags = s, n.flags&^keepSpace
}

// Rename changes the name of an element, attribute or processing instruction.
func (n *Node) Rename(name Name) {
	if n.name == nil {
		return
	}
	n.edited()
	index := n.doc.children[n.parent]
	index.unlinking(n)
	n.name = n.doc.intern(name)
	index.linked(n)
}

// Declare makes prefix stand for uri on the element n. Names do not change by
// it: they keep their namespace. The prefixes xml and xmlns are left alone.
func (n *Node) Declare(prefix, uri string) {
	if n.kind != Element || prefix == "xml" || prefix == "xmlns" {
		return
	}
	n.edited()
	end := &n.decls
	for ; *end != nil; end = &(*end).next {
		if x := *end; x.name.Local == prefix {
			n.doc.charge(len(uri) - len(x.value))
			x.value = uri
			return
		}
	}
	x := n.doc.makeNamed(Namespace, Name{Local: prefix})
	x.value, x.parent = uri, n
	n.doc.charge(len(uri))
	*end = x
}

// MoveContents moves attributes and children of n to the element or Root to:
// an attribute of a name that is there overwrites it, children are appended.
// Within a document children are relinked, not copied. A Root gets the children
// only. After an error a part may have been moved.
func (n *Node) MoveContents(to *Node) error {
	if n == to {
		return nil
	}
	if n.first != nil {
		if err := to.admits(n); err != nil {
			return err
		}
	}
	if to.kind == Element {
		to.edited()
		to.setAttrs(n)
		n.edited()
		for n.attrs != nil {
			unlink(&n.attrs, n.attrs)
		}
	}
	for n.first != nil {
		if err := to.Append(n.first); err != nil {
			return err
		}
	}
	return nil
}

// setAttrs sets the attributes of from on n, linear in their number.
func (n *Node) setAttrs(from *Node) {
	if from.attrs == nil {
		return
	}
	have := make(map[[2]string]*Node)
	end := &n.attrs
	for ; *end != nil; end = &(*end).next {
		have[[2]string{(*end).name.Space, (*end).name.Local}] = *end
	}
	d := n.doc
	for a := from.attrs; a != nil; a = a.next {
		if old := have[[2]string{a.name.Space, a.name.Local}]; old != nil {
			d.charge(len(a.value) - len(old.value))
			old.value, old.off = a.value, 0
			continue
		}
		c := d.copyOf(a)
		c.parent = n
		*end = c
		end = &c.next
	}
}

// Clear unlinks all attributes and children of n.
func (n *Node) Clear() {
	n.edited()
	for n.attrs != nil {
		unlink(&n.attrs, n.attrs)
	}
	for n.first != nil {
		n.first.Detach()
	}
}

// Isolate makes n the only child of a fresh Root until restore is called,
// without a change to its parent and siblings: what processes n sees it as the
// only child of a document. It takes constant time. Between the two nobody may
// edit or read the tree that n came from.
func (n *Node) Isolate() (restore func()) {
	d := n.doc
	parent, prev, next := n.parent, n.prev, n.next
	var r *Node
	if k := len(d.spare); k > 0 {
		r, d.spare = d.spare[k-1], d.spare[:k-1]
	} else {
		r = d.make(Root)
	}
	r.first, r.last = n, n
	r.order = 0
	if d.numbered(n.Top()) {
		r.order = d.edits
	}
	n.parent, n.prev, n.next = r, nil, nil
	return func() {
		n.parent, n.prev, n.next = parent, prev, next
		r.first, r.last = nil, nil
		d.spare = append(d.spare, r)
	}
}
