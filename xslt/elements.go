package xslt

import (
	"maps"
	"slices"
	"strings"

	"sutler/xmltree"
)

// Space is the namespace of XSLT. Documents that were copied from archived
// pages spell it with https; both are read.
const (
	Space      = "http://www.w3.org/1999/XSL/Transform"
	HTTPSSpace = "https://www.w3.org/1999/XSL/Transform"
)

// isXSL reports whether a namespace URI is that of XSLT.
func isXSL(space string) bool { return space == Space || space == HTTPSSpace }

// role is where an XSLT element may stand.
type role uint8

const (
	topLevel    role = 1 << iota // a child of xsl:stylesheet
	instruction                  // in the body of a template
	part                         // belongs to one kind of parent, see element.parents
)

// element is what the Recommendation says of one XSLT element.
type element struct {
	role    role
	attrs   string // its attributes; those with ! are required
	parents string // of a part
}

// elements are the elements of XSLT 1.0 by local name.
var elements = map[string]element{
	"stylesheet": {role: part, attrs: "version! id extension-element-prefixes exclude-result-prefixes"},
	"transform":  {role: part, attrs: "version! id extension-element-prefixes exclude-result-prefixes"},

	"template":       {role: topLevel, attrs: "match name priority mode"},
	"key":            {role: topLevel, attrs: "name! match! use!"},
	"output":         {role: topLevel, attrs: "method version encoding omit-xml-declaration standalone doctype-public doctype-system cdata-section-elements indent media-type"},
	"strip-space":    {role: topLevel, attrs: "elements!"},
	"preserve-space": {role: topLevel, attrs: "elements!"},
	"variable":       {role: topLevel | instruction, attrs: "name! select"},
	"param":          {role: topLevel | part, attrs: "name! select", parents: "template"},

	"apply-templates":        {role: instruction, attrs: "select mode"},
	"call-template":          {role: instruction, attrs: "name!"},
	"value-of":               {role: instruction, attrs: "select! disable-output-escaping"},
	"for-each":               {role: instruction, attrs: "select!"},
	"if":                     {role: instruction, attrs: "test!"},
	"choose":                 {role: instruction},
	"copy":                   {role: instruction, attrs: "use-attribute-sets"},
	"copy-of":                {role: instruction, attrs: "select!"},
	"element":                {role: instruction, attrs: "name! namespace use-attribute-sets"},
	"attribute":              {role: instruction, attrs: "name! namespace"},
	"text":                   {role: instruction, attrs: "disable-output-escaping"},
	"comment":                {role: instruction},
	"processing-instruction": {role: instruction, attrs: "name!"},
	"message":                {role: instruction, attrs: "terminate"},
	"number":                 {role: instruction, attrs: "level count from value format lang letter-value grouping-separator grouping-size"},

	"when":       {role: part, attrs: "test!", parents: "choose"},
	"otherwise":  {role: part, parents: "choose"},
	"sort":       {role: part, attrs: "select lang data-type order case-order", parents: "apply-templates for-each"},
	"with-param": {role: part, attrs: "name! select", parents: "apply-templates call-template"},

	"import":          {role: topLevel, attrs: "href!"},
	"include":         {role: topLevel, attrs: "href!"},
	"apply-imports":   {role: instruction},
	"attribute-set":   {role: topLevel, attrs: "name! use-attribute-sets"},
	"namespace-alias": {role: topLevel, attrs: "stylesheet-prefix! result-prefix!"},
	"decimal-format":  {role: topLevel, attrs: "name decimal-separator grouping-separator infinity minus-sign NaN percent per-mille zero-digit digit pattern-separator"},
	"fallback":        {role: instruction},
}

// attributes splits the attribute list of e.
func (e element) attributes() (all, required []string) {
	for _, a := range strings.Fields(e.attrs) {
		name, must := strings.CutSuffix(a, "!")
		all = append(all, name)
		if must {
			required = append(required, name)
		}
	}
	return all, required
}

// known checks that n, an element in the namespace of XSLT, is one of XSLT 1.0,
// and its attributes. It reports what is wrong and returns false when n must be
// left out. What a later version may allow is passed over where the stylesheet
// asks for such a version (section 2.5).
func (c *compiler) known(n *xmltree.Node) bool {
	e, ok := elements[n.Local()]
	if !ok {
		if c.forward {
			return false
		}
		names := slices.Collect(maps.Keys(elements))
		hint := "take it out; the elements of XSLT 1.0 are listed in section 17 of the Recommendation"
		if near := nearest(n.Local(), names); near != "" {
			hint = "did you mean xsl:" + near + "?"
		}
		c.report(n, "XT003", hint, "%q is no element of XSLT 1.0", n.Name())
		return false
	}
	c.attributes(n, e)
	return true
}

// attributes checks the attributes of the XSLT element n.
func (c *compiler) attributes(n *xmltree.Node, e element) {
	all, required := e.attributes()
	for a := n.Attrs(); a != nil && !c.forward; a = a.Next() {
		switch {
		case a.Space() == "" && slices.Contains(all, a.Local()):
		case a.Space() != "" && !isXSL(a.Space()):
		default:
			hint := "take it out"
			if near := xmltree.Nearest(a.Local(), all); near != "" && a.Space() == "" {
				hint = "did you mean " + near + "?"
			} else if len(all) > 0 {
				hint = "it may have: " + strings.Join(all, ", ")
			}
			c.report(a, "XT006", hint, "%q has no attribute %q", n.Name(), a.Name())
		}
	}
	for _, name := range required {
		if n.AttrNode("", name) == nil {
			c.report(n, "XT007", "add "+name+`="…"`, "%q lacks its attribute %q", n.Name(), name)
		}
	}
}

// misplaced reports that the XSLT element n must not stand where it does.
func (c *compiler) misplaced(n *xmltree.Node) {
	e := elements[n.Local()]
	hint := "move it into the body of a template"
	switch {
	case e.role&part != 0 && e.parents != "":
		hint = "it belongs directly below xsl:" + strings.Join(strings.Fields(e.parents), " or xsl:")
		if n.Local() == "param" {
			hint = "it belongs at the beginning of a template or at the top level"
		}
	case e.role&topLevel != 0:
		hint = "move it to the top level of the stylesheet"
	case e.role&part != 0:
		hint = "a stylesheet has one outermost element"
	}
	where := "here"
	if p := n.Parent(); p != nil && p.Kind() == xmltree.Element {
		where = "in \"" + p.Name().String() + "\""
	}
	c.report(n, "XT005", hint, "%q must not stand %s", n.Name(), where)
}
