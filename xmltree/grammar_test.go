package xmltree_test

import (
	"fmt"
	"strings"
	"testing"

	"sutler/xmltree"
)

// menu is a small language that uses every power of a grammar.
var menu = xmltree.Grammar{
	Rules: xmltree.GrammarRules{
		Unknown: "unknown", Misplaced: "misplaced", TooMany: "many", TooFew: "few",
		UnknownAttr: "attr", DoubleAttr: "double", MissingAttr: "missing", Value: "value", Text: "text",
	},
	Elements: map[string]xmltree.Shape{
		"menu": {
			Attrs:    []xmltree.AttrShape{{Name: "day", Required: true}},
			Children: []string{"dish+", "note?", "{urn:x}photo*"},
			Unsaid:   []string{"price"},
		},
		"dish": {
			Attrs: []xmltree.AttrShape{
				{Name: "hot", Also: []string{"spicy"}, Want: xmltree.OneOf("yes", "no")},
				{Name: "for", Want: xmltree.Whole(1, 4)},
			},
			Children: []string{"price"},
			Foreign:  true,
		},
		"note":         {Free: true},
		"price":        {FreeAttr: true, Attrs: []xmltree.AttrShape{{Name: "in", Required: true}}},
		"{urn:x}photo": {},
	},
}

func TestGrammar(t *testing.T) {
	const dish = `<dish><price in="EUR"/></dish>`
	tests := []struct{ name, src, want string }{
		{"fine", `<menu day="Monday"><dish hot="yes" for="4"><price in="EUR" net="1"/><y:any xmlns:y="urn:y"/></dish>` + dish +
			`<note><anything at="all"/>text</note><x:photo xmlns:x="urn:x"/><!-- c --><?p i?></menu>`, ""},
		{"unknown", `<menu day="M"><dihs/>` + dish + `</menu>`, `unknown element "dihs" in "menu" (did you mean "dish"?)`},
		{"unknown and far off", `<menu day="M"><waiter/>` + dish + `</menu>`, `unknown element "waiter" in "menu" ("menu" may hold dish and note)`},
		{"other namespace", `<menu day="M"><dish xmlns="urn:z"/>` + dish + `</menu>`, `unknown element "dish" in "menu" (it is in the XML namespace "urn:z"; take that away)`},
		{"foreign in the wrong place", `<menu day="M"><y:any xmlns:y="urn:y"/>` + dish + `</menu>`, `unknown element "y:any" in "menu" (elements of other XML namespaces belong in dish)`},
		{"misplaced", `<menu day="M">` + dish + `<dish><note/><price in="EUR"/></dish></menu>`, `element "note" is not allowed in "dish" (it belongs in menu)`},
		{"misplaced root", `<menu day="M"><menu day="T"/>` + dish + `</menu>`, `element "menu" is not allowed in "menu" (it may only be the root)`},
		{"unsaid is let through", `<menu day="M">` + dish + `<price in="EUR"/></menu>`, ""},
		{"too many", `<menu day="M">` + dish + `<note/><note/></menu>`, `"menu" may hold only one "note" (keep one of them)`},
		{"too few", `<menu day="M"/>`, `"menu" has no "dish" (add <dish> to it)`},
		{"exactly one", `<menu day="M"><dish/></menu>`, `"dish" has no "price" (add <price> to it)`},
		{"unknown attribute", `<menu dya="M" day="M">` + dish + `</menu>`, `unknown attribute "dya" of "menu" (did you mean "day"?)`},
		{"no attributes", `<menu day="M">` + dish + `<note a="1"/></menu>`, `unknown attribute "a" of "note" ("note" has no attributes)`},
		{"two spellings", `<menu day="M"><dish hot="no" spicy="no"><price in="EUR"/></dish></menu>`, `attribute "spicy" of "dish" is there in another spelling (write it once, as "hot")`},
		{"missing attribute", `<menu>` + dish + `</menu>`, `"menu" has no attribute "day" (add day="…")`},
		{"missing beside free ones", `<menu day="M"><dish><price net="1"/></dish></menu>`, `"price" has no attribute "in" (add in="…")`},
		{"value", `<menu day="M"><dish hot="very"><price in="EUR"/></dish></menu>`, `attribute "hot" of "dish" cannot be "very" (want yes or no)`},
		{"number", `<menu day="M"><dish for="5"><price in="EUR"/></dish></menu>`, `attribute "for" of "dish" cannot be "5" (want a whole number from 1 to 4)`},
		{"long value", `<menu day="M"><dish for="` + strings.Repeat("9", 100) + `"><price in="EUR"/></dish></menu>`,
			`attribute "for" of "dish" cannot be "` + strings.Repeat("9", 60) + `…" (want a whole number from 1 to 4)`},
		{"text", `<menu day="M">` + dish + ` soup</menu>`, `text is not allowed in "menu" (put it into an element or take it out)`},
		{"xml and xsi", `<menu day="M" xml:lang="en" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="m">` + dish + `</menu>`, ""},
	}
	for _, tt := range tests {
		doc, err := xmltree.Parse([]byte(tt.src), xmltree.Options{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []string
		for _, p := range menu.Check(doc.DocumentElement()) {
			got = append(got, fmt.Sprintf("%s (%s)", p.Msg, p.Hint))
		}
		if all := strings.Join(got, "\n"); all != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, all, tt.want)
		}
	}
}

