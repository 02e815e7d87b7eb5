package xslt

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// place is where something stands in the stylesheet; off is -1 when it was not
// parsed.
type place struct {
	doc *xmltree.Document
	off int
}

func placeOf(n *xmltree.Node) place {
	if off, ok := n.Offset(); ok {
		return place{n.Document(), off}
	}
	return place{n.Document(), -1}
}

// problem returns a problem at p.
func (p place) problem(rule, msg, hint string) *xmltree.Problem {
	if p.doc == nil {
		return &xmltree.Problem{Rule: rule, Msg: msg, Hint: hint}
	}
	if p.off < 0 {
		return p.doc.Problem(nil, rule, msg, hint)
	}
	return p.doc.ProblemAt(p.off, rule, msg, hint)
}

// line returns the line of p, 0 if it is not known.
func (p place) line() int { return p.problem("", "", "").Pos.Line }

// inside returns the place of byte n of the value of the attribute at p. It
// reads the source, so that references such as &lt; and line ends count as what
// they stand for. Where it cannot find the value it returns p.
func (p place) inside(n int) place {
	if p.doc == nil || p.off < 0 {
		return p
	}
	s := sourceText{doc: p.doc, off: p.off}
	if !s.load() || !s.skip('=') {
		return p
	}
	for s.ch() == ' ' || s.ch() == '\t' || s.ch() == '\n' {
		s.next()
	}
	quote := s.ch()
	if quote != '"' && quote != '\'' {
		return p
	}
	for s.next(); n > 0 && s.ch() != quote && s.ch() != 0; s.next() {
		size := 1
		if s.ch() == '&' {
			name := s.reference()
			size = decodedLen(name)
			s.i += len(name) + 1
		}
		n -= size
	}
	if s.ch() == 0 {
		return p
	}
	return place{p.doc, s.off + s.i}
}

// sourceText reads the source of a document from an offset on, line by line.
type sourceText struct {
	doc  *xmltree.Document
	off  int    // of rest
	line int    // its number
	rest string // of the line, without its end
	i    int    // in rest
}

// load reads the rest of the line at off.
func (s *sourceText) load() bool {
	at := s.doc.ProblemAt(s.off, "", "", "")
	s.rest, s.i = at.Line, 0
	for col := 1; col < at.Pos.Col && s.rest != ""; col++ {
		_, size := utf8.DecodeRuneInString(s.rest)
		s.rest = s.rest[size:]
	}
	moved := at.Pos.Line > s.line
	s.line = at.Pos.Line
	return moved
}

// ch returns the byte to read next: a line feed for a line end, 0 at the end.
func (s *sourceText) ch() byte {
	switch {
	case s.line == 0:
		return 0
	case s.i < len(s.rest):
		return s.rest[s.i]
	}
	return '\n'
}

// next goes on by one byte, at the end of a line to the next line.
func (s *sourceText) next() {
	if s.i < len(s.rest) {
		s.i++
		return
	}
	s.off += len(s.rest) + 1
	if !s.load() && s.line > 0 { // between CR and LF
		s.off++
		if !s.load() {
			s.line = 0
		}
	}
}

// skip goes to the first c, which must be near.
func (s *sourceText) skip(c byte) bool {
	for range 1000 {
		if s.ch() == c {
			s.next()
			return true
		}
		s.next()
	}
	return false
}

// reference returns the reference at &, up to its semicolon and without both.
func (s *sourceText) reference() string {
	name, _, _ := strings.Cut(s.rest[s.i+1:], ";")
	return name
}

// decodedLen returns the number of bytes that the reference &name; stands for.
func decodedLen(name string) int {
	if !strings.HasPrefix(name, "#") {
		return 1
	}
	digits, base := name[1:], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if r, err := strconv.ParseInt(digits, base, 32); err == nil {
		return max(1, utf8.RuneLen(rune(r)))
	}
	return 1
}
