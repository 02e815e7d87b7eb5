package xsd

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// global is a component that the schema names, made when it is first needed.
type global struct {
	node  *xmltree.Node
	state state
	typ   *typeDef
	elem  *element
	attr  *attrUse
	group *particle
	all   *model // a group that is an xs:all
	set   *attrSet
}

// schema compiles an xs:schema.
func (c *compiler) schema(n *xmltree.Node) {
	c.shape(n)
	c.target = n.Attr("targetNamespace")
	c.out.target = c.target
	c.qualified = collapse(n.Attr("elementFormDefault")) == "qualified"
	c.qualifiedAt = collapse(n.Attr("attributeFormDefault")) == "qualified"
	c.blockAll = c.ways(n, "blockDefault", extension|restriction|substitution)
	c.finalAll = c.ways(n, "finalDefault", extension|restriction|list|union)
	c.unsupported(n)
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		c.declare(e)
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		c.global(e)
	}
	for len(c.queue) > 0 {
		next := c.queue[0]
		c.queue = c.queue[1:]
		next()
	}
	c.substitutions()
	for _, t := range c.types {
		c.finishType(t)
	}
	c.refer()
	for _, check := range c.pending {
		check()
	}
}

// unsupported reports what this package does not carry out.
func (c *compiler) unsupported(n *xmltree.Node) {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != xsSpace {
			continue
		}
		switch e.Local() {
		case "include", "import", "redefine":
			c.report(e, "XS010", "copy what is needed into this schema; it has one target namespace and stands by itself", "%q is not supported: a schema reads no other one", e.Local())
		case "notation":
			c.report(e, "XS010", "use an enumeration of xs:token", "%q is not supported: without a DTD nothing can refer to a notation", e.Local())
		}
	}
}

// kindOf returns the symbol space of a global component.
func kindOf(local string) string {
	switch local {
	case "simpleType", "complexType":
		return "type"
	case "element", "attribute", "group", "attributeGroup":
		return local
	}
	return ""
}

// declare makes a global component known.
func (c *compiler) declare(e *xmltree.Node) {
	kind := kindOf(e.Local())
	name := collapse(e.Attr("name"))
	if e.Space() != xsSpace || kind == "" || name == "" {
		return
	}
	if first := c.globals[kind][name]; first != nil {
		c.report(e, "XS008", "rename one of them", "%s %q is there already, at %s", kind, name, first.node.Pos())
		return
	}
	if c.globals[kind] == nil {
		c.globals[kind] = map[string]*global{}
	}
	c.globals[kind][name] = &global{node: e}
}

// global compiles a global component.
func (c *compiler) global(e *xmltree.Node) {
	kind, name := kindOf(e.Local()), collapse(e.Attr("name"))
	g := c.globals[kind][name]
	if g == nil || g.node != e || e.Space() != xsSpace {
		return
	}
	q := qname{c.target, name}
	switch kind {
	case "type":
		c.out.types[q] = c.globalType(g)
	case "element":
		c.out.elements[q] = c.globalElement(g)
	case "attribute":
		c.out.attributes[q] = c.globalAttribute(g)
	case "group":
		c.globalGroup(g)
	case "attributeGroup":
		c.globalSet(g)
	}
}

// reference returns the component that an attribute of n names, nil after
// having reported that there is none.
func (c *compiler) reference(n *xmltree.Node, attr, kind string) *global {
	a := n.AttrNode("", attr)
	if a == nil {
		return nil
	}
	q, ok := c.qname(a, a.Value())
	if !ok {
		return nil
	}
	return c.find(a, q, kind)
}

