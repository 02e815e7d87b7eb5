package xsd

import (
	"strconv"

	"sutler/xmltree"
)

// globalType makes the type that g defines. It is nil for a simple type that
// is made of itself, which is reported.
func (c *compiler) globalType(g *global) *typeDef {
	if g.typ != nil {
		return g.typ
	}
	name := collapse(g.node.Attr("name"))
	what := "type " + strconv.Quote(name)
	if g.state == busy {
		c.report(g.node, "XS011", "let it be made of another type", "%s is made of itself", what)
		return nil
	}
	g.state = busy
	if g.node.Local() == "complexType" {
		g.typ = &typeDef{name: qname{c.target, name}, what: what}
		c.complexType(g.typ, g.node)
	} else if t := c.simpleType(g.node, what); g.typ == nil {
		t.name = qname{c.target, name}
		g.typ = t
	}
	g.state = done
	return g.typ
}

// localType makes a type that stands where it is used.
func (c *compiler) localType(n *xmltree.Node, what string) *typeDef {
	if n.Local() == "simpleType" {
		return c.simpleType(n, what)
	}
	t := &typeDef{what: what}
	c.complexType(t, n)
	return t
}

// complexType begins to make t: it finds its base, and leaves attributes and
// content to build, because they may need t itself.
func (c *compiler) complexType(t *typeDef, n *xmltree.Node) {
	t.complex, t.node, t.state = true, n, busy
	t.base, t.method = anyType, restriction
	t.abstract = isTrue(n, "abstract")
	t.final = c.waysOr(n, "final", extension|restriction, c.finalAll)
	t.block = c.waysOr(n, "block", extension|restriction, c.blockAll)
	c.types = append(c.types, t)
	inside := child(n, "simpleContent", "complexContent")
	if inside == nil {
		t.build = func() { c.complexContent(t, n, isTrue(n, "mixed")) }
	} else {
		children(n, func(e *xmltree.Node) {
			if e != inside && e.Local() != "annotation" {
				c.report(e, "XS003", "put it into the restriction or extension", "%q cannot stand beside %q", e.Local(), inside.Local())
			}
		})
		c.derivation(t, n, inside)
	}
	t.state = done
	c.queue = append(c.queue, func() { c.build(t) })
}

// derivation reads simpleContent or complexContent.
func (c *compiler) derivation(t *typeDef, n, inside *xmltree.Node) {
	d := child(inside, "restriction", "extension")
	if d == nil {
		return
	}
	t.method = wayNames[d.Local()]
	if a := d.AttrNode("", "base"); a != nil {
		switch base := c.typeNamed(a, a.Value()); {
		case base == nil:
		case base.state == busy:
			c.report(a, "XS011", "let it be derived from another type", "%s is derived from itself", t.what)
		case base.final&t.method != 0:
			c.report(a, "XS018", "", "%s is final: nothing can be derived from it by %s", base.what, d.Local())
		default:
			t.base = base
		}
	}
	if inside.Local() == "simpleContent" {
		t.build = func() { c.simpleContent(t, d) }
		return
	}
	mixed := isTrue(n, "mixed")
	if inside.AttrNode("", "mixed") != nil {
		mixed = isTrue(inside, "mixed")
	}
	t.build = func() { c.complexContent(t, d, mixed) }
}

// build makes attributes and content of t, after those of its base.
func (c *compiler) build(t *typeDef) {
	if t.build == nil {
		return
	}
	build := t.build
	t.build = nil
	if t.base != nil {
		c.build(t.base)
	}
	build()
}

