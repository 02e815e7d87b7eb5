package xslt_test

import "fmt"

// body writes the instructions of a template body.
func (g *generator) body(p place) {
	scope, attr := len(g.vars), g.attr
	g.attr = p.attr
	defer func() { g.vars, g.attr = g.vars[:scope], attr }()
	p.depth++
	if p.attrs {
		for range g.pick(45, 35, 20) {
			g.attribute(p)
		}
		p.attrs = false
	}
	for range 1 + g.pick(35, 40, 20, 5) {
		if g.chance(5) {
			g.put(g.of("\n  ", " ", "<!-- note -->", "<?note?>"))
		}
		g.instruction(p)
	}
}

func (g *generator) instruction(p place) {
	deep := p.depth > 4
	switch g.pick(12, 22, 14, 6, 5, 7, 9, 8, 6, 12, 5, 8, 2, 2, 4, 2, 2) {
	case 0:
		g.text()
	case 1:
		if len(g.keys) > 0 && g.chance(3) {
			g.putf(`<xsl:for-each select="document('%s')"><xsl:value-of select="count(key('%s', %s))"/></xsl:for-each>`, auxiliary, g.of(g.keys...), g.of("1", "2", "'one'", "'a'"))
			return
		}
		if g.chance(4) {
			g.putf(`[<xsl:value-of select=%s/>]`, quoted(g.of(longNumbers...)))
			return
		}
		g.putf(`<xsl:value-of select=%s/>`, quoted(g.scalar(3)))
	case 2:
		if p.text || deep {
			g.text()
			return
		}
		g.literalElement(p)
	case 3:
		if p.text || deep {
			g.putf(`<xsl:value-of select=%s/>`, quoted(g.str(3)))
			return
		}
		g.putf("<xsl:element %s", g.of(`name="el"`, `name="p:el"`, `name="x{local-name()}"`, `name="w:{local-name(*)}z" namespace="urn:w"`, `name="el" namespace="urn:{count(*)}"`, `name="p:el" namespace=""`, `name="z:el" namespace="urn:q"`, `name="{'q:b'}"`))
		g.useSets("")
		g.put(">")
		p.attrs = true
		g.body(p)
		g.put("</xsl:element>")
	case 4:
		if p.text || p.attr || deep {
			g.putf(`<xsl:value-of select=%s/>`, quoted(g.number(3)))
			return
		}
		g.put("<xsl:copy>")
		g.body(p)
		g.put("</xsl:copy>")
	case 5:
		if v, ok := g.variableOf("tsf"); ok && !p.text && g.chance(40) {
			g.putf(`<xsl:copy-of select="%s"/>`, v)
			return
		}
		if p.text {
			g.putf(`<xsl:copy-of select=%s/>`, quoted(g.str(2)))
			return
		}
		g.putf(`<xsl:copy-of select=%s/>`, quoted(g.nodes(2, true)))
	case 6:
		if deep {
			g.text()
			return
		}
		bare := g.chance(60)
		g.putf(`<xsl:for-each select=%s>`, quoted(g.few(g.nodes(2, bare))))
		g.sort()
		p.looping, p.attr = true, !bare
		g.body(p)
		g.put("</xsl:for-each>")
	case 7:
		g.putf(`<xsl:if test=%s>`, quoted(g.boolean(2)))
		g.body(p)
		g.put("</xsl:if>")
	case 8:
		g.put("<xsl:choose>")
		for range 1 + g.below(2) {
			g.putf(`<xsl:when test=%s>`, quoted(g.boolean(2)))
			g.body(p)
			g.put("</xsl:when>")
		}
		if g.chance(70) {
			g.put("<xsl:otherwise>")
			g.body(p)
			g.put("</xsl:otherwise>")
		}
		g.put("</xsl:choose>")
	case 9:
		g.applyTemplates(p)
	case 10:
		if p.named < 0 || p.named >= namedTemplates || p.text {
			g.text()
			return
		}
		g.putf(`<xsl:call-template name="t%d">`, p.named+g.below(namedTemplates-p.named))
		g.arguments(1)
		g.put("</xsl:call-template>")
	case 11:
		g.serial++
		g.value("variable", fmt.Sprintf("v%d", g.serial), p)
	case 12:
		if p.text {
			g.text()
			return
		}
		g.put("<xsl:comment>c") // libxslt makes no empty comment
		g.textBody(p)
		g.put("</xsl:comment>")
	case 13:
		if p.text {
			g.text()
			return
		}
		g.putf(`<xsl:processing-instruction name="%s">`, g.of("t", "u", "x{local-name()}"))
		g.textBody(p)
		g.put("</xsl:processing-instruction>")
	case 14:
		g.numberInstr()
	case 15:
		g.put("<xsl:message>")
		g.textBody(p)
		g.put("</xsl:message>")
	case 16:
		g.put("<xsl:fallback>never</xsl:fallback>")
	}
}

