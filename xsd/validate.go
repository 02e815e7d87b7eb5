package xsd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// mostFindings is how many problems of one document are reported.
const mostFindings = 20

// Validate checks the element n and everything below it and returns what is
// wrong, in the order in which it was found, up to 20 problems; none means
// that n is valid. Each message begins with the path of the node and says what
// was expected and what was found; a node that was parsed has its place too.
// Nothing is changed: defaults are not filled in.
//
// The work is charged to b, which may be nil: nodes visited, names compared,
// characters read, states of patterns. When a limit of b is reached, checking
// ends with a last problem of the rule XS120 that wraps the *xmltree.LimitError.
// Validate may be called by many goroutines at once, each with its own b.
func (s *Schema) Validate(n *xmltree.Node, b *xmltree.Budget) xmltree.Problems {
	v := &validator{s: s, budget: b}
	e := s.root(n)
	switch {
	case n.Kind() != xmltree.Element:
		v.report(n, "XS101", "", "only an element can be checked")
	case e != nil:
		v.element(n, e)
	case !s.xdr && s.typeOf(n) != nil:
		v.element(n, &element{typ: anyType})
	default:
		hint := ""
		if near := xmltree.Nearest(n.Local(), localNames(s.elements)); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		v.report(n, "XS101", hint, "element %s is not declared", quoted(nameOf(n)))
	}
	v.references()
	return v.problems
}

// root returns the declaration of a root, or nil.
func (s *Schema) root(n *xmltree.Node) *element {
	q := nameOf(n)
	e := s.elements[q]
	if e == nil && s.unqualified && q.space == "" {
		e = s.elements[qname{s.target, q.local}]
	}
	return e
}

func nameOf(n *xmltree.Node) qname { return qname{n.Space(), n.Local()} }

// localNames returns the names of elements in order, for hints.
func localNames(elements map[qname]*element) []string {
	var names []string
	for q := range elements {
		names = append(names, q.local)
	}
	slices.Sort(names)
	return names
}

// validator checks one tree.
type validator struct {
	s        *Schema
	budget   *xmltree.Budget
	problems xmltree.Problems
	stopped  bool // there are enough problems, or a limit was reached

	ids    map[string]*xmltree.Node
	refs   []idref
	values map[*xmltree.Node]value // of elements and attributes, for identity constraints
	scope  *keyScope
}

type idref struct {
	at *xmltree.Node
	id string
}

func (v *validator) report(n *xmltree.Node, rule, hint, format string, args ...any) {
	if v.stopped {
		return
	}
	msg := n.Path() + ": " + fmt.Sprintf(format, args...)
	v.problems = append(v.problems, n.Document().Problem(n, rule, msg, hint))
	v.stopped = len(v.problems) >= mostFindings
}

// secret reports whether the value of n must not be shown.
func (v *validator) secret(n *xmltree.Node) bool { return v.s.secret != nil && v.s.secret(n) }

// shown returns a value of n for a message.
func (v *validator) shown(n *xmltree.Node, text string) string {
	if v.secret(n) {
		return "***"
	}
	return strconv.Quote(clipped(text))
}

// pay charges steps and reports whether the work may go on.
func (v *validator) pay(steps int) bool {
	if v.stopped {
		return false
	}
	if err := v.budget.Steps(int64(steps)); err != nil {
		v.stopped = true
		v.problems = append(v.problems, &xmltree.Problem{
			Rule: "XS120", Msg: "cannot check further: " + err.Error(), Hint: "check less at once, or raise the setting", Err: err,
		})
	}
	return !v.stopped
}

// named hears of an ID or of a reference to one.
func (v *validator) named(at *xmltree.Node, id identity, text string) {
	if id == isIDREF {
		v.refs = append(v.refs, idref{at, text})
		return
	}
	if v.ids == nil {
		v.ids = map[string]*xmltree.Node{}
	}
	if first := v.ids[text]; first != nil {
		v.report(at, "XS111", "give one of them another ID", "the ID %s is there already, at %s", v.shown(at, text), first.Path())
		return
	}
	v.ids[text] = at
}

// references checks that everything that IDREFs name is there.
func (v *validator) references() {
	for _, r := range v.refs {
		if v.ids[r.id] == nil {
			v.report(r.at, "XS111", "", "no element has the ID %s", v.shown(r.at, r.id))
		}
	}
}

