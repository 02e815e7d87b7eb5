package xpath

import (
	"fmt"
	"slices"

	"sutler/xmltree"
)

// expr is a node of a compiled expression.
type expr interface {
	about() *info
	eval(c *Context) (Value, error)
}

// info is what is known of an expression without evaluating it.
type info struct {
	at       int // byte offset in the source
	typ      Type
	depth    int  // how deep an evaluation recurses
	context  bool // it looks at the context node
	position bool // … at the context position
	size     bool // … at the context size
	impure   bool // it calls a function of the host language
}

func (i *info) about() *info { return i }

// holding returns the info of an expression of type t that evaluates parts in
// its own context.
func holding(at int, t Type, parts ...expr) info {
	in := info{at: at, typ: t}
	for _, e := range parts {
		p := e.about()
		in.depth = max(in.depth, p.depth)
		in.context = in.context || p.context
		in.position = in.position || p.position
		in.size = in.size || p.size
		in.impure = in.impure || p.impure
	}
	in.depth++
	return in
}

// constant is a literal, a number or what folding made of an expression.
type constant struct {
	info
	v      Value
	text   string
	number float64
}

func (k *constant) eval(*Context) (Value, error) { return k.v, nil }

func newConstant(at int, v Value) *constant {
	return &constant{info: info{at: at, typ: v.Type(), depth: 1}, v: v, text: v.Str(), number: v.Num()}
}

// fold evaluates e at once if that needs nothing but e.
func fold(e expr, parts ...expr) expr {
	for _, p := range parts {
		if _, ok := p.(*constant); !ok {
			return e
		}
	}
	if in := e.about(); in.context || in.position || in.size {
		return e
	}
	v, err := e.eval(new(Context))
	if err != nil {
		return e
	}
	return newConstant(e.about().at, v)
}

// variable is a reference to Context.Vars.
type variable struct {
	info
	name string
	slot int
}

func (x *variable) eval(c *Context) (Value, error) {
	if x.slot < 0 || x.slot >= len(c.Vars) {
		return Value{}, &Error{Rule: ruleUnset, Offset: x.at, Msg: fmt.Sprintf("the variable $%s has no value", x.name)}
	}
	return c.Vars[x.slot], nil
}

// logic is and or or (section 3.4); the right side is evaluated only if the
// left side leaves the answer open.
type logic struct {
	info
	or   bool
	l, r expr
}

func (x *logic) eval(c *Context) (Value, error) {
	b, err := x.test(c)
	return Boolean(b), err
}

func (x *logic) test(c *Context) (bool, error) {
	b, err := test(c, x.l)
	if err != nil || b == x.or {
		return b, err
	}
	return test(c, x.r)
}

// arithmetic is + - * div or mod (section 3.5).
type arithmetic struct {
	info
	op   byte // its first letter
	l, r expr
}

func (x *arithmetic) eval(c *Context) (Value, error) {
	f, err := x.number(c)
	return Number(f), err
}

func (x *arithmetic) number(c *Context) (float64, error) {
	l, err := numberOf(c, x.l)
	if err != nil {
		return 0, err
	}
	r, err := numberOf(c, x.r)
	if err != nil {
		return 0, err
	}
	switch x.op {
	case '+':
		return l + r, nil
	case '-':
		return l - r, nil
	case '*':
		return l * r, nil
	case 'd':
		return l / r, nil
	}
	return remainder(l, r), nil
}

// negation is the unary minus.
type negation struct {
	info
	x expr
}

func (x *negation) eval(c *Context) (Value, error) {
	f, err := numberOf(c, x.x)
	return Number(-f), err
}

// call is a call of a function of the core library.
type call struct {
	info
	fn   *builtin
	args []expr
}

func (x *call) eval(c *Context) (Value, error) {
	switch {
	case x.fn.text != nil:
		s, err := x.fn.text(c, x.args)
		return String(s), err
	case x.fn.number != nil:
		f, err := x.fn.number(c, x.args)
		return Number(f), err
	case x.fn.truth != nil:
		b, err := x.fn.truth(c, x.args)
		return Boolean(b), err
	}
	nodes, err := x.fn.nodes(c, x.args)
	return NodeSet(nodes), err
}

