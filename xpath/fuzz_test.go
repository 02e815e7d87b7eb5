package xpath_test

import (
	"errors"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

// seeds adds the expressions of the corpus.
func seeds(f *testing.F, files ...string) {
	for _, file := range files {
		for line := range lines(f, file) {
			src, _, ok := strings.Cut(line, "  =>  ")
			if ok {
				f.Add(src)
			}
		}
	}
}

// lines returns the lines of a file.
func lines(f *testing.F, file string) iter.Seq[string] {
	f.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	return strings.Lines(string(data))
}

// FuzzCompile checks that no source makes the compiler panic or report a place
// outside of it, and that what compiles evaluates without panic, within its
// budget, the same way twice.
func FuzzCompile(f *testing.F) {
	seeds(f, "testdata/errors.txt", "testdata/eval/2.2-axes.txtar", "testdata/eval/2.4-predicates.txtar", "testdata/eval/3.3-node-sets.txtar",
		"testdata/eval/3.4-booleans.txtar", "testdata/eval/4.2-string-functions.txtar")
	d := parse(f, `<r a="1" xmlns:p="urn:p"><a x="1">one<b>2</b></a><!--c--><p:a p:x="3"/><?pi?>text<a><a/></a></r>`)
	f.Fuzz(func(t *testing.T, src string) {
		e, err := xpath.Compile(src, names)
		if err != nil {
			checkError(t, src, err)
			return
		}
		again, err := xpath.Compile(e.Source(), names)
		if err != nil {
			t.Fatalf("%q compiles once and then says %v", src, err)
		}
		for n := d.Root(); n != nil; n = n.First() {
			c := context(t, n)
			c.Budget = &xmltree.Budget{MaxSteps: 20000}
			v, err := e.Eval(c)
			if err != nil {
				checkFailure(t, src, err)
				continue
			}
			c = context(t, n)
			w, err := again.Eval(c)
			if err != nil || show(v) != show(w) {
				t.Errorf("%q is %s and then %s, %v", src, show(v), show(w), err)
			}
			if _, _, steps := c.Budget.Used(); steps <= 10000 {
				agree(t, e, c, v)
			}
		}
	})
}

// FuzzEval evaluates an expression over a tree: within its budget, twice the
// same, without a trace in the context, in every way the same, and stopped at
// once when it is not wanted any more. A path gives what its steps give one by
// one.
func FuzzEval(f *testing.F) {
	files, err := filepath.Glob("testdata/eval/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		for line := range lines(f, file) {
			src, _, ok := strings.Cut(line, "  =>  ")
			if ok {
				f.Add(src, uint16(i))
			}
		}
	}
	d := parse(f, `<r a="1" xmlns:p="urn:p"><a x="1" xml:id="i">one<b>2</b><a><a y="2"><b/><b x="3">4</b></a></a></a><!--c--><p:a p:x="3" xml:lang="en"/>`+
		`<?pi d?>text<a><a/><b>5</b></a><n>7</n><n>-0.5</n><n>x</n></r>`)
	all := everyNode(f, d.Root())
	stop := errors.New("stop")
	f.Fuzz(func(t *testing.T, src string, at uint16) {
		e, err := xpath.Compile(src, names)
		if err != nil {
			checkError(t, src, err)
			return
		}
		n := all[int(at)%len(all)]
		c := context(t, n)
		c.Position, c.Size = 2, 3
		c.Budget.MaxSteps = 50_000
		v, err := e.Eval(c)
		if _, _, steps := c.Budget.Used(); steps > c.Budget.MaxSteps+100_000 {
			t.Errorf("%q took %d steps of %d", src, steps, c.Budget.MaxSteps)
		}
		if c.Node != n || c.Position != 2 || c.Size != 3 {
			t.Errorf("%q: the context was changed", src)
		}
		again := context(t, n)
		again.Position, again.Size = 2, 3
		again.Budget.MaxSteps = c.Budget.MaxSteps
		w, err2 := e.Eval(again)
		if show(v) != show(w) || (err == nil) != (err2 == nil) {
			t.Errorf("%q is %s, %v and then %s, %v", src, show(v), err, show(w), err2)
		}
		if err != nil {
			checkFailure(t, src, err)
			return
		}
		if _, _, steps := c.Budget.Used(); steps < 5000 {
			c.Budget.MaxSteps = 0
			agree(t, e, c, v)
		}
		stopped := context(t, n)
		stopped.Poll = func() error { return stop }
		if _, err := e.Eval(stopped); err != nil && !errors.Is(err, stop) {
			t.Errorf("%q: stopped with %v", src, err)
		}
		if left, right, ok := lastStep(src); ok && v.Type() == xpath.NodeSetType && len(v.Nodes()) < 100 {
			checkLastStep(t, n, src, left, right, v.Nodes())
		}
	})
}

