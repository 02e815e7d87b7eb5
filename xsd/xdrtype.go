package xsd

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// dtString is the type of what has none: any text.
func dtString(what string) *simple { return atomic(what, stringText, preserve) }

// The primitives of XDR that XML Schema does not have.
var (
	dtChars  = ofText("string", "one character", func(s string) bool { return utf8.RuneCountInString(s) == 1 })
	dtBools  = &primitive{"boolean", "0, 1, true or false", 0, parseBoolean}
	dtNumber = &primitive{"decimal", "a number", orderedFacets, parseDTNumber}
	dtFloat  = &primitive{"double", "a number from -1.7976931348623157E+308 to 1.7976931348623157E+308", orderedFacets, dtReal(64)}
	dtSingle = &primitive{"float", "a number from -3.40282347E+38 to 3.40282347E+38", orderedFacets, dtReal(32)}
	dtFixed  = ofDecimal("a number of at most 14 digits before and 4 behind the point", isFixed)
	dtUUID   = ofText("uuid", "32 hexadecimal digits, with or without hyphens between them", isUUID)
)

// dtTypes are the types of XDR by name.
var dtTypes = makeDTTypes()

func makeDTTypes() map[string]*simple {
	all := map[string]*simple{}
	add := func(name string, lex *primitive) *simple {
		s := atomic("dt:"+name, lex, collapsed)
		all[name] = s
		return s
	}
	add("string", stringText).white = preserve
	add("char", dtChars).white = preserve
	add("boolean", dtBools)
	add("number", dtNumber)
	add("int", integers)
	for _, name := range []string{"float", "r8"} {
		add(name, dtFloat)
	}
	add("r4", dtSingle)
	add("fixed.14.4", dtFixed)
	for _, r := range []struct{ name, least, most string }{
		{"i1", "-128", "127"}, {"i2", "-32768", "32767"}, {"i4", "-2147483648", "2147483647"},
		{"i8", "-9223372036854775808", "9223372036854775807"}, {"ui1", "0", "255"}, {"ui2", "0", "65535"},
		{"ui4", "0", "4294967295"}, {"ui8", "0", "18446744073709551615"},
	} {
		s := add(r.name, integers)
		s.lower, s.upper = &bound{value: number(r.least)}, &bound{value: number(r.most)}
	}
	add("date", dtUnzoned("date", "a date such as 2026-01-31", forms["date"]))
	add("dateTime", dtMoment("a date with or without a time, such as 2026-01-31T12:00:00", false))
	add("dateTime.tz", dtMoment("a date with or without a time and a zone, such as 2026-01-31T12:00:00-08:00", true))
	add("time", dtUnzoned("time", "a time such as 12:00:00", forms["time"]))
	add("time.tz", ofInstant("time", "a time with or without a zone, such as 12:00:00-08:00", forms["time"]))
	add("bin.base64", base64s)
	add("bin.hex", hexes)
	add("uuid", dtUUID)
	add("uri", uris)
	add("id", namesOfXML).id = isID
	add("idref", namesOfXML).id = isIDREF
	add("entity", namesOfXML)
	add("nmtoken", tokens)
	add("enumeration", tokens)
	add("notation", namesOfXML)
	for name, item := range map[string]string{"idrefs": "idref", "entities": "entity", "nmtokens": "nmtoken"} {
		s := listOf("dt:"+name, all[item])
		s.minLength = 1
		all[name] = s
	}
	return all
}

// mostExponent bounds the exponents of dt:number, which is exact, to those of
// a double.
const mostExponent = 308

// parseDTNumber reads a number of any length, with an exponent if need be.
func parseDTNumber(s string, _ *xmltree.Node) (value, bool) {
	if !isFloat(s) {
		return value{}, false
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > mostExponent || n < -mostExponent {
			return value{}, false
		}
		exponent = n
	}
	d, ok := parseDecimal(shifted(mantissa, exponent))
	return value{text: s, key: d.key(), kind: "decimal", dec: d}, ok
}

// shifted moves the point of a number without exponent.
func shifted(s string, by int) string {
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	switch {
	case by > 0:
		frac += strings.Repeat("0", max(0, by-len(frac)))
		whole, frac = whole+frac[:by], frac[by:]
	case by < 0:
		whole = strings.Repeat("0", max(0, -by-len(whole))) + whole
		at := len(whole) + by
		whole, frac = whole[:at], whole[at:]+frac
	}
	return sign + whole + "." + frac
}

// dtReal reads a number that fits in that many bits.
func dtReal(bits int) func(string, *xmltree.Node) (value, bool) {
	name := map[int]string{32: "float", 64: "double"}[bits]
	return func(s string, _ *xmltree.Node) (value, bool) {
		if !isFloat(s) {
			return value{}, false
		}
		f, err := strconv.ParseFloat(s, bits)
		return value{text: s, key: floatKey(f), kind: name, num: f}, err == nil
	}
}

func isFixed(s string) bool {
	d, ok := parseDecimal(s)
	return ok && len(d.whole) <= 14 && len(d.frac) <= 4
}

// isUUID reports whether s is 32 hexadecimal digits; hyphens among them do not
// count.
func isUUID(s string) bool {
	n := 0
	for i := range len(s) {
		switch {
		case isHex(s[i]):
			n++
		case s[i] != '-' || i == 0 || i == len(s)-1:
			return false
		}
	}
	return n == 32
}

