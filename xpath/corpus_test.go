package xpath_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xpath"
)

var update = flag.Bool("update", false, "rewrite the expected values in testdata")

// The corpus: each file of testdata/eval holds a document and cases, one a
// line, "expression  =>  value". A line "@ path" sets the context node.
func TestEval(t *testing.T) {
	files, err := filepath.Glob("testdata/eval/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			cases += runCorpus(t, file, evalCase)
		})
	}
	if cases < 3500 {
		t.Errorf("%d cases, want 3,500 at least", cases)
	}
}

// runCorpus runs the cases of one file against its document and returns their number.
func runCorpus(t *testing.T, file string, run func(t *testing.T, n *xmltree.Node, src string) string) int {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	node := parse(t, string(a.Files[0].Data)).Root()
	var out []string
	cases := 0
	for line := range strings.Lines(string(a.Files[1].Data)) {
		line = strings.TrimSuffix(line, "\n")
		src, want, _ := strings.Cut(line, "  =>  ")
		switch {
		case src == "" || strings.HasPrefix(src, "#"):
			out = append(out, line)
			continue
		case strings.HasPrefix(src, "@ /"):
			node = find(t, node, src[2:])
			out = append(out, line)
			continue
		}
		cases++
		got := run(t, node, src)
		if got != want && !*update {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
		out = append(out, src+"  =>  "+got)
	}
	if *update {
		a.Files[1].Data = []byte(strings.Join(out, "\n") + "\n")
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return cases
}

// evalCase evaluates src in every way and returns its value.
func evalCase(t *testing.T, n *xmltree.Node, src string) string {
	e, err := xpath.Compile(src, names)
	if err != nil {
		return "error: " + err.Error()
	}
	c := context(t, n)
	v, err := e.Eval(c)
	if err != nil {
		return "error: " + err.Error()
	}
	agree(t, e, c, v)
	if c.Node != n || c.Position != 0 || c.Size != 0 {
		t.Errorf("%s: the context was changed", src)
	}
	return show(v)
}

// agree checks that the other ways to evaluate e give what Eval gave.
func agree(t *testing.T, e *xpath.Expr, c *xpath.Context, v xpath.Value) {
	t.Helper()
	if typ := e.Type(); typ != xpath.AnyType && typ != v.Type() {
		t.Errorf("%s: the static type is %s, the value %s", e.Source(), typ, v.Type())
	}
	if b, err := e.Bool(c); err != nil || b != v.Bool() {
		t.Errorf("%s: Bool = %v, %v, want %v", e.Source(), b, err, v.Bool())
	}
	if s, err := e.Str(c); err != nil || s != v.Str() {
		t.Errorf("%s: Str = %q, %v, want %q", e.Source(), s, err, v.Str())
	}
	if f, err := e.Num(c); err != nil || math.Float64bits(f) != math.Float64bits(v.Num()) && !(f != f && v.Num() != v.Num()) {
		t.Errorf("%s: Num = %v, %v, want %v", e.Source(), f, err, v.Num())
	}
	nodes, err := e.Nodes(c)
	first, firstErr := e.First(c)
	if v.Type() != xpath.NodeSetType {
		if err == nil || firstErr == nil {
			t.Errorf("%s: Nodes = %v and First = %v of %s", e.Source(), err, firstErr, v.Type())
		}
		return
	}
	if err != nil || !slices.Equal(nodes, v.Nodes()) {
		t.Errorf("%s: Nodes = %s, %v, want %s", e.Source(), show(xpath.NodeSet(nodes)), err, show(v))
	}
	var want *xmltree.Node
	if len(nodes) > 0 {
		want = nodes[0]
	}
	if firstErr != nil || first != want {
		t.Errorf("%s: First = %s, %v, want %s", e.Source(), where(first), firstErr, where(want))
	}
	agreeOnNodes(t, e, c, nodes)
	for i := 1; i < len(nodes); i++ {
		if xmltree.Compare(nodes[i-1], nodes[i]) >= 0 {
			t.Errorf("%s: %s does not come before %s", e.Source(), where(nodes[i-1]), where(nodes[i]))
		}
	}
}

// agreeOnNodes checks that the ways to walk nodes without a set of their own
// find those that Nodes found.
func agreeOnNodes(t *testing.T, e *xpath.Expr, c *xpath.Context, nodes []*xmltree.Node) {
	t.Helper()
	before := []*xmltree.Node{c.Node, nil}
	buf, err := e.AppendNodes(c, before[:1])
	if err != nil || buf[0] != c.Node || !slices.Equal(buf[1:], nodes) {
		t.Errorf("%s: AppendNodes = %s, %v, want %s behind one", e.Source(), show(xpath.NodeSet(buf)), err, show(xpath.NodeSet(nodes)))
	}
	if n, err := e.Count(c); err != nil || n != len(nodes) {
		t.Errorf("%s: Count = %d, %v, want %d", e.Source(), n, err, len(nodes))
	}
	for most := range min(len(nodes)+1, 4) {
		var met []*xmltree.Node
		err := e.Each(c, func(n *xmltree.Node) bool {
			if again, err := e.Count(c); err != nil || again != len(nodes) {
				t.Errorf("%s: Count = %d, %v while it is visited, want %d", e.Source(), again, err, len(nodes))
			}
			met = append(met, n)
			return len(met) <= most
		})
		if want := nodes[:min(most+1, len(nodes))]; err != nil || !slices.Equal(met, want) {
			t.Errorf("%s: Each visits %s, %v, want %s", e.Source(), show(xpath.NodeSet(met)), err, show(xpath.NodeSet(want)))
		}
	}
}

// names is what the expressions of the corpus may refer to.
var names = xpath.Static{
	Namespaces: func(prefix string) (string, bool) {
		uri, ok := map[string]string{"p": "urn:p", "q": "urn:q", "f": "urn:functions"}[prefix]
		return uri, ok
	},
	Variables: func(n xmltree.Name) (int, bool) {
		slot := slices.Index([]string{"n", "s", "t", "empty", "one", "nodes", "unset"}, n.Local)
		if n.Space == "urn:p" && n.Local == "v" {
			slot = 0
		}
		return slot, slot >= 0
	},
	Functions: func(n xmltree.Name) (xpath.Function, bool) {
		fn, ok := functions[n.Space+" "+n.Local]
		return fn, ok
	},
}

// functions are the functions of the corpus by namespace and name.
var functions = map[string]xpath.Function{
	"urn:functions position": {Result: xpath.NumberType, Positional: true, Call: func(c *xpath.Context, _ []xpath.Value) (xpath.Value, error) {
		return xpath.Number(float64(c.Position)), nil
	}},
	"urn:functions last": {Result: xpath.NumberType, Positional: true, Call: func(c *xpath.Context, _ []xpath.Value) (xpath.Value, error) {
		return xpath.Number(float64(c.Size)), nil
	}},
	"urn:functions node": {Result: xpath.StringType, Call: func(c *xpath.Context, _ []xpath.Value) (xpath.Value, error) {
		return xpath.String(c.Node.Local()), nil
	}},
	"urn:functions nodes": {Result: xpath.NodeSetType, Call: func(c *xpath.Context, _ []xpath.Value) (xpath.Value, error) {
		var nodes []*xmltree.Node
		for n := c.Node.First(); n != nil; n = n.Next() {
			nodes = append(nodes, n)
		}
		return xpath.NodeSet(nodes), nil
	}},
	"urn:functions count": {Max: -1, Result: xpath.NumberType, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		return xpath.Number(float64(len(args))), nil
	}},
	"urn:functions any": {Min: 1, Max: 1, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		return args[0], nil
	}},
	"urn:functions parent":  {Node: func(c *xpath.Context) (*xmltree.Node, error) { return c.Node.Parent(), nil }},
	"urn:functions no-node": {Node: func(*xpath.Context) (*xmltree.Node, error) { return nil, errHost }},
	"urn:functions fail": {Result: xpath.NumberType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.Value{}, errHost
	}},
	"urn:functions text-as-number": {Result: xpath.NumberType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.String("3"), nil
	}},
	"urn:functions text-as-nodes": {Result: xpath.NodeSetType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.String("3"), nil
	}},
	"urn:functions number-as-text": {Result: xpath.StringType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.Number(3), nil
	}},
	"urn:functions nothing-as-boolean": {Result: xpath.BooleanType, Call: func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
		return xpath.Value{}, nil
	}},
	" local": {Min: 1, Max: 1, Result: xpath.StringType, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		return xpath.String("local " + args[0].Str()), nil
	}},
	" key": {Min: 2, Max: 2, Result: xpath.NodeSetType, Call: func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		var nodes []*xmltree.Node
		e, err := xpath.Compile("//*[@"+args[0].Str()+"]", xpath.Static{})
		if err != nil {
			return xpath.Value{}, err
		}
		all, err := e.Nodes(&xpath.Context{Node: c.Node})
		for _, n := range all {
			if n.Attr(args[0].Str()) == args[1].Str() {
				nodes = append(nodes, n)
			}
		}
		return xpath.NodeSet(nodes), err
	}},
}

