package xsd

import (
	"maps"
	"slices"
	"strconv"

	"sutler/xmltree"
)

// globalElement makes the declaration of a global element.
func (c *compiler) globalElement(g *global) *element {
	if g.elem != nil {
		return g.elem
	}
	n := g.node
	e := &element{name: qname{c.target, collapse(n.Attr("name"))}, global: true, node: n}
	g.elem = e
	e.typ = anyType
	if a := n.AttrNode("", "substitutionGroup"); a != nil {
		if head := c.reference(n, "substitutionGroup", "element"); head != nil {
			e.head = c.globalElement(head)
			e.typ = e.head.typ
		}
		c.pending = append(c.pending, func() { c.inGroup(e, n) })
	}
	c.describe(e, n)
	return e
}

// describe reads what an element says of itself: its type, value and keys.
func (c *compiler) describe(e *element, n *xmltree.Node) {
	e.nillable = isTrue(n, "nillable")
	e.abstract = isTrue(n, "abstract")
	e.block = c.waysOr(n, "block", extension|restriction|substitution, c.blockAll)
	c.ways(n, "final", extension|restriction)
	inside := child(n, "simpleType", "complexType")
	if a := n.AttrNode("", "type"); a != nil {
		if inside != nil {
			c.report(a, "XS004", "keep one of them", "element %s has both a type attribute and a type inside", quoted(e.name))
		}
		if t := c.typeNamed(a, a.Value()); t != nil {
			e.typ = t
		}
	} else if inside != nil {
		e.typ = c.localType(inside, "the type of "+quoted(qname{local: e.name.local}))
	}
	c.value(n, &e.value, func() (*simple, string) {
		c.build(e.typ)
		switch t := e.typ; {
		case t.simple != nil && t.simple.id == isID:
			return nil, "an xs:ID has no default"
		case t.simple != nil:
			return t.simple, ""
		case t.content == mixedContent && t.emptiable():
			return anySimple.simple, ""
		}
		return nil, "only text has a default or fixed value"
	})
	children(n, func(k *xmltree.Node) {
		switch k.Local() {
		case "unique", "key", "keyref":
			c.constraint(e, k)
		}
	})
}

// value reads the default or fixed value of n once its type is known.
func (c *compiler) value(n *xmltree.Node, to **fixing, typ func() (*simple, string)) {
	fixed, def := n.AttrNode("", "fixed"), n.AttrNode("", "default")
	a := fixed
	switch {
	case fixed == nil && def == nil:
		return
	case fixed != nil && def != nil:
		c.report(fixed, "XS004", "keep one of them", "%q has both a default and a fixed value", n.Name())
	case fixed == nil:
		a = def
	}
	f := &fixing{text: a.Value(), fixed: a == fixed}
	*to = f
	c.pending = append(c.pending, func() {
		s, wrong := typ()
		if wrong == "" && s != nil {
			v, bad := s.read(a.Value(), n, c)
			f.value = v
			if bad == nil {
				return
			}
			wrong = bad.String()
		}
		if wrong != "" {
			c.report(a, "XS015", "", "attribute %q cannot be %q: %s", a.Local(), clipped(a.Value()), wrong)
		}
	})
}

// inGroup checks that e may stand in for its head.
func (c *compiler) inGroup(e *element, n *xmltree.Node) {
	if e.head == nil {
		return
	}
	a := n.AttrNode("", "substitutionGroup")
	ways, ok := e.typ.derivedFrom(e.head.typ)
	if !ok {
		c.report(a, "XS018", "", "element %s cannot stand in for %s: its type is not derived from that one's", quoted(e.name), quoted(e.head.name))
		return
	}
	final := c.waysOr(e.head.node, "final", extension|restriction, c.finalAll)
	if ways&final != 0 {
		c.report(a, "XS018", "", "element %s cannot stand in for %s: that is final", quoted(e.name), quoted(e.head.name))
	}
}

// substitutions tells each head who may stand in for it.
func (c *compiler) substitutions() {
	names := slices.Sorted(maps.Keys(c.globals["element"]))
	for _, name := range names {
		e := c.globals["element"][name].elem
		if e == nil {
			continue
		}
		seen := map[*element]bool{e: true}
		for head := e.head; head != nil; head = head.head {
			if seen[head] {
				c.report(e.node.AttrNode("", "substitutionGroup"), "XS011", "take it out of one of the groups", "the substitution group of %s is circular", quoted(e.name))
				e.head = nil
				break
			}
			if !c.spend(1) {
				return
			}
			seen[head] = true
			ways, _ := e.typ.derivedFrom(head.typ)
			if blocked := head.block | head.typ.block; blocked&substitution != 0 || blocked&ways&(extension|restriction) != 0 {
				continue
			}
			if head.members == nil {
				head.members = map[qname]*element{}
			}
			head.members[e.name] = e
		}
	}
}

