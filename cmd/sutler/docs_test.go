package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/client"
	"sutler/procedure"
	"sutler/samples"
	"sutler/xmltree"
)

// The manual is executed. A page is run from top to bottom in a folder of its
// own, which has a copy of samples. What is done with a fenced block stands
// behind its opening fence:
//
//	xml namespace [FILE]    compiled; nothing may be wrong with it
//	xml request [FILE]      parsed, and compiled if it is a trusted one
//	xml stylesheet [FILE]   compiled
//	xml steps               compiled as the body of a procedure
//	xml broken [FILE]       something must be wrong with it
//	xml data [FILE]         parsed
//	sh run                  run by sh
//	sh server               run by sh, until the end of the page; later blocks
//	                        wait until the server answers
//	http run                sent to that server, with its token: method and
//	                        path, an empty line, the body
//	text output             what the run block before it printed, stdout and
//	                        stderr, and its exit code in brackets unless it is 0
//	http output             the answer, with its JSON indented
//	go                      a part of a Go file beside the page
//	sh, json, text          only shown
//
// With FILE the block is also written to that file of the folder. Transaction
// IDs, times and other things that change from run to run are masked. With
// UPDATE=1 in the environment the output blocks are written anew.

// docs is the folder of the repository as the tests see it.
const docs = "../.."

// pages returns the Markdown files of the repository below the given folders.
func pages(t *testing.T) []string {
	t.Helper()
	files := []string{"README.md"}
	err := fs.WalkDir(os.DirFS(docs), "docs", func(path string, d fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDocs(t *testing.T) {
	for _, file := range pages(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, file)
			defer p.close()
			for i := range p.blocks {
				p.execute(i)
			}
		})
	}
}

// block is a fenced block of a page.
type block struct {
	line int    // of its opening fence
	info string // what stands behind the fence
	text string // what stands inside
}

