package xpath_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

func ExampleCompile() {
	d, err := xmltree.Parse([]byte(`<data><user id="7"><name>Ann</name></user><user id="8"/></data>`), xmltree.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := xpath.Compile(`user[@id = '7']/name`, xpath.Static{})
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := e.Str(&xpath.Context{Node: d.DocumentElement()})
	fmt.Println(name, err)
	_, err = xpath.Compile(`lenght(user)`, xpath.Static{})
	fmt.Println(err)
	// Output:
	// Ann <nil>
	// the function "lenght" is unknown (at byte 0) [XP012]: did you mean "string-length"?
}

func TestPlain(t *testing.T) {
	for src, want := range map[string]string{
		"a":            "a",
		"a/b/c":        "a b c",
		"p:a/b":        "{urn:p}a b",
		"./a/./b":      "a b",
		"child::a / b": "a b",
		".":            "",
		"/a":           "",
		"//a":          "",
		"a//b":         "",
		"a[1]":         "",
		"a[true()]":    "a",
		"a/@b":         "",
		"a/..":         "",
		"a/*":          "",
		"a | b":        "",
		"a/text()":     "",
		"$nodes/a":     "",
		"(a)/b":        "",
		"'a'":          "",
	} {
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, n := range e.Plain() {
			if n.Space != "" {
				n.Local = "{" + n.Space + "}" + n.Local
			}
			all = append(all, n.Local)
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("Plain of %s = %q, want %q", src, got, want)
		}
	}
}

// The tolerance of the documents: a slash before a predicate.
func TestTolerant(t *testing.T) {
	d := parse(t, `<data><user status="x"><a n="1"/></user><user status="y"/><user status="x"/></data>`)
	tolerant := names
	tolerant.Tolerant = true
	for src, strict := range map[string]string{
		`user/[@status='x']`:       `user[@status='x']`,
		`user/[@status='x']/a`:     `user[@status='x']/a`,
		`user/[@status='x']/[2]`:   `user[@status='x'][2]`,
		`user[@status='x']/[2]`:    `user[@status='x'][2]`,
		`user/ [@status='x']`:      `user[@status='x']`,
		`/data/user/[1]/a/[@n]/@n`: `/data/user[1]/a[@n]/@n`,
		`//user/[1]`:               `//user[1]`,
		`user[a/[@n]]`:             `user[a[@n]]`,
		`$nodes/[2]`:               `$nodes[2]`,
		`(user)/[2]/[1]`:           `(user)[2][1]`,
		`$nodes/[1]/a`:             `$nodes[1]/a`,
		`concat('/[', user)`:       `concat('/[', user)`,
		`@*/[1]`:                   `@*[1]`,
	} {
		got, want := evaluate(t, d.DocumentElement(), src, tolerant), evaluate(t, d.DocumentElement(), strict, names)
		if got != want {
			t.Errorf("%s = %s, want %s", src, got, want)
		}
	}
	for _, src := range []string{`/[1]`, `//[1]`, `user//[1]`, `[1]`, `user/[`, `./[1]`, `../[@a]`, `user/[1]/`, `user/[]`} {
		if _, err := xpath.Compile(src, tolerant); err == nil {
			t.Errorf("%s compiles", src)
		}
	}
	if _, err := xpath.CompilePattern(`user/[@status='x']/a`, tolerant); err != nil {
		t.Error(err)
	}
}

func evaluate(t *testing.T, n *xmltree.Node, src string, s xpath.Static) string {
	t.Helper()
	e, err := xpath.Compile(src, s)
	if err != nil {
		t.Errorf("%s: %v", src, err)
		return ""
	}
	v, err := e.Eval(context(t, n))
	if err != nil {
		t.Errorf("%s: %v", src, err)
	}
	return show(v)
}

// What an evaluation costs must not grow with what it need not look at.
func TestSteps(t *testing.T) {
	d := parse(t, "<r>"+strings.Repeat("<a><b/></a>", 1000)+strings.Repeat("<c x='1'/>", 1000)+"</r>")
	first := func(e *xpath.Expr, c *xpath.Context) error { _, err := e.First(c); return err }
	truth := func(e *xpath.Expr, c *xpath.Context) error { _, err := e.Bool(c); return err }
	value := func(e *xpath.Expr, c *xpath.Context) error { _, err := e.Eval(c); return err }
	for _, tt := range []struct {
		src  string
		run  func(*xpath.Expr, *xpath.Context) error
		most int64
	}{
		{"a", first, 1},
		{"a/b", first, 2},
		{"c", first, 9},
		{"c/@x", first, 10},
		{"c[@x='1']", first, 10},
		{"c[@x='1']", truth, 10},
		{"//b", first, 4},
		{"//b", truth, 4},
		{"a[1]", value, 2},
		{"a[1]/b[1]", value, 3},
		{"a[3]", value, 4},
		{"a[position()=3]", value, 4},
		{"a[1][b]", value, 3},
		{"c[last()]", value, 3},
		{"c[last()]/@x", value, 4},
		{"(a)[1]", value, 1},
		{"(//a)[1]/b", value, 4},
		{"string(a)", value, 3},
		{"boolean(c)", value, 9},
		{"not(c)", value, 9},
		{"a or c", value, 1},
		{"nope or c", value, 18},
		{"b and c", value, 9},
		{"c/@x = 1", value, 12},
		{"c/@x = c/@x", value, 6010},
		{"c/@x != c/@x", value, 6020},
		{"c/@x < c/@x", value, 6020},
		{"a | c", first, 2},
		{"name(*)", value, 1},
		{"true() or a", value, 0},
		{"1 + 2 * 3 = 7", value, 0},
		{"a[false()]", value, 2000},
		{"count(a)", value, 2000},
		{"count(//*)", value, 3100},
		{"//a/b", value, 8000},
		{"a/b/ancestor::*/descendant::*/ancestor::*/descendant::*/ancestor::*", value, 140000},
	} {
		e, err := xpath.Compile(tt.src, xpath.Static{})
		if err != nil {
			t.Fatal(err)
		}
		b := &xmltree.Budget{}
		if err := tt.run(e, &xpath.Context{Node: d.DocumentElement(), Budget: b}); err != nil {
			t.Fatal(err)
		}
		_, _, steps := b.Used()
		if steps > tt.most {
			t.Errorf("%s took %d steps, want %d at most", tt.src, steps, tt.most)
		}
		if steps == 0 {
			continue
		}
		b = &xmltree.Budget{MaxSteps: max(steps-1, 1)}
		err = tt.run(e, &xpath.Context{Node: d.DocumentElement(), Budget: b})
		if limit := (*xmltree.LimitError)(nil); steps > 1 && !errors.As(err, &limit) {
			t.Errorf("%s with %d steps: %v, want a *LimitError", tt.src, steps-1, err)
		}
	}
}

// A long evaluation asks now and then whether to go on, and so do many short
// ones with one context.
func TestPoll(t *testing.T) {
	d := parse(t, "<r>"+strings.Repeat("<a><b>x</b></a>", 3000)+"</r>")
	stop := errors.New("stop")
	for _, src := range []string{"count(//*)", "//a[preceding::b = 'y']", "//b | //a", "//b/..", "a[last() - 1]", "sum(//b)", "string-length(/) * count(//node())",
		"//a[1]/b", "normalize-space(/)", "translate(/, 'x', 'y')", "a/b = 'y'", "id('x')", "concat(/, /)"} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		c := &xpath.Context{Node: d.DocumentElement(), Budget: &xmltree.Budget{}, Poll: func() error {
			asked++
			if asked == 2 {
				return stop
			}
			return nil
		}}
		for range 5000 {
			if _, err = e.Eval(c); err != nil {
				break
			}
		}
		if !errors.Is(err, stop) {
			t.Errorf("%s: %v, want %v", src, err, stop)
		}
		if _, _, steps := c.Budget.Used(); steps > 40_000 {
			t.Errorf("%s: stopped after %d steps", src, steps)
		}
	}
}

