package xslt

import (
	"strings"

	"sutler/xmltree"
)

// htmlDocument writes the children of root as HTML (section 16.2).
func (s *serializer) htmlDocument(root *xmltree.Node, whole bool) {
	lines := s.out.indent != "no"
	doctype, text := whole, false
	for c := root.First(); c != nil; c = c.Next() {
		text = text || c.Kind() == xmltree.Text
		if c.Kind() == xmltree.Element && doctype {
			doctype = false
			s.doctype("html")
		}
		s.node(c, lines)
	}
	if lines && !text && root.First() != nil {
		s.put("\n")
	}
}

// htmlElement writes an element in no namespace as HTML. lines tells that lines
// may be broken in it, raw that its text is not escaped. Line ends are put at
// the edges of blocks only, where HTML ignores them, and no blanks.
func (s *serializer) htmlElement(n *xmltree.Node, lines, raw bool) {
	if len(s.buf) > bufferSize {
		s.flush()
	}
	outer := s.mark()
	text, attr := s.text, s.attr
	s.escapes(true)
	name := strings.ToLower(n.Local())
	tag := htmlTags[name]
	s.htmlStart(n, name)
	meta := name == "head" && (n.Parent().Kind() == xmltree.Root || strings.EqualFold(n.Parent().Local(), "html"))
	first := n.First()
	if meta {
		first = kept(first)
	}
	lines = lines && !tag.exact && !preserves(n)
	// Lines are broken around the children of a block with several, but p is
	// left alone: there is mostly text in it.
	around := lines && name[0] != 'p'
	breaks := around && tag.block && first != nil && (meta || first != n.Last())
	if breaks && (meta || first.Kind() != xmltree.Text) {
		s.put("\n")
	}
	if meta {
		s.htmlMeta()
		if breaks && first.Kind() != xmltree.Text {
			s.put("\n")
		}
	}
	raw = raw || tag.raw
	for c := first; c != nil; {
		next := c.Next()
		if meta {
			next = kept(next)
		}
		s.htmlChild(c, lines, raw)
		if around && next != nil && next.Kind() != xmltree.Text && block(c) {
			s.put("\n")
		}
		c = next
	}
	if breaks && n.Last().Kind() != xmltree.Text {
		s.put("\n")
	}
	if !tag.void {
		s.put("</")
		s.put(n.Local())
		s.put(">")
	}
	s.leave(outer)
	s.text, s.attr = text, attr
}

func (s *serializer) htmlChild(c *xmltree.Node, lines, raw bool) {
	switch kind := c.Kind(); {
	case kind == xmltree.Text && raw:
		s.parts(c.Value(), func(part string) { s.verbatim(part, "text without escapes", c.Parent()) })
	case kind == xmltree.Element && c.Space() == "":
		s.htmlElement(c, lines, raw)
	default:
		s.node(c, false)
	}
}

// block reports whether n is an element of HTML that begins and ends lines.
func block(n *xmltree.Node) bool {
	return n.Kind() == xmltree.Element && n.Space() == "" && htmlTags[strings.ToLower(n.Local())].block
}

// kept returns n or the first sibling after it that is no meta element with the
// encoding: what those say is said by the one that htmlMeta writes.
func kept(n *xmltree.Node) *xmltree.Node {
	for ; n != nil; n = n.Next() {
		if n.Kind() != xmltree.Element || n.Space() != "" || !strings.EqualFold(n.Local(), "meta") {
			return n
		}
		named := false
		for a := n.Attrs(); a != nil; a = a.Next() {
			named = named || a.Space() == "" && (strings.EqualFold(a.Local(), "charset") ||
				strings.EqualFold(a.Local(), "http-equiv") && strings.EqualFold(a.Value(), "Content-Type"))
		}
		if !named {
			return n
		}
	}
	return nil
}

// htmlMeta names the encoding in the head of a document.
func (s *serializer) htmlMeta() {
	media := s.out.mediaType
	if media == "" {
		media = "text/html"
	}
	s.put(`<meta http-equiv="Content-Type" content="`)
	s.escape(media, s.attr)
	s.put("; charset=")
	s.put(s.chars.charset.declared())
	s.put(`">`)
}

// htmlStart writes the start tag of n, whose name in lower case is tag.
func (s *serializer) htmlStart(n *xmltree.Node, tag string) {
	_, spaced := s.open(n)
	for i, a := 0, n.Attrs(); a != nil; i, a = i+1, a.Next() {
		s.buf = append(s.buf, ' ')
		if a.Space() != "" && spaced {
			s.qname(s.names[i], a.Local())
			s.htmlValue(a.Value())
			continue
		}
		s.buf = append(s.buf, a.Local()...)
		name := strings.ToLower(a.Local())
		switch known := htmlAttrs[name]; {
		case on(known.flag, tag) && strings.EqualFold(a.Value(), name):
		case on(known.uri, tag):
			s.htmlValue(escapeURI(a.Value()))
		default:
			s.htmlValue(a.Value())
		}
	}
	s.buf = append(s.buf, '>')
}

func (s *serializer) htmlValue(v string) {
	s.put(`="`)
	s.escape(v, s.attr)
	s.put(`"`)
}

// escapeURI writes what ASCII does not have as %XX of its UTF-8 (HTML 4, B.2.1).
func escapeURI(s string) string {
	n := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			n++
		}
	}
	if n == 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}
