package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"sutler/xmltree"
)

// sheetFiles reads what a stylesheet imports, includes and asks for with
// document(): files below some directories, each of them once.
type sheetFiles struct {
	options xmltree.Options
	roots   []sheetRoot
	bases   []string // the directories of --base
	read    map[string]*xmltree.Document
	skipped func(system string, err error) // told of each external entity that is left out
}

// sheetRoot is a directory that may be read. Its root lets no path, and no
// symbolic link, lead out of it.
type sheetRoot struct {
	dir  string // absolute
	root *os.Root
}

// newSheetFiles opens the directories of the files and the bases.
func newSheetFiles(o xmltree.Options, bases []string, files ...string) (*sheetFiles, error) {
	f := &sheetFiles{options: o, bases: bases, read: map[string]*xmltree.Document{}}
	for _, dir := range bases {
		if err := f.open(dir); err != nil {
			f.close()
			return nil, &exit{exitUsage, fmt.Errorf("cannot use --base: %w", err)}
		}
	}
	for _, file := range files {
		if file == "-" {
			continue
		}
		if err := f.open(filepath.Dir(file)); err != nil {
			f.close()
			return nil, &exit{exitUsage, fmt.Errorf("cannot read the input: %w", err)}
		}
	}
	return f, nil
}

func (f *sheetFiles) open(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return err
	}
	f.roots = append(f.roots, sheetRoot{abs, root})
	return nil
}

func (f *sheetFiles) close() {
	for _, r := range f.roots {
		r.root.Close()
	}
}

// load returns the document href as the file base names it.
func (f *sheetFiles) load(href, base string) (*xmltree.Document, error) {
	text, name, key, err := f.find(href, base)
	if err != nil {
		return nil, err
	}
	if d := f.read[key]; d != nil {
		return d, nil
	}
	d, err := f.parse(text, name)
	if err != nil {
		return nil, err
	}
	f.read[key] = d
	return d, nil
}

// parse parses text, which becomes the document's.
func (f *sheetFiles) parse(text []byte, name string) (*xmltree.Document, error) {
	o := f.options
	o.File, o.External, o.Own = name, f.external, true
	d, err := xmltree.Parse(text, o)
	return d, hintDTD(err)
}

// external returns an external entity. One that is not there, or must not be
// read, is left out; the parser complains if its text is needed.
func (f *sheetFiles) external(system, base string) ([]byte, error) {
	text, _, _, err := f.find(system, base)
	if err != nil {
		f.skipped(system, err)
		return nil, nil
	}
	return text, nil
}

// find reads a file and returns its name for messages and its absolute path.
func (f *sheetFiles) find(href, base string) (text []byte, name, key string, err error) {
	path, err := pathOf(href)
	if err != nil {
		return nil, "", "", err
	}
	from := []string{""}
	if !filepath.IsAbs(path) {
		from = append([]string{filepath.Dir(base)}, f.bases...)
	}
	for i, dir := range from {
		name = filepath.Join(dir, path)
		text, key, err = f.readBelow(name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errOutside) || i == len(from)-1 {
			return text, name, key, err
		}
	}
	return nil, "", "", err
}

var errOutside = errors.New("it lies outside of the directories that may be read; allow its directory with --base")

// readBelow reads a file that lies in a directory that may be read.
func (f *sheetFiles) readBelow(name string) (text []byte, key string, err error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, "", err
	}
	err = errOutside
	for _, r := range f.roots {
		rel, relErr := filepath.Rel(r.dir, abs)
		if relErr != nil || !filepath.IsLocal(rel) {
			continue
		}
		text, err = r.root.ReadFile(rel)
		if err == nil {
			return text, abs, nil
		}
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
	}
	return nil, "", err
}

// pathOf returns the path that a relative reference or a file URI means.
func pathOf(href string) (string, error) {
	u, err := url.Parse(href)
	switch {
	case err != nil, len(u.Scheme) == 1: // not a reference, or a drive of Windows: a path as it is
		return filepath.FromSlash(href), nil
	case u.Scheme == "file" && u.Opaque != "": // file:name, which other programs write
		path, err := url.PathUnescape(u.Opaque)
		return filepath.FromSlash(path), err
	case u.Scheme == "" && u.Host == "", u.Scheme == "file" && (u.Host == "" || u.Host == "localhost"):
		return filepath.FromSlash(strings.TrimPrefix(u.Path, driveSlash(u.Path))), nil
	}
	return "", fmt.Errorf("only files can be read, not %q", u.Scheme+"://"+u.Host)
}

// driveSlash returns the slash before a drive in the path of a file URI.
func driveSlash(path string) string {
	if len(path) > 2 && path[0] == '/' && path[2] == ':' {
		return "/"
	}
	return ""
}
