package xslt

import (
	"fmt"

	"sutler/xmltree"
	"sutler/xpath"
)

// function is a func:function of EXSLT: parameters taken by position and a body
// that gives a value with func:result.
type function struct {
	t      *template // its parameters, body and frame
	name   xmltree.Name
	called xpath.Function

	// While compiling:
	node   *xmltree.Node
	module *module
	layer  *layer
}

// declareFunction notes a func:function, so that every expression may call it.
// One of higher import precedence replaces one of lower.
func (c *compiler) declareFunction(n *xmltree.Node) *function {
	a := n.AttrNode("", "name")
	if a == nil {
		c.report(n, "XT007", `add name="…"`, "%q lacks its attribute %q", n.Name(), "name")
		return nil
	}
	name, ok := c.qname(a)
	if !ok {
		return nil
	}
	if name.Space == "" {
		c.report(a, "XT008", "give it a prefix: functions without one are those of XPath and XSLT", "a function cannot be named %q", a.Value())
		return nil
	}
	if first := c.funcs[name]; first != nil && first.layer == c.layer {
		c.report(a, "XT011", "give it another name", "there is a function named %q already, at line %d", a.Value(), placeOf(first.node).line())
		return nil
	}
	f := &function{name: name, node: n, module: c.current, layer: c.layer}
	f.t = &template{info: Template{Name: fmt.Sprintf("function %q", a.Value())}, at: placeOf(n), layer: c.layer}
	f.t.info.place(n)
	params := 0
	for x := n.FirstElement(); x != nil && isXSL(x.Space()) && x.Local() == "param"; x = x.NextElement() {
		params++
	}
	f.called = xpath.Function{Max: params, Result: xpath.AnyType, Call: f.call}
	c.funcs[name] = f
	return f
}

// compileFunction compiles parameters and body of f.
func (c *compiler) compileFunction(f *function) {
	c.frame = &frame{function: true}
	rest := c.templateParams(f.node, f.t)
	f.t.body = c.body(f.node, rest)
	f.t.slots = c.frame.slots
	f.node, f.module, f.layer = nil, nil, nil
}

// functionResult is a func:result.
type functionResult struct {
	value value
}

func (c *compiler) functionResult(n *xmltree.Node) instr {
	if c.frame == nil || !c.frame.function {
		c.report(n, "XT005", "it belongs into a func:function", "%q must not stand here", n.Name())
		return nil
	}
	return &functionResult{c.value(n)}
}

func (in *functionResult) exec(r *run) error {
	if r.returned.open {
		return wrong(in.value.at, "XT114", "a function gives one result: choose with xsl:choose", "a second result of a function is made")
	}
	v, err := r.value(&in.value)
	r.returned = returned{v, true}
	return err
}

// returned is what a function gave so far.
type returned struct {
	value xpath.Value
	open  bool // a result was made
}

// call runs f with the context of the expression that calls it.
func (f *function) call(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	r := host(c)
	lo := len(r.args)
	for i, v := range args {
		r.args = append(r.args, passed{f.t.params[i].name, v})
	}
	node, xc, out, ret, rule, expr := r.node, r.xc, r.out, r.returned, r.rule, r.expr
	r.returned, r.rule = returned{}, nil
	r.out = sink{start: len(r.pending), what: "a function, outside of func:result", strict: true}
	r.focus(focus{c.Node, max(c.Position, 1), max(c.Size, 1)})
	err := r.call(f.t, lo, lo+len(args), f.t.at)
	if err == nil && !blank(r.taken()) {
		err = wrong(f.t.at, "XT114", "put it into func:result", "the function %q makes text outside of func:result", f.name.Local)
	}
	v := r.returned.value
	r.args = r.args[:lo]
	r.node, r.xc, r.out, r.returned, r.rule, r.expr = node, xc, out, ret, rule, expr
	return v, err
}
