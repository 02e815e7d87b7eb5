package xpath_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sutler/xmltree"
	"sutler/xpath"
)

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

// What would take forever or all memory reaches the limit of steps, soon and
// with little memory: a step buys a bounded amount of both.
func TestHostile(t *testing.T) {
	var b strings.Builder
	b.WriteString("<r xmlns:a='urn:a' xmlns:b='urn:b'>")
	for i := range 1000 {
		fmt.Fprintf(&b, "<a x='%d' xml:id='i%d'><b>%d some text that goes on</b><c/></a>", i, i, i)
	}
	b.WriteString(strings.Repeat("<d><e/>", 200) + strings.Repeat("</d>", 200) + "</r>")
	d := parse(t, b.String())
	many := func(part, between string, n int) string { return strings.Repeat(part+between, n-1) + part }
	for name, src := range map[string]string{
		"pairs":              "//*[count(preceding::*) > count(following::*)]",
		"pairs below":        "//*[.//*[count(preceding::*) = 1]]",
		"nested predicates":  many("*[preceding::*[", "", 20) + "self::nope" + many("]]", "", 20) + " | " + many(".//*[preceding::*[", "", 20) + "self::nope" + many("]]", "", 20),
		"nested absolute":    "//*[count(preceding::*[count(preceding::*) = 1]) = count(//*)]",
		"up and down":        many("descendant::node()/ancestor::node()", "/", 200),
		"there and back":     "//b/" + many("following::*/preceding::*", "/", 50),
		"nested unions":      many("(//* | //node() | ", "", 200) + "/" + many(")/ancestor-or-self::node()/descendant::*", "", 200),
		"wide unions":        many("//*[1]", "|", 5000),
		"compared sets":      "//*[//@x[. != 5] = preceding::b]",
		"compared texts":     "//@x/.. = //c/.. and //*[string(/) = 'x'] or //b[following::b = preceding::b]",
		"gathered texts":     "//*[following::b = following::c]",
		"long concat":        "concat('a'," + many("/", ",", 20000) + ")",
		"nested concat":      many("concat(/,", "", 1500) + "'x'" + many(")", "", 1500),
		"concat everywhere":  "//*[contains(concat(/, /, .), 'nothing')]",
		"texts everywhere":   "//*[string-length(/) = 1]",
		"normal everywhere":  "//*[normalize-space(/) = 'x']",
		"translated":         "//*[translate(/, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') = 'x']",
		"translated widely":  "//*[translate(/, /, 'é') = 'x']",
		"cut everywhere":     "//*[substring(/, string-length(/) - 1) = 'x']",
		"sums":               "//*[sum(//b) = 1]",
		"sums of the others": "//*[sum(preceding::b/@y | following::a/@x) = 1]",
		"namespaces":         many("//namespace::*/..", "", 20),
		"IDs":                "//*[id(//@xml:id)]",
		"positions":          "//*[position() = count(preceding::*[last() > position()])]",
		"last of each":       "//*[preceding::*[last() - 1][last()]]",
		"languages":          many("//*[ancestor::*[lang('en')] or ", "", 20) + "1" + many("]", "", 20) + "[preceding::*[lang('x')] = 1]",
	} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		const most = 300_000
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		c := &xpath.Context{Node: d.DocumentElement(), Budget: &xmltree.Budget{MaxSteps: most}}
		_, err = e.Eval(c)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if limit := (*xmltree.LimitError)(nil); !errors.As(err, &limit) {
			_, _, steps := c.Budget.Used()
			t.Errorf("%s: %v after %d steps, want the limit", name, err, steps)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 10<<20 || took > 10*time.Second {
			t.Errorf("%s: made %d MiB in %v", name, made>>20, took)
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
	for _, src := range []string{strings.Repeat("a | ", 30_000) + "a", strings.Repeat("//a/b | ", 15_000) + "a", "a" + strings.Repeat("[1]", 30_000), "concat(a" + strings.Repeat(", a", 30_000) + ")"} {
		var refused *xpath.Error
		if _, err := xpath.Compile(src, xpath.Static{}); !errors.As(err, &refused) || refused.Rule != "XP018" {
			t.Errorf("%.20s…: %v, want XP018", src, err)
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

// Patterns are paid for and stopped like expressions, if not to the step.
func TestPatternBudget(t *testing.T) {
	d := parse(t, "<r>"+strings.Repeat("<a><b/></a>", 2000)+"</r>")
	stop := errors.New("stop")
	for src, most := range map[string]int64{
		"b": 5000, "a/b": 5000, "r//b": 9000, "a[position() mod 2 = 0]": 11_000, "a[last()]": 11_000, "a[last() - 1]": 16_000, "a[2]": 11_000, "b[../preceding-sibling::a]": 14_000,
		"a[not(@x)][position() > 3]": 14_000,
	} {
		all, err := xpath.CompilePattern(src, xpath.Static{})
		if err != nil {
			t.Fatal(err)
		}
		match := func(c *xpath.Context) error {
			for n := d.DocumentElement().First(); n != nil; n = n.Next() {
				for _, m := range []*xmltree.Node{n, n.First()} {
					if _, err := all[0].Matches(c, m); err != nil {
						return err
					}
				}
			}
			return nil
		}
		b := &xmltree.Budget{}
		if err := match(&xpath.Context{Budget: b}); err != nil {
			t.Errorf("%s: %v", src, err)
		}
		_, _, steps := b.Used()
		if steps > most || steps < 3000 {
			t.Errorf("%s: %d steps for 4,000 matches, want %d at most", src, steps, most)
		}
		var limit *xmltree.LimitError
		if err := match(&xpath.Context{Budget: &xmltree.Budget{MaxSteps: steps / 2}}); !errors.As(err, &limit) {
			t.Errorf("%s: %v, want the limit", src, err)
		}
		if err := match(&xpath.Context{Poll: func() error { return stop }}); !errors.Is(err, stop) {
			t.Errorf("%s: %v, want %v", src, err, stop)
		}
	}
}
