package xmltree

import (
	"hash/maphash"
	"strings"
	"sync"
)

// symbol is a name as written. A parser knows what each one stood for last,
// so that a name that comes again costs a comparison.
type symbol struct {
	raw      string
	local    string
	prefix   *prefix // what comes before the colon, or the empty prefix
	prefixed bool
	declares *prefix // of an attribute xmlns or xmlns:prefix: what it declares
	hash     uint64

	plain     *Name // its local part in no namespace
	qualified *Name // the last name that it became in one

	next *symbol // the symbol that came after it last
}

// prefix is a namespace prefix and what it stands for at the place being read.
type prefix struct {
	name  string
	uri   string // as declared
	bound bool
	drops bool // uri becomes no namespace
	decl  *Name
}

// symbols holds the symbols and prefixes of a parser. They are kept from one
// source to the next; none holds on to a source.
type symbols struct {
	slots    []*symbol // open addressing, a power of two long
	count    int       // of symbols, prefixes and URIs
	bytes    int
	prefixes map[string]*prefix
	none     *prefix // the empty prefix
	first    symbol  // what comes before the first name
	last     *symbol // the name that was read last
	uris     map[string]string
}

// What a set of symbols may hold to be kept.
const (
	keptSymbols = 1024
	keptBytes   = 64 << 10
)

// seed makes the places of names in the tables of one process its own, so that
// no source can be written that makes them meet in one.
var seed = maphash.MakeSeed()

func newSymbols() *symbols {
	s := &symbols{slots: make([]*symbol, 64), prefixes: make(map[string]*prefix), uris: make(map[string]string)}
	s.none = s.prefix("")
	s.none.bound = true
	x := s.prefix("xml")
	x.uri, x.bound = XMLSpace, true
	s.last = &s.first
	return s
}

// keeps reports whether s is small enough for the next source.
func (s *symbols) keeps() bool { return s.count <= keptSymbols && s.bytes <= keptBytes }

// prefix returns the prefix of that name.
func (s *symbols) prefix(name string) *prefix {
	p := s.prefixes[name]
	if p == nil {
		name = strings.Clone(name)
		p = &prefix{name: name, decl: &Name{Local: name}}
		s.prefixes[name] = p
		s.count++
		s.bytes += len(name)
	}
	return p
}

// uri returns a copy of a namespace URI, the same each time.
func (s *symbols) uri(uri string) string {
	if u, ok := s.uris[uri]; ok {
		return u
	}
	u := strings.Clone(uri)
	s.uris[u] = u
	s.count++
	s.bytes += len(u)
	return u
}

// symbol returns the symbol of a name.
func (s *symbols) symbol(raw string) *symbol {
	hash := maphash.String(seed, raw)
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i] != nil; i = (i + 1) & mask {
		if x := s.slots[i]; x.hash == hash && x.raw == raw {
			return x
		}
	}
	x := s.make(raw, hash)
	s.slots[i] = x
	s.count++
	s.bytes += len(raw)
	if 2*s.count > len(s.slots) {
		s.grow()
	}
	return x
}

func (s *symbols) make(raw string, hash uint64) *symbol {
	raw = strings.Clone(raw)
	x := &symbol{raw: raw, hash: hash, local: raw, prefix: s.none}
	if before, local, ok := strings.Cut(raw, ":"); ok {
		x.local, x.prefix, x.prefixed = local, s.prefix(before), true
	}
	x.plain = &Name{Local: x.local}
	switch {
	case raw == "xmlns":
		x.declares = s.none
	case x.prefixed && x.prefix.name == "xmlns":
		x.declares = s.prefix(x.local)
	}
	return x
}

// grow makes room for more symbols.
func (s *symbols) grow() {
	old := s.slots
	s.slots = make([]*symbol, 2*len(old))
	mask := uint64(len(s.slots) - 1)
	for _, x := range old {
		if x == nil {
			continue
		}
		i := x.hash & mask
		for s.slots[i] != nil {
			i = (i + 1) & mask
		}
		s.slots[i] = x
	}
}

// parsers keeps what a parser can use again.
var parsers = sync.Pool{New: func() any { return &parser{symbols: newSymbols()} }}

// done puts p back for the next source, without a hold on this one.
func (p *parser) done() {
	for i := len(p.undo) - 1; i >= 0; i-- {
		p.undo[i].back()
	}
	if !p.symbols.keeps() {
		return
	}
	p.symbols.last = &p.symbols.first
	*p = parser{
		symbols: p.symbols,
		outer:   emptied(p.outer), open: emptied(p.open), undo: emptied(p.undo), tag: emptied(p.tag), buf: emptied(p.buf),
	}
	parsers.Put(p)
}

// emptied returns s without its content, and nil when it is large.
func emptied[T any](s []T) []T {
	if cap(s) > 256 {
		return nil
	}
	s = s[:cap(s)]
	clear(s)
	return s[:0]
}
