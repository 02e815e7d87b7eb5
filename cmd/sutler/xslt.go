package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xslt"
)

// transformation is what sutler xslt was asked to do.
type transformation struct {
	bases   []string // directories to read from
	out     string
	params  []string // NAME=TEXT
	exprs   []string // NAME=EXPRESSION
	msxml   bool
	strict  bool
	profile bool
	trace   bool
	timeout time.Duration
	limits  xslt.Limits
	read    xmltree.Options // how stylesheets and documents are read
}

// xslt runs a stylesheet.
func (p *program) xslt() *cobra.Command {
	t := &transformation{}
	c := &cobra.Command{
		Use:   "xslt [flags] STYLESHEET DOCUMENT",
		Short: "Run an XSLT stylesheet on a document",
		Long: `Runs an XSLT 1.0 stylesheet on a document and prints the result, in the form
that xsl:output asks for. It is the same XSLT that procedures use.

The stylesheet may import, include and read with document() what lies in the
directories of the stylesheet and of the document, below them, and below each
--base; nothing else, and nothing over the network. What is not found beside
the file that asks for it is looked for in each --base. With --dtd the same
holds for external entities.

Messages and warnings go to standard error. After an error nothing is written.`,
		Example: `  sutler xslt report.xsl customers.xml
  sutler xslt --param month=may --base ./lookup -o report.html report.xsl customers.xml
  sutler xslt --profile -o report.html report.xsl customers.xml`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			var result bytes.Buffer
			if err := p.transform(c.Context(), t, args[0], args[1], &result); err != nil {
				return err
			}
			if t.out != "" && t.out != "-" {
				if err := os.WriteFile(t.out, result.Bytes(), 0o644); err != nil {
					return fmt.Errorf("cannot write the result: %w", err)
				}
				return nil
			}
			_, err := p.out.Write(result.Bytes())
			return err
		},
	}
	f := c.Flags()
	f.StringArrayVar(&t.bases, "base", nil, "one more `directory` that the stylesheet may read from; may repeat")
	f.StringVarP(&t.out, "out", "o", "", "write the result to this `file`, - for standard output; nothing is written after an error")
	f.StringArrayVar(&t.params, "param", nil, "give a top-level xsl:param a text, `NAME=TEXT`; a name in a namespace is {uri}name; may repeat")
	f.StringArrayVar(&t.exprs, "param-expr", nil, "give a top-level xsl:param the value of an XPath expression on the document, `NAME=EXPR`; may repeat")
	f.BoolVar(&t.msxml, "msxml", false, "with the habits of MSXML, as procedures run: text of white space alone is dropped, a/[b] is a[b], every error ends the run")
	f.BoolVar(&t.read.DTD, "dtd", false, "read document type declarations, which are refused otherwise: entities, default attributes, IDs")
	f.BoolVar(&t.strict, "strict", false, "end the run with each error, also where XSLT lets it go on")
	f.BoolVar(&t.profile, "profile", false, "print how often and how long each template ran, to standard error")
	f.BoolVar(&t.trace, "trace", false, "print each template that runs and its node, to standard error")
	f.DurationVar(&t.timeout, "timeout", 30*time.Second, "end the run after this `time`")
	f.Int64Var(&t.limits.ResultBytes, "max-result", 64<<20, "how many `bytes` of names and text the run may make")
	f.Int64Var(&t.limits.Steps, "max-steps", 10_000_000, "how many `steps` the run may take: nodes visited and made, calls, comparisons")
	f.IntVar(&t.limits.Depth, "max-depth", 3000, "how many templates may call each other")
	f.IntVar(&t.read.MaxDepth, "max-levels", 3000, "how many elements of a document, or of the result, may lie in each other")
	_ = c.MarkFlagDirname("base")
	return c
}

// transform runs the stylesheet in one file on the document in another.
func (p *program) transform(ctx context.Context, t *transformation, sheet, document string, to *bytes.Buffer) error {
	if err := t.check(); err != nil {
		return err
	}
	t.read.DropSpace = t.msxml
	t.read.MaxBytes = 1 << 30
	files, err := newSheetFiles(t.read, t.bases, sheet, document)
	if err != nil {
		return err
	}
	defer files.close()
	files.skipped = func(system string, err error) {
		fmt.Fprintln(p.talk, printable(fmt.Sprintf("warning: the external entity %q is not read: %v", system, err)))
	}
	s, err := p.named(files, sheet)
	if err != nil {
		return err
	}
	prog, problems := xslt.Compile(s, xslt.Options{Load: files.load, Tolerant: t.msxml})
	if err := problems.Err(); err != nil {
		return err
	}
	// What is not there is an error when it is reached, and most stylesheets
	// ask before they do.
	p.warn(slices.DeleteFunc(problems, func(p *xmltree.Problem) bool { return p.Rule == "XT018" || p.Rule == "XT029" }))
	doc, err := p.named(files, document)
	if err != nil {
		return err
	}
	defer doc.Release()
	params, err := t.parameters(prog, doc)
	if err != nil {
		return err
	}
	budget := &xmltree.Budget{MaxDepth: t.read.MaxDepth}
	env := xslt.Env{
		Now: time.Now(), Budget: budget, Params: params, Limits: t.limits, Load: files.load,
		Message: func(text string) { fmt.Fprintln(p.talk, printable(text)) },
		Strict:  t.strict || t.msxml,
		Warn:    func(problem *xmltree.Problem) { p.warn(xmltree.Problems{problem}) },
	}
	prof := newProfile(p.talk, t.trace)
	if t.profile || t.trace {
		env.Trace = prof.event
	}
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	result := xmltree.New(budget)
	defer result.Release()
	err = prog.Run(ctx, doc.Root(), result.Root(), env)
	if t.profile {
		prof.print()
	}
	if err != nil {
		return &exit{exitFailed, t.explained(err)}
	}
	if err := prog.Serialize(to, result.Root()); err != nil {
		return &exit{exitFailed, err}
	}
	return nil
}