// docPage is a page under test.
type docPage struct {
	t      *testing.T
	file   string
	source string
	blocks []block
	dir    string
	masks  masks
	server *exec.Cmd
	update bool
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

func openPage(t *testing.T, file string) *docPage {
	p := &docPage{t: t, file: file, source: readPage(t, file), dir: t.TempDir()}
	p.masks.folder = p.dir
	for _, m := range fence.FindAllStringSubmatchIndex(p.source, -1) {
		p.blocks = append(p.blocks, block{
			line: 1 + strings.Count(p.source[:m[0]], "\n"), info: p.source[m[2]:m[3]], text: p.source[m[4]:m[5]],
		})
	}
	if err := os.CopyFS(filepath.Join(p.dir, "samples"), samples.Files); err != nil {
		t.Fatal(err)
	}
	return p
}

// close stops the server of the page and writes the page anew if that is asked for.
func (p *docPage) close() {
	if p.server != nil {
		_ = p.server.Process.Signal(os.Interrupt)
		_ = p.server.Wait()
	}
	if !p.update || os.Getenv("UPDATE") == "" {
		return
	}
	i := -1
	updated := fence.ReplaceAllStringFunc(p.source, func(string) string {
		i++
		return "```" + p.blocks[i].info + "\n" + p.blocks[i].text + "```"
	})
	if err := os.WriteFile(filepath.Join(docs, p.file), []byte(updated), 0o644); err != nil {
		p.t.Error(err)
	}
}

func (p *docPage) errorf(b *block, format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("%s:%d: %s", p.file, b.line, fmt.Sprintf(format, args...))
}

func (p *docPage) execute(i int) {
	p.t.Helper()
	b := &p.blocks[i]
	words := strings.Fields(b.info)
	kind := strings.Join(words[:min(2, len(words))], " ")
	if len(words) > 2 {
		p.write(words[2], b.text)
	}
	switch kind {
	case "xml namespace", "xml request", "xml stylesheet", "xml data":
		if ps := problemsOfBlock(words[1], b.text); len(ps) > 0 {
			p.errorf(b, "%v", ps)
		}
	case "xml steps":
		if ps := problemsOfBlock("namespace", inProcedure(b.text)); ps.Err() != nil {
			p.errorf(b, "%v", ps)
		}
	case "xml broken":
		if problemsOfBlock("namespace", b.text) == nil || problemsOfBlock("request", b.text) == nil {
			p.errorf(b, "nothing is wrong with it")
		}
	case "sh run":
		p.compare(i, "text output", p.sh(b))
	case "sh server":
		p.compare(i, "text output", p.serve(b))
	case "http run":
		p.compare(i, "http output", p.ask(b))
	case "go":
		p.inGoFile(b)
	case "text output", "http output":
		if i == 0 || !slices.Contains([]string{"sh run", "sh server", "http run"}, p.blocks[i-1].info) {
			p.errorf(b, "nothing runs before this output")
		}
	case "sh", "json", "text", "":
	default:
		p.errorf(b, "no kind of block is called %q", b.info)
	}
}

// inProcedure puts steps into a namespace.
func inProcedure(steps string) string {
	return `<namespace name="Example" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><procedure name="P">` + steps + `</procedure></namespace>`
}

// problemsOfBlock returns what is wrong with a text that should be of a kind.
func problemsOfBlock(kind, text string) xmltree.Problems {
	src := sutler.Source{File: "block", Text: []byte(text)}
	switch kind {
	case "namespace":
		_, ps := procedure.Compile(src.Text, src.File, sutler.Limits{})
		return ps
	case "request":
		return checkRequest(src)
	case "stylesheet":
		return checkStylesheet(src)
	}
	doc, err := xmltree.Parse(src.Text, xmltree.Options{File: src.File})
	if err != nil {
		return problemsOf(err)
	}
	doc.Release()
	return nil
}

func (p *docPage) write(file, text string) {
	if err := os.WriteFile(filepath.Join(p.dir, file), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// command makes the command that runs a block; ctx ends it.
func (p *docPage) command(ctx context.Context, b *block) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-e", "-c", p.masks.unmask(b.text))
	c.WaitDelay = time.Second
	c.Dir = p.dir
	c.Env = append(os.Environ(), "TZ=UTC", "TMPDIR="+p.dir, "HOME="+p.dir, "SUTLER_LISTEN=127.0.0.1:0")
	return c
}

// sh runs a block and returns what it printed.
func (p *docPage) sh(b *block) string {
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	out, err := p.command(ctx, b).CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return string(out) + fmt.Sprintf("[exit code %d]\n", ended.ExitCode())
	}
	if err != nil {
		p.errorf(b, "%v", err)
	}
	return string(out)
}

// serve starts the server of a block, in place of one that was killed, waits
// until it answers and returns what it printed until then.
func (p *docPage) serve(b *block) string {
	if p.server != nil {
		_ = p.server.Wait()
	}
	c := p.command(context.Background(), b)
	talk, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.server = c
	var printed strings.Builder
	lines := bufio.NewScanner(talk)
	for lines.Scan() {
		fmt.Fprintln(&printed, lines.Text())
		if strings.HasPrefix(lines.Text(), "serving on ") {
			go func() {
				for lines.Scan() { // the rest is read so that the server can go on
				}
			}()
			return printed.String()
		}
	}
	p.errorf(b, "the server ended:\n%s", printed.String())
	return printed.String()
}

// ask sends a block to the server and returns the answer.
func (p *docPage) ask(b *block) string {
	head, body, _ := strings.Cut(p.masks.unmask(b.text), "\n")
	method, path, _ := strings.Cut(head, " ")
	r, err := http.NewRequest(method, "http://"+p.read(client.AddressFile)+path, strings.NewReader(strings.TrimSpace(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.read(client.TokenFile))
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var all, answer bytes.Buffer
	if _, err := all.ReadFrom(res.Body); err != nil {
		p.t.Fatal(err)
	}
	if err := json.Indent(&answer, all.Bytes(), "", "  "); err != nil {
		p.errorf(b, "%v", err)
	}
	return fmt.Sprintf("%s\n\n%s\n", res.Status, strings.TrimSpace(answer.String()))
}

// read returns the content of a file of the data directory.
func (p *docPage) read(file string) string {
	text, err := os.ReadFile(filepath.Join(p.dir, defaultData, file))
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// compare compares what block i printed with the block of output behind it.
func (p *docPage) compare(i int, kind, printed string) {
	p.t.Helper()
	got := p.masks.mask(printed)
	if got != "" && !strings.HasSuffix(got, "\n") {
		got += "\n"
	}
	if i+1 == len(p.blocks) || p.blocks[i+1].info != kind {
		if strings.Contains(got, "[exit code ") || strings.HasPrefix(got, "5") {
			p.errorf(&p.blocks[i], "it failed:\n%s", got)
		}
		return
	}
	b := &p.blocks[i+1]
	if narrow(got) != narrow(b.text) {
		p.errorf(b, "the output differs; got\n%s", got)
		b.text, p.update = got, true
	}
}

// narrow makes the gaps between columns alike: they depend on masked text.
func narrow(s string) string { return gap.ReplaceAllString(s, "  ") }

var gap = regexp.MustCompile(`   +`)

// inGoFile checks that the code of a block is part of a Go file in the
// folder of the page, where the compiler sees it.
func (p *docPage) inGoFile(b *block) {
	files, err := filepath.Glob(filepath.Join(docs, filepath.Dir(p.file), "*.go"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		if bytes.Contains(code, []byte(b.text)) {
			return
		}
	}
	p.errorf(b, "the code is not part of %s", strings.Join(files, ", "))
}

// masks replaces what changes from run to run. Transaction IDs become
// numbers in the order in which they appear, and back.
type masks struct {
	folder string
	ids    []string
}

var (
	anyID    = regexp.MustCompile(`\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}`)
	shown    = "{3F0C5B7E-0000-4000-8000-%012d}"
	duration = regexp.MustCompile(`\b\d+(\.\d+)?[mµ]?s\b *`)
	varied   = []struct {
		what *regexp.Regexp
		with string
	}{
		{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`), "2026-01-02 15:04:05"},
		{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "2026-01-02T15:04:05.000001Z"},
		{regexp.MustCompile(`\b\d\d:\d\d:\d\d\.\d{6}\b`), "15:04:05.000001"},
		{regexp.MustCompile(`127\.0\.0\.1:\d+`), client.DefaultAddress},
		{regexp.MustCompile(`\bdevel go\S+ \S+`), "devel go1.25.0 linux/amd64"},
		{regexp.MustCompile(`SHA-256 [0-9a-f]{12}`), "SHA-256 64de8ce1cb7c"},
		{regexp.MustCompile(`"hash": "[0-9a-f]{64}"`), `"hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`},
		{regexp.MustCompile(`\bsutler-\d+\b`), "sutler-1234567890"},
	}
)

func (m *masks) mask(s string) string {
	s = anyID.ReplaceAllStringFunc(s, func(id string) string {
		i := slices.Index(m.ids, id)
		if i < 0 {
			i = len(m.ids)
			m.ids = append(m.ids, id)
		}
		return fmt.Sprintf(shown, i+1)
	})
	s = strings.ReplaceAll(s, m.folder, "/tmp")
	s = duration.ReplaceAllStringFunc(s, func(d string) string {
		if !strings.HasSuffix(d, "  ") {
			return "4.2ms" + d[len(strings.TrimRight(d, " ")):]
		}
		return fmt.Sprintf("%-*s", max(len([]rune(d)), len("4.2ms  ")), "4.2ms") // the width of a column stays
	})
	for _, v := range varied {
		s = v.what.ReplaceAllString(s, v.with)
	}
	return s
}

func (m *masks) unmask(s string) string {
	for i, id := range m.ids {
		s = strings.ReplaceAll(s, fmt.Sprintf(shown, i+1), id)
	}
	return s
}

// link is a link of Markdown that leads to a file or a heading.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks follows every link of the manual inside the repository.
func TestLinks(t *testing.T) {
	for _, file := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(readPage(t, file), ""), -1) {
			to, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(m[1], "://") {
				continue
			}
			target := file
			if to != "" {
				target = filepath.Join(filepath.Dir(file), to)
			}
			b, err := os.ReadFile(filepath.Join(docs, target))
			if info, e := os.Stat(filepath.Join(docs, target)); e == nil && info.IsDir() {
				err = nil
			}
			if err != nil {
				t.Errorf("%s: a link leads to %s, which is not there", file, m[1])
			} else if heading != "" && !slices.Contains(headings(string(b)), heading) {
				t.Errorf("%s: a link leads to %s, which has no such heading", file, m[1])
			}
		}
	}
}

var unanchored = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

// headings returns the anchors of a page.
func headings(page string) []string {
	var all []string
	for line := range strings.Lines(fence.ReplaceAllString(page, "")) {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		anchor := unanchored.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		all = append(all, strings.ReplaceAll(anchor, " ", "-"))
	}
	return all
}
