package xpath

import (
	"fmt"

	"sutler/xmltree"
)

// Static is what an expression may refer to, fixed when it is compiled. The
// zero Static offers the core function library and nothing else. The fields
// are asked in source order; each must always give the same answer.
type Static struct {
	// Namespaces returns the URI of a prefix. The prefix xml is always known.
	Namespaces func(prefix string) (uri string, ok bool)
	// Variables returns the place of a variable in Context.Vars.
	Variables func(name xmltree.Name) (slot int, ok bool)
	// Functions returns a function that the core library does not have, under
	// an unprefixed name too. One that is not ok but has a Check is refused with
	// the error of that.
	Functions func(name xmltree.Name) (Function, bool)
	// Tolerant reads user/[@status='x'] as user[@status='x'], as the older
	// MSXML patterns did and one sample of the documents does.
	Tolerant bool
}

// Function is a function of the host language.
type Function struct {
	Min, Max int  // number of arguments; Max < 0: any
	Result   Type // the result is converted to it; AnyType when it varies
	// Positional says that Call looks at Position or Size of the context.
	// Inside a predicate they are set only for functions that say so.
	Positional bool
	// Check, if not nil, looks at a call when it is compiled: args holds the
	// constant arguments and nil for the others. Its error, if not nil, ends the
	// compilation with the offset of the call.
	Check func(args []*Value) *Error
	// Call must not keep args, their node-sets or c; it may return an argument. What it returns as error ends the evaluation.
	Call func(c *Context, args []Value) (Value, error)
	// Node, if it is set, is called instead, without arguments, and returns the
	// only node of the value or nil for none: no set is made for it.
	Node func(c *Context) (*xmltree.Node, error)
}

// Context is what an expression is evaluated against. One evaluation at a time
// may use it; Node, Position and Size change in its course and are restored
// before it returns. It remembers what makes the next evaluation faster, such
// as which element has which ID: take a new one after a tree was changed.
type Context struct {
	Node           *xmltree.Node
	Position, Size int     // 0 counts as 1
	Vars           []Value // by slot
	// Budget pays for the evaluation: a step for each node looked at, taken into
	// a large set or put in order, each comparison, each 4 bytes of text made and
	// each 64 looked at. It is charged about every thousand steps and when the
	// evaluation ends. Nil: without limit.
	Budget *xmltree.Budget
	// Poll, if it is set, is asked about every thousand steps, over evaluations
	// in a row too, whether to go on; its error ends the evaluation.
	Poll func() error
	Host any // state of the host language for its functions

	due     int                   // steps not charged yet
	unasked int                   // steps since Poll was asked
	memo    []memo                // of the expression that is evaluated
	spare   *texts                // for the next comparison of node-sets
	scratch []*xmltree.Node       // for the next set that is only counted
	args    []Value               // of the functions that are called
	ones    []*xmltree.Node       // … and the sets of one node among them
	places  map[*step]place       // of patterns
	ids     map[*xmltree.Node]ids // of trees, by their top
}

// Expr is a compiled expression. It is immutable and safe for many goroutines
// at once.
type Expr struct {
	src   string
	e     expr
	typ   Type
	memos int // places that its paths have in Context.memo
}

// Compile compiles an expression of at most 256 KiB whose brackets, rows of
// operators and steps count at most 4,000 levels, and whose paths have at most
// 30,000 steps and predicates together. The error is an *Error.
func Compile(src string, s Static) (*Expr, error) {
	p, err := newParser(src, s)
	if err != nil {
		return nil, err
	}
	e, err := p.whole()
	if err != nil {
		return nil, err
	}
	return &Expr{src: src, e: e, typ: e.about().typ, memos: p.memos}, nil
}

// Eval returns the value of e. The error is an *Error, an *xmltree.LimitError,
// that of Context.Poll or what a host function returned; the tree and c are as
// they were.
func (e *Expr) Eval(c *Context) (Value, error) {
	if err := e.needs(c); err != nil {
		return Value{}, err
	}
	outer := e.enter(c)
	v, err := e.e.eval(c)
	if err = e.leave(c, outer, err); err != nil {
		return Value{}, err
	}
	if v.typ == NodeSetType && len(v.nodes) > 1 && !c.Budget.Make(int64(len(v.nodes))*bytesPerNode) {
		return Value{}, c.Budget.Err()
	}
	return v, nil
}

// Nodes returns the nodes of e in document order. It is an error if the value
// of e is no node-set. The caller must not change the slice. Errors as Eval.
func (e *Expr) Nodes(c *Context) ([]*xmltree.Node, error) {
	if err := e.needsNodes(c); err != nil {
		return nil, err
	}
	outer := e.enter(c)
	nodes, err := nodesOf(c, e.e)
	if err = e.leave(c, outer, err); err != nil {
		return nil, err
	}
	return nodes, nil
}

