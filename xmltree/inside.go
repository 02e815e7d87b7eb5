package xmltree

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// ProblemIn returns a problem at byte off of the value of the attribute a, so
// that a caret can stand below the faulty part of an expression. References
// such as &lt; count as what they stand for. When the place cannot be found it
// is that of a.
func (d *Document) ProblemIn(a *Node, off int, rule, msg, hint string) *Problem {
	if at, ok := a.inside(off); ok {
		return a.doc.ProblemAt(at, rule, msg, hint)
	}
	return d.Problem(a, rule, msg, hint)
}

// inside returns the offset in the source of byte off of the value of a.
func (a *Node) inside(off int) (at int, ok bool) {
	if a.off == 0 || a.flags&elsewhere != 0 {
		return 0, false
	}
	file, at := a.doc.locate(int(a.off) - 1)
	src := file.text
	eq := strings.IndexByte(src[at:], '=')
	if eq < 0 {
		return 0, false
	}
	at += eq + 1
	at += len(src[at:]) - len(strings.TrimLeft(src[at:], " \t\r\n"))
	if at == len(src) || src[at] != '"' && src[at] != '\'' {
		return 0, false
	}
	quote := src[at]
	for at++; off > 0 && at < len(src) && src[at] != quote; {
		written, meant := spelled(src[at:])
		at += written
		off -= meant
	}
	return at + file.base, at < len(src)
}

// spelled returns how many bytes the first character of an attribute value
// takes in the source and in the value.
func spelled(s string) (written, meant int) {
	if strings.HasPrefix(s, "\r\n") {
		return 2, 1 // becomes one blank
	}
	end := strings.IndexByte(s[:min(len(s), 16)], ';')
	if s[0] != '&' || end < 0 {
		return 1, 1
	}
	if !strings.HasPrefix(s, "&#") {
		return end + 1, 1
	}
	digits, base := s[2:end], 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	r, err := strconv.ParseInt(digits, base, 32)
	if err != nil {
		return end + 1, 1
	}
	return end + 1, max(1, utf8.RuneLen(rune(r)))
}
