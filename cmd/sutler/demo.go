package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/engine"
	"sutler/samples"
	"sutler/xmltree"
)

// demo shows what the program is for.
func (p *program) demo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show one request that commits and one that is undone",
		Long: `Sets up a hosted customer, directories, a database with tables and rows, a
welcome page, with one request. Then a second request fails at its last step,
and everything it did is undone in reverse order. The files and rows before and
after prove it.

The demo runs on an engine in this process and in a temporary folder, and
leaves nothing behind. Its namespace and requests are the files in samples/.`,
		Example: "  sutler demo",
		Args:    usage(cobra.NoArgs),
		RunE:    func(c *cobra.Command, _ []string) error { return p.runDemo(c.Context()) },
	}
}

// stage is a running demo.
type stage struct {
	*program
	*workshop
	quiet bool           // reading for a proof is not part of the show
	gists map[int]string // what each call of the running request is about
	undid bool           // the undoing of the running request has begun
}

func (p *program) runDemo(ctx context.Context) (err error) {
	s := &stage{program: p}
	s.workshop, err = p.openWorkshop(ctx, "", s.event)
	if err != nil {
		return err
	}
	var last *sutler.Response
	defer func() { err = errors.Join(err, s.workshop.close(p, last)) }()

	hosting, err := sample("hosting.xml")
	if err != nil {
		return err
	}
	if problems, err := s.Register(ctx, administrator("demo"), hosting); err != nil {
		return summary(err, problems)
	}
	s.title("One request changes files and a database, whole or not at all")
	if last, err = s.submit(ctx, "request-ok.xml", "sets up the customer Litware"); err != nil {
		return err
	}
	before, err := s.look(ctx)
	if err != nil {
		return err
	}
	s.world("The world after it", before)

	last, err = s.submit(ctx, "request-fail.xml", "wants a domain that Litware has")
	if sutler.CodeOf(err) != sutler.Exists || last == nil {
		return errors.Join(errors.New("the second request did not fail as it should"), err)
	}
	after, err := s.look(ctx)
	if err != nil {
		return err
	}
	s.world("The world after it", after)
	if !slices.Equal(before, after) {
		return errors.New("the world differs from the one before the second request")
	}
	fmt.Fprintf(p.pretty, "\n%s all %d files, directories and rows are as they were before the second request\n", good.Render("✓ proved:"), len(after))
	fmt.Fprintf(p.pretty, "%s\n", faint.Render("  the demo's folder is removed; its sources are in samples/"))
	return nil
}

func sample(file string) (sutler.Source, error) {
	b, err := samples.Files.ReadFile(file)
	return sutler.Source{File: "samples/" + file, Text: b}, err
}

func (s *stage) title(text string) {
	fmt.Fprintf(s.pretty, "%s\n", strong.Render(text))
}

// submit runs a sample request and shows its steps as they happen.
func (s *stage) submit(ctx context.Context, file, what string) (*sutler.Response, error) {
	s.gists, s.undid = map[int]string{}, false
	src, err := sample(file)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.pretty, "\n%s %s\n", blue.Render("▶ "+src.File), what)
	began := time.Now()
	res, err := s.ask(ctx, "Create Customer", src)
	if res == nil {
		return nil, err
	}
	fmt.Fprintf(s.pretty, "  %s in %s\n", paint(res.Status), time.Since(began).Round(time.Millisecond))
	return res, err
}

func (s *stage) ask(ctx context.Context, procedure string, src sutler.Source) (*sutler.Response, error) {
	return s.run(ctx, s.program, nil, submission{namespace: "Hosting", procedure: procedure, file: src.File, text: src.Text})
}