// Every function and operator hands the limit on.
func TestLimitEverywhere(t *testing.T) {
	d := parse(t, `<r xml:lang="en" x="1"><a>text</a><a/><b xml:id="i"/></r>`)
	for _, src := range []string{"a", "//a", "a[last()]", "a[. = 'x'][last()]", "a/..", "a/../b/..", "a | b", "(a)[2]", "(a | b)[last()]", "$n", "a = 'x'", "a = a",
		"a != a", "a < a", "'x' = a", "1 < a", "a = true()", "true() = a", "a and b", "a or b", "not(a)", "-a", "a + 1", "1 + a", "count(a)", "count(a/..)", "id('i')",
		"id(a)", "local-name(a)", "namespace-uri(a)", "name(a)", "string(a)", "concat(a, 'x')", "concat('x', a)", "starts-with(a, 'x')", "contains('x', a)",
		"substring-before(a, 'x')", "substring-after(a, 'x')", "substring(a, 1)", "substring('abc', a)", "substring('abc', 1, a)", "string-length(a)",
		"normalize-space(a)", "translate(a, 'a', 'b')", "translate('a', a, 'b')", "translate('a', 'b', a)", "boolean(a)", "lang('en')", "lang(a)", "number(a)",
		"sum(a)", "floor(a)", "ceiling(a)", "round(a)", "f:any(a)", "f:any(a)/..", "a[f:any(.)]", "a/text()", "preceding::*", "a/namespace::*", "a/following::b/..",
		"f:any(a) = f:any(a)", "f:any(1) = a"} {
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatal(err)
		}
		c := context(t, d.DocumentElement())
		if _, err := e.Eval(c); err != nil {
			t.Errorf("%s: %v", src, err)
		}
		_, _, steps := c.Budget.Used()
		for most := int64(1); most < steps; most++ {
			c := context(t, d.DocumentElement())
			c.Budget.MaxSteps = most
			v, err := e.Eval(c)
			if limit := (*xmltree.LimitError)(nil); !errors.As(err, &limit) || limit.Value != most {
				t.Errorf("%s with %d steps of %d: %s, %v, want a *LimitError", src, most, steps, show(v), err)
			}
			if c.Node != d.DocumentElement() || c.Position != 0 || c.Size != 0 {
				t.Errorf("%s: the context was changed", src)
			}
		}
	}
}

