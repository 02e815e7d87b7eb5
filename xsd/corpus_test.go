package xsd_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xsd"
)

var update = flag.Bool("update", false, "rewrite the messages that the cases expect")

// A suite is one schema of an archive: NAME.xsd, NAME.xdr, whole or the inside
// of a schema element. NAME.cases holds instances, one a line:
//
//	ok <a/>
//	bad <b/>
//	    XS101 /b: element "b" is not declared
//
// The verdict is written by hand, the messages below it are rewritten by
// -update. An instance that does not begin with < is the text of an element v.
// A schema that must be refused has its problems in NAME.refused instead.
type suite struct {
	name, schema string
	cases        []instance
	refused      string
	refusable    bool // there is a .refused
}

type instance struct {
	valid bool
	text  string
	want  []string
}

const (
	xsdHead = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">` + "\n"
	xdrHead = `<Schema name="inputSchema" xmlns="urn:schemas-microsoft-com:xml-data" xmlns:dt="urn:schemas-microsoft-com:datatypes">` + "\n"
)

// document returns the instance as a document.
func (i *instance) document() string {
	if strings.HasPrefix(i.text, "<") {
		return i.text
	}
	return "<v>" + i.text + "</v>"
}

// suites reads an archive.
func suites(t testing.TB, path string) (*txtar.Archive, []*suite) {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []*suite
	byName := map[string]*suite{}
	for _, f := range a.Files {
		ext := filepath.Ext(f.Name)
		name := strings.TrimSuffix(f.Name, ext)
		s := byName[name]
		text := string(f.Data)
		switch ext {
		case ".xsd", ".xdr":
			if s != nil {
				t.Fatalf("%s: %s is there twice", path, name)
			}
			s = &suite{name: name, schema: text}
			if ext == ".xsd" && !strings.HasPrefix(text, "<xs:schema") && !strings.HasPrefix(text, "<Schema") {
				s.schema = xsdHead + text + "</xs:schema>"
			}
			if ext == ".xdr" && !strings.Contains(text, "Schema name=") && !strings.HasPrefix(text, "<Schema") {
				s.schema = xdrHead + text + "</Schema>"
			}
			byName[name] = s
			all = append(all, s)
		case ".cases":
			s.cases = instances(t, path+" "+name, text)
		case ".refused":
			s.refused, s.refusable = text, true
		default:
			t.Fatalf("%s: no kind of file is called %s", path, f.Name)
		}
	}
	return a, all
}

func instances(t testing.TB, where, text string) []instance {
	t.Helper()
	var all []instance
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		verdict, rest, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "    ") && len(all) > 0:
			last := &all[len(all)-1]
			last.want = append(last.want, strings.TrimPrefix(line, "    "))
		case verdict == "ok" || verdict == "bad":
			all = append(all, instance{valid: verdict == "ok", text: rest})
		default:
			t.Fatalf("%s: cannot read %q", where, line)
		}
	}
	return all
}

func compile(t testing.TB, src string, o xsd.Options) (*xsd.Schema, xmltree.Problems) {
	t.Helper()
	doc, err := xmltree.Parse([]byte(src), xmltree.Options{DropSpace: true})
	if err != nil {
		t.Fatalf("%s\n%v", src, err)
	}
	return xsd.Compile(doc.DocumentElement(), o)
}

// messages checks a document and returns what is found, a line each.
func messages(t testing.TB, s *xsd.Schema, src string) []string {
	t.Helper()
	doc, err := xmltree.Parse([]byte(src), xmltree.Options{})
	if err != nil {
		t.Fatalf("%s\n%v", src, err)
	}
	defer doc.Release()
	var got []string
	for _, p := range s.Validate(doc.DocumentElement(), nil) {
		got = append(got, p.Rule+" "+p.Msg)
		if p.Hint != "" {
			got = append(got, "hint: "+p.Hint)
		}
		if p.Pos.Line == 0 {
			t.Errorf("%s: %s has no place", src, p.Msg)
		}
	}
	return got
}

func TestCorpus(t *testing.T) {
	for _, kind := range []string{"xsd", "xdr"} {
		paths, err := filepath.Glob("testdata/" + kind + "/*.txtar")
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, path := range paths {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
				a, all := suites(t, path)
				for _, s := range all {
					total += max(1, len(s.cases))
					t.Run(s.name, s.run)
				}
				if *update {
					rewrite(t, path, a, all)
				}
			})
		}
		if total < 300 {
			t.Errorf("%s: %d cases, want 300 or more", kind, total)
		}
		t.Logf("%s: %d cases", kind, total)
	}
}

func (s *suite) run(t *testing.T) {
	schema, problems := compile(t, s.schema, xsd.Options{})
	if (schema == nil) != (problems.Err() != nil) {
		t.Fatalf("Compile = %v, %v", schema, problems)
	}
	if s.refusable || schema == nil {
		got := ""
		if problems != nil {
			got = problems.Error() + "\n"
		}
		if !s.refusable || schema != nil {
			t.Fatalf("refused: %v, want %v\n%s", schema == nil, s.refusable, got)
		}
		if diff := cmp.Diff(s.refused, got); diff != "" && !*update {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		s.refused = got
		return
	}
	for i := range s.cases {
		c := &s.cases[i]
		got := messages(t, schema, c.document())
		if c.valid != (got == nil) {
			t.Errorf("%s\nvalid: %v, want %v: %s", c.text, got == nil, c.valid, strings.Join(got, "\n"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
		c.want = got
	}
}

// rewrite puts the messages into the archive; verdicts stay as they are.
func rewrite(t *testing.T, path string, a *txtar.Archive, all []*suite) {
	byName := map[string]*suite{}
	for _, s := range all {
		byName[s.name] = s
	}
	for i := range a.Files {
		f := &a.Files[i]
		ext := filepath.Ext(f.Name)
		s := byName[strings.TrimSuffix(f.Name, ext)]
		switch ext {
		case ".refused":
			f.Data = []byte(s.refused)
		case ".cases":
			var b strings.Builder
			for _, c := range s.cases {
				fmt.Fprintf(&b, "%s %s\n", map[bool]string{true: "ok", false: "bad"}[c.valid], c.text)
				for _, line := range c.want {
					fmt.Fprintf(&b, "    %s\n", line)
				}
			}
			f.Data = []byte(b.String())
		}
	}
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
