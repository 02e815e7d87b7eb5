package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/procedure"
	"sutler/provider"
	"sutler/provider/fault"
	"sutler/provider/file"
	"sutler/provider/mpferror"
	"sutler/provider/sql"
	"sutler/provider/test"
	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xsd"
	"sutler/xslt"
)

// tables are those of the manual that follow from the code. Each stands
// between <!-- table: NAME --> and <!-- end -->; UPDATE=1 writes them anew.
var tables = map[string]func(t *testing.T) string{
	"codes": func(*testing.T) string {
		b := rows("Code", "Name", "Meaning", "Why, and what to do")
		for _, c := range sutler.Codes() {
			b.add("`"+c.Code.String()+"`", "`"+c.Name+"`", c.Title, c.Help)
		}
		return b.String()
	},
	"rules XML": func(*testing.T) string { return ruleTable(xmltree.Rules()) },
	"rules XP":  func(*testing.T) string { return ruleTable(xpath.Rules()) },
	"rules XT":  func(*testing.T) string { return ruleTable(xslt.Rules()) },
	"rules XS":  func(*testing.T) string { return ruleTable(xsd.Rules()) },
	"rules PR":  func(*testing.T) string { return ruleTable(procedure.Rules()) },
	"rules RQ":  func(*testing.T) string { return ruleTable(sutler.RequestRules()) },
	"settings": func(*testing.T) string {
		b := rows("Setting", "Default", "Unit", "Meaning")
		for _, s := range sutler.Settings(nil) {
			b.add("`"+s.Name+"`", s.Default, s.Unit, s.Help)
		}
		return b.String()
	},
	"procedures Test Namespace":  func(t *testing.T) string { return procedureTable(t, test.Namespace(), test.New()) },
	"procedures Fault Namespace": func(t *testing.T) string { return procedureTable(t, fault.Namespace(), fault.New(nil)) },
	"procedures Error Provider": func(t *testing.T) string {
		return procedureTable(t, mpferror.Namespace(), mpferror.Provider{}.Procedures())
	},
	"procedures File System Provider": func(t *testing.T) string {
		return procedureTable(t, file.Namespace(), file.New(folderOf(t)))
	},
	"procedures SQL Provider": func(t *testing.T) string {
		ps, err := sql.New(folderOf(t), sql.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return procedureTable(t, sql.Namespace(), ps)
	},
}

func folderOf(t *testing.T) *os.Root {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// markdown is a table of Markdown.
type markdown struct{ strings.Builder }

func rows(head ...string) *markdown {
	m := &markdown{}
	m.add(head...)
	m.add(slices.Repeat([]string{"---"}, len(head))...)
	return m
}

func (m *markdown) add(cells ...string) {
	for i := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(cells[i])
	}
	fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | "))
}

func ruleTable(rules []xmltree.Rule) string {
	b := rows("Rule", "Meaning", "What to do")
	for _, r := range rules {
		b.add("`"+r.ID+"`", r.Title, r.Help)
	}
	return b.String()
}

// procedureTable says of each procedure of a provider what its namespace and
// its table declare.
func procedureTable(t *testing.T, namespace []byte, ps provider.Procedures) string {
	ns, problems := procedure.Compile(namespace, "namespace.xml", sutler.Limits{})
	if problems.Err() != nil {
		t.Fatal(problems)
	}
	b := rows("Procedure", "Type", "Access", "A call without an answer", "What it does")
	for _, p := range ns.Procedures {
		access, answer := "private", "fails"
		if p.Public {
			access = "public"
		}
		if traits, _ := ps.Traits(p.Name); p.Type != sutler.Read {
			answer = map[sutler.Policy]string{
				sutler.Repeatable: "is undone", sutler.Probe: "the system is asked", sutler.Operator: "an operator decides",
			}[traits.NoAnswer]
		}
		b.add("`"+p.Name+"`", p.Type.String(), access, answer, p.Description)
	}
	return b.String()
}

var tableOf = regexp.MustCompile(`(?s)<!-- table: ([^>]+) -->\n.*?<!-- end -->`)

func TestTables(t *testing.T) {
	used := map[string]bool{}
	for _, file := range pages(t) {
		page := readPage(t, file)
		want := tableOf.ReplaceAllStringFunc(page, func(old string) string {
			name := tableOf.FindStringSubmatch(old)[1]
			table, ok := tables[name]
			if !ok {
				t.Errorf("%s: no table is called %q", file, name)
				return old
			}
			used[name] = true
			return fmt.Sprintf("<!-- table: %s -->\n\n%s\n<!-- end -->", name, table(t))
		})
		if want == page {
			continue
		}
		t.Errorf("%s: a table differs from the code; UPDATE=1 writes it anew", file)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(filepath.Join(docs, file), []byte(want), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	for name := range tables {
		if !used[name] {
			t.Errorf("table %q is nowhere in the manual", name)
		}
	}
}

func readPage(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(docs, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// odd is what no language has: what is said about it names what there is.
const odd = "zzzzzzzzzzzz"

// languages are documents with something odd at each element, by the page
// that describes their language.
var languages = map[string]func() xmltree.Problems{
	"docs/reference/language.md": func() xmltree.Problems {
		_, ps := procedure.Compile([]byte(strings.ReplaceAll(`<namespace ?="1"><?/><procedure ?="1"><?/><Schema ?="1"/><procedureData ?="1"/>
			<select ?="1"><?/><where ?="1"><?/></where></select>
			<execute ?="1"><?/><forEach ?="1"/><repeat ?="1"/><when ?="1"/><before ?="1"/><after ?="1"/></execute>
			<queue ?="1"><?/></queue><transform ?="1"><?/></transform><try ?="1"><?/></try><catch ?="1"><?/></catch>
			</procedure></namespace>`, "?", odd)), "odd.xml", sutler.Limits{})
		return ps
	},
	"docs/reference/requests.md": func() xmltree.Problems {
		_, err := sutler.ParseRequest([]byte(strings.ReplaceAll(`<request ?="1"><?/><context ?="1"><?/>
			<securityContext ?="1"><?/><authentication ?="1"><?/><basic ?="1"/><passport ?="1"/></authentication></securityContext>
			<queueContext ?="1"><?/><parentQueue ?="1"/></queueContext><clientContext ?="1"/><transactionContext ?="1"/></context></request>`, "?", odd)), "odd.xml", sutler.Limits{})
		return problemsOf(err)
	},
}

var (
	mayHave   = regexp.MustCompile(`^"(\w+)" may (have|hold) (.*)$`)
	hasNone   = regexp.MustCompile(`^"(\w+)" has no attributes$`)
	attribute = regexp.MustCompile("(?m)^\\| `(\\w+)`")
)

// TestElements compares what the reference says of each element with what the
// languages say: the attributes are the rows of the table in its section, and
// its children are named there.
func TestElements(t *testing.T) {
	for file, problems := range languages {
		page := readPage(t, file)
		elements := 0
		for _, p := range problems() {
			m := mayHave.FindStringSubmatch(p.Hint)
			if m == nil {
				if m = hasNone.FindStringSubmatch(p.Hint); m == nil {
					continue
				}
				m = append(m, "have", "")
			}
			elements++
			names := strings.FieldsFunc(strings.ReplaceAll(m[3], " and ", ", "), func(r rune) bool { return r == ',' || r == ' ' })
			section := sectionOf(page, m[1])
			if section == "" {
				t.Errorf("%s: element %s has no section", file, m[1])
			}
			if m[2] == "hold" {
				for _, child := range names {
					if !strings.Contains(section, "`"+child+"`") {
						t.Errorf("%s: the section of %s does not name its child %s", file, m[1], child)
					}
				}
				continue
			}
			var said []string
			for _, a := range attribute.FindAllStringSubmatch(section, -1) {
				said = append(said, a[1])
			}
			if strings.Join(said, " ") != strings.Join(names, " ") {
				t.Errorf("%s: the table of %s has the attributes %q, want %q", file, m[1], said, names)
			}
		}
		if elements < 10 {
			t.Errorf("%s: the language names the attributes and children of %d elements only", file, elements)
		}
	}
}

// sectionOf returns the section of a page whose heading is an element.
func sectionOf(page, element string) string {
	_, section, _ := strings.Cut(page, "\n### "+element+"\n")
	if i := regexp.MustCompile(`(?m)^##`).FindStringIndex(section); i != nil {
		section = section[:i[0]]
	}
	return section
}

// exampleTables returns the rows, without backquotes, of the tables of a page
// that have the given head.
func exampleTables(page, head string) [][]string {
	var all [][]string
	for _, rest := range strings.Split(page, "\n"+head+"\n")[1:] {
		for line := range strings.Lines(rest) {
			if !strings.HasPrefix(line, "|") {
				break
			}
			var row []string
			for _, cell := range strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ") {
				row = append(row, strings.Trim(strings.TrimSpace(cell), "`"))
			}
			if !strings.HasPrefix(row[0], "---") {
				all = append(all, row)
			}
		}
	}
	return all
}

// TestTransferExamples runs the tables of the reference that show what a
// transfer does. The data and the literal executeData they start with are
// those of the reference.
func TestTransferExamples(t *testing.T) {
	const data = `<user id="7"><n>Ann</n></user><dc>d1</dc>`
	const literal = `<user/>`
	page := readPage(t, "docs/reference/language.md")
	for _, want := range []string{"<data>" + data + "</data>", "<executeData>" + literal + "</executeData>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the examples of the reference do not start with %s", want)
		}
	}
	examples := exampleTables(page, "| Transfer | `executeData` afterwards | `data` afterwards |")
	if len(examples) < 8 {
		t.Fatalf("%d examples", len(examples))
	}
	try := tryTexts(t)
	for _, row := range examples {
		res := try(`<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><data>` + data + `</data><procedure><transform><executeData>` + literal + `</executeData>` +
			row[0] + `<after source="executeData" destination="procedureData" mode="replace"/></transform>
			<transform><before source="procedureData" destination="data" destinationPath="seen" mode="merge"/></transform></procedure></request>`)
		if res.Err != nil {
			if want := "error `" + res.Err.Code.Name(); row[1] != want {
				t.Errorf("%s: got %q (%v), want %s", row[0], res.Err.Code.Name(), res.Err, row[1])
			}
			continue
		}
		inside := strings.TrimSuffix(strings.TrimPrefix(string(res.XML), "<response><data>"), "</data></response>")
		before, seen, _ := strings.Cut(inside, "<seen")
		seen = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix("<seen"+seen, "</seen>"), "<seen>"), "<seen/>")
		if seen != row[1] && !(seen == "" && row[1] == "empty") {
			t.Errorf("%s: executeData is %s, want %s", row[0], seen, row[1])
		}
		if row[2] == "unchanged" {
			row[2] = data
		}
		if before != row[2] && !(before == "" && row[2] == "empty") {
			t.Errorf("%s: data is %s, want %s", row[0], before, row[2])
		}
	}
}

