package xslt

import (
	"slices"
	"strings"

	"sutler/xmltree"
)

// splitName splits a qualified name; ok is false if it is none.
func splitName(s string) (prefix, local string, ok bool) {
	prefix, local, found := strings.Cut(s, ":")
	if !found {
		prefix, local = "", s
	}
	return prefix, local, xmltree.IsName(local) && (!found || xmltree.IsName(prefix))
}

// qname reads the qualified name in the attribute a. The default namespace is
// not used (section 2.4).
func (c *compiler) qname(a *xmltree.Node) (xmltree.Name, bool) {
	return c.qnameOf(a, strings.TrimSpace(a.Value()))
}

// qnameOf reads the qualified name s, which comes from the attribute a.
func (c *compiler) qnameOf(a *xmltree.Node, s string) (xmltree.Name, bool) {
	prefix, local, ok := splitName(s)
	if !ok {
		c.report(a, "XT008", "a name begins with a letter and holds letters, digits, - _ and .", "%s %q is no name", a.Local(), s)
		return xmltree.Name{}, false
	}
	if prefix == "" {
		return xmltree.Name{Local: local}, true
	}
	uri, ok := lookup(a.Parent(), prefix)
	if !ok {
		c.noPrefix(a, prefix)
		return xmltree.Name{}, false
	}
	return xmltree.Name{Space: uri, Local: local}, true
}

func (c *compiler) noPrefix(a *xmltree.Node, prefix string) {
	declaration := "xmlns:" + prefix
	if prefix == "#default" {
		declaration = "xmlns"
	}
	c.report(a, "XT017", "declare it with "+declaration+`="…"`, "prefix %q is not declared", prefix)
}

// constantName checks the name of an xsl:element or xsl:attribute if it is
// known already, and reports whether it told what is wrong with it.
func (c *compiler) constantName(n *xmltree.Node, name *avt) (told bool) {
	if name == nil || name.parts != nil {
		return false
	}
	before := len(c.problems)
	defer func() { told = len(c.problems) > before }()
	a := n.AttrNode("", "name")
	prefix, _, ok := splitName(name.text)
	switch {
	case !ok:
		c.recoverable(a, "XT008", "a name begins with a letter and holds letters, digits, - _ and .", "%s %q is no name", a.Local(), name.text)
	case n.Local() == "attribute" && name.text == "xmlns":
		c.recoverable(a, "XT008", "declare namespaces on the literal result element", `an attribute cannot be named "xmlns"`)
	case prefix != "" && n.AttrNode("", "namespace") == nil:
		if _, ok := lookup(n, prefix); !ok {
			c.noPrefix(a, prefix)
			c.problems[len(c.problems)-1].Warning = !c.embedded // see recoverable
		}
	}
	return
}

// scope returns the namespaces in scope at n by prefix, for names that are made
// when the program runs.
func (c *compiler) scope(n *xmltree.Node) map[string]string {
	m := map[string]string{"xml": xmltree.XMLSpace}
	for e := n; e != nil; e = e.Parent() {
		for d := e.Decls(); d != nil; d = d.Next() {
			if _, ok := m[d.Local()]; !ok {
				m[d.Local()] = d.Value()
			}
		}
	}
	for prefix, uri := range m {
		if isXSL(uri) {
			m[prefix] = Space
		}
	}
	return m
}

// resolve resolves a name made when the program runs. scope gives the default
// namespace for "" if there is one.
func resolve(scope map[string]string, s string) (n xmltree.Name, ok bool) {
	prefix, local, ok := splitName(s)
	if !ok {
		return n, false
	}
	n = xmltree.Name{Prefix: prefix, Local: local}
	if prefix != "" {
		n.Space = scope[prefix]
		return n, n.Space != ""
	}
	return n, true
}

// nearest returns the one of words that was most likely meant, or "".
func nearest(word string, words []string) string {
	slices.Sort(words)
	return xmltree.Nearest(word, words)
}

// prefixes reads exclude-result-prefixes and extension-element-prefixes of n,
// a stylesheet or a literal result element. They hold for what n contains.
func (c *compiler) prefixes(n *xmltree.Node) {
	for a := n.Attrs(); a != nil; a = a.Next() {
		if isXSL(n.Space()) != (a.Space() == "") || !isXSL(n.Space()) && !isXSL(a.Space()) {
			continue
		}
		switch a.Local() {
		case "exclude-result-prefixes":
			c.excluded = slices.Concat(c.excluded, c.prefixList(a))
		case "extension-element-prefixes":
			uris := c.prefixList(a)
			c.extensions = slices.Concat(c.extensions, uris)
			c.excluded = slices.Concat(c.excluded, uris)
		}
	}
}

func (c *compiler) prefixList(a *xmltree.Node) (uris []string) {
	for _, prefix := range strings.Fields(a.Value()) {
		key := prefix
		if prefix == "#default" {
			key = ""
		}
		uri, ok := a.Parent().Lookup(key)
		if !ok || uri == "" {
			c.noPrefix(a, prefix)
			// There is nothing to exclude, as many stylesheets know; or a later version
			// has a meaning for it, as for #all (section 2.5).
			if prefix == "#default" || c.forward && !xmltree.IsName(prefix) {
				c.problems[len(c.problems)-1].Warning = true
			}
			continue
		}
		uris = append(uris, uri)
	}
	return uris
}

func (c *compiler) isExtension(n *xmltree.Node) bool {
	return n.Space() != "" && slices.Contains(c.extensions, n.Space())
}

// The namespaces of extensions that are known by name.
const (
	msxslSpace = "urn:schemas-microsoft-com:xslt"
	exslSpace  = "http://exslt.org/common"
	funcSpace  = "http://exslt.org/functions"
)

// refusedCode reports an element that other processors run and that must not
// be passed over in silence (design L4).
func (c *compiler) refusedCode(n *xmltree.Node) bool {
	switch {
	case n.Is(msxslSpace, "script"), n.Is(funcSpace, "script"):
		c.report(n, "XT019", "write the function as a named template", "%q is refused: a stylesheet runs no script", n.Name())
	case n.Is(exslSpace, "document") && !c.embedded && n.Parent() != c.current.root:
		return false // it is an error when it is reached, see instruction
	case n.Is(exslSpace, "document"):
		c.report(n, "XT019", "a transformation has one result; make it one tree", "%q is refused: a stylesheet writes no files", n.Name())
	default:
		return false
	}
	return true
}
