package xslt

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// Serialize writes the children of root, a result of Run, by the output method
// of p: as XML, HTML or text, always in UTF-8. What disable-output-escaping
// asks for happens here. It fails only when w does.
func (p *Program) Serialize(w io.Writer, root *xmltree.Node) error {
	s := &serializer{w: bufio.NewWriter(w), out: p.output, raw: p.raw}
	switch s.method(root) {
	case "text":
		s.plain(root)
	case "html":
		s.html = true
		s.document(root)
	default:
		if !p.output.OmitDeclaration {
			s.declaration()
		}
		s.document(root)
	}
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	return nil
}

// serializer writes one result tree.
type serializer struct {
	w    *bufio.Writer
	out  output
	raw  bool // text may hold marks of disable-output-escaping
	html bool

	scope   []decl // namespaces in scope, the innermost last
	doctype bool   // written
	depth   int    // of lines
}

// method returns the output method (section 16).
func (s *serializer) method(root *xmltree.Node) string {
	if s.out.Method != "" {
		return s.out.Method
	}
	for c := root.First(); c != nil; c = c.Next() {
		switch {
		case c.Kind() == xmltree.Text && !blank(c.Value()):
			return "xml"
		case c.Kind() != xmltree.Element:
		case c.Space() == "" && strings.EqualFold(c.Local(), "html"):
			return "html"
		default:
			return "xml"
		}
	}
	return "xml"
}

func (s *serializer) put(parts ...string) {
	for _, p := range parts {
		s.w.WriteString(p) // bufio keeps the error for Flush
	}
}

func (s *serializer) declaration() {
	s.put(`<?xml version="1.0" encoding="UTF-8"`)
	if s.out.Standalone != "" {
		s.put(` standalone="`, s.out.Standalone, `"`)
	}
	s.put("?>\n")
}

// document writes the children of root and ends with a line feed if lines are
// broken.
func (s *serializer) document(root *xmltree.Node) {
	first := true
	for c := root.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Element && !s.doctype {
			s.doctype = true
			s.writeDoctype(c)
		}
		if s.indents() && !first && c.Kind() != xmltree.Text {
			s.put("\n")
		}
		first = false
		s.node(c, s.indents())
	}
	if s.indents() && root.First() != nil {
		s.put("\n")
	}
}

func (s *serializer) indents() bool { return s.out.Indent && !s.html }

func (s *serializer) writeDoctype(root *xmltree.Node) {
	public, system := s.out.DoctypePublic, s.out.DoctypeSystem
	if system == "" && (public == "" || !s.html) {
		return
	}
	s.put("<!DOCTYPE ", s.name(root, false))
	switch {
	case public == "":
		s.put(" SYSTEM")
	default:
		s.put(` PUBLIC "`, public, `"`)
	}
	if system != "" {
		quote := `"`
		if strings.Contains(system, `"`) {
			quote = "'"
		}
		s.put(" ", quote, system, quote)
	}
	s.put(">\n")
}

// node writes n; break tells whether its content may be broken into lines.
func (s *serializer) node(n *xmltree.Node, breaks bool) {
	switch n.Kind() {
	case xmltree.Element:
		if s.html && n.Space() == "" {
			s.htmlElement(n)
		} else {
			s.element(n, breaks)
		}
	case xmltree.Text:
		s.text(n)
	case xmltree.Comment:
		s.put("<!--", n.Value(), "-->")
	case xmltree.ProcInst:
		s.put("<?", n.Local())
		if n.Value() != "" {
			s.put(" ", n.Value())
		}
		if s.html {
			s.put(">")
		} else {
			s.put("?>")
		}
	}
}

// element writes n as XML.
func (s *serializer) element(n *xmltree.Node, breaks bool) {
	outer := len(s.scope)
	name := s.start(n)
	if n.First() == nil {
		s.put("/>")
		s.scope = s.scope[:outer]
		return
	}
	s.put(">")
	breaks = breaks && breakable(n)
	s.depth++
	for c := n.First(); c != nil; c = c.Next() {
		if breaks {
			s.line()
		}
		s.node(c, breaks)
	}
	s.depth--
	if breaks {
		s.line()
	}
	s.put("</", name, ">")
	s.scope = s.scope[:outer]
}

