package xsd

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// shape is what one element of a schema may hold: attributes, a ! behind those
// that must be there, and children in order, each slot a choice with a suffix
// as in a DTD.
type shape struct {
	attrs   []string
	content []slot
}

type slot struct {
	names    []string
	min, max int
}

// The attributes and contents that several elements share.
const (
	particleAttrs  = " minOccurs maxOccurs"
	attributeSlots = " attribute|attributeGroup* anyAttribute?"
	typeSlots      = " group|all|choice|sequence?" + attributeSlots
	facetSlots     = " minExclusive|minInclusive|maxExclusive|maxInclusive|totalDigits|fractionDigits|length|minLength|maxLength|enumeration|whiteSpace|pattern*"
	keySlots       = " unique|key|keyref*"
)

// shapes are the elements of XML Schema by name, or by parent/name where that
// makes a difference (XML Schema part 1, appendix A).
var shapes = makeShapes(map[string][2]string{
	"schema": {"targetNamespace version elementFormDefault attributeFormDefault blockDefault finalDefault",
		"include|import|redefine|annotation* simpleType|complexType|group|attributeGroup|element|attribute|notation|annotation*"},
	"include": {"schemaLocation", "*"}, "import": {"namespace schemaLocation", "*"}, "redefine": {"schemaLocation", "*"}, "notation": {"name public system", "*"},
	"schema/element":             {"name! type substitutionGroup default fixed nillable abstract final block", "simpleType|complexType?" + keySlots},
	"element":                    {"name ref type default fixed nillable block form" + particleAttrs, "simpleType|complexType?" + keySlots},
	"schema/attribute":           {"name! type default fixed", "simpleType?"},
	"attribute":                  {"name ref type use default fixed form", "simpleType?"},
	"schema/complexType":         {"name! abstract final block mixed", "simpleContent|complexContent?" + typeSlots},
	"complexType":                {"mixed", "simpleContent|complexContent?" + typeSlots},
	"schema/simpleType":          {"name! final", "restriction|list|union"},
	"simpleType":                 {"", "restriction|list|union"},
	"schema/group":               {"name!", "all|choice|sequence"},
	"group":                      {"ref!" + particleAttrs, ""},
	"schema/attributeGroup":      {"name!", strings.TrimSpace(attributeSlots)},
	"attributeGroup":             {"ref!", ""},
	"simpleContent":              {"", "restriction|extension"},
	"complexContent":             {"mixed", "restriction|extension"},
	"simpleType/restriction":     {"base", "simpleType?" + facetSlots},
	"simpleContent/restriction":  {"base!", "simpleType?" + facetSlots + attributeSlots},
	"simpleContent/extension":    {"base!", strings.TrimSpace(attributeSlots)},
	"complexContent/restriction": {"base!", strings.TrimSpace(typeSlots)},
	"complexContent/extension":   {"base!", strings.TrimSpace(typeSlots)},
	"list":                       {"itemType", "simpleType?"},
	"union":                      {"memberTypes", "simpleType*"},
	"all":                        {strings.TrimSpace(particleAttrs), "element*"},
	"choice":                     {strings.TrimSpace(particleAttrs), "element|group|choice|sequence|any*"},
	"sequence":                   {strings.TrimSpace(particleAttrs), "element|group|choice|sequence|any*"},
	"any":                        {"namespace processContents" + particleAttrs, ""},
	"anyAttribute":               {"namespace processContents", ""},
	"unique":                     {"name!", "selector field+"}, "key": {"name!", "selector field+"}, "keyref": {"name! refer!", "selector field+"},
	"selector": {"xpath!", ""}, "field": {"xpath!", ""},
	"length": {"value! fixed", ""}, "minLength": {"value! fixed", ""}, "maxLength": {"value! fixed", ""}, "totalDigits": {"value! fixed", ""},
	"fractionDigits": {"value! fixed", ""}, "minExclusive": {"value! fixed", ""}, "minInclusive": {"value! fixed", ""},
	"maxExclusive": {"value! fixed", ""}, "maxInclusive": {"value! fixed", ""}, "whiteSpace": {"value! fixed", ""},
	"enumeration": {"value!", ""}, "pattern": {"value!", ""},
	"annotation": {"", "*"},
})

func makeShapes(texts map[string][2]string) map[string]*shape {
	all := map[string]*shape{}
	for name, text := range texts {
		s := &shape{attrs: append(strings.Fields(text[0]), "id")}
		all[name] = s
		if text[1] == "*" { // anything; it is not looked at
			continue
		}
		s.content = []slot{}
		if name != "schema" {
			s.content = append(s.content, slot{[]string{"annotation"}, 0, 1})
		}
		for _, item := range strings.Fields(text[1]) {
			sl := slot{min: 1, max: 1}
			switch item[len(item)-1] {
			case '?':
				sl.min = 0
			case '*':
				sl.min, sl.max = 0, math.MaxInt
			case '+':
				sl.max = math.MaxInt
			}
			sl.names = strings.Split(strings.TrimRight(item, "?*+"), "|")
			s.content = append(s.content, sl)
		}
	}
	return all
}

// shapeOf returns the shape of an element of XML Schema, or nil.
func shapeOf(n *xmltree.Node) *shape {
	if p := n.Parent(); p != nil {
		if s := shapes[p.Local()+"/"+n.Local()]; s != nil && p.Space() == xsSpace {
			return s
		}
	}
	return shapes[n.Local()]
}

