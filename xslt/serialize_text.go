package xslt

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// table tells for each byte of UTF-8 what is written for it.
type table [256]byte

// The entries of a table: what stands for itself, what to look at, and indexes
// of entities.
const (
	plain byte = iota
	look       // the character that begins here
	amp
	ampHTML // & unless { follows
	less
	greater
	quote
	tab
	lineFeed
	carriageReturn
)

var entities = [...]string{amp: "&amp;", ampHTML: "&amp;", less: "&lt;", greater: "&gt;", quote: "&quot;",
	tab: "&#9;", lineFeed: "&#10;", carriageReturn: "&#13;"}

// tables are those for text and attributes of XML, then of HTML, then the same
// four for encodings that lack characters.
var tables = func() (all [8]table) {
	for i := range all {
		t := &all[i]
		attr, html, narrow := i&1 != 0, i&2 != 0, i&4 != 0
		for c := range byte(' ') {
			t[c] = look
		}
		t['\t'], t['\n'], t['\r'] = plain, plain, carriageReturn
		t['&'], t['<'], t['>'] = amp, less, greater
		if attr {
			t['"'] = quote
		}
		switch {
		case attr && html:
			t['&'], t['<'], t['>'] = ampHTML, plain, plain
		case attr:
			t['\t'], t['\n'] = tab, lineFeed
		}
		t[0xEF] = look // U+FFFE and U+FFFF
		if html {
			t[0xC2] = look // U+00A0
		}
		for c := 0x80; narrow && c < 0x100; c++ {
			t[c] = look
		}
	}
	return all
}()

// escape writes v, with references for what t says and for characters that the
// encoding does not have.
func (s *serializer) escape(v string, t *table) {
	for len(v) > bufferSize {
		n := piece(v)
		s.escape(v[:n], t)
		s.flush()
		v = v[n:]
	}
	b, from := s.buf, 0
	for i := 0; i < len(v); i++ {
		k := t[v[i]]
		if k == plain {
			continue
		}
		if k == look {
			r, size := utf8.DecodeRuneInString(v[i:])
			if s.stands(r, size) {
				i += size - 1
				continue
			}
			b = append(b, v[from:i]...)
			b = s.reference(b, r, size)
			i += size - 1
			from = i + 1
			continue
		}
		if k == ampHTML && i+1 < len(v) && v[i+1] == '{' {
			continue
		}
		b = append(b, v[from:i]...)
		b = append(b, entities[k]...)
		from = i + 1
	}
	s.buf = append(b, v[from:]...)
}

// piece returns the length of the first piece of a long text to write at once.
// It parts no character and not & from what follows.
func piece(v string) int {
	n := bufferSize
	for n > bufferSize/2 && (!utf8.RuneStart(v[n]) || v[n-1] == '&') {
		n--
	}
	return n
}

// forbidden reports whether the character r, of size bytes, is none that XML
// can hold.
func forbidden(r rune, size int) bool {
	switch {
	case r < ' ':
		return r != '\t' && r != '\n' && r != '\r'
	case r == utf8.RuneError:
		return size == 1
	}
	return r == '\uFFFE' || r == '\uFFFF'
}

// stands reports whether the character r, of size bytes, stands for itself.
func (s *serializer) stands(r rune, size int) bool {
	switch {
	case forbidden(r, size):
		return false
	case s.html && r == '\u00A0':
		return false
	}
	return !s.narrow || s.chars.has(r)
}

// reference appends what is written for the character r, which does not stand
// for itself.
func (s *serializer) reference(b []byte, r rune, size int) []byte {
	if forbidden(r, size) {
		if r = utf8.RuneError; s.chars.has(r) {
			return utf8.AppendRune(b, r)
		}
	}
	b = append(b, '&')
	if s.html {
		if name, ok := htmlEntities[r]; ok {
			return append(append(b, name...), ';')
		}
	}
	b = append(b, '#')
	b = strconv.AppendInt(b, int64(r), 10)
	return append(b, ';')
}

