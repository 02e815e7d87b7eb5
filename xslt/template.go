package xslt

import (
	"fmt"

	"sutler/xmltree"
	"sutler/xpath"
)

// template compiles an xsl:template.
func (c *compiler) template(n *xmltree.Node) {
	match, name := n.AttrNode("", "match"), n.AttrNode("", "name")
	t := &template{at: placeOf(n), layer: c.layer}
	t.info.place(n)
	c.frame = &frame{}
	var patterns []*xpath.Pattern
	switch {
	case match != nil:
		t.info.Name = fmt.Sprintf("match=%q", match.Value())
		patterns = c.pattern(match)
	case name == nil:
		c.report(n, "XT010", "add a pattern with match or a name for xsl:call-template", "%q has neither match nor name", n.Name())
	}
	if name != nil {
		if match == nil {
			t.info.Name = fmt.Sprintf("name=%q", name.Value())
		}
		if qn, ok := c.qname(name); ok {
			if first := c.named[qn]; first != nil && first.layer == c.layer {
				c.report(name, "XT011", "give it another name", "there is a template named %q already, at line %d", name.Value(), first.at.line())
			} else {
				c.named[qn] = t
			}
		}
	}
	m := c.prog.start
	if a := n.AttrNode("", "mode"); a != nil {
		if match == nil {
			c.report(a, "XT010", "add match or take mode out", `"mode" needs a template with "match"`)
		}
		m = c.modeNamed(a)
	}
	var priority *float64
	if a := n.AttrNode("", "priority"); a != nil {
		if match == nil {
			c.report(a, "XT010", "add match or take priority out", `"priority" needs a template with "match"`)
		}
		if f := xpath.ParseNumber(a.Value()); f == f {
			priority = &f
		} else if !c.forward {
			c.report(a, "XT008", "write a number such as 1 or -0.5", "priority %q is no number", a.Value())
		}
	}
	c.addRules(t, patterns, priority, m)
	rest := c.templateParams(n, t)
	t.body = c.body(n, rest)
	t.slots = c.frame.slots
}

// addRules makes t a rule of m for each of its patterns.
func (c *compiler) addRules(t *template, patterns []*xpath.Pattern, priority *float64, m *mode) {
	for _, p := range patterns {
		prio := p.Priority()
		r := &rule{pattern: p, template: t, precedence: c.precedence, priority: prio, order: c.order, sure: sure(p)}
		if priority != nil {
			r.priority = *priority
		}
		c.order++
		m.rules = append(m.rules, r)
	}
}

// sure reports whether kind and name of a node decide alone whether p matches
// it. The default priorities tell (section 5.5).
func sure(p *xpath.Pattern) bool {
	_, named := p.Name()
	switch p.Kind() {
	case xmltree.Element, xmltree.Attribute:
		return p.Priority() == 0 && named || p.Priority() == -0.5 && !named
	case xmltree.Text, xmltree.Comment:
		return p.Priority() == -0.5
	}
	return false
}

// argumentName returns the number of a name of parameters and arguments.
func (c *compiler) argumentName(name xmltree.Name) int {
	if c.arguments == nil {
		c.arguments = map[xmltree.Name]int{}
	}
	n, ok := c.arguments[name]
	if !ok {
		n = len(c.arguments)
		c.arguments[name] = n
	}
	return n
}

// templateParams compiles the xsl:param children of the template n and returns
// the first child behind them.
func (c *compiler) templateParams(n *xmltree.Node, t *template) *xmltree.Node {
	for x := n.First(); x != nil; x = x.Next() {
		switch x.Kind() {
		case xmltree.Text:
			if c.keepsText(x) && !c.leads(x, "param") {
				return x
			}
		case xmltree.Element:
			if !isXSL(x.Space()) || x.Local() != "param" {
				return x
			}
			if !c.known(x) {
				continue
			}
			v := c.value(x)
			if slot, name, ok := c.declareLocal(x); ok {
				t.params = append(t.params, param{c.argumentName(name), slot, v})
			}
		}
	}
	return nil
}

// key compiles an xsl:key.
func (c *compiler) key(n *xmltree.Node) {
	name, match := n.AttrNode("", "name"), n.AttrNode("", "match")
	if name == nil || match == nil || n.AttrNode("", "use") == nil {
		return // reported as missing
	}
	c.empty(n)
	def := keyDef{match: c.pattern(match)}
	for _, p := range def.match {
		if k := p.Kind(); k == 0 || k == xmltree.Attribute {
			def.attrs = true
		}
	}
	c.frame = nil
	def.use = c.expr(n, "use")
	qn, ok := c.qname(name)
	if !ok {
		return
	}
	k := c.prog.keys[qn]
	if k == nil {
		k = &key{name: qn}
		c.prog.keys[qn] = k
	}
	k.defs = append(k.defs, def)
}
