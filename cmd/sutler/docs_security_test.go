package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityNamesTests checks that each test that docs/security.md names is
// there, in the package that stands before it.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	in := func(pkg string) string {
		if s, ok := sources[pkg]; ok {
			return s
		}
		files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
		sources[pkg] = all.String()
		return all.String()
	}
	token := regexp.MustCompile("(?:`([a-z/]+)`|\\b(root)): |`((?:Test|Fuzz)[A-Za-z0-9]+)`")
	named := 0
	for n, line := range strings.Split(string(page), "\n") {
		pkg := ""
		for _, m := range token.FindAllStringSubmatch(line, -1) {
			switch {
			case m[1] != "":
				pkg = m[1]
			case m[2] != "":
				pkg = "."
			case pkg == "":
				t.Errorf("docs/security.md:%d: %s stands without its package", n+1, m[3])
			case !strings.Contains(in(pkg), "func "+m[3]+"("):
				t.Errorf("docs/security.md:%d: package %s has no %s", n+1, pkg, m[3])
			default:
				named++
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d tests are named: the page is not read as it is written", named)
	}
}
