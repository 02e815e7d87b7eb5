package xslt_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// A generator makes documents and valid stylesheets from a seed. The same seed
// gives the same ones on every machine.
type generator struct {
	r       *rand.Rand
	b       *strings.Builder
	vars    []variable
	keys    []string
	sets    []string // attribute sets
	formats []string // decimal formats with "," and "." exchanged
	attr    bool     // the context node may be an attribute
	closed  bool     // in a pattern or key, where neither variables nor current() may stand
	serial  int      // of names that must differ
}

func newGenerator(seed, n uint64) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, n)), b: &strings.Builder{}}
}

func (g *generator) below(n int) int       { return g.r.IntN(n) }
func (g *generator) chance(n int) bool     { return g.r.IntN(100) < n }
func (g *generator) of(s ...string) string { return s[g.r.IntN(len(s))] }

// pick returns an index with the given weights.
func (g *generator) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := g.r.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

func (g *generator) put(s string) { g.b.WriteString(s) }

func (g *generator) putf(format string, args ...any) { fmt.Fprintf(g.b, format, args...) }

// quoted escapes s for an attribute in double quotes.
func quoted(s string) string { return `"` + attrText.Replace(s) + `"` }

var attrText = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;")

// document returns a tree of few names, so that paths hit.
func (g *generator) document() string {
	g.b.Reset()
	left := 4 + g.below(50)
	if g.chance(20) {
		g.put(g.of("<!--top-->", "<?t top?>"))
	}
	g.sourceElement(0, &left, ` xmlns:p="urn:p" xmlns:q="urn:q"`)
	return g.b.String()
}

func (g *generator) sourceElement(depth int, left *int, decls string) {
	*left--
	name := g.of("a", "b", "c", "d", "f", "a", "b")
	switch {
	case g.chance(8):
		name = g.of("p:a", "p:b", "q:b", "q:c")
	case g.chance(3):
		decls += g.of(` xmlns="urn:q"`, ` xmlns="urn:d"`, ` xmlns:z="urn:p"`)
	}
	g.putf("<%s%s", name, decls)
	for _, a := range []struct {
		percent int
		name    string
		values  []string
	}{
		{35, "n", []string{"1", "2", "3", "10", "2.5", "-1", "0", "007", " 4 ", "x", "1234"}},
		{30, "x", []string{"one", "two", "a", "b", "", "one two", "é"}},
		{25, "k", []string{"a", "b", "c", "one", "two"}},
		{8, "y", []string{"&lt;&amp;&quot;", " a  b ", "line&#10;feed", "日本"}},
		{5, "p:x", []string{"1", "one"}},
		{4, "xml:lang", []string{"en", "EN-us", "de", ""}},
		{2, "xml:space", []string{"preserve", "default"}},
	} {
		if g.chance(a.percent) {
			g.putf(" %s=\"%s\"", a.name, g.of(a.values...))
		}
	}
	if depth > 5 || *left <= 0 {
		g.put("/>")
		return
	}
	g.put(">")
	for range g.pick(15, 15, 25, 20, 15, 10) {
		*left--
		switch g.pick(55, 20, 12, 4, 4, 2) {
		case 0:
			if *left > 0 {
				g.sourceElement(depth+1, left, "")
			}
		case 1:
			g.put(g.of("one", "two", "a", "b", "1", "2", "3", "10", " x ", "é", "-7.5", "a b c", "&amp;", "日本"))
		case 2:
			g.put(g.of(" ", "\n  ", "\n", "\t"))
		case 3:
			g.put(g.of("<!--c-->", "<!-- two -->", "<!---->"))
		case 4:
			g.put(g.of("<?t one?>", "<?u 2?>", "<?t a  b ?>"))
		case 5:
			g.put(g.of("<![CDATA[<x>]]>", "<![CDATA[ ]]>"))
		}
	}
	g.putf("</%s>", name)
}

// auxiliary is a document that stylesheets read. Its nodes never meet those of
// the source in one set, as the order between documents is not determined.
const (
	auxiliary     = "aux.xml"
	auxiliaryText = `<r><a k="a" n="1">one</a><b x="two"> <c/></b><!--c--><a n="2" k="b">two</a>1</r>`
)

// modes in the order in which a template may go from one to the next. Only the
// children of a node are ever sent to templates of the same mode, so that every
// transformation ends.
var modes = []string{"", "m", "p:m", "last"}

// place is where a template body stands.
type place struct {
	mode    int  // of the template
	named   int  // templates from this number on may be called; none: -1
	attrs   bool // attributes may be added here
	text    bool // only text may be made
	attr    bool // the current node may be an attribute
	looping bool // in an xsl:for-each or a named template, where the current node may be any
	depth   int
}

const namedTemplates = 4