// hostCall is a call of a function of the host language.
type hostCall struct {
	info
	fn   Function
	args []expr
}

func (x *hostCall) eval(c *Context) (Value, error) {
	if x.fn.Node != nil {
		n, err := x.node(c)
		if n == nil || err != nil {
			return NodeSet(nil), err
		}
		return NodeSet([]*xmltree.Node{n}), nil
	}
	if err := charge(c, 1); err != nil {
		return Value{}, err
	}
	base, ones := len(c.args), len(c.ones)
	v, err := x.call(c, base)
	// Not cleared: the few values are overwritten by the next call. A result
	// must not be, should it be an argument.
	for i := ones; i < len(c.ones) && len(v.nodes) > 0; i++ {
		if &v.nodes[0] == &c.ones[i] {
			v.nodes = slices.Clone(v.nodes)
			break
		}
	}
	c.args, c.ones = c.args[:base], c.ones[:ones]
	if err != nil {
		return Value{}, err
	}
	return x.declared(c, v)
}

// call evaluates the arguments behind the first base of c.args, which belong
// to calls around this one, and calls the function.
func (x *hostCall) call(c *Context, base int) (Value, error) {
	for _, a := range x.args {
		v, err := argument(c, a)
		if err != nil {
			return Value{}, err
		}
		c.args = append(c.args, v)
	}
	return x.fn.Call(c, c.args[base:len(c.args):len(c.args)])
}

// argument returns e for a function that does not keep it: a set of one node
// is made on the stack of c.
func argument(c *Context, e expr) (Value, error) {
	p, ok := e.(*path)
	if !ok || !p.atMostOne() {
		return e.eval(c)
	}
	n, err := p.first(c)
	if n == nil || err != nil {
		return NodeSet(nil), err
	}
	c.ones = append(c.ones, n)
	last := len(c.ones)
	return NodeSet(c.ones[last-1 : last : last]), nil
}

// node returns the only node of a function that has no more.
func (x *hostCall) node(c *Context) (*xmltree.Node, error) {
	if err := charge(c, 1); err != nil {
		return nil, err
	}
	return x.fn.Node(c)
}

// declared returns v as the type that the function promises.
func (x *hostCall) declared(c *Context, v Value) (Value, error) {
	switch want := x.fn.Result; {
	case want == AnyType || want == v.typ:
		return v, nil
	case want == StringType:
		s, err := c.Text(v)
		return String(s), err
	case want == NumberType:
		if v.typ != NodeSetType {
			return Number(v.Num()), nil
		}
		s, err := c.Text(v)
		return Number(ParseNumber(s)), err
	case want == BooleanType:
		return Boolean(v.Bool()), nil
	}
	return Value{}, notNodes(x, v)
}

// The following evaluate any expression to what is asked of it and take the
// shortest way there.

// test returns e as a boolean.
func test(c *Context, e expr) (bool, error) {
	switch x := e.(type) {
	case *path:
		return x.exists(c)
	case *logic:
		return x.test(c)
	case *comparison:
		return x.test(c)
	case *union:
		return x.exists(c)
	case *call:
		if x.fn.truth != nil {
			return x.fn.truth(c, x.args)
		}
	}
	v, err := e.eval(c)
	return v.Bool(), err
}

// stringOf returns e as a string.
func stringOf(c *Context, e expr) (string, error) {
	switch x := e.(type) {
	case *path:
		n, err := x.first(c)
		if n == nil || err != nil {
			return "", err
		}
		return text(c, n)
	case *constant:
		return x.text, nil
	case *call:
		if x.fn.text != nil {
			return x.fn.text(c, x.args)
		}
	}
	if e.about().typ == NodeSetType {
		n, err := firstOf(c, e)
		if n == nil || err != nil {
			return "", err
		}
		return text(c, n)
	}
	v, err := e.eval(c)
	if err != nil {
		return "", err
	}
	return c.Text(v)
}