// check refuses limits that are none.
func (t *transformation) check() error {
	for _, limit := range []struct {
		flag  string
		value int64
	}{
		{"--max-result", t.limits.ResultBytes}, {"--max-steps", t.limits.Steps}, {"--max-depth", int64(t.limits.Depth)},
		{"--max-levels", int64(t.read.MaxDepth)}, {"--timeout", int64(t.timeout)},
	} {
		if limit.value <= 0 {
			return &exit{exitUsage, fmt.Errorf("cannot use %s: it must be more than 0", limit.flag)}
		}
	}
	return nil
}

// explained adds to the error of a limit the flag that changes it.
func (t *transformation) explained(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the time of %s is up (--timeout): %w", t.timeout, err)
	}
	var limit *xmltree.LimitError
	if !errors.As(err, &limit) {
		return err
	}
	flags := map[string]string{"ResultBytes": "--max-result", "TransformSteps": "--max-steps", "TemplateDepth": "--max-depth", "Depth": "--max-levels"}
	if flag := flags[limit.Setting]; flag != "" {
		return fmt.Errorf("%w\n  here it is the flag %s", err, flag)
	}
	return err
}

// named reads the file that stands on the command line. Whoever asks for it
// afterwards gets the same document, as section 12.1 of XSLT has it.
func (p *program) named(files *sheetFiles, file string) (*xmltree.Document, error) {
	key := ""
	if file != "-" {
		var err error
		if key, err = filepath.Abs(file); err != nil {
			return nil, &exit{exitUsage, fmt.Errorf("cannot read the input: %w", err)}
		}
		if d := files.read[key]; d != nil {
			return d, nil
		}
	}
	text, err := p.read(file)
	if err != nil {
		return nil, err
	}
	d, err := files.parse(text, file)
	if err == nil && key != "" {
		files.read[key] = d
	}
	return d, err
}

// hintDTD tells of the flag that reads what was refused.
func hintDTD(err error) error {
	var problems xmltree.Problems
	if errors.As(err, &problems) {
		for _, problem := range problems {
			if problem.Rule == "XML005" {
				problem.Hint = "read it with --dtd, or " + problem.Hint
			}
		}
	}
	return err
}

// parameters returns the values of --param and --param-expr by name.
func (t *transformation) parameters(prog *xslt.Program, doc *xmltree.Document) (map[string]xpath.Value, error) {
	params := map[string]xpath.Value{}
	known := prog.Params()
	add := func(flag, arg string, value func(string) (xpath.Value, error)) error {
		at := 0
		if strings.HasPrefix(arg, "{") {
			at = strings.IndexByte(arg, '}') + 1
		}
		name, text, ok := strings.Cut(arg[at:], "=")
		name = arg[:at] + name
		if !ok {
			return &exit{exitUsage, fmt.Errorf("cannot read %s %q: write NAME=VALUE", flag, arg)}
		}
		if !slices.Contains(known, name) {
			return &exit{exitUsage, fmt.Errorf("cannot set the parameter %q: %s", name, paramHint(name, known))}
		}
		v, err := value(text)
		if err != nil {
			return &exit{exitUsage, fmt.Errorf("cannot set the parameter %q: %w", name, err)}
		}
		params[name] = v
		return nil
	}
	for _, arg := range t.params {
		if err := add("--param", arg, func(s string) (xpath.Value, error) { return xpath.String(s), nil }); err != nil {
			return nil, err
		}
	}
	for _, arg := range t.exprs {
		err := add("--param-expr", arg, func(s string) (xpath.Value, error) {
			e, err := xpath.Compile(s, xpath.Static{})
			if err != nil {
				return xpath.Value{}, err
			}
			return e.Eval(&xpath.Context{Node: doc.Root(), Position: 1, Size: 1, Budget: &xmltree.Budget{MaxSteps: t.limits.Steps}})
		})
		if err != nil {
			return nil, err
		}
	}
	return params, nil
}

func paramHint(name string, known []string) string {
	if near := xmltree.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "the stylesheet has no top-level xsl:param"
	}
	return "the stylesheet has the parameters " + xmltree.List(known, "and")
}