// localElement makes the declaration that an element in a model is, or that it
// refers to.
func (c *compiler) localElement(n *xmltree.Node) *element {
	if ref := n.AttrNode("", "ref"); ref != nil {
		for _, attr := range []string{"name", "type", "default", "fixed", "nillable", "block", "form"} {
			if a := n.AttrNode("", attr); a != nil {
				c.report(a, "XS004", "say it where the element is declared", "an element with ref cannot have %q", attr)
			}
		}
		children(n, func(e *xmltree.Node) {
			if e.Local() != "annotation" {
				c.report(e, "XS003", "say it where the element is declared", "an element with ref cannot have %q", e.Local())
			}
		})
		g := c.reference(n, "ref", "element")
		if g == nil {
			return nil
		}
		return c.globalElement(g)
	}
	name := collapse(n.Attr("name"))
	if name == "" {
		c.report(n, "XS005", `add name="…" or ref="…"`, "%q has neither name nor ref", n.Name())
		return nil
	}
	e := &element{name: qname{local: name}, typ: anyType, node: n}
	if form := collapse(n.Attr("form")); form == "qualified" || form == "" && c.qualified {
		e.name.space = c.target
	}
	c.describe(e, n)
	return e
}

// globalAttribute makes the declaration of a global attribute.
func (c *compiler) globalAttribute(g *global) *attrUse {
	if g.attr != nil {
		return g.attr
	}
	g.attr = &attrUse{name: qname{c.target, collapse(g.node.Attr("name"))}, node: g.node}
	c.describeAttr(g.attr, g.node)
	return g.attr
}

// describeAttr reads the type and the value of an attribute.
func (c *compiler) describeAttr(u *attrUse, n *xmltree.Node) {
	u.def = anySimple
	if u.name.local == "xmlns" {
		c.report(n, "XS006", "choose another name", "an attribute cannot be called xmlns")
	}
	if c.target == xsiSpace && u.name.space == xsiSpace {
		c.report(n, "XS006", "choose another namespace", "attributes of %q cannot be declared", xsiSpace)
	}
	inside := child(n, "simpleType")
	if a := n.AttrNode("", "type"); a != nil {
		if inside != nil {
			c.report(a, "XS004", "keep one of them", "attribute %s has both a type attribute and a type inside", quoted(u.name))
		}
		if t := c.typeNamed(a, a.Value()); t != nil {
			if t.complex {
				c.report(a, "XS018", "want a simple type", "attribute %s cannot be of %s, a complex type", quoted(u.name), t.what)
			} else {
				u.def = t
			}
		}
	} else if inside != nil {
		u.def = c.localType(inside, "the type of attribute "+quoted(qname{local: u.name.local}))
	}
	u.typ = u.def.simple
	c.value(n, &u.value, func() (*simple, string) {
		if u.typ.id == isID {
			return nil, "an xs:ID has no default"
		}
		return u.typ, ""
	})
}

// attrSet are the attributes of a type or an attribute group.
type attrSet struct {
	uses []*attrUse
	any  *wildcard
}

// set reads the attributes among the children of n.
func (c *compiler) set(n *xmltree.Node) *attrSet {
	s := &attrSet{}
	children(n, func(e *xmltree.Node) {
		switch e.Local() {
		case "attribute":
			if u := c.attributeUse(e); u != nil {
				c.addUse(s, u, e)
			}
		case "attributeGroup":
			g := c.reference(e, "ref", "attributeGroup")
			if g == nil {
				return
			}
			other := c.globalSet(g)
			if other == nil {
				c.report(e, "XS011", "take it out of one of the groups", "the attribute group %q holds itself", collapse(g.node.Attr("name")))
				return
			}
			if !c.spend(len(other.uses)) {
				return
			}
			for _, u := range other.uses {
				c.addUse(s, u, e)
			}
			c.intersect(s, other.any, e)
		case "anyAttribute":
			w := c.wildcard(e)
			if s.any == nil {
				s.any = w
				return
			}
			process := w.process // that of the type itself counts
			c.intersect(s, w, e)
			if s.any != nil {
				s.any.process = process
			}
		}
	})
	return s
}

func (c *compiler) intersect(s *attrSet, w *wildcard, at *xmltree.Node) {
	switch {
	case w == nil:
	case s.any == nil:
		copied := *w
		s.any = &copied
	default:
		both, ok := s.any.intersect(w)
		if !ok {
			c.report(at, "XS018", "", "the wildcards for attributes cannot be combined")
			return
		}
		s.any = both
	}
}

