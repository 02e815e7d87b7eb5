package xslt_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xslt"
)

// BenchmarkSerialize writes a tree of about 1 MB, whose throughput is counted in
// bytes of result: long texts, the map of customers, the same with namespaces,
// and HTML.
func BenchmarkSerialize(b *testing.B) {
	prose := strings.Repeat("It was a bright cold day in April & the clocks were striking thirteen. ", 14)
	for _, c := range []struct{ name, output, src string }{
		{"text", ``, "<t>" + strings.Repeat("<p>"+strings.ReplaceAll(prose, "&", "&amp;")+"</p>", 1000) + "</t>"},
		{"markup", ``, customers(9000)},
		{"namespaces", ``, `<n:l xmlns:n="urn:n" xmlns:m="urn:m">` + strings.Repeat(`<n:customer m:login="user"><m:name>Name</m:name><n:quota>100</n:quota></n:customer>`, 12000) + "</n:l>"},
		{"declarations", ``, `<l>` + strings.Repeat(`<customer xmlns="urn:n" login="user"><name>Name</name><m:quota xmlns:m="urn:m">100</m:quota></customer>`, 9000) + "</l>"},
		{"indent", `<xsl:output indent="yes"/>`, customers(9000)},
		{"cyrillic", ``, "<t>" + strings.Repeat("<p>"+strings.Repeat("Был холодный ясный апрельский день, и часы пробили тринадцать. ", 8)+"</p>", 1000) + "</t>"},
		{"windows-1251", `<xsl:output encoding="windows-1251"/>`, "<t>" + strings.Repeat("<p>"+strings.Repeat("Был холодный ясный апрельский день, и часы пробили тринадцать. ", 8)+"</p>", 1000) + "</t>"},
		{"html", `<xsl:output method="html"/>`, `<html><head><title>t</title></head><body><table>` + strings.Repeat(`<tr class="row"><td><a href="/customers/1">Name</a></td><td align="right">100</td><td><br/></td></tr>`, 9000) + `</table></body></html>`},
		{"small", ``, customers(4)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := compile(b, c.output+`<xsl:template match="/"><xsl:copy-of select="."/></xsl:template>`)
			into := xmltree.New(nil)
			if err := p.Run(context.Background(), parse(b, c.src).Root(), into.Root(), xslt.Env{}); err != nil {
				b.Fatal(err)
			}
			var size counter
			if err := p.Serialize(&size, into.Root()); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Serialize(io.Discard, into.Root()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// BenchmarkStrip takes the white space out of a document of about 1 MB, or finds
// that there is none to take out.
func BenchmarkStrip(b *testing.B) {
	for _, c := range []struct{ name, rules, src string }{
		{"some", `<xsl:strip-space elements="*"/>`, "<l>\n" + strings.Repeat("  <customer login=\"user\">\n    <name>Name</name>\n    <quota>100</quota>\n  </customer>\n", 11000) + "</l>"},
		{"none", `<xsl:strip-space elements="*"/>`, "<l>" + strings.Repeat(`<customer login="user"><name>Name</name><quota>100</quota></customer>`, 14000) + "</l>"},
		{"kept", `<xsl:strip-space elements="a b c"/>`, "<l>\n" + strings.Repeat("  <customer login=\"user\">\n    <name>Name</name>\n    <quota>100</quota>\n  </customer>\n", 11000) + "</l>"},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := compile(b, c.rules+`<xsl:template match="/"/>`)
			root := parse(b, c.src).Root()
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			for b.Loop() {
				into := xmltree.New(nil)
				if err := p.Run(context.Background(), root, into.Root(), xslt.Env{}); err != nil {
					b.Fatal(err)
				}
				into.Release()
			}
		})
	}
}
