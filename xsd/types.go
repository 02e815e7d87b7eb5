package xsd

import (
	"math"
	"strconv"
	"strings"

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

// uses gives t its attributes: its own and those of its base.
func (c *compiler) uses(t *typeDef, d *xmltree.Node) {
	own := c.set(d)
	base := t.base
	t.byName = map[qname]*attrUse{}
	for _, u := range own.uses {
		t.byName[u.name] = u
	}
	for _, u := range own.uses {
		if u.prohibited {
			delete(t.byName, u.name)
			continue
		}
		t.attrs = append(t.attrs, u)
	}
	t.anyAttr = own.any
	if base == nil || base == anyType && t.method == restriction {
		t.finishUses()
		return
	}
	if t.method == restriction {
		c.restrictUses(t, own, d)
	}
	for _, u := range base.attrs {
		if !c.spend(1) {
			return
		}
		switch mine := t.byName[u.name]; {
		case mine == nil && !own.has(u.name):
			t.attrs = append(t.attrs, u)
			t.byName[u.name] = u
		case mine != nil && t.method == extension:
			c.report(mine.node, "XS008", "an extension inherits it", "attribute %s is in %s already", quoted(u.name), base.what)
		}
	}
	if t.method == extension && base.anyAttr != nil {
		if t.anyAttr == nil {
			t.anyAttr = base.anyAttr
		} else if both, ok := t.anyAttr.unite(base.anyAttr); ok {
			t.anyAttr = both
		} else {
			c.report(d, "XS018", "", "the wildcard for attributes cannot be combined with that of %s", base.what)
		}
	}
	t.finishUses()
}

func (s *attrSet) has(q qname) bool {
	for _, u := range s.uses {
		if u.name == q {
			return true
		}
	}
	return false
}

func (t *typeDef) finishUses() {
	t.needed = 0
	for _, u := range t.attrs {
		if u.required {
			t.needed++
		}
	}
}

// restrictUses checks that the attributes of a restriction allow nothing that
// the base does not allow.
func (c *compiler) restrictUses(t *typeDef, own *attrSet, d *xmltree.Node) {
	base := t.base
	for _, u := range own.uses {
		was := base.byName[u.name]
		switch {
		case was == nil && u.prohibited:
		case was == nil && (base.anyAttr == nil || !base.anyAttr.allows(u.name.space)):
			c.report(u.node, "XS018", "", "attribute %s is not allowed by %s, which is restricted", quoted(u.name), base.what)
		case was == nil:
		case was.required && !u.required:
			c.report(u.node, "XS018", "", "attribute %s is required by %s, which is restricted", quoted(u.name), base.what)
		case u.prohibited:
		case was.value != nil && was.value.fixed && (u.value == nil || !u.value.fixed || u.value.text != was.value.text):
			c.report(u.node, "XS018", "fix it too", "attribute %s is fixed as %q in %s", quoted(u.name), was.value.text, base.what)
		default:
			if _, ok := u.def.derivedFrom(was.def); !ok {
				c.report(u.node, "XS018", "", "attribute %s is of %s, which is not derived from %s as it is in %s", quoted(u.name), u.def.what, was.def.what, base.what)
			}
		}
	}
	if own.any != nil && (base.anyAttr == nil || !own.any.within(base.anyAttr)) {
		c.report(d, "XS018", "", "the wildcard for attributes allows more than %s", base.what)
	}
}

// finishType makes the model of t, now that all particles and all members of
// substitution groups are known, and checks it.
func (c *compiler) finishType(t *typeDef) {
	if t.content == textContent || t.particles == nil && t.model == nil {
		return
	}
	if c.spent || !c.spend(t.particles.count()+len(t.model.leaves())) {
		return
	}
	if t.particles != nil {
		t.model = &model{root: t.particles.simplified()}
	}
	t.model.finish()
	c.consistent(t.model, t.node)
	c.checkModel(t.model)
}

// leaves returns the elements of an xs:all.
func (m *model) leaves() []*particle {
	if m == nil {
		return nil
	}
	return m.all
}

// count counts the particles in p, which may be nil, and the names of elements.
func (p *particle) count() int {
	if p == nil {
		return 0
	}
	n := 1
	if p.elem != nil {
		n += len(p.elem.members)
	}
	for _, part := range p.parts {
		n += part.count()
	}
	return n
}

// simplified returns p without groups of one part, whose occurrences are
// multiplied where that leaves no gaps.
func (p *particle) simplified() *particle {
	if p.group == leaf {
		return p
	}
	q := *p
	q.parts = nil
	for _, part := range p.parts {
		q.parts = append(q.parts, part.simplified())
	}
	if len(q.parts) != 1 {
		return &q
	}
	in := q.parts[0]
	m, n := in.min, in.max
	switch {
	case q.min == 1 && q.max == 1:
		return in
	case n == unbounded && (q.min > 0 || m <= 1), n != unbounded && (q.min == q.max || (q.min+1)*m <= q.min*n+1):
	default:
		return &q
	}
	out := *in
	out.min = q.min * m
	if n != unbounded && q.max != unbounded {
		out.max = q.max * n
	} else {
		out.max = unbounded
	}
	return &out
}

// consistent checks that elements of one name in a model have one type
// (Schema Component Constraint: Element Declarations Consistent).
func (c *compiler) consistent(m *model, n *xmltree.Node) {
	types := map[qname]*typeDef{}
	m.each(func(p *particle) {
		if p.elem == nil {
			return
		}
		e := p.elem
		if was := types[e.name]; was != nil && was != e.typ && !c.full() {
			c.report(p.node, "XS020", "give both the same named type", "element %s is of %s here and of %s before, in one content model", quoted(e.name), e.typ.what, was.what)
			return
		}
		types[e.name] = e.typ
	})
}

// each calls f for every leaf of m.
func (m *model) each(f func(*particle)) {
	for _, p := range m.all {
		f(p)
	}
	if m.root != nil {
		m.root.each(f)
	}
}

func (p *particle) each(f func(*particle)) {
	if p.group == leaf {
		f(p)
	}
	for _, part := range p.parts {
		part.each(f)
	}
}

// contentOf makes the particle among the children of n, or the model of an
// xs:all.
func (c *compiler) contentOf(n *xmltree.Node) (*particle, *model) {
	e := child(n, "group", "all", "choice", "sequence")
	if e == nil {
		return nil, nil
	}
	p, all := c.particle(e, true)
	if p != nil && len(p.parts) == 0 && p.group != leaf && (p.group == sequence || p.min == 0) {
		p = nil
	}
	if all != nil && len(all.all) == 0 {
		all = nil
	}
	return p, all
}

// particle makes the particle that n is; nil for one that cannot occur or is
// wrong. An xs:all may only be the whole content, and comes as a model.
func (c *compiler) particle(n *xmltree.Node, whole bool) (*particle, *model) {
	if !c.spend(1) {
		return nil, nil
	}
	p := &particle{node: n}
	p.min, p.max = c.occurs(n)
	switch n.Local() {
	case "element":
		p.elem = c.localElement(n)
		if p.elem == nil {
			return nil, nil
		}
	case "any":
		p.any = c.wildcard(n)
	case "group":
		return c.groupRef(n, p, whole)
	case "all":
		return nil, c.all(n, p, whole)
	case "sequence", "choice":
		p.group = sequence
		if n.Local() == "choice" {
			p.group = choice
		}
		children(n, func(e *xmltree.Node) {
			switch e.Local() {
			case "element", "any", "group", "sequence", "choice":
				if part, _ := c.particle(e, false); part != nil {
					p.parts = append(p.parts, part)
				}
			}
		})
	}
	if p.max == 0 {
		return nil, nil
	}
	return p, nil
}

// all reads an xs:all.
func (c *compiler) all(n *xmltree.Node, p *particle, whole bool) *model {
	if !whole {
		c.report(n, "XS019", "use a sequence or choice", "an xs:all must be the whole content of a type")
	}
	if p.min > 1 || p.max != 1 && p.max != 0 {
		c.report(n, "XS019", "", "an xs:all occurs once, or not at all")
	}
	m := &model{all: []*particle{}, least: p.min}
	seen := map[qname]bool{}
	children(n, func(e *xmltree.Node) {
		if e.Local() != "element" {
			return
		}
		part, _ := c.particle(e, false)
		if part == nil {
			return
		}
		if part.min > 1 || part.max != 1 {
			c.report(e, "XS019", "use a sequence or choice", "an element of an xs:all occurs once, or not at all")
		}
		if seen[part.elem.name] {
			c.report(e, "XS016", "keep one of them", "the content model is ambiguous: element %s is there twice", quoted(part.elem.name))
		}
		seen[part.elem.name] = true
		m.all = append(m.all, part)
	})
	if p.max == 0 {
		return nil
	}
	return m
}

// groupRef makes a copy of a group that is referred to.
func (c *compiler) groupRef(n *xmltree.Node, p *particle, whole bool) (*particle, *model) {
	g := c.reference(n, "ref", "group")
	if g == nil || !c.globalGroup(g) {
		if g != nil {
			c.report(n, "XS011", "take it out of one of the groups", "the group %q holds itself", collapse(g.node.Attr("name")))
		}
		return nil, nil
	}
	if g.all != nil {
		if !whole {
			c.report(n, "XS019", "use a sequence or choice in the group", "a group that is an xs:all must be the whole content of a type")
		}
		if p.max != 1 && p.max != 0 || p.min > 1 {
			c.report(n, "XS019", "", "an xs:all occurs once, or not at all")
		}
		if p.max == 0 {
			return nil, nil
		}
		m := *g.all
		m.least = min(m.least, p.min)
		return nil, &m
	}
	if g.group == nil || p.max == 0 {
		return nil, nil
	}
	body := c.copyOf(g.group)
	if body == nil {
		return nil, nil
	}
	if p.min == 1 && p.max == 1 {
		return body, nil
	}
	p.group, p.parts = sequence, []*particle{body}
	return p, nil
}

// copyOf copies a particle, so that two places of it can be told apart.
func (c *compiler) copyOf(p *particle) *particle {
	if !c.spend(1) {
		return nil
	}
	q := *p
	q.parts = nil
	for _, part := range p.parts {
		if copied := c.copyOf(part); copied != nil {
			q.parts = append(q.parts, copied)
		}
	}
	return &q
}

// globalGroup makes the group of g; false when it holds itself.
func (c *compiler) globalGroup(g *global) bool {
	switch g.state {
	case busy:
		return false
	case fresh:
		g.state = busy
		if e := child(g.node, "all", "choice", "sequence"); e != nil {
			for _, attr := range []string{"minOccurs", "maxOccurs"} {
				if a := e.AttrNode("", attr); a != nil {
					c.report(a, "XS004", "say it where the group is used", "the content of a group cannot have %q", attr)
				}
			}
			g.group, g.all = c.particle(e, true)
		}
		g.state = done
	}
	return true
}

// mostOccurs is the largest number of occurrences that is counted.
const mostOccurs = 1_000_000_000

// occurs reads minOccurs and maxOccurs.
func (c *compiler) occurs(n *xmltree.Node) (least, most int) {
	least, most = 1, 1
	if a := n.AttrNode("", "minOccurs"); a != nil {
		least = count(a.Value())
		if least > mostOccurs {
			c.report(a, "XS017", "use a smaller number", "minOccurs=%q is more than %d", clipped(a.Value()), mostOccurs)
			least = mostOccurs
		}
	}
	if a := n.AttrNode("", "maxOccurs"); a != nil {
		most = count(a.Value())
		if collapse(a.Value()) == "unbounded" || most > mostOccurs {
			most = unbounded
		}
	}
	if most != unbounded && least > most {
		c.report(n, "XS017", "", "minOccurs %d is more than maxOccurs %d", least, most)
		most = least
	}
	return least, most
}

// count reads a whole number; what is not one has been reported.
func count(text string) int {
	i, err := strconv.Atoi(strings.TrimPrefix(collapse(text), "+"))
	switch {
	case err == nil && i >= 0:
		return i
	case digits(collapse(text)):
		return math.MaxInt
	}
	return 1
}
