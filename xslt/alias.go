package xslt

import "sutler/xmltree"

// alias is what a namespace of the stylesheet becomes in the result
// (section 7.1.1).
type alias struct {
	prefix, uri string
}

// alias reads an xsl:namespace-alias. They come in order of import precedence,
// so that a later one replaces an earlier one.
func (c *compiler) alias(n *xmltree.Node) {
	from, ok := c.aliasSide(n, "stylesheet-prefix")
	if !ok {
		return
	}
	if to, ok := c.aliasSide(n, "result-prefix"); ok {
		c.aliases[from.uri] = to
	}
}

// aliasSide returns the prefix in an attribute of n and its namespace.
func (c *compiler) aliasSide(n *xmltree.Node, attr string) (side alias, ok bool) {
	a := n.AttrNode("", attr)
	if a == nil {
		return side, false // reported as missing
	}
	prefix := a.Value()
	if prefix == "#default" {
		uri, _ := n.Lookup("")
		return alias{"", uri}, true
	}
	if !xmltree.IsName(prefix) {
		c.report(a, "XT008", `write a prefix, or #default`, "%s %q is no prefix", attr, prefix)
		return side, false
	}
	uri, ok := lookup(n, prefix)
	if !ok {
		c.noPrefix(a, prefix)
	}
	return alias{prefix, uri}, ok
}

// decls returns the declaration that the result needs for a.
func (a alias) decls() []decl {
	if a.uri == "" {
		return nil
	}
	return []decl{{a.prefix, a.uri}}
}

// aliased returns the name that the literal result element n, or an attribute
// of one, has in the result. An attribute without a prefix is in no namespace
// and stays so.
func (c *compiler) aliased(n *xmltree.Node, attribute bool) *xmltree.Name {
	a, ok := c.aliases[n.Space()]
	if !ok || attribute && n.Space() == "" {
		return n.NameRef()
	}
	return &xmltree.Name{Space: a.uri, Prefix: a.prefix, Local: n.Local()}
}
