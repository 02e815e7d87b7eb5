package xsd

import (
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// The namespaces of the attributes dt:type and so on: today's and the first.
var dtSpaces = []string{"urn:schemas-microsoft-com:datatypes", "uuid:C2F41010-65B3-11d1-A29F-00AA00C14882", "uuid:C2F41010-65B3-11d1-A29F-00AA00C14882/"}

// xdrShapes are the elements of XDR: their attributes, a ! behind those that
// must be there, and their children. dt stands for the attributes that say of
// which type a value is.
var xdrShapes = map[string][2]string{
	"Schema":        {"", "ElementType AttributeType description"},
	"ElementType":   {"name! content order model dt", "element attribute group ElementType AttributeType datatype description"},
	"AttributeType": {"name! default required dt", "datatype description"},
	"element":       {"type! minOccurs maxOccurs", "description"},
	"attribute":     {"type! default required", "description"},
	"group":         {"order minOccurs maxOccurs", "element group description"},
	"datatype":      {"dt", "description"},
}

// dtAttrs are the attributes of the namespace of dt:type.
var dtAttrs = []string{"type", "values", "minLength", "maxLength", "min", "max", "minExclusive", "maxExclusive"}

// xdrScope holds the types that are known at a place.
type xdrScope struct {
	outer      *xdrScope
	elements   map[string]*element
	attributes map[string]*xdrAttr
}

// xdrAttr is an AttributeType.
type xdrAttr struct {
	typ      *simple
	required bool
}

// xdr compiles a Schema whose children are those of XDR.
func (c *compiler) xdr(n *xmltree.Node) {
	c.out.xdr = true
	c.xdrShape(n)
	scope := c.xdrScope(n, nil)
	for _, t := range c.types {
		c.finishType(t)
	}
	for name, e := range scope.elements {
		c.out.elements[qname{local: name}] = e
	}
}

// isXDR reports whether n is an element of XDR: in its namespace, or in none.
func isXDR(n *xmltree.Node) bool { return n.Space() == xdrSpace || n.Space() == "" }

func xdrChildren(n *xmltree.Node, f func(*xmltree.Node)) {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if isXDR(e) {
			f(e)
		}
	}
}

// xdrShape checks n and what is below it against the shapes. What is in other
// namespaces is a note.
func (c *compiler) xdrShape(n *xmltree.Node) {
	s := xdrShapes[n.Local()]
	if n.Local() != "Schema" {
		c.xdrAttrs(n, strings.Fields(s[0]))
	}
	c.noText(n)
	may := strings.Fields(s[1])
	if x := child(n, "schema"); x != nil {
		c.report(x, "XS001", "keep one of the two", "an xs:schema cannot stand among the elements of XDR")
	}
	xdrChildren(n, func(e *xmltree.Node) {
		switch _, known := xdrShapes[e.Local()]; {
		case e.Local() == "description":
			if n.Local() == "description" {
				c.report(e, "XS003", "", "%q cannot hold itself", e.Local())
			}
		case slices.Contains(may, e.Local()):
			c.xdrShape(e)
		case known:
			c.report(e, "XS003", n.Local()+" may hold "+xmltree.List(may, "and"), "%q is not allowed in %q", e.Local(), n.Local())
		default:
			hint := n.Local() + " may hold " + xmltree.List(may, "and")
			if near := xmltree.Nearest(e.Local(), may); near != "" {
				hint = "did you mean " + strconv.Quote(near) + "?"
			}
			c.report(e, "XS002", hint, "XDR has no element %q", e.Local())
		}
	})
}

func (c *compiler) xdrAttrs(n *xmltree.Node, names []string) {
	typed := slices.Contains(names, "dt")
	for a := n.Attrs(); a != nil; a = a.Next() {
		switch {
		case slices.Contains(dtSpaces, a.Space()):
			if !typed || !slices.Contains(dtAttrs, a.Local()) {
				c.report(a, "XS004", "the attributes of types are "+xmltree.List(dtAttrs, "and"), "attribute %q is not allowed on %q", a.Name(), n.Local())
			}
		case a.Space() != "":
		case !slices.Contains(names, a.Local()) && !slices.Contains(names, a.Local()+"!"):
			hint := ""
			if near := xmltree.Nearest(a.Local(), names); near != "" {
				hint = "did you mean " + strconv.Quote(strings.TrimSuffix(near, "!")) + "?"
			} else if typed && slices.Contains(dtAttrs, a.Local()) {
				hint = `write dt:` + a.Local() + ` and declare xmlns:dt="` + dtSpaces[0] + `"`
			}
			c.report(a, "XS004", hint, "attribute %q is not allowed on %q", a.Name(), n.Local())
		default:
			if want := xdrWanted(a); want != "" {
				c.report(a, "XS006", "want "+want, "attribute %q of %q cannot be %q", a.Local(), n.Local(), clipped(a.Value()))
			}
		}
	}
	for _, name := range names {
		if name, must := strings.CutSuffix(name, "!"); must && n.AttrNode("", name) == nil {
			c.report(n, "XS005", "add "+name+`="…"`, "%q has no attribute %q", n.Local(), name)
		}
	}
}

