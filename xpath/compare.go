package xpath

import (
	"math"
	"slices"

	"sutler/xmltree"
)

// comparison is = != < <= > or >= (section 3.4).
type comparison struct {
	info
	op   relation
	as   comparedAs
	l, r expr
}

// comparedAs is what the operands of a comparison are compared as, where their
// static types tell.
type comparedAs uint8

const (
	asTheyCome comparedAs = iota
	asNumbers
	asTexts
	asBooleans
	setToNumber // l is a node-set, r no node-set
	setToText
	setToBoolean
)

// newComparison returns l op r. A node-set that is compared with another type
// stands on the left.
func newComparison(in info, op relation, l, r expr) *comparison {
	lt, rt := l.about().typ, r.about().typ
	if rt == NodeSetType && lt != NodeSetType && lt != AnyType {
		l, r, lt, rt, op = r, l, rt, lt, op.mirrored()
	}
	x := &comparison{info: in, op: op, l: l, r: r}
	switch {
	case lt == AnyType || rt == AnyType || rt == NodeSetType:
	case lt == NodeSetType && rt == BooleanType:
		x.as = setToBoolean
	case lt == NodeSetType && (rt == NumberType || op > unequal):
		x.as = setToNumber
	case lt == NodeSetType:
		x.as = setToText
	case op > unequal:
		x.as = asNumbers
	case lt == BooleanType || rt == BooleanType:
		x.as = asBooleans
	case lt == NumberType || rt == NumberType:
		x.as = asNumbers
	default:
		x.as = asTexts
	}
	return x
}

// relation is an operator of a comparison.
type relation uint8

const (
	equal relation = iota
	unequal
	less
	lessOrEqual
	greater
	greaterOrEqual
)

// relationOf returns the relation that is written op.
func relationOf(op string) relation {
	switch op {
	case "=":
		return equal
	case "!=":
		return unequal
	case "<":
		return less
	case "<=":
		return lessOrEqual
	case ">":
		return greater
	}
	return greaterOrEqual
}

// mirrored returns the relation with its sides exchanged.
func (op relation) mirrored() relation {
	switch op {
	case less:
		return greater
	case lessOrEqual:
		return greaterOrEqual
	case greater:
		return less
	case greaterOrEqual:
		return lessOrEqual
	}
	return op
}

// numbers reports whether l op r.
func (op relation) numbers(l, r float64) bool {
	switch op {
	case equal:
		return l == r
	case unequal:
		return l != r
	case less:
		return l < r
	case lessOrEqual:
		return l <= r
	case greater:
		return l > r
	}
	return l >= r
}

// values reports whether l op r for two values that are no node-sets.
func (op relation) values(l, r Value) bool {
	switch {
	case op > unequal:
		return op.numbers(l.Num(), r.Num())
	case l.typ == BooleanType || r.typ == BooleanType:
		return (l.Bool() == r.Bool()) == (op == equal)
	case l.typ == NumberType || r.typ == NumberType:
		return op.numbers(l.Num(), r.Num())
	}
	return (l.str == r.str) == (op == equal)
}

func (x *comparison) eval(c *Context) (Value, error) {
	b, err := x.test(c)
	return Boolean(b), err
}

func (x *comparison) test(c *Context) (bool, error) {
	if err := charge(c, 1); err != nil {
		return false, err
	}
	switch x.as {
	case asNumbers, setToNumber:
		r, err := numberOf(c, x.r)
		if err != nil {
			return false, err
		}
		if x.as == setToNumber {
			return someNumber(c, operand{e: x.l}, x.op, r)
		}
		l, err := numberOf(c, x.l)
		return err == nil && x.op.numbers(l, r), err
	case asTexts, setToText:
		r, err := stringOf(c, x.r)
		if err != nil {
			return false, err
		}
		if x.as == setToText {
			return someText(c, operand{e: x.l}, x.op, r)
		}
		l, err := stringOf(c, x.l)
		return err == nil && (l == r) == (x.op == equal), err
	case asBooleans, setToBoolean:
		l, err := test(c, x.l)
		if err != nil {
			return false, err
		}
		r, err := test(c, x.r)
		return err == nil && x.op.values(Boolean(l), Boolean(r)), err
	}
	l, err := operandOf(c, x.l)
	if err != nil {
		return false, err
	}
	r, err := operandOf(c, x.r)
	if err != nil {
		return false, err
	}
	switch {
	case l.isSet() && r.isSet():
		return x.op.sets(c, l, r)
	case l.isSet():
		return x.op.set(c, l, r.v)
	case r.isSet():
		return x.op.mirrored().set(c, r, l.v)
	}
	return x.op.values(l.v, r.v), nil
}

