package procedure_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xsd"
	"sutler/xslt"
)

var update = flag.Bool("update", false, "rewrite what the test data expect")

// archives parses the txtar files of testdata/dir by name.
func archives(t testing.TB, dir string) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data in %s: %v", dir, err)
	}
	ars := map[string]*txtar.Archive{}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ars[file] = ar
	}
	return ars
}

// eachCase runs show on every NAME.xml of the archives in testdata/dir and
// compares the result with NAME.want behind it.
func eachCase(t *testing.T, dir string, show func(t *testing.T, src []byte) string) {
	t.Helper()
	for file, ar := range archives(t, dir) {
		for i := 0; i+1 < len(ar.Files); i += 2 {
			name := strings.TrimSuffix(ar.Files[i].Name, ".xml")
			if ar.Files[i+1].Name != name+".want" {
				t.Fatalf("%s: want %s.want behind %s.xml", file, name, name)
			}
			want := &ar.Files[i+1].Data
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				got := show(t, ar.Files[i].Data)
				if *update {
					*want = []byte(got)
				}
				if got != string(*want) {
					t.Errorf("got\n%s\nwant\n%s", got, *want)
				}
			})
		}
		save(t, file, ar)
	}
}

// save writes an archive back when the tests run with -update.
func save(t *testing.T, file string, ar *txtar.Archive) {
	t.Helper()
	if !*update {
		return
	}
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCompileBroken(t *testing.T) {
	eachCase(t, "broken", func(t *testing.T, src []byte) string {
		ns, ps := procedure.Compile(src, "ns.xml", sutler.Limits{})
		if len(ps) == 0 {
			t.Fatal("Compile has no problem with it")
		}
		if (ns == nil) != (ps.Err() != nil) {
			t.Errorf("Compile gives namespace %v with\n%v", ns, ps)
		}
		return ps.Error() + "\n"
	})
}

func TestCompileInlineBroken(t *testing.T) {
	eachCase(t, "inline", func(t *testing.T, src []byte) string {
		req, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err != nil {
			t.Fatalf("ParseRequest: %v", err)
		}
		p, ps := procedure.CompileInline(req)
		if ps.Err() == nil {
			t.Fatal("CompileInline accepts it")
		}
		if p != nil {
			t.Error("CompileInline gives a procedure in spite of errors")
		}
		if strings.Contains(ps.Error(), "Secret") || strings.Contains(ps.Error(), "0815") {
			t.Errorf("a secret is in the problems:\n%v", ps)
		}
		return ps.Error() + "\n"
	})
}

// TestInlineHash checks that the hash tells programs apart, and nothing else.
func TestInlineHash(t *testing.T) {
	const base = `<request><procedure><execute namespace="N" procedure="P"/></procedure></request>`
	tests := []struct {
		name, src string
		same      bool
	}{
		{"itself", base, true},
		{"other data", `<request><data/><procedure><execute namespace="N" procedure="P"/></procedure></request>`, true},
		{"order of attributes", `<request><procedure><execute procedure="P" namespace="N"/></procedure></request>`, true},
		{"white space", "<request><procedure>\n<execute\nnamespace='N'\nprocedure='P'></execute></procedure></request>", true},
		{"other procedure", `<request><procedure><execute namespace="N" procedure="Q"/></procedure></request>`, false},
		{"one more step", `<request><procedure><execute namespace="N" procedure="P"/><transform/></procedure></request>`, false},
		{"prefix above", `<request xmlns:p="urn:p"><procedure><execute namespace="N" procedure="P"/></procedure></request>`, false},
		{"prefix on a step", `<request><procedure><execute xmlns:p="urn:p" namespace="N" procedure="P"/></procedure></request>`, false},
	}
	want := inline(t, base).Hash
	if len(want) != 64 {
		t.Fatalf("hash %q is not a SHA-256 in hexadecimal", want)
	}
	for _, tt := range tests {
		if got := inline(t, tt.src).Hash; (got == want) != tt.same {
			t.Errorf("%s: hash %s, base %s, want same %v", tt.name, got, want, tt.same)
		}
	}
}

func inline(t *testing.T, src string) *procedure.Procedure {
	t.Helper()
	req, err := sutler.ParseRequest([]byte(src), "request.xml", sutler.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, ps := procedure.CompileInline(req)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	return p
}

func TestCompileLimits(t *testing.T) {
	deep := `<namespace name="N"><procedure name="P"><procedureData>` + strings.Repeat("<a>", 10) + strings.Repeat("</a>", 10) +
		`</procedureData><transform/></procedure></namespace>`
	tests := []struct {
		name string
		l    sutler.Limits
		ok   bool
	}{
		{"default", sutler.Limits{}, true},
		{"depth reached", sutler.Limits{Depth: 13}, true},
		{"depth", sutler.Limits{Depth: 12}, false},
		{"size reached", sutler.Limits{RequestBytes: int64(len(deep))}, true},
		{"size", sutler.Limits{RequestBytes: int64(len(deep)) - 1}, false},
	}
	for _, tt := range tests {
		if _, ps := procedure.Compile([]byte(deep), "ns.xml", tt.l); (ps.Err() == nil) != tt.ok {
			t.Errorf("%s: Compile: %v, want ok %v", tt.name, ps, tt.ok)
		}
	}
}

// TestRules checks that each rule is explained, that each occurs in the test
// data, and that the test data have no rule that no language lists.
func TestRules(t *testing.T) {
	var all strings.Builder
	for _, dir := range []string{"broken", "inline", "link"} {
		for _, ar := range archives(t, dir) {
			all.Write(txtar.Format(ar))
		}
	}
	last := ""
	for _, r := range procedure.Rules() {
		if r.ID <= last || r.Title == "" || r.Help == "" {
			t.Errorf("rule %+v is out of order or not explained", r)
		}
		last = r.ID
		if !strings.Contains(all.String(), "["+r.ID+"]") {
			t.Errorf("rule %s does not occur in the test data", r.ID)
		}
	}
	listed := map[string]bool{}
	for _, rs := range [][]xmltree.Rule{procedure.Rules(), xmltree.Rules(), xpath.Rules(), xsd.Rules(), xslt.Rules()} {
		for _, r := range rs {
			listed[r.ID] = true
		}
	}
	for line := range strings.Lines(all.String()) {
		i, ok := strings.CutSuffix(strings.TrimSpace(line), "]")
		if _, id, found := strings.Cut(i, " ["); ok && found && strings.Contains(line, ".xml:") && !listed[lastWord(id)] {
			t.Errorf("no language lists rule %q of %s", id, line)
		}
	}
}

// lastWord returns what stands behind the last opening bracket of s.
func lastWord(s string) string { return s[strings.LastIndexByte(s, '[')+1:] }

// TestManyProblems checks that hostile files, all in one line, give no endless
// answer, and that many warnings never hide an error.
func TestManyProblems(t *testing.T) {
	const n = 5000
	many := func(format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)))
		}
		return b.String()
	}
	in := func(body string) string {
		return `<namespace name="N"><procedure name="P">` + body + `</procedure></namespace>`
	}
	warnings := many(`<transform><before source="data" destination="data" allowNullTransform="1"/></transform>`)
	tests := []struct {
		name, src string
		ok        bool
		problems  int
	}{
		{"unknown elements", in(many(`<a/>`)), false, xmltree.MostProblems},
		{"unknown roots", in(`<transform>` + many(`<forEach name="a#" root="b#"/>`) + `</transform>`), false, xmltree.MostProblems},
		{"unknown selects", in(many(`<select name="a#" source="data"/><transform><when select="b#" case="c"/></transform>`)), false, xmltree.MostProblems},
		{"procedures of one name", `<namespace name="N" providerSource="p">` + many(`<procedure name="P"/>`) + `</namespace>`, false, xmltree.MostProblems},
		{"warnings", in(warnings), true, xmltree.MostProblems / 2},
		{"an error behind warnings", in(warnings + `<try/>`), false, xmltree.MostProblems/2 + 1},
	}
	for _, tt := range tests {
		_, ps := procedure.Compile([]byte(tt.src), "ns.xml", sutler.Limits{})
		if len(ps) != tt.problems || (ps.Err() == nil) != tt.ok {
			t.Errorf("%s: Compile gives %d problems, want %d and ok %v", tt.name, len(ps), tt.problems, tt.ok)
		}
	}
	ring, ps := procedure.Compile([]byte(`<namespace name="N">`+
		many(`<procedure name="P#"><execute namespace="N" procedure="P#"/><execute namespace="N" procedure="Q#"/></procedure>`)+`</namespace>`), "ns.xml", sutler.Limits{})
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	if ps := procedure.Link([]*procedure.Namespace{ring}); len(ps) != xmltree.MostProblems {
		t.Errorf("Link gives %d problems, want %d", len(ps), xmltree.MostProblems)
	}
}

