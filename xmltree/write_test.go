package xmltree_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sutler/xmltree"
)

func TestWrite(t *testing.T) {
	d := xmltree.New(nil)
	element := func(space, prefix, local string) *xmltree.Node {
		return d.NewElement(xmltree.Name{Space: space, Prefix: prefix, Local: local})
	}
	with := func(e *xmltree.Node, children ...*xmltree.Node) *xmltree.Node {
		for _, c := range children {
			if err := e.Append(c); err != nil {
				t.Fatal(err)
			}
		}
		return e
	}
	attr := func(e *xmltree.Node, space, prefix, local, value string) *xmltree.Node {
		e.SetAttr(xmltree.Name{Space: space, Prefix: prefix, Local: local}, value)
		return e
	}
	declared := func(e *xmltree.Node, prefix, uri string) *xmltree.Node {
		e.Declare(prefix, uri)
		return e
	}
	for _, test := range []struct {
		name string
		node *xmltree.Node
		want string
	}{
		{"no namespace below a default", with(declared(element("u", "", "a"), "", "u"), with(element("", "", "b"), element("u", "", "c"))),
			`<a xmlns="u"><b xmlns=""><c xmlns="u"/></b></a>`},
		{"default in the way of no namespace", declared(element("", "", "a"), "", "u"), `<a/>`},
		{"no namespace wished, namespace there", declared(element("u", "", "a"), "", ""), `<ns1:a xmlns="" xmlns:ns1="u"/>`},
		{"declaration made up", element("u", "p", "a"), `<p:a xmlns:p="u"/>`},
		{"attribute without prefix", attr(element("", "", "a"), "u", "", "x", "1"), `<a xmlns:ns1="u" ns1:x="1"/>`},
		{"attribute in the default namespace", attr(element("u", "", "a"), "u", "", "x", "1"), `<a xmlns="u" xmlns:ns1="u" ns1:x="1"/>`},
		{"prefix of two namespaces", attr(attr(element("u", "p", "a"), "v", "p", "x", "1"), "w", "p", "y", "2"),
			`<p:a xmlns:p="u" xmlns:ns1="v" xmlns:ns2="w" ns1:x="1" ns2:y="2"/>`},
		{"inherited prefix in use", with(declared(element("", "", "r"), "p", "u"), attr(element("u", "p", "a"), "v", "p", "x", "1")),
			`<r xmlns:p="u"><p:a xmlns:ns1="v" ns1:x="1"/></r>`},
		{"prefix declared as another", declared(element("u", "p", "a"), "p", "v"), `<ns1:a xmlns:p="v" xmlns:ns1="u"/>`},
		{"made up prefix taken", attr(declared(element("", "", "a"), "ns1", "v"), "u", "", "x", "1"), `<a xmlns:ns1="v" xmlns:ns2="u" ns2:x="1"/>`},
		{"made up prefix used again", with(element("", "", "a"), attr(element("", "", "b"), "u", "", "x", "1"), attr(element("", "", "b"), "u", "", "x", "1")),
			`<a><b xmlns:ns1="u" ns1:x="1"/><b xmlns:ns1="u" ns1:x="1"/></a>`},
		{"reserved prefixes", attr(attr(element("u", "xml", "a"), "v", "xmlns", "x", "1"), xmltree.XMLSpace, "q", "lang", "en"),
			`<ns1:a xmlns:ns1="u" xmlns:ns2="v" ns2:x="1" xml:lang="en"/>`},
		{"prefix that is no name", element("u", "1", "a"), `<ns1:a xmlns:ns1="u"/>`},
		{"value", attr(element("", "", "a"), "", "", "x", "<&>\"'\t\n\r"), `<a x="&lt;&amp;>&quot;'&#9;&#10;&#13;"/>`},
		{"text", with(element("", "", "a"), d.NewText("<&>\"]]>\t\n\r\x00\xff\uffff")), "<a>&lt;&amp;&gt;\"]]&gt;\t\n&#13;\uFFFD\uFFFD\uFFFD</a>"},
		{"comment", with(element("", "", "a"), d.NewComment("--a---\r\n\x01-")), "<a><!--- -a- - -\n\uFFFD- --></a>"},
		{"instruction", with(element("", "", "a"), d.NewProcInst("p", " a?>b\r")), "<a><?p a? >b\n?></a>"},
	} {
		got := test.node.String()
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if _, err := xmltree.Parse([]byte(got), xmltree.Options{}); err != nil {
			t.Errorf("%s: cannot read %s back: %v", test.name, got, err)
		}
	}
}