// event shows the calls of providers, the errors and the undoing.
func (s *stage) event(e engine.Event) {
	if s.quiet {
		return
	}
	line := func(sign, text string) { fmt.Fprintf(s.pretty, "  %s %3d  %s\n", sign, e.Seq, text) }
	_, name, _ := strings.Cut(e.Name, "/")
	switch e.Kind {
	case "call":
		s.gists[e.Seq] = strings.TrimSpace(fmt.Sprintf("%-16s %s", name, gist(e.Before)))
	case "done":
		if !strings.HasPrefix(e.Name, "Hosting/") {
			line(good.Render("✓"), s.gists[e.Seq])
		}
	case "failed":
		if !strings.HasPrefix(e.Name, "Hosting/") {
			line(bad.Render("✗"), s.gists[e.Seq])
			fmt.Fprintf(s.pretty, "         %s\n", bad.Render(printable(e.Err.Error())))
		}
	case "catch":
		fmt.Fprintf(s.pretty, "         %s\n", faint.Render("caught by the procedure: that is what it wanted; go on"))
	case "rollback":
		if !s.undid {
			s.undid = true
			fmt.Fprintf(s.pretty, "  %s\n", undo.Render("undoing, last first"))
		}
		line(undo.Render("↶"), undo.Render(s.gists[e.Seq]))
	}
}

// gist says in a few words what a call of a file or SQL procedure is about.
func gist(executeData string) string {
	doc, err := xmltree.Parse([]byte(executeData), xmltree.Options{})
	if err != nil {
		return ""
	}
	defer doc.Release()
	root := doc.DocumentElement()
	text := func(name string) string {
		if e := root.Child(name); e != nil {
			return strings.Join(strings.Fields(e.Text()), " ")
		}
		return ""
	}
	attr := func(name, attr string) string {
		if e := root.Child(name); e != nil {
			return e.Attr(attr)
		}
		return ""
	}
	words := []string{text("dirName") + text("fileName") + attr("connect", "Database")}
	if dir := attr("sourcePath", "path"); dir != "" && dir != "." {
		words[0] = dir + "/" + words[0]
	}
	command, _, _ := strings.Cut(text("command"), " (")
	words = append(words, command, attr("properties", "mode"))
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "  ")
}

// look returns the state of the world, a line for each file, directory and row.
func (s *stage) look(ctx context.Context) ([]string, error) {
	s.quiet = true
	defer func() { s.quiet = false }()
	src, err := sample("show.xml")
	if err != nil {
		return nil, err
	}
	res, err := s.ask(ctx, "Show Customer", src)
	if err != nil {
		return nil, err
	}
	files, err := listing(s.root)
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(res.XML)
	return append(files, rows...), err
}

// listing describes what lies below a directory: mode, path, and of files the
// beginning of a digest of their content.
func listing(dir string) ([]string, error) {
	var lines []string
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			lines = append(lines, fmt.Sprintf("%s  %s/", info.Mode(), path))
			return nil
		}
		content, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		lines = append(lines, fmt.Sprintf("%s  %s  %d bytes, SHA-256 %x…", info.Mode(), path, len(content), sum[:6]))
		return nil
	})
	return lines, err
}

// rowsOf returns a line for each row in the response of Show Customer.
func rowsOf(response []byte) ([]string, error) {
	doc, err := xmltree.Parse(response, xmltree.Options{})
	if err != nil {
		return nil, err
	}
	defer doc.Release()
	var lines []string
	for table := doc.DocumentElement().Child("data").FirstElement(); table != nil; table = table.NextElement() {
		xml := table.Child("xml")
		if xml == nil {
			continue
		}
		for row := xml.FirstElement(); row != nil; row = row.NextElement() {
			var values []string
			for a := row.Attrs(); a != nil; a = a.Next() {
				values = append(values, a.Local()+"="+a.Value())
			}
			lines = append(lines, fmt.Sprintf("row in %s: %s", table.Local(), strings.Join(values, "  ")))
		}
	}
	return lines, nil
}

func (s *stage) world(title string, lines []string) {
	fmt.Fprintf(s.pretty, "\n  %s\n", strong.Render(title))
	for _, l := range lines {
		fmt.Fprintf(s.pretty, "    %s\n", printable(l))
	}
}
