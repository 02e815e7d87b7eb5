package xsd

import (
	"fmt"
	"strings"

	"sutler/xmltree"
)

// constraint is a unique, key or keyref of an element.
type constraint struct {
	kind     string // of its element in the schema
	name     string
	selector *keyPath
	fields   []*keyPath
	refer    *constraint // of a keyref
	node     *xmltree.Node
}

// keyPath is an expression of a selector or field: alternatives, each of them
// child steps that may begin anywhere below.
type keyPath struct {
	text string
	ways []keyWay
}

type keyWay struct {
	below bool // it began with .//
	steps []keyStep
	attr  *keyStep // of a field: the attribute at its end
}

// keyStep matches names: one name, all names, or all of a namespace.
type keyStep struct {
	name  qname
	all   bool // any local name
	space bool // and of all ways of a namespace only name.space
}

func (s *keyStep) matches(q qname) bool {
	switch {
	case !s.all:
		return s.name == q
	case s.space:
		return s.name.space == q.space
	}
	return true
}

// parseKeyPath reads the subset of XPath that selectors and fields may use
// (XML Schema part 1, 3.11.6). Prefixes are those of n; names without one are
// in no namespace. What is wrong is returned as text.
func parseKeyPath(text string, n *xmltree.Node, field bool) (*keyPath, string) {
	p := &keyPath{text: text}
	for alternative := range strings.SplitSeq(text, "|") {
		way, wrong := parseKeyWay(strings.Trim(alternative, space), n, field)
		if wrong != "" {
			return nil, wrong
		}
		p.ways = append(p.ways, way)
	}
	return p, ""
}

func parseKeyWay(s string, n *xmltree.Node, field bool) (way keyWay, wrong string) {
	if rest, ok := strings.CutPrefix(s, "."); ok {
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, space), "//"); ok {
			way.below, s = true, rest
		}
	}
	parts := strings.Split(s, "/")
	for i, part := range parts {
		part = strings.Trim(part, space)
		attr := false
		if rest, ok := strings.CutPrefix(part, "@"); ok {
			part, attr = strings.TrimLeft(rest, space), true
		} else if axis, name, ok := strings.Cut(part, "::"); ok {
			switch strings.TrimRight(axis, space) {
			case "child":
			case "attribute":
				attr = true
			default:
				return way, fmt.Sprintf("the axis %q is not allowed", axis)
			}
			part = strings.TrimLeft(name, space)
		} else if part == "." {
			continue
		}
		step, ok := parseKeyStep(part, n)
		switch {
		case !ok:
			return way, fmt.Sprintf("%q is no step: want a name, *, prefix:* or .", part)
		case attr && (!field || i < len(parts)-1):
			return way, "an attribute may only be the end of a field"
		case attr:
			way.attr = &step
		default:
			way.steps = append(way.steps, step)
		}
	}
	return way, ""
}

func parseKeyStep(s string, n *xmltree.Node) (keyStep, bool) {
	if s == "*" {
		return keyStep{all: true}, true
	}
	if prefix, ok := strings.CutSuffix(s, ":*"); ok {
		uri, ok := n.Lookup(prefix)
		return keyStep{name: qname{space: uri}, all: true, space: true}, ok && xmltree.IsName(prefix)
	}
	q, ok := resolve(s, n)
	if !strings.Contains(s, ":") {
		q.space = ""
	}
	return keyStep{name: q}, ok
}

// visit calls f for the nodes that p selects from n, in no matter what order
// of alternatives; false from f ends it.
func (v *validator) visit(p *keyPath, n *xmltree.Node, f func(*xmltree.Node)) {
	for i := range p.ways {
		w := &p.ways[i]
		if !w.below {
			v.walkWay(w, 0, n, f)
			continue
		}
		v.visitBelow(w, n, f)
	}
}

func (v *validator) visitBelow(w *keyWay, n *xmltree.Node, f func(*xmltree.Node)) {
	if !v.pay(1) {
		return
	}
	v.walkWay(w, 0, n, f)
	for c := n.FirstElement(); c != nil; c = c.NextElement() {
		v.visitBelow(w, c, f)
	}
}

func (v *validator) walkWay(w *keyWay, i int, n *xmltree.Node, f func(*xmltree.Node)) {
	if i < len(w.steps) {
		for c := n.FirstElement(); c != nil; c = c.NextElement() {
			if !v.pay(1) {
				return
			}
			if v.keyMatch(&w.steps[i], c) {
				v.walkWay(w, i+1, c, f)
			}
		}
		return
	}
	if w.attr == nil {
		f(n)
		return
	}
	for a := n.Attrs(); a != nil; a = a.Next() {
		if v.keyMatch(w.attr, a) {
			f(a)
		}
	}
}