// element checks n, which is an element as e declares it.
func (v *validator) element(n *xmltree.Node, e *element) {
	if !v.pay(1) {
		return
	}
	if e.abstract {
		v.report(n, "XS110", "put an element of its substitution group there", "element %s is abstract and cannot be there itself", quoted(nameOf(n)))
		return
	}
	t := e.typ
	if !v.s.xdr {
		t = v.instanceType(n, e)
	}
	if t.abstract {
		v.report(n, "XS110", "name a type that is derived from it with xsi:type", "%s is abstract", t.what)
		return
	}
	var outer *keyScope
	if v.s.keyed {
		outer = v.enter()
	}
	v.attributes(n, t)
	switch {
	case !v.s.xdr && v.isNil(n, e):
	case t.simple != nil:
		v.text(n, t, e)
	default:
		v.children(n, t)
		v.mixedValue(n, t, e)
	}
	if v.s.keyed {
		v.leave(n, e, outer)
	}
}

// text checks an element that holds text alone.
func (v *validator) text(n *xmltree.Node, t *typeDef, e *element) {
	for c := n.FirstElement(); c != nil; c = c.NextElement() {
		if t.loose {
			v.laxly(c)
			continue
		}
		v.report(c, "XS113", "", "element %s is not expected here: %s holds text alone", quoted(nameOf(c)), t.what)
		return
	}
	if t.loose {
		return // any text will do
	}
	text := n.Text()
	if text == "" && e.value != nil {
		v.keep(n, e.value.value)
		return
	}
	got, f := t.simple.read(text, n, v)
	v.found(n, got, f, e.value)
}

// found reports what is wrong with a value, or keeps it.
func (v *validator) found(n *xmltree.Node, got value, f *fault, want *fixing) {
	switch {
	case v.stopped:
	case f != nil:
		if v.secret(n) {
			f.hint = ""
		}
		v.report(n, f.rule, f.hint, "%s %s", v.shown(n, f.found), f.msg)
	case want != nil && want.fixed && !got.same(want.value):
		v.report(n, "XS109", "", "%s is not the fixed value %q", v.shown(n, got.text), want.text)
	default:
		v.keep(n, got)
	}
}

// keep remembers a value where identity constraints may ask for it.
func (v *validator) keep(n *xmltree.Node, got value) {
	if v.s.keyed {
		if v.values == nil {
			v.values = map[*xmltree.Node]value{}
		}
		v.values[n] = got
	}
}

// mixedValue checks the fixed value of an element with mixed content.
func (v *validator) mixedValue(n *xmltree.Node, t *typeDef, e *element) {
	if e.value == nil || !e.value.fixed || t.content != mixedContent || n.First() == nil {
		return
	}
	if n.FirstElement() != nil || n.Text() != e.value.text {
		v.report(n, "XS109", "", "the content is not the fixed value %q", e.value.text)
	}
}

// children checks the content of an element with child elements.
func (v *validator) children(n *xmltree.Node, t *typeDef) {
	r := &run{m: t.model}
	if t.model != nil && len(t.model.all) > 0 && !v.pay(len(t.model.all)/16) {
		return
	}
	broken, texted := false, false
	for c := n.First(); c != nil && !v.stopped; c = c.Next() {
		switch c.Kind() {
		case xmltree.Text:
			if t.content != mixedContent && !texted && (t.content == emptyContent && !v.s.xdr || strings.Trim(c.Value(), space) != "") {
				texted = true
				v.report(c, "XS104", "", "text is not allowed here: %s holds %s", t.what, map[bool]string{true: "nothing", false: "elements alone"}[t.content == emptyContent])
			}
		case xmltree.Element:
			broken = v.child(c, t, r, broken)
		}
	}
	if t.model != nil && !broken && !v.stopped && !r.complete() {
		want := r.wanted()
		v.report(n, "XS103", "", "element %s ends too early: %s", quoted(nameOf(n)), wanting(want))
	}
}

// wanting says what was wanted, for a message.
func wanting(words []string) string {
	switch {
	case len(words) == 0:
		return "want the end"
	case len(words) > mostWanted:
		return "want " + strings.Join(words[:mostWanted], ", ") + ", …"
	}
	return "want " + xmltree.List(words, "or")
}

// child checks one child of an element; broken tells that the order was wrong
// before it, so that it counts no more.
func (v *validator) child(c *xmltree.Node, t *typeDef, r *run, broken bool) bool {
	q := nameOf(c)
	if t.model == nil {
		if t.open && t.content != emptyContent {
			v.laxly(c)
			return false
		}
		if !broken {
			v.report(c, "XS102", "", "element %s is not expected here: %s holds no elements", quoted(q), t.what)
		}
		return true
	}
	if !v.pay(1 + len(r.stack)) {
		return true
	}
	var e *element
	var w *wildcard
	if !broken {
		e, w = r.step(q)
		if e == nil && w == nil && v.s.unqualified && q.space == "" {
			e, w = r.step(qname{v.s.target, q.local})
		}
	}
	if e == nil && w == nil && t.open && t.model.names[q] == nil {
		v.laxly(c)
		return broken
	}
	if e == nil && w == nil {
		if !broken {
			v.unexpected(c, q, r, t)
		}
		broken = true
		if e = t.model.names[q]; e == nil && v.s.unqualified && q.space == "" {
			e = t.model.names[qname{v.s.target, q.local}]
		}
	}
	switch {
	case e != nil:
		v.element(c, e)
	case w != nil && w.process == strict && v.s.root(c) == nil && v.s.typeOf(c) == nil:
		v.report(c, "XS101", "", "element %s is not declared", quoted(q))
	case w != nil && w.process != skip:
		v.laxly(c)
	}
	return broken
}

