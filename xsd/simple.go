package xsd

import (
	"fmt"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// whiteSpace is what becomes of the white space of a value before it is read.
type whiteSpace uint8

const (
	preserve whiteSpace = iota
	replace
	collapsed
)

var whiteSpaces = []string{"preserve", "replace", "collapse"}

func (w whiteSpace) apply(s string) string {
	switch w {
	case replace:
		if strings.ContainsAny(s, "\t\r\n") {
			return strings.NewReplacer("\t", " ", "\r", " ", "\n", " ").Replace(s)
		}
	case collapsed:
		return collapse(s)
	}
	return s
}

// identity tells types whose values name elements.
type identity uint8

const (
	noIdentity identity = iota
	isID
	isIDREF
)

// simple is what a simple type, or a complex type with simple content, asks of
// a text. Exactly one of lex, item and members is set: an atomic type, a list,
// a union.
type simple struct {
	what    string // for messages, such as xs:int or type "colour"
	lex     *primitive
	item    *simple
	members []*simple
	lists   bool // its values may be lists
	white   whiteSpace
	id      identity

	length, minLength, maxLength int // -1: none
	totalDigits, fractionDigits  int
	patterns                     [][]*pattern // of each step of derivation one must match
	enum                         *enumeration
	lower, upper                 *bound
	fixed                        facet // those that no derivation may change
	own                          facet // those that were set in the last step
}

// enumeration is the list of values that are allowed.
type enumeration struct {
	keys  map[string]bool // kind and key
	texts []string
}

// bound is a least or greatest value.
type bound struct {
	value     value
	exclusive bool
}

// atomic returns a simple type without facets.
func atomic(what string, lex *primitive, white whiteSpace) *simple {
	return &simple{what: what, lex: lex, white: white, length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

// listOf returns the type of lists of item.
func listOf(what string, item *simple) *simple {
	s := atomic(what, nil, collapsed)
	s.item, s.lists = item, true
	return s
}

// facets returns the facets that may restrict s.
func (s *simple) facets() facet {
	switch {
	case s.item != nil:
		return listFacets
	case s.lex == nil:
		return unionFacets
	}
	return s.lex.facets
}

// fault says why a text is not a value: what is to be said about found.
type fault struct {
	rule, found, msg, hint string
}

// String is the whole message. Who may not show what was found says so.
func (f *fault) String() string { return strconv.Quote(clipped(f.found)) + " " + f.msg }

// misread makes the fault of a text that cannot be read.
func (s *simple) misread(text, want string) *fault {
	return &fault{"XS107", text, fmt.Sprintf("is not of %s: want %s", s.what, want), ""}
}

// breach makes the fault of a value that breaks a facet.
func (s *simple) breach(v value, format string, args ...any) *fault {
	return &fault{"XS108", v.text, fmt.Sprintf(format, args...), ""}
}

// meter pays for the reading of values and hears of the IDs among them: a
// validator, or the compiler, which reads defaults and the values of facets.
// When it can pay no more the reading ends without a fault; who asked for the
// value must ask the meter too.
type meter interface {
	pay(steps int) bool
	named(at *xmltree.Node, id identity, text string)
}

// read returns the value that text means at a node, whose declarations give
// prefixes their meaning.
func (s *simple) read(text string, at *xmltree.Node, m meter) (value, *fault) {
	if !m.pay(s.lex.steps() + len(text)/16) {
		return value{}, nil
	}
	text = s.white.apply(text)
	v, f := s.parse(text, at, m)
	if f == nil {
		f = s.restrict(v, m)
	}
	if f == nil && s.id != noIdentity {
		m.named(at, s.id, text)
	}
	return v, f
}

// parse reads text without the facets of s.
func (s *simple) parse(text string, at *xmltree.Node, m meter) (value, *fault) {
	switch {
	case s.item != nil:
		return s.parseList(text, at, m)
	case s.lex == nil:
		for _, member := range s.members {
			if v, f := member.read(text, at, m); f == nil {
				return v, nil
			}
		}
		return value{}, s.misread(text, s.wanted())
	}
	v, ok := s.lex.parse(text, at)
	if !ok {
		return v, s.misread(text, s.wanted())
	}
	return v, nil
}

func (s *simple) parseList(text string, at *xmltree.Node, m meter) (value, *fault) {
	var keys strings.Builder
	v := value{text: text}
	for item := range strings.FieldsSeq(text) {
		w, f := s.item.read(item, at, m)
		if f != nil {
			f.msg += " (item " + strconv.Itoa(v.length+1) + " of a list)"
			return v, f
		}
		v.length++
		fmt.Fprintf(&keys, "%s %d %s ", w.kind, len(w.key), w.key)
	}
	v.key = keys.String()
	return v, nil
}

// wanted describes the values of s for a message.
func (s *simple) wanted() string {
	switch {
	case s.enum != nil:
		return oneOf(s.enum.texts)
	case s.lex != nil:
		return s.lex.want
	case s.item != nil && s.item.lex != nil:
		return "a list, each item " + s.item.wanted()
	case s.item != nil:
		return "a list"
	}
	var words []string
	for _, m := range s.members[:min(len(s.members), 5)] {
		word := m.what
		if m.members == nil || m.enum != nil { // no deeper: unions may hold unions many times over
			word = m.wanted()
		}
		words = append(words, word)
	}
	return xmltree.List(words, "or")
}

// oneOf lists values for a message, each in quotes.
func oneOf(texts []string) string {
	var words []string
	for _, t := range texts[:min(len(texts), 8)] {
		words = append(words, strconv.Quote(clipped(t)))
	}
	if len(texts) > len(words) {
		return strings.Join(words, ", ") + ", …"
	}
	return xmltree.List(words, "or")
}

// restrict checks a value against the facets.
func (s *simple) restrict(v value, m meter) *fault {
	for _, step := range s.patterns {
		fits := false
		for _, p := range step {
			if !m.pay(1 + len(v.text)*p.states/16) {
				return nil
			}
			fits = fits || p.fits(v.text)
		}
		if !fits {
			return s.breach(v, "does not match the pattern %s of %s", patternsOf(step), s.what)
		}
	}
	if s.enum != nil && !s.enum.keys[v.kind+" "+v.key] {
		f := s.breach(v, "is not of %s: want %s", s.what, oneOf(s.enum.texts))
		if near := xmltree.Nearest(v.text, s.enum.texts); near != "" {
			f.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return f
	}
	if f := s.restrictLength(v); f != nil {
		return f
	}
	if f := s.restrictDigits(v); f != nil {
		return f
	}
	return s.restrictBounds(v)
}

// patternsOf lists patterns for a message, as they are written.
func patternsOf(step []*pattern) string {
	var words []string
	for _, p := range step[:min(len(step), 3)] {
		words = append(words, `"`+clipped(p.text)+`"`)
	}
	if len(step) > len(words) {
		words = append(words, "…")
	}
	return xmltree.List(words, "or")
}

// counts reports whether the length facets mean anything for s: they do not
// for qualified names, whose length depends on the prefix.
func (s *simple) counts() bool { return s.lex == nil || s.lex.name != "QName" }

func (s *simple) restrictLength(v value) *fault {
	if !s.counts() {
		return nil
	}
	unit := "characters"
	switch {
	case s.item != nil:
		unit = "items"
	case v.kind == "hexBinary" || v.kind == "base64Binary":
		unit = "bytes"
	}
	switch {
	case s.length >= 0 && v.length != s.length:
		return s.breach(v, "has %d %s: %s wants %d", v.length, unit, s.what, s.length)
	case s.minLength >= 0 && v.length < s.minLength:
		return s.breach(v, "has %d %s: %s wants %d or more", v.length, unit, s.what, s.minLength)
	case s.maxLength >= 0 && v.length > s.maxLength:
		return s.breach(v, "has %d %s: %s wants %d or fewer", v.length, unit, s.what, s.maxLength)
	}
	return nil
}

func (s *simple) restrictDigits(v value) *fault {
	switch {
	case s.totalDigits >= 0 && v.dec.totalDigits() > s.totalDigits:
		return s.breach(v, "has %d digits: %s wants %d or fewer", v.dec.totalDigits(), s.what, s.totalDigits)
	case s.fractionDigits >= 0 && len(v.dec.frac) > s.fractionDigits:
		return s.breach(v, "has %d digits behind the point: %s wants %d or fewer", len(v.dec.frac), s.what, s.fractionDigits)
	}
	return nil
}

func (s *simple) restrictBounds(v value) *fault {
	if b := s.lower; b != nil && !b.below(v) {
		return s.breach(v, "is too small: %s wants %s", s.what, b.words("or more", "more than"))
	}
	if b := s.upper; b != nil && !b.above(v) {
		return s.breach(v, "is too large: %s wants %s", s.what, b.words("or less", "less than"))
	}
	return nil
}

func (b *bound) words(inclusive, exclusive string) string {
	if b.exclusive {
		return exclusive + " " + b.value.text
	}
	return b.value.text + " " + inclusive
}

// below reports whether b allows v as a lower bound.
func (b *bound) below(v value) bool {
	c, known := v.compare(b.value)
	return known && (c > 0 || c == 0 && !b.exclusive)
}

// above reports whether b allows v as an upper bound.
func (b *bound) above(v value) bool {
	c, known := v.compare(b.value)
	return known && (c < 0 || c == 0 && !b.exclusive)
}