// Text returns v as Value.Str does and charges c for it, which matters for
// node-sets, whose string-value may be as long as the document.
func (c *Context) Text(v Value) (string, error) {
	if len(v.nodes) > 0 {
		return text(c, v.nodes[0])
	}
	return v.Str(), nil
}

// numberOf returns e as a number.
func numberOf(c *Context, e expr) (float64, error) {
	switch x := e.(type) {
	case *path:
		s, err := stringOf(c, x)
		return ParseNumber(s), err
	case *constant:
		return x.number, nil
	case *arithmetic:
		return x.number(c)
	case *call:
		if x.fn.number != nil {
			return x.fn.number(c, x.args)
		}
	}
	switch e.about().typ {
	case NodeSetType, StringType:
		s, err := stringOf(c, e)
		return ParseNumber(s), err
	}
	v, err := e.eval(c)
	if err != nil || v.typ == NumberType || v.typ == BooleanType {
		return v.num, err
	}
	s, err := c.Text(v)
	return ParseNumber(s), err
}

// nodesOf returns the nodes of e in document order. The slice may be shared.
func nodesOf(c *Context, e expr) ([]*xmltree.Node, error) {
	switch x := e.(type) {
	case *path:
		return x.nodes(c)
	case *filter:
		return x.nodes(c)
	}
	v, err := e.eval(c)
	if err != nil {
		return nil, err
	}
	if v.typ != NodeSetType || v.frag {
		return nil, notNodes(e, v)
	}
	return v.nodes, nil
}

// appendOf appends the nodes of e in document order to buf.
func appendOf(c *Context, e expr, buf []*xmltree.Node) ([]*xmltree.Node, error) {
	switch x := e.(type) {
	case *path:
		if x.memo == 0 {
			return x.collect(c, buf)
		}
	case *union:
		return x.collect(c, buf)
	}
	nodes, err := nodesOf(c, e)
	if err != nil {
		return buf, err
	}
	return append(buf, nodes...), charge(c, len(nodes))
}

// streamOf visits the nodes of e in document order until visit returns false.
func streamOf(c *Context, e expr, visit func(*xmltree.Node) bool) error {
	switch x := e.(type) {
	case *path:
		return x.stream(c, visit)
	case *union:
		return x.stream(c, visit)
	}
	nodes, err := nodesOf(c, e)
	for _, n := range nodes {
		if !visit(n) {
			break
		}
	}
	return err
}

// sizeOf returns the number of nodes of e.
func sizeOf(c *Context, e expr) (int, error) {
	switch x := e.(type) {
	case *path:
		return x.size(c)
	case *union:
		return x.size(c)
	}
	nodes, err := nodesOf(c, e)
	return len(nodes), err
}

// firstOf returns the first node of e in document order, or nil.
func firstOf(c *Context, e expr) (*xmltree.Node, error) {
	switch x := e.(type) {
	case *path:
		return x.first(c)
	case *filter:
		return x.first(c)
	case *union:
		return x.first(c)
	case *hostCall:
		if x.fn.Node != nil {
			return x.node(c)
		}
	}
	nodes, err := nodesOf(c, e)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	return nodes[0], nil
}

// nthOf returns node number k, from 1, of e in document order, or nil.
func nthOf(c *Context, e expr, k int) (*xmltree.Node, error) {
	if k == 1 {
		return firstOf(c, e)
	}
	if p, ok := e.(*path); ok {
		return p.nth(c, k)
	}
	nodes, err := nodesOf(c, e)
	if err != nil || k > len(nodes) {
		return nil, err
	}
	return nodes[k-1], nil
}

func notNodes(e expr, v Value) error {
	if v.frag {
		return &Error{Rule: ruleNodeSet, Offset: e.about().at, Msg: "a node-set is needed here, not a result tree fragment",
			Hint: "make it one with exsl:node-set() or msxsl:node-set()"}
	}
	return &Error{Rule: ruleNodeSet, Offset: e.about().at,
		Msg: fmt.Sprintf("a node-set is needed here, not %s", v.Type())}
}
