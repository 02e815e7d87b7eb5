package xmltree

// Copy returns a deep copy of n, which may belong to any document, as an
// unlinked node of d; the copy of a Root is a Root. It has the names,
// declarations, text and attributes of n, and no place in a source. Copying
// changes nothing in the document of n, so one that is not edited may be
// copied by many goroutines at once. The error is a *LimitError; nothing of a
// copy that was begun can be reached then.
func (d *Document) Copy(n *Node) (*Node, error) {
	if h := n.height(); h > d.depth {
		return nil, depthError(d.depth)
	}
	top := d.copyOf(n)
	to := top
	for from := n; ; {
		if from.first != nil {
			from = from.first
			c := d.copyOf(from)
			c.parent, to.first, to.last = to, c, c
			to = c
			continue
		}
		for from != n && from.next == nil {
			from, to = from.parent, to.parent
		}
		if from == n {
			return top, d.budget.Err()
		}
		if err := d.budget.Err(); err != nil {
			return nil, err
		}
		from = from.next
		c := d.copyOf(from)
		c.parent, c.prev, to.next, to.parent.last = to.parent, to, c, c
		to = c
	}
}

// copyOf returns a copy of n with its attributes and declarations, but without
// children. The name is shared: names do not change.
func (d *Document) copyOf(n *Node) *Node {
	c := d.make(n.kind)
	c.name, c.value, c.flags = n.name, n.value, n.flags&(keepSpace|typeID)
	bytes := len(n.value)
	if n.name != nil {
		bytes += len(n.name.Local)
	}
	d.charge(bytes)
	end := &c.attrs
	for a := n.attrs; a != nil; a = a.next {
		*end = d.copyOf(a)
		(*end).parent = c
		end = &(*end).next
	}
	end = &c.decls
	for x := n.decls; x != nil; x = x.next {
		*end = d.copyOf(x)
		(*end).parent = c
		end = &(*end).next
	}
	return c
}
