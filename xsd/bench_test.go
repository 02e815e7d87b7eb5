package xsd_test

import (
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xsd"
)

// BenchmarkValidate checks 100 records of three fields and two attributes.
func BenchmarkValidate(b *testing.B) {
	const schema = `<xs:simpleType name="phone"><xs:restriction base="xs:token"><xs:pattern value="\+?[0-9 ]{3,20}"/></xs:restriction></xs:simpleType>
		<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="person" maxOccurs="unbounded"><xs:complexType><xs:sequence><xs:element name="name" type="xs:token"/><xs:element name="born" type="xs:date"/><xs:element name="phone" type="phone"/></xs:sequence><xs:attribute name="id" type="xs:int" use="required"/><xs:attribute name="kind"/></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>`
	s := must(b, schema, xsd.Options{Unqualified: true})
	doc := parse(b, "<v>"+strings.Repeat(`<person id="7" kind="x"><name>Ann Lee</name><born>1990-01-31</born><phone>+49 30 1234</phone></person>`, 100)+"</v>")
	b.ReportAllocs()
	for b.Loop() {
		if got := s.Validate(doc.DocumentElement(), &xmltree.Budget{MaxSteps: 1_000_000}); got != nil {
			b.Fatal(got)
		}
	}
}
