package xpath

import (
	"fmt"
	"strings"

	"sutler/xmltree"
)

// maxDepth bounds brackets, operators in a row and steps, so that neither
// compiling nor evaluating an expression exhausts the stack.
const maxDepth = 4000

// maxSteps bounds the steps of all paths of an expression, and predicates with
// them: each takes some hundred times the memory of its source.
const maxSteps = 30_000

// parser turns tokens into a compiled expression.
type parser struct {
	toks     []token
	i        int
	static   Static
	nested   int  // brackets open
	inside   int  // predicates open
	memos    int  // places in Context.memo
	steps    int  // of all paths, and predicates
	matching bool // it is a pattern
}

func newParser(src string, s Static) (*parser, error) {
	toks, err := tokens(src)
	if err != nil {
		return nil, err
	}
	if len(toks) == 1 {
		return nil, &Error{Rule: ruleEmpty, Msg: "the expression is empty", Hint: "the context node is written ."}
	}
	return &parser{toks: toks, static: s}, nil
}

func (p *parser) peek() token { return p.toks[p.i] }

// ahead returns the token after the next one.
func (p *parser) ahead() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != end {
		p.i++
	}
	return t
}

// accept takes the next token if it is that symbol or operator.
func (p *parser) accept(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.i++
	return true
}

// whole parses the only expression of the source.
func (p *parser) whole() (expr, error) {
	e, err := p.expr(1)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, trailing(t)
	}
	return e, nil
}

// trailing is the error of a token that cannot follow what stands before it.
func trailing(t token) error {
	e := &Error{Rule: ruleTrailing, Offset: t.at, Msg: fmt.Sprintf("%s does not belong here", t)}
	switch {
	case t.is(")") || t.is("]"):
		e.Hint = "no bracket is open that it could close"
	case t.kind == name || t.kind == number || t.kind == literal || t.is("$") || t.is("@"):
		e.Hint = "an operator is missing before it"
		if op := modern(t.text); op != "" {
			e.Hint = "XPath 1.0 writes " + op
		}
	case t.is(","):
		e.Hint = "a comma separates the arguments of a function and nothing else"
	case t.is("::") || t.is(".") || t.is(".."):
		e.Hint = "a / is missing before the step"
	}
	return e
}

// modern returns how XPath 1.0 writes an operator of a later version or of
// another language.
func modern(op string) string {
	switch op {
	case "eq", "is":
		return "="
	case "ne":
		return "!="
	case "lt":
		return "<"
	case "le":
		return "<="
	case "gt":
		return ">"
	case "ge":
		return ">="
	case "AND", "And":
		return "and"
	case "OR", "Or":
		return "or"
	case "union":
		return "|"
	}
	return ""
}

// precedence returns how strongly a binary operator binds (section 3.5), 0 if
// t is none. The union binds more strongly than the unary minus and is not here.
func precedence(t token) int {
	if t.kind != symbol && t.kind != operator {
		return 0
	}
	switch t.text {
	case "or":
		return 1
	case "and":
		return 2
	case "=", "!=":
		return 3
	case "<", "<=", ">", ">=":
		return 4
	case "+", "-":
		return 5
	case "*", "div", "mod":
		return 6
	}
	return 0
}

// expr parses operators that bind at least as strongly as least.
func (p *parser) expr(least int) (expr, error) {
	left, err := p.unary()
	for err == nil {
		op := p.peek()
		binds := precedence(op)
		if binds < least || binds == 0 {
			return left, nil
		}
		p.next()
		var right expr
		if right, err = p.expr(binds + 1); err == nil {
			left, err = shallow(binary(op, left, right))
		}
	}
	return nil, err
}

// binary returns the expression of an operator and its operands.
func binary(op token, l, r expr) expr {
	switch op.text {
	case "or", "and":
		return fold(&logic{info: holding(op.at, BooleanType, l, r), or: op.text == "or", l: l, r: r}, l, r)
	case "+", "-", "*", "div", "mod":
		return fold(&arithmetic{info: holding(op.at, NumberType, l, r), op: op.text[0], l: l, r: r}, l, r)
	}
	return fold(newComparison(holding(op.at, BooleanType, l, r), relationOf(op.text), l, r), l, r)
}

// shallow refuses an expression that is nested too deeply.
func shallow(e expr) (expr, error) {
	if in := e.about(); in.depth > maxDepth {
		return nil, tooDeep(in.at)
	}
	return e, nil
}

func tooMany(at int) error {
	return &Error{Rule: ruleLong, Offset: at, Msg: fmt.Sprintf("the expression has more than %d steps and predicates", maxSteps)}
}