func (v *validator) keyMatch(s *keyStep, n *xmltree.Node) bool {
	q := nameOf(n)
	return s.matches(q) || v.s.unqualified && q.space == "" && s.matches(qname{v.s.target, q.local})
}

// keyScope holds the keys that were found in one element, by constraint, with
// the node of each. A nil node stands for two different ones.
type keyScope struct {
	keys map[*constraint]map[string]*xmltree.Node
}

// enter begins the scope of an element and returns that around it.
func (v *validator) enter() *keyScope {
	outer := v.scope
	v.scope = &keyScope{}
	return outer
}

// leave checks the constraints of n and gives the keys in it to the scope
// around it.
func (v *validator) leave(n *xmltree.Node, e *element, outer *keyScope) {
	for _, c := range e.keys {
		if c.kind != "keyref" {
			v.unique(n, c)
		}
	}
	for _, c := range e.keys {
		if c.kind == "keyref" {
			v.keyref(n, c)
		}
	}
	inner := v.scope
	v.scope = outer
	if outer == nil {
		return
	}
	for c, found := range inner.keys {
		known := outer.keys[c]
		if known == nil {
			if outer.keys == nil {
				outer.keys = map[*constraint]map[string]*xmltree.Node{}
			}
			outer.keys[c] = found
			continue
		}
		if !v.pay(len(found)) {
			return
		}
		for key, node := range found {
			if other, twice := known[key]; twice && other != node {
				node = nil
			}
			known[key] = node
		}
	}
}

// unique checks a unique or key of n and remembers what it found.
func (v *validator) unique(n *xmltree.Node, c *constraint) {
	found := map[string]*xmltree.Node{}
	v.selected(n, c, func(at *xmltree.Node, key, shown string) {
		if first := found[key]; first != nil && first != at {
			v.report(at, "XS112", "", "%s %q: the value %s is there already, at %s", c.kind, c.name, shown, first.Path())
			return
		}
		found[key] = at
	})
	if v.scope.keys == nil {
		v.scope.keys = map[*constraint]map[string]*xmltree.Node{}
	}
	// What was found further in does not count here: the same nodes are
	// selected again if they belong to this element's key.
	if !v.pay(len(v.scope.keys[c])) {
		return
	}
	for key, at := range v.scope.keys[c] {
		if _, own := found[key]; !own {
			found[key] = at
		}
	}
	v.scope.keys[c] = found
}

// keyref checks that everything that a keyref of n selects is a key.
func (v *validator) keyref(n *xmltree.Node, c *constraint) {
	keys := v.scope.keys[c.refer]
	v.selected(n, c, func(at *xmltree.Node, key, shown string) {
		if keys[key] == nil {
			v.report(at, "XS112", "", "keyref %q: %s %q has no value %s", c.name, c.refer.kind, c.refer.name, shown)
		}
	})
}

// selected calls f for every node that the selector of c selects and whose
// fields all have values.
func (v *validator) selected(n *xmltree.Node, c *constraint, f func(at *xmltree.Node, key, shown string)) {
	v.visit(c.selector, n, func(at *xmltree.Node) {
		var key strings.Builder
		var shown []string
		for _, field := range c.fields {
			val, of, ok := v.field(at, c, field)
			if !ok {
				return
			}
			fmt.Fprintf(&key, "%s %d %s ", val.kind, len(val.key), val.key)
			shown = append(shown, v.shown(of, val.text))
		}
		if v.pay(8 + key.Len()/16) {
			f(at, key.String(), strings.Join(shown, ", "))
		}
	})
}

// field returns the value of one field of a selected node, and whose it is.
func (v *validator) field(at *xmltree.Node, c *constraint, field *keyPath) (val value, node *xmltree.Node, ok bool) {
	many := false
	v.visit(field, at, func(n *xmltree.Node) {
		many = many || node != nil && node != n
		node = n
	})
	switch {
	case v.stopped:
		return value{}, nil, false
	case many:
		v.report(at, "XS112", "", "%s %q: the field %q selects more than one node", c.kind, c.name, field.text)
		return value{}, nil, false
	case node != nil:
		val, ok = v.values[node]
	}
	if ok {
		return val, node, true
	}
	switch {
	case node != nil && node.FirstElement() != nil:
		v.report(at, "XS112", "", "%s %q: the field %q selects an element that holds elements", c.kind, c.name, field.text)
	case c.kind == "key":
		v.report(at, "XS112", "", "key %q: the field %q has no value", c.name, field.text)
	}
	return value{}, nil, false
}
