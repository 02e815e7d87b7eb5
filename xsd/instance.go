package xsd

import "sutler/xmltree"

// typeOf returns the type that the attribute xsi:type of n names, or nil.
func (s *Schema) typeOf(n *xmltree.Node) *typeDef {
	a := n.AttrNode(xsiSpace, "type")
	if a == nil {
		return nil
	}
	q, ok := resolve(collapse(a.Value()), n)
	if !ok {
		return nil
	}
	if q.space == xsSpace {
		return builtins[q.local]
	}
	t := s.types[q]
	if t == nil && s.unqualified && q.space == "" {
		t = s.types[qname{s.target, q.local}]
	}
	return t
}

// instanceType returns the type of n: that of its declaration, or the one that
// it names itself.
func (v *validator) instanceType(n *xmltree.Node, e *element) *typeDef {
	a := n.AttrNode(xsiSpace, "type")
	if a == nil {
		return e.typ
	}
	t := v.s.typeOf(n)
	if t == nil {
		v.report(a, "XS110", "", "%s is not the name of a type", v.shown(a, a.Value()))
		return e.typ
	}
	ways, ok := t.derivedFrom(e.typ)
	if !ok {
		v.report(a, "XS110", "", "%s is not derived from %s", t.what, e.typ.what)
		return e.typ
	}
	if (e.block|e.typ.block)&ways&(extension|restriction) != 0 {
		v.report(a, "XS110", "", "%s cannot stand in for %s: that is blocked", t.what, e.typ.what)
		return e.typ
	}
	return t
}

// isNil reports whether n says that it has no content, and checks that it may.
func (v *validator) isNil(n *xmltree.Node, e *element) bool {
	a := n.AttrNode(xsiSpace, "nil")
	if a == nil {
		return false
	}
	text := collapse(a.Value())
	switch {
	case !isBoolean(text):
		v.report(a, "XS107", "", "%s is not of xs:boolean: want %s", v.shown(a, text), booleans.want)
		return false
	case !e.nillable:
		v.report(a, "XS110", "", "element %s cannot be nil: it is not nillable", quoted(nameOf(n)))
		return false
	case text != "1" && text != "true":
		return false
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Text || c.Kind() == xmltree.Element {
			v.report(n, "XS110", "", "element %s is nil and has content", quoted(nameOf(n)))
			return true
		}
	}
	if e.value != nil && e.value.fixed {
		v.report(n, "XS110", "", "element %s has a fixed value and cannot be nil", quoted(nameOf(n)))
	}
	return true
}
