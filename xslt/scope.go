package xslt

import (
	"fmt"
	"slices"

	"sutler/xmltree"
	"sutler/xpath"
)

// frame is the variables of a template or of a top-level variable while it is
// compiled. Each declaration has a slot of its own, and so has each top-level
// variable that is read in it.
type frame struct {
	slots   int
	locals  []local              // visible, the innermost last
	places  map[xmltree.Name]int // where in locals a name is, or was
	globals map[*global]int
	owner   *global // the top-level variable that is compiled, or nil

	function bool // of a func:function
}

type local struct {
	name xmltree.Name
	slot int
	at   place
}

// declareLocal gives the xsl:variable or xsl:param n a slot. It is visible from
// here to the end of the body that holds it.
func (c *compiler) declareLocal(n *xmltree.Node) (slot int, name xmltree.Name, ok bool) {
	a := n.AttrNode("", "name")
	if a == nil {
		return 0, name, false // reported as missing
	}
	name, ok = c.qname(a)
	if !ok {
		return 0, name, false
	}
	if i := c.frame.find(name); i >= 0 {
		c.report(a, "XT013", "give it another name", "%q hides the variable of this name declared at line %d of the same template", a.Value(), c.frame.locals[i].at.line())
	}
	if c.frame.places == nil {
		c.frame.places = map[xmltree.Name]int{}
	}
	c.frame.places[name] = len(c.frame.locals)
	slot = c.frame.slots
	c.frame.slots++
	c.frame.locals = append(c.frame.locals, local{name, slot, placeOf(n)})
	return slot, name, true
}

// find returns the place of a visible variable in locals, or -1. A template may
// have very many of them.
func (f *frame) find(name xmltree.Name) int {
	i, known := f.places[name]
	switch {
	case !known:
		return -1
	case i < len(f.locals) && f.locals[i].name == name:
		return i
	}
	return slices.IndexFunc(f.locals, func(l local) bool { return l.name == name })
}

// variable finds the slot of a variable for an expression.
func (c *compiler) variable(name xmltree.Name) (slot int, ok bool) {
	name = expanded(name)
	f := c.frame
	if i := f.find(name); i >= 0 {
		return f.locals[i].slot, true
	}
	g := c.globals[name]
	if g == nil {
		return 0, false
	}
	slot, ok = f.globals[g]
	if !ok {
		slot = f.slots
		f.slots++
		if f.globals == nil {
			f.globals = map[*global]int{}
		}
		f.globals[g] = slot
	}
	if f.owner != nil {
		f.owner.reads = append(f.owner.reads, g)
	}
	for _, u := range c.reads {
		if u.slot == slot {
			return slot, true
		}
	}
	c.reads = append(c.reads, use{g.index, slot})
	return slot, true
}

// declareGlobal notes a top-level variable or parameter, so that every
// expression of the stylesheet may read it.
func (c *compiler) declareGlobal(n *xmltree.Node) *global {
	a := n.AttrNode("", "name")
	if a == nil {
		return nil // reported as missing
	}
	name, ok := c.qname(a)
	if !ok {
		return nil
	}
	if first := c.globals[name]; first != nil && first.layer == c.layer {
		c.report(a, "XT013", "give it another name", "there is a top-level variable %q already, at line %d", a.Value(), placeOf(first.node).line())
		return nil
	}
	g := &global{name: name, index: len(c.prog.globals), node: n, param: n.Local() == "param", module: c.current, layer: c.layer}
	c.globals[name] = g
	c.prog.globals = append(c.prog.globals, g)
	return g
}

// compileGlobal compiles the value of g.
func (c *compiler) compileGlobal(g *global) {
	c.frame = &frame{owner: g}
	g.value = c.value(g.node)
	g.slots = c.frame.slots
}

// cycles reports top-level variables that are defined by themselves.
func (c *compiler) cycles() {
	const fresh, open, done = 0, 1, 2
	state := make([]int, len(c.prog.globals))
	var visit func(g *global)
	visit = func(g *global) {
		state[g.index] = open
		for _, d := range g.reads {
			switch state[d.index] {
			case fresh:
				visit(d)
			case open:
				c.report(d.node, "XT014", "take one of the references out", "the variable %q is defined by itself", d.name)
			}
		}
		state[g.index] = done
	}
	for _, g := range c.prog.globals {
		if state[g.index] == fresh {
			visit(g)
		}
		g.reads, g.module, g.layer = nil, nil, nil
	}
}

// static is what an expression at n may refer to.
func (c *compiler) static(n *xmltree.Node) xpath.Static {
	return xpath.Static{
		Namespaces: func(prefix string) (string, bool) { return lookup(n, prefix) },
		Variables:  c.variable,
		Functions:  func(name xmltree.Name) (xpath.Function, bool) { return c.functionIn(n, name) },
		Tolerant:   c.tolerant,
	}
}

