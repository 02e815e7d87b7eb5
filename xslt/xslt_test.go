package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xslt"
)

func parse(t testing.TB, src string) *xmltree.Document {
	t.Helper()
	d, err := xmltree.Parse([]byte(src), xmltree.Options{File: "test.xml"})
	if err != nil {
		t.Fatalf("Parse(%s): %v", src, err)
	}
	return d
}

// compile compiles the inside of a stylesheet element.
func compile(t testing.TB, inside string) *xslt.Program {
	t.Helper()
	p, problems := xslt.Compile(parse(t, stylesheet(inside)), xslt.Options{})
	if problems.Err() != nil {
		t.Fatalf("Compile: %v", problems)
	}
	return p
}

// run runs p on src and returns the serialised result.
func run(p *xslt.Program, src string, env xslt.Env) (string, error) {
	var b bytes.Buffer
	err := transform(p, src, env, &b)
	return strings.TrimRight(b.String(), "\n"), err
}

const embedded = `<procedure xmlns:x="http://www.w3.org/1999/XSL/Transform" xmlns:y="https://www.w3.org/1999/XSL/Transform" xmlns:n="urn:n">
<before>%s</before></procedure>`

func TestCompileTemplates(t *testing.T) {
	for _, c := range []struct{ name, inside, source, want string }{
		{"element", `<x:template match="person"><account name="{@login}"/></x:template>`, `<person login="ann"/>`, `<account xmlns:n="urn:n" name="ann"/>`},
		{"root", `<x:template match="/"><r><x:value-of select="name(*)"/></r></x:template>`, `<a><b/></a>`, `<r xmlns:n="urn:n">a</r>`},
		{"https spelling", `<y:template match="a"><r v="{n:x}"><y:apply-templates/></r></y:template>`, `<a>t</a>`, `<r xmlns:n="urn:n" v="">t</r>`},
		{"reference kept", `<x:template match="a"><r>&#32;<s/></r></x:template>`, `<a/>`, `<r xmlns:n="urn:n"> <s/></r>`},
		{"blank dropped", `<x:template match="a"> <r> <s/> </r> </x:template>`, `<a/>`, `<r xmlns:n="urn:n"><s/></r>`},
		{"tolerant", `<x:template match="a"><x:value-of select="b/[@k='1']"/></x:template>`, `<a><b k="1">x</b></a>`, `x`},
		{"nothing", ``, `<a>text</a>`, `text`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := parse(t, fmt.Sprintf(embedded, c.inside))
			p, problems := xslt.CompileTemplates(doc.DocumentElement().FirstElement(), xslt.Options{Tolerant: true})
			if problems != nil {
				t.Fatal(problems)
			}
			if got, err := run(p, c.source, xslt.Env{}); err != nil || strings.TrimPrefix(got, declaration) != c.want {
				t.Errorf("Run = %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func TestCompileTemplatesRefuses(t *testing.T) {
	for _, c := range []struct{ inside, want string }{
		{`<account/>`, `test.xml:2:9: "account" is no element of XSLT [XT005]`},
		{`<n:account/>`, `test.xml:2:9: "n:account" is no element of XSLT [XT005]`},
		{`text`, `test.xml:2:9: text is not allowed at the top level [XT009]`},
		{`<x:value-of select="."/>`, `test.xml:2:9: "x:value-of" must not stand in "before" [XT005]`},
		{`<x:stylesheet version="1.0"/>`, `test.xml:2:9: "x:stylesheet" must not stand in "before" [XT005]`},
		{`<x:template match="a/[1]"/>`, `test.xml:2:30:`},
	} {
		doc := parse(t, fmt.Sprintf(embedded, c.inside))
		p, problems := xslt.CompileTemplates(doc.DocumentElement().FirstElement(), xslt.Options{})
		if p != nil || !strings.HasPrefix(problems.Error(), c.want) {
			t.Errorf("CompileTemplates(%s) = %v, want %s", c.inside, problems, c.want)
		}
	}
}

// A node that is no root is alone in its document while it is transformed, and
// nothing of it has changed afterwards.
func TestRunIsolates(t *testing.T) {
	p := compile(t, `<xsl:template match="/"><r up="{count(*/..)}" all="{count(//*)}" before="{count(*/preceding-sibling::*)}"><xsl:copy-of select="."/></r></xsl:template>`)
	doc := parse(t, `<data><x/><a><b/></a><y/></data>`)
	before := doc.Root().String()
	a := doc.DocumentElement().FirstElement().NextElement()
	for range 2 {
		into := xmltree.New(nil).Root()
		if err := p.Run(context.Background(), a, into, xslt.Env{}); err != nil {
			t.Fatal(err)
		}
		if got, want := into.String(), `<r up="1" all="2" before="0"><a><b/></a></r>`; got != want {
			t.Errorf("Run = %s, want %s", got, want)
		}
		if got := doc.Root().String(); got != before || a.Parent() != doc.DocumentElement() {
			t.Errorf("the source became %s", got)
		}
	}
}

func TestRunIntoTheSameDocument(t *testing.T) {
	p := compile(t, `<xsl:template match="a"><r><xsl:for-each select="b|c"><xsl:copy-of select="."/></xsl:for-each></r></xsl:template>`)
	doc := parse(t, `<data><a><c/><b/></a><to/></data>`)
	data := doc.DocumentElement()
	if err := p.Run(context.Background(), data.FirstElement(), data.Child("to"), xslt.Env{}); err != nil {
		t.Fatal(err)
	}
	if got, want := data.String(), `<data><a><c/><b/></a><to><r><c/><b/></r></to></data>`; got != want {
		t.Errorf("Run = %s, want %s", got, want)
	}
}

// The source is the same document for the function document(), also when it is
// seen without white space.
func TestDocumentIsTheSource(t *testing.T) {
	for _, strip := range []string{``, `<xsl:strip-space elements="*"/>`} {
		p := compile(t, strip+`<xsl:template match="/"><xsl:value-of select="concat(count(document('it') | /), generate-id(document('it')/a) = generate-id(a))"/></xsl:template>`)
		doc := parse(t, `<a> <b/> </a>`)
		load := func(_, _ string) (*xmltree.Document, error) { return doc, nil }
		var b bytes.Buffer
		result := xmltree.New(nil)
		if err := p.Run(context.Background(), doc.Root(), result.Root(), xslt.Env{Load: load}); err != nil {
			t.Fatal(err)
		}
		if err := p.Serialize(&b, result.Root()); err != nil || b.String() != "1true" {
			t.Errorf("Run with %q = %s, %v, want 1true", strip, b.String(), err)
		}
	}
}

func TestRunOfAttribute(t *testing.T) {
	doc := parse(t, `<a k="v"/>`)
	err := compile(t, ``).Run(context.Background(), doc.DocumentElement().AttrNode("", "k"), xmltree.New(nil).Root(), xslt.Env{})
	var problem *xmltree.Problem
	if !errors.As(err, &problem) || problem.Rule != "XT111" {
		t.Errorf("Run = %v, want a problem XT111", err)
	}
}

// After an error the target is as it was.
func TestRunLeavesNothingAfterAnError(t *testing.T) {
	p := compile(t, `<xsl:template match="/">text<a/><xsl:message terminate="yes">no</xsl:message></xsl:template>`)
	into := xmltree.New(nil)
	root := into.Root()
	if err := root.Append(into.NewElement(xmltree.Name{Local: "old"})); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background(), parse(t, `<a/>`).Root(), root, xslt.Env{}); err == nil {
		t.Fatal("Run succeeded, want an error")
	}
	if got, want := root.String(), `<old/>`; got != want {
		t.Errorf("the target became %s, want %s", got, want)
	}
}

func TestParams(t *testing.T) {
	p := compile(t, `<xsl:param name="a" select="'default'"/><xsl:param name="n:b" xmlns:n="urn:n"/><xsl:variable name="c" select="'own'"/>
		<xsl:template match="/" xmlns:n="urn:n"><xsl:value-of select="concat($a, ' ', $n:b + 1, ' ', $c)"/></xsl:template>`)
	got, err := run(p, `<r/>`, xslt.Env{Params: map[string]xpath.Value{
		"a": xpath.String("given"), "{urn:n}b": xpath.Number(2), "b": xpath.Number(7), "c": xpath.String("not a parameter"),
	}})
	if want := `given 3 own`; err != nil || got != want {
		t.Errorf("Run = %q, %v, want %q", got, err, want)
	}
}

func TestDocument(t *testing.T) {
	p := compile(t, `<xsl:strip-space elements="*"/><xsl:key name="k" match="i" use="@id"/>
		<xsl:template match="/"><xsl:for-each select="document(//f)"><xsl:value-of select="count(key('k', 1))"/>:<xsl:value-of select="count(//text())"/>;</xsl:for-each>
		<xsl:value-of select="count(document('a.xml') | document('a.xml'))"/>,<xsl:value-of select="name(document('b.xml', /)/*)"/></xsl:template>`)
	files := map[string]string{"test.xml a.xml": `<a> <i id="1"/> </a>`, "input.xml a.xml": `<a> <i id="1"/> </a>`, "input.xml b.xml": `<b> <c>x</c></b>`}
	var asked []string
	got, err := run(p, `<l><f>a.xml</f><f>b.xml</f></l>`, xslt.Env{Load: func(href, base string) (*xmltree.Document, error) {
		asked = append(asked, base+" "+href)
		src, ok := files[base+" "+href]
		if !ok {
			return nil, fmt.Errorf("no %s beside %s", href, base)
		}
		return xmltree.Parse([]byte(src), xmltree.Options{File: href})
	}})
	if want := `1:0;0:1;1,b`; err != nil || got != want {
		t.Errorf("Run = %q, %v, want %q", got, err, want)
	}
	if want := `input.xml a.xml,input.xml b.xml,test.xml a.xml`; strings.Join(asked, ",") != want {
		t.Errorf("asked for %v, want %s", asked, want)
	}
	var warned []*xmltree.Problem
	env := xslt.Env{
		Load: func(href, base string) (*xmltree.Document, error) { return nil, errors.New("gone") },
		Warn: func(p *xmltree.Problem) { warned = append(warned, p) },
	}
	want := `cannot read the document "c.xml": gone`
	if got, err := run(p, `<l><f>c.xml</f></l>`, env); err != nil || got != "0," || len(warned) == 0 || warned[0].Msg != want || !warned[0].Warning {
		t.Errorf("Run = %q, %v, warnings %v, want %q as a warning", got, err, warned, want)
	}
	env.Strict = true
	if _, err = run(p, `<l><f>c.xml</f></l>`, env); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Run = %v, want %q", err, want)
	}
}

func TestText(t *testing.T) {
	for inside, want := range map[string]bool{
		``:                            false,
		`<xsl:output method="html"/>`: false,
		`<xsl:output method="text"/>`: true,
		`<xsl:template match="a"><xsl:text disable-output-escaping="yes">x</xsl:text></xsl:template>`:     true,
		`<xsl:template match="a"><xsl:value-of select="." disable-output-escaping="yes"/></xsl:template>`: true,
		`<xsl:template match="a"><xsl:value-of select="." disable-output-escaping="no"/></xsl:template>`:  false,
	} {
		if got := compile(t, inside).Text(); got != want {
			t.Errorf("Text of %s = %v, want %v", inside, got, want)
		}
	}
}

// Equal keys keep the order of the document, whatever their number.
func TestSortIsStable(t *testing.T) {
	var src, want strings.Builder
	for i := range 300 {
		fmt.Fprintf(&src, `<i k="%d">%d</i>`, i*7%3, i)
	}
	for k := range 3 {
		for i := range 300 {
			if i*7%3 == k {
				fmt.Fprintf(&want, "%d,", i)
			}
		}
	}
	for _, dataType := range []string{"text", "number"} {
		p := compile(t, `<xsl:template match="/"><xsl:for-each select="//i"><xsl:sort select="@k" data-type="`+dataType+`"/><xsl:value-of select="."/>,</xsl:for-each></xsl:template>`)
		if got, err := run(p, "<l>"+src.String()+"</l>", xslt.Env{}); err != nil || got != want.String() {
			t.Errorf("sorted as %s: %s, %v, want %s", dataType, got, err, want.String())
		}
	}
}

// The column of an error inside an attribute is right whatever the line ends,
// and when it cannot be found it is that of the attribute.
func TestPlaceInAttribute(t *testing.T) {
	for _, c := range []struct{ attr, want string }{
		{"test=\"a and\r\n  b c\"", "3:5"},
		{"test=\"a and\n  b c\"", "3:5"},
		{"test=\"a and\r  b c\"", "3:5"},
		{"test\r\n=\r\n'b c'", "4:4"},
		{"test='&quot;ä&quot; &#xe4; c'", "2:29"},
	} {
		_, problems := xslt.CompileTemplates(parse(t, "<before xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"><xsl:template match=\"/\">\n<xsl:if "+c.attr+"/></xsl:template></before>").DocumentElement(), xslt.Options{})
		if len(problems) != 1 || problems[0].Pos.String() != c.want {
			t.Errorf("problem in %q at %v, want %s", c.attr, problems, c.want)
		}
	}
}

// Runs at the same time give the same bytes.
func TestDeterminism(t *testing.T) {
	p := compile(t, mapping)
	want, err := run(p, customers(40), xslt.Env{})
	if err != nil || !strings.Contains(want, "<account") {
		t.Fatalf("Run = %s, %v", want, err)
	}
	source := parse(t, customers(40)) // shared: it is a whole document and only read
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				into := xmltree.New(nil)
				var b bytes.Buffer
				if err := p.Run(context.Background(), source.Root(), into.Root(), xslt.Env{}); err != nil {
					t.Error(err)
					return
				}
				if err := p.Serialize(&b, into.Root()); err != nil || strings.TrimRight(b.String(), "\n") != want {
					t.Errorf("Run = %s, %v, want %s", b.String(), err, want)
					return
				}
				into.Release()
			}
		})
	}
	wait.Wait()
}

// All errors have rules that are listed, once each.
func TestRules(t *testing.T) {
	known := map[string]bool{}
	for _, r := range xslt.Rules() {
		if known[r.ID] || r.Title == "" || r.Help == "" {
			t.Errorf("rule %s is listed twice or lacks title or help", r.ID)
		}
		known[r.ID] = true
	}
	for _, r := range xpath.Rules() {
		known[r.ID] = true
	}
	seen := map[string]bool{}
	eachError(t, func(name, text string) {
		for _, l := range strings.Split(text, "\n") {
			if i := strings.LastIndex(l, " ["); i >= 0 && strings.HasSuffix(l, "]") && !strings.HasPrefix(l, " ") {
				id := l[i+2 : len(l)-1]
				seen[id] = true
				if !known[id] {
					t.Errorf("%s: rule %s is not listed", name, id)
				}
			}
		}
	})
	tested := map[string]bool{"XT111": true, "XT120": true, "XT121": true} // by other tests
	for _, r := range xslt.Rules() {
		if !seen[r.ID] && !tested[r.ID] {
			t.Errorf("no case reaches rule %s", r.ID)
		}
	}
}
