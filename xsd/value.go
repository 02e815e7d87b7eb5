package xsd

import (
	"cmp"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// value is what a text means as a value of a simple type.
type value struct {
	text   string // after white space was dealt with
	key    string // equal for equal values of one kind
	kind   string // name of the primitive type; of a list the empty string
	length int    // as the length facets count
	dec    decimal
	num    float64
	at     instant
	span   span
}

// same reports whether two values are equal, which those of two primitive
// types never are.
func (v value) same(w value) bool { return v.kind == w.kind && v.key == w.key }

// compare orders two values of one ordered primitive type; not known when the
// order of the type leaves it open.
func (v value) compare(w value) (c int, known bool) {
	switch v.kind {
	case "decimal":
		return v.dec.compare(w.dec), true
	case "float", "double":
		if math.IsNaN(v.num) || math.IsNaN(w.num) {
			return 0, math.IsNaN(v.num) && math.IsNaN(w.num)
		}
		return cmp.Compare(v.num, w.num), true
	case "duration":
		return v.span.compare(w.span)
	}
	return v.at.compare(w.at)
}

// primitive is a way to read text as a value.
type primitive struct {
	name   string // what values are compared as
	want   string // what is wanted, for messages
	facets facet  // those that may restrict it
	parse  func(text string, at *xmltree.Node) (value, bool)
}

// steps is what reading a value costs, measured against visiting a node.
func (p *primitive) steps() int {
	switch {
	case p == nil: // a list or union, whose items and members pay too
		return 1
	case p.name == "duration":
		return 16
	case p.facets&bounds != 0:
		return 3
	}
	return 2
}

// facet is a set of facets.
type facet uint16

const (
	lengthFacet facet = 1 << iota
	minLengthFacet
	maxLengthFacet
	patternFacet
	enumerationFacet
	whiteSpaceFacet
	maxInclusiveFacet
	maxExclusiveFacet
	minExclusiveFacet
	minInclusiveFacet
	totalDigitsFacet
	fractionDigitsFacet
)

const (
	lengths       = lengthFacet | minLengthFacet | maxLengthFacet
	bounds        = maxInclusiveFacet | maxExclusiveFacet | minExclusiveFacet | minInclusiveFacet
	textFacets    = lengths | patternFacet | enumerationFacet | whiteSpaceFacet
	orderedFacets = bounds | patternFacet | enumerationFacet | whiteSpaceFacet
	decimalFacets = orderedFacets | totalDigitsFacet | fractionDigitsFacet
	listFacets    = textFacets
	unionFacets   = patternFacet | enumerationFacet
)

// facetNames are the names of the facets in the order of their bits.
var facetNames = []string{"length", "minLength", "maxLength", "pattern", "enumeration", "whiteSpace",
	"maxInclusive", "maxExclusive", "minExclusive", "minInclusive", "totalDigits", "fractionDigits"}

// ofText makes a primitive whose values are characters that fulfil ok.
func ofText(name, want string, ok func(string) bool) *primitive {
	return &primitive{name, want, textFacets, func(s string, _ *xmltree.Node) (value, bool) {
		return value{text: s, key: s, kind: name, length: utf8.RuneCountInString(s)}, ok == nil || ok(s)
	}}
}

// ofDecimal makes a primitive of exact numbers that are written as ok says.
func ofDecimal(want string, ok func(string) bool) *primitive {
	return &primitive{"decimal", want, decimalFacets, func(s string, _ *xmltree.Node) (value, bool) {
		if ok != nil && !ok(s) {
			return value{}, false
		}
		d, ok := parseDecimal(s)
		return value{text: s, key: d.key(), kind: "decimal", dec: d}, ok
	}}
}

// ofFloat makes a primitive of IEEE numbers with that many bits.
func ofFloat(name string, bits int) *primitive {
	return &primitive{name, "a number, INF, -INF or NaN", orderedFacets, func(s string, _ *xmltree.Node) (value, bool) {
		var f float64
		switch s {
		case "INF":
			f = math.Inf(1)
		case "-INF":
			f = math.Inf(-1)
		case "NaN":
			f = math.NaN()
		default:
			if !isFloat(s) {
				return value{}, false
			}
			f, _ = strconv.ParseFloat(s, bits) // what is too large is infinite
		}
		return value{text: s, key: floatKey(f), kind: name, num: f}, true
	}}
}

func floatKey(f float64) string {
	if f == 0 {
		f = 0 // minus zero equals zero
	}
	return strconv.FormatFloat(f, 'x', -1, 64)
}

// isFloat reports whether s is a decimal number with an optional exponent.
func isFloat(s string) bool {
	mantissa, exponent, has := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, has = s[:i], s[i+1:], true
	}
	if _, ok := parseDecimal(mantissa); !ok {
		return false
	}
	return !has || isInteger(exponent)
}

// isInteger reports whether s is a whole number with an optional sign.
func isInteger(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	return s != "" && digits(s)
}

// ofInstant makes a primitive of dates and times with the given parts.
func ofInstant(name, want string, has parts) *primitive {
	return &primitive{name, want, orderedFacets, func(s string, _ *xmltree.Node) (value, bool) {
		t, ok := parseInstant(s, has)
		return value{text: s, key: t.key(), kind: name, at: t}, ok
	}}
}

func isBoolean(s string) bool { return s == "true" || s == "false" || s == "1" || s == "0" }

func parseBoolean(s string, _ *xmltree.Node) (value, bool) {
	key := "false"
	if s == "1" || s == "true" {
		key = "true"
	}
	return value{text: s, key: key, kind: "boolean"}, isBoolean(s)
}

func parseDuration(s string, _ *xmltree.Node) (value, bool) {
	d, ok := parseSpan(s)
	if !ok {
		return value{}, false
	}
	return value{text: s, key: d.key(), kind: "duration", span: d}, true
}

func parseHex(s string, _ *xmltree.Node) (value, bool) {
	for i := range len(s) {
		if !isHex(s[i]) {
			return value{}, false
		}
	}
	return value{text: s, key: strings.ToUpper(s), kind: "hexBinary", length: len(s) / 2}, len(s)%2 == 0
}

func parseBase64(s string, _ *xmltree.Node) (value, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(s, " ", ""))
	return value{text: s, key: string(b), kind: "base64Binary", length: len(b)}, err == nil
}

// parseQName reads a name whose prefix is declared at the node.
func parseQName(s string, at *xmltree.Node) (value, bool) {
	q, ok := resolve(s, at)
	return value{text: s, key: q.String(), kind: "QName", length: utf8.RuneCountInString(s)}, ok
}

// resolve returns the name that local or prefix:local means at a node; ok is
// false for what is no such name or has a prefix that is not declared.
func resolve(s string, at *xmltree.Node) (q qname, ok bool) {
	prefix, local, prefixed := strings.Cut(s, ":")
	if !prefixed {
		prefix, local = "", s
	}
	if !xmltree.IsName(local) || prefixed && !xmltree.IsName(prefix) {
		return qname{}, false
	}
	uri, ok := at.Lookup(prefix)
	return qname{uri, local}, ok
}

// qname is the expanded name of an element, attribute or component.
type qname struct{ space, local string }

// String returns local or {space}local.
func (q qname) String() string {
	if q.space == "" {
		return q.local
	}
	return "{" + q.space + "}" + q.local
}