// functionIn returns the function of that name for an expression at n. An
// extension function that is not there is an error when it is called
// (section 14.2), in procedures when it is compiled.
func (c *compiler) functionIn(n *xmltree.Node, name xmltree.Name) (xpath.Function, bool) {
	f, ok := c.function(n, name)
	if ok || name.Space == "" || c.embedded || f.Check != nil {
		return f, ok
	}
	c.warn(n, "XT029", "ask function-available() before it is called", "the function %q is not there and is an error when it is called", name)
	return xpath.Function{Max: -1, Result: xpath.AnyType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.Value{}, fmt.Errorf("the function %q is not there", name)
	}}, true
}

// lookup is the namespace of a prefix at n, with one spelling for XSLT.
func lookup(n *xmltree.Node, prefix string) (uri string, ok bool) {
	uri, ok = n.Lookup(prefix)
	if isXSL(uri) {
		uri = Space
	}
	return uri, ok
}

// expr compiles the expression in an attribute of n; nil without it.
func (c *compiler) expr(n *xmltree.Node, attr string) *expr {
	a := n.AttrNode("", attr)
	if a == nil {
		return nil
	}
	return c.expression(n, a, a.Value(), 0)
}

// expression compiles src, which begins at byte base of the value of the
// attribute a of n. Without a frame no variable may be read.
func (c *compiler) expression(n, a *xmltree.Node, src string, base int) *expr {
	e := &expr{at: placeOf(a), base: base}
	c.reads = nil
	s := c.static(n)
	if c.frame == nil {
		s.Variables = c.noVariables(a)
	}
	x, err := xpath.Compile(src, s)
	if err != nil {
		p := c.exprProblem(e.at, base, err)
		c.problems = append(c.problems, p)
		if !c.forward || c.embedded {
			return nil
		}
		// A later version may know what this is; it is an error when it is reached (section 2.5).
		wrong := *p
		e.wrong, p.Warning = &wrong, true
		e.Expr = nothing
		return e
	}
	e.Expr, e.uses = x, c.reads
	c.noteLiterals(n, a, src, base)
	return e
}

// nothing stands for an expression that is never evaluated.
var nothing = mustCompile("/..")

func mustCompile(src string) *xpath.Expr {
	e, err := xpath.Compile(src, xpath.Static{})
	if err != nil {
		panic(err)
	}
	return e
}

// pattern compiles a match pattern.
func (c *compiler) pattern(a *xmltree.Node) []*xpath.Pattern {
	return c.patternWith(a, c.noVariables(a))
}

// patternWith compiles a pattern that may read variables.
func (c *compiler) patternWith(a *xmltree.Node, variables func(xmltree.Name) (int, bool)) []*xpath.Pattern {
	n := a.Parent()
	s := c.static(n)
	s.Variables = variables
	s.Functions = func(name xmltree.Name) (xpath.Function, bool) {
		if name.Space == "" && name.Local == "current" {
			c.report(a, "XT022", "in a pattern the node itself is meant: write . or its parts", `%q must not use the function "current"`, a.Local())
		}
		return c.functionIn(n, name)
	}
	ps, err := xpath.CompilePattern(a.Value(), s)
	if err != nil {
		c.problems = append(c.problems, c.exprProblem(placeOf(a), 0, err))
		return nil
	}
	c.noteLiterals(n, a, a.Value(), 0)
	return ps
}

// noVariables refuses every variable in the attribute a (sections 5.3, 12.2).
func (c *compiler) noVariables(a *xmltree.Node) func(xmltree.Name) (int, bool) {
	return func(name xmltree.Name) (int, bool) {
		c.report(a, "XT022", "move the test into the body of the template", "%q must not read the variable $%s", a.Local(), name)
		return 0, true
	}
}

// wellPlaced is of how many problems of a stylesheet the place is looked for
// inside of the attribute, which takes reading its line.
const wellPlaced = 200

// exprProblem is asProblem while compiling. Of very many problems the later ones
// have the place of the attribute.
func (c *compiler) exprProblem(p place, base int, err error) *xmltree.Problem {
	if e, ok := err.(*xpath.Error); ok && len(c.problems) >= wellPlaced {
		return p.problem(e.Rule, e.Msg, e.Hint)
	}
	return asProblem(p, base, err)
}

// asProblem turns an error of the XPath compiler or evaluator into a problem
// at its place inside the attribute at p.
func asProblem(p place, base int, err error) *xmltree.Problem {
	if e, ok := err.(*xpath.Error); ok {
		return p.inside(base+e.Offset).problem(e.Rule, e.Msg, e.Hint)
	}
	return p.problem("XT110", err.Error(), "")
}
