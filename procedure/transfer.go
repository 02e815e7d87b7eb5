package procedure

import (
	"sutler/xmltree"
	"sutler/xslt"
)

// transfer compiles a before or an after (schema B.1, B.5, C.5).
func (c *compiler) transfer(n *xmltree.Node, ls *loops) Transfer {
	all := []ScopeKind{Data, Context, ProcedureData, ExecuteData, Loop}
	t := Transfer{
		Source:     c.scope(n, "source", ls, all...),
		SourcePath: c.nodes(n, "sourcePath"),
		Dest:       c.scope(n, "destination", ls, all...),
		DestPath:   c.nodes(n, "destinationPath"),
		Mode:       mode(n.Attr("mode")),
		IfNull:     ifNull(n),
		AllowNull:  isTrue(n.Attr("allowNullTransform")),
		At:         c.place(n),
	}
	if hasTemplates(n) {
		sheet, ps := xslt.CompileTemplates(n, xslt.Options{Tolerant: true})
		c.add(ps...)
		t.Sheet = sheet
	} else if t.AllowNull {
		c.warn(n.AttrNode("", "allowNullTransform"), "PR029", "take it out, or write the templates", "\"allowNullTransform\" has no effect without templates")
	}
	c.contextTransfer(n, t)
	return t
}

// contextTransfer warns of writes to the context that the engine ignores
// (schema B.8).
func (c *compiler) contextTransfer(n *xmltree.Node, t Transfer) {
	if t.Dest.Kind == Context && t.DestPath != nil {
		if name := firstName(t.DestPath); name == "transactionContext" || name == "securityContext" {
			c.warn(n.AttrNode("", "destinationPath"), "PR027", "no procedure can change the transaction or its rights; take it out", "writing to %q is ignored", name)
		}
	}
	if t.Source.Kind == Context && t.Mode == Move {
		c.warn(n.AttrNode("", "mode"), "PR028", "write mode=\"insert\"", "\"move\" out of the context copies: the node stays where it is")
	}
}

// mode reads the attribute of that name; anything else counts as Insert.
func mode(v string) Mode {
	switch v {
	case "merge":
		return Merge
	case "replace":
		return Replace
	case "move":
		return Move
	default:
		return Insert
	}
}

// hasTemplates reports whether n holds elements of XSLT, or such as may stand
// beside them.
func hasTemplates(n *xmltree.Node) bool {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != "" {
			return true
		}
	}
	return false
}