// operand is one side of a comparison: an expression known to be a node-set,
// not evaluated yet so that it is walked only until a node decides, or a value.
type operand struct {
	e expr
	v Value
}

func operandOf(c *Context, e expr) (operand, error) {
	if e.about().typ == NodeSetType {
		return operand{e: e}, nil
	}
	v, err := e.eval(c)
	return operand{v: v}, err
}

func (o *operand) isSet() bool { return o.e != nil || o.v.typ == NodeSetType }

// lone returns the only node that o holds, nil if there is none, where o can
// hold no more than one and that is found without a walk.
func (o *operand) lone(c *Context) (n *xmltree.Node, sure bool, err error) {
	if o.e == nil {
		switch len(o.v.nodes) {
		case 0:
			return nil, true, nil
		case 1:
			return o.v.nodes[0], true, nil
		}
		return nil, false, nil
	}
	p, ok := o.e.(*path)
	if !ok || !p.atMostOne() {
		return nil, false, nil
	}
	n, err = p.first(c)
	return n, true, err
}

// offer has w take the nodes of o in any order, perhaps more than once.
func (o operand) offer(w *walker) error {
	switch x := o.e.(type) {
	case nil:
		return w.takeAll(o.v.nodes)
	case *path:
		if x.memo > 0 {
			break
		}
		from, err := x.origin(w.c)
		if err != nil {
			return err
		}
		w.run(from)
		return w.err
	case *union:
		for _, e := range x.parts {
			if err := (operand{e: e}).offer(w); err != nil || w.found != nil {
				return err
			}
		}
		return nil
	}
	nodes, err := nodesOf(w.c, o.e)
	if err != nil {
		return err
	}
	return w.takeAll(nodes)
}

// takeAll has w take nodes until it wants no more.
func (w *walker) takeAll(nodes []*xmltree.Node) error {
	for _, n := range nodes {
		if !w.take(n) {
			break
		}
	}
	return w.err
}

// someNumber reports whether the number of a node of l is in relation op to f.
func someNumber(c *Context, l operand, op relation, f float64) (bool, error) {
	if n, sure, err := l.lone(c); sure {
		if n == nil || err != nil {
			return false, err
		}
		s, err := text(c, n)
		return err == nil && op.numbers(ParseNumber(s), f), err
	}
	w := walker{c: c, want: comparing, op: op, num: f}
	err := l.offer(&w)
	return w.found != nil, err
}

// someText reports whether the string-value of a node of l is in relation op,
// which is equal or unequal, to s.
func someText(c *Context, l operand, op relation, s string) (bool, error) {
	if n, sure, err := l.lone(c); sure {
		if n == nil || err != nil {
			return false, err
		}
		t, err := text(c, n)
		return err == nil && (t == s) == (op == equal), err
	}
	w := walker{c: c, want: matching, op: op, str: s}
	err := l.offer(&w)
	return w.found != nil, err
}