func FuzzCompile(f *testing.F) {
	for _, dir := range []string{"broken", "program", "link"} {
		for _, ar := range archives(f, dir) {
			for _, file := range ar.Files {
				if strings.HasSuffix(file.Name, ".xml") {
					f.Add(file.Data)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		ns, ps := procedure.Compile(src, "ns.xml", sutler.Limits{})
		if (ns == nil) != (ps.Err() != nil) {
			t.Fatalf("Compile gives namespace %v with\n%v", ns, ps)
		}
		if ns == nil {
			return
		}
		dump(ns)
		for _, p := range procedure.Link([]*procedure.Namespace{ns}) {
			if !p.Warning {
				t.Errorf("Link refuses a namespace that Compile accepts: %v", p)
			}
		}
	})
}

func FuzzCompileInline(f *testing.F) {
	for _, ar := range archives(f, "inline") {
		for i := 0; i < len(ar.Files); i += 2 {
			f.Add(ar.Files[i].Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		req, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err != nil || !req.Trusted {
			return
		}
		p, ps := procedure.CompileInline(req)
		if (p == nil) != (ps.Err() != nil) {
			t.Fatalf("CompileInline gives procedure %v with\n%v", p, ps)
		}
	})
}

// TestShared walks one program from many goroutines, for the race detector.
func TestShared(t *testing.T) {
	var nss []*procedure.Namespace
	for _, ar := range archives(t, "program") {
		ns, ps := procedure.Compile(ar.Files[0].Data, ar.Files[0].Name, sutler.Limits{})
		if len(ps) > 0 {
			t.Fatal(ps)
		}
		nss = append(nss, ns)
	}
	want := procedure.Link(nss).Error()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, ns := range nss {
				dump(ns)
			}
			if got := procedure.Link(nss).Error(); got != want {
				t.Errorf("Link gives\n%s\nwant\n%s", got, want)
			}
		})
	}
	wg.Wait()
}
