package xpath

import (
	"fmt"

	"sutler/xmltree"
)

// path parses a location path, or a primary expression with the predicates and
// steps that follow it (section 3.3).
func (p *parser) path() (expr, error) {
	t := p.peek()
	switch {
	case t.is("/") || t.is("//"):
		return p.absolute()
	case p.primaryNext():
		return p.filtered()
	case p.stepNext():
		steps, err := p.relative(nil)
		if err != nil {
			return nil, err
		}
		return shallow(newPath(t.at, false, nil, steps))
	}
	return nil, p.missing()
}

// missing is the error of a token that begins no operand.
func (p *parser) missing() error {
	t := p.peek()
	if p.i == 0 {
		return &Error{Rule: ruleOperand, Offset: t.at, Msg: fmt.Sprintf("an expression cannot begin with %s", t)}
	}
	before := p.toks[p.i-1]
	e := &Error{Rule: ruleOperand, Offset: t.at, Msg: fmt.Sprintf("an operand is missing between %s and %s", before, t)}
	switch {
	case before.is("=") && t.is("="):
		e.Hint = "equality is written with a single ="
	case before.is("|") && t.is("|"):
		e.Hint = "a choice is written with the word or"
	case before.is("<") && t.is(">"):
		e.Hint = "inequality is written !="
	case before.is("[") && t.is("]"):
		e.Hint = "a predicate cannot be empty"
	}
	return e
}

// primaryNext reports whether a primary expression comes next. A name before a
// bracket is a function unless it is a node type (section 3.7).
func (p *parser) primaryNext() bool {
	switch t := p.peek(); t.kind {
	case number, literal:
		return true
	case name:
		return t.text != "*" && p.ahead().is("(") && (t.prefix != "" || !isNodeType(t.text))
	default:
		return t.is("$") || t.is("(")
	}
}

func isNodeType(name string) bool {
	switch name {
	case "comment", "text", "node", "processing-instruction":
		return true
	}
	return false
}

// stepNext reports whether a step comes next.
func (p *parser) stepNext() bool {
	t := p.peek()
	return t.kind == name || t.is(".") || t.is("..") || t.is("@")
}

func (p *parser) absolute() (expr, error) {
	t := p.next()
	if t.is("/") && !p.stepNext() {
		if next := p.peek(); next.is("[") {
			return nil, &Error{Rule: ruleStep, Offset: next.at, Msg: `a step is missing between "/" and "["`}
		}
		return newPath(t.at, true, nil, nil), nil
	}
	var steps []*step
	if t.is("//") {
		steps = append(steps, anywhere())
	}
	steps, err := p.relative(steps)
	if err != nil {
		return nil, err
	}
	path := newPath(t.at, true, nil, steps)
	// Only what is evaluated again and again is worth remembering, and only
	// what has the same nodes each time can be.
	if p.inside > 0 && !p.matching && !path.impure {
		p.memos++
		path.memo = p.memos
	}
	return shallow(path)
}

// anywhere returns the step that // stands for.
func anywhere() *step { return newStep(descendantOrSelf, nodeTest{}, nil) }

// filtered parses a primary expression, its predicates and the steps from it.
func (p *parser) filtered() (expr, error) {
	t := p.peek()
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	if p.peek().is("[") {
		if e, err = p.filter(t, e); err != nil {
			return nil, err
		}
	}
	slash := p.peek()
	if !slash.is("/") && !slash.is("//") {
		return e, nil
	}
	if err := mustBeNodes(e, fmt.Sprintf("%q", slash.text)); err != nil {
		return nil, err
	}
	for p.tolerated() {
		p.next()
		if e, err = p.filter(t, e); err != nil {
			return nil, err
		}
	}
	var steps []*step
	switch {
	case p.accept("//"):
		steps = append(steps, anywhere())
	case !p.accept("/"):
		return e, nil
	}
	steps, err = p.relative(steps)
	if err != nil {
		return nil, err
	}
	return shallow(newPath(t.at, false, e, steps))
}

// filter parses the predicates of e, which begins at t.
func (p *parser) filter(t token, e expr) (expr, error) {
	if err := mustBeNodes(e, "a predicate"); err != nil {
		return nil, err
	}
	preds, err := p.predicates()
	if err != nil {
		return nil, err
	}
	if len(preds) == 0 {
		return shallow(newPath(t.at, false, e, nil))
	}
	return shallow(newFilter(t.at, e, preds))
}

// tolerated reports whether a / comes next that is only there because older
// patterns allow it before a predicate.
func (p *parser) tolerated() bool {
	return p.static.Tolerant && p.peek().is("/") && p.ahead().is("[")
}