// compare is what a walker does that compares, or that gathers what another
// one compares with.
func (w *walker) compare(n *xmltree.Node) bool {
	s, err := text(w.c, n)
	if err != nil {
		w.err = err
		return false
	}
	w.count++
	switch w.want {
	case comparing:
		if w.op.numbers(ParseNumber(s), w.num) {
			w.found = n
		}
	case matching:
		if (s == w.str) == (w.op == equal) {
			w.found = n
		}
	case meeting:
		if w.texts.hold(s) {
			w.found = n
		}
	case gathering:
		if w.texts.add(s) {
			w.c.due += stepsPerText
		}
	case bounding:
		if f := ParseNumber(s); w.num != w.num || w.op < greater && f > w.num || w.op >= greater && f < w.num {
			w.num = f
		}
	case telling:
		if w.count > 1 && s != w.str {
			w.found = n
		}
		w.str = s
	}
	return w.found == nil
}

// texts is a set of strings.
type texts struct {
	few  [8]string
	n    int // of few
	many map[string]bool
}

// stepsPerText is what a place in the map of texts costs.
const stepsPerText = 16

// add reports whether s took a place in the map.
func (t *texts) add(s string) bool {
	switch {
	case slices.Contains(t.few[:t.n], s):
	case t.n < len(t.few):
		t.few[t.n] = s
		t.n++
	default:
		if t.many == nil {
			t.many = make(map[string]bool)
		}
		t.many[s] = true
		return true
	}
	return false
}

func (t *texts) hold(s string) bool { return slices.Contains(t.few[:t.n], s) || t.many[s] }

// set reports whether a node of l is in relation op to v, which is no node-set.
func (op relation) set(c *Context, l operand, v Value) (found bool, err error) {
	switch {
	case v.typ == BooleanType && l.e != nil:
		b, err := test(c, l.e)
		return op.values(Boolean(b), v), err
	case v.typ == BooleanType:
		return op.values(Boolean(l.v.Bool()), v), nil
	case v.typ == NumberType || op > unequal:
		return someNumber(c, l, op, v.Num())
	}
	return someText(c, l, op, v.str)
}

// sets reports whether a node of l is in relation op to a node of r. It looks
// at each node once.
func (op relation) sets(c *Context, l, r operand) (bool, error) {
	if n, sure, err := l.lone(c); sure {
		if n == nil || err != nil {
			return false, err
		}
		return op.mirrored().node(c, r, n)
	}
	if n, sure, err := r.lone(c); sure {
		if n == nil || err != nil {
			return false, err
		}
		return op.node(c, l, n)
	}
	switch op {
	case equal:
		return haveCommon(c, l, r)
	case unequal:
		return differ(c, l, r)
	}
	// The one number of r that is easiest to be in relation to.
	bound := walker{c: c, want: bounding, op: op, num: math.NaN()}
	if err := r.offer(&bound); err != nil || bound.num != bound.num {
		return false, err
	}
	return someNumber(c, l, op, bound.num)
}

// node reports whether a node of l is in relation op to n.
func (op relation) node(c *Context, l operand, n *xmltree.Node) (bool, error) {
	s, err := text(c, n)
	switch {
	case err != nil:
		return false, err
	case op > unequal:
		return someNumber(c, l, op, ParseNumber(s))
	}
	return someText(c, l, op, s)
}

// haveCommon reports whether a string-value of l is one of r too.
func haveCommon(c *Context, l, r operand) (bool, error) {
	all := c.spare
	if c.spare = nil; all == nil {
		all = new(texts)
	}
	defer func() {
		*all = texts{}
		c.spare = all
	}()
	w := walker{c: c, want: gathering, texts: all}
	err := r.offer(&w)
	switch {
	case err != nil || all.n == 0:
		return false, err
	case all.n == 1:
		return someText(c, l, equal, all.few[0])
	}
	w = walker{c: c, want: meeting, texts: all}
	err = l.offer(&w)
	return w.found != nil, err
}

// differ reports whether l and r hold two different string-values.
func differ(c *Context, l, r operand) (bool, error) {
	w := walker{c: c, want: telling}
	err := r.offer(&w)
	switch {
	case err != nil || w.count == 0:
		return false, err
	case w.found == nil: // all of r are the same
		return someText(c, l, unequal, w.str)
	}
	w = walker{c: c, want: anyOne}
	err = l.offer(&w)
	return w.found != nil, err
}
