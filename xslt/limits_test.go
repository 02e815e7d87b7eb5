package xslt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xslt"
)

// Hostile stylesheets end soon with an error that names the limit.
func TestLimits(t *testing.T) {
	double := `<xsl:template name="f"><xsl:param name="n"/><xsl:param name="t"/>
		<xsl:if test="$n &gt; 0"><xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/><xsl:with-param name="t"><xsl:copy-of select="$t"/><xsl:copy-of select="$t"/></xsl:with-param></xsl:call-template></xsl:if></xsl:template>`
	start := func(t string) string {
		return `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="n" select="100"/><xsl:with-param name="t">` + t + `</xsl:with-param></xsl:call-template></xsl:template>`
	}
	var nested strings.Builder
	for i := range 300 {
		fmt.Fprintf(&nested, `<xsl:template name="t%d"><e><xsl:call-template name="t%d"/></e></xsl:template>`, i, i+1)
	}
	nested.WriteString(`<xsl:template name="t300"/><xsl:template match="/"><xsl:call-template name="t0"/></xsl:template>`)
	var chain strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&chain, `<xsl:variable name="v%d" select="$v%d"/>`, i, i+1)
	}
	chain.WriteString(`<xsl:variable name="v5000" select="1"/><xsl:template match="/"><xsl:value-of select="$v0"/></xsl:template>`)

	for _, c := range []struct{ name, inside, setting string }{
		{"endless call", `<xsl:template match="/" name="f"><xsl:call-template name="f"/></xsl:template>`, "TemplateDepth"},
		{"endless apply", `<xsl:template match="*"><xsl:apply-templates select="."/></xsl:template>`, "TemplateDepth"},
		{"endless up and down", `<xsl:template match="/"><xsl:apply-templates/></xsl:template><xsl:template match="a"><xsl:apply-templates select="/"/></xsl:template>`, "TemplateDepth"},
		{"endless default of a parameter", `<xsl:template match="/" name="f"><xsl:param name="p"><xsl:call-template name="f"/></xsl:param></xsl:template>`, "TemplateDepth"},
		{"endless with many variables", `<xsl:template match="/" name="f"><xsl:variable name="a" select="/*"/><xsl:variable name="b" select="'x'"/><xsl:variable name="c"><x/></xsl:variable><xsl:call-template name="f"/></xsl:template>`, "TemplateDepth"},
		{"chain of variables", chain.String(), "TemplateDepth"},
		{"fork", `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="n" select="40"/></xsl:call-template></xsl:template>
			<xsl:template name="f"><xsl:param name="n"/><xsl:if test="$n &gt; 0"><xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template><xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:if></xsl:template>`, "TransformSteps"},
		{"doubled tree", double + start(`<e/>`), "ResultBytes"},
		{"doubled text", double + start(`some text that is not short at all, some text that is not short at all`), ""},
		{"doubled string", `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="t" select="'0123456789'"/></xsl:call-template></xsl:template>
			<xsl:template name="f"><xsl:param name="t"/><xsl:call-template name="f"><xsl:with-param name="t" select="concat($t, $t)"/></xsl:call-template></xsl:template>`, "TransformSteps"},
		{"result grows", `<xsl:template match="/" name="f"><xsl:for-each select="//*"><xsl:for-each select="//*"><xsl:for-each select="//*"><xsl:for-each select="//*">some text that is not short at all</xsl:for-each></xsl:for-each></xsl:for-each></xsl:for-each></xsl:template>`, "ResultBytes"},
		{"elements grow", `<xsl:template match="/"><xsl:for-each select="//*"><xsl:for-each select="//*"><xsl:for-each select="//*"><e/></xsl:for-each></xsl:for-each></xsl:for-each></xsl:template>`, "TreeNodes"},
		{"deep result", nested.String(), ""},
		{"long loops", `<xsl:template match="/"><xsl:for-each select="//*"><xsl:for-each select="//*"><xsl:if test="count(//*[count(//*) &gt; 5000])"/></xsl:for-each></xsl:for-each></xsl:template>`, "TransformSteps"},
		{"number pattern", `<xsl:template match="/"><xsl:variable name="v" select="1"/><xsl:for-each select="//*"><xsl:number level="any" count="*[count(//*) &gt; $v]"/></xsl:for-each></xsl:template>`, "TransformSteps"},
		{"key of texts", `<xsl:key name="k" match="*" use="//*[count(//*) &gt; string-length(@n)]"/><xsl:template match="/"><xsl:value-of select="key('k', 1)"/></xsl:template>`, "TransformSteps"},
		{"key of long texts", `<xsl:key name="k" match="*" use="concat(generate-id(), format-number(0, '` + strings.Repeat("x", 60_000) + `0'))"/><xsl:template match="/"><xsl:value-of select="key('k', 1)"/></xsl:template>`, "TransformSteps"},
		{"sort of long texts", `<xsl:template match="/"><xsl:for-each select="//*"><xsl:sort select="format-number(position(), '` + strings.Repeat("x", 60_000) + `0')"/></xsl:for-each></xsl:template>`, "TransformSteps"},
		{"sort by many keys", `<xsl:template match="/"><xsl:for-each select="//*">` + strings.Repeat(`<xsl:sort select="@a"/>`, 2000) + `</xsl:for-each></xsl:template>`, ""},
		{"number with long tokens", `<xsl:template match="/"><xsl:variable name="t"><xsl:value-of select="format-number(0, '` + strings.Repeat("x", 60_000) + `0')"/></xsl:variable><xsl:for-each select="//*"><xsl:number level="multiple" count="node()" format="1{$t}1{$t}1{$t}1{$t}1{$t}"/></xsl:for-each></xsl:template>`, "TransformSteps"},
		{"sorts in sorts", `<xsl:template match="/"><xsl:for-each select="//*"><xsl:sort select="count(//*)"/><xsl:for-each select="//*"><xsl:sort select="-position()" data-type="number"/></xsl:for-each></xsl:for-each></xsl:template>`, "TransformSteps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, c.inside)
			env := xslt.Env{Limits: xslt.Limits{Steps: 300_000, ResultBytes: 4 << 20}, Budget: &xmltree.Budget{MaxNodes: 500_000, MaxBytes: 64 << 20}}
			src := parse(t, "<a>"+strings.Repeat("<b/>", 200)+"</a>")
			into := xmltree.New(&xmltree.Budget{MaxNodes: 20_000})
			err := p.Run(context.Background(), src.Root(), into.Root(), env)
			var limit *xmltree.LimitError
			var problem *xmltree.Problem
			if !errors.As(err, &limit) || !errors.As(err, &problem) {
				t.Fatalf("Run = %v, want a problem with a limit", err)
			}
			if c.setting != "" && limit.Setting != c.setting {
				t.Errorf("Run = %v, want the limit %s", err, c.setting)
			}
			if problem.Rule != "XT120" || problem.Pos.Line == 0 || !strings.Contains(problem.Msg, "template") {
				t.Errorf("Run = %v, want rule, line and template", err)
			}
			if into.Root().First() != nil {
				t.Error("the target is not empty after the error")
			}
			if nodes, _, _ := env.Budget.Used(); nodes != 0 {
				t.Errorf("%d temporary nodes live after the run", nodes)
			}
		})
	}
}