// shape checks n and everything below it against the shapes.
func (c *compiler) shape(n *xmltree.Node) {
	s := shapeOf(n)
	if s == nil || s.content == nil { // reported, or free
		if s != nil {
			c.shapeAttrs(n, s)
		}
		return
	}
	c.shapeAttrs(n, s)
	c.noText(n)
	at, count := 0, 0 // the slot that is being filled, and how often it was
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != xsSpace {
			c.report(e, "XS002", "elements of other namespaces belong into xs:appinfo of an annotation", "%s is not allowed in %q", xmltree.Describe(e), n.Name())
			continue
		}
		if shapeOf(e) == nil {
			hint := "it may hold " + xmltree.List(s.children(), "and")
			if near := xmltree.Nearest(e.Local(), s.children()); near != "" {
				hint = "did you mean " + strconv.Quote(near) + "?"
			}
			c.report(e, "XS002", hint, "XML Schema has no element %q", e.Local())
			continue
		}
		if !s.fill(e.Local(), &at, &count) {
			c.misplaced(e, n, s)
		}
		c.shape(e)
	}
	for i := at; i < len(s.content); i++ {
		if sl := s.content[i]; sl.min > 0 && (i > at || count < sl.min) && !c.holds(n, sl.names) {
			c.report(n, "XS003", "add it", "%q has no %s", n.Name(), xmltree.List(sl.names, "or"))
		}
	}
}

// fill puts a child into the slots of s, from *at on.
func (s *shape) fill(name string, at, count *int) bool {
	for i := *at; i < len(s.content); i++ {
		sl := s.content[i]
		if slices.Contains(sl.names, name) {
			if i > *at {
				*count = 0
			}
			if *count >= sl.max {
				return false
			}
			*at, *count = i, *count+1
			return true
		}
	}
	return false
}

func (s *shape) children() []string {
	var all []string
	for _, sl := range s.content {
		for _, name := range sl.names {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// holds reports whether n has a child of one of the names.
func (c *compiler) holds(n *xmltree.Node, names []string) bool {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() == xsSpace && slices.Contains(names, e.Local()) {
			return true
		}
	}
	return false
}

func (c *compiler) misplaced(e, n *xmltree.Node, s *shape) {
	if slices.Contains(s.children(), e.Local()) {
		c.report(e, "XS003", "the order is "+strings.Join(s.children(), ", "), "%q is not allowed here in %q: too often, or out of order", e.Local(), n.Name())
		return
	}
	hint := n.Name().String() + " holds nothing"
	if len(s.children()) > 0 {
		hint = n.Name().String() + " may hold " + xmltree.List(s.children(), "and")
	}
	c.report(e, "XS003", hint, "%q is not allowed in %q", e.Local(), n.Name())
}

// shapeAttrs checks the attributes of n. Those of other namespaces are notes.
func (c *compiler) shapeAttrs(n *xmltree.Node, s *shape) {
	for a := n.Attrs(); a != nil; a = a.Next() {
		switch {
		case a.Space() == xsSpace:
			c.report(a, "XS004", "take the prefix off", "attribute %q of %q cannot be in the namespace of XML Schema", a.Name(), n.Name())
		case a.Space() != "":
		case !slices.Contains(s.attrs, a.Local()) && !slices.Contains(s.attrs, a.Local()+"!"):
			names := strings.Fields(strings.ReplaceAll(strings.Join(s.attrs, " "), "!", ""))
			hint := "it may have " + xmltree.List(names, "and")
			if near := xmltree.Nearest(a.Local(), names); near != "" {
				hint = "did you mean " + strconv.Quote(near) + "?"
			}
			c.report(a, "XS004", hint, "attribute %q is not allowed on %q here", a.Name(), n.Name())
		default:
			if want := wantedAttr(n, a); want != "" {
				c.report(a, "XS006", "want "+want, "attribute %q of %q cannot be %q", a.Local(), n.Name(), clipped(a.Value()))
			}
		}
	}
	for _, name := range s.attrs {
		if name, must := strings.CutSuffix(name, "!"); must && n.AttrNode("", name) == nil {
			c.report(n, "XS005", "add "+name+`="…"`, "%q has no attribute %q", n.Name(), name)
		}
	}
}

// wantedAttr says what is wanted in place of the value of an attribute whose
// form does not depend on anything else; "" when it is fine.
func wantedAttr(n, a *xmltree.Node) string {
	v := a.Value()
	oneOf := func(words ...string) string { return xmltree.OneOf(words...)(collapse(v)) }
	switch a.Local() {
	case "name", "id":
		if !xmltree.IsName(collapse(v)) {
			return "a name without a colon"
		}
	case "abstract", "nillable", "mixed":
		return oneOf("true", "false", "1", "0")
	case "fixed":
		if _, of := facetOf(n.Local()); of {
			return oneOf("true", "false", "1", "0")
		}
	case "form", "elementFormDefault", "attributeFormDefault":
		return oneOf("qualified", "unqualified")
	case "use":
		return oneOf("optional", "required", "prohibited")
	case "processContents":
		return oneOf("strict", "lax", "skip")
	case "minOccurs", "maxOccurs":
		if s := collapse(v); a.Local() == "maxOccurs" && s == "unbounded" || s != "" && digits(strings.TrimPrefix(s, "+")) && s != "+" {
			return ""
		}
		if a.Local() == "maxOccurs" {
			return "a whole number or unbounded"
		}
		return "a whole number"
	case "targetNamespace":
		if v == "" {
			return "a namespace; without one leave the attribute out"
		}
	}
	return ""
}

// facetOf returns the facet of that name.
func facetOf(name string) (facet, bool) {
	i := slices.Index(facetNames, name)
	return 1 << max(i, 0), i >= 0
}

// isTrue reads a boolean attribute.
func isTrue(n *xmltree.Node, name string) bool {
	v := collapse(n.Attr(name))
	return v == "true" || v == "1"
}
