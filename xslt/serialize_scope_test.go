package xslt_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"sutler/xmltree"
)

// A tree whose prefixes and declarations are missing, in the way of each other
// or reserved is written so that every name keeps its namespace.
func TestSerializeAnyNames(t *testing.T) {
	p := copyAll(t, `method="xml"`)
	html := copyAll(t, `method="html" indent="no"`)
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	space := func() string { return pick("", "", "urn:0", "urn:1", "urn:2", xmltree.XMLSpace) }
	prefix := func() string { return pick("", "", "p", "q", "ns0", "ns1", "xml", "xmlns") }
	var element func(d *xmltree.Document, depth int) *xmltree.Node
	element = func(d *xmltree.Document, depth int) *xmltree.Node {
		e := d.NewElement(xmltree.Name{Space: space(), Prefix: prefix(), Local: pick("a", "b")})
		for range random.IntN(3) {
			e.Declare(prefix(), pick("", "urn:0", "urn:1", "urn:2", "urn:3"))
		}
		for range random.IntN(4) {
			e.SetAttr(xmltree.Name{Space: space(), Prefix: prefix(), Local: pick("x", "y", "z")}, "v")
		}
		for range random.IntN(4) {
			if depth == 0 {
				break
			}
			if err := e.Append(element(d, depth-1)); err != nil {
				t.Fatal(err)
			}
		}
		return e
	}
	for range 5000 {
		d := xmltree.New(nil)
		if err := d.Root().Append(element(d, 3)); err != nil {
			t.Fatal(err)
		}
		want := tidy(d.Root())
		var b bytes.Buffer
		if err := p.Serialize(&b, d.Root()); err != nil {
			t.Fatal(err)
		}
		again, err := xmltree.Parse(b.Bytes(), xmltree.Options{})
		if err != nil {
			t.Fatalf("%s\nis written as\n%s\nwhich cannot be read: %v", want, b.Bytes(), err)
		}
		if got := tidy(again.Root()); got != want {
			t.Fatalf("%s\nis written as\n%s\nwhich is read as\n%s", want, b.Bytes(), got)
		}
		b.Reset()
		if err := html.Serialize(&b, d.Root()); err != nil {
			t.Fatal(err)
		}
		if again, err = xmltree.Parse(b.Bytes(), xmltree.Options{}); err != nil || tidy(again.Root()) != want {
			t.Fatalf("%s\nis written as HTML as\n%s\nwhich is read as %v", want, b.Bytes(), err)
		}
	}
}

// Namespaces in scope that names do not use are declared as far as they can be.
func TestSerializeDeclarations(t *testing.T) {
	p := copyAll(t, `method="xml"`)
	for _, c := range []struct {
		name  xmltree.Name
		decls [][2]string
		want  string
	}{
		{xmltree.Name{Local: "a"}, [][2]string{{"p", "urn:p"}}, `<a xmlns:p="urn:p"/>`},
		{xmltree.Name{Local: "a"}, [][2]string{{"", "urn:d"}}, `<a/>`},
		{xmltree.Name{Space: "urn:d", Local: "a"}, nil, `<a xmlns="urn:d"/>`},
		{xmltree.Name{Space: "urn:d", Local: "a"}, [][2]string{{"", "urn:d"}, {"p", "urn:d"}}, `<a xmlns="urn:d" xmlns:p="urn:d"/>`},
		{xmltree.Name{Space: "urn:d", Local: "a"}, [][2]string{{"", "urn:e"}, {"p", "urn:d"}}, `<p:a xmlns="urn:e" xmlns:p="urn:d"/>`},
		{xmltree.Name{Space: "urn:d", Prefix: "p", Local: "a"}, [][2]string{{"p", "urn:e"}}, `<ns0:a xmlns:p="urn:e" xmlns:ns0="urn:d"/>`},
		{xmltree.Name{Space: "urn:d", Prefix: "p", Local: "a"}, [][2]string{{"p", ""}}, `<p:a xmlns:p="urn:d"/>`},
		{xmltree.Name{Space: "urn:d", Prefix: "p", Local: "a"}, [][2]string{{"p", "urn:e"}, {"ns0", "urn:f"}}, `<ns1:a xmlns:p="urn:e" xmlns:ns0="urn:f" xmlns:ns1="urn:d"/>`},
		{xmltree.Name{Prefix: "p", Local: "a"}, nil, `<a/>`},
		{xmltree.Name{Space: xmltree.XMLSpace, Local: "a"}, nil, `<xml:a/>`},
	} {
		d := xmltree.New(nil)
		e := d.NewElement(c.name)
		for _, x := range c.decls {
			e.Declare(x[0], x[1])
		}
		if err := d.Root().Append(e); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := p.Serialize(&b, d.Root()); err != nil || b.String() != c.want {
			t.Errorf("%v with %v is written as %s, %v, want %s", c.name, c.decls, b.String(), err, c.want)
		}
	}
}
