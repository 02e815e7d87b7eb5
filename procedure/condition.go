package procedure

import "sutler/xmltree"

// cases are what a select of one name can give, by all of its elements so far.
type cases struct {
	has  map[string]bool
	list []string // in the order in which they were found, each once
}

func (cs *cases) add(name string) {
	if !cs.has[name] {
		cs.has[name] = true
		cs.list = append(cs.list, name)
	}
}

// selection compiles a select (schema B.31) and remembers the cases it can give.
func (c *compiler) selection(n *xmltree.Node) *Select {
	s := &Select{
		Name:    n.Attr("name"),
		Source:  c.scope(n, "source", nil, Data, ProcedureData),
		Path:    c.nodes(n, "sourcePath"),
		Default: optional(n, "defaultCase"),
		IfNull:  optional(n, "ifNullCase"),
		At:      c.place(n),
	}
	cs := c.cases[s.Name]
	if cs == nil {
		cs = &cases{has: map[string]bool{}}
		c.cases[s.Name] = cs
		c.selects = append(c.selects, s.Name)
	}
	values := map[string]bool{}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if !e.Is("", "where") {
			continue
		}
		w := Where{Value: e.Attr("value"), Case: e.Attr("case")}
		if values[w.Value] {
			c.warn(e, "PR016", "the first where that matches wins; take one of them out", "a where with the value %q stands before this one", w.Value)
		}
		values[w.Value] = true
		s.Where = append(s.Where, w)
		cs.add(w.Case)
	}
	for _, other := range []*string{s.Default, s.IfNull} {
		if other != nil {
			cs.add(*other)
		}
	}
	return s
}

// optional returns the value of an attribute that may be missing, or nil.
func optional(n *xmltree.Node, attr string) *string {
	a := n.AttrNode("", attr)
	if a == nil {
		return nil
	}
	v := a.Value()
	return &v
}

// when compiles a condition: a path that must select something or a case that
// a select must have, never both (schema B.35).
func (c *compiler) when(n *xmltree.Node, ls *loops) When {
	w := When{At: c.place(n)}
	source, path := n.AttrNode("", "source"), n.AttrNode("", "sourcePath")
	sel, cas := n.AttrNode("", "select"), n.AttrNode("", "case")
	switch {
	case (source != nil || path != nil) && (sel != nil || cas != nil):
		c.report(n, "PR023", "write two when elements; both must hold", "a when tests a path and a select at once")
	case source != nil && path != nil:
		w.Source = c.scope(n, "source", ls, Data, ProcedureData, Loop)
		w.Path = c.path(n, "sourcePath")
	case sel != nil && cas != nil:
		w.Select, w.Case = sel.Value(), cas.Value()
		c.known(sel, cas)
	default:
		c.report(n, "PR024", "write source and sourcePath, or select and case", "a when has only half of a condition")
	}
	return w
}

// known checks that an earlier select has the name that a when asks for, and
// can give the case.
func (c *compiler) known(sel, cas *xmltree.Node) {
	cs := c.cases[sel.Value()]
	if cs == nil {
		if c.full() {
			return
		}
		c.report(sel, "PR025", meant(sel.Value(), c.selects, "write a select of that name before the step"), "no select before this step has the name %q", sel.Value())
		return
	}
	if cs.has[cas.Value()] || c.full() {
		return
	}
	hint := "it has no case at all"
	if len(cs.list) > 0 {
		hint = meant(cas.Value(), cs.list, "it can give "+quoted(cs.list))
	}
	c.warn(cas, "PR026", hint, "select %q never has the case %q, so the step never runs", sel.Value(), cas.Value())
}
