package xsd_test

import (
	"path/filepath"
	"slices"
	"testing"

	"sutler/xmltree"
	"sutler/xsd"
)

// seeds gives each schema of the corpus with some of its instances.
func seeds(f *testing.F, kind string) {
	paths, err := filepath.Glob("testdata/" + kind + "/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		_, all := suites(f, path)
		for _, s := range all {
			f.Add(s.schema, `<v a="1">x</v>`)
			for i := range s.cases {
				if i%3 == 0 {
					f.Add(s.schema, s.cases[i].document())
				}
			}
		}
	}
}

// No schema and no document make the package panic or run for long; the same
// pair gives the same answer twice; nothing is changed.
func try(t *testing.T, schema, document string) {
	s, err := xmltree.Parse([]byte(schema), xmltree.Options{MaxBytes: 1 << 16})
	if err != nil {
		return
	}
	d, err := xmltree.Parse([]byte(document), xmltree.Options{MaxBytes: 1 << 16})
	if err != nil {
		return
	}
	var before [2]string
	for i, doc := range []*xmltree.Document{s, d} {
		before[i] = doc.Root().String()
	}
	for _, o := range []xsd.Options{{}, {Unqualified: true, Secret: func(*xmltree.Node) bool { return true }}} {
		compiled, problems := xsd.Compile(s.DocumentElement(), o)
		again, problems2 := xsd.Compile(s.DocumentElement(), o)
		if (compiled == nil) != (problems.Err() != nil) {
			t.Fatalf("Compile = %v, %v", compiled, problems)
		}
		if !slices.Equal(texts(problems), texts(problems2)) {
			t.Fatalf("two compilations differ:\n%v\n%v", problems, problems2)
		}
		if compiled == nil {
			continue
		}
		var found [3][]string
		for i, c := range []*xsd.Schema{compiled, compiled, again} {
			found[i] = texts(c.Validate(d.DocumentElement(), &xmltree.Budget{MaxSteps: 100_000}))
		}
		if !slices.Equal(found[0], found[1]) || !slices.Equal(found[0], found[2]) {
			t.Fatalf("three runs differ:\n%v\n%v\n%v", found[0], found[1], found[2])
		}
	}
	for i, doc := range []*xmltree.Document{s, d} {
		if doc.Root().String() != before[i] {
			t.Fatalf("document %d was changed", i)
		}
	}
}

func texts(ps xmltree.Problems) []string {
	var all []string
	for _, p := range ps {
		all = append(all, p.Error())
	}
	return all
}

func FuzzXSD(f *testing.F) {
	seeds(f, "xsd")
	f.Fuzz(try)
}

func FuzzXDR(f *testing.F) {
	seeds(f, "xdr")
	f.Fuzz(try)
}
