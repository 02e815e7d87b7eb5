package xmltree_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
)

func parseDTD(t testing.TB, src string, o xmltree.Options) *xmltree.Document {
	t.Helper()
	o.DTD = true
	d, err := xmltree.Parse([]byte(src), o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const withIDs = `<!DOCTYPE r [
<!ATTLIST u id ID #IMPLIED>
<!ATTLIST r id CDATA #IMPLIED>
]>
<r id="r"><u id="one"/><u id=" two "><u xml:id="three"/></u><u id="one" n="second"/><v id="v"/></r>`

func TestByID(t *testing.T) {
	d := parseDTD(t, withIDs, xmltree.Options{})
	copied := xmltree.New(nil)
	top, err := copied.Copy(d.Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, tree := range []*xmltree.Node{d.Root(), top} {
		doc := tree.Document()
		for id, want := range map[string]string{"one": "/r/u[1]", "two": "/r/u[2]", "three": "/r/u[2]/u", " two ": "", "r": "", "v": "", "": ""} {
			got := ""
			if n := doc.ByID(tree, id); n != nil {
				got = n.Path()
			}
			if got != want {
				t.Errorf("ByID(%q) = %q, want %q", id, got, want)
			}
		}
	}
	u := d.ByID(d.Root(), "one")
	if below := d.ByID(u.Parent().Last(), "one"); below != nil {
		t.Errorf("ByID finds %s below another element", below.Path())
	}
	u.AttrNode("", "id").SetValue("changed")
	if n := d.ByID(d.Root(), "changed"); n != u {
		t.Errorf("after an edit the ID leads to %v", n)
	}
	if n := d.ByID(d.Root(), "one"); n == nil || n.Attr("n") != "second" {
		t.Errorf("after an edit the ID of the first leads to %v", n)
	}
}

func TestByIDAfterMerge(t *testing.T) {
	d := parseDTD(t, withIDs, xmltree.Options{})
	r := d.DocumentElement()
	if n := d.ByID(d.Root(), "new"); n != nil {
		t.Fatalf("there is %s", n.Path())
	}
	src := parseDTD(t, `<r><w xml:id="new"/></r>`, xmltree.Options{})
	if err := d.Merge(r, src.DocumentElement(), nil); err != nil {
		t.Fatal(err)
	}
	if n := d.ByID(d.Root(), "new"); n == nil || n.Local() != "w" {
		t.Errorf("after a merge the new ID leads to %v", n)
	}
}

func TestIsID(t *testing.T) {
	d := parseDTD(t, withIDs, xmltree.Options{})
	r := d.DocumentElement()
	if r.IsID() || r.Attrs().IsID() || !r.FirstElement().Attrs().IsID() {
		t.Error("the ID of u is one, that of r is none, and an element is none")
	}
}

func TestUnparsedEntity(t *testing.T) {
	const src = `<!DOCTYPE a SYSTEM "sub/a.dtd" [
<!NOTATION gif SYSTEM "viewer">
<!ENTITY here SYSTEM "here.gif" NDATA gif>
<!ENTITY up PUBLIC " -//X  Y " "../up.gif" NDATA gif>
<!ENTITY far SYSTEM "http://example.com/far.gif" NDATA gif>
<!ENTITY parsed SYSTEM "parsed.xml">
<!ENTITY here SYSTEM "second.gif" NDATA gif>
]><a/>`
	ask := func(system, base string) ([]byte, error) {
		if system != "sub/a.dtd" || base != "docs/a.xml" {
			t.Errorf("asked for %q from %q", system, base)
		}
		return []byte(`<!ENTITY there SYSTEM "there.gif" NDATA gif><!ENTITY here SYSTEM "third.gif" NDATA gif>`), nil
	}
	d := parseDTD(t, src, xmltree.Options{File: "docs/a.xml", External: ask})
	for name, want := range map[string][2]string{
		"here":   {"docs/here.gif", ""},
		"up":     {"up.gif", "-//X Y"},
		"far":    {"http://example.com/far.gif", ""},
		"there":  {"docs/sub/there.gif", ""},
		"parsed": {}, "none": {},
	} {
		system, public, ok := d.UnparsedEntity(name)
		if got := [2]string{system, public}; got != want || ok != (want[0] != "") {
			t.Errorf("UnparsedEntity(%s) = %q, %q, %v, want %q", name, system, public, ok, want)
		}
	}
	if _, _, ok := xmltree.New(nil).UnparsedEntity("here"); ok {
		t.Error("an empty document has an unparsed entity")
	}
}

func TestResolve(t *testing.T) {
	for _, test := range [][3]string{
		{"", "a.xml", "a.xml"},
		{"b.xml", "a.xml", "a.xml"},
		{"d/b.xml", "a.xml", "d/a.xml"},
		{"d/b.xml", "./a.xml", "d/a.xml"},
		{"d/b.xml", "../a.xml", "a.xml"},
		{"d/b.xml", "../../a.xml", "../a.xml"},
		{"../b.xml", "../a.xml", "../../a.xml"},
		{"d/e/b.xml", ".././../a.xml", "a.xml"},
		{"d/b.xml", "/a.xml", "/a.xml"},
		{"/d/b.xml", "a.xml", "/d/a.xml"},
		{"/b.xml", "../a.xml", "/a.xml"},
		{"http://h/d/b.xml", "../a.xml", "http://h/a.xml"},
		{"http://h/b.xml", "../a.xml", "http://h/a.xml"},
		{"http://h", "a.xml", "http://h/a.xml"},
		{"d/b.xml", "urn:a", "urn:a"},
		{"d/b.xml", "e/c:d", "d/e/c:d"},
		{"d/b.xml", "", "d/"},
	} {
		if got := xmltree.Resolve(test[0], test[1]); got != test[2] {
			t.Errorf("%q in %q is %q, want %q", test[1], test[0], got, test[2])
		}
	}
}

func TestBase(t *testing.T) {
	text := map[string]string{"p.xml": "<p>&q;<!-- p --></p>", "q.xml": "<q x='1'/>"}
	d := parseDTD(t, `<!DOCTYPE a [<!ENTITY p SYSTEM "p.xml"><!ENTITY q SYSTEM "q.xml"><!ENTITY i "<i/>">]><a>&p;&i;</a>`, xmltree.Options{
		File:     "a.xml",
		External: func(system, _ string) ([]byte, error) { return []byte(text[system]), nil },
	})
	a := d.DocumentElement()
	p := a.First()
	q := p.First()
	for n, want := range map[*xmltree.Node]string{
		d.Root(): "a.xml", a: "a.xml", p: "p.xml", q: "q.xml", q.Attrs(): "q.xml", p.Last(): "p.xml", a.Last(): "a.xml", d.NewElement(xmltree.Name{Local: "new"}): "a.xml",
	} {
		if got := n.Base(); got != want {
			t.Errorf("the base of %s is %q, want %q", n.Path(), got, want)
		}
	}
	if got := d.Problem(q.Attrs(), "XX", "m", "").Brief(); got != "q.xml:1:4: m [XX]" {
		t.Errorf("a problem there is %q", got)
	}
	if got := d.ProblemIn(q.Attrs(), 0, "XX", "m", "").Brief(); got != "q.xml:1:7: m [XX]" {
		t.Errorf("a problem in its value is %q", got)
	}
}

// TestProblemInValueFromElsewhere puts the caret below the attribute or its
// element when the value is not written there.
func TestProblemInValueFromElsewhere(t *testing.T) {
	d := parseDTD(t, `<!DOCTYPE a [<!ENTITY e "1=2"><!ENTITY f "<b x='y'/>">
<!ATTLIST a z CDATA "default" w NMTOKEN #IMPLIED>]>
<a w=" v " v="&e;">&f;</a>`, xmltree.Options{})
	for name, want := range map[string]string{"w": "3:4", "v": "3:12", "z": "3:1"} {
		a := d.DocumentElement().AttrNode("", name)
		if got := d.ProblemIn(a, 1, "XX", "m", "").Pos.String(); got != want {
			t.Errorf("a problem in @%s is at %s, want %s", name, got, want)
		}
	}
	if got := d.ProblemIn(d.DocumentElement().First().Attrs(), 0, "XX", "m", "").Pos.String(); got != "3:20" {
		t.Errorf("a problem in an entity is at %s, want 3:20", got)
	}
}

func TestExternalErrorIsKept(t *testing.T) {
	gone := errors.New("gone")
	_, err := xmltree.Parse([]byte(`<!DOCTYPE a [<!ENTITY e SYSTEM "e.xml">]><a>&e;</a>`), xmltree.Options{
		DTD: true, External: func(string, string) ([]byte, error) { return nil, gone },
	})
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

// TestDTDIsNotAskedFor sees to it that without the option nobody is asked for
// an external entity.
func TestDTDIsNotAskedFor(t *testing.T) {
	_, err := xmltree.Parse([]byte(`<!DOCTYPE a SYSTEM "a.dtd"><a/>`), xmltree.Options{
		External: func(string, string) ([]byte, error) { t.Error("asked"); return nil, nil },
	})
	if err == nil || !strings.Contains(err.Error(), "XML005") {
		t.Errorf("error %v", err)
	}
}

func TestDTDLimitErrors(t *testing.T) {
	big := strings.Repeat("x", 1<<10)
	many := strings.Repeat("&e;", 1<<10)
	for _, test := range []struct {
		name, src string
		o         xmltree.Options
		want      xmltree.LimitError
	}{
		{"text", `<!DOCTYPE a [<!ENTITY e "` + big + `">]><a>` + many + many + `</a>`, xmltree.Options{},
			xmltree.LimitError{Limit: "bytes of entity text for a document of this size", Value: 64 * int64(len(big)+2*len(many)+36)}},
		{"text of a large one", `<!DOCTYPE a [<!ENTITY e "` + big + big + `">]><a>` + strings.Repeat(many, 8) + `</a>`, xmltree.Options{},
			xmltree.LimitError{Limit: "bytes of entity text", Value: 1 << 20, Setting: "EntityBytes"}},
		{"text as set", `<!DOCTYPE a [<!ENTITY e "` + big + `">]><a>` + many + `</a>`, xmltree.Options{MaxEntityBytes: 1000},
			xmltree.LimitError{Limit: "bytes of entity text", Value: 1000, Setting: "EntityBytes"}},
		{"depth", `<!DOCTYPE a [<!ENTITY e0 "x">` + chain(33) + `]><a>&e32;</a>`, xmltree.Options{},
			xmltree.LimitError{Limit: "entities in each other", Value: 32, Setting: "EntityDepth"}},
		{"number", `<!DOCTYPE a [` + strings.Repeat(`<!ENTITY e "x">`, 10_001) + `]><a/>`, xmltree.Options{},
			xmltree.LimitError{Limit: "declared entities", Value: 10_000, Setting: "Entities"}},
		{"external", `<!DOCTYPE a [<!ENTITY e SYSTEM "e"><!ENTITY f SYSTEM "f">]><a>&e;&f;</a>`, xmltree.Options{MaxBytes: 1100, External: func(string, string) ([]byte, error) { return []byte(big), nil }},
			xmltree.LimitError{Limit: "bytes of external entities", Value: 1100, Setting: "RequestBytes"}},
		{"external again", `<!DOCTYPE a [<!ENTITY e SYSTEM "e">]><a>` + many + `</a>`, xmltree.Options{MaxEntityBytes: 5000, External: func(string, string) ([]byte, error) { return []byte(big), nil }},
			xmltree.LimitError{Limit: "bytes of entity text", Value: 5000, Setting: "EntityBytes"}},
		{"nodes", `<!DOCTYPE a [<!ENTITY e "<b/>">]><a>` + many + `</a>`, xmltree.Options{Budget: &xmltree.Budget{MaxNodes: 100}},
			xmltree.LimitError{Limit: "living nodes", Value: 100, Setting: "TreeNodes"}},
	} {
		test.o.DTD = true
		_, err := xmltree.Parse([]byte(test.src), test.o)
		var got *xmltree.LimitError
		if !errors.As(err, &got) || *got != test.want {
			t.Errorf("%s: error %.300v, want %v", test.name, got, &test.want)
		}
	}
	parseDTD(t, `<!DOCTYPE a [<!ENTITY e0 "x">`+chain(32)+`]><a>&e31;</a>`, xmltree.Options{})
}

// chain declares entities e1 and so on, each with the one before as its text.
func chain(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `<!ENTITY e%d "&e%d;">`, i, i-1)
	}
	return b.String()
}

// TestDTDMakesNoDifferenceWithoutDoctype reads all sources of testdata that
// have no doctype with and without the option.
func TestDTDMakesNoDifferenceWithoutDoctype(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	n := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, string(a.Comment))
		for _, in := range a.Files {
			if src := caseSource(t, in); in.Name != "want" && !bytes.Contains(src, []byte("DOCTYPE")) {
				n++
				sameWithDTD(t, src, o)
			}
		}
	}
	if n < 200 {
		t.Errorf("%d sources, want at least 200", n)
	}
}