// sheet returns the files of a stylesheet; the main one is sheet.xsl.
func (g *generator) sheet() map[string]string {
	var parts []string
	part := func(make func()) {
		g.b = &strings.Builder{}
		make()
		parts = append(parts, g.b.String())
	}
	g.closed = true
	for i := range g.pick(40, 40, 20) {
		name := g.of("k", "p:k")
		g.keys = append(g.keys, name)
		part(func() {
			g.putf(`<xsl:key name="%s" match=%s use=%s/>`, name, quoted(g.keyPattern(i == 1 && g.chance(30))), quoted(g.of("@k", "@n", "@x", ".", "name()", "*", g.scalar(1))))
		})
	}
	g.closed = false
	if g.chance(25) {
		name := g.of("f", "p:f")
		g.formats = []string{name}
		part(func() { g.putf(`<xsl:decimal-format name="%s" decimal-separator="," grouping-separator="."/>`, name) })
	}
	for i := range g.pick(60, 25, 15) {
		name := g.of("s", "p:s") + fmt.Sprint(i)
		part(func() { g.attributeSet(name, i) })
		g.sets = append(g.sets, name)
	}
	for i := range g.pick(20, 30, 30, 20) {
		part(func() { g.global(i) })
	}
	globals := len(g.vars)
	if g.chance(70) {
		part(func() { g.rule("/", false, 0) })
		g.vars = g.vars[:globals]
	}
	for range 2 + g.below(6) {
		part(func() {
			mode := g.pick(60, 20, 10, 10)
			attrs := g.chance(12)
			g.rule(g.pattern(attrs), attrs || mode > 0, mode)
		})
		g.vars = g.vars[:globals]
	}
	for i := range namedTemplates {
		part(func() { g.namedTemplate(i) })
		g.vars = g.vars[:globals]
	}
	if g.chance(30) {
		part(func() {
			g.putf(`<xsl:strip-space elements="%s"/>`, g.of("*", "a", "a b", "p:*", "b  a\n f"))
			if g.chance(40) {
				g.putf(`<xsl:preserve-space elements="%s"/>`, g.of("c", "c d", "q:*", "p:a"))
			}
		})
	}
	if g.chance(15) {
		part(func() { g.putf(`<xsl:namespace-alias stylesheet-prefix="al" result-prefix="%s"/>`, g.of("q", "p")) })
	}
	g.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })

	var head strings.Builder
	if g.chance(15) {
		head.WriteString(`<xsl:output method="text"/>`)
	} else {
		head.WriteString(`<xsl:output method="xml"/>`)
	}
	files := map[string]string{auxiliary: auxiliaryText}
	if g.chance(25) {
		head.Reset()
		head.WriteString(g.imports(files, &parts))
		head.WriteString(`<xsl:output method="xml"/>`)
	}
	files["sheet.xsl"] = g.stylesheet(head.String(), parts)
	return files
}

// imports moves some of parts to files of their own and returns the elements
// that bring them in.
func (g *generator) imports(files map[string]string, parts *[]string) string {
	var b strings.Builder
	take := func(n int) []string {
		n = min(n, len(*parts))
		taken := (*parts)[:n]
		*parts = (*parts)[n:]
		return taken
	}
	for i := range 1 + g.below(2) {
		name := fmt.Sprintf("import%d.xsl", i)
		inner := ""
		if g.chance(30) {
			deep := fmt.Sprintf("deep%d.xsl", i)
			files[deep] = strings.ReplaceAll(g.stylesheet("", take(2)), "<xsl:apply-imports/>", "")
			inner = fmt.Sprintf(`<xsl:%s href="%s"/>`, g.of("import", "include"), deep)
		}
		files[name] = g.stylesheet(inner, take(3))
		if i > 0 { // there libxslt goes on to what the first one brought in
			files[name] = strings.ReplaceAll(files[name], "<xsl:apply-imports/>", "")
		}
		fmt.Fprintf(&b, `<xsl:import href="%s"/>`, name)
	}
	if g.chance(50) {
		files["include.xsl"] = g.stylesheet("", take(2))
		b.WriteString(`<xsl:include href="include.xsl"/>`)
	}
	return b.String()
}

func (g *generator) stylesheet(head string, parts []string) string {
	attrs := ""
	if g.chance(40) {
		attrs = fmt.Sprintf(` exclude-result-prefixes="%s"`, g.of("p", "q", "p q", "al", "p al"))
	}
	return `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:p="urn:p" xmlns:q="urn:q" xmlns:al="urn:alias"` + attrs + ">\n" +
		head + "\n" + strings.Join(parts, "\n") + "\n</xsl:stylesheet>\n"
}

// attributeSet writes attributes that no other set has: where several sets
// disagree the order of merging matters, which libxslt gets wrong.
func (g *generator) attributeSet(name string, i int) {
	g.putf(`<xsl:attribute-set name="%s"`, name)
	if len(g.sets) > 0 && g.chance(30) {
		g.putf(` use-attribute-sets="%s"`, g.sets[0])
	}
	g.put(">")
	for j := range 1 + g.below(2) {
		g.putf(`<xsl:attribute name="%s%d%d">`, g.of("s", "p:s"), i, j)
		vars := g.vars
		g.body(place{mode: len(modes) - 1, named: -1, text: true, looping: true, attr: true})
		g.vars = vars
		g.put("</xsl:attribute>")
	}
	g.put("</xsl:attribute-set>")
}