// escaped writes the text node n.
func (s *serializer) escaped(n *xmltree.Node) {
	if !s.p.raw {
		s.escape(n.Value(), s.text)
		return
	}
	s.parts(n.Value(), func(part string) { s.escape(part, s.text) })
}

// section writes the text node n as a CDATA section.
func (s *serializer) section(n *xmltree.Node) { s.parts(n.Value(), s.cdata) }

// cdata writes v as CDATA sections. What cannot stand in one goes between two.
func (s *serializer) cdata(v string) {
	open, from := false, 0
	upTo := func(i int) {
		if i > from {
			if !open {
				s.put("<![CDATA[")
				open = true
			}
			for i-from > bufferSize {
				n := piece(v[from:])
				s.put(v[from : from+n])
				s.flush()
				from += n
			}
			s.put(v[from:i])
		}
		from = i
		if len(s.buf) > bufferSize {
			s.flush()
		}
	}
	end := func() {
		if open {
			s.put("]]>")
			open = false
		}
	}
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch k := s.text[c]; {
		case c == '>' && i >= 2 && v[i-2:i] == "]]":
			upTo(i)
			end()
		case k == look:
			r, size := utf8.DecodeRuneInString(v[i:])
			if !s.stands(r, size) {
				upTo(i)
				end()
				s.buf = s.reference(s.buf, r, size)
				from = i + size
			}
			i += size - 1
		case k == carriageReturn:
			upTo(i)
			end()
			s.put(entities[k])
			from = i + 1
		}
	}
	upTo(len(v))
	end()
}

// parts writes the parts of text that are marked raw as they are, and gives the
// others to f.
func (s *serializer) parts(text string, f func(string)) {
	for s.p.raw {
		before, rest, found := strings.Cut(text, rawBegin)
		if !found {
			break
		}
		if before != "" {
			f(before)
		}
		verbatim, after, _ := strings.Cut(rest, rawEnd)
		s.unescaped(verbatim)
		text = after
	}
	if text != "" {
		f(text)
	}
}

// unescaped writes v as it is, but for what the encoding does not have: for
// that a reference is written in spite of disable-output-escaping (section 16.4).
func (s *serializer) unescaped(v string) {
	if !s.narrow {
		s.put(v)
		return
	}
	for _, r := range v {
		if s.chars.has(r) {
			s.buf = utf8.AppendRune(s.buf, r)
		} else {
			s.buf = s.reference(s.buf, r, utf8.RuneLen(r))
		}
	}
}

// plain writes the text of the tree n alone.
func (s *serializer) plain(n *xmltree.Node) {
	for c := n.First(); c != nil; c = c.Next() {
		switch c.Kind() {
		case xmltree.Text:
			s.parts(c.Value(), func(part string) { s.verbatim(part, "text", c) })
			if len(s.buf) > bufferSize {
				s.flush()
			}
		case xmltree.Element:
			s.plain(c)
		}
	}
}

// verbatim writes v where no reference can stand, in or as what of the node n,
// which may be nil.
func (s *serializer) verbatim(v, what string, n *xmltree.Node) {
	s.representable(v, what, n)
	s.put(v)
}

// representable notes an error if the encoding lacks a character of v.
func (s *serializer) representable(v, what string, n *xmltree.Node) {
	if !s.narrow {
		return
	}
	for _, r := range v {
		if !s.chars.has(r) {
			s.lacks(r, what, n)
			return
		}
	}
}

// lacks notes that the encoding does not have r.
func (s *serializer) lacks(r rune, what string, n *xmltree.Node) {
	if s.err != nil {
		return
	}
	where := ""
	if n != nil {
		where = " at " + n.Path()
	}
	name := s.chars.charset.declared()
	s.err = s.out.encodingAt.problem("XT130", fmt.Sprintf("cannot write %s%s: the encoding %s has no %q (U+%04X)", what, where, name, r, r),
		`write encoding="UTF-8" in xsl:output, or leave the character out`)
}
