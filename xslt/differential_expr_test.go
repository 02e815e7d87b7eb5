package xslt_test

import (
	"fmt"
	"slices"
	"strings"
)

// What kind of value a variable has, and with it where it may stand.
const (
	nodeKind   = 'n' // node-set without attributes
	numberKind = 'f'
	stringKind = 's'
	boolKind   = 'b'
	treeKind   = 't' // result tree fragment
)

type variable struct {
	name string
	kind rune
}

// expr returns an expression of any type but a node-set with attributes.
func (g *generator) expr(d int) (string, rune) {
	switch g.pick(30, 25, 35, 10) {
	case 0:
		return g.nodes(d, true), nodeKind
	case 1:
		return g.number(d), numberKind
	case 2:
		return g.str(d), stringKind
	default:
		return g.boolean(d), boolKind
	}
}

// scalar returns an expression whose value is wanted as text.
func (g *generator) scalar(d int) string {
	if g.chance(25) {
		return g.nodes(d, false)
	}
	e, _ := g.expr(d)
	return e
}

func (g *generator) variableOf(kinds string) (string, bool) {
	if g.closed {
		return "", false
	}
	var names []string
	for _, v := range g.vars {
		if strings.ContainsRune(kinds, v.kind) {
			names = append(names, "$"+v.name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return g.of(names...), true
}

// nodes returns an expression for a node-set. bare keeps attributes out of it.
func (g *generator) nodes(d int, bare bool) string {
	if d > 0 {
		switch g.pick(70, 8, 6, 6, 5, 5) {
		case 1:
			return g.nodes(d-1, bare) + " | " + g.nodes(d-1, bare)
		case 2:
			return "(" + g.nodes(d-1, bare) + ")" + g.predicates(d-1, 1)
		case 3:
			if v, ok := g.variableOf("n"); ok {
				switch g.below(3) {
				case 0:
					return v
				case 1:
					return v + g.predicates(d-1, 1)
				}
				return v + g.slash() + g.steps(d-1, bare)
			}
		case 4:
			if len(g.keys) > 0 && !g.closed {
				k := fmt.Sprintf("key('%s', %s)", g.of(g.keys...), g.keyValue(d-1))
				switch {
				case bare:
					k += "[self::*]" // the key may be one of attributes
				case g.chance(30):
					k += g.slash() + g.steps(d-1, bare)
				}
				return k
			}
		case 5:
			if !g.closed {
				return "current()" + g.slash() + g.steps(d-1, bare)
			}
		}
	}
	switch g.pick(60, 15, 20, 5) {
	case 1:
		return "/" + g.steps(d, bare)
	case 2:
		return "//" + g.steps(d, bare)
	case 3:
		if bare {
			return g.of("..", "../..", "/", "/*", "ancestor::*", "parent::*")
		}
		return g.of(".", "..", "@*", "/", ".//@*", "@n")
	}
	return g.steps(d, bare)
}

// keyValue returns the second argument of key().
func (g *generator) keyValue(d int) string {
	switch g.below(4) {
	case 0:
		return g.nodes(d, false)
	case 1:
		return fmt.Sprint(1 + g.below(4))
	}
	return "'" + g.of("1", "2", "3", "one", "two", "a", "b") + "'"
}

func (g *generator) slash() string {
	if g.chance(15) {
		return "//"
	}
	return "/"
}

func (g *generator) steps(d int, bare bool) string {
	var b strings.Builder
	n := 1 + g.pick(55, 35, 10)
	for i := range n {
		if i > 0 {
			b.WriteString(g.slash())
		}
		b.WriteString(g.step(d, bare && i == n-1, i == n-1))
	}
	return b.String()
}

var axes = []string{"descendant", "descendant-or-self", "parent", "ancestor", "ancestor-or-self", "following-sibling", "preceding-sibling", "following", "preceding", "self"}

// step returns one step; attributes only come last, where they do not starve
// what follows, and only if bare permits.
func (g *generator) step(d int, bare, last bool) string {
	var s string
	switch kind := g.pick(50, 15, 30, 5); {
	case kind == 1 && last && !bare:
		attr := g.attr
		g.attr = true
		defer func() { g.attr = attr }()
		s = g.of("@", "@", "attribute::") + g.of("x", "y", "n", "k", "*", "p:x", "p:*", "node()")
	case kind == 3 && !bare:
		return g.of(".", "..")
	case kind >= 2:
		axis := g.of(axes...)
		for g.attr && axis == "following" { // which libxml2 gets wrong for attributes
			axis = g.of(axes...)
		}
		test := g.test()
		if strings.HasSuffix(axis, "self") && strings.HasPrefix(test, "node") {
			test = "*" // node() might be the attribute it starts from
		}
		s = axis + "::" + test
	default:
		s = g.of("", "", "", "child::") + g.test()
	}
	return s + g.predicates(d, 0)
}

func (g *generator) test() string {
	switch g.pick(45, 25, 8, 6, 6, 3, 3, 4) {
	case 0:
		return g.of("a", "b", "c", "d", "f")
	case 1:
		return "*"
	case 2:
		return "text()"
	case 3:
		return "node()"
	case 4:
		return g.of("p:a", "p:b", "q:b", "q:c", "p:*", "q:*")
	case 5:
		return "comment()"
	case 6:
		return g.of("processing-instruction()", "processing-instruction('t')", `processing-instruction("u")`)
	}
	return g.of("a", "b")
}

// predicates returns at least least predicates.
func (g *generator) predicates(d, least int) string {
	var b strings.Builder
	n := least
	if d > 0 {
		n += g.pick(70, 25, 5)
	}
	for range n {
		b.WriteString("[" + g.predicate(max(d-1, 0)) + "]")
	}
	return b.String()
}

func (g *generator) predicate(d int) string {
	switch g.pick(20, 12, 15, 15, 8, 30) {
	case 0:
		return g.of("1", "2", "3", "last()")
	case 1:
		return g.of("position() = last()", "position() > 1", "position() < 3", "position() mod 2 = 1", "last() - 1", "position() != last()", "last() > 2", "not(position() = 1)")
	case 2:
		return g.of("@n", "@x", "@k", "a", "b", "*", "text()", "not(*)", "node()", "@*", "..", "@p:x")
	case 3:
		return g.of("@x", "@k", ".", "b", "@y") + g.of(" = ", " != ") + g.of("'one'", "'two'", "'a'", "'b'", "''")
	case 4:
		return g.of("@n", "b", ".", "*") + g.of(" > ", " < ", " >= ", " <= ", " = ") + g.of("1", "2", "3", "0", "2.5")
	}
	return g.boolean(d)
}

// numbers are exact in binary and small, so that what is made of them has few
// digits: libxml2 writes 15 of them, and a string function may meet them.
var numbers = []string{"0", "1", "2", "3", "7", "10", "-1", "0.5", "1.5", "2.5", "-0.5", "-1.5", "100", "1234", ".25", "3.", "-7"}

// longNumbers need many digits.
var longNumbers = []string{"1 div 3", "2 div 3", "0.1 + 0.2", "0.000001", "1000000000", "123456789012", "12345678901234567890", "0.1 * 3", "1 div 7000000", "-1 div 9", "99.99 * 3", "1000000 * 1000000", "0.00000012345", "1 div 1024", "100 div 3.", "999999999 + 1", "9007199254740993", "-0.1 - 0.7"}

func (g *generator) number(d int) string {
	if d <= 0 {
		switch g.pick(70, 20, 10) {
		case 1:
			return g.of("position()", "last()", "count(*)", "count(@*)", "string-length()", "number(@n)", "sum(//@n)", "number()")
		case 2:
			return g.of("1 div 0", "-1 div 0", "0 div 0", "-0", "7 mod 0", "-7 mod 3", "7 mod -3", "1.5 mod 0.5", "1 mod (1 div 0)")
		}
		return g.of(numbers...)
	}
	switch g.pick(18, 20, 8, 20, 12, 6, 6, 5, 3, 2) {
	case 1:
		return "count(" + g.nodes(d-1, false) + ")"
	case 2:
		return "sum(" + g.of("//@n", "@n", "*/@n", ".//b", g.nodes(d-1, false)) + ")"
	case 3:
		a, b := g.operand(d-1), g.operand(d-1)
		if g.chance(20) {
			return a + " div " + g.of("2", "4", "0.5", "-2", "0", "(1 div 0)")
		}
		return a + g.of(" + ", " - ", " * ", " mod ") + b
	case 4:
		if g.chance(30) {
			return "round(" + g.of("0.5", "1.5", "2.5", "-0.5", "-1.5", "-2.5", "0.49", "-0.51", "1 div 2 + position()") + ")"
		}
		return g.of("floor", "ceiling", "round") + "(" + g.number(d-1) + ")"
	case 5:
		return "string-length(" + g.str(d-1) + ")"
	case 6:
		e, _ := g.expr(d - 1)
		return "number(" + e + ")"
	case 7:
		if v, ok := g.variableOf("fst"); ok {
			return v + g.of(" + 1", " * 2", " - 1", " div 2")
		}
	case 8:
		return "-" + g.operand(d-1)
	case 9:
		if !g.closed && g.chance(50) {
			return "count(document('" + auxiliary + "')/" + g.of("r/a", "r/*", "/a", "/@*", "/text()", "r/b/c", "*", "/node()") + ")"
		}
		return g.of("count(namespace::*)", "count(//namespace::*)", "count(ancestor-or-self::*/namespace::p)")
	}
	return g.number(0)
}

// operand returns a number that may stand beside an operator.
func (g *generator) operand(d int) string {
	switch g.below(3) {
	case 0:
		return g.of(numbers...)
	case 1:
		return g.of("@n", "count(*)", "position()", "last()", "string-length()")
	}
	return "(" + g.number(d) + ")"
}

var literals = []string{"''", "'a'", "'b'", "'one'", "'two'", "'one two'", `"it's"`, "' x  y '", "'ab'", "'é'", "'日本'", "'12'", "' 3 '", "'abcabc'", "'{}'", "'&<'", "'\t'", "'😀b'"}

func (g *generator) str(d int) string {
	if d <= 0 {
		if g.chance(50) {
			return g.of(literals...)
		}
		return g.of("name()", "local-name()", "namespace-uri()", "string()", "string(@x)", "string(@k)", "normalize-space()", "string(.)", "string(..)", "name(..)", "string(*)", "local-name(*)", "name(@*)")
	}
	switch g.pick(14, 8, 14, 14, 8, 8, 8, 6, 8, 6, 6) {
	case 1:
		e, _ := g.expr(d - 1)
		return "string(" + e + ")"
	case 2:
		s := "concat(" + g.scalar(d-1) + ", " + g.scalar(d-1)
		for g.chance(30) {
			s += ", " + g.scalar(d-1)
		}
		return s + ")"
	case 3:
		s := "substring(" + g.str(d-1) + ", " + g.edge(d-1)
		if g.chance(60) {
			s += ", " + g.edge(d-1)
		}
		return s + ")"
	case 4:
		return g.of("substring-before", "substring-after") + "(" + g.scalar(d-1) + ", " + g.of("'a'", "'b'", "' '", "''", "'n'", "'1'", "'one'", "'é'", g.str(d-1)) + ")"
	case 5:
		return "translate(" + g.scalar(d-1) + ", " + g.of("'abc'", "'one'", "'aab'", "''", "' '", "'é日'", g.str(d-1)) + ", " + g.of("'ABC'", "'x'", "''", "'é日'", "'12345'") + ")"
	case 6:
		return "normalize-space(" + g.scalar(d-1) + ")"
	case 7:
		if v, ok := g.variableOf("stfb"); ok {
			return "string(" + v + ")"
		}
	case 8:
		if !g.closed && g.chance(10) {
			return "string(document('" + auxiliary + "')" + g.of("/r/a[2]", "/*", "//b", "//@n", "/r/a[@n = 2]/@k") + ")"
		}
		return g.of("name", "local-name", "namespace-uri") + "(" + g.nodes(d-1, false) + ")"
	case 9:
		return g.formatNumber(d - 1)
	case 10:
		return g.of("string(true())", "string(0 div 0)", "string(1 div 0)", "string(-0.0)", "string(/)", "string(//@n)", "string(number(system-property('xsl:version')))", "generate-id(/..)", "unparsed-entity-uri('none')", "string(0.1 + 0.2 = 0.3)")
	}
	return g.str(0)
}

// edge returns a number that is hard for substring().
func (g *generator) edge(d int) string {
	switch g.below(4) {
	case 0:
		return g.of("0", "-1", "1.5", "2.5", "0.5", "-42", "1 div 0", "-1 div 0", "0 div 0", "1.499", "3.5", "100")
	case 1:
		return g.number(d)
	}
	return g.of("1", "2", "3", "4")
}

func (g *generator) formatNumber(d int) string {
	if g.chance(10) {
		return "format-number(" + g.of("0 div 0", "1 div 0", "-1 div 0") + ", '" + g.of("0", "#,##0.00", "000") + "')"
	}
	if !g.closed && len(g.formats) > 0 && g.chance(30) {
		return "format-number(" + g.of("0", "12", "-1234.57", "1234567", "0.51", "count(//*)") + ", '" + g.of("#.##0,00", "0", "0,0", "#.##0") + "', '" + g.of(g.formats...) + "')"
	}
	v := g.of("0", "1", "12", "123", "1234", "1234567", "0.51", "1.26", "12.127", "1234.52", "0.126", "-3", "-1234.57", "floor(@n)", "count(//*)", "position()")
	return "format-number(" + v + ", '" + g.of("0", "#", "0.0", "0.00", "#,##0", "#,##0.00", "0.##", "000", "0%", "#,###", "##0.0#", "0.0;(0.0)", "a0b", "$#,##0.00") + "')"
}

func (g *generator) boolean(d int) string {
	if d <= 0 {
		return g.of("true()", "false()", "@n", "a", "*", "text()", "@x = 'one'", "@n > 1", "position() = 1", "not(*)", "self::a", "self::*", "..", "1", "''", "'x'", "0 div 0")
	}
	switch g.pick(6, 8, 8, 6, 40, 6, 6, 4, 4, 4, 4) {
	case 1:
		return "not(" + g.boolean(d-1) + ")"
	case 2:
		return g.truth(d-1) + " and " + g.truth(d-1)
	case 3:
		return g.truth(d-1) + " or " + g.truth(d-1)
	case 4:
		return g.side(d-1) + g.of(" = ", " != ", " = ", " != ", " < ", " > ", " <= ", " >= ") + g.side(d-1)
	case 5:
		return "contains(" + g.scalar(d-1) + ", " + g.of("'a'", "'o'", "''", "'1'", g.str(d-1)) + ")"
	case 6:
		return "starts-with(" + g.scalar(d-1) + ", " + g.of("'a'", "'o'", "''", "'1'", g.str(d-1)) + ")"
	case 7:
		e, _ := g.expr(d - 1)
		return "boolean(" + e + ")"
	case 8:
		return g.of("lang('en')", "lang('EN')", "lang('en-GB')", "lang('de')", "lang('e')")
	case 9:
		return g.of("function-available('key')", "function-available('none')", "element-available('xsl:if')", "element-available('xsl:none')", "function-available('last')", "element-available('if')")
	case 10:
		return "generate-id(" + g.nodes(d-1, true) + ") = generate-id(" + g.nodes(d-1, true) + ")"
	}
	return g.boolean(0)
}

func (g *generator) truth(d int) string { return "(" + g.boolean(d) + ")" }

// side returns one side of a comparison.
func (g *generator) side(d int) string {
	if v, ok := g.variableOf("nfsbt"); ok && g.chance(20) {
		return v
	}
	switch g.pick(35, 15, 20, 15, 15) {
	case 0:
		return "(" + g.nodes(d, false) + ")"
	case 1:
		return "(" + g.number(d) + ")"
	case 2:
		return g.str(d)
	case 3:
		return g.truth(d)
	}
	return g.of("1", "2", "'one'", "'1'", "true()", "@n", "@x", ".", "''", "*", "//@n", "//b")
}

// pattern returns a match pattern. attrs tells whether it can match attributes.
func (g *generator) pattern(attrs bool) string {
	n := 1 + g.pick(85, 13, 2)
	all := make([]string, n)
	for i := range all {
		all[i] = g.onePattern(attrs)
	}
	return strings.Join(all, " | ")
}

// keyPattern is pattern without what libxslt does not compile in keys: a blank
// behind "|", "/" alone, and id().
func (g *generator) keyPattern(attrs bool) string {
	for {
		p := strings.ReplaceAll(g.pattern(attrs), " | ", "|")
		if !slices.Contains(strings.Split(p, "|"), "/") && !strings.Contains(p, "id(") {
			return p
		}
	}
}

func (g *generator) onePattern(attrs bool) string {
	if attrs {
		p := g.of("@", "@", "attribute::") + g.of("x", "y", "n", "k", "*", "p:x", "p:*")
		if g.chance(40) {
			p = g.of("a", "b", "*", "p:a", "a[1]", "c//b") + g.slash() + p
		}
		// libxslt counts attributes wrongly in positions.
		return p + g.of("", "", "", "", "", "[. > 1]", "[. = 'one']", "[../b]")
	}
	switch g.pick(45, 40, 8, 4, 3) {
	case 1: // a path
		var b strings.Builder
		b.WriteString(g.of("", "", "", "", "/", "//"))
		for i := range 2 + g.pick(70, 30) {
			if i > 0 && strings.ContainsAny(b.String(), "(*") {
				b.WriteString("/") // libxslt misreads "node()//a" and "*//a"
			} else if i > 0 {
				b.WriteString(g.of("/", "/", "/", "//"))
			}
			p := g.predicatesIn(20)
			for strings.Contains(p, "][") { // with two of them libxslt forgets that the pattern begins with "/"
				p = g.predicatesIn(20)
			}
			b.WriteString(g.of("", "", "", "child::") + g.patternTest() + p)
		}
		return b.String()
	case 2:
		return g.of("/", "/*", "//a", "/*/b", "//*", "/node()", "//text()")
	case 3:
		if slices.Contains(g.keys, "k") && !g.closed { // with a prefix libxslt matches nothing
			return fmt.Sprintf("key('k', '%s')", g.of("1", "2", "one", "a")) + g.of("", "/a", "//b", "/*")
		}
	case 4:
		return g.of("id('none')", "id('none')/a", "id('x y')//*")
	}
	return g.patternTest() + g.predicatesIn(30)
}

func (g *generator) patternTest() string {
	switch g.pick(70, 12, 6, 4, 4, 4) {
	case 0:
		return g.of("a", "b", "c", "d", "f")
	case 1:
		return "*"
	case 2:
		return "text()"
	case 3:
		return g.of("p:a", "q:b", "p:*", "q:*")
	case 4:
		return g.of("comment()", "processing-instruction()", "processing-instruction('t')")
	}
	return "node()"
}

// predicatesIn returns a predicate in so many of a hundred cases.
func (g *generator) predicatesIn(percent int) string {
	if !g.chance(percent) {
		return ""
	}
	closed := g.closed
	g.closed = true
	defer func() { g.closed = closed }()
	return g.predicates(1, 1)
}