func TestGrammarStops(t *testing.T) {
	doc, err := xmltree.Parse([]byte(`<menu day="M">`+strings.Repeat("<a/>text", 3000)+`</menu>`), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if ps := menu.Check(doc.DocumentElement()); len(ps) != xmltree.MostProblems {
		t.Errorf("Check gives %d problems, want %d", len(ps), xmltree.MostProblems)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"data", "context", "procedureData", "executeData", "org"}
	tests := []struct{ word, want string }{
		{"data", "data"}, {"Data", "data"}, {"dta", "data"}, {"date", "data"}, {"daat", "data"}, {"ogr", "org"},
		{"contxt", "context"}, {"executedata", "executeData"}, {"procData", ""}, {"", ""}, {"x", ""}, {"user", ""},
		{strings.Repeat("data", 20), ""},
	}
	for _, tt := range tests {
		if got := xmltree.Nearest(tt.word, words); got != tt.want {
			t.Errorf("Nearest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestProblemIn(t *testing.T) {
	tests := []struct {
		name, src string
		off       int
		want      string
	}{
		{"begin", `<a b="xyz"/>`, 0, "1:7"},
		{"inside", `<a b="xyz"/>`, 2, "1:9"},
		{"end", `<a b="xyz"/>`, 3, "1:10"},
		{"beyond the end", `<a b="xyz"/>`, 9, "1:10"},
		{"blanks around =", "<a b  =\n  'xyz'/>", 1, "2:5"},
		{"entity", `<a b="&lt;y"/>`, 1, "1:11"},
		{"decimal reference", `<a b="&#62;y"/>`, 1, "1:12"},
		{"hexadecimal reference of two bytes", `<a b="&#xe4;y"/>`, 2, "1:13"},
		{"letter of two bytes", `<a b="äy"/>`, 2, "1:8"},
		{"line break", "<a b=\"x\ny\"/>", 2, "2:1"},
		{"line break of two bytes", "<a b=\"x\r\ny\"/>", 2, "2:1"},
	}
	for _, tt := range tests {
		doc, err := xmltree.Parse([]byte(tt.src), xmltree.Options{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		a := doc.DocumentElement().Attrs()
		if got := doc.ProblemIn(a, tt.off, "R", "m", "").Pos.String(); got != tt.want {
			t.Errorf("%s: byte %d of %q is at %s, want %s", tt.name, tt.off, a.Value(), got, tt.want)
		}
	}
}

// TestLongLine checks columns and excerpts in a line of many blocks.
func TestLongLine(t *testing.T) {
	for _, unit := range []string{"<a/>", "<ä/>", "<a>äöü€</a>"} {
		src := "<r>\n" + strings.Repeat(unit, 5000) + "</r>"
		doc, err := xmltree.Parse([]byte(src), xmltree.Options{})
		if err != nil {
			t.Fatal(err)
		}
		width, i := len([]rune(unit)), 0
		for n := doc.DocumentElement().FirstElement(); n != nil; n = n.NextElement() {
			p := doc.Problem(n, "R", "m", "")
			if want := (xmltree.Pos{Line: 2, Col: i*width + 1}); p.Pos != want {
				t.Fatalf("%s number %d is at %v, want %v", unit, i, p.Pos, want)
			}
			if len(p.Line) > 4096 {
				t.Fatalf("the problem carries a line of %d bytes", len(p.Line))
			}
			line, caret, _ := strings.Cut(strings.SplitN(p.Error(), "\n", 2)[1], "\n")
			if at := []rune(line)[len([]rune(caret))-1:]; !strings.HasPrefix(string(at), unit) {
				t.Fatalf("%s number %d: the caret stands below %.20q in\n%v", unit, i, string(at), p)
			}
			i++
		}
	}
}
