package xslt_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sutler/xmltree"
)

func sortedNames(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }

// shrinker makes a pair smaller as long as the processors still differ in the
// same manner and without an explanation.
type shrinker struct {
	known []difference
	dir   string
	tries int
}

// shrink returns the smallest pair that was found in a bounded number of tries.
func shrink(known []difference, p *pair, dir string) *pair {
	s := &shrinker{known: known, dir: dir, tries: 1500}
	for s.tries > 0 {
		before := p
		p = s.smallerDoc(p)
		for _, name := range sortedNames(p.files) {
			p = s.smallerFile(p, name)
		}
		if p == before {
			break
		}
	}
	return p
}

// try returns the outcomes of a candidate if it differs as p does.
func (s *shrinker) try(p *pair, file, content string) (*pair, bool) {
	if s.tries--; s.tries < 0 {
		return nil, false
	}
	c := &pair{files: maps.Clone(p.files), doc: p.doc}
	if file == "" {
		c.doc = content
	} else {
		c.files[file] = content
	}
	if !c.run(s.dir) {
		return nil, false
	}
	same := !c.ours.agrees(c.theirs) && ruleOf(c.ours.err) == ruleOf(p.ours.err) && (c.theirs.err == "") == (p.theirs.err == "")
	return c, same && explain(s.known, &pair{c.files, c.doc, c.ours, c.theirs}, s.dir) == ""
}

// ruleOf returns the code of the rule in an error of ours.
func ruleOf(err string) string { return ruleCode.FindString(err) }

var ruleCode = regexp.MustCompile(`\[X[A-Z]+[0-9]+\]`)

// run fills in the outcomes of p with the help of the directory dir. It returns
// false if p is no pair of XML documents.
func (p *pair) run(dir string) bool {
	for name, text := range p.files {
		if os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666) != nil {
			return false
		}
	}
	const name = "pair.xml"
	if os.WriteFile(filepath.Join(dir, name), []byte(p.doc), 0o666) != nil {
		return false
	}
	doc, err := xmltree.Parse([]byte(p.doc), xmltree.Options{File: "input.xml"})
	if err != nil {
		return false
	}
	if program, err := compileFiles(p.files); err != nil {
		p.ours.err = err.Error()
	} else {
		p.ours = transformed(program, doc, p.files)
	}
	p.theirs = libxsltOne(dir, p.files["sheet.xsl"], name)
	return true
}

func (s *shrinker) smallerDoc(p *pair) *pair {
	return s.reduce(p, "", func(p *pair) string { return p.doc })
}

func (s *shrinker) smallerFile(p *pair, name string) *pair {
	return s.reduce(p, name, func(p *pair) string { return p.files[name] })
}

// reduce takes nodes out of a text of p one by one.
func (s *shrinker) reduce(p *pair, file string, text func(*pair) string) *pair {
	for i := 0; s.tries > 0; {
		cuts := candidates(text(p), i)
		if cuts == nil {
			return p
		}
		smaller := false
		for _, content := range cuts {
			if c, ok := s.try(p, file, content); ok {
				p, smaller = c, true
				break
			}
		}
		if !smaller {
			i++
		}
	}
	return p
}

// candidates returns texts in which node i of a document is missing or
// simpler, or nil if there is no node i.
func candidates(src string, i int) []string {
	all := []string{}
	for variant := 0; ; variant++ {
		doc, err := xmltree.Parse([]byte(src), xmltree.Options{})
		if err != nil {
			return nil
		}
		n := nth(doc.DocumentElement(), i)
		if n == nil {
			return nil
		}
		if !simplify(doc, n, variant) {
			doc.Release()
			return all
		}
		if c := doc.Root().String(); len(c) < len(src) || c != src && n.Kind() == xmltree.Attribute {
			all = append(all, c)
		}
		doc.Release()
	}
}

// nth returns the attribute or node i below the element e, e itself not
// counted, those that come last first.
func nth(e *xmltree.Node, i int) (found *xmltree.Node) {
	var visit func(n *xmltree.Node)
	visit = func(n *xmltree.Node) {
		for a := n.Attrs(); a != nil && found == nil; a = a.Next() {
			if i--; i < 0 {
				found = a
			}
		}
		for c := n.Last(); c != nil && found == nil; c = c.Prev() {
			if i--; i < 0 {
				found = c
				return
			}
			visit(c)
		}
	}
	visit(e)
	return found
}

// simplify changes n in one of several ways; false: there are no more.
func simplify(doc *xmltree.Document, n *xmltree.Node, variant int) bool {
	switch {
	case variant == 0:
		n.Detach()
		return true
	case n.Kind() == xmltree.Element && variant == 1: // its children in its place
		for n.First() != nil {
			c := n.First()
			c.Detach()
			if n.Parent().InsertBefore(c, n) != nil {
				return true
			}
		}
		n.Detach()
		return true
	case n.Kind() == xmltree.Attribute:
		shorter := cuts(n.Value())
		if variant > len(shorter) {
			return false
		}
		n.Parent().SetAttr(n.Name(), shorter[variant-1])
		return true
	}
	return false
}

// cuts returns simpler spellings of an expression: arguments, operands and
// bracketed parts alone, or without them.
func cuts(s string) (all []string) {
	for i := range len(s) {
		if strings.IndexByte("([", s[i]) < 0 {
			continue
		}
		end := closing(s, i)
		if end < 0 {
			continue
		}
		if s[i] == '[' {
			all = append(all, s[:i]+s[end+1:])
			continue
		}
		start := i
		for start > 0 && (s[start-1] >= 'a' && s[start-1] <= 'z' || s[start-1] == '-') {
			start--
		}
		for _, arg := range arguments(s[i+1 : end]) {
			all = append(all, s[:start]+arg+s[end+1:])
		}
		all = append(all, s[:start]+"1"+s[end+1:], s[:start]+"''"+s[end+1:])
	}
	for _, op := range []string{" or ", " and ", " = ", " != ", " < ", " > ", " <= ", " >= ", " + ", " - ", " * ", " div ", " mod ", " | ", "/", "|", ","} {
		for i := range len(s) {
			if strings.HasPrefix(s[i:], op) {
				all = append(all, s[:i], s[i+len(op):])
			}
		}
	}
	return all
}

func closing(s string, i int) int {
	depth := 0
	var quote byte
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// arguments splits the arguments of a function.
func arguments(s string) (all []string) {
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ',':
			if depth == 0 {
				all = append(all, s[start:i])
				start = i + 1
			}
		}
	}
	return append(all, s[start:])
}
