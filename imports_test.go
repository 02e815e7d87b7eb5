package sutler_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the house: package → what of ours it may import. A new edge is
// a change of this table. Tests are free.
var mayImport = map[string]string{
	"sutler":                 "xmltree",
	"xmltree":                "",
	"xpath":                  "xmltree",
	"xslt":                   "xmltree xpath",
	"xsd":                    "xmltree",
	"procedure":              "sutler xmltree xpath xslt xsd",
	"security":               "sutler",
	"admin":                  "sutler security",
	"engine":                 "sutler procedure security xmltree xpath xslt",
	"audit":                  "sutler security",
	"store":                  "sutler xmltree",
	"provider":               "sutler xmltree",
	"provider/*":             "sutler provider xmltree",
	"server":                 "sutler admin security xmltree",
	"login":                  "sutler",
	"login/logintest":        "", // a provider for tests of logins
	"client":                 "sutler xmltree",
	"samples":                "",
	"bench":                  "*", // measures the whole; tests only
	"crash":                  "",  // crashes the whole; tests only
	"hostile":                "",  // attacks the whole; tests only
	"docs/how-to":            "",  // the provider that a page of the manual shows; tests only
	"sutlertest/hostilecase": "",
	"sutlertest":             "sutler xmltree",
	"cmd/sutler":             "*",
}

// pure packages touch no files, no network and no process.
var pure = []string{"sutler", "procedure", "engine", "security", "admin", "xmltree", "xpath", "xslt", "xsd"}

var impure = []string{"os", "os/exec", "net", "net/http", "database/sql", "flag", "syscall"}

// fenced names who may import an outside module; prefixes are enough. One
// package each, exceptions with their reason.
var fenced = map[string]string{
	"modernc.org/sqlite":             "store provider/sql sutlertest", // two speak to SQLite databases, each to its own; one plays a disk that dies
	"modernc.org/libc":               "sutlertest",                    // the disk that dies speaks to SQLite as C does
	"github.com/jackc/pgx":           "store provider/sql",            // the engine's database, and those that namespaces work on
	"github.com/pressly/goose":       "store",
	"github.com/spf13/cobra":         "cmd/sutler",
	"github.com/spf13/pflag":         "cmd/sutler",
	"charm.land/lipgloss":            "cmd/sutler",
	"github.com/charmbracelet":       "cmd/sutler",
	"github.com/alecthomas/chroma":   "cmd/sutler",
	"go.yaml.in/yaml":                "cmd/sutler",
	"github.com/coreos/go-oidc":      "login",
	"golang.org/x/oauth2":            "login",
	"github.com/zitadel":             "login/logintest", // a provider to test against
	"github.com/go-jose":             "login/logintest", // its keys; else only by way of go-oidc
	"github.com/tink-crypto/tink-go": "security",        // sealing
	"gocloud.dev":                    "cmd/sutler",      // key management services
	"golang.org/x/":                  "*",               // the standard library beside the standard library
}

// fencedTests names whose tests may import what nobody else's may.
var fencedTests = map[string]string{
	"github.com/go-jose":        "login", // its keys
	"github.com/coreos/go-oidc": "login",
	"golang.org/x/oauth2":       "login",
}

// fence returns who may import path by the longest prefix that list has for it.
func fence(list map[string]string, path string) (string, bool) {
	longest, who := "", ""
	for prefix, may := range list {
		if strings.HasPrefix(path, prefix) && len(prefix) > len(longest) {
			longest, who = prefix, may
		}
	}
	return who, longest != ""
}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[short(p.ImportPath)] = p
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

// short is the name of a package of ours as the table has it.
func short(path string) string { return strings.TrimPrefix(path, "sutler/") }

func ours(path string) bool { return path == "sutler" || strings.HasPrefix(path, "sutler/") }

// rule returns what the table says for a package.
func rule(pkg string) (string, bool) {
	if r, ok := mayImport[pkg]; ok {
		return r, true
	}
	if strings.HasPrefix(pkg, "provider/") {
		return mayImport["provider/*"], true
	}
	return "", false
}

func allowed(list, pkg string) bool {
	return list == "*" || slices.Contains(strings.Fields(list), pkg)
}

func TestImports(t *testing.T) {
	for pkg, listed := range packages(t) {
		may, ok := rule(pkg)
		if !ok {
			t.Errorf("package %s is not in the table of imports", pkg)
			continue
		}
		for _, path := range append(listed.TestImports, listed.XTestImports...) {
			if who, ok := fence(fencedTests, path); ok && !allowed(who, pkg) {
				t.Errorf("a test of %s imports %s, which only those of %q may", pkg, path, who)
			}
		}
		for _, path := range listed.Imports {
			switch {
			case ours(path):
				if !allowed(may, short(path)) {
					t.Errorf("%s imports %s; the table allows %q", pkg, short(path), may)
				}
			case strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
				if who, _ := fence(fenced, path); !allowed(who, pkg) {
					t.Errorf("%s imports %s, which only %q may", pkg, path, who)
				}
			case slices.Contains(pure, pkg) && slices.Contains(impure, path):
				t.Errorf("%s imports %s, but is to stay pure", pkg, path)
			}
		}
	}
}