// start writes the start tag of n up to its > and returns its name.
func (s *serializer) start(n *xmltree.Node) string {
	outer := len(s.scope)
	for d := n.Decls(); d != nil; d = d.Next() {
		own := d.Local() == "" && n.Space() == ""
		if uri, _ := s.lookup(d.Local()); uri != d.Value() && !(own && d.Value() != "") {
			s.scope = append(s.scope, decl{d.Local(), d.Value()})
		}
	}
	name := s.name(n, true)
	var attrs []string
	for a := n.Attrs(); a != nil; a = a.Next() {
		attrs = append(attrs, s.attrName(a, outer))
	}
	s.put("<", name)
	for _, d := range s.scope[outer:] {
		s.put(" xmlns")
		if d.prefix != "" {
			s.put(":", d.prefix)
		}
		s.put(`="`, escapeAttr(d.uri), `"`)
	}
	for i, a := 0, n.Attrs(); a != nil; i, a = i+1, a.Next() {
		s.put(" ", attrs[i], `="`, escapeAttr(a.Value()), `"`)
	}
	return name
}

func (s *serializer) lookup(prefix string) (uri string, ok bool) {
	for i := len(s.scope) - 1; i >= 0; i-- {
		if s.scope[i].prefix == prefix {
			return s.scope[i].uri, true
		}
	}
	return "", prefix == ""
}

// name returns the name of the element n and, if asked, declares its prefix.
func (s *serializer) name(n *xmltree.Node, declare bool) string {
	name := n.Name()
	if uri, ok := s.lookup(name.Prefix); declare && name.Prefix != "xml" && (!ok || uri != name.Space) {
		s.scope = append(s.scope, decl{name.Prefix, name.Space})
	}
	return name.String()
}

// attrName returns the name of the attribute a and declares its prefix. What
// was declared from outer on belongs to the same tag.
func (s *serializer) attrName(a *xmltree.Node, outer int) string {
	name := a.Name()
	if name.Space == "" || name.Space == xmltree.XMLSpace {
		return name.String()
	}
	uri, ok := s.lookup(name.Prefix)
	if name.Prefix != "" && ok && uri == name.Space {
		return name.String()
	}
	taken := slices.ContainsFunc(s.scope[outer:], func(d decl) bool { return d.prefix == name.Prefix })
	if name.Prefix == "" || taken {
		for i := 0; ; i++ {
			name.Prefix = "ns" + strconv.Itoa(i)
			if uri, ok := s.lookup(name.Prefix); !ok || uri == name.Space {
				break
			}
		}
	}
	s.scope = append(s.scope, decl{name.Prefix, name.Space})
	return name.String()
}

func (s *serializer) line() {
	s.put("\n", strings.Repeat("  ", s.depth))
}

// breakable reports whether the content of n may be broken into lines: it has
// no text.
func breakable(n *xmltree.Node) bool {
	if a := n.AttrNode(xmltree.XMLSpace, "space"); a != nil && a.Value() == "preserve" {
		return false
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Text {
			return false
		}
	}
	return true
}

// text writes the text node n.
func (s *serializer) text(n *xmltree.Node) {
	cdata := false
	if p := n.Parent(); !s.html && p != nil && p.Kind() == xmltree.Element {
		cdata = slices.ContainsFunc(s.out.CDATA, func(x xmltree.Name) bool { return p.Is(x.Space, x.Local) })
	}
	s.parts(n.Value(), func(part string) {
		if cdata {
			s.put("<![CDATA[", strings.ReplaceAll(part, "]]>", "]]]]><![CDATA[>"), "]]>")
		} else {
			s.put(escapeText(part))
		}
	})
}

// parts writes the parts of text that are marked raw as they are, and gives the
// others to f.
func (s *serializer) parts(text string, f func(string)) {
	for s.raw {
		before, rest, found := strings.Cut(text, rawBegin)
		if !found {
			break
		}
		if before != "" {
			f(before)
		}
		verbatim, after, _ := strings.Cut(rest, rawEnd)
		s.put(verbatim)
		text = after
	}
	if text != "" {
		f(text)
	}
}

// plain writes the text of the tree n alone.
func (s *serializer) plain(n *xmltree.Node) {
	for c := n.First(); c != nil; c = c.Next() {
		switch c.Kind() {
		case xmltree.Text:
			s.parts(c.Value(), func(part string) { s.put(part) })
		case xmltree.Element:
			s.plain(c)
		}
	}
}

func escapeText(s string) string {
	if !strings.ContainsAny(s, "&<>\r") {
		return s
	}
	return textEscapes.Replace(s)
}

func escapeAttr(s string) string {
	if !strings.ContainsAny(s, "&<\"\t\n\r") {
		return s
	}
	return attrEscapes.Replace(s)
}

var (
	textEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	attrEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#9;", "\n", "&#10;", "\r", "&#13;")
)
