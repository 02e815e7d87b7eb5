package xsd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xsd"
)

// TestPlace shows a finding with its place, its line and a caret.
func TestPlace(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:attribute name="n" type="xs:int"/></xs:complexType></xs:element>`, xsd.Options{})
	doc := parse(t, "<v\n  n='x'/>")
	const want = `data.xml:2:3: /v/@n: "x" is not of xs:int: want a whole number [XS107]
    n='x'/>
    ^`
	if got := s.Validate(doc.DocumentElement(), nil).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnqualified takes data in no namespace for data in the target namespace.
func TestUnqualified(t *testing.T) {
	const schema = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" xmlns:t="urn:t" elementFormDefault="qualified" attributeFormDefault="qualified">
		<xs:complexType name="c"><xs:sequence><xs:element name="a" type="xs:int" maxOccurs="2"/><xs:element name="l" form="unqualified" minOccurs="0"/><xs:element ref="t:g" minOccurs="0"/></xs:sequence><xs:attribute name="r" use="required" type="xs:int"/><xs:attribute name="u" form="unqualified"/><xs:anyAttribute namespace="##targetNamespace"/></xs:complexType>
		<xs:attribute name="z" type="xs:int"/>
		<xs:complexType name="d"><xs:complexContent><xs:extension base="t:c"/></xs:complexContent></xs:complexType>
		<xs:element name="v" type="t:c"><xs:unique name="k"><xs:selector xpath="t:a"/><xs:field xpath="."/></xs:unique></xs:element>
		<xs:element name="w"><xs:complexType><xs:attribute name="r" use="required"/><xs:attribute name="s" use="required"/></xs:complexType></xs:element>
		<xs:element name="g"/></xs:schema>`
	for _, c := range []struct {
		document      string
		lenient, pure bool
	}{
		{`<v r="1"><a>1</a></v>`, true, false},
		{`<v r="1" u=""><a>1</a><a>2</a><l/><g/></v>`, true, false},
		{`<v xmlns="urn:t" xmlns:t="urn:t" t:r="1" u=""><a>1</a><l xmlns=""/><g/></v>`, true, true},
		{`<v r="1" z="2"><a>1</a></v>`, true, false},
		{`<v r="1" z="x"><a>1</a></v>`, false, false},
		{`<v r="x"><a>1</a></v>`, false, false},
		{`<v r="1" t:r="1" xmlns:t="urn:t"><a>1</a></v>`, false, false},
		{`<w s="1" t:s="1" xmlns:t="urn:t"/>`, false, false},
		{`<w s="1" r="1"/>`, true, false},
		{`<v><a>1</a></v>`, false, false},
		{`<v r="1"><a>1</a><a>1</a></v>`, false, false},
		{`<v r="1"><a>x</a></v>`, false, false},
		{`<v r="1"><b/></v>`, false, false},
		{`<v r="1" xmlns="urn:other"><a>1</a></v>`, false, false},
		{`<v r="1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="d"><a>1</a></v>`, true, false},
	} {
		for _, o := range []xsd.Options{{Unqualified: true}, {}} {
			s, problems := compile(t, schema, o)
			if s == nil {
				t.Fatal(problems)
			}
			want := c.pure
			if o.Unqualified {
				want = c.lenient
			}
			if got := messages(t, s, c.document); (got == nil) != want {
				t.Errorf("%s: unqualified %v: valid is %v, want %v: %v", c.document, o.Unqualified, got == nil, want, got)
			}
			if !s.Declares("v") == o.Unqualified || s.Declares("a") {
				t.Errorf("unqualified %v: Declares(v) = %v, Declares(a) = %v", o.Unqualified, s.Declares("v"), s.Declares("a"))
			}
		}
	}
}