func TestRunTimeErrors(t *testing.T) {
	d := parse(t, `<r><a/><a/></r>`)
	for src, want := range map[string]string{
		"$unset":             "XP021",
		"a[$unset]":          "XP021",
		"1 + $unset":         "XP021",
		"$n/a":               "XP016",
		"$s | a":             "XP016",
		"$n[1]":              "XP016",
		"$n[true()]":         "XP016",
		"count($n)":          "XP016",
		"sum($s)":            "XP016",
		"name($n)":           "XP016",
		"a[$n/b]":            "XP016",
		"f:any('x')/a":       "XP016",
		"f:any(1)[2]":        "XP016",
		"count(f:any(1))":    "XP016",
		"a = $n/b":           "XP016",
		"f:fail()":           errHost.Error(),
		"a[f:fail()]":        errHost.Error(),
		"a[last()=f:fail()]": errHost.Error(),
		"//a/../a[f:fail()]": errHost.Error(),
		"f:any(f:fail())":    errHost.Error(),
		"f:fail() or a":      errHost.Error(),
		"a and f:fail()":     errHost.Error(),
		"f:fail() = a":       errHost.Error(),
		"a < f:fail()":       errHost.Error(),
		"string(f:fail())":   errHost.Error(),
	} {
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatal(err)
		}
		c := context(t, d.DocumentElement())
		if v, err := e.Eval(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v, want %s", src, show(v), err, want)
		}
		if c.Node != d.DocumentElement() || c.Position != 0 || c.Size != 0 {
			t.Errorf("%s: the context was changed", src)
		}
	}
	for _, src := range []string{"a", "/", ".", "string()", "lang('en')", "id('x')", "1 + a", "concat('a', b)"} {
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Eval(&xpath.Context{}); err == nil || !strings.Contains(err.Error(), "XP022") {
			t.Errorf("%s without a context node: %v", src, err)
		}
	}
}

