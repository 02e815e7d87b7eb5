package xslt

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"

	"sutler/xmltree"
)

// Serialize writes the children of root, a result of Run, by what xsl:output
// says: as XML, HTML or text, in its encoding. What disable-output-escaping asks
// for happens here. It fails when w does, and with an *xmltree.Problem when a
// character that the encoding does not have stands where no reference can. After
// an error a part of the result may have been written. It changes nothing and
// may be called by many goroutines at once as long as nobody edits the tree.
func (p *Program) Serialize(w io.Writer, root *xmltree.Node) error {
	s := p.serializer(w, &p.output.charset)
	s.result(root, true)
	return s.finish()
}

// Embed is Serialize for a result that becomes part of another text: always in
// UTF-8 and without XML and document type declarations.
func (p *Program) Embed(w io.Writer, root *xmltree.Node) error {
	s := p.serializer(w, &charset{})
	s.result(root, false)
	return s.finish()
}

// serializer writes one result tree. After an error it writes nothing more.
type serializer struct {
	p     *Program
	out   *output
	chars repertoire
	w     io.Writer
	coded *transform.Writer // w, for other encodings than UTF-8
	buf   []byte            // UTF-8
	bytes []byte            // of an encoding with a page
	err   error

	html       bool
	narrow     bool   // the encoding lacks characters
	text, attr *table // how to escape

	scope  []decl   // namespaces in scope, the innermost last
	prefix string   // what the element around is written with
	space  string   // what prefix stands for
	used   []string // prefixes that this tag relies on
	names  []string // prefixes of the attributes of this tag
	depth  int      // of lines
}

// bufferSize is how much is written at once; a serializer keeps its buffer if
// it is not much larger.
const bufferSize = 32 << 10

func (p *Program) serializer(w io.Writer, cs *charset) *serializer {
	s, ok := p.output.spare.Get().(*serializer)
	if !ok {
		s = &serializer{p: p, out: &p.output, buf: make([]byte, 0, 1024)}
	}
	s.w, s.narrow = w, cs.narrow
	if s.chars.charset != cs {
		s.chars = repertoire{charset: cs}
	}
	if cs.coder != nil {
		s.coded = transform.NewWriter(w, cs.coder.NewEncoder())
		s.w = s.coded
	}
	return s
}

// finish writes what is left, gives s back and returns the error. Nothing of the
// tree is kept.
func (s *serializer) finish() error {
	s.flush()
	if s.coded != nil {
		if err := s.coded.Close(); s.err == nil {
			s.err = err
		}
	}
	err := s.err
	if cap(s.buf) > 8*bufferSize {
		s.buf, s.bytes = nil, nil
	}
	clear(s.scope[:cap(s.scope)])
	clear(s.used[:cap(s.used)])
	clear(s.names[:cap(s.names)])
	*s = serializer{p: s.p, out: s.out, chars: s.chars, buf: s.buf[:0], bytes: s.bytes[:0], scope: s.scope[:0], used: s.used[:0], names: s.names[:0]}
	s.p.output.spare.Put(s)
	if err == nil {
		return nil
	}
	if problem, ok := err.(*xmltree.Problem); ok {
		return problem
	}
	return fmt.Errorf("cannot write the result: %w", err)
}

// flush writes what is in the buffer. What is not UTF-8 becomes U+FFFD.
func (s *serializer) flush() {
	if s.err == nil && len(s.buf) > 0 {
		out := s.buf
		switch page := s.chars.charset.page; {
		case page != nil:
			s.bytes = page.encode(s.bytes[:0], out)
			out = s.bytes
		case !utf8.Valid(out):
			out = bytes.ToValidUTF8(out, []byte("\uFFFD"))
		}
		_, s.err = s.w.Write(out)
	}
	s.buf = s.buf[:0]
}

func (s *serializer) put(text string) { s.buf = append(s.buf, text...) }

// result writes the children of root; whole adds the declarations.
func (s *serializer) result(root *xmltree.Node, whole bool) {
	switch s.method(root) {
	case "text":
		s.plain(root)
	case "html":
		s.html = true
		s.escapes(true)
		s.htmlDocument(root, whole)
	default:
		s.escapes(false)
		s.document(root, whole)
	}
}

// escapes chooses the tables of escapes.
func (s *serializer) escapes(html bool) {
	i := 0
	if html {
		i += 2
	}
	if s.narrow {
		i += 4
	}
	s.text, s.attr = &tables[i], &tables[i+1]
}

// method returns the output method (section 16).
func (s *serializer) method(root *xmltree.Node) string {
	if s.out.method != "" {
		return s.out.method
	}
	for c := root.First(); c != nil; c = c.Next() {
		switch c.Kind() {
		case xmltree.Text:
			if strings.Trim(c.Value(), " \t\r\n"+rawBegin+rawEnd) != "" {
				return "xml"
			}
		case xmltree.Element:
			if c.Space() == "" && strings.EqualFold(c.Local(), "html") {
				return "html"
			}
			return "xml"
		}
	}
	return "xml"
}

