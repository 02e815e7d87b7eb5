package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"sutler/xmltree"
	"sutler/xslt"
)

// How much the differential test compares unless SUTLER_DIFFERENTIAL says
// otherwise, as in SUTLER_DIFFERENTIAL=7:5000: the seed and the number of
// stylesheets.
const (
	defaultSeed   = 1
	defaultSheets = 1400
	docsPerSheet  = 16
	docsOfOneSeed = 400
	mostShown     = 12 // stylesheets whose failures are shown
)

// outcome is what a processor made of a document.
type outcome struct {
	result string // canonical for XML, else as it is
	err    string // why there is no result
}

func (o outcome) agrees(other outcome) bool {
	if o.err != "" || other.err != "" {
		return o.err != "" && other.err != ""
	}
	return o.result == other.result
}

func (o outcome) String() string {
	if o.err != "" {
		return "error: " + o.err
	}
	return o.result
}

// pair is a stylesheet with a document and what both processors made of them.
type pair struct {
	files        map[string]string // of the stylesheet
	doc          string
	ours, theirs outcome
}

func (p *pair) String() string {
	var b strings.Builder
	for _, name := range sortedNames(p.files) {
		fmt.Fprintf(&b, "-- %s --\n%s", name, line(p.files[name]))
	}
	fmt.Fprintf(&b, "-- input.xml --\n%s-- ours --\n%s\n-- theirs --\n%s\n", line(p.doc), p.ours, p.theirs)
	return b.String()
}

// TestDifferential compares generated transformations with those of libxslt.
// A difference must be one of those that testdata/differences.txt explains.
func TestDifferential(t *testing.T) {
	if _, err := exec.LookPath("xsltproc"); err != nil {
		t.Fatal("xsltproc is missing; install the package xsltproc")
	}
	seed, sheets := uint64(defaultSeed), uint64(defaultSheets)
	if s := os.Getenv("SUTLER_DIFFERENTIAL"); s != "" {
		if _, err := fmt.Sscanf(s, "%d:%d", &seed, &sheets); err != nil {
			t.Fatalf("SUTLER_DIFFERENTIAL=%s is not seed:sheets", s)
		}
	}
	d := &differential{t: t, seed: seed, known: differences(t), explained: map[string]int{}, shown: map[uint64]bool{}, distinct: map[string]bool{}}
	for i := range docsOfOneSeed {
		src := newGenerator(seed, uint64(i)<<32).document()
		doc, err := xmltree.Parse([]byte(src), xmltree.Options{File: "input.xml"})
		if err != nil {
			t.Fatalf("the generator made a document that is none: %v\n%s", err, src)
		}
		d.sources, d.docs = append(d.sources, src), append(d.docs, doc)
	}
	numbers := make(chan uint64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		dir := t.TempDir()
		for i, src := range d.sources {
			write(t, filepath.Join(dir, docName(i)), src)
		}
		wg.Go(func() {
			for n := range numbers {
				d.sheet(dir, n)
			}
		})
	}
	for n := range sheets {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	t.Logf("seed %d: %d stylesheets, %d pairs, %d different results, %d without text or element, %d errors on both sides",
		seed, sheets, d.pairs, len(d.distinct), d.empty, d.errors)
	for _, name := range slices.Sorted(maps.Keys(d.explained)) {
		t.Logf("%6d × %s", d.explained[name], name)
	}
	if d.errors*20 > d.pairs || d.empty*4 > d.pairs || len(d.distinct)*3 < d.pairs {
		t.Error("the generator makes too much that tells nothing")
	}
}

// differential is the state of the test.
type differential struct {
	t       *testing.T
	seed    uint64
	known   []difference
	sources []string
	docs    []*xmltree.Document

	mu            sync.Mutex
	pairs, errors int
	empty         int
	shown         map[uint64]bool // stylesheets with a failure
	explained     map[string]int
	distinct      map[string]bool
}

func docName(i int) string { return fmt.Sprintf("d%d.xml", i) }

func write(t *testing.T, path, content string) {
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Error(err)
	}
}

// sheet compares what stylesheet n makes of its documents. dir holds them all.
func (d *differential) sheet(dir string, n uint64) {
	g := newGenerator(d.seed, n)
	files := g.sheet()
	for name, content := range files {
		write(d.t, filepath.Join(dir, name), content)
	}
	var chosen []int
	for range docsPerSheet {
		chosen = append(chosen, g.below(len(d.docs)))
	}
	theirs := libxslt(dir, files["sheet.xsl"], chosen)
	program, err := compileFiles(files)
	for i, doc := range chosen {
		p := &pair{files: files, doc: d.sources[doc], theirs: theirs[i]}
		if err != nil {
			p.ours.err = err.Error()
		} else {
			p.ours = transformed(program, d.docs[doc], files)
		}
		d.compare(p, dir, n, doc)
	}
}