var errHost = errors.New("the host function says no")

// context returns the context of node n with the variables of the corpus:
// numbers, strings, and node-sets made of the children of the document element.
func context(t *testing.T, n *xmltree.Node) *xpath.Context {
	t.Helper()
	root := n.Top().FirstElement()
	var two []*xmltree.Node
	for e := root.FirstElement(); e != nil && len(two) < 2; e = e.NextElement() {
		two = append(two, e)
	}
	return &xpath.Context{Node: n, Budget: &xmltree.Budget{}, Vars: []xpath.Value{
		xpath.Number(3), xpath.String("str"), xpath.Boolean(true),
		xpath.NodeSet(nil), xpath.NodeSet([]*xmltree.Node{root}), xpath.NodeSet(two),
	}}
}

func parse(t testing.TB, src string) *xmltree.Document {
	t.Helper()
	d, err := xmltree.Parse([]byte(strings.TrimSpace(src)), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func find(t testing.TB, n *xmltree.Node, src string) *xmltree.Node {
	t.Helper()
	e, err := xpath.Compile(src, names)
	if err != nil {
		t.Fatal(err)
	}
	found, err := e.First(&xpath.Context{Node: n})
	if err != nil || found == nil {
		t.Fatalf("%s: %v, %v", src, found, err)
	}
	return found
}

// show returns a value as the corpus writes it.
func show(v xpath.Value) string {
	switch v.Type() {
	case xpath.NodeSetType:
		all := make([]string, len(v.Nodes()))
		for i, n := range v.Nodes() {
			all[i] = where(n)
		}
		return "{" + strings.Join(all, ", ") + "}"
	case xpath.StringType:
		return strconv.Quote(v.Str())
	}
	return v.Str()
}

// where returns the place of a node: names with their number among siblings of
// the same kind and name.
func where(n *xmltree.Node) string {
	switch {
	case n == nil:
		return "none"
	case n.Parent() == nil:
		return "/"
	}
	up := strings.TrimSuffix(where(n.Parent()), "/") + "/"
	switch n.Kind() {
	case xmltree.Attribute:
		return up + "@" + n.Name().String()
	case xmltree.Namespace:
		return up + "namespace::" + n.Local()
	}
	number, others := 1, 0
	for s := n.Parent().First(); s != nil; s = s.Next() {
		switch {
		case s == n:
			number += others
			others = 0
		case s.Kind() == n.Kind() && s.Name() == n.Name():
			others++
		}
	}
	label := map[xmltree.Kind]string{xmltree.Text: "text()", xmltree.Comment: "comment()", xmltree.ProcInst: "?" + n.Local()}[n.Kind()]
	if n.Kind() == xmltree.Element {
		label = n.Name().String()
	}
	if number == 1 && others == 0 {
		return up + label
	}
	return fmt.Sprintf("%s%s[%d]", up, label, number)
}
