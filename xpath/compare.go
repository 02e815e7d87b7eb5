package xpath

import (
	"math"

	"sutler/xmltree"
)

// comparison is = != < <= > or >= (section 3.4).
type comparison struct {
	info
	op   relation
	l, r expr
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

// texts visits the string-values of a node-set in any order until visit
// returns false.
func (o *operand) texts(c *Context, visit func(string) bool) error {
	var failed error
	each := func(n *xmltree.Node) bool {
		s, err := text(c, n)
		if err != nil {
			failed = err
			return false
		}
		return visit(s)
	}
	if o.e != nil {
		if err := eachOf(c, o.e, each); err != nil {
			return err
		}
		return failed
	}
	for _, n := range o.v.nodes {
		if !each(n) {
			break
		}
	}
	return failed
}

// set reports whether a node of l is in relation op to v, which is no node-set.
func (op relation) set(c *Context, l operand, v Value) (found bool, err error) {
	switch {
	case v.typ == BooleanType && l.e != nil:
		b, err := test(c, l.e)
		return op.values(Boolean(b), v), err
	case v.typ == BooleanType:
		return op.values(Boolean(l.v.Bool()), v), nil
	case v.typ == NumberType || op > unequal:
		f := v.Num()
		err = l.texts(c, func(s string) bool {
			found = op.numbers(ParseNumber(s), f)
			return !found
		})
		return found, err
	}
	err = l.texts(c, func(s string) bool {
		found = (s == v.str) == (op == equal)
		return !found
	})
	return found, err
}

// sets reports whether a node of l is in relation op to a node of r. It looks
// at each node once.
func (op relation) sets(c *Context, l, r operand) (found bool, err error) {
	switch op {
	case equal:
		return haveCommon(c, l, r)
	case unequal:
		return differ(c, l, r)
	}
	// The one number of r that is easiest to be in relation to.
	bound := math.NaN()
	upward := op == less || op == lessOrEqual
	err = r.texts(c, func(s string) bool {
		if f := ParseNumber(s); bound != bound || upward && f > bound || !upward && f < bound {
			bound = f
		}
		return true
	})
	if err != nil || bound != bound {
		return false, err
	}
	return op.set(c, l, Number(bound))
}

// haveCommon reports whether a string-value of l is one of r too.
func haveCommon(c *Context, l, r operand) (found bool, err error) {
	values := make(map[string]bool)
	err = r.texts(c, func(s string) bool {
		values[s] = true
		return true
	})
	if err != nil || len(values) == 0 {
		return false, err
	}
	err = l.texts(c, func(s string) bool {
		found = values[s]
		return !found
	})
	return found, err
}

// differ reports whether l and r hold two different string-values.
func differ(c *Context, l, r operand) (bool, error) {
	var one string // of r
	var some, several bool
	err := r.texts(c, func(s string) bool {
		several = some && s != one
		one, some = s, true
		return !several
	})
	if err != nil || !some {
		return false, err
	}
	found := false
	err = l.texts(c, func(s string) bool {
		found = several || s != one
		return !found
	})
	return found, err
}
