package xsd

import (
	"strconv"
	"strings"

	"sutler/xmltree"
)

// simpleType makes the type that a simpleType element defines.
func (c *compiler) simpleType(n *xmltree.Node, what string) *typeDef {
	t := &typeDef{what: what, base: anySimple, method: restriction, node: n, simple: anySimple.simple}
	t.final = c.waysOr(n, "final", restriction|list|union, c.finalAll)
	d := child(n, "restriction", "list", "union")
	if d == nil {
		return t
	}
	switch d.Local() {
	case "restriction":
		base := c.made(d, "base", t, restriction)
		if base == nil {
			return t
		}
		if base == anySimple {
			c.report(d, "XS018", "restrict xs:string", "xs:anySimpleType cannot be restricted")
		}
		t.base = base
		t.simple = c.restrict(base.simple, d, what)
	case "list":
		t.method = list
		item := c.made(d, "itemType", t, list)
		if item == nil {
			return t
		}
		if item.simple.lists {
			c.report(d, "XS018", "a list holds atoms, or unions of them", "%s cannot be a list of %s, which is a list itself", what, item.what)
			return t
		}
		t.simple = listOf(what, item.simple)
	case "union":
		t.method = union
		c.union(t, d)
	}
	return t
}

// made returns the type that d makes another one of: named in an attribute or
// standing inside.
func (c *compiler) made(d *xmltree.Node, attr string, t *typeDef, way derivation) *typeDef {
	a, inside := d.AttrNode("", attr), child(d, "simpleType")
	switch {
	case a != nil && inside != nil:
		c.report(a, "XS004", "keep one of them", "%q has both %q and a type inside", d.Name(), attr)
		return nil
	case inside != nil:
		return c.simpleType(inside, t.what)
	case a == nil:
		c.report(d, "XS005", "add "+attr+`="…" or a simpleType`, "%q has neither %q nor a type inside", d.Name(), attr)
		return nil
	}
	base := c.typeNamed(a, a.Value())
	return c.mayMake(base, a, way)
}

// mayMake returns base if a simple type may be made of it in that way.
func (c *compiler) mayMake(base *typeDef, a *xmltree.Node, way derivation) *typeDef {
	switch {
	case base == nil:
		return nil
	case base.complex:
		c.report(a, "XS018", "want a simple type", "a simple type cannot be made of %s, a complex type", base.what)
		return nil
	case base.final&way != 0:
		c.report(a, "XS018", "", "%s is final: nothing can be made of it in this way", base.what)
		return nil
	}
	return base
}

// union reads the members of a union.
func (c *compiler) union(t *typeDef, d *xmltree.Node) {
	s := atomic(t.what, nil, preserve)
	add := func(m *typeDef) {
		if m != nil && c.spend(1) {
			s.members = append(s.members, m.simple)
			s.lists = s.lists || m.simple.lists
		}
	}
	if a := d.AttrNode("", "memberTypes"); a != nil {
		for _, name := range strings.Fields(a.Value()) {
			add(c.mayMake(c.typeNamed(a, name), a, union))
		}
	}
	children(d, func(e *xmltree.Node) {
		if e.Local() == "simpleType" {
			add(c.simpleType(e, t.what))
		}
	})
	if len(s.members) == 0 {
		if d.AttrNode("", "memberTypes") == nil || strings.TrimSpace(d.Attr("memberTypes")) == "" {
			c.report(d, "XS005", `add memberTypes="…" or a simpleType`, "a union has no members")
		}
		return
	}
	t.simple = s
}

// restrict returns base with the facets among the children of d.
func (c *compiler) restrict(base *simple, d *xmltree.Node, what string) *simple {
	s := *base
	s.what, s.own = what, 0
	r := &restricting{c: c, base: base, s: &s, d: d}
	children(d, func(e *xmltree.Node) {
		if f, ok := facetOf(e.Local()); ok {
			if a := e.AttrNode("", "value"); a != nil {
				r.facet(f, e, a)
			}
		}
	})
	if r.patterns != nil {
		s.patterns = append(s.patterns[:len(s.patterns):len(s.patterns)], r.patterns)
	}
	if r.enum != nil {
		s.enum = r.enum
	}
	r.agree()
	return &s
}