// Expressions as long and as deep as they can be are compiled and evaluated,
// or refused, and never exhaust the stack.
func TestBounds(t *testing.T) {
	d := parse(t, `<a><a/></a>`)
	const deep = 3000
	nest := func(n int, open, inner, closing string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(closing, n)
	}
	shapes := map[string]func(n int) string{
		"brackets":    func(n int) string { return nest(n, "(", "1", ")") },
		"predicates":  func(n int) string { return nest(n, ".//a[", "1", "]") },
		"filters":     func(n int) string { return nest(n, "(", "a", ")[1]") },
		"calls":       func(n int) string { return nest(n, "string(", "a", ")") },
		"sums":        func(n int) string { return strings.Repeat("a + ", n) + "1" },
		"choices":     func(n int) string { return strings.Repeat("b or ", n) + "1" },
		"comparisons": func(n int) string { return strings.Repeat("a = ", n) + "1" },
		"steps":       func(n int) string { return strings.Repeat("self::*/", n) + "a" },
		"ups":         func(n int) string { return strings.Repeat("a/../", n) + "a" },
		"arguments":   func(n int) string { return nest(n, "concat('a',", "a", ")") },
		"negations":   func(n int) string { return nest(n, "-(", "a", ")") },
	}
	for name, shape := range shapes {
		e, err := xpath.Compile(shape(deep/2), xpath.Static{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := e.Eval(&xpath.Context{Node: d.DocumentElement(), Budget: &xmltree.Budget{MaxSteps: 100_000}}); err != nil {
			if limit := (*xmltree.LimitError)(nil); !errors.As(err, &limit) {
				t.Errorf("%s: %v", name, err)
			}
		}
		var refused *xpath.Error
		if _, err := xpath.Compile(shape(10_000), xpath.Static{}); !errors.As(err, &refused) || refused.Rule != "XP017" {
			t.Errorf("%s of 10,000: %v, want XP017", name, err)
		}
		if _, err := xpath.Compile(shape(1_000_000), xpath.Static{}); !errors.As(err, &refused) || refused.Rule != "XP018" {
			t.Errorf("%s of 1,000,000: %v, want XP018", name, err)
		}
	}
	for _, src := range []string{strings.Repeat("a | ", 20_000) + "a", "a" + strings.Repeat("[1]", 20_000), strings.Repeat("-", 100_001) + "1",
		"concat('a'" + strings.Repeat(", a", 20_000) + ")", strings.Repeat("./", 1000) + "a"} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			t.Errorf("%.20s…: %v", src, err)
			continue
		}
		if _, err := e.Eval(&xpath.Context{Node: d.DocumentElement()}); err != nil {
			t.Errorf("%.20s…: %v", src, err)
		}
	}
	if _, err := xpath.CompilePattern(strings.Repeat("a/", 10_000)+"a", xpath.Static{}); err == nil || !strings.Contains(err.Error(), "XP017") {
		t.Errorf("a pattern of 10,001 steps: %v", err)
	}
	for _, bytes := range []string{"'\xff'", "\xff", "a\xff", "'ok' = '\xc3'"} {
		if _, err := xpath.Compile(bytes, xpath.Static{}); err == nil || !strings.Contains(err.Error(), "XP002") {
			t.Errorf("%q: %v, want XP002", bytes, err)
		}
	}
}

