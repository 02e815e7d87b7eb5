package xmltree

import (
	"fmt"
	"strconv"
	"strings"
)

// spelling finds out how names are written at a place of a tree: with which
// prefix, and which of them the tag must declare.
type spelling struct {
	prefixes map[string]*nameSpace
	none     *nameSpace     // of the empty prefix
	undo     []outer        // what prefixes stood for before
	tag      uint64         // counts start tags
	made     map[string]int // the k of prefix nsk that was made up for a namespace
	names    int            // the highest such k
	last     [64]spelt      // how names were written last
}

// nameSpace is a prefix and what it stands for at this place.
type nameSpace struct {
	name, uri string
	bound     bool
	tag       uint64 // the last start tag that declares or uses it
}

// outer is what a prefix stood for before a tag declared it.
type outer struct {
	of    *nameSpace
	uri   string
	bound bool
}

// spelt is a name and how it was written.
type spelt struct {
	name  *Name
	kind  Kind
	text  string
	space *nameSpace // what must stand for its namespace; nil: nothing
}

func newSpelling() spelling {
	s := spelling{prefixes: make(map[string]*nameSpace), made: make(map[string]int)}
	s.none = s.prefix("")
	s.none.bound = true
	return s
}

// reset goes back to the top of a tree.
func (s *spelling) reset() {
	s.leave(0)
	s.undo = emptied(s.undo)
	clear(s.made)
	s.names = 0
}

// prefix returns the state of a prefix.
func (s *spelling) prefix(prefix string) *nameSpace {
	x := s.prefixes[prefix]
	if x == nil {
		x = &nameSpace{name: strings.Clone(prefix)}
		s.prefixes[x.name] = x
	}
	return x
}

// declare makes a prefix stand for uri from the tag on that is being written.
func (s *spelling) declare(x *nameSpace, uri string) {
	s.undo = append(s.undo, outer{x, x.uri, x.bound})
	x.uri, x.bound, x.tag = uri, true, s.tag
}

// leave takes back the declarations from undo on.
func (s *spelling) leave(undo int) {
	for i := len(s.undo) - 1; i >= undo; i-- {
		o := s.undo[i]
		o.of.uri, o.of.bound = o.uri, o.bound
	}
	s.undo = s.undo[:undo]
}

// spell returns the name of an element or attribute as it must be written
// here, and declares its prefix if that is necessary.
func (s *spelling) spell(name *Name, kind Kind) (string, error) {
	local := name.Local
	if local == "" {
		return "", fmt.Errorf("%q is no XML name", local)
	}
	last := &s.last[(uint(len(local))+5*uint(local[0])+11*uint(local[len(local)-1]))%uint(len(s.last))]
	if last.name == name && last.kind == kind {
		switch x := last.space; {
		case x == nil:
			return last.text, nil
		case x.bound && x.uri == name.Space:
			if x != s.none {
				x.tag = s.tag
			}
			return last.text, nil
		}
	}
	text, x, err := s.spellAnew(name, kind)
	if err == nil {
		*last = spelt{name, kind, text, x}
	}
	return text, err
}

// spellAnew is spell for a name that was not written so before. It also
// returns what must stand for its namespace, or nil.
func (s *spelling) spellAnew(name *Name, kind Kind) (string, *nameSpace, error) {
	if !IsName(name.Local) {
		return "", nil, fmt.Errorf("%q is no XML name", name.Local)
	}
	switch {
	case name.Space == "" && kind == Element:
		if s.none.uri != "" {
			s.declare(s.none, "")
		}
		return name.Local, s.none, nil
	case name.Space == "":
		return name.Local, nil, nil
	case name.Space == XMLSpace:
		return "xml:" + name.Local, nil, nil
	case name.Space == xmlnsSpace:
		return "", nil, fmt.Errorf("no name can be in the namespace %q", xmlnsSpace)
	}
	free := kind == Element
	if name.Prefix != "" {
		free = IsName(name.Prefix) && name.Prefix != "xml" && name.Prefix != "xmlns"
	}
	var x *nameSpace
	if free {
		x = s.prefix(name.Prefix)
	}
	if !free || x.uri != name.Space && x.tag == s.tag {
		x = s.makePrefix(name.Space)
	}
	if !x.bound || x.uri != name.Space {
		s.declare(x, name.Space)
	}
	if x == s.none {
		return name.Local, x, nil
	}
	x.tag = s.tag
	return x.name + ":" + name.Local, x, nil
}

// makePrefix returns ns1, ns2 and so on, the same for a namespace each time
// unless it stands for something else at this place.
func (s *spelling) makePrefix(uri string) *nameSpace {
	for {
		k := s.made[uri]
		if k == 0 {
			s.names++
			k = s.names
			s.made[uri] = k
		}
		x := s.prefix("ns" + strconv.Itoa(k))
		if x.uri == uri || x.tag != s.tag {
			return x
		}
		s.made[uri] = 0
	}
}