func xdrWanted(a *xmltree.Node) string {
	switch a.Local() {
	case "name":
		if !xmltree.IsName(a.Value()) {
			return "a name without a colon"
		}
	case "content":
		return xmltree.OneOf("empty", "textOnly", "eltOnly", "mixed")(a.Value())
	case "order":
		return xmltree.OneOf("seq", "one", "many")(a.Value())
	case "model":
		return xmltree.OneOf("open", "closed")(a.Value())
	case "required":
		return xmltree.OneOf("yes", "no")(a.Value())
	case "minOccurs":
		return xmltree.OneOf("0", "1")(a.Value())
	case "maxOccurs":
		return xmltree.OneOf("1", "*")(a.Value())
	}
	return ""
}

// xdrScope makes the types among the children of n.
func (c *compiler) xdrScope(n *xmltree.Node, outer *xdrScope) *xdrScope {
	s := &xdrScope{outer, map[string]*element{}, map[string]*xdrAttr{}}
	var made []func()
	places := map[string]*xmltree.Node{}
	xdrChildren(n, func(e *xmltree.Node) {
		name := e.Attr("name")
		if name == "" || e.Local() != "ElementType" && e.Local() != "AttributeType" {
			return
		}
		if first := places[e.Local()+" "+name]; first != nil {
			c.report(e, "XS008", "rename one of them", "%s %q is there already, at %s", e.Local(), name, first.Pos())
			return
		}
		places[e.Local()+" "+name] = e
		if e.Local() == "AttributeType" {
			s.attributes[name] = c.xdrAttribute(e)
			return
		}
		t := &typeDef{what: "ElementType " + strconv.Quote(name), complex: true, node: e}
		s.elements[name] = &element{name: qname{local: name}, typ: t, node: e}
		made = append(made, func() { c.xdrElement(t, e, s) })
	})
	for _, f := range made {
		f()
	}
	return s
}

// xdrElement fills in the type of an ElementType.
func (c *compiler) xdrElement(t *typeDef, n *xmltree.Node, outer *xdrScope) {
	s := c.xdrScope(n, outer)
	c.types = append(c.types, t)
	t.open = n.Attr("model") != "closed"
	c.xdrUses(t, n, s)
	typ := c.xdrType(n, t.what)
	content := n.Attr("content")
	switch {
	case typ != nil && (content == "" || content == "textOnly"):
		t.content, t.simple = textContent, typ
	case typ != nil:
		c.report(n, "XS018", `say content="textOnly", or take the type away`, "%s has a type and content %q", t.what, content)
	}
	switch {
	case typ != nil:
	case content == "textOnly":
		t.content, t.simple, t.loose = textContent, dtString(t.what), t.open
	case content == "empty":
		t.content = emptyContent
	case content == "eltOnly":
		t.content = elementContent
	default:
		t.content = mixedContent
	}
	order := n.Attr("order")
	if order == "" && t.content == mixedContent {
		order = "many"
	}
	p := c.xdrGroup(n, order, s)
	if t.content == elementContent || t.content == mixedContent {
		t.particles = p
	} else if len(p.parts) > 0 {
		c.report(n, "XS018", `say content="eltOnly" or "mixed"`, "%s names elements, but its content holds none", t.what)
	}
}

// xdrGroup makes the particle of an ElementType or group from its children.
func (c *compiler) xdrGroup(n *xmltree.Node, order string, s *xdrScope) *particle {
	p := &particle{min: 1, max: 1, group: sequence, node: n}
	if order == "one" || order == "many" {
		p.group = choice
	}
	seen := map[string]bool{}
	xdrChildren(n, func(e *xmltree.Node) {
		if !c.spend(1) {
			return
		}
		var part *particle
		switch e.Local() {
		case "element":
			decl := c.xdrRef(e, s)
			if decl == nil || order == "many" && seen[decl.name.local] {
				return
			}
			seen[decl.name.local] = true
			part = &particle{elem: decl, node: e}
		case "group":
			part = c.xdrGroup(e, e.Attr("order"), s)
			if len(part.parts) == 0 {
				c.report(e, "XS003", "put elements into it, or take it out", "a group is empty")
				return
			}
		default:
			return
		}
		part.min, part.max = xdrOccurs(e, part, order)
		p.parts = append(p.parts, part)
	})
	switch {
	case order == "many":
		p.min, p.max = 0, unbounded
	case order == "one" && len(p.parts) == 0:
		p.group = sequence // of nothing, nothing is chosen
	}
	return p
}