// document writes the children of root as XML. With one element and no text it
// is a document, else an external general parsed entity, which has neither
// standalone nor a document type (section 16.1).
func (s *serializer) document(root *xmltree.Node, whole bool) {
	elements, text, raw := 0, false, false
	for c := root.First(); c != nil; c = c.Next() {
		switch c.Kind() {
		case xmltree.Element:
			elements++
		case xmltree.Text:
			raw = raw || s.p.raw && strings.Contains(c.Value(), rawBegin)
			text = text || !blank(c.Value())
		}
	}
	// Text that is not escaped may be anything, also a document type.
	entity := !raw && (elements != 1 || text)
	if whole && s.out.omitDeclaration != "yes" {
		s.declaration(entity)
	}
	doctype := whole && !entity
	lines := s.out.indent == "yes"
	for c := root.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Element && doctype {
			doctype = false
			s.doctype(s.written(c))
		}
		s.node(c, lines)
		if lines && !text && (c.Kind() != xmltree.Text || c.Next() == nil) {
			s.put("\n")
		}
	}
}

// written returns the name that the outermost element n is written with.
func (s *serializer) written(n *xmltree.Node) string {
	outer := s.mark()
	prefix := s.bindName(n)
	s.leave(outer)
	return xmltree.Name{Prefix: prefix, Local: n.Local()}.String()
}

func (s *serializer) declaration(entity bool) {
	s.put(`<?xml version="1.0" encoding="`)
	s.put(s.chars.charset.declared())
	if s.out.standalone != "" && !entity {
		s.put(`" standalone="`)
		s.put(s.out.standalone)
	}
	s.put("\"?>\n")
}

// doctype writes the document type declaration, if there is one, for an
// outermost element of that name. XML has no public identifier alone.
func (s *serializer) doctype(name string) {
	public, system := s.out.doctypePublic, s.out.doctypeSystem
	if system == nil && (public == nil || !s.html) {
		return
	}
	s.put("<!DOCTYPE ")
	s.put(name)
	if public == nil {
		s.put(" SYSTEM")
	} else {
		s.put(` PUBLIC "`)
		s.put(*public)
		s.put(`"`)
	}
	if system != nil {
		quote := `"`
		if strings.Contains(*system, quote) {
			quote = "'"
		}
		s.put(" ")
		s.put(quote)
		s.verbatim(*system, "the system identifier", nil)
		s.put(quote)
	}
	s.put(">\n")
}

// node writes n; lines tells whether its content may be broken into lines.
func (s *serializer) node(n *xmltree.Node, lines bool) {
	switch n.Kind() {
	case xmltree.Element:
		switch {
		case !s.html:
			s.element(n, lines)
		case n.Space() == "":
			s.htmlElement(n, lines, false)
		default: // written as XML, but lines might be seen
			text, attr := s.text, s.attr
			s.escapes(false)
			s.element(n, false)
			s.text, s.attr = text, attr
		}
	case xmltree.Text:
		s.escaped(n)
	case xmltree.Comment:
		s.put("<!--")
		s.verbatim(n.Value(), "a comment", n)
		s.put("-->")
	case xmltree.ProcInst:
		s.put("<?")
		s.verbatim(n.Local(), "the name of a processing instruction", n)
		if n.Value() != "" {
			s.put(" ")
			s.verbatim(n.Value(), "a processing instruction", n)
		}
		if !s.html {
			s.put("?")
		}
		s.put(">")
	}
}

// element writes n as XML.
func (s *serializer) element(n *xmltree.Node, lines bool) {
	if len(s.buf) > bufferSize {
		s.flush()
	}
	outer := s.mark()
	prefix := s.start(n)
	if n.First() == nil {
		s.put("/>")
		s.leave(outer)
		return
	}
	s.buf = append(s.buf, '>')
	lines = lines && breakable(n)
	cdata := len(s.out.cdata) > 0 && s.sections(n)
	s.depth++
	for c := n.First(); c != nil; c = c.Next() {
		if lines {
			s.line()
		}
		switch kind := c.Kind(); {
		case kind == xmltree.Text && cdata:
			s.section(c)
		case kind == xmltree.Text:
			s.escaped(c)
		case kind == xmltree.Element && !s.html:
			s.element(c, lines)
		default:
			s.node(c, lines)
		}
	}
	s.depth--
	if lines {
		s.line()
	}
	s.buf = append(s.buf, "</"...)
	s.qname(prefix, n.Local())
	s.buf = append(s.buf, '>')
	s.leave(outer)
}

// sections reports whether the text of n is written as CDATA sections.
func (s *serializer) sections(n *xmltree.Node) bool {
	for _, name := range s.out.cdata {
		if n.Is(name.Space, name.Local) {
			return true
		}
	}
	return false
}

// line begins a line.
func (s *serializer) line() {
	s.buf = append(s.buf, '\n')
	for range s.depth {
		s.buf = append(s.buf, "  "...)
	}
}

// breakable reports whether the content of n may be broken into lines: it has
// no text.
func breakable(n *xmltree.Node) bool {
	if preserves(n) {
		return false
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Text {
			return false
		}
	}
	return true
}

func preserves(n *xmltree.Node) bool {
	a := n.AttrNode(xmltree.XMLSpace, "space")
	return a != nil && a.Value() == "preserve"
}