// restricting is a simple type on its way to another one.
type restricting struct {
	c        *compiler
	base, s  *simple
	d        *xmltree.Node
	patterns []*pattern
	enum     *enumeration
}

// facet takes one facet with its value in a.
func (r *restricting) facet(f facet, e, a *xmltree.Node) {
	c, name := r.c, e.Local()
	switch {
	case r.base.facets()&f == 0:
		c.report(e, "XS012", "", "facet %q does not apply to %s", name, r.base.what)
		return
	case r.s.own&f != 0 && f&(patternFacet|enumerationFacet) == 0:
		c.report(e, "XS013", "keep one of them", "facet %q is there twice", name)
		return
	}
	r.s.own |= f
	switch f {
	case patternFacet:
		r.pattern(a)
	case enumerationFacet:
		r.value(a)
	case whiteSpaceFacet:
		r.whiteSpace(a)
	case lengthFacet:
		r.number(f, a, 0, &r.s.length, func(n int) bool { return r.base.length < 0 || n == r.base.length })
	case minLengthFacet:
		r.number(f, a, 0, &r.s.minLength, func(n int) bool { return n >= r.base.minLength })
	case maxLengthFacet:
		r.number(f, a, 0, &r.s.maxLength, func(n int) bool { return r.base.maxLength < 0 || n <= r.base.maxLength })
	case totalDigitsFacet:
		r.number(f, a, 1, &r.s.totalDigits, func(n int) bool { return r.base.totalDigits < 0 || n <= r.base.totalDigits })
	case fractionDigitsFacet:
		r.number(f, a, 0, &r.s.fractionDigits, func(n int) bool { return r.base.fractionDigits < 0 || n <= r.base.fractionDigits })
	default:
		r.bound(f, a)
	}
	if isTrue(e, "fixed") {
		r.s.fixed |= f
	}
}

func (r *restricting) wrong(a *xmltree.Node, format string, args ...any) {
	name := a.Parent().Local()
	if a.Space() != "" { // of XDR
		name = a.Name().String()
	}
	args = append([]any{name, clipped(a.Value())}, args...)
	r.c.report(a, "XS013", "", "facet %q cannot be %q: "+format, args...)
}

// unchanged reports a fixed facet that has another value than in the base.
func (r *restricting) unchanged(f facet, a *xmltree.Node, same bool) {
	if r.base.fixed&f != 0 && !same {
		r.wrong(a, "it is fixed in %s", r.base.what)
	}
}

func (r *restricting) pattern(a *xmltree.Node) {
	c := r.c
	if c.states > mostPatternStates {
		return // it was reported
	}
	p, err := compilePattern(a.Value())
	switch {
	case err != nil:
		if !c.full() {
			c.problems = append(c.problems, c.doc.ProblemIn(a, err.at, "XS014", "pattern "+strconv.Quote(clipped(a.Value()))+" cannot be used: "+err.msg,
				"see XML Schema part 2, appendix F; a pattern always matches the whole value"))
		}
		return
	case c.states+p.size > mostPatternStates:
		c.states = mostPatternStates + 1
		c.report(a, "XS022", "use fewer or smaller patterns; maxLength bounds the length of a value", "the patterns of the schema are too large together: more than %d states", mostPatternStates)
		return
	}
	c.states += p.size
	r.patterns = append(r.patterns, p)
}

// mostPatternStates bounds the patterns of a schema together.
const mostPatternStates = 100_000

func (r *restricting) value(a *xmltree.Node) {
	v, f := r.base.read(a.Value(), a.Parent(), r.c)
	if f != nil {
		r.wrong(a, "%s", f)
		return
	}
	if r.enum == nil {
		r.enum = &enumeration{keys: map[string]bool{}}
	}
	r.enum.keys[v.kind+" "+v.key] = true
	r.enum.texts = append(r.enum.texts, v.text)
}

