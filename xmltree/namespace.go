package xmltree

import (
	"slices"
	"strings"
)

const xmlnsSpace = "http://www.w3.org/2000/xmlns/"

// declaration of a namespace: xmlns="…" or xmlns:prefix="…".
func (a attr) declares() (prefix string, ok bool) {
	if a.name == "xmlns" {
		return "", true
	}
	return strings.CutPrefix(a.name, "xmlns:")
}

// declare makes the declarations of the tag known and gives them to the
// element that was just opened.
func (p *parser) declare() {
	end := &p.at.decls
	for _, a := range p.tag {
		prefix, ok := a.declares()
		if !ok || !p.mayDeclare(prefix, a) {
			continue
		}
		outer, bound := p.scope[prefix]
		p.undo = append(p.undo, binding{prefix, outer, bound})
		p.scope[prefix] = a.value
		uri := a.value
		if p.drops(uri) {
			if prefix != "" || outer == "" || p.drops(outer) {
				continue
			}
			uri = ""
		}
		x := p.d.makeNamed(Namespace, Name{Local: prefix})
		x.value, x.parent, x.off = uri, p.at, uint32(a.off)+1
		p.d.charge(len(uri))
		*end = x
		end = &x.next
	}
}

// mayDeclare checks a declaration against the reserved names.
func (p *parser) mayDeclare(prefix string, a attr) bool {
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
	return uri != "" && slices.Contains(p.options.NoSpace, uri)
}

// resolve gives e its name and its attributes, now that the declarations of
// its tag are known.
func (p *parser) resolve(e *Node, name string, off int) {
	e.name = p.expand(p.elements, name, "element", off)
	p.d.charge(len(e.name.Local))
	end := &e.attrs
	many := len(p.tag) > 16
	if many {
		p.seen = make(map[Name]bool, len(p.tag))
	}
	for i, a := range p.tag {
		prefix, declares := a.declares()
		var name *Name
		if declares {
			name = &Name{Space: xmlnsSpace, Local: prefix}
		} else {
			name = p.expand(p.attributes, a.name, "attribute", a.off)
		}
		if p.double(e, name, i, many) {
			p.problemAt(a.off, "XML009", "an attribute may be there once; with namespaces it counts what the prefix stands for", "attribute %q of element %q is there twice", a.name, e.name)
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
		if name.Space == XMLSpace && name.Local == "space" && (a.value == "preserve" || a.value == "default") {
			p.open[len(p.open)-1].preserve = a.value == "preserve"
		}
	}
}

// double reports whether attribute i of the tag, which has that name, was on e
// or among the declarations before.
func (p *parser) double(e *Node, name *Name, i int, many bool) bool {
	if many {
		key := Name{Space: name.Space, Local: name.Local}
		was := p.seen[key]
		p.seen[key] = true
		return was
	}
	if name.Space != xmlnsSpace {
		return e.AttrNode(name.Space, name.Local) != nil
	}
	return slices.ContainsFunc(p.tag[:i], func(a attr) bool { return a.name == p.tag[i].name })
}

// expand turns a name as written into a Name. Unprefixed attributes are in no
// namespace.
func (p *parser) expand(known map[string]*Name, written, what string, off int) *Name {
	prefix, local, prefixed := strings.Cut(written, ":")
	if !prefixed {
		prefix, local = "", written
	}
	var space string
	if prefixed || what == "element" {
		var ok bool
		if space, ok = p.scope[prefix]; !ok {
			p.undeclared(prefix, what, written, off)
		}
		if p.drops(space) {
			space, prefix = "", ""
		}
	}
	if n := known[written]; n != nil && n.Space == space {
		return n
	}
	n := p.d.intern(Name{space, prefix, local})
	known[written] = n
	return n
}

func (p *parser) undeclared(prefix, what, written string, off int) {
	if prefix == "xmlns" {
		p.problemAt(off, "XML018", "choose another prefix", "%s %q cannot have the prefix xmlns", what, written)
		return
	}
	p.problemAt(off, "XML017", "declare it with xmlns:"+prefix+"=\"…\" here or on an element around", "prefix %q of %s %q is not declared", prefix, what, written)
}