// sameWithDTD reads a source without a doctype with and without the option.
func sameWithDTD(t *testing.T, src []byte, o xmltree.Options) {
	t.Helper()
	o.Budget = nil
	var got [2]string
	for i := range got {
		o.DTD = i == 1
		d, err := xmltree.Parse(src, o)
		if err != nil {
			got[i] = err.Error()
			continue
		}
		got[i] = dump(d.Root())
		d.Release()
	}
	if got[0] != got[1] {
		t.Fatalf("without DTD\n%swith it\n%s", got[0], got[1])
	}
}

func FuzzParseDTD(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		b := &xmltree.Budget{MaxNodes: 1 << 20, Poison: len(src)%16 == 0}
		o := xmltree.Options{DTD: true, MaxBytes: 1 << 16, MaxEntityBytes: 1 << 12, Budget: b}
		if len(src)%3 == 0 {
			// What follows the first line feed is an external entity.
			_, rest, _ := bytes.Cut(src, []byte("\n"))
			o.External = func(string, string) ([]byte, error) { return rest, nil }
		}
		d, err := xmltree.Parse(src, o)
		if err == nil {
			if err := xmltree.Check(d.Root()); err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(src, []byte("DOCTYPE")) {
				sameWithDTD(t, src, xmltree.Options{MaxBytes: 1 << 16})
			}
			sameAfterWriting(t, d, xmltree.Options{DTD: true})
			d.Release()
		} else {
			checkProblems(t, err)
		}
		if nodes, bytes, _ := b.Used(); nodes != 0 || bytes != 0 {
			t.Fatalf("%d nodes and %d bytes are charged at the end", nodes, bytes)
		}
	})
}