// lastStep splits a path without brackets and operators before its last step.
func lastStep(src string) (left, right string, ok bool) {
	i := strings.LastIndexByte(src, '/')
	if i <= 0 || src[i-1] == '/' || strings.ContainsAny(src[i:], "()|$'\"+=<>-, ") || strings.ContainsAny(src[:i], "[]()|'\"+=<>-, ") {
		return "", "", false
	}
	return src[:i], src[i+1:], true
}

// checkLastStep checks that src selects from n what its last step selects from
// the nodes that the steps before it select.
func checkLastStep(t *testing.T, n *xmltree.Node, src, left, right string, got []*xmltree.Node) {
	t.Helper()
	l, err := xpath.Compile(left, names)
	if err != nil {
		return
	}
	r, err := xpath.Compile(right, names)
	if err != nil {
		return
	}
	from, err := l.Nodes(context(t, n))
	if err != nil {
		t.Fatalf("%q: %v", left, err)
	}
	var want []*xmltree.Node
	for _, m := range from {
		nodes, err := r.Nodes(context(t, m))
		if err != nil {
			t.Fatalf("%q: %v", right, err)
		}
		want = append(want, nodes...)
	}
	slices.SortFunc(want, xmltree.Compare)
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("%q from %s is %s, step by step %s", src, where(n), show(xpath.NodeSet(got)), show(xpath.NodeSet(want)))
	}
}

// FuzzPattern is FuzzCompile for patterns. It checks what matches against the
// definition: a node that the pattern, as an expression, selects from the node
// or one of its ancestors.
func FuzzPattern(f *testing.F) {
	seeds(f, "testdata/pattern-errors.txt", "testdata/patterns.txtar", "testdata/patterns-5.2.txtar")
	d := parse(f, `<r a="1" xmlns:p="urn:p"><a x="1" xml:id="i">one<b>2</b><b x="2"/></a><!--c--><p:a p:x="3"/><?pi?>text<a><a/><b><a/></b></a></r>`)
	nodes := everyNode(f, d.Root())
	f.Fuzz(func(t *testing.T, src string) {
		all, err := xpath.CompilePattern(src, names)
		if err != nil {
			checkError(t, src, err)
			return
		}
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatalf("the pattern %q is no expression: %v", src, err)
		}
		shared := context(t, d.Root())
		shared.Budget = &xmltree.Budget{MaxSteps: 50_000}
		for _, n := range nodes {
			got := false
			for _, p := range all {
				ok, err := p.Matches(shared, n)
				if err != nil {
					checkFailure(t, src, err)
					return
				}
				got = got || ok
			}
			want := false
			for up := n; up != nil && !want; up = up.Parent() {
				c := context(t, up)
				c.Budget = &xmltree.Budget{MaxSteps: 50_000}
				selected, err := e.Nodes(c)
				if err != nil {
					checkFailure(t, src, err)
					return
				}
				want = slices.Contains(selected, n)
			}
			if got != want {
				t.Errorf("%q: Matches(%s) = %v, the expression says %v", src, where(n), got, want)
			}
		}
	})
}

// checkFailure checks that err is one that an evaluation may end with.
func checkFailure(t *testing.T, src string, err error) {
	t.Helper()
	if limit := (*xmltree.LimitError)(nil); errors.As(err, &limit) || errors.Is(err, errHost) {
		return
	}
	checkError(t, src, err)
}

// FuzzNumber checks that a number written is the same when read back and is
// always a Number of the grammar.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1", ".5", "5.", "-1.25", "0.1", "123456789012345678901234567890", "NaN", "1e5", "", "-", " 7 ",
		"1.7976931348623157", "0.000000000000000000000000000005", "9007199254740993"} {
		f.Add(s, math.Pi)
	}
	for _, g := range []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1e21, 1e23, -1e-7, 1 << 60} {
		f.Add("1", g)
	}
	f.Fuzz(func(t *testing.T, s string, g float64) {
		for _, g := range []float64{g, xpath.ParseNumber(s)} {
			text := xpath.FormatNumber(g)
			if math.IsInf(g, 0) || g != g {
				if xpath.ParseNumber(text) == g {
					t.Errorf("%q was read as a number", text)
				}
				continue
			}
			if got := xpath.ParseNumber(text); got != g {
				t.Errorf("%v is written %s and read as %v", g, text, got)
			}
			if strings.Trim(text, "-0123456789.") != "" || strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".") {
				t.Errorf("%v is written %s", g, text)
			}
		}
	})
}
