package xslt

import (
	"slices"
	"strings"
	"sync"

	"sutler/xmltree"
)

// output is what the xsl:output elements of a stylesheet say together
// (section 16), and what Serialize keeps between two results.
type output struct {
	method          string  // xml, html or text; empty: html if the result is an html element, else xml
	indent          string  // yes or no; empty: yes for html, else no
	omitDeclaration string  // yes, no or empty
	standalone      string  // yes, no or empty
	doctypePublic   *string // nil: not specified
	doctypeSystem   *string
	mediaType       string
	charset         charset
	encodingAt      place          // of the attribute that names charset
	cdata           []xmltree.Name // elements whose text is written as CDATA sections

	spare sync.Pool // of *serializer
}

// Text reports whether the result is text rather than a tree: method="text", or
// disable-output-escaping occurs. Such a result must be written by Serialize or
// Embed and, where a tree is wanted, parsed again; other programs may read it as
// it is.
func (p *Program) Text() bool { return p.raw || p.output.method == "text" }

// output compiles an xsl:output. Several of them add up attribute by attribute:
// the last one wins, but the elements of cdata-section-elements are united.
func (c *compiler) output(n *xmltree.Node) {
	c.empty(n)
	found := len(c.problems)
	o := &c.prog.output
	for a := n.Attrs(); a != nil; a = a.Next() {
		if a.Space() != "" {
			continue
		}
		v := strings.TrimSpace(a.Value())
		switch a.Local() {
		case "method":
			c.outputMethod(a)
		case "version":
			c.outputVersion(n, a)
		case "encoding":
			c.outputEncoding(a, v)
		case "indent":
			c.setting(a, &o.indent, "no", "yes")
		case "omit-xml-declaration":
			c.setting(a, &o.omitDeclaration, "no", "yes")
		case "standalone":
			c.setting(a, &o.standalone, "no", "yes")
		case "doctype-public":
			v = a.Value()
			if i := strings.IndexFunc(v, notPublic); i >= 0 {
				c.report(a, "XT008", "use letters, digits, blanks and -'()+,./:=?;!*#@$_%", "a public identifier cannot hold what %q does", v)
				continue
			}
			o.doctypePublic = &v
		case "doctype-system":
			v = a.Value()
			if strings.Contains(v, `"`) && strings.Contains(v, "'") {
				c.report(a, "XT008", "write %22 or %27 for one of them", "a system identifier cannot hold both kinds of quotes: %s", v)
				continue
			}
			o.doctypeSystem = &v
		case "media-type":
			o.mediaType = v
		case "cdata-section-elements":
			for _, s := range strings.Fields(v) {
				if name, ok := c.qnameOf(a, s); ok {
					if !strings.Contains(s, ":") {
						name.Space, _ = n.Lookup("")
					}
					o.cdata = append(o.cdata, name)
				}
			}
		}
	}
	if c.forward { // what XSLT 1.0 does not allow is passed over (section 2.5)
		wrong := func(p *xmltree.Problem) bool { return !p.Warning }
		c.problems = append(c.problems[:found], slices.DeleteFunc(c.problems[found:], wrong)...)
	}
}

// setting sets to to the value of a, which must be one of words.
func (c *compiler) setting(a *xmltree.Node, to *string, words ...string) {
	if v := c.word(a.Parent(), a.Local(), words...); v == a.Value() {
		*to = v
	}
}

// outputMethod reads the attribute method: one of three words, or a prefixed
// name of another processor, which counts as none.
func (c *compiler) outputMethod(a *xmltree.Node) {
	if !strings.Contains(a.Value(), ":") {
		c.setting(a, &c.prog.output.method, "xml", "html", "text")
		return
	}
	if _, ok := c.qname(a); ok {
		c.prog.output.method = ""
		c.warn(a, "XT023", "write xml, html or text", "the output method %q is not known: the result is written as if no method were named", a.Value())
	}
}

// outputVersion reads the attribute version. XML is always written as 1.0, and
// HTML as 4.0, as the Recommendation permits.
func (c *compiler) outputVersion(n, a *xmltree.Node) {
	v := strings.TrimSpace(a.Value())
	switch {
	case !xmltree.IsName("_" + strings.ReplaceAll(v, ":", "_")), v == "":
		c.report(a, "XT008", "write 1.0", "version %q is no name token", v)
	case v != "1.0" && n.Attr("method") == "xml":
		c.warn(a, "XT023", "write 1.0", "the output is written as XML 1.0, not %s", v)
	}
}

// outputEncoding reads the attribute encoding. One that is not known becomes
// UTF-8, as the Recommendation permits.
func (c *compiler) outputEncoding(a *xmltree.Node, name string) {
	o := &c.prog.output
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 0x21 || r > 0x7E }) {
		c.report(a, "XT008", "write a name registered with IANA, for instance UTF-8", "%q is no name of an encoding", name)
		return
	}
	cs, ok := charsetNamed(name)
	if !ok {
		c.warn(a, "XT023", "write UTF-8, or another name for the encoding", "the encoding %q is not known: the result is written in UTF-8", name)
	}
	o.charset, o.encodingAt = cs, placeOf(a)
}

// notPublic reports a character that a public identifier cannot hold (XML 1.0,
// production 13).
func notPublic(r rune) bool {
	letter := r|0x20 >= 'a' && r|0x20 <= 'z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune(" \r\n-'()+,./:=?;!*#@$_%", r)
}