// relative parses one or more steps and appends them to steps.
func (p *parser) relative(steps []*step) ([]*step, error) {
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		if len(steps) > maxDepth {
			return nil, tooDeep(p.peek().at)
		}
		switch {
		case p.accept("//"):
			steps = append(steps, anywhere())
		case !p.accept("/"):
			return steps, nil
		}
	}
}

// step parses a location step (section 2.1).
func (p *parser) step() (*step, error) {
	t := p.peek()
	if p.steps++; p.steps > maxSteps {
		return nil, tooMany(t.at)
	}
	switch {
	case p.accept("."):
		return p.abbreviated(newStep(self, nodeTest{}, nil), "self::node()")
	case p.accept(".."):
		return p.abbreviated(newStep(parent, nodeTest{}, nil), "parent::node()")
	}
	a := child
	switch {
	case p.accept("@"):
		a = attribute
	case t.kind == name && p.ahead().is("::"):
		var err error
		if a, err = axisOf(t); err != nil {
			return nil, err
		}
		p.next()
		p.next()
	case t.kind != name:
		return nil, p.missingStep()
	}
	test, err := p.nodeTest(a)
	if err != nil {
		return nil, err
	}
	narrowed := p.peek().is("[") || p.tolerated()
	preds, err := p.predicates()
	for err == nil && p.tolerated() {
		p.next()
		var more []predicate
		more, err = p.predicates()
		preds = append(preds, more...)
	}
	s := newStep(a, test, preds)
	s.narrowed = narrowed
	return s, err
}

// abbreviated refuses a predicate after . or .. .
func (p *parser) abbreviated(s *step, long string) (*step, error) {
	t := p.peek()
	if p.tolerated() {
		t = p.ahead()
	}
	if t.is("[") {
		return nil, &Error{Rule: ruleAbbreviated, Offset: t.at,
			Msg:  fmt.Sprintf("a predicate cannot follow %s", p.toks[p.i-1]),
			Hint: fmt.Sprintf("write %s[…]", long)}
	}
	return s, nil
}

func (p *parser) missingStep() error {
	t := p.peek()
	e := &Error{Rule: ruleStep, Offset: t.at, Msg: fmt.Sprintf("a step is missing between %s and %s", p.toks[p.i-1], t)}
	switch {
	case t.is("["):
		e.Hint = "write the predicate directly after the step, without the slash"
	case t.kind == end:
		e.Hint = "drop the slash at the end or name what comes below"
	case t.is("/") || t.is("//"):
		e.Hint = "the separators of steps are / and //"
	}
	return e
}

func axisOf(t token) (axis, error) {
	for a, n := range axisNames {
		if t.prefix == "" && n == t.text {
			return axis(a), nil
		}
	}
	e := &Error{Rule: ruleAxis, Offset: t.at, Msg: fmt.Sprintf("the axis %q is unknown", short(t.full()))}
	if near := xmltree.Nearest(t.text, axisNames[:]); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return 0, e
}

// nodeTest parses the node test of a step on a (section 2.3).
func (p *parser) nodeTest(a axis) (nodeTest, error) {
	t := p.peek()
	if t.kind != name {
		return nodeTest{}, &Error{Rule: ruleNodeTest, Offset: t.at,
			Msg: fmt.Sprintf("a name or a node test is missing between %s and %s", p.toks[p.i-1], t)}
	}
	p.next()
	if p.peek().is("(") && t.text != "*" {
		return p.nodeType(t)
	}
	if t.text == "*" && t.prefix == "" {
		return nodeTest{of: anyKind, kind: a.principal()}, nil
	}
	n, err := p.expanded(t)
	if t.text == "*" {
		return nodeTest{of: anyLocal, kind: a.principal(), name: n}, err
	}
	return nodeTest{of: oneName, kind: a.principal(), name: n}, err
}

// nodeType parses the brackets after the name t of a node type.
func (p *parser) nodeType(t token) (nodeTest, error) {
	if t.prefix != "" || !isNodeType(t.text) {
		return nodeTest{}, &Error{Rule: ruleNodeTest, Offset: t.at,
			Msg:  fmt.Sprintf("the function %s() cannot be a step", short(t.full())),
			Hint: "put the path into the brackets of the function"}
	}
	open := p.next()
	test := nodeTest{of: anyKind}
	switch t.text {
	case "comment":
		test.kind = xmltree.Comment
	case "text":
		test.kind = xmltree.Text
	case "processing-instruction":
		test.kind = xmltree.ProcInst
		if target := p.peek(); target.kind == literal {
			p.next()
			test.of, test.name.Local = oneName, target.text
		}
	default:
		test.of = anyNode
	}
	if next := p.peek(); !next.is(")") && next.kind != end {
		return test, &Error{Rule: ruleNodeTest, Offset: next.at,
			Msg: fmt.Sprintf("%s() cannot hold %s", t.text, next)}
	}
	return test, p.close(open, ")")
}
