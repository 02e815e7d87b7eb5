//go:build linux

package xslt_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/sutlertest/hostilecase"
	"sutler/xmltree"
	"sutler/xslt"
)

// What a hostile case may take. The result has 8 MiB, the rest is what is left
// at the defaults. Documents may hold what a result may.
const (
	hostileResult   = 8 << 20
	hostileTime     = 1500 * time.Millisecond
	hostileTimeEnd  = 2 * time.Second
	hostileMemory   = 64 << 20 // above idle
	hostileNodes    = 3 * hostileResult / 104
	hostileChild    = "SUTLER_HOSTILE"
	processClock    = 2 // CLOCK_PROCESS_CPUTIME_ID
	hostileWallTime = time.Minute
)

// A hostileCase is one entry of an archive, "NAME.FORM VERDICT": FORM is tpl, the
// inside of a stylesheet; xsl, a whole one; xpath, an expression; doc or dtd, a
// document that is read without or with its document type. The stylesheet runs
// on NAME.xml, or else on input.xml. VERDICT is the rule of the error that ends
// it and the setting of the limit that it names; several may be parted by |.
//
// In all entries ⟦N:TEXT⟧ is TEXT, N times; № in it is the number of the time,
// from 0, and №′ the one after. An entry whose name has № stands for all numbers.
type hostileCase struct {
	archive string // file
	name    string // with the form
	verdict string
}

// hostileSet returns the cases of all archives.
func hostileSet(t *testing.T) (list []hostileCase) {
	paths, err := filepath.Glob("testdata/hostile/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if name, verdict, ok := strings.Cut(f.Name, " "); ok {
				list = append(list, hostileCase{path, name, verdict})
			}
		}
	}
	return list
}

// hostileReport is what the child measured.
type hostileReport struct {
	Verdict string // rule and setting, or what happened otherwise
	Error   string
	CPU     time.Duration // of all its threads
	Idle    int64         // bytes, with the texts of the case in memory
	Peak    int64
}

