package xslt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xslt"
)

// A sentence is a case for one sentence of the Recommendation. Its name begins
// with the number of the section. The stylesheet is NAME.xsl, NAME.tpl, the
// inside of a stylesheet element, or NAME.body, the inside of a template for the
// root; it begins with a comment that says what is asked for. It runs on NAME.xml
// or on input.xml; NAME/other.xsl is a file that it may bring in or read. What
// comes out is NAME.out, its messages are NAME.msg, and NAME.err has a line for
// each error: line, column and rule, with the file if it is another one. NAME.warn
// has those from which the run recovered, and warnings.
type sentence struct {
	name     string
	files    map[string]string
	input    string
	expected map[string]string // by extension
}

// What is before the inside of a stylesheet and of a template.
const (
	insideHead = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output omit-xml-declaration="yes"/>` + "\n"
	bodyHead   = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:output omit-xml-declaration="yes"/><xsl:template match="/">` + "\n"
)

// sentences reads an archive.
func sentences(a *txtar.Archive) (all []*sentence) {
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	for _, f := range a.Files {
		ext := filepath.Ext(f.Name)
		name := strings.TrimSuffix(f.Name, ext)
		sheet := string(f.Data)
		switch {
		case strings.Contains(name, "/"):
			continue
		case ext == ".tpl":
			sheet = insideHead + sheet + "</xsl:stylesheet>\n"
		case ext == ".body":
			sheet = bodyHead + sheet + "</xsl:template></xsl:stylesheet>\n"
		case ext != ".xsl":
			continue
		}
		s := &sentence{name: name, files: map[string]string{"sheet.xsl": sheet}, input: files["input.xml"], expected: map[string]string{}}
		for file, data := range files {
			if other, ok := strings.CutPrefix(file, name+"/"); ok {
				s.files[other] = data
			}
		}
		if input, ok := files[name+".xml"]; ok {
			s.input = input
		}
		for _, ext := range []string{".out", ".msg", ".err", ".warn"} {
			s.expected[ext] = files[name+ext]
		}
		all = append(all, s)
	}
	return all
}

// run returns what comes out, by extension.
func (s *sentence) run() map[string]string {
	var errs, warnings, messages strings.Builder
	sheet, err := xmltree.Parse([]byte(s.files["sheet.xsl"]), xmltree.Options{File: "sheet.xsl"})
	if err != nil {
		return map[string]string{".err": err.Error()}
	}
	program, problems := xslt.Compile(sheet, xslt.Options{Load: loader(s.files)})
	for _, p := range problems {
		if p.Warning {
			warnings.WriteString(placed(p))
		} else {
			errs.WriteString(placed(p))
		}
	}
	if program == nil {
		return map[string]string{".err": errs.String(), ".warn": warnings.String()}
	}
	var b bytes.Buffer
	err = transform(program, s.input, xslt.Env{
		Message: func(text string) { fmt.Fprintln(&messages, text) },
		Warn:    func(p *xmltree.Problem) { warnings.WriteString(placed(p)) },
		Load:    loader(s.files),
	}, &b)
	for _, p := range problemsOf(err) {
		errs.WriteString(placed(p))
	}
	return map[string]string{".out": line(b.String()), ".msg": messages.String(), ".err": errs.String(), ".warn": warnings.String()}
}

// placed returns the line of the case for p.
func placed(p *xmltree.Problem) string {
	file := ""
	if p.File != "sheet.xsl" {
		file = p.File + ":"
	}
	return fmt.Sprintf("%s%v %s\n", file, p.Pos, p.Rule)
}

// problemsOf returns the problems in err.
func problemsOf(err error) xmltree.Problems {
	var all xmltree.Problems
	var one *xmltree.Problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &all):
		return all
	case errors.As(err, &one):
		return xmltree.Problems{one}
	}
	return xmltree.Problems{{Rule: err.Error()}}
}

// archives calls f with every archive of the cases of the Recommendation.
func archives(t *testing.T, f func(path string, a *txtar.Archive)) {
	t.Helper()
	paths, err := filepath.Glob("testdata/rec/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("cannot find the cases of the Recommendation: %v", err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f(path, a)
	}
}

// Every sentence of the Recommendation that says must, should or error has its case.
func TestRecommendation(t *testing.T) {
	total := 0
	archives(t, func(path string, a *txtar.Archive) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			section, _, _ := strings.Cut(filepath.Base(path), "-")
			seen := map[string]bool{}
			for _, s := range sentences(a) {
				total++
				if !strings.HasPrefix(s.name, section) || seen[s.name] {
					t.Errorf("%s: the name must be new and begin with %s", s.name, section)
				}
				seen[s.name] = true
				if !strings.Contains(s.files["sheet.xsl"], "<!-- ") {
					t.Errorf("%s: no comment says what it asks for", s.name)
				}
				got := s.run()
				for ext, want := range s.expected {
					if diff := cmp.Diff(want, got[ext]); diff != "" && !*update {
						t.Errorf("%s%s (-want +got):\n%s", s.name, ext, diff)
					}
				}
				if *update {
					expect(a, s.name, got)
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	if total < 730 {
		t.Errorf("there are %d cases, want at least 730", total)
	}
}