func (d *differential) compare(p *pair, dir string, n uint64, doc int) {
	agrees := p.ours.agrees(p.theirs)
	name := ""
	if !agrees {
		name = explain(d.known, p, dir)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pairs++
	switch {
	case !agrees && name != "":
		d.explained[name]++
	case !agrees:
		d.t.Fail()
		if d.shown[n] || len(d.shown) >= mostShown {
			return
		}
		d.shown[n] = true
		d.t.Errorf("seed %d, stylesheet %d, document %d differ without an explanation:\n%s", d.seed, n, doc, shrink(d.known, p, d.t.TempDir()))
	case p.ours.err != "":
		d.errors++
	case strings.Trim(p.ours.result, " \t\r\n") == "":
		d.empty++
	default:
		d.distinct[p.ours.result] = true
	}
}

// compileFiles compiles sheet.xsl, which may bring in the other files.
func compileFiles(files map[string]string) (*xslt.Program, error) {
	sheet, err := xmltree.Parse([]byte(files["sheet.xsl"]), xmltree.Options{File: "sheet.xsl"})
	if err != nil {
		return nil, err
	}
	p, problems := xslt.Compile(sheet, xslt.Options{Load: loader(files)})
	return p, problems.Err()
}

// loader returns a function that reads documents from files, whatever the base.
func loader(files map[string]string) func(href, base string) (*xmltree.Document, error) {
	return func(href, base string) (*xmltree.Document, error) {
		src, ok := files[href]
		if !ok {
			return nil, fmt.Errorf("there is no %s", href)
		}
		return xmltree.Parse([]byte(src), xmltree.Options{File: href})
	}
}

// transformed runs p on doc.
func transformed(p *xslt.Program, doc *xmltree.Document, files map[string]string) outcome {
	result := xmltree.New(nil)
	defer result.Release()
	if err := p.Run(context.Background(), doc.Root(), result.Root(), xslt.Env{Load: loader(files)}); err != nil {
		return outcome{err: err.Error()}
	}
	var b bytes.Buffer
	if err := p.Serialize(&b, result.Root()); err != nil {
		return outcome{err: err.Error()}
	}
	return read(b.String(), files["sheet.xsl"])
}

const textMethod = `method="text"`

// readTheirs is read without the line feeds that libxslt adds outside of the
// document element: at the end and behind comments. Both are allowed there.
func readTheirs(result, sheet string) outcome {
	if strings.Contains(sheet, textMethod) {
		return outcome{result: result}
	}
	doc, ok := parsed(strings.TrimSuffix(result, "\n"))
	if !ok {
		return outcome{result: "not well-formed: " + result}
	}
	for c := doc.DocumentElement().First(); c != nil; c = c.Next() {
		if next := c.Next(); c.Kind() == xmltree.Comment && next != nil && next.Kind() == xmltree.Text {
			next.SetValue(strings.TrimPrefix(next.Value(), "\n"))
		}
	}
	return canonical(doc)
}

// read returns the outcome that the serialised result of a stylesheet is.
func read(result, sheet string) outcome {
	if strings.Contains(sheet, textMethod) {
		return outcome{result: result}
	}
	doc, ok := parsed(result)
	if !ok {
		return outcome{result: "not well-formed: " + result}
	}
	return canonical(doc)
}

// parsed returns a document with an element around the serialised result.
func parsed(result string) (*xmltree.Document, bool) {
	if rest, ok := strings.CutPrefix(result, "<?xml "); ok {
		_, result, _ = strings.Cut(rest, "?>\n")
	}
	doc, err := xmltree.Parse([]byte("<result>"+result+"</result>"), xmltree.Options{})
	return doc, err == nil
}

// canonical returns the content of the document element as an outcome.
func canonical(doc *xmltree.Document) outcome {
	defer doc.Release()
	c := xmltree.Canonical(doc.Root())
	if c == "<result/>" {
		return outcome{}
	}
	return outcome{result: strings.TrimSuffix(strings.TrimPrefix(c, "<result>"), "</result>")}
}

// libxslt runs sheet.xsl in dir on the documents. One process does it for all
// of them if its output can be told apart, else one for each.
func libxslt(dir, sheet string, docs []int) []outcome {
	names := make([]string, len(docs))
	for i, n := range docs {
		names[i] = docName(n)
	}
	if !strings.Contains(sheet, textMethod) {
		const declaration = `<?xml version="1.0"`
		out, err := xsltproc(dir, names...)
		parts := strings.Split(out, declaration)
		if err == nil && len(parts) == len(docs)+1 && parts[0] == "" {
			all := make([]outcome, len(docs))
			for i := range all {
				all[i] = readTheirs(declaration+parts[i+1], sheet)
			}
			return all
		}
	}
	all := make([]outcome, len(docs))
	for i, name := range names {
		all[i] = libxsltOne(dir, sheet, name)
	}
	return all
}

func libxsltOne(dir, sheet, doc string) outcome {
	out, err := xsltproc(dir, doc)
	if err != nil {
		return outcome{err: err.Error()}
	}
	return readTheirs(out, sheet)
}

func xsltproc(dir string, docs ...string) (string, error) {
	cmd := exec.Command("xsltproc", append([]string{"--novalid", "--nonet", "sheet.xsl"}, docs...)...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", errors.New(err.Error() + ": " + errs.String())
	}
	return string(out), nil
}
