package xpath

import (
	"fmt"
	"slices"

	"sutler/xmltree"
)

// Pattern is one alternative of a pattern of XSLT 1.0 (its section 5.2). It is
// immutable and safe for many goroutines at once.
type Pattern struct {
	steps    []patternStep // from left to right
	priority float64
	lone     *nodeTest // it is no more than this
	plain    bool      // tests of a node and its next ancestors are all it needs
}

// patternStep is a step of a pattern together with what leads to it from the
// step on its left.
type patternStep struct {
	root bool  // it matches the root of the tree
	set  expr  // or the nodes of this call of id or key
	step *step // or what this step would select from the parent
	deep bool  // the step on the left matches an ancestor, not only the parent
}

// CompilePattern compiles a pattern and returns its alternatives, those
// between |, in source order. The bounds and the error are those of Compile.
func CompilePattern(src string, s Static) ([]*Pattern, error) {
	p, err := newParser(src, s)
	if err != nil {
		return nil, err
	}
	p.matching = true
	var all []*Pattern
	for {
		one, err := p.pattern()
		if err != nil {
			return nil, err
		}
		if s := one.steps[0].step; len(one.steps) == 1 && s != nil && len(s.preds) == 0 {
			one.lone = &s.test
		}
		one.plain = !slices.ContainsFunc(one.steps, func(s patternStep) bool {
			return s.deep || s.set != nil || s.step != nil && len(s.step.preds) > 0
		})
		all = append(all, one)
		switch t := p.peek(); {
		case t.kind == end:
			return all, nil
		case !p.accept("|"):
			return nil, notPattern(t)
		}
	}
}

func notPattern(t token) error {
	e := &Error{Rule: rulePattern, Offset: t.at, Msg: fmt.Sprintf("%s cannot stand in a pattern here", t)}
	switch {
	case t.kind == end:
		e.Msg = "a step is missing at the end of the pattern"
	case precedence(t) > 0:
		e.Hint = "a pattern selects nodes and calculates only in predicates"
	case t.is(".") || t.is(".."):
		e.Hint = "a pattern has no . and ..; * matches any element, / the root"
	case t.is("$") || t.kind == literal || t.kind == number || t.is("("):
		e.Hint = "a pattern is a path or several between |"
	}
	return e
}

// pattern parses a LocationPathPattern.
func (p *parser) pattern() (*Pattern, error) {
	var out Pattern
	t := p.peek()
	switch {
	case p.accept("/"):
		out.steps = append(out.steps, patternStep{root: true})
		if t := p.peek(); t.kind == end || t.is("|") {
			out.priority = 0.5
			return &out, nil
		}
		return &out, p.patternSteps(&out, false)
	case p.accept("//"):
		out.steps = append(out.steps, patternStep{root: true})
		return &out, p.patternSteps(&out, true)
	case t.kind == name && t.text != "*" && p.ahead().is("(") && (t.prefix != "" || !isNodeType(t.text)):
		e, err := p.idOrKey(t)
		if err != nil {
			return nil, err
		}
		out.priority = 0.5
		out.steps = append(out.steps, patternStep{set: e})
		switch {
		case p.accept("//"):
			return &out, p.patternSteps(&out, true)
		case p.accept("/"):
			return &out, p.patternSteps(&out, false)
		}
		return &out, nil
	}
	return &out, p.patternSteps(&out, false)
}

// idOrKey parses a call of id or key with literals.
func (p *parser) idOrKey(t token) (expr, error) {
	literals := map[string]int{"id": 1, "key": 2}[t.full()]
	if literals == 0 {
		return nil, &Error{Rule: rulePattern, Offset: t.at, Msg: fmt.Sprintf("the function %s() cannot stand in a pattern", short(t.full())),
			Hint: "only id('…') and key('…', '…') can begin a pattern; others belong into predicates"}
	}
	for i := range literals {
		at := p.i + 2 + 2*i // behind the name, the bracket and what came before
		if at >= len(p.toks) || p.toks[at].kind != literal {
			return nil, &Error{Rule: rulePattern, Offset: t.at, Msg: fmt.Sprintf("in a pattern %s() takes literals only", t.text),
				Hint: "write id('…') or key('name', 'value')"}
		}
	}
	p.next()
	return p.call(t)
}

