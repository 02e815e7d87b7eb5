package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sutler/xmltree"
	"sutler/xslt"
)

// xslt runs a stylesheet.
func (p *program) xslt() *cobra.Command {
	var base, out string
	c := &cobra.Command{
		Use:   "xslt [--base DIR] [-o FILE] STYLESHEET DOCUMENT",
		Short: "Run an XSLT stylesheet on a document",
		Long: `Runs an XSLT 1.0 stylesheet on a document and prints the result, in the form
that xsl:output asks for. It is the same XSLT that procedures use.

Without --base nothing but the two files can be read; with it, document() may
read what lies in that directory.`,
		Example: `  sutler xslt report.xsl customers.xml
  sutler xslt --base ./lookup -o report.html report.xsl customers.xml`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			env := xslt.Env{Now: time.Now(), Message: func(text string) { fmt.Fprintln(p.talk, printable(text)) }}
			if base != "" {
				root, err := os.OpenRoot(base)
				if err != nil {
					return &exit{exitUsage, fmt.Errorf("cannot use --base: %w", err)}
				}
				defer root.Close()
				env.Load = loaderBelow(root)
			}
			var result bytes.Buffer
			if err := p.transform(c, args[0], args[1], env, &result); err != nil {
				return err
			}
			if out != "" {
				if err := os.WriteFile(out, result.Bytes(), 0o644); err != nil {
					return fmt.Errorf("cannot write the result: %w", err)
				}
				return nil
			}
			_, err := p.out.Write(result.Bytes())
			return err
		},
	}
	c.Flags().StringVar(&base, "base", "", "directory that document() may read from")
	c.Flags().StringVarP(&out, "out", "o", "", "write the result to this file; nothing is written after an error")
	_ = c.MarkFlagDirname("base")
	return c
}

func (p *program) transform(c *cobra.Command, sheet, document string, env xslt.Env, to *bytes.Buffer) error {
	s, err := p.parse(sheet)
	if err != nil {
		return err
	}
	prog, problems := xslt.Compile(s, xslt.Options{})
	if err := problems.Err(); err != nil {
		return err
	}
	p.warn(problems)
	doc, err := p.parse(document)
	if err != nil {
		return err
	}
	defer doc.Release()
	result := xmltree.New(nil)
	defer result.Release()
	if err := prog.Run(c.Context(), doc.Root(), result.Root(), env); err != nil {
		return &exit{exitFailed, err}
	}
	return prog.Serialize(to, result.Root())
}

func (p *program) parse(file string) (*xmltree.Document, error) {
	text, err := p.read(file)
	if err != nil {
		return nil, err
	}
	return xmltree.Parse(text, xmltree.Options{File: file})
}

// loaderBelow reads the documents that a stylesheet asks for; root lets no
// path lead out of it.
func loaderBelow(root *os.Root) func(href, base string) (*xmltree.Document, error) {
	return func(href, _ string) (*xmltree.Document, error) {
		text, err := root.ReadFile(filepath.FromSlash(href))
		if err != nil {
			return nil, fmt.Errorf("cannot read document %q: %w", href, err)
		}
		return xmltree.Parse(text, xmltree.Options{File: href})
	}
}
