package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xslt"
)

// The cases of extension functions are archives in testdata/exslt. The file
// "cases" has one case a line, EXPRESSION => VALUE, about input.xml. A string
// is quoted, a node-set is written as XML in <>, an error as ! and its message.
// "differences" has what xsltproc says where it says something else, below a
// comment that tells why; "-" stands for a case that it cannot be asked.
const extensionSheet = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:exsl="http://exslt.org/common"
 xmlns:set="http://exslt.org/sets" xmlns:str="http://exslt.org/strings" xmlns:math="http://exslt.org/math" xmlns:date="http://exslt.org/dates-and-times"
 xmlns:regexp="http://exslt.org/regular-expressions" xmlns:msxsl="urn:schemas-microsoft-com:xslt" xmlns:dyn="http://exslt.org/dynamic"
 exclude-result-prefixes="exsl set str math date regexp msxsl dyn">
<xsl:variable name="rtf">x<y/></xsl:variable>
<xsl:template match="/"><r>%s</r></xsl:template></xsl:stylesheet>`

const extensionCase = `<xsl:variable name="v%[1]d" select="%[2]s"/><v type="{exsl:object-type($v%[1]d)}"><xsl:copy-of select="$v%[1]d"/></v>`

var extensionEnv = xslt.Env{Now: time.Date(2026, 11, 26, 9, 8, 7, 654321000, time.FixedZone("", 2*3600))}

// showing returns the instructions that show the value of an expression.
func showing(i int, expr string) string {
	return fmt.Sprintf(extensionCase, i, strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(expr))
}

// evaluate returns the value of an expression as the cases write it.
func evaluate(expr, input string) string {
	sheet, err := xmltree.Parse([]byte(fmt.Sprintf(extensionSheet, showing(0, expr))), xmltree.Options{})
	if err != nil {
		return "! " + err.Error()
	}
	p, problems := xslt.Compile(sheet, xslt.Options{})
	if problems.Err() != nil {
		return "! " + problems[0].Msg + " [" + problems[0].Rule + "] (static)"
	}
	in, err := xmltree.Parse([]byte(input), xmltree.Options{File: "input.xml"})
	if err != nil {
		return "! " + err.Error()
	}
	out := xmltree.New(nil)
	err = p.Run(context.Background(), in.Root(), out.Root(), extensionEnv)
	var problem *xmltree.Problem
	if errors.As(err, &problem) {
		if problem.Pos.Line == 0 {
			return "! without a place: " + problem.Msg
		}
		return "! " + problem.Msg + " [" + problem.Rule + "]"
	}
	return shown(out.DocumentElement().FirstElement())
}

// shown returns the value in a v element.
func shown(v *xmltree.Node) string {
	switch v.Attr("type") {
	case "string":
		return strconv.Quote(v.Text())
	case "node-set", "RTF":
		var b strings.Builder
		for n := v.First(); n != nil; n = n.Next() {
			b.WriteString(n.String())
		}
		return "<>" + b.String() + "</>"
	}
	return v.Text()
}

// eachCase calls f for the cases in a file of an archive; what f returns
// replaces the value.
func eachCase(t *testing.T, data string, f func(expr, want string) string) string {
	lines := strings.Split(data, "\n")
	for i, l := range lines {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		expr, want, ok := strings.Cut(l, " => ")
		if !ok && !*update {
			t.Errorf("%q is no case", l)
			continue
		}
		lines[i] = expr + " => " + f(expr, want)
	}
	return strings.Join(lines, "\n")
}

func extensionArchives(t *testing.T) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob("testdata/exslt/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("cannot find the cases: %v", err)
	}
	all := map[string]*txtar.Archive{}
	for _, path := range paths {
		if all[path], err = txtar.ParseFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func fileOf(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func TestExtensionFunctions(t *testing.T) {
	total := 0
	for path, a := range extensionArchives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			input := fileOf(a, "input.xml")
			for i, f := range a.Files {
				if f.Name != "cases" {
					continue
				}
				seen := map[string]bool{}
				a.Files[i].Data = []byte(eachCase(t, string(f.Data), func(expr, want string) string {
					total++
					if seen[expr] {
						t.Errorf("%s stands there twice", expr)
					}
					seen[expr] = true
					got := evaluate(expr, input)
					if got != want && !*update {
						t.Errorf("%s = %s, want %s", expr, got, want)
					}
					return got
				}))
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if total < 1500 {
		t.Errorf("there are %d cases, want at least 1500", total)
	}
}

// xsltproc says the same about every function that it has, except where the
// differences say what it says.
func TestExtensionFunctionsDifferential(t *testing.T) {
	if _, err := exec.LookPath("xsltproc"); err != nil {
		t.Fatal("xsltproc is missing; install the package xsltproc")
	}
	has := regexp.MustCompile(`^(exsl|set|str|math|date):|\((exsl|set|str|math|date):`)
	lacks := regexp.MustCompile(`(date:format-date|date:parse-date|math:random|regexp:|msxsl:)`)
	for path, a := range extensionArchives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			known := map[string]string{}
			eachCase(t, fileOf(a, "differences"), func(expr, theirs string) string {
				known[expr] = theirs
				return theirs
			})
			var exprs, ours []string
			var asked strings.Builder
			eachCase(t, fileOf(a, "cases"), func(expr, value string) string {
				if has.MatchString(expr) && !lacks.MatchString(expr) && !strings.HasPrefix(value, "!") && known[expr] != "-" {
					exprs, ours = append(exprs, expr), append(ours, value)
					asked.WriteString(showing(len(exprs), expr) + "\n")
				}
				return value
			})
			if len(exprs) == 0 {
				return
			}
			dir := t.TempDir()
			for name, text := range map[string]string{"sheet.xsl": fmt.Sprintf(extensionSheet, asked.String()), "input.xml": fileOf(a, "input.xml")} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("xsltproc", "--nonet", filepath.Join(dir, "sheet.xsl"), filepath.Join(dir, "input.xml"))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("xsltproc: %v\n%s", err, stderr.Bytes())
			}
			d, err := xmltree.Parse(out, xmltree.Options{})
			if err != nil {
				t.Fatal(err)
			}
			v := d.DocumentElement().FirstElement()
			for i, expr := range exprs {
				theirs := "nothing"
				if v != nil {
					theirs = shown(v)
					v = v.NextElement()
				}
				want, differs := known[expr]
				switch {
				case differs && theirs != want:
					t.Errorf("xsltproc: %s = %s, the differences say %s", expr, theirs, want)
				case differs && alikeText(theirs, ours[i]):
					t.Errorf("%s: no longer a difference", expr)
				case !differs && !alikeText(theirs, ours[i]):
					t.Errorf("%s = %s, xsltproc says %s", expr, ours[i], theirs)
				}
			}
			t.Logf("%d expressions asked, %d differences listed", len(exprs), len(known))
		})
	}
}

// alikeText reports whether two values are the same, numbers to the 14 digits that
// xsltproc is sure of.
func alikeText(a, b string) bool {
	if a == b {
		return true
	}
	x, err := strconv.ParseFloat(a, 64)
	if err != nil {
		return false
	}
	y, err := strconv.ParseFloat(b, 64)
	if err != nil {
		return false
	}
	diff, size := x-y, max(x, -x)
	return max(diff, -diff) <= size*1e-14
}