func (g *generator) textBody(p place) {
	p.text, p.attrs = true, false
	g.body(p)
}

// few cuts a node-set short most of the time.
func (g *generator) few(nodes string) string {
	if g.chance(40) {
		return nodes
	}
	return "(" + nodes + ")[position() < 4]"
}

func (g *generator) text() {
	switch g.pick(50, 25, 15, 10) {
	case 0:
		g.put(g.of("one", "two ", " three", "é", "x&amp;y", "a&lt;b", "1", "{x}", "]]&gt;", "\n indented\n"))
	case 1:
		g.putf("<xsl:text>%s</xsl:text>", g.of(" ", "\n", "text", ";", ",", "|", "  two  "))
	case 2:
		g.put(g.of("<![CDATA[<c>&]]>", "<![CDATA[ ]]>x", "&#32;", "&#160;", "a<!-- split -->b"))
	case 3:
		g.put(g.of(",", ";", "|", "/"))
	}
}

func (g *generator) useSets(prefix string) {
	if len(g.sets) > 0 && g.chance(35) {
		g.putf(` %suse-attribute-sets="%s"`, prefix, g.of(g.sets...))
	}
}

func (g *generator) literalElement(p place) {
	name := g.of("r", "s", "t", "a", "p:l", "q:l", "al:l", "r", "s")
	if g.chance(5) {
		g.putf(`<%s xmlns="urn:d"`, name)
	} else {
		g.putf("<%s", name)
	}
	if g.chance(5) {
		g.put(` xml:space="preserve"`)
	}
	if g.chance(5) {
		g.put(` xsl:exclude-result-prefixes="p"`)
	}
	g.useSets("xsl:")
	if g.chance(40) {
		g.putf(` x=%s`, quoted(g.template()))
	}
	if g.chance(8) {
		g.putf(` %s=%s`, g.of("p:x", "al:x", "xml:lang"), quoted(g.template()))
	}
	if g.chance(10) {
		g.put("/>")
		return
	}
	g.put(">")
	p.attrs = true
	g.body(p)
	g.putf("</%s>", name)
}

// template returns an attribute value template.
func (g *generator) template() string {
	s := ""
	for range 1 + g.below(3) {
		switch g.pick(30, 60, 10) {
		case 0:
			s += g.of("a", " ", "-", "one", "é", "\n", "\t")
		case 1:
			s += "{" + g.scalar(2) + "}"
		case 2:
			s += g.of("{{", "}}", "{{x}}", "{'}'}")
		}
	}
	return s
}

// attribute writes what makes attributes.
func (g *generator) attribute(p place) {
	switch g.pick(50, 15, 15, 10, 10) {
	case 1:
		g.putf(`<xsl:copy-of select=%s/>`, quoted(g.of("@*", "@n", "@x|@k", "..//@n", "@p:*", "ancestor::*/@x")))
		return
	case 2:
		g.putf(`<xsl:if test=%s>`, quoted(g.boolean(1)))
		g.attribute(p)
		g.put("</xsl:if>")
		return
	case 3:
		g.putf(`<xsl:for-each select=%s><xsl:attribute name="{local-name()}"><xsl:value-of select="."/></xsl:attribute></xsl:for-each>`, quoted(g.of("@*", "*/@n", "@n|@y")))
		return
	case 4:
		g.putf(`<xsl:for-each select=%s><xsl:copy/></xsl:for-each>`, quoted(g.of("@*", "../@*", "@k|@n")))
		return
	}
	g.putf("<xsl:attribute %s>", g.of(`name="y"`, `name="x"`, `name="p:y"`, `name="w" namespace="urn:w"`, `name="w:w" namespace="urn:w"`, `name="x{count(*)}"`, `name="z:y" namespace="urn:q"`, `name="y" namespace=""`, `name="{'q:y'}"`, `name="xml:lang"`))
	g.textBody(p)
	g.put("</xsl:attribute>")
}

