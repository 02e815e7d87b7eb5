package xslt_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sutler/xmltree"
	"sutler/xslt"
)

// randomDocument returns a random document with elements of a few names.
func randomDocument(t *rapid.T) string {
	var b strings.Builder
	var element func(depth int)
	element = func(depth int) {
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")
		fmt.Fprintf(&b, "<%s x='1'>", name)
		if depth < 5 {
			for range rapid.IntRange(0, 6-depth).Draw(t, "children") {
				element(depth + 1)
				if rapid.Bool().Draw(t, "text") {
					b.WriteString("t")
				}
			}
		}
		fmt.Fprintf(&b, "</%s>", name)
	}
	element(0)
	return b.String()
}

// inOrder returns the nodes of a tree in document order, attributes aside.
func inOrder(n *xmltree.Node) []*xmltree.Node {
	list := []*xmltree.Node{n}
	for c := n.First(); c != nil; c = c.Next() {
		list = append(list, inOrder(c)...)
	}
	return list
}

func ancestors(n *xmltree.Node) (list []*xmltree.Node) {
	for p := n.Parent(); p != nil; p = p.Parent() {
		list = append(list, p)
	}
	return list
}

// placeOf is section 7.7 to the letter, for patterns that are names, * or absent.
func placeOf(n *xmltree.Node, all []*xmltree.Node, level, count, from string) string {
	matches := func(m *xmltree.Node, pattern string) bool {
		return m.Kind() == xmltree.Element && (pattern == "*" || pattern == m.Local())
	}
	counted := func(m *xmltree.Node) bool {
		if count == "" {
			return m.Kind() == n.Kind() && m.Local() == n.Local()
		}
		return matches(m, count)
	}
	before := func(m *xmltree.Node) int { // one plus its preceding siblings that are counted
		k := 1
		for p := m.Prev(); p != nil; p = p.Prev() {
			if counted(p) {
				k++
			}
		}
		return k
	}
	if level == "any" {
		k := 0
		for _, m := range all { // n and what is before it
			if m == n {
				break
			}
			if counted(m) {
				k++
			}
			if from != "" && matches(m, from) {
				k = 0 // only nodes after it are considered
			}
		}
		if counted(n) {
			k++
		}
		return fmt.Sprint(k)
	}
	up := append([]*xmltree.Node{n}, ancestors(n)...)
	for i, m := range up {
		if i > 0 && from != "" && matches(m, from) {
			up = up[:i] // the descendants of the nearest ancestor that matches from
			break
		}
	}
	var list []string
	for _, m := range up {
		if !counted(m) {
			continue
		}
		list = append([]string{fmt.Sprint(before(m))}, list...)
		if level == "single" {
			break
		}
	}
	return strings.Join(list, ".")
}

// xsl:number gives what its definition gives, in whatever order the nodes are
// numbered.
func TestNumberIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		level := rapid.SampledFrom([]string{"single", "multiple", "any"}).Draw(rt, "level")
		count := rapid.SampledFrom([]string{"", "a", "b", "*"}).Draw(rt, "count")
		from := rapid.SampledFrom([]string{"", "a", "c", "*"}).Draw(rt, "from")
		attrs := ` level="` + level + `"`
		if count != "" {
			attrs += ` count="` + count + `"`
		}
		if from != "" {
			attrs += ` from="` + from + `"`
		}
		order := rapid.SampledFrom([]string{"", `<xsl:sort select="position()" data-type="number" order="descending"/>`, `<xsl:sort select="count(*)" data-type="number"/>`}).Draw(rt, "order")
		p := compile(t, `<xsl:template match="/"><xsl:for-each select="//node()">`+order+`<n id="{generate-id()}" v="{count(preceding::node()) + count(ancestor::node())}"><xsl:number`+attrs+` format="1.1"/></n></xsl:for-each></xsl:template>`)
		doc := parse(t, randomDocument(rt))
		into := xmltree.New(nil)
		if err := p.Run(context.Background(), doc.Root(), into.Root(), xslt.Env{}); err != nil {
			t.Fatal(err)
		}
		all := inOrder(doc.Root())
		for e := into.Root().First(); e != nil; e = e.Next() {
			var at int
			if _, err := fmt.Sscan(e.Attr("v"), &at); err != nil {
				t.Fatal(err)
			}
			if want := placeOf(all[at], all, level, count, from); e.Text() != want {
				rt.Errorf("number%s of %s in %s = %q, want %q", attrs, all[at].Path(), doc.Root().String(), e.Text(), want)
			}
		}
	})
}

// Numbering the siblings of a long list one after the other takes steps that
// grow with the list, not with its square, in each order and on each level.
func TestNumberingIsLinear(t *testing.T) {
	const n = 20_000
	src := "<l>" + strings.Repeat("<i><j/></i><k/>", n/2) + "</l>"
	for _, number := range []string{`<xsl:number/>`, `<xsl:number count="*"/>`, `<xsl:number level="any"/>`, `<xsl:number level="any" count="i"/>`, `<xsl:number level="multiple" count="*" format="1.1"/>`, `<xsl:number level="any" from="l"/>`} {
		for _, order := range []string{"", `<xsl:sort select="position()" data-type="number" order="descending"/>`, `<xsl:sort select="position() * 7919 mod 20011" data-type="number"/>`} {
			p := compile(t, `<xsl:template match="/"><xsl:for-each select="//i | //k | //j">`+order+number+`</xsl:for-each></xsl:template>`)
			if _, err := run(p, src, xslt.Env{Limits: xslt.Limits{Steps: 200 * n}}); err != nil {
				t.Errorf("%s %s: %v", number, order, err)
			}
		}
	}
}

// Each family of decimal digits is ten in a row, from zero.
func TestDigitFamilies(t *testing.T) {
	all := xslt.DigitFamilies()
	for r, value := range all {
		for v := range 10 {
			if got, ok := all[r-rune(value)+rune(v)]; !ok || got != v {
				t.Errorf("%c has the value %d, but %c has not %d", r, value, r-rune(value)+rune(v), v)
			}
		}
	}
	if len(all) < 600 {
		t.Errorf("there are %d digits, want more than 600", len(all))
	}
	for zero, value := range all {
		if value != 0 {
			continue
		}
		if got, want := xslt.WriteNumbers(string([]rune{zero, zero + 1}), false, 0, 7), string([]rune{zero, zero + 7}); got != want {
			t.Errorf("7 in the family of %c is %s, want %s", zero, got, want)
		}
	}
}
