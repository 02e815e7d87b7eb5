package xslt_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sutler/xmltree"
)

// difference is a row of testdata/differences.txt with the function that
// recognises it.
type difference struct {
	name, fault, paragraph string
	matcher
}

// differences reads the table. It and the functions must know the same names.
func differences(t *testing.T) []difference {
	t.Helper()
	src, err := os.ReadFile("testdata/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []difference
	for row := range strings.Lines(string(src)) {
		cells := strings.Split(strings.TrimSpace(row), " | ")
		if strings.HasPrefix(row, "#") || len(cells) == 1 {
			continue
		}
		m, ok := matchers[cells[0]]
		if len(cells) != 5 || !ok {
			t.Fatalf("differences.txt: the row %q has %d cells, and its matcher is there: %v", cells[0], len(cells), ok)
		}
		all = append(all, difference{cells[0], cells[1], cells[2], m})
	}
	if len(all) != len(matchers) {
		t.Fatalf("differences.txt has %d rows, and there are %d matchers", len(all), len(matchers))
	}
	return all
}

var matchers = map[string]matcher{
	"digits":          {same: sameNumbers},
	"order-of-text":   {change: (*pair).apartFromElements},
	"space-preserve":  {change: (*pair).withoutPreserve},
	"attribute-name":  {change: (*pair).withoutPrefixed},
	"builtin-params":  {change: (*pair).withBuiltin},
	"comment-in-tree": {change: (*pair).withoutComments, shows: (*pair).apartInMore},
}

// matcher recognises a fault: same tells whether two results differ by it alone;
// change takes away what the fault needs, and if the processors agree on the
// changed pair, the fault explains the difference. It returns nil if there is
// nothing to take away. Where taking away hides more than the fault, shows tells
// whether the results differ in a way that the fault can make.
type matcher struct {
	same   func(ours, theirs string) bool
	change func(*pair) *pair
	shows  func(*pair) bool
}

// explain returns the names of the known differences that p shows, or "".
func explain(known []difference, p *pair, dir string) string {
	if name := alike(known, p); name != "" {
		return name
	}
	all, names := p, ""
	for _, k := range known {
		if k.change == nil || k.shows != nil && !k.shows(p) {
			continue
		}
		c := k.change(p)
		if c == nil {
			continue
		}
		if c.run(dir) && alike(known, c) != "" {
			return k.name
		}
		if c = k.change(all); c != nil {
			all, names = c, names+" "+k.name
		}
	}
	if strings.Count(names, " ") > 1 && all.run(dir) && alike(known, all) != "" {
		return names[1:]
	}
	return ""
}

// alike returns why the outcomes of p count as the same, or "".
func alike(known []difference, p *pair) string {
	if p.ours.agrees(p.theirs) {
		return "equal"
	}
	for _, k := range known {
		if k.same != nil && p.ours.err == "" && p.theirs.err == "" && k.same(p.ours.result, p.theirs.result) {
			return k.name
		}
	}
	return ""
}

// apartInMore reports whether the results differ in more than their comments
// and processing instructions.
func (p *pair) apartInMore() bool {
	bare := func(o outcome) outcome { return outcome{madeComments.ReplaceAllString(o.result, ""), o.err} }
	return !bare(p.ours).agrees(bare(p.theirs))
}

var madeComments = regexp.MustCompile(`(?s)<!--.*?-->|<\?.*?\?>`)

// withoutComments makes no comments and processing instructions.
func (p *pair) withoutComments() *pair {
	c := &pair{files: map[string]string{}, doc: p.doc}
	found := false
	for name, sheet := range p.files {
		c.files[name] = noComments.Replace(sheet)
		found = found || c.files[name] != sheet
	}
	if !found {
		return nil
	}
	return c
}

var noComments = strings.NewReplacer(
	"<xsl:comment>", `<xsl:if test="false()"><xsl:comment>`, "</xsl:comment>", "</xsl:comment></xsl:if>",
	"<xsl:processing-instruction ", `<xsl:if test="false()"><xsl:processing-instruction `, "</xsl:processing-instruction>", "</xsl:processing-instruction></xsl:if>")

// withBuiltin writes the built-in rules for elements into the stylesheet, at
// the lowest import precedence and priority.
func (p *pair) withBuiltin() *pair {
	passes := slices.ContainsFunc(sortedNames(p.files), func(name string) bool { return strings.Contains(p.files[name], "<xsl:with-param") })
	if !passes {
		return nil
	}
	var rules strings.Builder
	for _, mode := range modes {
		if mode != "" {
			mode = ` mode="` + mode + `"`
		}
		fmt.Fprintf(&rules, `<xsl:template match="*|/" priority="-9"%s><xsl:apply-templates%s/></xsl:template>`, mode, mode)
	}
	const open = "<xsl:import "
	sheet := p.files["sheet.xsl"]
	c := &pair{files: maps.Clone(p.files), doc: p.doc}
	if strings.Contains(sheet, open) {
		c.files["builtin.xsl"] = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:p="urn:p">` + rules.String() + `</xsl:stylesheet>`
		c.files["sheet.xsl"] = strings.Replace(sheet, open, `<xsl:import href="builtin.xsl"/>`+open, 1)
	} else {
		c.files["sheet.xsl"] = strings.Replace(sheet, "</xsl:stylesheet>", rules.String()+"</xsl:stylesheet>", 1)
	}
	return c
}

// apartFromElements puts an empty element between each element that has
// elements and the text, comment or processing instruction that follows it.
func (p *pair) apartFromElements() *pair {
	doc, err := xmltree.Parse([]byte(p.doc), xmltree.Options{})
	if err != nil {
		return nil
	}
	put := false
	var visit func(n *xmltree.Node)
	visit = func(n *xmltree.Node) {
		for c := n.First(); c != nil; c = c.Next() {
			visit(c)
			if next := c.Next(); c.FirstElement() != nil && next != nil && next.Kind() != xmltree.Element && n.Kind() == xmltree.Element {
				put = n.InsertBefore(doc.NewElement(xmltree.Name{Local: "apart"}), next) == nil
			}
		}
	}
	visit(doc.Root())
	if !put {
		return nil
	}
	return &pair{files: p.files, doc: doc.Root().String()}
}

// withoutPrefixed gives the attributes in a namespace a name that nothing else has.
func (p *pair) withoutPrefixed() *pair {
	const attr, other = ` p:x="`, ` p:v="`
	if !strings.Contains(p.doc, attr) {
		return nil
	}
	return &pair{files: p.files, doc: strings.ReplaceAll(p.doc, attr, other)}
}

// withoutPreserve takes xml:space="preserve" from the document of a stylesheet
// that strips white space.
func (p *pair) withoutPreserve() *pair {
	const preserve = `xml:space="preserve"`
	strips := slices.ContainsFunc(sortedNames(p.files), func(name string) bool { return strings.Contains(p.files[name], "<xsl:strip-space") })
	if !strips || !strings.Contains(p.doc, preserve) {
		return nil
	}
	return &pair{files: p.files, doc: strings.ReplaceAll(p.doc, preserve, `xml:space="default"`)}
}

// sameNumbers reports whether two results are the same but for numbers in square
// brackets that are equal in their first 15 digits.
func sameNumbers(ours, theirs string) bool {
	a, b := bracketed.FindAllString(ours, -1), bracketed.FindAllString(theirs, -1)
	if len(a) != len(b) || bracketed.ReplaceAllString(ours, "") != bracketed.ReplaceAllString(theirs, "") {
		return false
	}
	for i := range a {
		x, err1 := strconv.ParseFloat(strings.Trim(a[i], "[]"), 64)
		y, err2 := strconv.ParseFloat(strings.Trim(b[i], "[]"), 64)
		if err1 != nil || err2 != nil || math.Abs(x-y) > 1e-14*math.Abs(x) || strings.Contains(a[i], "e") {
			return false
		}
	}
	return true
}

var bracketed = regexp.MustCompile(`\[-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?\]`)
