package xslt_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xslt"
)

// A repeated is a case that runs many times on one program and one source.
type repeated struct {
	name    string
	program *xslt.Program
	source  *xmltree.Document
	env     xslt.Env
}

// run returns all that comes out of one run.
func (c *repeated) run() string {
	var b bytes.Buffer
	env := c.env
	env.Message = func(text string) { fmt.Fprintln(&b, text) }
	env.Warn = func(p *xmltree.Problem) { fmt.Fprintln(&b, p) }
	result := xmltree.New(nil)
	defer result.Release()
	err := c.program.Run(context.Background(), c.source.Root(), result.Root(), env)
	if err == nil {
		err = c.program.Serialize(&b, result.Root())
	}
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// repeatable compiles a case again and again, which must give the same errors,
// and returns nil if it does not compile.
func repeatable(t *testing.T, name, sheet, input string, load func(href, base string) (*xmltree.Document, error), env xslt.Env) *repeated {
	var first string
	for i := range 10 {
		doc, err := xmltree.Parse([]byte(sheet), xmltree.Options{File: "sheet.xsl"})
		if err != nil {
			return nil
		}
		p, problems := xslt.Compile(doc, xslt.Options{Load: load})
		if text := problems.Error(); i == 0 {
			first = text
		} else if text != first {
			t.Errorf("%s: Compile reports\n%s, and at first\n%s", name, text, first)
		}
		if i < 9 || p == nil {
			continue
		}
		source, err := xmltree.Parse([]byte(input), xmltree.Options{File: "input.xml"})
		if err != nil {
			return nil
		}
		return &repeated{name, p, source, env}
	}
	return nil
}

// Equal inputs give equal bytes, also for many runs at once on one program and
// one source: a thousand of two hundred chosen cases and ten of every other.
func TestDeterministicDifferential(t *testing.T) {
	const chosen, times, others, workers = 200, 1000, 10, 8
	var all []*repeated
	add := func(c *repeated) {
		if c != nil {
			all = append(all, c)
		}
	}
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := cases(a)
		for _, c := range list {
			add(repeatable(t, path+" "+c.name, c.sheet, c.input, c.load(), xslt.Env{Load: loader(c.files), Strict: strings.HasPrefix(c.name, "strict-")}))
		}
	}
	archives(t, func(path string, a *txtar.Archive) {
		for _, s := range sentences(a) {
			add(repeatable(t, s.name, s.files["sheet.xsl"], s.input, loader(s.files), xslt.Env{Load: loader(s.files)}))
		}
	})
	extensions := extensionArchives(t)
	for _, path := range slices.Sorted(maps.Keys(extensions)) {
		a := extensions[path]
		eachCase(t, fileOf(a, "cases"), func(expr, want string) string {
			add(repeatable(t, expr, fmt.Sprintf(extensionSheet, showing(0, expr)), fileOf(a, "input.xml"), nil, extensionEnv))
			return want
		})
	}
	for i := range uint64(chosen) {
		g := newGenerator(defaultSeed, i)
		files := g.sheet()
		add(repeatable(t, fmt.Sprint("generated ", i), files["sheet.xsl"], newGenerator(defaultSeed, i<<32).document(), loader(files), xslt.Env{Load: loader(files)}))
	}
	if len(all) < 1500 {
		t.Fatalf("there are %d cases, want at least 1,500", len(all))
	}
	t.Logf("%d cases", len(all))
	step := len(all) / chosen
	for i, c := range all {
		n := others
		if i%step == 0 && i/step < chosen {
			n = times
		}
		want := c.run()
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for range (n + workers - 1 - w) / workers {
					if got := c.run(); got != want {
						t.Errorf("%s gave\n%s, and at first\n%s", c.name, got, want)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}
