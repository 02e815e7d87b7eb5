package xmltree

import (
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// source is a text that nodes come from: the document or an external entity.
// The offsets of nodes count through all sources of a document, one after the
// other.
type source struct {
	file  string
	text  string // UTF-8
	base  int    // offset of its first byte
	lines struct {
		once  sync.Once
		start []int // byte offsets
		runes []int // characters before each whole columnBlock of the text
	}
}

// locate returns the source that holds an offset, and the offset in it.
func (d *Document) locate(off int) (*source, int) {
	i := sort.Search(len(d.entities), func(i int) bool { return d.entities[i].base > off })
	if i == 0 {
		return &d.main, off
	}
	s := d.entities[i-1]
	return s, off - s.base
}

// Offset returns the byte offset of n in the source of its document, as UTF-8;
// ok is false for a node that was not parsed there. Nodes of the text of an
// entity are where the reference to it is, those of an external entity behind
// the source.
func (n *Node) Offset() (off int, ok bool) { return int(n.off) - 1, n.off > 0 }

// Pos returns the place of n in the source of its document, or in the external
// entity that Base names. A node that was not parsed there, such as a copy, has
// the place of none.
func (n *Node) Pos() Pos {
	if n.off == 0 {
		return Pos{}
	}
	return n.doc.pos(int(n.off) - 1)
}

// Base returns the file of the entity that n was read from: File of the
// document, or for the content of an external entity the name of that. It is
// what a relative reference in n starts from when no xml:base says otherwise.
func (n *Node) Base() string {
	d := n.doc
	if n.off == 0 || len(d.entities) == 0 {
		return d.main.file
	}
	s, _ := d.locate(int(n.off) - 1)
	return s.file
}

// Problem returns a problem at the place of n with its line of source; n may
// be nil.
func (d *Document) Problem(n *Node, rule, msg, hint string) *Problem {
	if n == nil || n.off == 0 {
		return &Problem{Rule: rule, File: d.main.file, Msg: msg, Hint: hint}
	}
	return n.doc.ProblemAt(int(n.off)-1, rule, msg, hint)
}

// ProblemAt returns a problem at a byte offset of the source with its line.
func (d *Document) ProblemAt(off int, rule, msg, hint string) *Problem {
	s, off := d.locate(off)
	p := &Problem{Rule: rule, File: s.file, Msg: msg, Hint: hint, Pos: s.pos(off)}
	if p.Pos.Line > 0 {
		p.Line, p.col = s.excerpt(off, p.Pos.Line)
	}
	return p
}

// pos turns an offset into line and column of its source.
func (d *Document) pos(off int) Pos {
	s, off := d.locate(off)
	return s.pos(off)
}

// pos turns a byte offset of the text into line and column.
func (s *source) pos(off int) Pos {
	if off < 0 || off > len(s.text) || s.text == "" {
		return Pos{}
	}
	s.lines.once.Do(s.findLines)
	line := sort.SearchInts(s.lines.start, off+1) - 1
	return Pos{Line: line + 1, Col: s.runes(s.lines.start[line], off) + 1}
}

// columnBlock is how much of a line is counted for a column at most, so that
// a file of one line and many places is not counted again for each.
const columnBlock = 4096

// runes counts the characters of the text from one byte offset to another.
func (s *source) runes(from, to int) int {
	i, j := (from+columnBlock-1)/columnBlock, to/columnBlock
	if i >= j {
		return runeStarts(s.text[from:to])
	}
	return runeStarts(s.text[from:i*columnBlock]) + s.lines.runes[j] - s.lines.runes[i] + runeStarts(s.text[j*columnBlock:to])
}

// runeStarts counts the characters that begin in s.
func runeStarts(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

// findLines makes the table of line starts. A line ends with \n, \r or \r\n.
func (s *source) findLines() {
	start := []int{0}
	for i := 0; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\n', c == '\r' && (i+1 == len(s.text) || s.text[i+1] != '\n'):
			start = append(start, i+1)
		}
	}
	s.lines.start = start
	s.lines.runes = []int{0}
	for i := columnBlock; i <= len(s.text); i += columnBlock {
		s.lines.runes = append(s.lines.runes, s.lines.runes[len(s.lines.runes)-1]+runeStarts(s.text[i-columnBlock:i]))
	}
}

// excerpt returns the text of a line counted from 1, without its end, and the
// column of the byte offset off in it. Of a long line it is the part around off.
func (s *source) excerpt(off, line int) (text string, col int) {
	const around = 512
	from, to := s.lines.start[line-1], len(s.text)
	if line < len(s.lines.start) {
		to = s.lines.start[line]
	}
	from, to = max(from, off-around), min(to, off+around)
	for from < off && !utf8.RuneStart(s.text[from]) {
		from++
	}
	for to < len(s.text) && to > off && !utf8.RuneStart(s.text[to]) {
		to--
	}
	return strings.TrimRight(s.text[from:to], "\r\n"), s.runes(from, off) + 1
}