// patternSteps parses a RelativePathPattern, whose first step has deep, and
// sets the priority.
func (p *parser) patternSteps(out *Pattern, deep bool) error {
	for {
		s, err := p.patternStep()
		if err != nil {
			return err
		}
		out.steps = append(out.steps, patternStep{step: s, deep: deep})
		if len(out.steps) > maxDepth {
			return tooDeep(p.peek().at)
		}
		switch {
		case p.accept("//"):
			deep = true
		case p.accept("/"):
			deep = false
		default:
			out.priority = defaultPriority(out.steps)
			return nil
		}
	}
}

// patternStep parses a step on the child or the attribute axis.
func (p *parser) patternStep() (*step, error) {
	t := p.peek()
	if t.kind != name && !t.is("@") {
		return nil, notPattern(t)
	}
	at := p.i
	s, err := p.step()
	if err != nil {
		return nil, err
	}
	if s.axis != child && s.axis != attribute {
		return nil, &Error{Rule: rulePatternAxis, Offset: p.toks[at].at,
			Msg:  fmt.Sprintf("the axis %q cannot stand in a pattern", axisNames[s.axis]),
			Hint: "use child, attribute or //, or ask for other nodes in a predicate"}
	}
	// The test alone shall tell whether a node can be matched.
	switch t := &s.test; {
	case s.axis == child && t.of == anyNode:
		t.of = anyChild
	case s.axis == attribute && t.of == anyNode:
		t.of, t.kind = anyKind, xmltree.Attribute
	case s.axis == attribute && t.kind != xmltree.Attribute:
		t.of = none
	}
	return s, nil
}

// defaultPriority implements section 5.5 of XSLT 1.0.
func defaultPriority(steps []patternStep) float64 {
	s := steps[0].step
	if len(steps) > 1 || s.narrowed {
		return 0.5
	}
	switch s.test.of {
	case oneName:
		return 0
	case anyLocal:
		return -0.25
	}
	return -0.5
}

// Priority returns the default priority (XSLT 1.0 section 5.5).
func (p *Pattern) Priority() float64 { return p.priority }

func (p *Pattern) last() *patternStep { return &p.steps[len(p.steps)-1] }

// Kind returns the kind of the nodes that p can match, 0 if there are several.
func (p *Pattern) Kind() xmltree.Kind {
	s := p.last()
	switch {
	case s.root:
		return xmltree.Root
	case s.step == nil:
		return 0
	}
	return s.step.test.kind
}

// Name returns the expanded name that every node matched by p has, of a
// processing instruction its target as Local. ok is false if p names none.
func (p *Pattern) Name() (n xmltree.Name, ok bool) {
	s := p.last().step
	if s == nil || s.test.of != oneName {
		return xmltree.Name{}, false
	}
	return s.test.name, true
}

// Matches reports whether n matches p. Node, Position and Size of c do not
// matter and are as before when it returns. c remembers the positions of nodes
// among their siblings, so that to match all of them in a row takes no longer
// than one walk. What it costs is charged about every thousand steps. The errors are those of
// Expr.Eval.
func (p *Pattern) Matches(c *Context, n *xmltree.Node) (bool, error) {
	if p.lone != nil {
		return p.lone.matches(n), charge(c, 1)
	}
	if p.plain {
		return p.matchesPlain(n), charge(c, 1)
	}
	i := len(p.steps) - 1
	ok, err := p.steps[i].matches(c, n)
	if !ok || err != nil {
		return false, err
	}
	// Each step further left takes the nearest ancestor that it matches. If one
	// finds no place, only the last // need look further up: what is right of
	// it could gain nothing by another place.
	retry, above := -1, n
	for i, n = i-1, n.Parent(); i >= 0; {
		if n == nil {
			return false, nil
		}
		ok, err := p.steps[i].matches(c, n)
		deep := p.steps[i+1].deep
		switch {
		case err != nil:
			return false, err
		case ok && deep:
			retry, above = i, n.Parent()
			i, n = i-1, above
		case ok:
			i, n = i-1, n.Parent()
		case deep:
			n = n.Parent()
		case retry >= 0:
			i, n = retry, above
		default:
			return false, nil
		}
	}
	return true, nil
}

func (p *Pattern) matchesPlain(n *xmltree.Node) bool {
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		if n == nil || s.root && n.Kind() != xmltree.Root || !s.root && !s.step.test.matches(n) {
			return false
		}
		n = n.Parent()
	}
	return true
}

