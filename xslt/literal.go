package xslt

import (
	"slices"
	"strings"

	"sutler/xmltree"
)

// element compiles a literal result element (section 7.1).
func (c *compiler) element(n *xmltree.Node) instr {
	excluded, extensions, forward := c.excluded, c.extensions, c.forward
	defer func() { c.excluded, c.extensions, c.forward = excluded, extensions, forward }()
	if v := xslVersion(n); v != nil {
		c.forward = c.version(n, v)
	}
	c.prefixes(n)
	if c.isExtension(n) { // by its own attribute
		return c.fallback(n)
	}
	in := &literal{name: c.aliased(n, false)}
	in.decls = c.declarations(n)
	for a := n.Attrs(); a != nil; a = a.Next() {
		if isXSL(a.Space()) {
			c.literalAttr(n, a)
			if a.Local() == "use-attribute-sets" {
				in.sets = c.useSets(n, a)
			}
			continue
		}
		if v := c.avtOf(n, a); v != nil {
			in.attrs = append(in.attrs, literalAttr{c.aliased(a, true), v, placeOf(a)})
		}
	}
	in.at = placeOf(n)
	in.body = c.body(n, n.First())
	return in
}

// literalAttr checks an attribute of a literal result element in the namespace
// of XSLT.
func (c *compiler) literalAttr(n, a *xmltree.Node) {
	names := []string{"exclude-result-prefixes", "extension-element-prefixes", "use-attribute-sets", "version"}
	if !c.forward && !slices.Contains(names, a.Local()) {
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
	for n != nil && n.Decls() == nil {
		n = n.Parent()
	}
	if last := &c.declared; last.of != n || !slices.Equal(last.excluded, c.excluded) {
		*last = declared{n, c.excluded, c.declarationsAt(n)}
	}
	return c.declared.list
}

// declared are the declarations that the literal result elements have for which
// of is the innermost element with some, one list for all of them.
type declared struct {
	of       *xmltree.Node
	excluded []string
	list     []decl
}

func (c *compiler) declarationsAt(n *xmltree.Node) []decl {
	var list []decl
	seen, excluded := map[string]bool{}, map[string]bool{}
	for _, uri := range c.excluded {
		excluded[uri] = true
	}
	for e := n; e != nil; e = e.Parent() {
		for d := e.Decls(); d != nil; d = d.Next() {
			if seen[d.Local()] {
				continue
			}
			seen[d.Local()] = true
			uri := d.Value()
			a, aliased := c.aliases[uri]
			switch {
			case uri == "", excluded[uri]:
			case aliased:
				list = append(list, a.decls()...)
			case !isXSL(uri):
				list = append(list, decl{d.Local(), uri})
			}
		}
	}
	return slices.Clip(list)
}