// dtUnzoned reads dates or times that may not have a time zone.
func dtUnzoned(name, want string, has parts) *primitive {
	return &primitive{name, want, orderedFacets, func(s string, _ *xmltree.Node) (value, bool) {
		t, ok := parseInstant(s, has)
		return value{text: s, key: t.key(), kind: name, at: t}, ok && !t.zoned
	}}
}

// dtMoment reads a date with an optional time, and a zone where that is said.
func dtMoment(want string, zoned bool) *primitive {
	return &primitive{"dateTime", want, orderedFacets, func(s string, _ *xmltree.Node) (value, bool) {
		has := forms["date"]
		if strings.Contains(s, "T") {
			has = forms["dateTime"]
		}
		t, ok := parseInstant(s, has)
		return value{text: s, key: t.key(), kind: "dateTime", at: t}, ok && (zoned || !t.zoned)
	}}
}

// xdrType returns the type that n names with dt:type, on itself or on its
// datatype, with its bounds; nil when it names none.
func (c *compiler) xdrType(n *xmltree.Node, what string) *simple {
	at := n
	xdrChildren(n, func(e *xmltree.Node) {
		if e.Local() != "datatype" {
			return
		}
		if at != n || dtAttr(n, "type") != nil {
			c.report(e, "XS008", "keep one of them", "%s has two types", what)
		}
		at = e
		if dtAttr(e, "type") == nil {
			c.report(e, "XS005", `add dt:type="…"`, "%q has no attribute %q", e.Local(), "dt:type")
		}
	})
	a := dtAttr(at, "type")
	base := dtString(what)
	if a != nil {
		if base = dtTypes[a.Value()]; base == nil {
			hint := "the types are " + xmltree.List(localNamesOf(dtTypes), "and")
			if near := xmltree.Nearest(a.Value(), localNamesOf(dtTypes)); near != "" {
				hint = "did you mean " + strconv.Quote(near) + "?"
			}
			c.report(a, "XS009", hint, "XDR has no type %q", clipped(a.Value()))
			return dtString(what)
		}
	}
	s := *base
	s.what = what
	if a != nil {
		s.what = what + " (dt:" + a.Value() + ")"
	}
	c.dtValues(&s, at, a)
	if !c.dtFacets(&s, base, at) && a == nil {
		return nil
	}
	return &s
}

func dtAttr(n *xmltree.Node, name string) *xmltree.Node {
	for _, space := range dtSpaces {
		if a := n.AttrNode(space, name); a != nil {
			return a
		}
	}
	return nil
}

// dtValues reads the values of an enumeration.
func (c *compiler) dtValues(s *simple, at, typ *xmltree.Node) {
	values := dtAttr(at, "values")
	listed := typ != nil && typ.Value() == "enumeration"
	switch {
	case values == nil && listed:
		c.report(at, "XS005", `add dt:values="…"`, "%s has no dt:values", s.what)
		return
	case values == nil:
		return
	case !listed:
		c.report(values, "XS012", `say dt:type="enumeration"`, "dt:values does not apply to %s", s.what)
		return
	}
	s.enum = &enumeration{keys: map[string]bool{}}
	for _, word := range strings.Fields(values.Value()) {
		v, ok := tokens.parse(word, nil)
		if !ok {
			c.report(values, "XS013", "", "dt:values cannot hold %q: want %s", clipped(word), tokens.want)
			continue
		}
		s.enum.keys[v.kind+" "+v.key] = true
		s.enum.texts = append(s.enum.texts, word)
	}
	if len(s.enum.texts) == 0 {
		c.report(values, "XS013", "", "dt:values is empty")
	}
}

// dtFacetOf are the facets behind the attributes of XDR.
var dtFacetOf = map[string]facet{
	"minLength": minLengthFacet, "maxLength": maxLengthFacet, "min": minInclusiveFacet, "max": maxInclusiveFacet,
	"minExclusive": minExclusiveFacet, "maxExclusive": maxExclusiveFacet,
}

// dtFacets reads the bounds of a type and reports whether there are any.
func (c *compiler) dtFacets(s, base *simple, at *xmltree.Node) bool {
	r := &restricting{c: c, base: base, s: s, d: at}
	for a := at.Attrs(); a != nil; a = a.Next() {
		f := dtFacetOf[a.Local()]
		if !slices.Contains(dtSpaces, a.Space()) || f == 0 {
			continue
		}
		if base.facets()&f == 0 {
			c.report(a, "XS012", "", "dt:%s does not apply to %s", a.Local(), s.what)
			continue
		}
		s.own |= f
		switch f {
		case minLengthFacet, maxLengthFacet:
			n, err := strconv.Atoi(a.Value())
			if err != nil || n < 0 || !digits(a.Value()) {
				c.report(a, "XS013", "", "dt:%s cannot be %q: want a whole number", a.Local(), clipped(a.Value()))
				continue
			}
			if f == minLengthFacet {
				s.minLength = n
			} else {
				s.maxLength = n
			}
		default:
			r.bound(f, a)
		}
	}
	r.agree()
	return s.own != 0
}