// matches reports whether n alone matches s.
func (s *patternStep) matches(c *Context, n *xmltree.Node) (bool, error) {
	if err := charge(c, 1); err != nil {
		return false, err
	}
	switch {
	case s.root:
		return n.Kind() == xmltree.Root, nil
	case s.set != nil:
		return s.holds(c, n)
	case !s.step.test.matches(n):
		return false, nil
	case len(s.step.preds) == 0:
		return true, nil
	case !s.step.positional:
		return s.step.accepts(c, n, nil)
	}
	return s.step.among(c, n)
}

// holds reports whether n is among the nodes of a call of id or key.
func (s *patternStep) holds(c *Context, n *xmltree.Node) (bool, error) {
	outer := c.Node
	c.Node = n
	nodes, err := nodesOf(c, s.set)
	c.Node = outer
	_, found := slices.BinarySearchFunc(nodes, n, xmltree.Compare)
	return found, err
}

// among reports whether s selects n, which passes its test, from its parent.
func (s *step) among(c *Context, n *xmltree.Node) (bool, error) {
	switch {
	case n.Parent() == nil:
		return false, nil
	case s.axis == child && s.counted >= 0:
		return s.selects(c, n, s.counted)
	}
	return s.walkTo(c, n)
}

// walkTo is among by a walk from the parent.
func (s *step) walkTo(c *Context, n *xmltree.Node) (found bool, err error) {
	w := walker{c: c, want: visiting, visit: func(m *xmltree.Node) bool {
		found = m == n
		return !found
	}}
	w.from(n.Parent(), []*step{s})
	return found, w.err
}

// selects is among on the child axis where position counts for predicate k only.
func (s *step) selects(c *Context, n *xmltree.Node, k int) (bool, error) {
	p := &s.preds[k]
	for i := range s.preds {
		if i == k {
			continue
		}
		// One that is behind the position may be asked first: it knows none.
		if ok, err := s.preds[i].holds(c, n, 0, 0); !ok || err != nil {
			return false, err
		}
	}
	if p.last {
		next, err := s.beside(c, n, k, (*xmltree.Node).Next)
		return next == nil, err
	}
	at, err := s.place(c, n, k, p.at)
	if err != nil || p.at > 0 {
		return at == p.at, err
	}
	size := 0
	if p.sized {
		if size, err = s.siblingsOf(c, n, k, at); err != nil {
			return false, err
		}
	}
	return p.holds(c, n, at, size)
}

// beside returns the next node from n in a direction that passes the test and
// preds[:k] of s, or nil.
func (s *step) beside(c *Context, n *xmltree.Node, k int, direction func(*xmltree.Node) *xmltree.Node) (*xmltree.Node, error) {
	for m := direction(n); m != nil; m = direction(m) {
		if err := charge(c, 1); err != nil {
			return nil, err
		}
		if !s.test.matches(m) {
			continue
		}
		ok := true
		for i := 0; i < k && ok; i++ {
			var err error
			if ok, err = s.preds[i].holds(c, m, 0, 0); err != nil {
				return nil, err
			}
		}
		if ok {
			return m, nil
		}
	}
	return nil, nil
}

// place is what a context remembers of a step of a pattern.
type place struct {
	node   *xmltree.Node // which was looked at last
	at     int           // its position
	parent *xmltree.Node // whose children were counted last
	size   int           // how many they are
}

// place returns the position of n among the siblings that pass the test and
// preds[:k] of s. If most is not 0, a position behind it may be any that is.
func (s *step) place(c *Context, n *xmltree.Node, k, most int) (int, error) {
	if c.places == nil {
		c.places = make(map[*step]place)
	}
	known := c.places[s]
	at := 1
	for m := n; ; at++ {
		if m == known.node {
			at += known.at - 1
			break
		}
		if most > 0 && at > most {
			return at, nil
		}
		var err error
		if m, err = s.beside(c, m, k, (*xmltree.Node).Prev); err != nil {
			return 0, err
		}
		if m == nil {
			break
		}
	}
	known.node, known.at = n, at
	c.places[s] = known
	return at, nil
}

// siblingsOf returns how many children of the parent of n, which is at position
// at, pass the test and preds[:k] of s.
func (s *step) siblingsOf(c *Context, n *xmltree.Node, k, at int) (int, error) {
	known := c.places[s]
	if known.parent == n.Parent() {
		return known.size, nil
	}
	size := at
	for m := n; ; size++ {
		var err error
		if m, err = s.beside(c, m, k, (*xmltree.Node).Next); err != nil {
			return 0, err
		}
		if m == nil {
			break
		}
	}
	known = c.places[s]
	known.parent, known.size = n.Parent(), size
	c.places[s] = known
	return size, nil
}
