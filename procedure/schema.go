package procedure

import (
	"sutler/xmltree"
	"sutler/xsd"
)

// Schema is the input or output schema of a procedure.
type Schema struct {
	Element *xmltree.Node
	Forced  bool // validate="1": input is checked whatever the engine is set to
	At      Place

	compiled *xsd.Schema // nil: it is empty and describes nothing
}

// described is the root of what a schema describes (schema B.29).
const described = "executeData"

// CheckInput checks data, an executeData element, against the input schema of
// p. It returns nil when p has none or data fits; otherwise xmltree.Problems of
// the rules of xsd, whose messages do not show the values of elements marked
// do-not-log. The work is charged to b, and a reached limit is the last problem
// and wraps a *xmltree.LimitError. Many goroutines may check at once.
func (p *Procedure) CheckInput(data *xmltree.Node, b *xmltree.Budget) error {
	if p.Input == nil || p.Input.compiled == nil {
		return nil
	}
	if problems := p.Input.compiled.Validate(data, b); problems != nil {
		return problems
	}
	return nil
}

// schemas compiles the input and the output schema of p in either form. What
// they hold is in no namespace, as all data of procedures, also where the
// schema has a target namespace (schema B.29).
func (c *compiler) schemas(p *Procedure, n *xmltree.Node) {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if !e.Is("", "Schema") && !e.Is(xdrSpace, "Schema") {
			continue
		}
		of := &p.Input
		switch e.Attr("name") {
		case "inputSchema":
		case "outputSchema":
			of = &p.Output
		default:
			continue
		}
		if *of != nil {
			c.report(e, "PR013", "keep one of them", "procedure %q has a second %q", p.Name, e.Attr("name"))
			continue
		}
		*of = c.schema(e)
	}
	if p.Output != nil && p.Output.Forced {
		c.report(p.Output.Element.AttrNode("", "validate"), "PR035", "take it out; only input is checked", "an output schema cannot be validated")
	}
}

// schema compiles one of them.
func (c *compiler) schema(e *xmltree.Node) *Schema {
	s := &Schema{Element: e, Forced: isTrue(e.Attr("validate")), At: c.place(e)}
	if e.FirstElement() == nil && e.Text() == "" {
		if s.Forced {
			c.report(e.AttrNode("", "validate"), "PR035", "put a schema into it", "an empty schema cannot be validated")
		}
		return s
	}
	compiled, problems := xsd.Compile(e, xsd.Options{Unqualified: true, Secret: secret})
	c.add(problems...)
	if compiled != nil && !compiled.Declares(described) {
		c.report(e, "PR034", "declare the element "+described+" at its top level; it is the root of what is checked", "the schema does not describe %q", described)
	}
	s.compiled = compiled
	return s
}

// secret reports whether the value of a node must not appear in a text: it is
// marked do-not-log, or lies in what is (schema D.26).
func secret(n *xmltree.Node) bool {
	for ; n != nil; n = n.Parent() {
		if n.Attr("do-not-log") == "1" {
			return true
		}
	}
	return false
}
