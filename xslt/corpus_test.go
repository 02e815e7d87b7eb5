package xslt_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"os"

	"sutler/xmltree"
	"sutler/xslt"
)

var update = flag.Bool("update", false, "rewrite what the cases expect")

// stylesheet puts the inside of a stylesheet element into one that omits the
// XML declaration, unless the inside says otherwise. xsl:import must come first.
func stylesheet(inside string) string {
	const start, output, end = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">`, `<xsl:output omit-xml-declaration="yes"/>`, "</xsl:stylesheet>\n"
	if strings.Contains(inside, "<xsl:import ") {
		return start + "\n" + inside + output + end
	}
	return start + output + "\n" + inside + end
}

// A testCase is one stylesheet of an archive: NAME.xsl, or NAME.tpl for the inside
// of a stylesheet element. It runs on NAME.xml or on input.xml. Its serialised
// result is NAME.out, its errors and warnings, static or not, NAME.err, its
// messages NAME.msg. Stylesheets and documents that it asks for are other files
// of the archive. A case whose name begins with "strict-" recovers from nothing.
type testCase struct {
	name, sheet, input string
	files              map[string]string
	out, err, msg      string
}

// load reads a file of the archive, the same document for the same name.
func (c *testCase) load() func(href, base string) (*xmltree.Document, error) {
	read := map[string]*xmltree.Document{}
	return func(href, base string) (*xmltree.Document, error) {
		name := path.Join(path.Dir(base), href)
		if read[name] == nil {
			text, ok := c.files[name]
			if !ok {
				return nil, fmt.Errorf("there is no file %q", name)
			}
			d, err := xmltree.Parse([]byte(text), xmltree.Options{File: name})
			if err != nil {
				return nil, err
			}
			read[name] = d
		}
		return read[name], nil
	}
}

func (c *testCase) run() {
	sheet, err := xmltree.Parse([]byte(c.sheet), xmltree.Options{File: "sheet.xsl"})
	if err != nil {
		c.err = err.Error()
		return
	}
	load := c.load()
	p, problems := xslt.Compile(sheet, xslt.Options{Load: load})
	if problems != nil {
		c.err = line(problems.Error())
	}
	if problems.Err() != nil {
		return
	}
	var b bytes.Buffer
	var messages strings.Builder
	env := xslt.Env{
		Message: func(text string) { fmt.Fprintln(&messages, text) },
		Warn:    func(p *xmltree.Problem) { c.err += line(p.Error()) },
		Strict:  strings.HasPrefix(c.name, "strict-"),
		Load:    load,
	}
	if err := transform(p, c.input, env, &b); err != nil {
		c.err += err.Error()
	}
	c.out, c.msg = legible(b.String()), messages.String()
}

// transform runs p on the document src and writes the serialised result.
func transform(p *xslt.Program, src string, env xslt.Env, to *bytes.Buffer) error {
	in, err := xmltree.Parse([]byte(src), xmltree.Options{File: "input.xml"})
	if err != nil {
		return err
	}
	result := xmltree.New(nil)
	if err := p.Run(context.Background(), in.Root(), result.Root(), env); err != nil {
		if result.Root().First() != nil {
			return fmt.Errorf("result left behind after: %w", err)
		}
		return err
	}
	return p.Serialize(to, result.Root())
}

// cases reads the cases of an archive; files holds what they expect.
func cases(a *txtar.Archive) (list []*testCase, files map[string]string) {
	files = map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	for _, f := range a.Files {
		name, whole := strings.CutSuffix(f.Name, ".xsl")
		sheet := string(f.Data)
		if !whole {
			var inside bool
			if name, inside = strings.CutSuffix(f.Name, ".tpl"); !inside {
				continue
			}
			sheet = stylesheet(sheet)
		}
		input, ok := files[name+".xml"]
		if !ok {
			input = files["input.xml"]
		}
		list = append(list, &testCase{name: name, sheet: sheet, input: input, files: files})
	}
	return list, files
}

// line ends the text of a file in an archive.
func line(s string) string {
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

func TestCorpus(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("cannot find the corpus: %v", err)
	}
	total := 0
	for _, file := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			list, files := cases(a)
			total += len(list)
			for _, c := range list {
				c.run()
				got := map[string]string{".out": line(c.out), ".err": line(c.err), ".msg": line(c.msg)}
				for ext, text := range got {
					if diff := cmp.Diff(files[c.name+ext], text); diff != "" && !*update {
						t.Errorf("%s%s (-want +got):\n%s", c.name, ext, diff)
					}
				}
				if *update {
					expect(a, c.name, got)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if total < 260 {
		t.Errorf("the corpus has %d cases, want at least 260", total)
	}
}

// expect puts what a case gave behind its other files.
func expect(a *txtar.Archive, name string, got map[string]string) {
	var files []txtar.File
	last := 0
	for _, f := range a.Files {
		ext := strings.TrimPrefix(f.Name, name)
		if _, ok := got[ext]; ok && ext != f.Name {
			continue
		}
		files = append(files, f)
		if ext == ".xsl" || ext == ".tpl" || ext == ".body" || ext == ".xml" || strings.HasPrefix(f.Name, name+"/") {
			last = len(files)
		}
	}
	var add []txtar.File
	for _, ext := range []string{".out", ".msg", ".err", ".warn"} {
		if got[ext] != "" {
			add = append(add, txtar.File{Name: name + ext, Data: []byte(got[ext])})
		}
	}
	a.Files = append(files[:last:last], append(add, files[last:]...)...)
}
