package xmltree_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata")

// TestParse runs the sources of testdata: each is followed by the tree, or the
// problems, that reading it gives. A source whose name ends with .go is a
// quoted string of Go. The comment of a file names the options; parts whose
// names begin with file are the external entities that all its cases share.
func TestParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	cases := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, string(a.Comment))
		first := externals(t, a, &o)
		for i := first; i+1 < len(a.Files); i += 2 {
			in, want := a.Files[i], &a.Files[i+1]
			if want.Name != "want" {
				t.Fatalf("%s: %s is not followed by want", file, in.Name)
			}
			cases++
			d, err := xmltree.Parse(caseSource(t, in), o)
			var got string
			if err != nil {
				got = err.Error() + "\n"
			} else {
				got = dump(d.Root())
				sameAfterWriting(t, d, o)
			}
			if *update {
				want.Data = []byte(got)
			} else if got != string(want.Data) {
				t.Errorf("%s: %s\ngot:\n%swant:\n%s", file, in.Name, got, want.Data)
			}
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if cases < 400 {
		t.Errorf("%d cases, want at least 400", cases)
	}
}

// externals lets the external entities at the head of a file be handed in and
// returns the place of the first case.
func externals(t testing.TB, a *txtar.Archive, o *xmltree.Options) int {
	t.Helper()
	texts := map[string][]byte{}
	first := 0
	for ; first < len(a.Files); first++ {
		name, ok := strings.CutPrefix(a.Files[first].Name, "file ")
		if !ok {
			break
		}
		texts[strings.TrimSuffix(name, ".go")] = caseSource(t, a.Files[first])
	}
	if first == 0 {
		return 0
	}
	o.External = func(system, base string) ([]byte, error) {
		if system == "unread" {
			return nil, nil
		}
		if i := strings.LastIndexByte(base, '/'); i >= 0 {
			system = base[:i+1] + system
		}
		text, ok := texts[system]
		if !ok {
			return nil, fmt.Errorf("there is no %s", system)
		}
		return text, nil
	}
	return first
}

// caseSource returns the source of a case.
func caseSource(t testing.TB, in txtar.File) []byte {
	t.Helper()
	src := bytes.TrimSuffix(in.Data, []byte("\n"))
	if !strings.HasSuffix(in.Name, ".go") {
		return src
	}
	s, err := strconv.Unquote(string(src))
	if err != nil {
		t.Fatalf("%s: %v", in.Name, err)
	}
	return []byte(s)
}

// options reads lines "Name value".
func options(t *testing.T, comment string) xmltree.Options {
	t.Helper()
	var o xmltree.Options
	for line := range strings.Lines(comment) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(value)
		switch name {
		case "DropSpace":
			o.DropSpace = true
		case "NoSpace":
			o.NoSpace = append(o.NoSpace, value)
		case "DTD":
			o.DTD = true
		case "File":
			o.File = value
		case "MaxEntityBytes":
			o.MaxEntityBytes = int64(n)
		case "MaxEntityDepth":
			o.MaxEntityDepth = n
		case "MaxEntities":
			o.MaxEntities = n
		case "MaxDepth":
			o.MaxDepth = n
		case "MaxBytes":
			o.MaxBytes = int64(n)
		case "MaxNodes":
			o.Budget = &xmltree.Budget{MaxNodes: int64(n)}
		}
	}
	return o
}

