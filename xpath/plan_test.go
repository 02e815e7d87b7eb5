package xpath_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sutler/xmltree"
	"sutler/xpath"
)

// TestPlans compares whole paths with their steps taken one by one, each set
// sorted and freed of duplicates in between: what a path saves must not be seen.
func TestPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		element(t, &b, 4)
		d, err := xmltree.Parse([]byte(b.String()), xmltree.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			checkPath(t, b.String(), d.Root())
		}
	})
}

// checkPath draws a path and where it starts in the tree of root.
func checkPath(t *rapid.T, doc string, root *xmltree.Node) {
	all := selected(t, "//node() | //@*", root, nil)
	from := []*xmltree.Node{rapid.SampledFrom(all).Draw(t, "from")}
	context, src := from[0], ""
	if rapid.Bool().Draw(t, "set") {
		context, src, from = root, "$set/", nil
		for _, n := range all {
			if rapid.IntRange(0, 3).Draw(t, "in") == 0 {
				from = append(from, n)
			}
		}
	}
	vars := []xpath.Value{xpath.NodeSet(from)}
	want := from
	for i := range rapid.IntRange(1, 5).Draw(t, "steps") {
		if i > 0 {
			slash := rapid.SampledFrom([]string{"/", "/", "//"}).Draw(t, "slash")
			src += slash
			if slash == "//" {
				want = stepwise(t, "descendant-or-self::node()", want, vars)
			}
		}
		s := step(t)
		src += s
		want = stepwise(t, s, want, vars)
	}
	if got := selected(t, src, context, vars); !slices.Equal(got, want) {
		t.Fatalf("%s\n%s\n got %s\nwant %s", doc, src, show(xpath.NodeSet(got)), show(xpath.NodeSet(want)))
	}
	e := compile(t, src)
	c := &xpath.Context{Node: context, Vars: vars}
	first, err := e.First(c)
	if err != nil || len(want) == 0 && first != nil || len(want) > 0 && first != want[0] {
		t.Fatalf("%s\n%s: First = %s, %v, want the first of %s", doc, src, where(first), err, show(xpath.NodeSet(want)))
	}
	if some, err := e.Bool(c); err != nil || some != (len(want) > 0) {
		t.Fatalf("%s\n%s: Bool = %v, %v", doc, src, some, err)
	}
	count, err := compile(t, "count("+src+")").Num(c)
	if err != nil || int(count) != len(want) {
		t.Fatalf("%s\n%s: count %v, %v, want %d", doc, src, count, err, len(want))
	}
}

// element draws an element with attributes and children.
func element(t *rapid.T, b *strings.Builder, depth int) {
	name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
	b.WriteString("<" + name)
	for _, attr := range []string{"x", "y"} {
		if rapid.Bool().Draw(t, attr) {
			b.WriteString(" " + attr + `="` + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value") + `"`)
		}
	}
	b.WriteString(">")
	children := 0
	if depth > 0 {
		children = rapid.IntRange(0, 3).Draw(t, "children")
	}
	for range children {
		if rapid.IntRange(0, 4).Draw(t, "text") == 0 {
			b.WriteString("1<!--2-->")
			continue
		}
		element(t, b, depth-1)
	}
	b.WriteString("</" + name + ">")
}

// step draws a step.
func step(t *rapid.T) string {
	s := rapid.SampledFrom([]string{"", "", "child::", "@", "self::", "parent::", "descendant::", "descendant-or-self::", "ancestor::",
		"ancestor-or-self::", "following-sibling::", "preceding-sibling::", "following::", "preceding::"}).Draw(t, "axis")
	s += rapid.SampledFrom([]string{"a", "b", "x", "*", "*", "*", "*", "node()", "node()", "text()"}).Draw(t, "test")
	for range max(0, rapid.IntRange(-3, 2).Draw(t, "predicates")) {
		s += rapid.SampledFrom([]string{"[1]", "[2]", "[last()]", "[last()-1]", "[position()<3]", "[position()!=last()]", "[@x]", "[@x='1']",
			"[a]", "[a[2]/b]", "[. = '1']", "[..//b]", "[true()]", "[count(*)]", "[not(b)]", "[(a|b)[2]]"}).Draw(t, "predicate")
	}
	return s
}

// stepwise returns what step selects from each node of set, in order.
func stepwise(t *rapid.T, step string, set []*xmltree.Node, vars []xpath.Value) []*xmltree.Node {
	var out []*xmltree.Node
	for _, n := range set {
		out = append(out, selected(t, step, n, vars)...)
	}
	slices.SortFunc(out, xmltree.Compare)
	return slices.Compact(out)
}

func selected(t *rapid.T, src string, n *xmltree.Node, vars []xpath.Value) []*xmltree.Node {
	nodes, err := compile(t, src).Nodes(&xpath.Context{Node: n, Vars: vars})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return nodes
}

func compile(t interface{ Fatalf(string, ...any) }, src string) *xpath.Expr {
	e, err := xpath.Compile(src, xpath.Static{Variables: func(xmltree.Name) (int, bool) { return 0, true }})
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return e
}