// tryTexts returns a function that runs trusted requests on a throw-away engine.
func tryTexts(t *testing.T) func(request string) *sutler.Response {
	t.Helper()
	p := quietProgram(io.Discard)
	w, err := p.openWorkshop(context.Background(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(p, nil); err != nil {
			t.Error(err)
		}
	})
	return func(request string) *sutler.Response {
		res, err := w.run(context.Background(), p, nil, submission{trusted: true, file: "request.xml", text: []byte(request)})
		if res == nil {
			t.Fatalf("%s: %v", request, err)
		}
		return res
	}
}

// TestMergeExamples runs the table of the reference that shows merges.
func TestMergeExamples(t *testing.T) {
	examples := exampleTables(readPage(t, "docs/reference/language.md"), "| Target | Merged in | Target afterwards |")
	if len(examples) < 8 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, row := range examples {
		target, source := parsedRoot(t, row[0]), parsedRoot(t, row[1])
		for range 2 { // a second merge changes nothing
			if err := target.Document().Merge(target, source, nil); err != nil {
				t.Fatal(err)
			}
			if target.String() != row[2] {
				t.Errorf("%s merged into %s gives %s, want %s", row[1], row[0], target, row[2])
			}
		}
	}
}

func parsedRoot(t *testing.T, text string) *xmltree.Node {
	t.Helper()
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.DocumentElement()
}