// unexpected reports a child that the content model does not let in.
func (v *validator) unexpected(c *xmltree.Node, q qname, r *run, t *typeDef) {
	want := r.wanted()
	if r.complete() && len(want) > 0 && len(want) <= mostWanted {
		want = append(want, "the end")
	}
	hint := ""
	if t.model.names[q] == nil {
		if near := xmltree.Nearest(q.local, localNames(t.model.names)); near != "" && near != q.local {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	v.report(c, "XS102", hint, "element %s is not expected here: %s", quoted(q), wanting(want))
}

// laxly checks an element as far as there are declarations for it.
func (v *validator) laxly(c *xmltree.Node) {
	if e := v.s.root(c); e != nil {
		v.element(c, e)
		return
	}
	if !v.s.xdr {
		v.element(c, &element{typ: anyType})
		return
	}
	if !v.pay(1) {
		return
	}
	for e := c.FirstElement(); e != nil; e = e.NextElement() {
		v.laxly(e)
	}
}

// attributes checks the attributes of n against its type.
func (v *validator) attributes(n *xmltree.Node, t *typeDef) {
	seen := 0 // how many required ones
	for a := n.Attrs(); a != nil; a = a.Next() {
		if !v.pay(1) {
			return
		}
		if a.Space() == xsiSpace && !v.s.xdr {
			switch a.Local() {
			case "type", "nil", "schemaLocation", "noNamespaceSchemaLocation":
				continue
			}
		}
		if use := v.use(a, t); use != nil {
			if use.required {
				seen++
			}
			v.attribute(a, use)
		}
	}
	if seen == t.needed {
		return
	}
	for _, use := range t.attrs {
		if use.required && n.AttrNode(use.name.space, use.name.local) == nil &&
			!(v.s.unqualified && use.name.space == v.s.target && n.AttrNode("", use.name.local) != nil) {
			v.report(n, "XS106", "", "attribute %s is missing", quoted(use.name))
		}
	}
}

// use returns what t says of the attribute a. Without anything that needs
// checking it is nil; what is not allowed is reported.
func (v *validator) use(a *xmltree.Node, t *typeDef) *attrUse {
	q := nameOf(a)
	use := t.byName[q]
	if use == nil && v.s.unqualified && q.space == "" && a.Parent().AttrNode(v.s.target, q.local) == nil {
		use = t.byName[qname{v.s.target, q.local}]
	}
	switch {
	case use != nil:
		return use
	case t.open, v.s.xdr && q.space == xmltree.XMLSpace:
		return v.s.attributes[q]
	case t.anyAttr != nil && (t.anyAttr.allows(q.space) || v.s.unqualified && q.space == "" && t.anyAttr.allows(v.s.target)):
		if t.anyAttr.process == skip {
			return nil
		}
		declared := v.s.attributes[q]
		if declared == nil && v.s.unqualified && q.space == "" {
			declared = v.s.attributes[qname{v.s.target, q.local}]
		}
		if declared == nil && t.anyAttr.process == strict {
			v.report(a, "XS105", "", "attribute %s is not declared", quoted(q))
		}
		return declared
	}
	var names []string
	for _, u := range t.attrs {
		names = append(names, u.name.local)
	}
	hint := ""
	if near := xmltree.Nearest(q.local, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(names) > 0 {
		hint = "it may have " + xmltree.List(names, "and")
	}
	v.report(a, "XS105", hint, "attribute %s is not allowed here: %s", quoted(q), attributesOf(t, names))
	return nil
}

func attributesOf(t *typeDef, names []string) string {
	if len(names) == 0 {
		return t.what + " has no attributes"
	}
	return t.what + " does not have it"
}

func (v *validator) attribute(a *xmltree.Node, use *attrUse) {
	got, f := use.typ.read(a.Value(), a.Parent(), attrMeter{v, a})
	v.found(a, got, f, use.value)
}

// attrMeter is the validator while it reads an attribute, whose element gives
// prefixes their meaning.
type attrMeter struct {
	*validator
	a *xmltree.Node
}

func (m attrMeter) named(_ *xmltree.Node, id identity, text string) { m.validator.named(m.a, id, text) }
