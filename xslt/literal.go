package xslt

import (
	"slices"
	"strings"

	"sutler/xmltree"
)

// element compiles a literal result element (section 7.1).
func (c *compiler) element(n *xmltree.Node) instr {
	excluded, extensions := len(c.excluded), len(c.extensions)
	c.prefixes(n)
	in := &literal{name: n.Name()}
	in.decls = c.declarations(n)
	for a := n.Attrs(); a != nil; a = a.Next() {
		if isXSL(a.Space()) {
			c.literalAttr(n, a)
			continue
		}
		if v := c.avtOf(n, a); v != nil {
			in.attrs = append(in.attrs, literalAttr{a.Name(), v, placeOf(a)})
		}
	}
	in.at = placeOf(n)
	in.body = c.body(n, n.First())
	c.excluded, c.extensions = c.excluded[:excluded], c.extensions[:extensions]
	return in
}

// literalAttr checks an attribute of a literal result element in the namespace
// of XSLT.
func (c *compiler) literalAttr(n, a *xmltree.Node) {
	names := []string{"exclude-result-prefixes", "extension-element-prefixes", "use-attribute-sets", "version"}
	switch {
	case a.Local() == "use-attribute-sets":
		c.report(a, "XT004", elements["attribute-set"].hint, "attribute %q is not supported yet", a.Name())
	case !slices.Contains(names, a.Local()):
		hint := "it may have: xsl:" + strings.Join(names, ", xsl:")
		if near := xmltree.Nearest(a.Local(), names); near != "" {
			hint = "did you mean xsl:" + near + "?"
		}
		c.report(a, "XT006", hint, "%q has no attribute %q", n.Name(), a.Name())
	}
}

// decl is a namespace declaration of the result.
type decl struct{ prefix, uri string }

// declarations returns the namespaces in scope at n that are copied to the
// result, the innermost declaration of each prefix.
func (c *compiler) declarations(n *xmltree.Node) []decl {
	var list []decl
	var seen []string
	for e := n; e != nil; e = e.Parent() {
		for d := e.Decls(); d != nil; d = d.Next() {
			if slices.Contains(seen, d.Local()) {
				continue
			}
			seen = append(seen, d.Local())
			if uri := d.Value(); uri != "" && !isXSL(uri) && !slices.Contains(c.excluded, uri) {
				list = append(list, decl{d.Local(), uri})
			}
		}
	}
	return list
}