// xdrOccurs reads how often an element or group may stand in one of that
// order. Where any number of any of them may stand, it means nothing.
func xdrOccurs(n *xmltree.Node, p *particle, order string) (least, most int) {
	switch {
	case p.group == choice && p.max == unbounded:
		return p.min, p.max
	case order == "many":
		return 1, 1
	}
	least, most = 1, 1
	if n.Attr("minOccurs") == "0" {
		least = 0
	}
	if n.Attr("maxOccurs") == "*" {
		most = unbounded
	}
	return least, most
}

// xdrRef returns what the attribute type of an element names.
func (c *compiler) xdrRef(n *xmltree.Node, s *xdrScope) *element {
	a := n.AttrNode("", "type")
	if a == nil || c.foreign(a) {
		return nil
	}
	for at := s; at != nil; at = at.outer {
		if e := at.elements[a.Value()]; e != nil {
			return e
		}
	}
	c.unknown(a, "ElementType", func() (names []string) {
		for at := s; at != nil; at = at.outer {
			names = append(names, localNamesOf(at.elements)...)
		}
		return names
	})
	return nil
}

// foreign reports a reference to another schema.
func (c *compiler) foreign(a *xmltree.Node) bool {
	if !strings.Contains(a.Value(), ":") {
		return false
	}
	c.report(a, "XS010", "copy what is needed into this schema", "%q refers to another schema, which is not supported", clipped(a.Value()))
	return true
}

func (c *compiler) unknown(a *xmltree.Node, kind string, names func() []string) {
	hint := "define it at the top level of the schema"
	if near := c.near(a.Value(), names); near != "" {
		hint = "did you mean " + strconv.Quote(near) + "?"
	}
	c.report(a, "XS009", hint, "there is no %s %q", kind, clipped(a.Value()))
}

func localNamesOf[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// xdrAttribute reads an AttributeType.
func (c *compiler) xdrAttribute(n *xmltree.Node) *xdrAttr {
	x := &xdrAttr{required: n.Attr("required") == "yes"}
	what := "AttributeType " + strconv.Quote(n.Attr("name"))
	x.typ = c.xdrType(n, what)
	if x.typ == nil {
		x.typ = dtString(what)
	}
	if a := n.AttrNode("", "default"); a != nil {
		c.xdrDefault(a, x.typ)
	}
	return x
}

func (c *compiler) xdrDefault(a *xmltree.Node, typ *simple) {
	if _, f := typ.read(a.Value(), a.Parent(), c); f != nil {
		c.report(a, "XS015", "", "attribute %q cannot be %q: %s", a.Local(), clipped(a.Value()), f)
	}
}

// xdrUses gives t the attributes that n refers to.
func (c *compiler) xdrUses(t *typeDef, n *xmltree.Node, s *xdrScope) {
	t.byName = map[qname]*attrUse{}
	xdrChildren(n, func(e *xmltree.Node) {
		a := e.AttrNode("", "type")
		if e.Local() != "attribute" || a == nil || c.foreign(a) {
			return
		}
		x := s.attribute(a.Value())
		if x == nil {
			c.unknown(a, "AttributeType", func() (names []string) {
				for at := s; at != nil; at = at.outer {
					names = append(names, localNamesOf(at.attributes)...)
				}
				return names
			})
			return
		}
		u := &attrUse{name: qname{local: a.Value()}, typ: x.typ, required: x.required, node: e}
		if r := e.Attr("required"); r != "" {
			u.required = r == "yes"
		}
		if def := e.AttrNode("", "default"); def != nil {
			c.xdrDefault(def, x.typ)
		}
		if t.byName[u.name] != nil {
			c.report(e, "XS008", "keep one of them", "attribute %s is there twice", quoted(u.name))
			return
		}
		t.byName[u.name] = u
		t.attrs = append(t.attrs, u)
	})
	t.finishUses()
}

func (s *xdrScope) attribute(name string) *xdrAttr {
	for at := s; at != nil; at = at.outer {
		if x := at.attributes[name]; x != nil {
			return x
		}
	}
	return nil
}
