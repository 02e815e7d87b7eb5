package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
	"sutler/xslt"
)

// lint checks files without a server.
func (p *program) lint() *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE_OR_DIR...",
		Short: "Check namespace files, requests and stylesheets",
		Long: `Checks files and shows each error and warning with file, line, column, the line
of source and a hint. What a file is, it tells by its root element: namespace,
request, or a stylesheet. Namespaces are checked together with each other and
with those built in, the way an import checks them. Of a directory the
namespaces among its files *.xml are checked.

The exit code is 2 if there is an error; warnings alone do not count.`,
		Example: `  sutler lint samples
  sutler lint hosting.xml request.xml report.xsl`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			files, err := namespaceFiles(args)
			if err != nil {
				return err
			}
			problems, err := p.check(c.Context(), files)
			if err != nil && problems.Err() == nil {
				return err
			}
			if err := p.show("problems", map[string]any{"problems": append(xmltree.Problems{}, problems...)}, func() error {
				p.warn(problems)
				return nil
			}); err != nil {
				return err
			}
			n := 0
			for _, problem := range problems {
				if !problem.Warning {
					n++
				}
			}
			if n > 0 {
				return &exit{exitUsage, fmt.Errorf("%d %s in %d %s", n, plural(n, "error"), len(files), plural(len(files), "file"))}
			}
			fmt.Fprintf(p.talk, "no errors in %d %s\n", len(files), plural(len(files), "file"))
			return nil
		},
	}
}

// check returns the problems of all files: first those of namespaces, which
// need each other, then those of the others.
func (p *program) check(ctx context.Context, files []sutler.Source) (xmltree.Problems, error) {
	var namespaces []sutler.Source
	var problems xmltree.Problems
	for _, f := range files {
		switch rootName(f) {
		case "request":
			problems = append(problems, checkRequest(f)...)
		case "stylesheet", "transform":
			problems = append(problems, checkStylesheet(f)...)
		default:
			namespaces = append(namespaces, f)
		}
	}
	if len(namespaces) == 0 {
		return problems, nil
	}
	w, err := p.openWorkshop(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	found, err := w.Lint(ctx, administrator("lint"), namespaces...)
	return append(found, problems...), errors.Join(err, w.close(p, nil))
}

func checkRequest(f sutler.Source) xmltree.Problems {
	req, err := sutler.ParseRequest(f.Text, f.File, sutler.Limits{})
	if err != nil {
		return problemsOf(err)
	}
	defer req.Doc.Release()
	if req.Steps == nil {
		return nil
	}
	_, problems := procedure.CompileInline(req)
	return problems
}

func checkStylesheet(f sutler.Source) xmltree.Problems {
	doc, err := xmltree.Parse(f.Text, xmltree.Options{File: f.File})
	if err != nil {
		return problemsOf(err)
	}
	files, err := newSheetFiles(xmltree.Options{}, nil, f.File)
	if err != nil {
		return problemsOf(err)
	}
	defer files.close()
	_, problems := xslt.Compile(doc, xslt.Options{Load: files.load})
	return problems
}

func problemsOf(err error) xmltree.Problems {
	var ps xmltree.Problems
	if errors.As(err, &ps) {
		return ps
	}
	return xmltree.Problems{{Rule: "XML001", Msg: err.Error()}}
}
