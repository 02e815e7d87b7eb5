package xmltree

import "slices"

const xmlnsSpace = "http://www.w3.org/2000/xmlns/"

// shadow is what a prefix stood for before a tag declared it.
type shadow struct {
	prefix       *prefix
	uri          string
	bound, drops bool
}

// back makes the prefix stand for what it did.
func (b *shadow) back() { b.prefix.uri, b.prefix.bound, b.prefix.drops = b.uri, b.bound, b.drops }

// declare makes the declarations of the tag known and gives them to the
// element that was just opened.
func (p *parser) declare() {
	end := &p.at.decls
	for i := range p.tag {
		a := &p.tag[i]
		x := a.name.declares
		if x == nil || !p.mayDeclare(x.name, a) {
			continue
		}
		outer := shadow{x, x.uri, x.bound, x.drops}
		p.undo = append(p.undo, outer)
		x.uri, x.bound, x.drops = p.symbols.uri(a.value), true, p.drops(a.value)
		uri := a.value
		if x.drops {
			if x.name != "" || outer.uri == "" || outer.drops {
				continue
			}
			uri = ""
		}
		n := p.d.make(Namespace)
		n.name, n.value, n.parent, n.off = x.decl, uri, p.at, uint32(a.off)+1
		p.d.charge(len(x.name) + len(uri))
		*end = n
		end = &n.next
	}
}

// mayDeclare checks a declaration against the reserved names.
func (p *parser) mayDeclare(prefix string, a *attr) bool {
	const hint = "see Namespaces in XML 1.0, section 3; choose another prefix or URI"
	switch {
	case prefix == "xml":
		if a.value != XMLSpace {
			p.problemAt(a.off, "XML018", hint, "prefix xml cannot stand for %q", a.value)
		}
		return false // it needs no declaration
	case prefix == "xmlns":
		p.problemAt(a.off, "XML018", hint, "prefix xmlns cannot be declared")
		return false
	case a.value == XMLSpace || a.value == xmlnsSpace:
		p.problemAt(a.off, "XML018", hint, "namespace %q cannot be declared", a.value)
		return false
	case a.value == "" && prefix != "":
		p.problemAt(a.off, "XML018", "only xmlns=\"\" can take a namespace away", "prefix %q stands for nothing", prefix)
		return false
	}
	return true
}

// drops reports whether a namespace URI becomes no namespace.
func (p *parser) drops(uri string) bool {
	return len(p.options.NoSpace) > 0 && uri != "" && slices.Contains(p.options.NoSpace, uri)
}

// resolve gives e its name and its attributes, now that the declarations of
// its tag are known.
func (p *parser) resolve(e *Node, name *symbol, off int) {
	e.name = p.elementName(name, off)
	p.d.charge(len(e.name.Local))
	if len(p.tag) == 0 {
		return
	}
	end := &e.attrs
	many := len(p.tag) > 16
	if many {
		p.seen = make(map[Name]bool, len(p.tag))
	}
	for i := range p.tag {
		a := &p.tag[i]
		declares := a.name.declares != nil
		var name *Name
		if !declares {
			name = p.attributeName(a.name, a.off)
		}
		if p.double(e, name, i, many) {
			p.problemAt(a.off, "XML009", "an attribute may be there once; with namespaces it counts what the prefix stands for", "attribute %q of element %q is there twice", a.name.raw, e.name)
			continue
		}
		if declares {
			continue
		}
		n := p.d.make(Attribute)
		n.name, n.value, n.parent, n.off, n.flags = name, a.value, e, uint32(a.off)+1, a.flags
		p.d.charge(len(name.Local) + len(a.value))
		*end = n
		end = &n.next
		if a.name.prefixed && name.Space == XMLSpace && name.Local == "space" && (a.value == "preserve" || a.value == "default") {
			p.open[len(p.open)-1].preserve = a.value == "preserve"
		}
	}
}

// double reports whether attribute i of the tag, which has that name or, if it
// is nil, is a declaration, was on e or among the declarations before.
func (p *parser) double(e *Node, name *Name, i int, many bool) bool {
	if many {
		key := Name{Space: xmlnsSpace, Local: p.tag[i].name.raw}
		if name != nil {
			key = Name{Space: name.Space, Local: name.Local}
		}
		was := p.seen[key]
		p.seen[key] = true
		return was
	}
	if name == nil {
		return slices.ContainsFunc(p.tag[:i], func(a attr) bool { return a.name == p.tag[i].name })
	}
	for a := e.attrs; a != nil; a = a.next {
		if a.name == name || a.name.Local == name.Local && a.name.Space == name.Space {
			return true
		}
	}
	return false
}

// elementName returns the name that x is for an element here.
func (p *parser) elementName(x *symbol, off int) *Name {
	if x.prefix.uri == "" && !x.prefixed || x.prefix.drops {
		return x.plain
	}
	if n := x.qualified; n != nil && x.prefix.bound && n.Space == x.prefix.uri {
		return n
	}
	return p.expand(x, "element", off)
}

// attributeName returns the name that x is for an attribute here. Unprefixed
// attributes are in no namespace.
func (p *parser) attributeName(x *symbol, off int) *Name {
	if !x.prefixed || x.prefix.drops {
		return x.plain
	}
	if n := x.qualified; n != nil && x.prefix.bound && n.Space == x.prefix.uri {
		return n
	}
	return p.expand(x, "attribute", off)
}

// expand makes a Name of a name as written.
func (p *parser) expand(x *symbol, what string, off int) *Name {
	if !x.prefix.bound {
		p.undeclared(x, what, off)
	}
	x.qualified = &Name{x.prefix.uri, x.prefix.name, x.local}
	return x.qualified
}

func (p *parser) undeclared(x *symbol, what string, off int) {
	if x.prefix.name == "xmlns" {
		p.problemAt(off, "XML018", "choose another prefix", "%s %q cannot have the prefix xmlns", what, x.raw)
		return
	}
	p.problemAt(off, "XML017", "declare it with xmlns:"+x.prefix.name+"=\"…\" here or on an element around", "prefix %q of %s %q is not declared", x.prefix.name, what, x.raw)
}
