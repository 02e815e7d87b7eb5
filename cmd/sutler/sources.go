package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
	"sutler/xslt"
)

// namespaceFiles reads namespace files. A directory stands for the files
// *.xml in it whose root element is namespace, in the order of their names.
func namespaceFiles(paths []string) ([]sutler.Source, error) {
	var srcs []sutler.Source
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, &exit{exitUsage, fmt.Errorf("cannot read namespaces: %w", err)}
		}
		if !info.IsDir() {
			src, err := source(path)
			if err != nil {
				return nil, err
			}
			srcs = append(srcs, src)
			continue
		}
		found, err := filepath.Glob(filepath.Join(escapeGlob(path), "*.xml"))
		if err != nil {
			return nil, err
		}
		n := len(srcs)
		for _, file := range found {
			src, err := source(file)
			if err != nil {
				return nil, err
			}
			if rootName(src) == "namespace" {
				srcs = append(srcs, src)
			}
		}
		if len(srcs) == n {
			return nil, &exit{exitUsage, fmt.Errorf("cannot read namespaces: no file *.xml of directory %q is a namespace", path)}
		}
	}
	return srcs, nil
}

func source(file string) (sutler.Source, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = fmt.Errorf("cannot read %q: %w", file, p.Err)
		}
		return sutler.Source{}, &exit{exitUsage, err}
	}
	return sutler.Source{File: file, Text: b}, nil
}

// escapeGlob keeps the characters of a directory name from being a pattern.
func escapeGlob(dir string) string {
	var b []rune
	for _, r := range dir {
		if r == '*' || r == '?' || r == '[' || r == '\\' && filepath.Separator != '\\' {
			b = append(b, '[', r, ']')
			continue
		}
		b = append(b, r)
	}
	return string(b)
}

// rootName returns the local name of the root element; a file that is no XML
// counts as a namespace, so that its errors are shown.
func rootName(src sutler.Source) string {
	doc, err := xmltree.Parse(src.Text, xmltree.Options{File: src.File})
	if err != nil {
		return "namespace"
	}
	defer doc.Release()
	root := doc.DocumentElement()
	if root.AttrNode(xslt.Space, "version") != nil { // a literal result element as stylesheet
		return "stylesheet"
	}
	return root.Local()
}

// procedures returns what the source of a namespace says of its procedures.
func procedures(ns *sutler.Namespace) ([]procedureLine, error) {
	compiled, problems := procedure.Compile(ns.Text, ns.File, sutler.Limits{})
	if compiled == nil {
		return nil, problems
	}
	lines := make([]procedureLine, len(compiled.Procedures))
	for i, proc := range compiled.Procedures {
		l := procedureLine{Name: proc.Name, Access: "private", Type: proc.Type, Kind: "provider", Description: proc.Description}
		if proc.Public {
			l.Access = "public"
		}
		if proc.Composite() {
			l.Kind = "composite"
		}
		lines[i] = l
	}
	return lines, nil
}

// summary is the error that ends a check: problems were shown already, so it
// says only how many there are.
func summary(err error, problems xmltree.Problems) error {
	if err == nil || len(problems) == 0 {
		return err
	}
	n := 0
	for _, p := range problems {
		if !p.Warning {
			n++
		}
	}
	if n == 0 {
		return err
	}
	return &exit{exitUsage, fmt.Errorf("%d %s; nothing was registered", n, plural(n, "error"))}
}
