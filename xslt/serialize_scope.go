package xslt

import (
	"slices"
	"strconv"

	"sutler/xmltree"
)

// scopeMark is a state of the namespaces in scope to return to.
type scopeMark struct {
	decls         int
	prefix, space string
}

func (s *serializer) mark() scopeMark { return scopeMark{len(s.scope), s.prefix, s.space} }

// leave ends the scope of an element.
func (s *serializer) leave(m scopeMark) {
	s.scope, s.prefix, s.space = s.scope[:m.decls], m.prefix, m.space
}

// start writes the start tag of n up to its > and returns the prefix of its
// name.
func (s *serializer) start(n *xmltree.Node) (prefix string) {
	prefix, spaced := s.open(n)
	for i, a := 0, n.Attrs(); a != nil; i, a = i+1, a.Next() {
		s.buf = append(s.buf, ' ')
		if spaced {
			s.qname(s.names[i], a.Local())
		} else {
			s.buf = append(s.buf, a.Local()...)
		}
		s.buf = append(s.buf, `="`...)
		s.escape(a.Value(), s.attr)
		s.buf = append(s.buf, '"')
	}
	return prefix
}

// open writes the start tag of n up to its attributes. spaced tells that
// s.names holds their prefixes, else they have none.
func (s *serializer) open(n *xmltree.Node) (prefix string, spaced bool) {
	outer := len(s.scope)
	name := n.Name()
	prefix = name.Prefix
	s.used = s.used[:0]
	if n.Decls() != nil || prefix != s.prefix || name.Space != s.space {
		prefix = s.bindName(n)
	} else {
		s.used = append(s.used, prefix)
	}
	spaced = s.bindAttrs(n)
	s.buf = append(s.buf, '<')
	if s.narrow {
		s.representable(name.String(), "the name of an element", n)
	}
	s.qname(prefix, name.Local)
	for _, d := range s.scope[outer:] {
		s.put(" xmlns")
		if d.prefix != "" {
			s.buf = append(s.buf, ':')
			s.verbatim(d.prefix, "a namespace prefix", n)
		}
		s.put(`="`)
		s.escape(d.uri, s.attr)
		s.buf = append(s.buf, '"')
	}
	return prefix, spaced
}

// qname writes a name.
func (s *serializer) qname(prefix, local string) {
	if prefix != "" {
		s.buf = append(s.buf, prefix...)
		s.buf = append(s.buf, ':')
	}
	s.buf = append(s.buf, local...)
}

// bindName brings the declarations of n into scope and returns the prefix to
// write its name with.
func (s *serializer) bindName(n *xmltree.Node) string {
	for d := n.Decls(); d != nil; d = d.Next() {
		prefix, uri := d.Local(), d.Value()
		switch {
		case prefix == "" && n.Space() == "" && uri != "": // it would take n into the namespace
		case prefix != "" && uri == "", prefix == "xml", prefix == "xmlns", uri == xmltree.XMLSpace:
		case slices.Contains(s.used, prefix):
		default:
			s.used = append(s.used, prefix)
			if have, _ := s.lookup(prefix); have != uri {
				s.scope = append(s.scope, decl{prefix, uri})
			}
		}
	}
	name := n.Name()
	if name.Space == "" {
		name.Prefix = ""
	}
	s.prefix, s.space = s.bind(name.Prefix, name.Space), name.Space
	return s.prefix
}

// bindAttrs notes the prefixes of the attributes of n in s.names. It reports
// false, and notes nothing, when they have none.
func (s *serializer) bindAttrs(n *xmltree.Node) bool {
	spaced := false
	for a := n.Attrs(); a != nil; a = a.Next() {
		if a.Space() != "" {
			spaced = true
		}
		if s.narrow {
			s.representable(a.Name().String(), "the name of an attribute", a)
		}
	}
	if !spaced {
		return false
	}
	s.names = s.names[:0]
	for a := n.Attrs(); a != nil; a = a.Next() {
		name := a.Name()
		switch {
		case name.Space == "":
			name.Prefix = ""
		case name.Prefix == "":
			name.Prefix = s.find(name.Space)
		default:
			name.Prefix = s.bind(name.Prefix, name.Space)
		}
		s.names = append(s.names, name.Prefix)
	}
	return true
}

// bind returns the prefix that stands for space in this tag: the given one if
// it is free. It is declared if that is necessary.
func (s *serializer) bind(prefix, space string) string {
	if space == xmltree.XMLSpace {
		return "xml"
	}
	if have, ok := s.lookup(prefix); ok && have == space {
		s.used = append(s.used, prefix)
		return prefix
	}
	if slices.Contains(s.used, prefix) || prefix == "xml" || prefix == "xmlns" {
		return s.find(space)
	}
	s.used = append(s.used, prefix)
	s.scope = append(s.scope, decl{prefix, space})
	return prefix
}

// find returns any prefix but the empty one that stands for space in this tag.
func (s *serializer) find(space string) string {
	if space == xmltree.XMLSpace {
		return "xml"
	}
	for i := len(s.scope) - 1; i >= 0; i-- {
		if d := s.scope[i]; d.uri == space && d.prefix != "" {
			if have, _ := s.lookup(d.prefix); have == space {
				s.used = append(s.used, d.prefix)
				return d.prefix
			}
		}
	}
	for i := 0; ; i++ {
		prefix := "ns" + strconv.Itoa(i)
		if _, bound := s.lookup(prefix); !bound {
			s.used = append(s.used, prefix)
			s.scope = append(s.scope, decl{prefix, space})
			return prefix
		}
	}
}

// lookup returns what prefix stands for; the empty one always stands for
// something.
func (s *serializer) lookup(prefix string) (uri string, ok bool) {
	for i := len(s.scope) - 1; i >= 0; i-- {
		if s.scope[i].prefix == prefix {
			return s.scope[i].uri, true
		}
	}
	return "", prefix == ""
}
