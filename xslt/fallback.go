package xslt

import "sutler/xmltree"

// fallback is an element that cannot be carried out: an extension element, or
// an element of a later version of XSLT. What its xsl:fallback children hold is
// done in its place; without one it is an error when it is reached
// (section 15).
type fallback struct {
	name string
	any  bool // there is an xsl:fallback
	body []instr
	at   place
}

func (c *compiler) fallback(n *xmltree.Node) instr {
	in := &fallback{name: n.Name().String(), at: placeOf(n)}
	for x := n.FirstElement(); x != nil; x = x.NextElement() {
		if isXSL(x.Space()) && x.Local() == "fallback" {
			in.any = true
			in.body = append(in.body, c.body(x, x.First())...)
		}
	}
	switch {
	case in.any:
	case c.embedded:
		c.report(n, "XT018", "take it out, or give it an xsl:fallback", "element %q is not supported", n.Name())
	default:
		c.warn(n, "XT018", "give it an xsl:fallback", "element %q is not supported and is an error when it is reached", n.Name())
	}
	return in
}

func (in *fallback) exec(r *run) error {
	if !in.any {
		return wrong(in.at, "XT113", "give it an xsl:fallback that says what to do instead", "element %q is not supported", in.name)
	}
	return r.exec(in.body)
}
