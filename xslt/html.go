package xslt

import (
	"fmt"
	"strings"

	"sutler/xmltree"
)

// The peculiarities of HTML 4 (section 16.2), in lower case.
var (
	htmlVoid = words(`area base basefont br col frame hr img input isindex link meta param`)
	htmlRaw  = words(`script style`)
	htmlFlag = words(`checked compact declare defer disabled ismap multiple nohref noresize noshade nowrap readonly selected`)
	htmlURI  = words(`action archive background cite classid codebase data href longdesc profile src usemap`)
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// htmlElement writes an element in no namespace as HTML.
func (s *serializer) htmlElement(n *xmltree.Node) {
	name := strings.ToLower(n.Local())
	s.put("<", n.Local())
	for a := n.Attrs(); a != nil; a = a.Next() {
		s.htmlAttr(a)
	}
	s.put(">")
	if name == "head" {
		s.htmlMeta(n)
	}
	if htmlVoid[name] {
		return
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Text && htmlRaw[name] {
			s.parts(c.Value(), func(part string) { s.put(part) })
			continue
		}
		s.node(c, false)
	}
	s.put("</", n.Local(), ">")
}

// htmlMeta names the encoding in the head of a document.
func (s *serializer) htmlMeta(head *xmltree.Node) {
	for c := head.FirstElement(); c != nil; c = c.NextElement() {
		if strings.EqualFold(c.Local(), "meta") && strings.EqualFold(c.Attr("http-equiv"), "Content-Type") {
			return
		}
	}
	media := s.out.MediaType
	if media == "" {
		media = "text/html"
	}
	s.put(`<meta http-equiv="Content-Type" content="`, escapeAttr(media), `; charset=UTF-8">`)
}

func (s *serializer) htmlAttr(a *xmltree.Node) {
	name := strings.ToLower(a.Local())
	if a.Space() == "" && htmlFlag[name] && strings.EqualFold(a.Value(), name) {
		s.put(" ", a.Local())
		return
	}
	v := a.Value()
	if a.Space() == "" && htmlURI[name] {
		v = escapeURI(v)
	}
	v = strings.NewReplacer("&{", "&{", "&", "&amp;", `"`, "&quot;").Replace(v)
	s.put(" ", a.Name().String(), `="`, v, `"`)
}

// escapeURI writes what ASCII does not have as %XX of its UTF-8.
func escapeURI(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