// simpleContent builds a type whose content is text.
func (c *compiler) simpleContent(t *typeDef, d *xmltree.Node) {
	t.content = textContent
	base := t.base.simple
	a := d.AttrNode("", "base")
	switch {
	case a == nil:
	case t.method == extension && base == nil:
		c.report(a, "XS018", "extend a simple type, or one with simple content", "simpleContent cannot extend %s, which does not hold text alone", t.base.what)
	case t.method == restriction && !t.base.complex:
		c.report(a, "XS018", "restrict it in a simpleType, and extend that", "simpleContent cannot restrict %s, a simple type", t.base.what)
	}
	if t.method == restriction {
		inner := child(d, "simpleType")
		switch {
		case inner != nil:
			s := c.simpleType(inner, "the content of "+t.what)
			if base != nil && t.base.complex {
				if !s.simple.narrows(base) {
					c.report(inner, "XS018", "", "the type inside is not derived from the content of %s", t.base.what)
				}
			}
			base = s.simple
		case base == nil && a != nil && t.base.complex:
			c.report(a, "XS018", "name the type of the text in a simpleType", "simpleContent cannot restrict %s, which does not hold text alone", t.base.what)
		}
		if base != nil {
			base = c.restrict(base, d, t.what)
		}
	}
	if base == nil {
		base = anySimple.simple
	}
	t.simple = base
	c.uses(t, d)
}

// narrows reports whether s was made of base by restriction, as far as can be
// told without names: the same kind of value.
func (s *simple) narrows(base *simple) bool {
	switch {
	case base.lex == anyText:
		return true
	case s.lex != nil && base.lex != nil:
		return s.lex.name == base.lex.name
	}
	return s.item != nil && s.item == base.item || s.members != nil && base.members != nil
}

// complexContent builds a type whose content is elements, from the children of
// d: the type itself, a restriction or an extension.
func (c *compiler) complexContent(t *typeDef, d *xmltree.Node, mixed bool) {
	own, all := c.contentOf(d)
	t.content = emptyContent
	if own != nil || all != nil {
		t.content = elementContent
	}
	if mixed {
		t.content = mixedContent
	}
	t.particles = own
	if all != nil {
		t.model = all
	}
	if d != t.node {
		c.derived(t, d, mixed)
	}
	c.uses(t, d)
}

// derived joins the content of t with that of its base.
func (c *compiler) derived(t *typeDef, d *xmltree.Node, mixed bool) {
	a := d.AttrNode("", "base")
	if a == nil || t.base == anyType && t.method == restriction {
		return
	}
	base := t.base
	if !base.complex || base.content == textContent {
		c.report(a, "XS018", "use simpleContent", "complexContent cannot derive from %s, which holds text alone", base.what)
		return
	}
	empty := t.particles == nil && t.model == nil
	baseEmpty := base.particles == nil && base.model == nil && base != anyType
	if t.method == restriction {
		if mixed && base.content != mixedContent {
			c.report(a, "XS018", "take mixed away", "%s cannot be mixed: %s is not", t.what, base.what)
		}
		c.pending = append(c.pending, func() {
			if empty && !baseEmpty && !base.emptiable() {
				c.report(a, "XS018", "", "%s cannot be empty: %s cannot", t.what, base.what)
			}
			if !empty && baseEmpty {
				c.report(a, "XS018", "", "%s cannot hold elements: %s holds none", t.what, base.what)
			}
		})
		return
	}
	switch {
	case baseEmpty:
		if base.content == mixedContent && empty {
			t.content = mixedContent
		}
		return
	case empty && !mixed:
		t.content = base.content
	case mixed != (base.content == mixedContent):
		c.report(a, "XS018", "let both be mixed, or none", "%s and %s are not both mixed", t.what, base.what)
	}
	baseParticles := base.particles
	if base == anyType {
		baseParticles = anyType.model.root
	}
	switch {
	case empty:
		t.particles, t.model = baseParticles, base.model
		if t.particles != nil {
			t.model = nil
		}
	case base.model != nil && base != anyType, t.model != nil:
		c.report(a, "XS019", "use a sequence or choice in one of them", "an xs:all cannot be extended, and cannot extend")
	default:
		t.particles = &particle{min: 1, max: 1, group: sequence, parts: []*particle{baseParticles, t.particles}, node: d}
	}
}

// emptiable reports whether an element of the finished type t may be empty.
func (t *typeDef) emptiable() bool {
	switch {
	case t.model == nil:
		return t.simple == nil
	case t.model.all != nil:
		return (&run{m: t.model}).complete()
	}
	return t.model.root.empty()
}
