package xslt

import (
	"errors"
	"slices"
	"strings"

	"sutler/xmltree"
)

// maxModules is how many times xsl:include and xsl:import may bring in a
// stylesheet, so that modules that include others twice do not double for ever.
const maxModules = 1000

// layer is a stylesheet of the import tree together with what it includes
// (section 2.6.2). The layers that it imports have the precedences from lowest
// to its own, so that an order by precedence is that of the tree visited in
// post-order.
type layer struct {
	lowest, precedence int
	imports            []*layer
	items              []item
}

// item is a top-level element of a layer, or the only element of a simplified
// stylesheet.
type item struct {
	n          *xmltree.Node
	m          *module
	simplified bool
}

// module is one stylesheet element and what holds for all in it.
type module struct {
	root       *xmltree.Node
	forward    bool     // it wants a version other than 1.0 (section 2.5)
	excluded   []string // namespaces not copied to the result
	extensions []string // namespaces of extension elements
}

// stylesheet reads the stylesheet element root into l. chain names the files
// that are being read.
func (c *compiler) stylesheet(root *xmltree.Node, l *layer, chain []string) {
	m := &module{root: root}
	switch {
	case isXSL(root.Space()) && (root.Local() == "stylesheet" || root.Local() == "transform"):
		m.forward = c.version(root, root.AttrNode("", "version"))
		c.enter(m)
		if !c.known(root) {
			return
		}
		c.prefixes(root)
		m.excluded, m.extensions = c.excluded, c.extensions
		c.children(m, l, chain)
	case isXSL(root.Space()):
		if c.known(root) {
			c.report(root, "XT001", "put it into xsl:stylesheet", "%q cannot be the outermost element of a stylesheet", root.Name())
		}
	default:
		version := xslVersion(root)
		if version == nil {
			c.report(root, "XT001", "a stylesheet is an xsl:stylesheet element, or a literal result element with xsl:version, in the namespace "+Space,
				"%q is no stylesheet", root.Name())
			return
		}
		l.items = append(l.items, item{root, m, true})
	}
}

// xslVersion returns the attribute xsl:version of a literal result element, or nil.
func xslVersion(n *xmltree.Node) *xmltree.Node {
	for a := n.Attrs(); a != nil; a = a.Next() {
		if isXSL(a.Space()) && a.Local() == "version" {
			return a
		}
	}
	return nil
}

// enter makes what holds in m hold for what is compiled next.
func (c *compiler) enter(m *module) {
	c.forward, c.excluded, c.extensions = m.forward, m.excluded, m.extensions
}

// children adds the top-level elements of m to l and reads what they import
// and include.
func (c *compiler) children(m *module, l *layer, chain []string) {
	late := false // for xsl:import
	for n := m.root.First(); n != nil; n = n.Next() {
		if n.Kind() == xmltree.Text && !blank(n.Value()) {
			c.reportText(n, "put it into a template", "text is not allowed at the top level")
		}
		if n.Kind() != xmltree.Element {
			continue
		}
		if !isXSL(n.Space()) || n.Local() != "import" {
			late = true
		}
		switch {
		case isXSL(n.Space()) && n.Local() == "import":
			if !c.known(n) {
				continue
			}
			if late {
				c.report(n, "XT025", "move it up: only other xsl:import may stand before it", "%q must come before all other elements", n.Name())
			}
			below := &layer{}
			l.imports = append(l.imports, below)
			c.module(n, below, chain)
			c.enter(m)
		case isXSL(n.Space()) && n.Local() == "include":
			if !c.known(n) {
				continue
			}
			c.module(n, l, chain)
			c.enter(m)
		default:
			l.items = append(l.items, item{n: n, m: m})
		}
	}
}

// module reads the stylesheet that the xsl:import or xsl:include n names into l.
func (c *compiler) module(n *xmltree.Node, l *layer, chain []string) {
	c.empty(n)
	href := n.AttrNode("", "href")
	if href == nil {
		return // reported as missing
	}
	if c.modules++; c.modules > maxModules {
		if c.modules == maxModules+1 {
			c.report(n, "XT026", "look for stylesheets that bring in others twice", "more than %d stylesheets are imported and included", maxModules)
		}
		return
	}
	root, name := c.find(href)
	if root == nil {
		return
	}
	if slices.Contains(chain, name) {
		c.report(href, "XT026", "take one of the two out", "the stylesheet %q brings in itself", name)
		return
	}
	c.stylesheet(root, l, append(chain[:len(chain):len(chain)], name))
}

// find returns the stylesheet element that the attribute href names and a name
// for it: the whole document, or, with a fragment identifier, the xsl:stylesheet
// with that id (section 2.7). Nil after an error.
func (c *compiler) find(href *xmltree.Node) (root *xmltree.Node, name string) {
	file, id, embedded := strings.Cut(href.Value(), "#")
	d := href.Document()
	if file != "" {
		if c.load == nil {
			c.report(href, "XT027", "write its templates into this one", "cannot read the stylesheet %q: this stylesheet brings in no others", href.Value())
			return nil, ""
		}
		var err error
		if d, err = c.load(file, href.Parent().Base()); err != nil {
			c.unreadable(href, err)
			return nil, ""
		}
	}
	if !embedded {
		if root = d.DocumentElement(); root == nil {
			c.report(href, "XT027", "a stylesheet is an xsl:stylesheet element", "the stylesheet %q has no element", href.Value())
		}
		return root, d.File()
	}
	if root = sheetWithID(d.Root(), id); root == nil {
		c.report(href, "XT027", `give the xsl:stylesheet there id="`+id+`"`, "there is no stylesheet with the id %q in %q", id, d.File())
	}
	return root, d.File() + "#" + id
}

// unreadable reports that the stylesheet named by href cannot be read, together
// with the places in it that are why.
func (c *compiler) unreadable(href *xmltree.Node, err error) {
	const hint = "check the name, which counts from the file that holds it"
	var problems xmltree.Problems
	if errors.As(err, &problems) {
		c.report(href, "XT027", "see there", "cannot read the stylesheet %q", href.Value())
		c.problems = append(c.problems, problems...)
		return
	}
	c.report(href, "XT027", hint, "cannot read the stylesheet %q: %v", href.Value(), err)
	c.problems[len(c.problems)-1].Err = err
}

// sheetWithID returns the first stylesheet element below n that has that id.
func sheetWithID(n *xmltree.Node, id string) *xmltree.Node {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if isXSL(e.Space()) && (e.Local() == "stylesheet" || e.Local() == "transform") &&
			(e.Attr("id") == id || e.AttrNode(xmltree.XMLSpace, "id") != nil && e.AttrNode(xmltree.XMLSpace, "id").Value() == id) {
			return e
		}
		if found := sheetWithID(e, id); found != nil {
			return found
		}
	}
	return nil
}

// ranked numbers the layers of the tree below l in post-order and returns them
// in order of precedence.
func (l *layer) ranked(before []*layer) []*layer {
	l.lowest = len(before)
	for _, below := range l.imports {
		before = below.ranked(before)
	}
	l.precedence = len(before)
	return append(before, l)
}