// TestSecret sees that no message shows a value that is a secret, whatever is
// wrong with it, and that the others are shown.
func TestSecret(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:sequence>
		<xs:element name="n" type="xs:int" minOccurs="0"/><xs:element name="e" minOccurs="0"><xs:simpleType><xs:restriction base="xs:token"><xs:enumeration value="else"/></xs:restriction></xs:simpleType></xs:element>
		<xs:element name="p" minOccurs="0"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[a-z]"/></xs:restriction></xs:simpleType></xs:element>
		<xs:element name="f" type="xs:string" fixed="x" minOccurs="0"/><xs:element name="i" type="xs:ID" minOccurs="0" maxOccurs="2"/><xs:element name="r" type="xs:IDREF" minOccurs="0"/>
		<xs:element name="k" type="xs:string" minOccurs="0" maxOccurs="2"/><xs:element name="l" minOccurs="0"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element></xs:sequence></xs:complexType>
		<xs:unique name="u"><xs:selector xpath="k"/><xs:field xpath="."/></xs:unique></xs:element>`,
		xsd.Options{Secret: func(n *xmltree.Node) bool { return strings.HasPrefix(n.Text(), "hush") }})
	for _, inside := range []string{
		"<n>hush</n>", "<e>hush2</e>", "<p>hush</p>", "<f>hush</f>", "<i>hush</i><i>hush</i>", "<r>hush</r>", "<k>hush</k><k>hush</k>", "<l>hush hush</l>",
		`<n xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="hush">1</n>`, `<n xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="hush">1</n>`,
	} {
		got := strings.Join(messages(t, s, "<v>"+inside+"</v>"), "\n")
		if !strings.Contains(got, "***") || strings.Contains(got, "hush") {
			t.Errorf("%s: %q, want *** in place of the value", inside, got)
		}
		shown := strings.ReplaceAll(inside, "hush", "Seen")
		if got := strings.Join(messages(t, s, "<v>"+shown+"</v>"), "\n"); strings.Contains(got, "***") || !strings.Contains(got, "Seen") {
			t.Errorf("%s: %q, want the value", shown, got)
		}
	}
}

// TestEmpty tells what a schema describes.
func TestEmpty(t *testing.T) {
	for src, want := range map[string]bool{
		`<Schema name="inputSchema"/>`:                                                                  true,
		xdrHead + `<!-- nothing --><description>x</description></Schema>`:                               true,
		xdrHead + `<ElementType name="v"/></Schema>`:                                                    false,
		xsdHead + `<xs:simpleType name="t"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema>`: false,
	} {
		s, problems := compile(t, src, xsd.Options{})
		if s == nil {
			t.Fatal(problems)
		}
		if s.Empty() != want || s.Declares("v") != strings.Contains(src, `"v"`) {
			t.Errorf("%s: Empty is %v, Declares(v) is %v", src, s.Empty(), s.Declares("v"))
		}
	}
}

// TestNoElement checks what is not an element.
func TestNoElement(t *testing.T) {
	s := must(t, `<xs:element name="v"/>`, xsd.Options{})
	doc := parse(t, "<v>x</v>")
	for _, n := range []*xmltree.Node{doc.Root(), doc.DocumentElement().First()} {
		if got := s.Validate(n, nil); len(got) != 1 || got[0].Rule != "XS101" {
			t.Errorf("Validate = %v, want XS101", got)
		}
	}
}

// TestRules checks that each rule is explained and occurs in the cases.
func TestRules(t *testing.T) {
	var all strings.Builder
	paths, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	last := ""
	for _, r := range xsd.Rules() {
		if r.ID <= last || r.Title == "" || r.Help == "" {
			t.Errorf("rule %+v is out of order or not explained", r)
		}
		last = r.ID
		if r.ID == "XS022" || r.ID == "XS120" { // of limits: see TestHostileSchemas and TestBudget
			continue
		}
		if !strings.Contains(all.String(), "["+r.ID+"]") && !strings.Contains(all.String(), "    "+r.ID+" ") {
			t.Errorf("rule %s does not occur in the cases", r.ID)
		}
	}
}
