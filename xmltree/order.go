package xmltree

import (
	"cmp"
	"reflect"
	"sync/atomic"
)

// Document order is numbered lazily, tree by tree. The number of a top node is
// the count of edits at which its tree was numbered; it holds while the
// document has that count still.

// changed ends all numbers of d.
func (d *Document) changed() {
	if d.edits++; d.edits == 0 {
		d.forgetOrder()
	}
}

// forgetOrder begins anew when the count of edits has come round.
func (d *Document) forgetOrder() {
	d.edits = 1
	for used := range d.usedNodes {
		for i := range used {
			used[i].order = 0
		}
	}
}

// numbered reports whether the numbers below top hold.
func (d *Document) numbered(top *Node) bool { return atomic.LoadUint32(&top.order) == d.edits }

// number gives all nodes below top their number.
func (d *Document) number(top *Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.numbered(top) {
		return
	}
	next := uint32(1)
	for n := top; ; {
		if n != top {
			n.order = next
			next++
		}
		for a := n.attrs; a != nil; a = a.next {
			a.order = next
			next++
		}
		if n.first != nil {
			n = n.first
			continue
		}
		for n != top && n.next == nil {
			n = n.parent
		}
		if n == top {
			break
		}
		n = n.next
	}
	atomic.StoreUint32(&top.order, d.edits)
}

// Compare returns -1, 0 or 1 as a comes before b in document order, is b, or
// comes after it. An element comes before its namespace nodes, those before
// its attributes, those before its children. Nodes of different trees are
// ordered by when tree and document were made.
func Compare(a, b *Node) int {
	if a == b {
		return 0
	}
	x, y := a, b
	if a.kind == Namespace && a.parent != nil {
		x = a.parent
	}
	if b.kind == Namespace && b.parent != nil {
		y = b.parent
	}
	switch {
	case x == y: // at least one is a namespace node of it
		if a.kind == b.kind {
			return cmp.Compare(a.Local(), b.Local())
		}
		if a == x {
			return -1
		}
		return 1
	case x != a && y.parent == x && y.kind == Attribute:
		return -1
	case y != b && x.parent == y && x.kind == Attribute:
		return 1
	}
	return compare(x, y)
}

// compare orders two different nodes that are no namespace nodes.
func compare(a, b *Node) int {
	top, other := a.Top(), b.Top()
	if top != other {
		return compareTrees(top, other)
	}
	switch {
	case a == top:
		return -1
	case b == top:
		return 1
	}
	if !top.doc.numbered(top) {
		if order := near(a, b); order != 0 {
			return order
		}
		top.doc.number(top)
	}
	return cmp.Compare(a.order, b.order)
}

// near orders siblings that are close to each other without numbers, so that
// a loop that edits and compares need not number the tree each time. 0: unknown.
func near(a, b *Node) int {
	if a.parent != b.parent || a.kind == Attribute || b.kind == Attribute {
		return 0
	}
	x, y := a.next, b.next
	for range 16 {
		switch {
		case x == b || y == nil:
			return -1
		case y == a || x == nil:
			return 1
		}
		x, y = x.next, y.next
	}
	return 0
}

func compareTrees(a, b *Node) int {
	d, e := a.doc, b.doc
	if d == e {
		return cmp.Compare(a.seq, b.seq)
	}
	return cmp.Or(
		cmp.Compare(d.serial, e.serial),
		cmp.Compare(d.main.file, e.main.file),
		cmp.Compare(reflect.ValueOf(d).Pointer(), reflect.ValueOf(e).Pointer()),
	)
}
