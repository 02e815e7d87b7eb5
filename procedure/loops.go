package procedure

import "sutler/xmltree"

// loops are the forEach elements of a step as far as they are compiled. A nil
// *loops has none.
type loops struct {
	list   []ForEach
	byName map[string]int // the first of each name
}

// find returns the number of the loop with that name.
func (ls *loops) find(name string) (i int, ok bool) {
	if ls == nil {
		return 0, false
	}
	i, ok = ls.byName[name]
	return i, ok
}

// all returns the loops in document order.
func (ls *loops) all() []ForEach {
	if ls == nil {
		return nil
	}
	return ls.list
}

// loops compiles the forEach children of a step (schema B.17); nil when there
// are none. The root of a loop is data, procedureData or a loop before it.
func (c *compiler) loops(step *xmltree.Node) *loops {
	var elements []*xmltree.Node
	for e := step.FirstElement(); e != nil; e = e.NextElement() {
		if e.Is("", "forEach") {
			elements = append(elements, e)
		}
	}
	if len(elements) == 0 {
		return nil
	}
	names := map[string]bool{} // of all loops, to tell a later one from an unknown one
	for _, e := range elements {
		names[e.Attr("name")] = true
	}
	ls := &loops{byName: map[string]int{}}
	for _, e := range elements {
		l := ForEach{Name: e.Attr("name"), Root: c.loopRoot(e, ls, names), Path: c.nodes(e, "path"), IfNull: ifNull(e), At: c.place(e)}
		c.loopName(e, ls)
		if _, ok := ls.byName[l.Name]; !ok {
			ls.byName[l.Name] = len(ls.list)
		}
		ls.list = append(ls.list, l)
	}
	return ls
}

// loopRoot resolves the root of a loop; earlier are the loops before it, names
// those of all loops of the step.
func (c *compiler) loopRoot(e *xmltree.Node, earlier *loops, names map[string]bool) Scope {
	root := e.Attr("root")
	if _, ok := earlier.find(root); !ok && names[root] && scopeKind(root) == 0 && root != "" {
		c.report(e.AttrNode("", "root"), "PR022", "loops nest in the order in which they stand; put the outer one first", "the root %q is not a forEach before this one", root)
		return Scope{}
	}
	return c.scope(e, "root", earlier, Data, ProcedureData, Loop)
}

// loopName checks the name of a loop against the scopes and the loops before it.
func (c *compiler) loopName(e *xmltree.Node, earlier *loops) {
	a := e.AttrNode("", "name")
	if a == nil {
		return
	}
	if scopeKind(a.Value()) != 0 {
		c.report(a, "PR020", "give the loop another name", "a forEach cannot have the name of the scope %q", a.Value())
		return
	}
	if _, ok := earlier.find(a.Value()); ok {
		c.report(a, "PR021", "names of loops are unique within a step; rename one of them", "the step has a forEach %q already", a.Value())
	}
}
