package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xslt"
)

// eachError calls f for each error that a case of the corpus expects.
func eachError(t testing.TB, f func(name, text string)) {
	eachFile(t, func(name, text string) {
		if strings.HasSuffix(name, ".err") {
			f(name, text)
		}
	})
}

func eachFile(t testing.TB, f func(name, text string)) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range a.Files {
			f(file.Name, string(file.Data))
		}
	}
}

// No stylesheet and no document make the package panic or run for long; the
// same pair gives the same result twice; a result that is XML can be read back.
func FuzzCompileRun(f *testing.F) {
	eachFile(f, func(name, text string) {
		switch {
		case strings.HasSuffix(name, ".xsl"):
			f.Add(text, `<a b="c">x<d/><!--e--><?f g?></a>`)
		case strings.HasSuffix(name, ".tpl"):
			f.Add(stylesheet(text), `<doc><a id="1">one</a><b/></doc>`)
		}
	})
	f.Fuzz(func(t *testing.T, sheet, src string) {
		s, err := xmltree.Parse([]byte(sheet), xmltree.Options{MaxBytes: 1 << 16})
		if err != nil {
			return
		}
		in, err := xmltree.Parse([]byte(src), xmltree.Options{MaxBytes: 1 << 16})
		if err != nil {
			return
		}
		p, problems := xslt.Compile(s, xslt.Options{})
		if (p == nil) != (problems.Err() != nil) {
			t.Fatalf("Compile = %v, %v", p, problems)
		}
		if p == nil {
			return
		}
		before := in.Root().String()
		env := xslt.Env{Limits: xslt.Limits{Steps: 20_000, ResultBytes: 1 << 18, Depth: 200}}
		var results [2]string
		for i := range results {
			var b bytes.Buffer
			into := xmltree.New(nil)
			if err := p.Run(context.Background(), in.Root(), into.Root(), env); err != nil {
				results[i] = err.Error()
				continue
			}
			if err := p.Serialize(&b, into.Root()); err != nil {
				var problem *xmltree.Problem
				if !errors.As(err, &problem) || problem.Rule != "XT130" {
					t.Fatal(err)
				}
				b.WriteString(err.Error())
			}
			results[i] = b.String()
		}
		if results[0] != results[1] {
			t.Errorf("two runs differ:\n%s\n%s", results[0], results[1])
		}
		if after := in.Root().String(); after != before {
			t.Errorf("the source changed from %s to %s", before, after)
		}
	})
}
