package xsd_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler/xmltree"
	"sutler/xsd"
)

func parse(t testing.TB, src string) *xmltree.Document {
	t.Helper()
	doc, err := xmltree.Parse([]byte(src), xmltree.Options{File: "data.xml", MaxBytes: 1 << 30, MaxDepth: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// must compiles the inside of an xs:schema.
func must(t testing.TB, inside string, o xsd.Options) *xsd.Schema {
	t.Helper()
	s, problems := compile(t, xsdHead+inside+"</xs:schema>", o)
	if s == nil {
		t.Fatal(problems)
	}
	return s
}

// TestBudget sees that every kind of work is charged, and that a reached
// limit ends the checking with a problem that wraps it.
func TestBudget(t *testing.T) {
	many := strings.Repeat("<a/>", 2000)
	for _, c := range []struct{ name, schema, document string }{
		{"elements", `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="a" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>`, "<v>" + many + "</v>"},
		{"what a wildcard lets in", `<xs:element name="v"/>`, "<v>" + many + "</v>"},
		{"text", `<xs:element name="v" type="xs:string"/>`, "<v>" + strings.Repeat("x", 20_000) + "</v>"},
		{"attributes", `<xs:element name="v"><xs:complexType><xs:anyAttribute processContents="skip"/></xs:complexType></xs:element>`, "<v" + numbered(` a%d=""`, 2000) + "/>"},
		{"items of a list", `<xs:element name="v"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>`, "<v>" + strings.Repeat("1 ", 2000) + "</v>"},
		{"members of a union", `<xs:element name="v"><xs:simpleType><xs:union memberTypes="` + strings.Repeat("xs:int ", 2000) + `"/></xs:simpleType></xs:element>`, "<v>x</v>"},
		{"unions that double", unionsThatDouble(12) + `<xs:element name="v" type="u12"/>`, "<v>x</v>"},
		{"patterns", `<xs:element name="v"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="([a-z]{1,100}x){1,10}"/></xs:restriction></xs:simpleType></xs:element>`, "<v>" + strings.Repeat("x", 2000) + "</v>"},
		{"elements of an all", `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="w" maxOccurs="unbounded"><xs:complexType><xs:all>` + numbered(`<xs:element name="a%d" minOccurs="0"/>`, 1000) + `</xs:all></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>`, "<v>" + strings.Repeat("<w/>", 20) + "</v>"},
		{"keys", `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="a" maxOccurs="unbounded"/></xs:sequence></xs:complexType><xs:unique name="u"><xs:selector xpath=".//*/a|.//*/a"/><xs:field xpath="."/></xs:unique></xs:element>`, "<v>" + strings.Repeat("<a/>", 300) + "</v>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := must(t, c.schema, xsd.Options{})
			doc := parse(t, c.document)
			var free xmltree.Budget
			s.Validate(doc.DocumentElement(), &free)
			_, _, steps := free.Used()
			if steps < 1000 {
				t.Fatalf("only %d steps were charged", steps)
			}
			for _, most := range []int64{1, steps / 2, steps - 1} {
				problems := s.Validate(doc.DocumentElement(), &xmltree.Budget{MaxSteps: most})
				var limit *xmltree.LimitError
				if !errors.As(problems.Err(), &limit) || limit.Value != most {
					t.Fatalf("Validate with %d of %d steps = %v, want a limit", most, steps, problems)
				}
				if last := problems[len(problems)-1]; last.Rule != "XS120" || last.Err == nil {
					t.Errorf("the last problem is %v, want XS120", last)
				}
			}
			if got := s.Validate(doc.DocumentElement(), &xmltree.Budget{MaxSteps: steps}); errors.As(got.Err(), new(*xmltree.LimitError)) {
				t.Errorf("Validate with all %d steps = %v", steps, got)
			}
		})
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestMostFindings sees that a document that is wrong everywhere gets 20
// problems.
func TestMostFindings(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="a" type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>`, xsd.Options{})
	problems := s.Validate(parse(t, "<v>"+strings.Repeat("<a>x</a>", 1000)+"</v>").DocumentElement(), nil)
	if len(problems) != 20 {
		t.Errorf("%d problems, want 20", len(problems))
	}
}

// unionsThatDouble makes types u0 to un, each a union of two of the one before.
func unionsThatDouble(n int) string {
	all := `<xs:simpleType name="u0"><xs:restriction base="xs:int"/></xs:simpleType>`
	for i := range n {
		all += fmt.Sprintf(`<xs:simpleType name="r%d"><xs:restriction base="u%d"><xs:pattern value=".*"/></xs:restriction></xs:simpleType><xs:simpleType name="u%d"><xs:union memberTypes="r%d r%d"/></xs:simpleType>`, i, i, i+1, i, i)
	}
	return all
}

// Hostile schemas are refused, or harmless, and soon.
func TestHostileSchemas(t *testing.T) {
	groups := `<xs:group name="g0"><xs:sequence><xs:element name="a"/></xs:sequence></xs:group>`
	sets := `<xs:attributeGroup name="s0"><xs:attribute name="a"/></xs:attributeGroup>`
	for i := range 60 {
		groups += fmt.Sprintf(`<xs:group name="g%d"><xs:sequence><xs:group ref="g%d"/><xs:group ref="g%d"/></xs:sequence></xs:group>`, i+1, i, i)
	}
	for i := range 5000 {
		sets += fmt.Sprintf(`<xs:attributeGroup name="s%d"><xs:attributeGroup ref="s%d"/><xs:attribute name="a%d"/></xs:attributeGroup>`, i+1, i, i)
	}
	chain := `<xs:complexType name="c0"><xs:sequence><xs:element name="e"/></xs:sequence></xs:complexType>`
	for i := range 5000 {
		chain += fmt.Sprintf(`<xs:complexType name="c%d"><xs:complexContent><xs:extension base="c%d"><xs:sequence><xs:element name="e%d"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>`, i+1, i, i)
	}
	heads := `<xs:element name="h0"/>`
	for i := range 5000 {
		heads += fmt.Sprintf(`<xs:element name="h%d" substitutionGroup="h%d"/>`, i+1, i)
	}
	for _, c := range []struct {
		name, inside, rule string
	}{
		{"unions that double", unionsThatDouble(60) + `<xs:element name="v" type="u60" default="x"/>`, "XS022"},
		{"unions that double without a value", unionsThatDouble(60) + `<xs:element name="v" type="u60"/>`, ""},
		{"groups that double", groups + `<xs:element name="v"><xs:complexType><xs:group ref="g60"/></xs:complexType></xs:element>`, "XS022"},
		{"attribute groups that grow", sets, "XS022"},
		{"extensions that grow", chain, "XS022"},
		{"substitution groups that grow", heads, "XS022"},
		{"many elements", `<xs:element name="v"><xs:complexType><xs:choice maxOccurs="unbounded">` + numbered(`<xs:element name="e%d"/>`, 20_000) + `</xs:choice></xs:complexType></xs:element>`, ""},
		{"many optional elements", `<xs:element name="v"><xs:complexType><xs:sequence>` + numbered(`<xs:element name="e%d" minOccurs="0"/>`, 20_000) + `</xs:sequence></xs:complexType></xs:element>`, ""},
		{"one name in many branches", `<xs:element name="v"><xs:complexType><xs:choice>` + numbered(`<xs:sequence><xs:element name="e%d"/><xs:element name="a" minOccurs="0"/></xs:sequence>`, 10_000) + `</xs:choice></xs:complexType></xs:element>`, "XS022"},
		{"many wildcards", `<xs:element name="v"><xs:complexType><xs:choice>` + numbered(`<xs:any namespace="urn:%d"/>`, 3000) + `</xs:choice></xs:complexType></xs:element>`, "XS022"},
		{"patterns of many states", numbered(`<xs:simpleType name="p%d"><xs:restriction base="xs:string"><xs:pattern value="(abcdefghij){1000}"/></xs:restriction></xs:simpleType>`, 100), "XS022"},
		{"many patterns of classes", numbered(`<xs:simpleType name="p%d"><xs:restriction base="xs:string"><xs:pattern value="\w*[\i-[\p{Lu}]]x{9}"/></xs:restriction></xs:simpleType>`, 3000), "XS022"},
		{"one pattern of many classes", `<xs:simpleType name="p"><xs:restriction base="xs:string"><xs:pattern value="` + strings.Repeat(`\w`, 8000) + `"/></xs:restriction></xs:simpleType>`, "XS014"},
		{"deep parentheses", `<xs:simpleType name="p"><xs:restriction base="xs:string"><xs:pattern value="` + strings.Repeat(`(`, 100_000) + `"/></xs:restriction></xs:simpleType>`, "XS014"},
		{"deep classes", `<xs:simpleType name="p"><xs:restriction base="xs:string"><xs:pattern value="` + strings.Repeat(`[a-`, 100_000) + `"/></xs:restriction></xs:simpleType>`, "XS014"},
		{"huge numbers", `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="a" minOccurs="99999999999999999999999" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>`, "XS017"},
		{"long durations", `<xs:element name="v"><xs:simpleType><xs:restriction base="xs:duration"><xs:maxInclusive value="P` + strings.Repeat("9", 1000) + `Y"/></xs:restriction></xs:simpleType></xs:element>`, "XS013"},
		{"many problems", numbered(`<xs:element name="e%d" type="nothing"/>`, 3000), "XS009"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := parse(t, xsdHead+c.inside+"</xs:schema>")
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			s, problems := xsd.Compile(doc.DocumentElement(), xsd.Options{})
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("it took %v", took)
			}
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 256<<20 {
				t.Errorf("it took %d MiB", (after.TotalAlloc-before.TotalAlloc)>>20)
			}
			if c.rule == "" {
				if s == nil {
					t.Fatal(problems[0])
				}
				return
			}
			if s != nil || !slices.ContainsFunc(problems, func(p *xmltree.Problem) bool { return p.Rule == c.rule }) {
				t.Fatalf("Compile = %v, %d problems, want %s", s, len(problems), c.rule)
			}
			if len(problems) > xmltree.MostProblems {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
}

// TestLinear sees that time grows with the data, not faster, where counters
// are large and where patterns are bad.
func TestLinear(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:sequence maxOccurs="1000000"><xs:element name="a" minOccurs="0" maxOccurs="1000000"/><xs:element name="b" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
		<xs:element name="p"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="(a|a)*(a|aa)*b"/></xs:restriction></xs:simpleType></xs:element>`, xsd.Options{})
	steps := func(src string) int64 {
		var b xmltree.Budget
		s.Validate(parse(t, src).DocumentElement(), &b)
		_, _, n := b.Used()
		return n
	}
	for _, unit := range []string{"<a/><a/><b/>", "<b/>"} {
		small, large := steps("<v>"+strings.Repeat(unit, 1000)+"</v>"), steps("<v>"+strings.Repeat(unit, 20_000)+"</v>")
		if large > 21*small {
			t.Errorf("%s: %d steps for 1,000, %d for 20,000", unit, small, large)
		}
	}
	start := time.Now()
	steps("<p>" + strings.Repeat("a", 1<<20) + "</p>")
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the pattern took %v", took)
	}
}

// TestDeep goes as deep as the documents that the engine can be set to allow.
func TestDeep(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:sequence><xs:element ref="v" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>`, xsd.Options{})
	if got := s.Validate(parse(t, strings.Repeat("<v>", 10_000)+strings.Repeat("</v>", 10_000)).DocumentElement(), nil); got != nil {
		t.Error(got)
	}
}

// TestConcurrent uses one schema from many goroutines.
func TestConcurrent(t *testing.T) {
	s := must(t, `<xs:element name="v"><xs:complexType><xs:sequence><xs:element name="a" type="xs:int" maxOccurs="9"/></xs:sequence><xs:attribute name="id" type="xs:ID"/></xs:complexType><xs:unique name="u"><xs:selector xpath="a"/><xs:field xpath="."/></xs:unique></xs:element>`, xsd.Options{})
	doc := parse(t, `<v id="x"><a>1</a><a>2</a><a>1</a><a>z</a></v>`)
	want := texts(s.Validate(doc.DocumentElement(), nil))
	if len(want) != 2 {
		t.Fatalf("%d problems, want 2: %v", len(want), want)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got := texts(s.Validate(doc.DocumentElement(), &xmltree.Budget{MaxSteps: 10_000})); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
