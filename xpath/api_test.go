package xpath_test

import (
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

// What a document type declaration says is an ID is one, and the first element
// that has it.
func TestDeclaredIDs(t *testing.T) {
	d, err := xmltree.Parse([]byte(`<!DOCTYPE r [<!ATTLIST a n ID #IMPLIED m CDATA #IMPLIED><!ATTLIST b k ID #IMPLIED>]>
		<r><a n="x" m="y"/><a n="y"/><b k=" z " n="w"/><c xml:id="x"/></r>`), xmltree.Options{DTD: true})
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		"id('x')":           "{/r/a[1]}",
		"id('y')":           "{/r/a[2]}",
		"id('z y')":         "{/r/a[2], /r/b}",
		"id('w')":           "{}",
		"id(//@m)":          "{/r/a[2]}",
		"id('z')[id('x')]":  "{/r/b}",
		"id('x') | id('y')": "{/r/a[1], /r/a[2]}",
	} {
		c := &xpath.Context{Node: d.Root()}
		for range 3 { // walked, indexed, looked up
			v, err := compile(t, src).Eval(c)
			if err != nil || show(v) != want {
				t.Errorf("%s = %s, %v, want %s", src, show(v), err, want)
			}
		}
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

// The short expressions of stylesheets and procedures allocate nothing but the
// text that they make.
func TestAllocations(t *testing.T) {
	d := parse(t, `<r><a id="7" type="x"><name>Ann  B</name><price>12.5</price><b><c>x</c></b></a><a id="8"/><title>t</title></r>`)
	n := find(t, d.Root(), "/r/a")
	for src, most := range map[string]float64{
		".": 0, "@id": 0, "name": 0, "*": 0, "node()": 0, "..": 0, "../@x": 0, "../title": 0, "b/c": 0, "//c": 0, "//b/c": 0, "//a[1]": 0, "a[2]": 0, "@*|node()": 0, "name|price": 0,
		"$s": 0, "$n": 0, "$nodes/b": 0, "'x'": 0, "position()": 0, "last()": 0, "position() = last()": 0, "count(*)": 0, "count(//c)": 0, "count(..//a[@id])": 0,
		"name = 'x'": 0, "@id = 7": 0, "@type = 'x' or @type = 'y'": 0, "not(@id)": 0, "price > 10": 0, "price * 2 + 1": 0, "sum(../a/price)": 0, "-price": 0, "round(price)": 0,
		"string(name)": 0, "string-length(name)": 0, "substring(name, 2, 3)": 0, "substring-before(name, ' ')": 0, "contains(name, 'n')": 0, "starts-with(@id, '7')": 0,
		"name()": 0, "local-name(..)": 0, "boolean(b/c)": 0, "a = b": 0, "@id = ../a/@id": 0, "not(@id = preceding::a/@id)": 0, "count(. | ..)": 0, "count(.. | ../a[1]) = 1": 0, "count(. | //a[1]) = count(//a[1])": 0, "../a/@id = @id": 0, "preceding::a[1]": 0, "following-sibling::*[1]": 0, "ancestor::r/title": 0,
		"*[position() mod 2 = 1]": 0, "../a[@id = '8']": 0, "concat(name, '-', @id)": 1, "normalize-space(name)": 1, "translate(name, 'n', 'm')": 1, "string(..)": 1,
		"string(price * 2)": 1, "$nodes": 1,
	} {
		e, err := xpath.Compile(src, names)
		if err != nil {
			t.Fatal(err)
		}
		c := context(t, n)
		var buf []*xmltree.Node
		got := testing.AllocsPerRun(100, func() {
			switch e.Type() {
			case xpath.NodeSetType:
				buf, err = e.AppendNodes(c, buf[:0])
			case xpath.BooleanType:
				_, err = e.Bool(c)
			case xpath.NumberType:
				_, err = e.Num(c)
			default:
				_, err = e.Str(c)
			}
		})
		if err != nil || got > most {
			t.Errorf("%s: %v allocations, %v, want %v", src, got, err, most)
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