func (g *generator) global(i int) {
	// Its body applies no templates: libxslt sets all variables before it
	// begins, and would take one that nobody needs for a circle.
	name := fmt.Sprintf("g%d", i)
	what := g.of("variable", "variable", "param")
	if i > 0 && g.chance(30) {
		g.putf(`<xsl:%s name="%s" select="%s"/>`, what, name, fmt.Sprintf(g.of("string($g%d)", "concat($g%d, 'x')", "boolean($g%d)", "number($g%d)"), i-1))
		g.vars = append(g.vars, variable{name, stringKind})
		return
	}
	// Nor does it read others otherwise: libxslt would set them where it is.
	outer := g.vars
	g.vars = nil
	defer func() { g.vars = append(outer, g.vars...) }()
	g.value(what, name, place{mode: len(modes) - 1, named: -1, looping: true, depth: 2})
}

// value writes a variable or parameter and notes it.
func (g *generator) value(what, name string, p place) {
	if g.chance(25) {
		g.putf(`<xsl:%s name="%s">`, what, name)
		p.attrs, p.text = false, false
		scope := len(g.vars)
		g.body(p)
		g.vars = append(g.vars[:scope], variable{name, treeKind})
		g.putf("</xsl:%s>", what)
		return
	}
	e, kind := g.expr(2)
	g.putf(`<xsl:%s name="%s" select=%s/>`, what, name, quoted(e))
	g.vars = append(g.vars, variable{name, kind})
}

// rule writes a template rule. attr tells whether it may run on attributes.
func (g *generator) rule(match string, attr bool, mode int) {
	g.putf(`<xsl:template match=%s`, quoted(match))
	if mode > 0 {
		g.putf(` mode="%s"`, modes[mode])
	}
	if g.chance(25) {
		g.putf(` priority="%s"`, g.of("-1", "0", "0.5", "1", "2", "-0.5"))
	}
	g.put(">")
	g.params()
	p := place{mode: mode, named: 0, attr: attr || strings.Contains(match, "key(")}
	if mode == len(modes)-1 {
		p.named = -1
	}
	if !p.attr && mode == 0 && g.chance(25) {
		g.putf("<xsl:copy>%s<xsl:apply-templates/></xsl:copy>", g.of(`<xsl:copy-of select="@*"/>`, "", `<xsl:copy-of select="@n|@x"/>`))
	}
	if match == "/" {
		g.put("<out>")
		g.applyTemplates(p)
	}
	g.body(p)
	if mode < 2 && !strings.Contains(match, "(") && g.chance(15) { // last: behind it libxslt may have lost the current node
		g.put("<xsl:apply-imports/>")
	}
	if match == "/" {
		g.put("</out>")
	}
	g.put("</xsl:template>")
}

// params writes parameters. Whoever passes one knows its kind from its name.
func (g *generator) params() {
	if g.chance(25) {
		g.putf(`<xsl:param name="pf" select=%s/>`, quoted(g.number(1)))
		g.vars = append(g.vars, variable{"pf", numberKind})
	}
	if g.chance(20) {
		g.put(`<xsl:param name="ps">`)
		g.put(g.of("", "default", "<x/>", `<xsl:value-of select="name()"/>`))
		g.put("</xsl:param>")
		g.vars = append(g.vars, variable{"ps", stringKind})
	}
	if g.chance(15) {
		g.putf(`<xsl:param name="pn" select=%s/>`, quoted(g.nodes(1, true)))
		g.vars = append(g.vars, variable{"pn", nodeKind})
	}
}

func (g *generator) arguments(d int) {
	if g.chance(25) {
		g.putf(`<xsl:with-param name="pf" select=%s/>`, quoted(g.number(d)))
	}
	if g.chance(20) {
		g.putf(`<xsl:with-param name="ps" select=%s/>`, quoted(g.str(d)))
	}
	if g.chance(15) {
		g.putf(`<xsl:with-param name="pn" select=%s/>`, quoted(g.nodes(d, true)))
	}
}

func (g *generator) namedTemplate(i int) {
	g.putf(`<xsl:template name="t%d">`, i)
	if i == namedTemplates-1 && g.chance(50) { // a recursion that counts down
		g.put(`<xsl:param name="pf" select="3"/><xsl:if test="$pf &gt; 0 and $pf &lt; 20">`)
		g.vars = append(g.vars, variable{"pf", numberKind})
		g.putf(`<xsl:value-of select=%s/>`, quoted(g.scalar(2)))
		g.putf(`<xsl:call-template name="t%d"><xsl:with-param name="pf" select="floor($pf) - 1"/></xsl:call-template></xsl:if></xsl:template>`, i)
		return
	}
	g.params()
	g.body(place{mode: len(modes) - 2, named: i + 1, attr: true, looping: true})
	g.put("</xsl:template>")
}