// qname reads a name in an attribute of the schema.
func (c *compiler) qname(a *xmltree.Node, text string) (qname, bool) {
	q, ok := resolve(collapse(text), a.Parent())
	if !ok {
		if prefix, _, prefixed := strings.Cut(collapse(text), ":"); prefixed && xmltree.IsName(prefix) {
			c.report(a, "XS009", "declare it with xmlns:"+prefix+`="…"`, "the prefix of %q is not declared", clipped(text))
		} else {
			c.report(a, "XS006", "want a name, or prefix:name", "attribute %q cannot be %q", a.Local(), clipped(text))
		}
	}
	return q, ok
}

func (c *compiler) find(a *xmltree.Node, q qname, kind string) *global {
	if q.space != c.target {
		hint := "this schema has no target namespace; take the prefix or the default namespace away"
		if c.target != "" {
			hint = "declare a prefix for the target namespace " + strconv.Quote(c.target) + " and use it"
		}
		c.report(a, "XS009", hint, "%s %s is in a namespace that is not described here", kind, quoted(q))
		return nil
	}
	g := c.globals[kind][q.local]
	if g == nil {
		hint := "define it at the top level of the schema"
		if near := c.near(q.local, func() []string { return slices.Sorted(maps.Keys(c.globals[kind])) }); near != "" {
			hint = "did you mean " + strconv.Quote(near) + "?"
		}
		c.report(a, "XS009", hint, "there is no %s %s", kind, quoted(q))
	}
	return g
}

// typeNamed returns the type that an attribute names; anyType after an error.
func (c *compiler) typeNamed(a *xmltree.Node, text string) *typeDef {
	q, ok := c.qname(a, text)
	if !ok {
		return nil
	}
	if q.space == xsSpace {
		t := builtins[q.local]
		switch {
		case t != nil:
			return t
		case q.local == "NOTATION":
			c.report(a, "XS010", "use an enumeration of xs:token", "the type xs:NOTATION is not supported: without a DTD nothing can refer to a notation")
		default:
			hint := "see the list of types in XML Schema part 2"
			if near := xmltree.Nearest(q.local, slices.Sorted(maps.Keys(builtins))); near != "" {
				hint = "did you mean " + strconv.Quote("xs:"+near) + "?"
			}
			c.report(a, "XS009", hint, "XML Schema has no type %q", q.local)
		}
		return nil
	}
	g := c.find(a, q, "type")
	if g == nil {
		return nil
	}
	return c.globalType(g)
}

// wayNames are the words of block and final.
var wayNames = map[string]derivation{"extension": extension, "restriction": restriction, "list": list, "union": union, "substitution": substitution}

// ways reads a set of derivations.
func (c *compiler) ways(n *xmltree.Node, attr string, allowed derivation) derivation {
	a := n.AttrNode("", attr)
	if a == nil {
		return 0
	}
	var set derivation
	for _, word := range strings.Fields(a.Value()) {
		way := wayNames[word]
		if word == "#all" && collapse(a.Value()) == "#all" {
			way = allowed
		}
		if way == 0 || way&allowed != way {
			var words []string
			for _, w := range []string{"extension", "restriction", "list", "union", "substitution"} {
				if wayNames[w]&allowed != 0 {
					words = append(words, w)
				}
			}
			c.report(a, "XS006", "want #all, or some of "+xmltree.List(words, "and"), "attribute %q of %q cannot hold %q", attr, n.Name(), word)
			continue
		}
		set |= way
	}
	return set
}

// waysOr reads a set of derivations, or takes the default of the schema.
func (c *compiler) waysOr(n *xmltree.Node, attr string, allowed, otherwise derivation) derivation {
	if n.AttrNode("", attr) == nil {
		return otherwise & allowed
	}
	return c.ways(n, attr, allowed)
}

// children calls f for each child of n in the namespace of XML Schema.
func children(n *xmltree.Node, f func(*xmltree.Node)) {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() == xsSpace {
			f(e)
		}
	}
}

// child returns the first child of n of that name in XML Schema, or nil.
func child(n *xmltree.Node, locals ...string) *xmltree.Node {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() == xsSpace && slices.Contains(locals, e.Local()) {
			return e
		}
	}
	return nil
}
