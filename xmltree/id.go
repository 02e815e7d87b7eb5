package xmltree

// ByID returns the first element, in document order, of the tree that top
// heads whose ID is id, or nil. IDs are the attributes that IsID tells. It
// looks through the tree once and remembers what it found until the document
// is edited.
func (d *Document) ByID(top *Node, id string) *Node {
	d = top.doc
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.ids[top]
	if !ok {
		found = top.identified()
		if d.ids == nil {
			d.ids = make(map[*Node]map[string]*Node)
		}
		d.ids[top] = found
	}
	return found[id]
}

// identified returns the elements from top on by their IDs.
func (top *Node) identified() map[string]*Node {
	found := make(map[string]*Node)
	for n := top; ; {
		for a := n.attrs; a != nil; a = a.next {
			if a.IsID() && found[a.value] == nil {
				found[a.value] = n
			}
		}
		if n.first != nil {
			n = n.first
			continue
		}
		for n != top && n.next == nil {
			n = n.parent
		}
		if n == top {
			return found
		}
		n = n.next
	}
}

// unparsed is an entity that no parser reads.
type unparsed struct{ system, public string }

// UnparsedEntity returns the identifiers of the unparsed entity that the DTD
// declares under that name; system is made absolute by the File of the entity
// that declares it, as far as that is absolute. Without a DTD there is none.
func (d *Document) UnparsedEntity(name string) (system, public string, ok bool) {
	u, ok := d.unparsed[name]
	return u.system, u.public, ok
}