func TestWriteParts(t *testing.T) {
	e := parse(t, `<a x="1&quot;" xmlns:p="u">text &lt;<b/></a>`)
	for _, test := range []struct {
		node *xmltree.Node
		want string
	}{
		{e.Attrs(), `x="1&quot;"`}, {e.Decls(), `xmlns:p="u"`}, {e.First(), "text &lt;"}, {e.Last(), "<b/>"},
	} {
		if got := test.node.String(); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

func TestWriteIndented(t *testing.T) {
	e := parse(t, `<a><b><c x="1"/><!--c--><d>text</d></b><e>mixed <b><c/></b></e><f xml:space="preserve"><g/></f> </a>`)
	var b strings.Builder
	if err := e.Document().Root().Write(&b, xmltree.WriteOptions{Indent: true, Declaration: true}); err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<a>
  <b>
    <c x="1"/>
    <!--c-->
    <d>text</d>
  </b>
  <e>mixed <b><c/></b></e>
  <f xml:space="preserve"><g/></f>
</a>
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestWriteRefuses(t *testing.T) {
	d := xmltree.New(nil)
	bad := d.NewElement(xmltree.Name{Local: "a b"})
	inner := d.NewElement(xmltree.Name{Local: "a"})
	inner.SetAttr(xmltree.Name{Local: ""}, "1")
	reserved := d.NewElement(xmltree.Name{Space: "http://www.w3.org/2000/xmlns/", Local: "a"})
	for _, n := range []*xmltree.Node{bad, inner, reserved, d.NewProcInst("xml", "version"), d.NewProcInst("a:b", "")} {
		if err := n.Write(new(bytes.Buffer), xmltree.WriteOptions{}); err == nil {
			t.Errorf("%s is written", n.Path())
		}
	}
	if err := parse(t, "<a/>").Write(broken{}, xmltree.WriteOptions{}); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// TestWriteProperties builds hostile trees and reads back what was written.
func TestWriteProperties(t *testing.T) {
	spaces := rapid.SampledFrom([]string{"", "", "u", "v", "w\"&<", xmltree.XMLSpace})
	prefixes := rapid.SampledFrom([]string{"", "", "p", "q", "ns1", "ns2", "xml", "xmlns", "1", "a:b"})
	texts := rapid.SampledFrom([]string{"x", " ", "\n", "\r\n", "]]>", "<&>\"'", "é", "-", "--", "->", "?>", "\t"})
	rapid.Check(t, func(t *rapid.T) {
		d := xmltree.New(nil)
		name := func() xmltree.Name {
			return xmltree.Name{
				Space: spaces.Draw(t, "space"), Prefix: prefixes.Draw(t, "prefix"),
				Local: rapid.SampledFrom([]string{"a", "b", "é"}).Draw(t, "local"),
			}
		}
		var build func(depth int) *xmltree.Node
		build = func(depth int) *xmltree.Node {
			e := d.NewElement(name())
			for range rapid.IntRange(0, 2).Draw(t, "declarations") {
				e.Declare(prefixes.Draw(t, "declared"), spaces.Draw(t, "uri"))
			}
			for range rapid.IntRange(0, 3).Draw(t, "attributes") {
				e.SetAttr(name(), texts.Draw(t, "value"))
			}
			for range rapid.IntRange(0, 3).Draw(t, "children") {
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					e.AppendText(texts.Draw(t, "text"))
				case 1:
					_ = e.Append(d.NewText(texts.Draw(t, "text")))
				default:
					if depth < 4 {
						_ = e.Append(build(depth + 1))
					}
				}
			}
			return e
		}
		e := build(0)
		s := e.String()
		again, err := xmltree.Parse([]byte(s), xmltree.Options{})
		if err != nil {
			t.Fatalf("cannot read %s: %v", s, err)
		}
		if !xmltree.Equal(again.DocumentElement(), e) {
			t.Fatalf("%s was read as %s, written from %s", s, xmltree.Canonical(again.DocumentElement()), xmltree.Canonical(e))
		}
		if xmltree.Canonical(again.DocumentElement()) != xmltree.Canonical(e) {
			t.Fatalf("canonical %s and %s", xmltree.Canonical(e), xmltree.Canonical(again.DocumentElement()))
		}
	})
}

func TestCanonical(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		equal bool
	}{
		{`<a x="1" y="2"/>`, `<a y='2' x='1'></a>`, true},
		{`<p:a xmlns:p="u" p:x="1"/>`, `<a xmlns="u" xmlns:q="u" q:x="1"/>`, true},
		{`<a>x<![CDATA[y]]></a>`, `<a>xy</a>`, true},
		{`<a xmlns:p="u"/>`, `<a/>`, true},
		{`<a x="1"/>`, `<a x="2"/>`, false},
		{`<a x="1"/>`, `<a/>`, false},
		{`<a/>`, `<a xmlns="u"/>`, false},
		{`<a xmlns:p="u" p:x="1"/>`, `<a x="1"/>`, false},
		{`<a> x</a>`, `<a>x</a>`, false},
		{`<a>x<!--c--></a>`, `<a>x</a>`, false},

		{`<a><b/><c/></a>`, `<a><c/><b/></a>`, false},
		{`<a><b><c/></b></a>`, `<a><b/><c/></a>`, false},
		{`<a><?p x?></a>`, `<a><?p y?></a>`, false},
		{`<a><?p x?></a>`, `<a><?q x?></a>`, false},
	} {
		a, b := parse(t, test.a), parse(t, test.b)
		if got := xmltree.Equal(a, b); got != test.equal {
			t.Errorf("Equal(%s, %s) = %t", test.a, test.b, got)
		}
		if got := xmltree.Canonical(a) == xmltree.Canonical(b); got != test.equal {
			t.Errorf("Canonical(%s) = %s and Canonical(%s) = %s", test.a, xmltree.Canonical(a), test.b, xmltree.Canonical(b))
		}
	}
}

// TestWriteForgets writes trees that cannot be written, and then one that
// would be written otherwise if something of them were left.
func TestWriteForgets(t *testing.T) {
	d := xmltree.New(nil)
	for range 5 {
		bad := d.NewElement(xmltree.Name{Space: "urn:p", Prefix: "p", Local: "a"})
		bad.Declare("", "urn:d")
		bad.SetAttr(xmltree.Name{Space: "urn:made", Local: "x"}, "1")
		inner := d.NewElement(xmltree.Name{Space: "urn:other", Prefix: "p", Local: "b"})
		if err := bad.Append(inner); err != nil {
			t.Fatal(err)
		}
		if err := inner.Append(d.NewElement(xmltree.Name{Local: "no name"})); err != nil {
			t.Fatal(err)
		}
		if err := bad.Write(io.Discard, xmltree.WriteOptions{Indent: true}); err == nil {
			t.Fatal("a wrong name is written")
		}
		good := d.NewElement(xmltree.Name{Space: "urn:p", Prefix: "p", Local: "a"})
		good.SetAttr(xmltree.Name{Space: "urn:q", Local: "x"}, "1")
		if err := good.Append(d.NewElement(xmltree.Name{Local: "b"})); err != nil {
			t.Fatal(err)
		}
		if got, want := good.String(), `<p:a xmlns:p="urn:p" xmlns:ns1="urn:q" ns1:x="1"><b/></p:a>`; got != want {
			t.Fatalf("written %s, want %s", got, want)
		}
	}
}

// TestWriteManyPrefixes writes one prefix that stands for many namespaces in
// turn, each name coming again below another meaning of it.
func TestWriteManyPrefixes(t *testing.T) {
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, `<p:a xmlns:p="urn:%d" p:x="%d"><a xmlns="urn:%d"/>`, i%3, i, i%5)
	}
	b.WriteString(strings.Repeat("</p:a>", 50))
	d, err := xmltree.Parse([]byte(b.String()), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Root().String(); got != b.String() {
		t.Errorf("written\n%s, want\n%s", got, b.String())
	}
}
