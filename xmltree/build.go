package xmltree

import "strings"

// Builder adds nodes at the end of a tree, as a transformation does. It checks
// only what may go wrong there, and takes names that it need not look up. While
// it is used nobody else may edit the document of its tree, or compare nodes of
// its tree. The zero Builder builds nothing; see Start.
type Builder struct {
	d     *Document
	at    *Node // what nodes are added to
	last  *Node // its last attribute, if b made it
	depth int   // of at, in elements
}

// Start makes b add to at, a Root or an element.
func (b *Builder) Start(at *Node) {
	at.edited()
	*b = Builder{d: at.doc, at: at}
	for e := at; e != nil; e = e.parent {
		if e.kind == Element {
			b.depth++
		}
	}
	for a := at.attrs; a != nil; a = a.next {
		b.last = a
	}
}

// At returns the node that b adds to, nil of a zero Builder.
func (b *Builder) At() *Node { return b.at }

// Open adds an element and makes b add to it. name must not change afterwards.
// The error is a *LimitError; nothing was added then.
func (b *Builder) Open(name *Name) error {
	if b.depth >= b.d.depth {
		return depthError(b.d.depth)
	}
	n := b.d.make(Element)
	n.name = name
	b.d.charge(len(name.Local))
	b.add(n)
	b.at, b.last = n, nil
	b.depth++
	return b.d.budget.Err()
}

// Close makes b add to the parent of the element that Open added.
func (b *Builder) Close() {
	b.at, b.last = b.at.parent, nil
	b.depth--
}

// add links n as the last child.
func (b *Builder) add(n *Node) {
	at := b.at
	n.parent, n.prev = at, at.last
	if at.last != nil {
		at.last.next = n
	} else {
		at.first = n
	}
	at.last = n
	if len(b.d.children) > 0 {
		b.d.children[at].linked(n)
	}
}

// Text adds a text; s must not be empty. Texts that follow each other stay two.
func (b *Builder) Text(s string) error { return b.value(Text, s) }

// Comment adds a comment.
func (b *Builder) Comment(s string) error { return b.value(Comment, s) }

func (b *Builder) value(k Kind, s string) error {
	b.add(b.d.makeValue(k, s))
	return b.d.budget.Err()
}

// ProcInst adds a processing instruction. White space before data is cut, as
// reading it back would.
func (b *Builder) ProcInst(target, data string) error {
	b.add(b.d.NewProcInst(target, data))
	return b.d.budget.Err()
}

// Attr sets an attribute of the element that was opened last, while nothing was
// added to it. name must not change afterwards.
func (b *Builder) Attr(name *Name, value string) {
	for a := b.at.attrs; a != nil; a = a.next {
		if a.name == name || a.name.Local == name.Local && a.name.Space == name.Space {
			b.d.charge(len(value) - len(a.value))
			a.value = value
			return
		}
	}
	a := b.d.make(Attribute)
	a.name, a.value, a.parent = name, value, b.at
	b.d.charge(len(name.Local) + len(value))
	if b.last != nil {
		b.last.next = a
	} else {
		b.at.attrs = a
	}
	b.last = a
}

// Declare is Node.Declare of the element that was opened last.
func (b *Builder) Declare(prefix, uri string) { b.at.Declare(prefix, uri) }

// Copy adds a deep copy of n and returns it. The error is a *LimitError.
func (b *Builder) Copy(n *Node) (*Node, error) {
	if b.depth+n.height() > b.d.depth {
		return nil, depthError(b.d.depth)
	}
	c, err := b.d.Copy(n)
	if err != nil {
		return nil, err
	}
	b.add(c)
	return c, nil
}

// Intern returns a name that equals name and stays as it is, the same each time.
func (d *Document) Intern(name Name) *Name { return d.intern(name) }

// NameRef returns the name of n as it is kept, nil if it has none. It must not
// be changed; it stays good when the document of n is released.
func (n *Node) NameRef() *Name { return n.name }

// Declares reports whether a namespace was ever declared in d.
func (d *Document) Declares() bool { return d.declares }

// Strings makes strings in chunks, so that many small ones cost few allocations.
// A chunk lives as long as one of its strings. The zero value is ready.
type Strings struct {
	b    strings.Builder
	size int // of the last chunk
}

// Bytes returns a string of p.
func (s *Strings) Bytes(p []byte) string {
	const most = 8 << 10
	if len(p) > most/4 {
		return string(p)
	}
	if s.b.Cap()-s.b.Len() < len(p) {
		s.size = min(max(2*s.size, 256), most)
		s.b = strings.Builder{}
		s.b.Grow(max(s.size, len(p)))
	}
	from := s.b.Len()
	s.b.Write(p)
	return s.b.String()[from:]
}