func (r *restricting) whiteSpace(a *xmltree.Node) {
	for i, word := range whiteSpaces {
		if word != collapse(a.Value()) {
			continue
		}
		w := whiteSpace(i)
		r.unchanged(whiteSpaceFacet, a, w == r.base.white)
		if w < r.base.white {
			r.wrong(a, "%s has %q, which cannot be taken back", r.base.what, whiteSpaces[r.base.white])
			return
		}
		r.s.white = w
		return
	}
	r.wrong(a, "want preserve, replace or collapse")
}

func (r *restricting) number(f facet, a *xmltree.Node, least int, to *int, narrower func(int) bool) {
	text := strings.TrimPrefix(collapse(a.Value()), "+")
	if text == "" || !digits(text) {
		r.wrong(a, "want a whole number")
		return
	}
	n := min(count(text), mostOccurs)
	switch {
	case n < least:
		r.wrong(a, "want %d or more", least)
	case !narrower(n):
		r.wrong(a, "%s is narrower", r.base.what)
	default:
		r.unchanged(f, a, n == *to)
	}
	*to = n
}

func (r *restricting) bound(f facet, a *xmltree.Node) {
	v, bad := r.base.parse(r.base.white.apply(a.Value()), a.Parent(), r.c)
	if bad != nil {
		r.wrong(a, "%s", bad)
		return
	}
	b := &bound{v, f == maxExclusiveFacet || f == minExclusiveFacet}
	low := f == minInclusiveFacet || f == minExclusiveFacet
	of, was := &r.s.upper, r.base.upper
	if low {
		of, was = &r.s.lower, r.base.lower
	}
	if other := f ^ (maxInclusiveFacet | maxExclusiveFacet); !low && r.s.own&other&bounds != 0 {
		r.wrong(a, "there is maxInclusive or maxExclusive already")
	}
	if other := f ^ (minInclusiveFacet | minExclusiveFacet); low && r.s.own&other&bounds != 0 {
		r.wrong(a, "there is minInclusive or minExclusive already")
	}
	for _, limit := range []*bound{r.base.lower, r.base.upper} {
		if limit == nil {
			continue
		}
		loose := &bound{value: limit.value, exclusive: limit.exclusive && !(b.exclusive && limit == was)}
		if limit == r.base.lower && !loose.below(v) || limit == r.base.upper && !loose.above(v) {
			r.wrong(a, "%s does not reach so far", r.base.what)
			return
		}
	}
	r.unchanged(f, a, was != nil && was.exclusive == b.exclusive && was.value.same(v))
	*of = b
}

// agree checks the facets against each other.
func (r *restricting) agree() {
	s, report := r.s, func(format string, args ...any) { r.c.report(r.d, "XS013", "", format, args...) }
	switch {
	case s.minLength >= 0 && s.maxLength >= 0 && s.minLength > s.maxLength:
		report("minLength %d is more than maxLength %d", s.minLength, s.maxLength)
	case s.length >= 0 && (s.minLength > s.length || s.maxLength >= 0 && s.maxLength < s.length):
		report("length %d does not agree with minLength and maxLength", s.length)
	case s.own&lengthFacet != 0 && s.own&(minLengthFacet|maxLengthFacet) != 0:
		report("length cannot stand beside minLength or maxLength")
	case s.totalDigits >= 0 && s.fractionDigits > s.totalDigits:
		report("fractionDigits %d is more than totalDigits %d", s.fractionDigits, s.totalDigits)
	}
	if s.lower == nil || s.upper == nil || s.own&bounds == 0 {
		return
	}
	c, known := s.lower.value.compare(s.upper.value)
	if known && (c > 0 || c == 0 && s.lower.exclusive != s.upper.exclusive) {
		report("the least value %s is more than the greatest %s", s.lower.value.text, s.upper.value.text)
	}
}
