package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xslt"
)

// What is written as XML can be read back and is the same tree, with lines
// broken or not, in CDATA sections or not, in every encoding that the parser
// reads. What is written as HTML or text is written without a panic.
func FuzzSerialize(f *testing.F) {
	eachFile(f, func(name, text string) {
		if strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".tpl") && !strings.Contains(text, "?>") {
			f.Add("<r xmlns:xsl='urn:x'>" + text + "</r>")
		}
	})
	f.Add(`<a xmlns="u" xmlns:p="v"><b xmlns="" p:c="&#13;&#10;]]&gt;"><p:d xmlns:p="w" p:e="é"/>&#13;x]]&gt;é€&#x10FFFF;</b><!-- c --><?d e?></a>`)
	const identity = `<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>`
	var exact []*xslt.Program
	for _, output := range []string{``, `encoding="UTF-16"`, `encoding="US-ASCII"`, `encoding="ISO-8859-1"`,
		`cdata-section-elements="r a b c d e"`, `cdata-section-elements="r a b c d e" encoding="US-ASCII"`} {
		exact = append(exact, compile(f, `<xsl:output method="xml" omit-xml-declaration="no" `+output+`/>`+identity))
	}
	indented := compile(f, `<xsl:output method="xml" indent="yes"/>`+identity)
	var others []*xslt.Program
	for _, output := range []string{`method="html"`, `method="html" encoding="US-ASCII"`, `method="text"`, `method="text" encoding="Shift_JIS"`} {
		others = append(others, compile(f, `<xsl:output `+output+`/>`+identity))
	}
	f.Fuzz(func(t *testing.T, src string) {
		in, err := xmltree.Parse([]byte(src), xmltree.Options{MaxBytes: 1 << 16})
		if err != nil {
			return
		}
		want := tidy(in.Root())
		for i, p := range exact {
			b, err := written(p, in.Root())
			if err != nil {
				continue
			}
			again, err := xmltree.Parse(b, xmltree.Options{})
			if err != nil {
				t.Fatalf("output %d of %q cannot be read: %v\n%q", i, src, err, b)
			}
			if got := tidy(again.Root()); got != want {
				t.Fatalf("output %d of %q is %q\nread back as %q\nwant %q", i, src, b, got, want)
			}
		}
		b, err := written(indented, in.Root())
		if err != nil {
			t.Fatal(err)
		}
		again, err := xmltree.Parse(b, xmltree.Options{})
		if err != nil {
			t.Fatalf("lines of %q cannot be read: %v\n%q", src, err, b)
		}
		if got, want := solid(again.Root()), solid(in.Root()); got != want {
			t.Fatalf("lines of %q are %q\nwithout the breaks %q\nwant %q", src, b, got, want)
		}
		for _, p := range others {
			_, err := written(p, in.Root())
			var problem *xmltree.Problem
			if err != nil && (!errors.As(err, &problem) || problem.Rule != "XT130" && problem.Rule != "XT120") {
				t.Fatal(err)
			}
		}
		// A tree that no transformation made may lack every declaration.
		bare := bareCopy(in.Root())
		var out bytes.Buffer
		if err := exact[0].Serialize(&out, bare); err != nil {
			t.Fatal(err)
		}
		if again, err = xmltree.Parse(out.Bytes(), xmltree.Options{}); err != nil {
			t.Fatalf("%q without declarations cannot be read: %v\n%q", src, err, out.Bytes())
		}
		if got := tidy(again.Root()); got != want {
			t.Fatalf("%q without declarations is %q\nwant %q", src, got, want)
		}
	})
}

// written runs p on root, whose result is written; a character that the
// encoding lacks is an error.
func written(p *xslt.Program, root *xmltree.Node) ([]byte, error) {
	into := xmltree.New(nil)
	defer into.Release()
	if err := p.Run(context.Background(), root, into.Root(), xslt.Env{}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := p.Serialize(&b, into.Root())
	return b.Bytes(), err
}

// tidy writes a tree in a way of its own: names with their namespaces,
// adjacent texts as one, attributes in their order.
func tidy(n *xmltree.Node) string {
	var b strings.Builder
	walk(&b, n, func(*xmltree.Node) bool { return true })
	return b.String()
}

// solid is tidy without text of white space in elements that hold no other
// text and do not preserve it.
func solid(n *xmltree.Node) string {
	var b strings.Builder
	walk(&b, n, func(t *xmltree.Node) bool {
		for c := t.Parent().First(); c != nil; c = c.Next() {
			if c.Kind() == xmltree.Text && strings.Trim(c.Value(), " \n") != "" {
				return true
			}
		}
		return t.Parent().First() == t && t.Next() == nil
	})
	return b.String()
}

func walk(b *strings.Builder, n *xmltree.Node, keep func(*xmltree.Node) bool) {
	switch n.Kind() {
	case xmltree.Element:
		b.WriteString("\n<{" + n.Space() + "}" + n.Local())
		for a := n.Attrs(); a != nil; a = a.Next() {
			b.WriteString(" {" + a.Space() + "}" + a.Local() + "=" + a.Value() + ";")
		}
	case xmltree.Text:
		if keep(n) {
			b.WriteString(n.Value())
		}
		return
	case xmltree.Comment, xmltree.ProcInst:
		b.WriteString("\n?" + n.Local() + " " + n.Value())
		return
	}
	for c := n.First(); c != nil; c = c.Next() {
		walk(b, c, keep)
	}
	b.WriteString("\n/")
}

// bareCopy returns a copy of the tree without namespace declarations.
func bareCopy(root *xmltree.Node) *xmltree.Node {
	d := xmltree.New(nil)
	c, err := d.Copy(root)
	if err != nil {
		return root
	}
	var strip func(n *xmltree.Node)
	strip = func(n *xmltree.Node) {
		for n.Decls() != nil {
			n.Decls().Detach()
		}
		for x := n.FirstElement(); x != nil; x = x.NextElement() {
			strip(x)
		}
	}
	strip(c)
	return c
}
