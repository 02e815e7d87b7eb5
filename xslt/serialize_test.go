package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"sutler/xmltree"
	"sutler/xslt"
)

// legible returns a result as it is put into an archive: what is no text in
// UTF-8 is quoted.
func legible(s string) string {
	if utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\r\uFEFF") {
		return s
	}
	return "bytes " + strconv.QuoteToASCII(s)
}

// copyAll makes a stylesheet that copies its source and is written so.
func copyAll(t testing.TB, output string) *xslt.Program {
	t.Helper()
	return compile(t, `<xsl:output `+output+`/><xsl:template match="/"><xsl:copy-of select="node()"/></xsl:template>`)
}

// tree runs p on src and returns the root of the result.
func tree(t testing.TB, p *xslt.Program, src string) *xmltree.Node {
	t.Helper()
	into := xmltree.New(nil)
	if err := p.Run(context.Background(), parse(t, src).Root(), into.Root(), xslt.Env{}); err != nil {
		t.Fatal(err)
	}
	return into.Root()
}

// Line ends at the end of a result are there exactly if lines are broken.
func TestSerializeEnds(t *testing.T) {
	for _, c := range []struct{ output, src, want string }{
		{``, `<r><a/></r>`, "<r><a/></r>"},
		{`omit-xml-declaration="no"`, `<r/>`, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<r/>"},
		{`doctype-system="s"`, `<r/>`, "<!DOCTYPE r SYSTEM \"s\">\n<r/>"},
		{`indent="yes"`, `<r><a/></r>`, "<r>\n  <a/>\n</r>\n"},
		{`method="html"`, `<p/>`, "<p></p>\n"},
		{`method="html" indent="no"`, `<p/>`, "<p></p>"},
		{`method="text"`, `<p>x</p>`, "x"},
		{`method="text" indent="yes"`, "<p>x\n</p>", "x\n"},
	} {
		p := copyAll(t, c.output)
		var b bytes.Buffer
		if err := p.Serialize(&b, tree(t, p, c.src)); err != nil || b.String() != c.want {
			t.Errorf("%s of %s: %q, %v, want %q", c.output, c.src, b.String(), err, c.want)
		}
	}
}

// A result that goes into another text has no declarations and is UTF-8, also
// between two that have and are not.
func TestEmbed(t *testing.T) {
	for _, c := range []struct{ output, src, whole, part string }{
		{`encoding="ISO-8859-1" doctype-system="s" omit-xml-declaration="no"`, `<r>ä€</r>`,
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!DOCTYPE r SYSTEM \"s\">\n<r>\xe4&#8364;</r>", "<r>ä€</r>"},
		{`encoding="UTF-16"`, `<r>ä</r>`, "\xff\xfe<\x00r\x00>\x00\xe4\x00<\x00/\x00r\x00>\x00", "<r>ä</r>"},
		{`method="html" doctype-public="p" indent="no" encoding="US-ASCII"`, `<p>é<br/></p>`, "<!DOCTYPE html PUBLIC \"p\">\n<p>&eacute;<br></p>", "<p>é<br></p>"},
		{`method="text" encoding="windows-1251"`, `<p>ж</p>`, "\xe6", "ж"},
		{`method="xml" encoding="Shift_JIS"`, `<p>日</p>`, "<p>\x93\xfa</p>", "<p>日</p>"},
	} {
		p := copyAll(t, c.output)
		root := tree(t, p, c.src)
		for range 3 {
			var whole, part bytes.Buffer
			if err := p.Serialize(&whole, root); err != nil || whole.String() != c.whole {
				t.Errorf("Serialize with %s: %q, %v, want %q", c.output, whole.String(), err, c.whole)
			}
			if err := p.Embed(&part, root); err != nil || part.String() != c.part {
				t.Errorf("Embed with %s: %q, %v, want %q", c.output, part.String(), err, c.part)
			}
		}
	}
}

var errFull = errors.New("the disk is full")

// full takes n bytes.
type full int

func (f *full) Write(b []byte) (int, error) {
	if len(b) > int(*f) {
		return int(*f), errFull
	}
	*f -= full(len(b))
	return len(b), nil
}

func TestSerializeToFullWriter(t *testing.T) {
	for _, output := range []string{``, `method="html"`, `method="text"`, `encoding="UTF-16"`, `encoding="ISO-8859-1"`, `encoding="EUC-JP"`} {
		p := copyAll(t, output)
		root := tree(t, p, "<r>"+strings.Repeat("<a>some text</a>", 20_000)+"</r>")
		for _, n := range []int{0, 10, 50_000} {
			w := full(n)
			if err := p.Serialize(&w, root); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "cannot write the result") {
				t.Errorf("Serialize with %s into %d bytes = %v, want %v", output, n, err, errFull)
			}
		}
		var b bytes.Buffer
		if err := p.Serialize(&b, root); err != nil || b.Len() < 50_000 {
			t.Errorf("Serialize with %s after an error: %d bytes, %v", output, b.Len(), err)
		}
	}
}