// Each case of the hostile set ends with a clear error within its bounds of time
// and memory, in a process of its own. Time is the CPU time of that process, the
// collector's included: that is never less than the time that passes on an idle
// machine, as the process waits for nothing, and tells the same on a busy one.
func TestHostileSet(t *testing.T) {
	if which := os.Getenv(hostileChild); which != "" {
		if err := serveHostile(which); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	list := hostileSet(t)
	if len(list) < 200 {
		t.Errorf("there are %d cases, want 200", len(list))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var reports []hostileReport
	got := map[string]string{}
	for _, c := range list {
		t.Run(strings.TrimSuffix(filepath.Base(c.archive), ".txtar")+"/"+c.name, func(t *testing.T) {
			r, err := c.measure(self)
			if err != nil {
				t.Fatal(err)
			}
			got[c.archive+"/"+c.name] = r.Verdict
			if !slices.Contains(strings.Split(c.verdict, "|"), r.Verdict) {
				t.Errorf("it ends with %s, want %s: %s", r.Verdict, c.verdict, r.Error)
			}
			if r.CPU > hostileTimeEnd {
				t.Errorf("it takes %v, want at most %v", r.CPU, hostileTimeEnd)
			}
			if above := r.Peak - r.Idle; above > hostileMemory {
				t.Errorf("it takes %d MiB above idle, want at most %d", above>>20, hostileMemory>>20)
			}
			if !inPlace.MatchString(r.Error) {
				t.Errorf("the error does not tell its place: %s", r.Error)
			}
			if strings.HasPrefix(r.Verdict, "XT12") && !inTemplate.MatchString(r.Error) && !outside[c.name] {
				t.Errorf("the error does not tell the template and its line: %s", r.Error)
			}
			r.Error = t.Name()
			reports = append(reports, r)
		})
	}
	if *update {
		updateHostile(t, list, got)
	}
	showHostile(t, "slowest", reports, func(r hostileReport) int64 { return int64(r.CPU) })
	showHostile(t, "largest", reports, func(r hostileReport) int64 { return r.Peak - r.Idle })
}

// What an error tells: the file, of all but sources that are too long the line
// and column, and the template.
var (
	inPlace    = regexp.MustCompile(`^[^ ]+(:\d+:\d+)?: .*`)
	inTemplate = regexp.MustCompile(`in the (template .* at line \d+|function)`)
)

// outside are the cases that end where no template runs: in a top-level variable
// or in a pattern that the built-in rules look at.
var outside = map[string]bool{
	"patterns-of-all-nodes.tpl": true, "patterns-everywhere.tpl": true, "variables-chain.tpl": true,
	"variables-doubled.tpl": true, "variables-doubled-trees.tpl": true, "variables-of-nodes.tpl": true,
}

// showHostile logs the cases that took most of what size tells.
func showHostile(t *testing.T, what string, reports []hostileReport, size func(hostileReport) int64) {
	slices.SortFunc(reports, func(a, b hostileReport) int { return cmp.Compare(size(b), size(a)) })
	for _, r := range reports[:min(10, len(reports))] {
		t.Logf("%s: %4d ms %3d MiB %s %s", what, r.CPU.Milliseconds(), (r.Peak-r.Idle)>>20, r.Verdict, r.Error)
	}
}

// updateHostile writes the verdicts that came out where others are expected.
func updateHostile(t *testing.T, list []hostileCase, got map[string]string) {
	files := map[string]string{}
	for _, c := range list {
		v := got[c.archive+"/"+c.name]
		if v == "" || slices.Contains(strings.Split(c.verdict, "|"), v) {
			continue
		}
		if files[c.archive] == "" {
			text, err := os.ReadFile(c.archive)
			if err != nil {
				t.Fatal(err)
			}
			files[c.archive] = string(text)
		}
		files[c.archive] = strings.Replace(files[c.archive], "\n-- "+c.name+" "+c.verdict+" --\n", "\n-- "+c.name+" "+v+" --\n", 1)
	}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// measure runs c in a child.
func (c *hostileCase) measure(self string) (r hostileReport, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), hostileWallTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run", "^TestHostileSet$")
	cmd.Env = append(os.Environ(), hostileChild+"="+c.archive+" "+c.name)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("the child ended with %w: %.2000s", err, errs.String())
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// serveHostile is the child: it runs the case "ARCHIVE NAME" and writes the report.
func serveHostile(which string) error {
	archive, name, _ := strings.Cut(which, " ")
	files, err := hostileFiles(archive, name)
	if err != nil {
		return err
	}
	debug.FreeOSMemory()
	var r hostileReport
	if r.Idle, err = hostilecase.StatusBytes("VmRSS"); err != nil {
		return err
	}
	// From here on the peak counts, not what it took to make the texts.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return err
	}
	start, err := cpuClock(processClock)
	if err != nil {
		return err
	}
	runErr := files.run(name)
	end, err := cpuClock(processClock)
	if err != nil {
		return err
	}
	r.CPU = end - start
	if r.Peak, err = hostilecase.StatusBytes("VmHWM"); err != nil {
		return err
	}
	r.Verdict = verdictOf(runErr)
	if runErr != nil {
		r.Error = fmt.Sprintf("%.1000s", runErr)
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// verdictOf returns the rule of err and the setting that it names.
func verdictOf(err error) string {
	if err == nil {
		return "no error"
	}
	verdict := fmt.Sprintf("an error without a rule: %T", err)
	var problem *xmltree.Problem
	var problems xmltree.Problems
	switch {
	case errors.As(err, &problem):
		verdict = problem.Rule
	case errors.As(err, &problems):
		for _, p := range slices.Backward(problems) {
			if !p.Warning {
				verdict = p.Rule
			}
		}
	}
	var limit *xmltree.LimitError
	if errors.As(err, &limit) {
		verdict += " " + limit.Setting
	}
	return strings.TrimSpace(verdict)
}

// hostileTexts are the entries of an archive that a case needs.
type hostileTexts struct {
	ready map[string][]byte // made already
	other map[string]string // with repetitions in them
}

func hostileFiles(archive, name string) (*hostileTexts, error) {
	a, err := txtar.ParseFile(archive)
	if err != nil {
		return nil, err
	}
	all := &hostileTexts{map[string][]byte{}, map[string]string{}}
	for _, f := range a.Files {
		file, _, isCase := strings.Cut(f.Name, " ")
		if !isCase || file == name {
			all.other[file] = strings.TrimSuffix(string(f.Data), "\n")
		}
	}
	if _, ok := all.other[name]; !ok {
		return nil, fmt.Errorf("there is no case %q in %s", name, archive)
	}
	for _, file := range []string{name, all.input(name)} {
		if text, ok := all.other[file]; ok {
			all.ready[file] = hostilecase.SpellOut(text)
		}
	}
	return all, nil
}

// input returns the name of the document of a case.
func (h *hostileTexts) input(name string) string {
	own := strings.TrimSuffix(name, filepath.Ext(name)) + ".xml"
	if _, ok := h.other[own]; ok {
		return own
	}
	return "input.xml"
}

// load returns an entry as a document.
func (h *hostileTexts) load(href, _ string) (*xmltree.Document, error) {
	text, ok := h.ready[href]
	if !ok {
		digits := strings.TrimLeft(href, "abcdefghijklmnopqrstuvwxyz-")
		i, _ := strconv.Atoi(digits)
		s, known := h.other[strings.TrimSuffix(href, digits)+"№"]
		if !known {
			if s, known = h.other[href]; !known {
				return nil, fmt.Errorf("there is no %q", href)
			}
		}
		text = hostilecase.SpellOut(hostilecase.Numbered(s, i))
	}
	return h.parse(href, text, false)
}

func (h *hostileTexts) parse(file string, text []byte, dtd bool) (*xmltree.Document, error) {
	return xmltree.Parse(text, xmltree.Options{File: file, DTD: dtd, Budget: &xmltree.Budget{MaxNodes: hostileNodes, MaxBytes: hostileResult}})
}

// run carries the case out.
func (h *hostileTexts) run(name string) error {
	text := h.ready[name]
	switch filepath.Ext(name) {
	case ".doc", ".dtd":
		_, err := h.parse(name, text, strings.HasSuffix(name, ".dtd"))
		return err
	case ".tpl":
		text = hostileSheet(string(text))
	case ".xpath":
		var b strings.Builder
		b.WriteString(`<xsl:template match="/"><xsl:copy-of select="`)
		b.WriteString(strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(string(text)))
		b.WriteString(`"/></xsl:template>`)
		text = hostileSheet(b.String())
	}
	sheet, err := xmltree.Parse(text, xmltree.Options{File: name})
	if err != nil {
		return err
	}
	prog, problems := xslt.Compile(sheet, xslt.Options{Load: h.load})
	if err := problems.Err(); err != nil {
		return err
	}
	doc, err := h.load(h.input(name), "")
	if err != nil {
		return fmt.Errorf("the document cannot be read: %w", err)
	}
	ctx, stop := cpuLimit(hostileTime)
	defer stop()
	budget := xmltree.Budget{MaxDepth: 256}
	into := xmltree.New(&budget)
	env := xslt.Env{Limits: xslt.Limits{ResultBytes: hostileResult}, Load: h.load, Now: time.Unix(1_700_000_000, 0).UTC()}
	if err := prog.Run(ctx, doc.Root(), into.Root(), env); err != nil {
		return err
	}
	var out bytes.Buffer
	return prog.Serialize(&out, into.Root())
}

func hostileSheet(inside string) []byte {
	return []byte(`<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:x="urn:x" xmlns:exsl="http://exslt.org/common" ` +
		`xmlns:set="http://exslt.org/sets" xmlns:str="http://exslt.org/strings" xmlns:math="http://exslt.org/math" xmlns:date="http://exslt.org/dates-and-times" ` +
		`xmlns:regexp="http://exslt.org/regular-expressions" xmlns:func="http://exslt.org/functions" extension-element-prefixes="func">` + "\n" +
		inside + "</xsl:stylesheet>")
}

// cpuContext is done when the process has used so much CPU time.
type cpuContext struct {
	context.Context
	over atomic.Bool
}

// Err tells that the time is up.
func (c *cpuContext) Err() error {
	if c.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

// cpuLimit returns a context that is done when this process has used d.
func cpuLimit(d time.Duration) (ctx context.Context, stop func()) {
	c := &cpuContext{Context: context.Background()}
	start, err := cpuClock(processClock)
	ended, quit := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
			if now, nowErr := cpuClock(processClock); now-start >= d || err != nil || nowErr != nil {
				c.over.Store(true)
				return
			}
		}
	}()
	return c, func() { close(quit); <-ended }
}
