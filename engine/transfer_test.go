package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sutler"
	"sutler/xmltree"
)

// TestTimeLimitOfATransformIsNotCaught lets a transformation run for longer
// than it may, inside a try: a catch would make the clock decide what happens.
func TestTimeLimitOfATransformIsNotCaught(t *testing.T) {
	b := newBench(t, sutler.Limits{TransformTime: 1, TransformSteps: 1 << 40, TemplateDepth: 1 << 40}, funcs{}, nil)
	resp, err := b.run(t, `<data>`+strings.Repeat("<u/>", 3000)+`</data><procedure><execute namespace="Sys" procedure="A"/>
		<try><transform><before source="data" destination="data"><xsl:template match="/"><r><xsl:for-each select="//u"><xsl:for-each select="//u"><xsl:value-of select="count(//u)"/></xsl:for-each></xsl:for-each></r></xsl:template></before></transform></try>
		<catch/></procedure>`)
	b.wantUndone(t, resp, err, sutler.TimedOut)
	if !strings.Contains(err.Error(), "limit.transformTime") {
		t.Errorf("the error does not name the setting: %v", err)
	}
}

// TestReplacedLoopNode replaces what a loop stands for while its step repeats:
// the name goes on to stand for what is in the data.
func TestReplacedLoopNode(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	resp, err := b.run(t, `<data><u>0</u></data><procedure><transform>
		<forEach name="u" root="data" path="u"/><repeat source="procedureData"/>
		<before source="u" destination="u" mode="replace"><xsl:template match="u"><u><xsl:value-of select=". + 1"/></u></xsl:template></before>
		</transform><procedureData>3</procedureData></procedure>`)
	if err != nil {
		t.Fatal(err)
	}
	if want := `<response><data><u>3</u></data></response>`; string(resp.XML) != want {
		t.Errorf("response %s, want %s", resp.XML, want)
	}
}

// TestLoopsWithoutCallsEnd nests loops whose innermost selects nothing, or
// repeats nothing: no call is made, and the limit counts all the same.
func TestLoopsWithoutCallsEnd(t *testing.T) {
	data := "<data>" + strings.Repeat("<u/>", 300) + "<zero>0</zero></data>"
	loops := `<forEach name="a" root="data" path="u"/><forEach name="b" root="data" path="u"/>`
	for name, inner := range map[string]string{
		"forEach":     `<forEach name="c" root="b" path="none" ifNull="skip"/>`,
		"repeat null": `<repeat source="b" sourcePath="none" ifNull="skip"/>`,
		"repeat zero": `<repeat source="data" sourcePath="zero"/>`,
	} {
		b := newBench(t, sutler.Limits{Calls: 1000}, funcs{}, nil)
		_, err := b.run(t, data+`<procedure><transform>`+loops+inner+`</transform></procedure>`)
		if sutler.CodeOf(err) != sutler.LimitReached {
			t.Errorf("%s: %v, want code LimitReached", name, err)
		}
	}
}

// TestMoveIntoItself moves a node, by templates, into a target that lies in
// it: the result must not go down with its source.
func TestMoveIntoItself(t *testing.T) {
	const sheet = `<xsl:template match="/"><made/></xsl:template>`
	for name, test := range map[string]struct{ from, to, want string }{
		"root into itself":  {"", "", `<response><data><made/></data></response>`},
		"root into a child": {"", "a", ""},
		"into a child":      {"a", "a/b", ""},
		"into itself":       {"a", "a", ""},
		"beside":            {"a", "c", `<response><data><c><made/></c></data></response>`},
	} {
		path := func(attr, p string) string {
			if p == "" {
				return ""
			}
			return " " + attr + `="` + p + `"`
		}
		b := newBench(t, sutler.Limits{}, funcs{}, nil)
		resp, err := b.run(t, `<data><a><b/></a><c/></data><procedure><transform><before source="data"`+path("sourcePath", test.from)+
			` destination="data"`+path("destinationPath", test.to)+` mode="move">`+sheet+`</before></transform></procedure>`)
		if test.want == "" && (err == nil || !strings.Contains(err.Error(), "into itself")) {
			t.Errorf("%s: %s, %v, want an error", name, resp.XML, err)
		}
		if test.want != "" && string(resp.XML) != test.want {
			t.Errorf("%s: %s, want %s", name, resp.XML, test.want)
		}
	}
}

// TestRandomTransfers runs requests made of transfers between any two scopes,
// on any path and in any mode, also from into its own parts: whatever their
// errors are, the engine never panics and an answer is always XML.
func TestRandomTransfers(t *testing.T) {
	b := newBench(t, sutler.Limits{TreeNodes: 20_000, TreeBytes: 1 << 20}, funcs{}, nil)
	random := rand.New(rand.NewPCG(7, 11))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	paths := []string{"", "", "a", "a/b", "b", "*", ".", "..", "/", "//b", "a/@x", "@x", "a/text()", "text()", "comment()", "new/one", "*[last()]", "a/b/..", "namespace::*", "//@x", "processing-instruction()"}
	scopes := []string{"data", "procedureData", "executeData", "context", "u", "v"}
	attr := func(name, value string) string {
		if value == "" {
			return ""
		}
		return " " + name + `="` + value + `"`
	}
	transfer := func(kind string) string {
		sheet := pick("", "", "", `<xsl:template match="/"><made x="3"><xsl:copy-of select="/*/*[1]"/></made></xsl:template>`)
		return fmt.Sprintf(`<%s source="%s"%s destination="%s"%s mode="%s" ifNull="ignore" allowNullTransform="1">%s</%s>`, kind,
			pick(scopes...), attr("sourcePath", pick(paths...)), pick(scopes...), attr("destinationPath", pick(paths...)),
			pick("insert", "merge", "replace", "move"), sheet, kind)
	}
	codes := map[sutler.Code]int{}
	const requests = 1500 / crashStep
	for range requests {
		var steps strings.Builder
		for range 1 + random.IntN(4) {
			fmt.Fprintf(&steps, `<try><transform><executeData><a x="e"><b/>e</a></executeData>
				<forEach name="u" root="data"%s ifNull="%s"/><forEach name="v" root="%s"%s ifNull="%s"/>`,
				attr("path", pick(paths...)), pick("skip", "ignore"), pick("u", "data", "procedureData"), attr("path", pick(paths...)), pick("skip", "ignore"))
			for range 1 + random.IntN(3) {
				steps.WriteString(transfer("before"))
			}
			steps.WriteString(transfer("after") + `</transform></try><catch/>`)
		}
		text := `<data x="1"><!--c--><?p i?><a x="1">t<b/><b x="2">u</b></a><b y="2"/></data><procedure><procedureData><a><b/></a></procedureData>` + steps.String() + `</procedure>`
		resp, err := b.run(t, text)
		codes[sutler.CodeOf(err)]++
		if sutler.CodeOf(err) == sutler.Unexpected {
			t.Fatalf("the engine panicked on %s", text)
		}
		if _, err := xmltree.Parse(resp.XML, xmltree.Options{}); err != nil {
			t.Fatalf("the answer to %s is no XML: %v\n%s", text, err, resp.XML)
		}
	}
	if codes[sutler.OK] < requests/2 {
		t.Errorf("only %d requests came through: %v", codes[sutler.OK], codes)
	}
}