// The deepest recursion that is allowed works.
func TestDepth(t *testing.T) {
	p := compile(t, `<xsl:template match="/"><xsl:call-template name="f"><xsl:with-param name="n" select="2998"/></xsl:call-template></xsl:template>
		<xsl:template name="f"><xsl:param name="n"/><xsl:if test="$n &gt; 0"><xsl:choose><xsl:when test="true()"><xsl:for-each select="."><xsl:call-template name="f"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template></xsl:for-each></xsl:when></xsl:choose></xsl:if><xsl:if test="$n = 0">end</xsl:if></xsl:template>`)
	if got, err := run(p, `<a/>`, xslt.Env{}); err != nil || got != "end" {
		t.Errorf("Run = %q, %v, want end", got, err)
	}
}

func TestCancel(t *testing.T) {
	p := compile(t, `<xsl:template match="/"><xsl:message/><xsl:for-each select="//*"><xsl:for-each select="//*"><x/></xsl:for-each></xsl:for-each></xsl:template>`)
	ctx, cancel := context.WithCancel(context.Background())
	src := parse(t, "<a>"+strings.Repeat("<b/>", 100)+"</a>")
	err := p.Run(ctx, src.Root(), xmltree.New(nil).Root(), xslt.Env{Message: func(string) { cancel() }})
	if again := p.Run(ctx, src.Root(), xmltree.New(nil).Root(), xslt.Env{}); !errors.Is(again, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled before the first step", again)
	}
	var problem *xmltree.Problem
	if !errors.Is(err, context.Canceled) || !errors.As(err, &problem) || problem.Rule != "XT121" || problem.Pos.Line == 0 {
		t.Errorf("Run = %v, want a placed problem XT121 that is context.Canceled", err)
	}
}

// A state that an error left half-way does not spoil later runs.
func TestRunAfterError(t *testing.T) {
	p := compile(t, `<xsl:variable name="g" select="count(//b)"/><xsl:template match="/"><r><xsl:variable name="v">x<y/></xsl:variable><xsl:for-each select="//b"><xsl:value-of select="$g"/><xsl:if test="@stop"><xsl:message terminate="yes"/></xsl:if></xsl:for-each><xsl:copy-of select="$v"/></r></xsl:template>`)
	for range 20 {
		if _, err := run(p, `<a><b/><b stop=""/></a>`, xslt.Env{}); err == nil {
			t.Fatal("Run succeeded, want an error")
		}
		if got, err := run(p, `<a><b/></a>`, xslt.Env{}); err != nil || got != `<r>1x<y/></r>` {
			t.Fatalf("Run = %q, %v", got, err)
		}
	}
}
