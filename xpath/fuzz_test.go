package xpath_test

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

// seeds adds the expressions of the corpus.
func seeds(f *testing.F, files ...string) {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			src, _, ok := strings.Cut(line, "  =>  ")
			if ok {
				f.Add(src)
			}
		}
	}
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

// FuzzPattern is FuzzCompile for patterns.
func FuzzPattern(f *testing.F) {
	seeds(f, "testdata/pattern-errors.txt", "testdata/patterns.txtar")
	d := parse(f, `<r a="1" xmlns:p="urn:p"><a x="1">one<b>2</b></a><!--c--><p:a p:x="3"/><?pi?>text<a><a/></a></r>`)
	f.Fuzz(func(t *testing.T, src string) {
		all, err := xpath.CompilePattern(src, names)
		if err != nil {
			checkError(t, src, err)
			return
		}
		for _, p := range all {
			for n := d.Root(); n != nil; n = n.First() {
				c := context(t, n)
				c.Budget = &xmltree.Budget{MaxSteps: 20000}
				if _, err := p.Matches(c, n); err != nil {
					checkFailure(t, src, err)
				}
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