func (g *generator) applyTemplates(p place) {
	if p.mode == len(modes)-1 && p.looping || p.text {
		g.text()
		return
	}
	mode, sel := p.mode, ""
	if !p.looping && g.chance(70) || p.mode == len(modes)-1 {
		sel = g.of("", "", "", "*", "a|b", "node()", "text()", "*[1]", "*[position() > 1]", "a", "@n|*", "*[@n]")
	} else {
		mode = p.mode + 1 + g.below(len(modes)-1-p.mode)
		sel = g.few(g.nodes(2, false))
	}
	if sel == "" && p.attr {
		sel = "node()" // without select libxslt processes the text of an attribute
	}
	g.put("<xsl:apply-templates")
	if mode > 0 {
		g.putf(` mode="%s"`, modes[mode])
	}
	if sel != "" {
		g.putf(" select=%s", quoted(sel))
	}
	g.put(">")
	g.sort()
	g.arguments(1)
	g.put("</xsl:apply-templates>")
}

// sort writes sort keys on which all processors agree: lower-case words and
// numbers.
func (g *generator) sort() {
	if !g.chance(25) {
		return
	}
	for i := range 1 + g.below(2) {
		switch g.below(4 - i) {
		case 0:
			g.putf(`<xsl:sort select="%s" order="%s"/>`, g.of("@k", "local-name()", "local-name(..)"), g.of("ascending", "descending", "{'descending'}"))
		case 1:
			g.putf(`<xsl:sort select="%s" data-type="number" order="%s"/>`, g.of("@n", "count(*)", "string-length()", "count(ancestor::*)"), g.of("ascending", "descending"))
		case 2:
			g.putf(`<xsl:sort select="%s" data-type="{'number'}"/>`, g.of("count(preceding::*)", "count(text())", "@n * -1", "sum(*/@n)"))
		case 3: // in a second key libxslt takes the position in what it sorted so far
			g.putf(`<xsl:sort select="%s" data-type="number"/>`, g.of("position()", "-position()", "position() mod 3", "last() - position()"))
		}
	}
}

func (g *generator) numberInstr() {
	value := g.chance(40)
	from := ""
	if g.chance(25) {
		from = g.of("a", "b", "c", "d")
	}
	switch {
	case value:
	case from == "": // libxslt does not number the root
		g.put(`<xsl:if test="..">`)
		defer g.put("</xsl:if>")
	default: // libxslt does not number what from matches
		g.putf(`<xsl:if test="ancestor::%s and not(self::%s)">`, from, from)
		defer g.put("</xsl:if>")
	}
	g.put("<xsl:number")
	if value {
		g.putf(` value="%s"`, g.of("1", "2", "5", "12", "26", "27", "52", "99", "702", "703", "1999", "3888", "position()", "count(//*)", "1 + count(*)"))
	} else {
		g.putf(` level="%s"`, g.of("single", "multiple", "any"))
		switch {
		case from != "": // libxslt counts what from matches
			g.putf(` count="%s"`, g.of("f", "p:*", "text()", "f|q:*"))
		case g.chance(60):
			g.putf(` count="%s"`, g.of("a", "b", "*", "a|b", "p:*", "node()", "text()", "a[@n]", "*[1]"))
		}
		if from != "" {
			g.putf(` from="%s"`, from)
		}
	}
	if g.chance(60) {
		g.putf(` format="%s"`, g.of("1", "01", "a", "A", "i", "I", "1.1", "(a)", "1-a. ", "{'i'}", "001", "1.a.i", "[1]"))
	}
	if g.chance(15) {
		g.putf(` grouping-separator="," grouping-size="%s"`, g.of("3", "2"))
	}
	g.put("/>")
}
