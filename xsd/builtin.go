package xsd

import "sutler/xmltree"

// xsSpace is the namespace of XML Schema, xsiSpace that of its attributes in
// instances.
const (
	xsSpace  = "http://www.w3.org/2001/XMLSchema"
	xsiSpace = "http://www.w3.org/2001/XMLSchema-instance"
)

// The primitives of XML Schema, and of types derived from them whose lexical
// space is narrower.
var (
	anyText     = ofText("anySimpleType", "text", nil)
	stringText  = ofText("string", "text", nil)
	booleans    = &primitive{"boolean", "true, false, 1 or 0", patternFacet | whiteSpaceFacet, parseBoolean}
	decimals    = ofDecimal("a decimal number", nil)
	integers    = ofDecimal("a whole number", isInteger)
	floats      = ofFloat("float", 32)
	doubles     = ofFloat("double", 64)
	durations   = &primitive{"duration", "a duration such as P1DT12H", orderedFacets, parseDuration}
	dateTimes   = ofInstant("dateTime", "a date and time such as 2026-01-31T12:00:00Z", forms["dateTime"])
	times       = ofInstant("time", "a time such as 12:00:00", forms["time"])
	dates       = ofInstant("date", "a date such as 2026-01-31", forms["date"])
	yearMonths  = ofInstant("gYearMonth", "a year and month such as 2026-01", forms["gYearMonth"])
	years       = ofInstant("gYear", "a year such as 2026", forms["gYear"])
	monthDays   = ofInstant("gMonthDay", "a month and day such as --01-31", forms["gMonthDay"])
	daysOfMonth = ofInstant("gDay", "a day such as ---31", forms["gDay"])
	months      = ofInstant("gMonth", "a month such as --01", forms["gMonth"])
	hexes       = &primitive{"hexBinary", "pairs of hexadecimal digits", textFacets, parseHex}
	base64s     = &primitive{"base64Binary", "base64", textFacets, parseBase64}
	uris        = ofText("anyURI", "a URI", isURI)
	qnames      = &primitive{"QName", "a name whose prefix is declared", textFacets, parseQName}
	languages   = ofText("string", "a language such as en-GB", isLanguage)
	tokens      = ofText("string", "letters, digits and . - _ : without blanks", isToken)
	namesOfXML  = ofText("string", "a name of XML", isName)
	plainNames  = ofText("string", "a name without a colon", xmltree.IsName)
	entityNames = ofText("string", "the name of an unparsed entity; without a DTD there is none", func(string) bool { return false })
)

// integerRange are the types of whole numbers with their bounds.
var integerRanges = []struct{ name, base, least, most string }{
	{"nonPositiveInteger", "integer", "", "0"},
	{"negativeInteger", "nonPositiveInteger", "", "-1"},
	{"long", "integer", "-9223372036854775808", "9223372036854775807"},
	{"int", "long", "-2147483648", "2147483647"},
	{"short", "int", "-32768", "32767"},
	{"byte", "short", "-128", "127"},
	{"nonNegativeInteger", "integer", "0", ""},
	{"unsignedLong", "nonNegativeInteger", "", "18446744073709551615"},
	{"unsignedInt", "unsignedLong", "", "4294967295"},
	{"unsignedShort", "unsignedInt", "", "65535"},
	{"unsignedByte", "unsignedShort", "", "255"},
	{"positiveInteger", "nonNegativeInteger", "1", ""},
}

// anyType is the type of everything; anySimple that of every text.
var (
	anyType   = &typeDef{what: "xs:anyType", complex: true, content: mixedContent, anyAttr: &wildcard{any: true, process: lax}, model: anyModel()}
	anySimple = &typeDef{what: "xs:anySimpleType", base: anyType, method: restriction, simple: atomic("xs:anySimpleType", anyText, preserve)}
)

func anyModel() *model {
	p := &particle{min: 0, max: unbounded, any: &wildcard{any: true, process: lax}}
	m := &model{root: &particle{min: 1, max: 1, group: sequence, parts: []*particle{p}}}
	m.finish()
	return m
}

// builtins are the types of XML Schema by name.
var builtins = makeBuiltins()

func makeBuiltins() map[string]*typeDef {
	all := map[string]*typeDef{"anyType": anyType, "anySimpleType": anySimple}
	add := func(name, base string, s *simple) {
		s.what = "xs:" + name
		all[name] = &typeDef{what: s.what, base: all[base], method: restriction, simple: s}
	}
	for _, p := range []struct {
		name string
		lex  *primitive
	}{
		{"boolean", booleans}, {"decimal", decimals}, {"float", floats}, {"double", doubles}, {"duration", durations}, {"dateTime", dateTimes},
		{"time", times}, {"date", dates}, {"gYearMonth", yearMonths}, {"gYear", years}, {"gMonthDay", monthDays}, {"gDay", daysOfMonth},
		{"gMonth", months}, {"hexBinary", hexes}, {"base64Binary", base64s}, {"anyURI", uris}, {"QName", qnames},
	} {
		add(p.name, "anySimpleType", atomic("", p.lex, collapsed))
	}
	add("string", "anySimpleType", atomic("", stringText, preserve))
	add("normalizedString", "string", atomic("", stringText, replace))
	add("token", "normalizedString", atomic("", stringText, collapsed))
	add("language", "token", atomic("", languages, collapsed))
	add("NMTOKEN", "token", atomic("", tokens, collapsed))
	add("Name", "token", atomic("", namesOfXML, collapsed))
	add("NCName", "Name", atomic("", plainNames, collapsed))
	for _, n := range []struct {
		name string
		id   identity
		lex  *primitive
	}{{"ID", isID, plainNames}, {"IDREF", isIDREF, plainNames}, {"ENTITY", noIdentity, entityNames}} {
		s := atomic("", n.lex, collapsed)
		s.id = n.id
		add(n.name, "NCName", s)
	}
	for _, name := range []string{"NMTOKEN", "IDREF", "ENTITY"} {
		list := name + "S"
		if name == "ENTITY" {
			list = "ENTITIES"
		}
		s := listOf("", all[name].simple)
		s.minLength = 1
		add(list, "anySimpleType", s)
	}
	integer := atomic("", integers, collapsed)
	integer.fractionDigits, integer.fixed = 0, fractionDigitsFacet
	add("integer", "decimal", integer)
	for _, r := range integerRanges {
		s := *all[r.base].simple
		if r.least != "" {
			s.lower = &bound{value: number(r.least)}
		}
		if r.most != "" {
			s.upper = &bound{value: number(r.most)}
		}
		add(r.name, r.base, &s)
	}
	return all
}

// number returns the value of a decimal of this package's own.
func number(text string) value {
	v, ok := decimals.parse(text, nil)
	if !ok {
		panic("xsd: no number " + text)
	}
	return v
}