// What the encoding lacks is an error with the place of the encoding and the
// path of the node, and the text before it may have been written.
func TestSerializeLacks(t *testing.T) {
	p := copyAll(t, `method="text" encoding="ISO-8859-1"`)
	err := p.Serialize(io.Discard, tree(t, p, `<r><a/><a>x€y</a></r>`))
	var problem *xmltree.Problem
	if !errors.As(err, &problem) {
		t.Fatalf("Serialize = %v, want a problem", err)
	}
	if want := `test.xml:2:27: cannot write text at /r/a[2]/text(): the encoding ISO-8859-1 has no '€' (U+20AC) [XT130]`; problem.Brief() != want {
		t.Errorf("Serialize = %s, want %s", problem.Brief(), want)
	}
	if err := p.Serialize(io.Discard, tree(t, p, `<r><a/><a>xäy</a></r>`)); err != nil {
		t.Errorf("Serialize after an error = %v", err)
	}
}

// largest notes the longest write.
type largest struct{ n, all int }

func (l *largest) Write(b []byte) (int, error) {
	l.n, l.all = max(l.n, len(b)), l.all+len(b)
	return len(b), nil
}

// A long text is written in pieces, none of which parts a character or what is
// escaped.
func TestSerializeLongText(t *testing.T) {
	for _, unit := range []string{"a", "ä", "€", "😀", "&", "&{", "]]>", "]]>ä", "<", "\r", "\u00a0", "x&{€"} {
		for _, output := range []string{`method="xml"`, `method="xml" cdata-section-elements="r"`, `method="html"`, `encoding="US-ASCII"`, `encoding="ISO-8859-1"`, `encoding="UTF-16"`} {
			p := copyAll(t, output)
			text := strings.Repeat(unit, 70_000/len(unit))
			for shift := range 3 {
				d := xmltree.New(nil)
				r := d.NewElement(xmltree.Name{Local: "r"})
				r.SetAttr(xmltree.Name{Local: "a"}, "xxxx"[:shift]+text)
				r.AppendText("xxxx"[:shift] + text)
				if err := d.Root().Append(r); err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				var l largest
				if err := p.Serialize(io.MultiWriter(&b, &l), d.Root()); err != nil {
					t.Fatal(err)
				}
				if l.n > 300_000 {
					t.Errorf("%q with %s: one write of %d bytes of %d", unit, output, l.n, l.all)
				}
				if strings.Contains(output, "html") {
					if want := `<r a="xxxx`[:6+shift] + strings.NewReplacer("&{", "&{", "&", "&amp;", "\r", "&#13;", "\u00a0", "&nbsp;").Replace(text) + `">`; !strings.HasPrefix(b.String(), want) {
						t.Errorf("%q with %s: the attribute is not as it should", unit, output)
					}
					continue
				}
				src := b.Bytes()
				if strings.Contains(output, "8859") {
					src = append([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?>`), src...)
				}
				again, err := xmltree.Parse(src, xmltree.Options{})
				if err != nil {
					t.Fatalf("%q with %s: %v", unit, output, err)
				}
				if got := again.DocumentElement(); got.Text() != r.Text() || got.Attr("a") != r.Attr("a") {
					t.Errorf("%q with %s is another text when it is read back", unit, output)
				}
			}
		}
	}
}

// What no XML can hold is replaced, wherever it comes from.
func TestSerializeForbidden(t *testing.T) {
	d := xmltree.New(nil)
	r := d.NewElement(xmltree.Name{Local: "r"})
	const bad = "\x00\x08\x1f\uFFFE\uFFFF\xff"
	r.SetAttr(xmltree.Name{Local: "a"}, bad)
	r.AppendText(bad)
	if err := d.Root().Append(r); err != nil {
		t.Fatal(err)
	}
	marks := strings.Repeat("\uFFFD", 6)
	for output, want := range map[string]string{
		``:                           marks,
		`cdata-section-elements="r"`: marks,
		`encoding="UTF-16"`:          marks,
		`encoding="US-ASCII"`:        strings.Repeat("&#65533;", 6),
		`encoding="windows-1251"`:    strings.Repeat("&#65533;", 6),
		`encoding="Shift_JIS"`:       strings.Repeat("&#65533;", 6),
	} {
		p := copyAll(t, output)
		var b bytes.Buffer
		if err := p.Serialize(&b, d.Root()); err != nil {
			t.Errorf("Serialize with %s = %v", output, err)
			continue
		}
		if strings.Contains(output, "16") || strings.Contains(output, "cdata") {
			again := parse(t, b.String())
			b.Reset()
			b.WriteString(again.Root().String())
		}
		if want := `<r a="` + want + `">` + want + `</r>`; b.String() != want {
			t.Errorf("Serialize with %s = %q, want %q", output, b.String(), want)
		}
	}
}

// Every character is written as itself in bytes that stand for it, or as a
// reference, or is an error in plain text: nothing becomes something else.
func TestSerializeEveryCharacter(t *testing.T) {
	for name, decoder := range map[string]encoding.Encoding{
		"GB18030": simplifiedchinese.GB18030, "GBK": simplifiedchinese.GBK, "Shift_JIS": japanese.ShiftJIS, "EUC-JP": japanese.EUCJP,
		"ISO-2022-JP": japanese.ISO2022JP, "EUC-KR": korean.EUCKR, "Big5": traditionalchinese.Big5,
		"windows-1252": charmap.Windows1252, "ISO-8859-7": charmap.ISO8859_7, "KOI8-U": charmap.KOI8U, "IBM037": charmap.CodePage037,
	} {
		var text strings.Builder
		for r := rune(' '); r < 0x30000; r++ {
			if r == 0xD800 {
				r = 0xE000
			}
			if (r < 0x600 || r%7 == 0 || r >= 0xE000 && r < 0xF900) && r != 0xFFFE && r != 0xFFFF {
				text.WriteRune(r)
			}
		}
		d := xmltree.New(nil)
		e := d.NewElement(xmltree.Name{Local: "r"})
		e.AppendText(text.String())
		if err := d.Root().Append(e); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := copyAll(t, `encoding="`+name+`"`).Serialize(&b, d.Root()); err != nil {
			t.Errorf("Serialize in %s = %v", name, err)
			continue
		}
		back, err := decoder.NewDecoder().Bytes(b.Bytes())
		if err != nil {
			t.Errorf("the result in %s cannot be decoded: %v", name, err)
			continue
		}
		if got := parse(t, string(back)).DocumentElement().Text(); got != text.String() {
			t.Errorf("the result in %s is another text when it is read back", name)
		}
	}
}

// One tree may be written by many at once, each time the same.
func TestSerializeAtOnce(t *testing.T) {
	for _, output := range []string{``, `encoding="Shift_JIS"`, `method="html" encoding="windows-1251"`, `encoding="UTF-16"`} {
		p := copyAll(t, output)
		root := tree(t, p, "<r xmlns:n='u'>"+strings.Repeat("<n:a b='ж'>日x</n:a>", 300)+"</r>")
		var want bytes.Buffer
		if err := p.Serialize(&want, root); err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range 20 {
					var b bytes.Buffer
					if err := p.Serialize(&b, root); err != nil || !bytes.Equal(b.Bytes(), want.Bytes()) {
						t.Errorf("Serialize with %s differs: %v", output, err)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}

// Nothing is allocated for a node.
func TestSerializeAllocates(t *testing.T) {
	for _, output := range []string{`method="xml"`, `method="xml" indent="yes"`, `method="html"`, `method="text"`, `encoding="windows-1251"`} {
		p := copyAll(t, output)
		root := tree(t, p, `<html xmlns:n="urn:n"><body>`+strings.Repeat(`<p class="c" n:x="y">a &lt; ж<b xmlns="urn:b">b</b><n:c/></p>`, 500)+`</body></html>`)
		if n := testing.AllocsPerRun(20, func() {
			if err := p.Serialize(io.Discard, root); err != nil {
				t.Fatal(err)
			}
		}); n > 20 {
			t.Errorf("Serialize with %s allocates %v times for 2,000 elements", output, n)
		}
	}
}

// A source is copied only if it holds white space to drop.
func TestSpaceCopies(t *testing.T) {
	p := compile(t, `<xsl:strip-space elements="*"/><xsl:preserve-space elements="b"/><xsl:template match="/"><xsl:value-of select="count(//text())"/></xsl:template>`)
	for _, c := range []struct {
		src, want string
		copied    bool
	}{
		{"<a>" + strings.Repeat("<c>x</c><b> </b>", 500) + "</a>", "1000", false},
		{"<a>" + strings.Repeat("<c>x</c><b> </b>", 500) + " </a>", "1000", true},
		{"<a xml:space='preserve'>" + strings.Repeat("<c> </c><b> </b>", 500) + " </a>", "1001", false},
	} {
		budget := &xmltree.Budget{MaxNodes: 100}
		got, err := run(p, c.src, xslt.Env{Budget: budget})
		if c.copied != (err != nil) || !c.copied && got != c.want {
			t.Errorf("Run of %.40s… = %q, %v, want a copy: %v", c.src, got, err, c.copied)
		}
		if got, err := run(p, c.src, xslt.Env{}); err != nil || got != c.want {
			t.Errorf("Run of %.40s… = %q, %v, want %s", c.src, got, err, c.want)
		}
	}
}

// White space of documents that are loaded is dropped by the same rules.
func TestSpaceOfLoadedDocuments(t *testing.T) {
	p := compile(t, `<xsl:strip-space elements="*"/><xsl:preserve-space elements="b"/>
		<xsl:template match="/"><xsl:for-each select="document('x')//text()"><xsl:value-of select="concat(name(..), string-length(), ' ')"/></xsl:for-each></xsl:template>`)
	got, err := run(p, `<a/>`, xslt.Env{Load: func(href, _ string) (*xmltree.Document, error) {
		return xmltree.Parse([]byte(`<a> <b> </b> <c xml:space="preserve"> </c><c> x </c></a>`), xmltree.Options{File: href})
	}})
	if want := `b1 c1 c3 `; err != nil || got != want {
		t.Errorf("Run = %q, %v, want %q", got, err, want)
	}
}

// Elements nested as deep as a tree may be are written and read back.
func TestSerializeDeep(t *testing.T) {
	const depth = 250
	var src strings.Builder
	for i := range depth {
		fmt.Fprintf(&src, `<n:e%d xmlns:n="urn:%d" xmlns="urn:%d">`, i, i%3, i%2)
	}
	for i := depth - 1; i >= 0; i-- {
		fmt.Fprintf(&src, `</n:e%d>`, i)
	}
	for _, output := range []string{``, `indent="yes"`, `method="html"`} {
		p := copyAll(t, output)
		var b bytes.Buffer
		root := tree(t, p, src.String())
		if err := p.Serialize(&b, root); err != nil {
			t.Fatal(err)
		}
		again := parse(t, b.String())
		if got, want := solid(again.Root()), solid(root); got != want {
			t.Errorf("Serialize with %s gives another tree", output)
		}
	}
}