// TestDTDOfRandomTokens reads declarations put together from their parts at
// random, in the document and outside: each must end in a tree or in problems
// with a place.
func TestDTDOfRandomTokens(t *testing.T) {
	tokens := strings.Split(`<!ENTITY|<!ATTLIST|<!ELEMENT|<!NOTATION|<![|INCLUDE|IGNORE|[|]]>|>|>|>| | | | |%|%p;|%q;|%r;|%p;|p|q|r|a|x|"|'|"x"|"%p;"|'%q;'|`+
		`"&e;"|&e;|&#38;|&#37;p;|&#60;|(|)|,|\||*|?|+|#PCDATA|CDATA|ID|NMTOKENS|NOTATION|#IMPLIED|#FIXED|SYSTEM|PUBLIC|NDATA|"f"|EMPTY|ANY|<!--|-->|<?p|?>|<a>|</a>|`+
		`<!ENTITY % p "q">|<!ENTITY % q "%p;">|<!ENTITY % r SYSTEM "f">|<!ENTITY e "<a x='&f;'/>">|<!ENTITY f SYSTEM "f">|<!ATTLIST a x CDATA "1">|<!ELEMENT a (%q;)>|<!ENTITY % s "<![%t;[%u;]]>">|`+
		`<!ENTITY % t "INCLUDE">|<!ENTITY % u "<!ENTITY e ">|%s;|%u;|%t;`, "|")
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 3))
		some := func() string {
			var b strings.Builder
			for range r.IntN(14) {
				b.WriteString(tokens[r.IntN(len(tokens))])
			}
			return b.String()
		}
		src, external := "<!DOCTYPE a SYSTEM 'f' ["+some()+"]><a>&e;"+some()+"</a>", some()
		d, err := xmltree.Parse([]byte(src), xmltree.Options{
			DTD: true, MaxEntityBytes: 1 << 12, File: "d",
			External: func(string, string) ([]byte, error) { return []byte(external), nil },
		})
		if err == nil {
			d.Release()
			continue
		}
		checkProblems(t, err)
		var ps xmltree.Problems
		if errors.As(err, &ps) && ps[0].Pos.Line == 0 || t.Failed() {
			t.Fatalf("seed %d: %s and %s: %v", seed, src, external, err)
		}
	}
}

// TestDeclaredAttributesIsLinear reads many elements with many attributes that
// are declared without a default: each must cost what it has, not what is
// declared. The bound is the same document with the list of another element.
func TestDeclaredAttributesIsLinear(t *testing.T) {
	var list strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&list, " a%d CDATA #IMPLIED", i)
	}
	took := func(element string) time.Duration {
		src := "<!DOCTYPE r [<!ATTLIST " + element + list.String() + ">]><r>" + strings.Repeat("<e/>", 100_000) + "</r>"
		start := time.Now()
		parseDTD(t, src, xmltree.Options{MaxBytes: 1 << 21}).Release()
		return time.Since(start)
	}
	if with, without := took("e"), took("other"); with > 10*without+200*time.Millisecond {
		t.Errorf("elements with a list of declared attributes took %v, others %v", with, without)
	}
}