// dump shows a tree node by node with the places.
func dump(n *xmltree.Node) string {
	var b strings.Builder
	var node func(n *xmltree.Node, depth int)
	node = func(n *xmltree.Node, depth int) {
		name := n.Name().String()
		if n.Space() != "" {
			name += " in " + n.Space()
		}
		pad := strings.Repeat("  ", depth)
		if n.Base() != n.Document().File() {
			pad = " in " + n.Base() + pad
		}
		switch n.Kind() {
		case xmltree.Element:
			fmt.Fprintf(&b, "%s%s <%s>\n", n.Pos(), pad, name)
			for d := n.Decls(); d != nil; d = d.Next() {
				fmt.Fprintf(&b, "%s%s   xmlns:%s=%q\n", d.Pos(), pad, d.Local(), d.Value())
			}
			for a := n.Attrs(); a != nil; a = a.Next() {
				name := a.Name().String()
				if a.Space() != "" {
					name += " in " + a.Space()
				}
				id := ""
				if a.IsID() {
					id = " id"
				}
				fmt.Fprintf(&b, "%s%s   @%s=%q%s\n", a.Pos(), pad, name, a.Value(), id)
			}
		case xmltree.Text:
			keeps := ""
			if n.KeepsSpace() {
				keeps = " kept"
			}
			fmt.Fprintf(&b, "%s%s %q%s\n", n.Pos(), pad, n.Value(), keeps)
		case xmltree.Comment:
			fmt.Fprintf(&b, "%s%s comment %q\n", n.Pos(), pad, n.Value())
		case xmltree.ProcInst:
			fmt.Fprintf(&b, "%s%s instruction %s %q\n", n.Pos(), pad, n.Local(), n.Value())
		}
		for c := n.First(); c != nil; c = c.Next() {
			node(c, depth+1)
		}
	}
	for c := n.First(); c != nil; c = c.Next() {
		node(c, 0)
	}
	return b.String()
}

// shape is dump without places, declarations and what the DTD said, and with kept marks only
// where they count: what writing and reading back must keep.
func shape(n *xmltree.Node) string {
	var b strings.Builder
	for line := range strings.Lines(dump(n)) {
		_, line, _ = strings.Cut(line, " ")
		if file, ok := strings.CutPrefix(line, "in "); ok {
			line = file[strings.IndexByte(file, ' ')+1:]
		}
		line = strings.TrimSuffix(line, " id\n")
		line = strings.TrimSuffix(line, "\n") + "\n"
		if strings.HasPrefix(strings.TrimSpace(line), "xmlns:") {
			continue
		}
		text, kept := strings.CutSuffix(line, " kept\n")
		if kept {
			line = text + "\n"
			if s, err := strconv.Unquote(strings.TrimSpace(text)); err == nil && strings.Trim(s, " \t\r\n") == "" {
				line = text + " kept\n"
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// sameAfterWriting writes d, reads that back and compares the trees.
func sameAfterWriting(t *testing.T, d *xmltree.Document, o xmltree.Options) {
	t.Helper()
	var b bytes.Buffer
	if err := d.Root().Write(&b, xmltree.WriteOptions{}); err != nil {
		t.Fatalf("cannot write %s: %v", dump(d.Root()), err)
	}
	o.MaxBytes, o.NoSpace, o.Budget = 1<<30, nil, nil
	again, err := xmltree.Parse(b.Bytes(), o)
	if err != nil {
		t.Fatalf("cannot read back %s: %v", b.Bytes(), err)
	}
	if got, want := shape(again.Root()), shape(d.Root()); got != want {
		t.Fatalf("after writing %q the tree is\n%swas\n%s", b.Bytes(), got, want)
	}
	if !xmltree.Equal(d.Root(), again.Root()) || xmltree.Canonical(d.Root()) != xmltree.Canonical(again.Root()) {
		t.Fatalf("%q does not equal what it was written from", b.Bytes())
	}
	if second := again.Root().String(); second != b.String() {
		t.Fatalf("written %q, then %q", b.Bytes(), second)
	}
}

func TestParseOwn(t *testing.T) {
	src := []byte(`<a b="1">text</a>`)
	d, err := xmltree.Parse(src, xmltree.Options{Own: true})
	if err != nil {
		t.Fatal(err)
	}
	copied, err := xmltree.Parse(src, xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	copy(src[9:], "TEXT")
	if got := d.Root().Text() + copied.Root().Text(); got != "TEXTtext" {
		t.Errorf("the owned source and the copied one give %q", got)
	}
	latin := []byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>")
	if d, err = xmltree.Parse(latin, xmltree.Options{Own: true}); err != nil || d.Root().Text() != "é" {
		t.Errorf("a source in another encoding: %v", err)
	}
	if _, err = xmltree.Parse(nil, xmltree.Options{Own: true}); err == nil {
		t.Error("nothing is read without an error")
	}
}

func TestParseErrorIsWithoutCharge(t *testing.T) {
	b := new(xmltree.Budget)
	_, err := xmltree.Parse([]byte("<a><b>text</b><c></a>"), xmltree.Options{Budget: b})
	if err == nil {
		t.Fatal("no error")
	}
	if nodes, bytes, _ := b.Used(); nodes != 0 || bytes != 0 {
		t.Errorf("%d nodes and %d bytes are charged after an error", nodes, bytes)
	}
}

func TestParseLimitErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		o    xmltree.Options
		want xmltree.LimitError
	}{
		{"bytes", xmltree.Options{MaxBytes: 10}, xmltree.LimitError{Limit: "bytes of XML", Value: 10, Setting: "RequestBytes"}},
		{"depth", xmltree.Options{MaxDepth: 2}, xmltree.LimitError{Limit: "levels of XML", Value: 2, Setting: "Depth"}},
		{"depth of budget", xmltree.Options{Budget: &xmltree.Budget{MaxDepth: 2}}, xmltree.LimitError{Limit: "levels of XML", Value: 2, Setting: "Depth"}},
		{"nodes", xmltree.Options{Budget: &xmltree.Budget{MaxNodes: 4}}, xmltree.LimitError{Limit: "living nodes", Value: 4, Setting: "TreeNodes"}},
		{"tree", xmltree.Options{Budget: &xmltree.Budget{MaxBytes: 4}}, xmltree.LimitError{Limit: "bytes of tree", Value: 4, Setting: "TreeBytes"}},
	} {
		_, err := xmltree.Parse([]byte("<a><b><c>text</c></b></a>"), test.o)
		var ps xmltree.Problems
		var got *xmltree.LimitError
		if !errors.As(err, &ps) || !errors.As(err, &got) || *got != test.want {
			t.Errorf("%s: error %v, want %v", test.name, err, &test.want)
		}
	}
	deep := strings.Repeat("<a>", 257) + strings.Repeat("</a>", 257)
	if _, err := xmltree.Parse([]byte(deep), xmltree.Options{}); err == nil {
		t.Error("257 levels are read")
	}
	if _, err := xmltree.Parse([]byte(deep[3:len(deep)-4]), xmltree.Options{}); err != nil {
		t.Errorf("256 levels are not read: %v", err)
	}
}

func TestRulesAreListed(t *testing.T) {
	listed := make(map[string]bool)
	for _, r := range xmltree.Rules() {
		if listed[r.ID] || r.Title == "" || r.Help == "" {
			t.Errorf("rule %s is twice there or empty", r.ID)
		}
		listed[r.ID] = true
	}
	files, _ := filepath.Glob("testdata/*.txtar")
	shown := make(map[string]bool)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "[XML")[1:] {
			shown["XML"+part[:3]] = true
		}
	}
	for id := range listed {
		if !shown[id] {
			t.Errorf("no case of testdata shows %s", id)
		}
	}
	for id := range shown {
		if !listed[id] {
			t.Errorf("%s is not listed", id)
		}
	}
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		o := xmltree.Options{MaxBytes: 1 << 20, MaxEntityBytes: 1 << 12, DropSpace: len(src)%2 == 0, NoSpace: []string{"http://maps/specs/prov.xml"}}
		for _, o.DTD = range []bool{false, true} {
			d, err := xmltree.Parse(src, o)
			if err != nil {
				checkProblems(t, err)
				continue
			}
			d.Release()
		}
	})
}