func TestValues(t *testing.T) {
	d := parse(t, `<r>7</r>`)
	for _, tt := range []struct {
		v    xpath.Value
		typ  xpath.Type
		str  string
		num  float64
		bool bool
	}{
		{xpath.Value{}, xpath.StringType, "", math.NaN(), false},
		{xpath.String(""), xpath.StringType, "", math.NaN(), false},
		{xpath.String("0"), xpath.StringType, "0", 0, true},
		{xpath.String(" -2.50 "), xpath.StringType, " -2.50 ", -2.5, true},
		{xpath.Number(0), xpath.NumberType, "0", 0, false},
		{xpath.Number(math.Copysign(0, -1)), xpath.NumberType, "0", 0, false},
		{xpath.Number(math.NaN()), xpath.NumberType, "NaN", math.NaN(), false},
		{xpath.Number(math.Inf(-1)), xpath.NumberType, "-Infinity", math.Inf(-1), true},
		{xpath.Number(-0.25), xpath.NumberType, "-0.25", -0.25, true},
		{xpath.Boolean(true), xpath.BooleanType, "true", 1, true},
		{xpath.Boolean(false), xpath.BooleanType, "false", 0, false},
		{xpath.NodeSet(nil), xpath.NodeSetType, "", math.NaN(), false},
		{xpath.NodeSet([]*xmltree.Node{d.Root()}), xpath.NodeSetType, "7", 7, true},
	} {
		num := tt.v.Num()
		if tt.v.Type() != tt.typ || tt.v.Str() != tt.str || num != tt.num && !(num != num && tt.num != tt.num) || tt.v.Bool() != tt.bool {
			t.Errorf("%#v is %s: %q, %v, %v", tt.v, tt.v.Type(), tt.v.Str(), num, tt.v.Bool())
		}
		if (tt.v.Nodes() != nil) != (tt.typ == xpath.NodeSetType && tt.bool) {
			t.Errorf("%#v: Nodes = %v", tt.v, tt.v.Nodes())
		}
	}
	if s := xpath.FormatNumber(math.MaxFloat64); len(s) != 309 || strings.Trim(s, "0123456789") != "" {
		t.Errorf("the largest number is written %s", s)
	}
	if s := xpath.FormatNumber(math.SmallestNonzeroFloat64); s != "0."+strings.Repeat("0", 323)+"5" {
		t.Errorf("the smallest number is written %s", s)
	}
}

// An unlinked element is the root of its tree.
func TestUnlinked(t *testing.T) {
	d := xmltree.New(nil)
	top := d.NewElement(xmltree.Name{Local: "top"})
	for range 3 {
		if err := top.Append(d.NewElement(xmltree.Name{Local: "a"})); err != nil {
			t.Fatal(err)
		}
	}
	for src, want := range map[string]float64{"count(/)": 1, "count(/a)": 3, "count(//a)": 3, "count(..)": 0, "count(/top)": 0, "count(a/ancestor::*)": 1,
		"count(following::node())": 0, "count(preceding::node())": 0, "count(a[2]/preceding::*)": 1} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Num(&xpath.Context{Node: top}); err != nil || got != want {
			t.Errorf("%s = %v, %v, want %v", src, got, err, want)
		}
	}
}

// One expression serves many goroutines, and so does a document that nobody edits.
func TestParallel(t *testing.T) {
	d := parse(t, "<r>"+strings.Repeat("<a><b/><c/></a>", 50)+"<d/></r>")
	var all []*xpath.Expr
	for _, src := range []string{"d", "//a/b", "a[b][last()]/c", "//c/preceding::b[1]", "//d/namespace::*", "count(//b | //c)"} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, e := range all {
				if _, err := e.Eval(&xpath.Context{Node: d.DocumentElement()}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestRules(t *testing.T) {
	for i, r := range xpath.Rules() {
		if want := fmt.Sprintf("XP%03d", i+1); r.ID != want || r.Title == "" || r.Help == "" {
			t.Errorf("rule %d is %+v, want %s", i, r, want)
		}
	}
}
