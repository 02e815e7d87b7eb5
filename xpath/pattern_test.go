package xpath_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

func TestPatterns(t *testing.T) {
	cases := runCorpus(t, "testdata/patterns.txtar", patternCase) + runCorpus(t, "testdata/patterns-5.2.txtar", patternCase)
	if cases < 300 {
		t.Errorf("%d cases, want 300 at least", cases)
	}
}

// patternCase returns what the alternatives of a pattern say of themselves and
// the nodes of the tree of root that match. It checks them against the
// definition: a node matches if the pattern, as an expression, selects it from
// the node or one of its ancestors.
func patternCase(t *testing.T, root *xmltree.Node, src string) string {
	all, err := xpath.CompilePattern(src, names)
	if err != nil {
		return "error: " + err.Error()
	}
	e, err := xpath.Compile(src, names)
	if err != nil {
		return "error: " + err.Error()
	}
	nodes := everyNode(t, root)
	// What a context remembers from node to node, in whatever order they are
	// asked, must not be seen.
	shared := context(t, root)
	for _, order := range [][]int{ascending(len(nodes)), descending(len(nodes)), shuffled(len(nodes))} {
		for _, i := range order {
			for _, p := range all {
				with, err := p.Matches(shared, nodes[i])
				without, err2 := p.Matches(context(t, root), nodes[i])
				if with != without || (err == nil) != (err2 == nil) {
					t.Errorf("%s: Matches(%s) = %v, %v in a row and %v, %v alone", src, where(nodes[i]), with, err, without, err2)
				}
			}
		}
	}
	var matched []string
	for _, n := range nodes {
		c := context(t, root)
		got := false
		for _, p := range all {
			ok, err := p.Matches(c, n)
			if err != nil {
				return "error: " + err.Error()
			}
			if ok && p.Kind() != 0 && p.Kind() != n.Kind() {
				t.Errorf("%s: matches %s in spite of its kind", src, where(n))
			}
			if name, named := p.Name(); ok && named && !n.Name().Is(name.Space, name.Local) {
				t.Errorf("%s: matches %s in spite of its name", src, where(n))
			}
			got = got || ok
		}
		if c.Node != root || c.Position != 0 || c.Size != 0 {
			t.Errorf("%s: the context was changed", src)
		}
		want := false
		for up := n; up != nil; up = up.Parent() {
			nodes, err := e.Nodes(context(t, up))
			if err != nil {
				return "error: " + err.Error()
			}
			want = want || slices.Contains(nodes, n)
		}
		if got != want {
			t.Errorf("%s: Matches(%s) = %v, the expression says %v", src, where(n), got, want)
		}
		if got {
			matched = append(matched, where(n))
		}
	}
	var about []string
	for _, p := range all {
		s := fmt.Sprintf("%g", p.Priority())
		if k := p.Kind(); k != 0 {
			s += " " + [...]string{"", "root", "element", "attribute", "text", "comment", "pi", "namespace"}[k]
		}
		if n, ok := p.Name(); ok {
			s += fmt.Sprintf(" {%s}%s", n.Space, n.Local)
		}
		about = append(about, s)
	}
	return strings.Join(about, " | ") + "  {" + strings.Join(matched, ", ") + "}"
}

func ascending(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func descending(n int) []int {
	order := ascending(n)
	slices.Reverse(order)
	return order
}

// shuffled returns the numbers below n in an order without a pattern.
func shuffled(n int) []int {
	order := ascending(n)
	for i, x := n-1, uint32(7); i > 0; i-- {
		x = x*1664525 + 1013904223
		j := int(x>>8) % (i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// everyNode returns all nodes of the tree, namespace nodes among them.
func everyNode(t testing.TB, root *xmltree.Node) []*xmltree.Node {
	t.Helper()
	e, err := xpath.Compile("//. | //@* | //namespace::*", xpath.Static{})
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := e.Nodes(&xpath.Context{Node: root})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}