// checkProblems checks an error of Parse.
func checkProblems(t *testing.T, err error) {
	t.Helper()
	var ps xmltree.Problems
	if !errors.As(err, &ps) || len(ps) == 0 || err.Error() == "" {
		t.Fatalf("error %#v", err)
	}
	for _, p := range ps {
		if p.Hint == "" || p.Rule == "" || p.Msg == "" {
			t.Errorf("problem without rule, message or hint: %v", p)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		o := xmltree.Options{MaxBytes: 1 << 16, DropSpace: len(src)%2 == 0}
		d, err := xmltree.Parse(src, o)
		if err != nil {
			return
		}
		sameAfterWriting(t, d, o)
		// What Indent adds is white space that is dropped.
		if o.DropSpace {
			var b bytes.Buffer
			if err := d.Root().Write(&b, xmltree.WriteOptions{Indent: true, Declaration: true}); err != nil {
				t.Fatal(err)
			}
			again, err := xmltree.Parse(b.Bytes(), xmltree.Options{DropSpace: true})
			if err != nil || !xmltree.Equal(again.Root(), d.Root()) {
				t.Fatalf("indented %q: %v", b.Bytes(), err)
			}
		}
		// A copy is the same tree, and so is an edited and restored one.
		e := xmltree.New(nil)
		c, err := e.Copy(d.Root())
		if err != nil || !xmltree.Equal(c, d.Root()) || c.String() != d.Root().String() {
			t.Fatalf("the copy %s of %s, %v", c, d.Root(), err)
		}
	})
}

