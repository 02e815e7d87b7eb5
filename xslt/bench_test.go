package xslt_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xslt"
)

// mapping is a stylesheet with what procedures use most.
const mapping = `
<xsl:key name="plan" match="plan" use="@id"/>
<xsl:param name="realm" select="'example.com'"/>
<xsl:template match="/customers"><accounts count="{count(customer)}">
  <xsl:for-each select="customer[not(@closed)]"><xsl:sort select="name"/><xsl:apply-templates select="."/></xsl:for-each>
</accounts></xsl:template>
<xsl:template match="customer"><account id="{generate-id()}" login="{@login}@{$realm}">
  <xsl:choose><xsl:when test="quota &gt; 100"><big/></xsl:when><xsl:otherwise><small/></xsl:otherwise></xsl:choose>
  <xsl:copy-of select="name"/>
  <plan><xsl:value-of select="key('plan', @plan)/@title"/></plan>
</account></xsl:template>`

func customers(n int) string {
	var b strings.Builder
	b.WriteString(`<customers><plan id="p0" title="Basic"/><plan id="p1" title="More"/>`)
	for i := range n {
		fmt.Fprintf(&b, `<customer login="user%d" plan="p%d"><name>Name %d</name><quota>%d</quota></customer>`, i, i%2, (i*7919)%n, i*13%200)
	}
	b.WriteString(`</customers>`)
	return b.String()
}

// small is the commonest use: one template that maps one element.
const small = `<xsl:template match="person"><account name="{@login}" home="/home/{@login}"><xsl:apply-templates select="mail"/></account></xsl:template>
<xsl:template match="mail"><address><xsl:value-of select="."/></address></xsl:template>`

func benchmark(b *testing.B, inside, src string) {
	p := compile(b, inside)
	n := parse(b, src).Root()
	b.ReportAllocs()
	for b.Loop() {
		into := xmltree.New(nil)
		if err := p.Run(context.Background(), n, into.Root(), xslt.Env{}); err != nil {
			b.Fatal(err)
		}
		into.Release()
	}
}

func BenchmarkSmall(b *testing.B) {
	benchmark(b, small, `<person login="ann"><mail>ann@example.com</mail><mail>a@example.org</mail></person>`)
}

func BenchmarkMapping(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmark(b, mapping, customers(n)) })
	}
}

func BenchmarkIdentity(b *testing.B) {
	benchmark(b, `<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>`, customers(1000))
}

func BenchmarkCompile(b *testing.B) {
	sheet := parse(b, stylesheet(mapping))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := xslt.Compile(sheet, xslt.Options{}); problems != nil {
			b.Fatal(problems)
		}
	}
}

// BenchmarkSort sorts 10,000 nodes: ASCII by the table, other texts by their
// collation keys, numbers.
func BenchmarkSort(b *testing.B) {
	for _, c := range []struct{ name, sort, word string }{
		{"ascii", `<xsl:sort select="@k"/>`, "Name"},
		{"accents", `<xsl:sort select="@k"/>`, "Ñame"},
		{"german", `<xsl:sort select="@k" lang="de"/>`, "Größe"},
		{"upper-first", `<xsl:sort select="@k" case-order="upper-first"/>`, "Ñame"},
		{"number", `<xsl:sort select="@n" data-type="number"/>`, "x"},
	} {
		var src strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&src, `<i k="%s of %d" n="%d"/>`, c.word, i*7919%10_007, i*7919%10_007)
		}
		b.Run(c.name, func(b *testing.B) {
			benchmark(b, `<xsl:template match="/"><xsl:for-each select="l/i">`+c.sort+`</xsl:for-each></xsl:template>`, "<l>"+src.String()+"</l>")
		})
	}
}

// BenchmarkNumber numbers 10,000 siblings.
func BenchmarkNumber(b *testing.B) {
	src := "<l>" + strings.Repeat("<i/><j/>", 5000) + "</l>"
	for _, attrs := range []string{``, `count="*"`, `level="any"`, `level="multiple" count="*" format="1.1"`} {
		b.Run(attrs, func(b *testing.B) {
			benchmark(b, `<xsl:template match="/"><xsl:for-each select="l/*"><xsl:number `+attrs+`/></xsl:for-each></xsl:template>`, src)
		})
	}
}

func BenchmarkFormatNumber(b *testing.B) {
	benchmark(b, `<xsl:template match="/"><xsl:for-each select="l/i"><xsl:value-of select="format-number(position() * 12.345, '#,##0.00')"/></xsl:for-each></xsl:template>`, "<l>"+strings.Repeat("<i/>", 1000)+"</l>")
}