func tooDeep(at int) error {
	return &Error{Rule: ruleDeep, Offset: at, Msg: fmt.Sprintf("the expression is nested more than %d levels deep", maxDepth)}
}

// unary parses minus signs before a union. Two of them make a number.
func (p *parser) unary() (expr, error) {
	at, signs := p.peek().at, 0
	for p.accept("-") {
		signs++
	}
	e, err := p.union()
	if err != nil || signs == 0 {
		return e, err
	}
	for range 2 - signs%2 {
		e = fold(&negation{info: holding(at, NumberType, e), x: e}, e)
	}
	return shallow(e)
}

func (p *parser) union() (expr, error) {
	e, err := p.path()
	if err != nil || !p.peek().is("|") {
		return e, err
	}
	parts := []expr{e}
	at := p.peek().at
	for p.accept("|") {
		if e, err = p.path(); err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	for _, e := range parts {
		if err := mustBeNodes(e, "|"); err != nil {
			return nil, err
		}
	}
	return shallow(newUnion(at, parts))
}

// mustBeNodes refuses an expression that cannot be a node-set.
func mustBeNodes(e expr, what string) error {
	in := e.about()
	if in.typ == NodeSetType || in.typ == AnyType {
		return nil
	}
	return &Error{Rule: ruleNodeSet, Offset: in.at, Msg: fmt.Sprintf("%s needs a node-set, not %s", what, in.typ)}
}

// bracketed parses an expression whose opening bracket was taken, and takes
// the closing one.
func (p *parser) bracketed(open token, closing string) (expr, error) {
	if p.nested++; p.nested > maxDepth {
		return nil, tooDeep(open.at)
	}
	e, err := p.expr(1)
	p.nested--
	if err != nil {
		return nil, err
	}
	return e, p.close(open, closing)
}

// close takes the bracket that closes open.
func (p *parser) close(open token, closing string) error {
	if p.accept(closing) {
		return nil
	}
	t := p.peek()
	if t.kind == end || t.is(")") || t.is("]") {
		return &Error{Rule: ruleClose, Offset: open.at,
			Msg:  fmt.Sprintf("%s is not closed before %s", open, t),
			Hint: fmt.Sprintf("add %q", closing)}
	}
	return trailing(t)
}

// predicates parses the predicates that follow and returns those that do not
// always hold.
func (p *parser) predicates() ([]predicate, error) {
	var preds []predicate
	for p.peek().is("[") {
		if p.steps++; p.steps > maxSteps {
			return nil, tooMany(p.peek().at)
		}
		p.inside++
		e, err := p.bracketed(p.next(), "]")
		p.inside--
		if err != nil {
			return nil, err
		}
		if q := newPredicate(e); q != nil {
			preds = append(preds, *q)
		}
	}
	return preds, nil
}

// primary parses what is no path: section 3.1. The next token begins one.
func (p *parser) primary() (expr, error) {
	t := p.next()
	switch {
	case t.kind == number:
		return newConstant(t.at, Number(ParseNumber(t.text))), nil
	case t.kind == literal:
		return newConstant(t.at, String(t.text)), nil
	case t.is("$"):
		return p.variable(t)
	case t.is("("):
		return p.bracketed(t, ")")
	}
	return p.call(t)
}

func (p *parser) variable(dollar token) (expr, error) {
	t := p.next()
	if t.kind != name || t.text == "*" || t.at != dollar.at+1 {
		return nil, &Error{Rule: ruleName, Offset: dollar.at, Msg: `"$" is not followed by the name of a variable`}
	}
	n, err := p.expanded(t)
	if err != nil {
		return nil, err
	}
	if p.static.Variables != nil {
		if slot, ok := p.static.Variables(n); ok {
			return &variable{info: info{at: dollar.at, typ: AnyType, depth: 1}, name: t.full(), slot: slot}, nil
		}
	}
	return nil, &Error{Rule: ruleVariable, Offset: dollar.at, Msg: fmt.Sprintf("the variable %q is unknown", "$"+short(t.full()))}
}

// expanded returns the name of t with the namespace of its prefix. Without a
// prefix it is in no namespace.
func (p *parser) expanded(t token) (xmltree.Name, error) {
	n := xmltree.Name{Prefix: t.prefix, Local: t.text}
	switch {
	case t.prefix == "":
		return n, nil
	case t.prefix == "xml":
		n.Space = xmltree.XMLSpace
		return n, nil
	}
	if p.static.Namespaces != nil {
		if uri, ok := p.static.Namespaces(t.prefix); ok {
			n.Space = uri
			return n, nil
		}
	}
	return n, &Error{Rule: rulePrefix, Offset: t.at,
		Msg:  fmt.Sprintf("the prefix %q of %q is not declared", short(t.prefix), short(t.full())),
		Hint: fmt.Sprintf(`declare it with xmlns:%s="…"`, short(t.prefix))}
}

// call parses a function call; t is its name.
func (p *parser) call(t token) (expr, error) {
	n, err := p.expanded(t)
	if err != nil {
		return nil, err
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if t.prefix == "" {
		if fn := builtinNamed(t.text); fn != nil {
			return p.builtin(t, fn, args)
		}
	}
	if p.static.Functions != nil {
		fn, ok := p.static.Functions(n)
		if ok {
			return hostFunction(t, fn, args)
		}
		if err := checked(t, fn, args); err != nil {
			return nil, err
		}
	}
	e := &Error{Rule: ruleFunction, Offset: t.at, Msg: fmt.Sprintf("the function %q is unknown", short(t.full()))}
	if near := nearestFunction(t.text); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, e
}

func (p *parser) arguments() ([]expr, error) {
	open := p.next()
	if p.accept(")") {
		return nil, nil
	}
	if p.nested++; p.nested > maxDepth {
		return nil, tooDeep(open.at)
	}
	var args []expr
	for {
		e, err := p.expr(1)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if !p.accept(",") {
			p.nested--
			return args, p.close(open, ")")
		}
	}
}

func (p *parser) builtin(t token, fn *builtin, args []expr) (expr, error) {
	if err := takes(t, fn.min, fn.max, len(args)); err != nil {
		return nil, err
	}
	if fn.implied && len(args) == 0 {
		args = []expr{newPath(t.at, false, nil, nil)}
	}
	if fn.nodeSet {
		if err := mustBeNodes(args[0], fn.name+"()"); err != nil {
			return nil, err
		}
	}
	x := &call{info: holding(t.at, fn.result(), args...), fn: fn, args: args}
	x.context = x.context || fn.context
	x.position = x.position || fn.name == "position"
	x.size = x.size || fn.name == "last"
	return shallow(fold(x, args...))
}

func hostFunction(t token, fn Function, args []expr) (expr, error) {
	if err := takes(t, fn.Min, fn.Max, len(args)); err != nil {
		return nil, err
	}
	if fn.Node != nil {
		fn.Result = NodeSetType
	}
	if err := checked(t, fn, args); err != nil {
		return nil, err
	}
	x := &hostCall{info: holding(t.at, fn.Result, args...), fn: fn, args: args}
	x.position = x.position || fn.Positional
	x.size = x.size || fn.Positional
	x.impure = true
	return shallow(x)
}

// checked asks a function of the host language whether it can be called so.
func checked(t token, fn Function, args []expr) error {
	if fn.Check == nil {
		return nil
	}
	values := make([]*Value, len(args))
	for i, a := range args {
		if k, ok := a.(*constant); ok {
			values[i] = &k.v
		}
	}
	err := fn.Check(values)
	if err == nil {
		return nil
	}
	e := *err
	e.Offset = t.at
	return &e
}

// takes refuses a wrong number of arguments. A negative most is any number.
func takes(t token, least, most, n int) error {
	if n >= least && (n <= most || most < 0) {
		return nil
	}
	want := fmt.Sprintf("%d to %d arguments", least, most)
	switch {
	case most < 0:
		want = fmt.Sprintf("at least %d arguments", least)
	case most == 0:
		want = "no argument"
	case least == most && most == 1:
		want = "1 argument"
	case least == most:
		want = fmt.Sprintf("%d arguments", most)
	case least == 0 && most == 1:
		want = "at most 1 argument"
	}
	return &Error{Rule: ruleArguments, Offset: t.at, Msg: fmt.Sprintf("%s() takes %s, not %d", short(t.full()), want, n)}
}

// nearestFunction returns the core function that the author most likely meant,
// by its whole name or by the last word of it, or "".
func nearestFunction(word string) string {
	var names, words []string
	for _, fn := range library {
		names = append(names, fn.name)
		words = append(words, fn.name[strings.LastIndexByte(fn.name, '-')+1:])
	}
	if near := xmltree.Nearest(word, names); near != "" {
		return near
	}
	near := xmltree.Nearest(word, words)
	for i, w := range words {
		if near != "" && w == near {
			return names[i]
		}
	}
	return ""
}
