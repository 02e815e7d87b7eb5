package xslt

import (
	"slices"
	"strings"

	"sutler/xmltree"
)

// output is what the xsl:output elements of a stylesheet say together
// (section 16).
type output struct {
	Method          string // xml, html or text; empty: html if the result is an html element, else xml
	Indent          bool
	OmitDeclaration bool
	Standalone      string // yes, no or empty
	DoctypePublic   string
	DoctypeSystem   string
	MediaType       string
	CDATA           []xmltree.Name // elements whose text is written as CDATA sections
}

// Text reports whether the result is text rather than a tree: method="text", or
// disable-output-escaping occurs. Such a result must be written by Serialize
// and, where a tree is wanted, parsed again; other programs may read it as it is.
func (p *Program) Text() bool { return p.raw || p.output.Method == "text" }

// output compiles an xsl:output; several of them add up, the last one wins.
func (c *compiler) output(n *xmltree.Node) {
	c.empty(n)
	o := &c.prog.output
	for a := n.Attrs(); a != nil; a = a.Next() {
		if a.Space() != "" {
			continue
		}
		v := strings.TrimSpace(a.Value())
		switch a.Local() {
		case "method":
			o.Method = c.word(n, "method", "xml", "html", "text")
		case "indent":
			o.Indent = c.yes(n, "indent")
		case "omit-xml-declaration":
			o.OmitDeclaration = c.yes(n, "omit-xml-declaration")
		case "standalone":
			o.Standalone = c.word(n, "standalone", "no", "yes")
		case "doctype-public":
			o.DoctypePublic = v
		case "doctype-system":
			o.DoctypeSystem = v
		case "media-type":
			o.MediaType = v
		case "encoding":
			if !strings.EqualFold(v, "UTF-8") {
				c.warn(a, "XT023", "write UTF-8", "the output is written in UTF-8, not in %s", v)
			}
		case "version":
			if v != "1.0" && n.Attr("method") != "html" {
				c.warn(a, "XT023", "write 1.0", "the output is written as XML 1.0, not %s", v)
			}
		case "cdata-section-elements":
			for _, s := range strings.Fields(v) {
				if name, ok := c.qnameOf(a, s); ok {
					if !strings.Contains(s, ":") {
						name.Space, _ = n.Lookup("")
					}
					o.CDATA = append(o.CDATA, name)
				}
			}
		}
	}
}

// spaceRules are the xsl:strip-space and xsl:preserve-space of a stylesheet.
type spaceRules []spaceRule

// spaceRule says whether the white space in elements of a name is dropped.
type spaceRule struct {
	space, local string // * for any
	drop         bool
}

// spaceRule compiles an xsl:strip-space or xsl:preserve-space (section 3.4).
func (c *compiler) spaceRule(n *xmltree.Node) {
	c.empty(n)
	a := n.AttrNode("", "elements")
	if a == nil {
		return // reported as missing
	}
	for _, s := range strings.Fields(a.Value()) {
		r := spaceRule{drop: n.Local() == "strip-space"}
		prefix, isPrefix := strings.CutSuffix(s, ":*")
		switch {
		case s == "*":
			r.space, r.local = "*", "*"
		case isPrefix && xmltree.IsName(prefix):
			uri, ok := lookup(n, prefix)
			if !ok {
				c.noPrefix(a, prefix)
				continue
			}
			r.space, r.local = uri, "*"
		default:
			name, ok := c.qnameOf(a, s)
			if !ok {
				continue
			}
			r.space, r.local = name.Space, name.Local
		}
		c.prog.space = append(c.prog.space, r)
	}
}

// drops reports whether white space directly in the element n is dropped: the
// most exact rule decides, of equal ones the last.
func (rules spaceRules) drops(n *xmltree.Node) bool {
	drop, best := false, -1
	for _, r := range rules {
		exact := 0
		switch {
		case r.space == "*":
		case r.space != n.Space():
			continue
		case r.local == "*":
			exact = 1
		case r.local == n.Local():
			exact = 2
		default:
			continue
		}
		if exact >= best {
			drop, best = r.drop, exact
		}
	}
	return drop
}

// strip reports whether the tree n holds white space to drop.
func (rules spaceRules) strip(n *xmltree.Node) bool {
	found := false
	rules.each(n, func(*xmltree.Node) bool { found = true; return false })
	return found
}

// each calls f for every text node below n that is to be dropped until f
// returns false. f may unlink its node.
func (rules spaceRules) each(n *xmltree.Node, f func(*xmltree.Node) bool) {
	if !slices.ContainsFunc(rules, func(r spaceRule) bool { return r.drop }) {
		return
	}
	var walk func(n *xmltree.Node, preserve bool) bool
	walk = func(n *xmltree.Node, preserve bool) bool {
		if a := n.AttrNode(xmltree.XMLSpace, "space"); a != nil {
			preserve = a.Value() == "preserve"
		}
		drop := !preserve && n.Kind() == xmltree.Element && rules.drops(n)
		for c := n.First(); c != nil; {
			next := c.Next()
			switch {
			case c.Kind() == xmltree.Element:
				if !walk(c, preserve) {
					return false
				}
			case drop && c.Kind() == xmltree.Text && blank(c.Value()):
				if !f(c) {
					return false
				}
			}
			c = next
		}
		return true
	}
	walk(n, false)
}

// copy returns the root of a copy of n in d without the white space to drop.
func (rules spaceRules) copy(d *xmltree.Document, n *xmltree.Node) (*xmltree.Node, error) {
	root, err := d.Copy(n)
	if err != nil {
		return nil, err
	}
	if root.Kind() != xmltree.Root {
		r := d.NewRoot()
		if err := r.Append(root); err != nil {
			return nil, err
		}
		root = r
	}
	rules.each(root, func(t *xmltree.Node) bool { t.Detach(); return true })
	return root, nil
}