func (c *compiler) addUse(s *attrSet, u *attrUse, at *xmltree.Node) {
	for _, other := range s.uses {
		if !c.spend(1) {
			return
		}
		if other.name == u.name {
			c.report(at, "XS008", "keep one of them", "attribute %s is there twice", quoted(u.name))
			return
		}
		if other.typ.id == isID && u.typ.id == isID && !other.prohibited && !u.prohibited {
			c.report(at, "XS008", "an element has one ID at most", "attributes %s and %s are both of type xs:ID", quoted(other.name), quoted(u.name))
		}
	}
	s.uses = append(s.uses, u)
}

// globalSet returns the attributes of a group, nil when it holds itself.
func (c *compiler) globalSet(g *global) *attrSet {
	switch g.state {
	case busy:
		return nil
	case fresh:
		g.state = busy
		g.set = c.set(g.node)
		g.state = done
	}
	return g.set
}

// attributeUse reads an attribute of a type.
func (c *compiler) attributeUse(n *xmltree.Node) *attrUse {
	u := &attrUse{node: n}
	if ref := n.AttrNode("", "ref"); ref != nil {
		for _, attr := range []string{"name", "type", "form"} {
			if a := n.AttrNode("", attr); a != nil {
				c.report(a, "XS004", "say it where the attribute is declared", "an attribute with ref cannot have %q", attr)
			}
		}
		g := c.reference(n, "ref", "attribute")
		if g == nil {
			return nil
		}
		d := c.globalAttribute(g)
		u.name, u.typ, u.def = d.name, d.def.simple, d.def
		u.value = d.value
		c.value(n, &u.value, func() (*simple, string) {
			if d.value != nil && d.value.fixed && (!u.value.fixed || u.value.text != d.value.text) {
				return nil, "it is fixed as " + strconv.Quote(d.value.text) + " where it is declared"
			}
			return u.typ, ""
		})
	} else {
		name := collapse(n.Attr("name"))
		if name == "" {
			c.report(n, "XS005", `add name="…" or ref="…"`, "%q has neither name nor ref", n.Name())
			return nil
		}
		u.name.local = name
		if form := collapse(n.Attr("form")); form == "qualified" || form == "" && c.qualifiedAt {
			u.name.space = c.target
		}
		c.describeAttr(u, n)
	}
	switch collapse(n.Attr("use")) {
	case "required":
		u.required = true
	case "prohibited":
		u.prohibited = true
	}
	if def := n.AttrNode("", "default"); def != nil && (u.required || u.prohibited) {
		c.report(def, "XS015", "a default is for attributes that may be missing", "attribute %s cannot have both a default and use=%q", quoted(u.name), n.Attr("use"))
	}
	return u
}

// constraint reads a unique, key or keyref of an element.
func (c *compiler) constraint(e *element, n *xmltree.Node) {
	k := &constraint{kind: n.Local(), name: collapse(n.Attr("name")), node: n}
	if first := c.keys[k.name]; first != nil && first.node != n {
		c.report(n, "XS008", "rename one of them", "%s %q is there already, at %s", k.kind, k.name, first.node.Pos())
	} else {
		c.keys[k.name] = k
	}
	children(n, func(s *xmltree.Node) {
		if s.Local() != "selector" && s.Local() != "field" {
			return
		}
		a := s.AttrNode("", "xpath")
		if a == nil {
			return
		}
		p, wrong := parseKeyPath(a.Value(), s, s.Local() == "field")
		switch {
		case wrong != "":
			c.report(a, "XS021", "only child steps, an attribute at the end of a field, .// at the beginning and | are allowed", "%q is no path of a %s: %s", clipped(a.Value()), s.Local(), wrong)
		case s.Local() == "selector":
			k.selector = p
		default:
			k.fields = append(k.fields, p)
		}
	})
	if k.kind == "keyref" {
		c.keyrefs = append(c.keyrefs, k)
	}
	if k.selector != nil && len(k.fields) > 0 {
		e.keys = append(e.keys, k)
		c.out.keyed = true
	}
}

// refer gives each keyref its key.
func (c *compiler) refer() {
	for _, k := range c.keyrefs {
		a := k.node.AttrNode("", "refer")
		if a == nil {
			continue
		}
		q, ok := c.qname(a, a.Value())
		if !ok {
			continue
		}
		key := c.keys[q.local]
		switch {
		case q.space != c.target || key == nil || key.kind == "keyref":
			c.report(a, "XS021", "refer to a key or unique of this schema", "keyref %q refers to %s, which is no key", k.name, quoted(q))
		case len(key.fields) != len(k.fields):
			c.report(k.node, "XS021", "give both the same number of fields", "keyref %q has %d fields and %s %q has %d", k.name, len(k.fields), key.kind, key.name, len(key.fields))
		}
		k.refer = key
	}
}
