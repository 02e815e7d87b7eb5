package procedure

import (
	"slices"

	"sutler/xmltree"
	"sutler/xslt"
)

// checkSheets compiles the stylesheets that a namespace holds, so that what is
// wrong with one is told even where no template includes it.
func (c *compiler) checkSheets(namespace *xmltree.Node) {
	seen := map[string]*xmltree.Node{}
	for n := namespace.FirstElement(); n != nil; n = n.NextElement() {
		if !slices.Contains(sheets, "{"+n.Space()+"}"+n.Local()) {
			continue
		}
		id := n.Attr("id")
		switch first := seen[id]; {
		case id == "":
			c.report(n, "PR036", `give it an id, by which templates include it: <xsl:include href="#id"/>`, "a stylesheet of a namespace has no id")
		case first != nil:
			c.report(n.AttrNode("", "id"), "PR036", "give it another one", "there is a stylesheet with the id %q already, at %s", id, first.Pos())
		default:
			seen[id] = n
		}
		_, problems := xslt.CompileElement(n, xslt.Options{Tolerant: true})
		c.add(problems...)
	}
}

// once drops what is told twice: a stylesheet is compiled for itself and again
// wherever it is included.
func once(ps xmltree.Problems) xmltree.Problems {
	return slices.CompactFunc(ps, func(a, b *xmltree.Problem) bool {
		return a.File == b.File && a.Pos == b.Pos && a.Pos.Line > 0 && a.Rule == b.Rule && a.Msg == b.Msg
	})
}