// AppendNodes appends the nodes of e in document order to buf, so that one
// slice can serve many evaluations, and returns it. After an error it is as
// long as it was. Errors as Nodes.
func (e *Expr) AppendNodes(c *Context, buf []*xmltree.Node) ([]*xmltree.Node, error) {
	if err := e.needsNodes(c); err != nil {
		return buf, err
	}
	outer := e.enter(c)
	nodes, err := appendOf(c, e.e, buf)
	if err = e.leave(c, outer, err); err != nil {
		return buf, err
	}
	return nodes, nil
}

// Each visits the nodes of e in document order until visit returns false, as
// they are found where the path allows it. visit may evaluate with c, but
// must leave c and what functions of the host language look at as they were,
// and the tree too. Errors as Nodes.
func (e *Expr) Each(c *Context, visit func(*xmltree.Node) bool) error {
	if err := e.needsNodes(c); err != nil {
		return err
	}
	outer := e.enter(c)
	return e.leave(c, outer, streamOf(c, e.e, visit))
}

// Count returns the number of nodes of e, without a set of them where the path
// allows it. Errors as Nodes.
func (e *Expr) Count(c *Context) (int, error) {
	if err := e.needsNodes(c); err != nil {
		return 0, err
	}
	outer := e.enter(c)
	n, err := sizeOf(c, e.e)
	return n, e.leave(c, outer, err)
}

// First returns the first node of e in document order, or nil if there is
// none; it walks no further than it must. Errors as Nodes.
func (e *Expr) First(c *Context) (*xmltree.Node, error) {
	if err := e.needsNodes(c); err != nil {
		return nil, err
	}
	outer := e.enter(c)
	n, err := firstOf(c, e.e)
	if err = e.leave(c, outer, err); err != nil {
		return nil, err
	}
	return n, nil
}

// Bool returns the value of e as the function boolean does; a path is walked
// to the first node that it meets. Errors as Eval.
func (e *Expr) Bool(c *Context) (bool, error) {
	if err := e.needs(c); err != nil {
		return false, err
	}
	outer := e.enter(c)
	b, err := test(c, e.e)
	err = e.leave(c, outer, err)
	return b && err == nil, err
}

// Str returns the value of e as the function string does. Errors as Eval.
func (e *Expr) Str(c *Context) (string, error) {
	if err := e.needs(c); err != nil {
		return "", err
	}
	outer := e.enter(c)
	s, err := stringOf(c, e.e)
	if err = e.leave(c, outer, err); err != nil {
		return "", err
	}
	return s, nil
}

// Num returns the value of e as the function number does. Errors as Eval.
func (e *Expr) Num(c *Context) (float64, error) {
	if err := e.needs(c); err != nil {
		return 0, err
	}
	outer := e.enter(c)
	f, err := numberOf(c, e.e)
	if err = e.leave(c, outer, err); err != nil {
		return 0, err
	}
	return f, nil
}

// enter begins an evaluation, perhaps in a function that another one calls.
func (e *Expr) enter(c *Context) (outer []memo) {
	if e.memos == 0 {
		return nil
	}
	outer, c.memo = c.memo, nil
	return outer
}

// leave ends an evaluation that ended with err.
func (e *Expr) leave(c *Context, outer []memo, err error) error {
	if e.memos > 0 {
		c.memo = outer
	}
	return settle(c, err)
}

// needs returns an error if e looks at the context node and there is none.
func (e *Expr) needs(c *Context) error {
	if c.Node == nil && e.e.about().context {
		return &Error{Rule: ruleContext, Offset: e.e.about().at,
			Msg: fmt.Sprintf("cannot evaluate %q: there is no context node", short(e.src))}
	}
	return nil
}

// needsNodes is needs, and returns an error if e cannot be a node-set.
func (e *Expr) needsNodes(c *Context) error {
	if e.typ == NodeSetType || e.typ == AnyType {
		return e.needs(c)
	}
	return mustBeNodes(e.e, fmt.Sprintf("what uses %q", short(e.src)))
}

// Type returns the static type of e, AnyType if only an evaluation can tell.
func (e *Expr) Type() Type { return e.typ }

// Source returns the expression as it was written.
func (e *Expr) Source() string { return e.src }

// Plain returns the names of a path that consists of child names only, a/b/c,
// else nil.
func (e *Expr) Plain() []xmltree.Name {
	p, ok := e.e.(*path)
	if !ok || p.root || p.start != nil {
		return nil
	}
	var names []xmltree.Name
	for _, s := range p.steps {
		if s.axis != child || s.test.of != oneName || s.test.kind != xmltree.Element || len(s.preds) > 0 {
			return nil
		}
		names = append(names, s.test.name)
	}
	return names
}
