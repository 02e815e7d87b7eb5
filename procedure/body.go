package procedure

import "sutler/xmltree"

// body compiles the steps, selects and tries that are children of n, a
// procedure, try or catch, in document order (schema A.2).
func (c *compiler) body(n *xmltree.Node) []Node {
	var body []Node
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != "" {
			continue
		}
		switch e.Local() {
		case "select":
			body = append(body, c.selection(e))
		case "execute":
			body = append(body, c.step(e, Execute))
		case "queue":
			body = append(body, c.step(e, Queue))
		case "transform":
			body = append(body, c.step(e, Transform))
		case "try":
			t := &Try{At: c.place(e), Body: c.body(e)}
			body = append(body, t)
			next := e.NextElement()
			if next == nil || !next.Is("", "catch") {
				c.report(e, "PR014", "add <catch>…</catch> right behind </try>; an empty one handles every error", "a try has no catch")
				continue
			}
			e = next
			t.CatchAt, t.Catch = c.place(e), c.body(e)
		case "catch":
			c.report(e, "PR015", "a catch must be the next element behind its try, on the same level", "a catch has no try")
			c.body(e)
		}
	}
	return body
}

// step compiles an execute, queue or transform. Its children may stand in any
// order and are grouped by kind; within a kind document order counts.
func (c *compiler) step(n *xmltree.Node, kind StepKind) *Step {
	ls := c.loops(n)
	s := &Step{
		Kind:        kind,
		Namespace:   n.Attr("namespace"),
		Procedure:   n.Attr("procedure"),
		Impersonate: inherit(n.Attr("impersonate")),
		Sensitive:   inherit(n.Attr("sensitive")),
		Trusted:     inherit(n.Attr("trusted")),
		Suspended:   kind == Queue && (n.AttrNode("", "queueSuspended") == nil || isTrue(n.Attr("queueSuspended"))),
		Literal:     n.Child("executeData"),
		ForEach:     ls.all(),
		At:          c.place(n),
		element:     n,
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != "" {
			continue
		}
		switch e.Local() {
		case "repeat":
			s.Repeat = append(s.Repeat, Repeat{
				Source: c.scope(e, "source", ls, Data, ProcedureData, Loop),
				Path:   c.nodes(e, "sourcePath"),
				IfNull: ifNull(e),
				At:     c.place(e),
			})
		case "when":
			s.When = append(s.When, c.when(e, ls))
		case "before":
			s.Before = append(s.Before, c.transfer(e, ls))
		case "after":
			s.After = append(s.After, c.transfer(e, ls))
		}
	}
	return s
}

// inherit reads a setting of three states; anything else counts as AsCaller.
func inherit(v string) Inherit {
	switch v {
	case "1":
		return On
	case "2":
		return Off
	default:
		return AsCaller
	}
}

// ifNull reads the attribute of that name; anything else counts as Fail.
func ifNull(n *xmltree.Node) IfNull {
	switch n.Attr("ifNull") {
	case "skip":
		return Skip
	case "ignore":
		return Ignore
	default:
		return Fail
	}
}