func seed(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, in := range a.Files {
			if in.Name != "want" {
				f.Add(caseSource(f, in))
			}
		}
	}
}

// TestParseForgets reads sources that end in the middle of things, and then
// ones that would be read otherwise if something of them were left.
func TestParseForgets(t *testing.T) {
	for _, before := range []string{
		`<p:a xmlns:p="urn:p" xmlns="urn:d"><b x="1"`,
		`<p:a xmlns:p="urn:drop" xmlns="urn:drop"><q:b/><q:c/>text`,
		`<!DOCTYPE a [<!ENTITY e "<p:b xmlns:p='urn:e'>"><!ATTLIST a xmlns CDATA "urn:f" b ID "c">]><a>text &e;`,
		`<a>text<![CDATA[more`,
		`<a b="1" b="2" xmlns:p="">`,
		"<a>\r\n</b>",
		strings.Repeat("<a>", 300),
	} {
		for range 10 {
			if _, err := xmltree.Parse([]byte(before), xmltree.Options{DTD: true, NoSpace: []string{"urn:drop"}}); err == nil {
				t.Fatalf("%q is read", before)
			}
			if _, err := xmltree.Parse([]byte("<p:a/>"), xmltree.Options{DTD: true}); err == nil || !strings.Contains(err.Error(), "XML017") {
				t.Fatalf("after %q a prefix is declared: %v", before, err)
			}
			d, err := xmltree.Parse([]byte("<a p='1'><b/>\n</a>"), xmltree.Options{DTD: true})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := dump(d.Root()), "1:1 <a>\n1:4   @p=\"1\"\n1:10   <b>\n1:14   \"\\n\"\n"; got != want {
				t.Fatalf("after %q\n%swant\n%s", before, got, want)
			}
			d.Release()
		}
	}
}

// TestParseManyNames reads more names than a parser keeps, and some that only
// a table of names could mix up.
func TestParseManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<r xmlns:p="urn:p" xmlns:q="urn:q">`)
	for i := range 5000 {
		fmt.Fprintf(&b, `<n%d a%d="1" p:a%[1]d="2"/><p:n%[1]d/><q:n%[1]d/>`, i, i)
	}
	b.WriteString("</r>")
	for range 3 {
		d, err := xmltree.Parse([]byte(b.String()), xmltree.Options{})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for e := d.DocumentElement().First(); e != nil; e = e.Next() {
			name := fmt.Sprint("n", i/3)
			if e.Local() != name || e.Space() != []string{"", "urn:p", "urn:q"}[i%3] {
				t.Fatalf("element %d is %s in %q", i, e.Local(), e.Space())
			}
			if i%3 == 0 && (e.Attr("a"+name[1:]) != "1" || e.AttrNode("urn:p", "a"+name[1:]).Value() != "2") {
				t.Fatalf("element %d is %s", i, e)
			}
			i++
		}
		if i != 15_000 {
			t.Fatalf("%d elements", i)
		}
		d.Release()
	}
}

// TestParseConcurrently reads all sources of testdata on eight goroutines.
func TestParseConcurrently(t *testing.T) {
	type source struct {
		text, want string
		o          xmltree.Options
	}
	read := func(s source) string {
		d, err := xmltree.Parse([]byte(s.text), s.o)
		if err != nil {
			return err.Error()
		}
		defer d.Release()
		return dump(d.Root()) + d.Root().String()
	}
	var sources []source
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, string(a.Comment))
		o.Budget = nil
		for _, in := range a.Files[externals(t, a, &o):] {
			if in.Name != "want" {
				s := source{text: string(caseSource(t, in)), o: o}
				s.want = read(s)
				sources = append(sources, s)
			}
		}
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range sources {
				s := sources[(i*(2*g+1)+g)%len(sources)]
				if got := read(s); got != s.want {
					t.Errorf("%q gives\n%swant\n%s", s.text, got, s.want)
					return
				}
			}
		})
	}
	wg.Wait()
}