var (
	extensionSpace = regexp.MustCompile("(?m)^Namespace: `([^`]+)`$")
	extensionCall  = regexp.MustCompile("`(\\w+):([a-z0-9-]+)\\(")
)

// TestExtensionFunctions asks for each function in the tables of the page of
// extension functions whether it is there, in the namespace of its section.
func TestExtensionFunctions(t *testing.T) {
	page := readPage(t, "docs/reference/exslt.md")
	asked := 0
	for _, section := range strings.Split(page, "\n## ")[1:] {
		space := extensionSpace.FindStringSubmatch(section)
		if space == nil {
			continue
		}
		for line := range strings.Lines(section) {
			first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if !ok || !strings.HasPrefix(line, "| `") {
				continue
			}
			for _, m := range extensionCall.FindAllStringSubmatch(first, -1) {
				asked++
				if !functionAvailable(t, m[1], space[1], m[2]) {
					t.Errorf("%s:%s is not there", m[1], m[2])
				}
			}
		}
	}
	if asked < 60 {
		t.Errorf("the page has %d functions only", asked)
	}
	if functionAvailable(t, "x", "http://exslt.org/math", odd) {
		t.Errorf("a function %q is there", odd)
	}
}

// functionAvailable asks a stylesheet.
func functionAvailable(t *testing.T, prefix, space, name string) bool {
	t.Helper()
	doc, err := xmltree.Parse(fmt.Appendf(nil, `<r xsl:version="1.0" xmlns:xsl="%s" xmlns:%s="%s"><xsl:if test="function-available('%s:%s')"><yes/></xsl:if></r>`,
		xslt.Space, prefix, space, prefix, name), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer doc.Release()
	sheet, ps := xslt.Compile(doc, xslt.Options{})
	if ps.Err() != nil {
		t.Fatal(ps)
	}
	out := xmltree.New(nil)
	defer out.Release()
	if err := sheet.Run(t.Context(), doc.Root(), out.Root(), xslt.Env{}); err != nil {
		t.Fatal(err)
	}
	return out.DocumentElement().First() != nil
}
