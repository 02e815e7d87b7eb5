package xsd

import "sutler/xmltree"

// Rules returns the rules of schemas and of what is checked against them, in
// the order of their codes.
func Rules() []xmltree.Rule { return append([]xmltree.Rule(nil), rules...) }

var rules = []xmltree.Rule{
	{ID: "XS001", Title: "not a schema", Help: "A schema is an xs:schema of XML Schema, or the element Schema that holds one, or that holds ElementType and AttributeType of XDR."},
	{ID: "XS002", Title: "unknown element in a schema", Help: "The schema language has no such element there; names are compared with regard to case."},
	{ID: "XS003", Title: "element of a schema in the wrong place", Help: "The element belongs elsewhere, stands there too often, is missing, or is out of order."},
	{ID: "XS004", Title: "attribute not allowed in a schema", Help: "The element of the schema does not have this attribute, or not together with another one."},
	{ID: "XS005", Title: "attribute missing in a schema", Help: "The element of the schema needs this attribute."},
	{ID: "XS006", Title: "attribute of a schema has a value that is not allowed", Help: "The hint names what is wanted."},
	{ID: "XS007", Title: "text in a schema", Help: "Schemas hold text in annotations and descriptions only."},
	{ID: "XS008", Title: "declared twice", Help: "Names are unique among the types, the elements, the attributes and the groups of a schema, and among the attributes of a type."},
	{ID: "XS009", Title: "reference to nothing", Help: "The type, element, attribute or group that is named is not defined in this schema. A name without prefix is in the default namespace."},
	{ID: "XS010", Title: "not supported", Help: "This part of the schema language is not carried out. It is refused, because a schema that is accepted is checked whole."},
	{ID: "XS011", Title: "circular definition", Help: "A type cannot be derived from itself, a group cannot hold itself."},
	{ID: "XS012", Title: "facet does not apply", Help: "Each simple type has its facets: texts have lengths, numbers and dates have bounds, decimals have digits."},
	{ID: "XS013", Title: "facet has a wrong value", Help: "The value of a facet must be a value of the base type and may only narrow it."},
	{ID: "XS014", Title: "pattern cannot be used", Help: "Either it is no regular expression of XML Schema, or it is too large: a quantifier reaches to 1000, and patterns match in linear time."},
	{ID: "XS015", Title: "default or fixed value not allowed", Help: "A default or fixed value must be a value of the type that it is for."},
	{ID: "XS016", Title: "ambiguous content model", Help: "It must be known for each element by which part of the model it is let in, without looking at what follows."},
	{ID: "XS017", Title: "wrong numbers of occurrences", Help: "minOccurs is not more than maxOccurs, and two counted loops around the same element must not depend on each other."},
	{ID: "XS018", Title: "derivation not allowed", Help: "A type is derived from a type of the right kind that is not final, and a restriction allows nothing that its base does not allow."},
	{ID: "XS019", Title: "xs:all in the wrong place", Help: "An xs:all is the whole content of a type; its elements stand in any order, each at most once."},
	{ID: "XS020", Title: "one name with two types", Help: "Elements of one name in one content model have the same type."},
	{ID: "XS021", Title: "wrong identity constraint", Help: "Selectors and fields are paths of child steps; a keyref refers to a key or unique with as many fields."},
	{ID: "XS022", Title: "schema too large", Help: "Groups within groups and patterns multiply. There is a bound so that no schema takes the engine's memory."},
	{ID: "XS101", Title: "element not declared", Help: "The schema has no declaration for the element, and what is around it asks for one."},
	{ID: "XS102", Title: "element not expected", Help: "The content model does not let this element in at this place. The message says what may come here."},
	{ID: "XS103", Title: "element missing", Help: "The content ends before everything that must be there has come."},
	{ID: "XS104", Title: "text not allowed", Help: "The element holds elements alone, or nothing."},
	{ID: "XS105", Title: "attribute not allowed", Help: "The type of the element does not have this attribute."},
	{ID: "XS106", Title: "attribute missing", Help: "The type of the element asks for this attribute."},
	{ID: "XS107", Title: "value not of its type", Help: "The text cannot be read as a value of the type."},
	{ID: "XS108", Title: "value outside of its type's bounds", Help: "The value breaks a facet: a length, a bound, a pattern or the list of values."},
	{ID: "XS109", Title: "not the fixed value", Help: "The schema fixes the value; it may be left out or be just this one."},
	{ID: "XS110", Title: "xsi:type, xsi:nil or an abstract element", Help: "xsi:type names a type derived from the declared one, xsi:nil is for nillable elements without content, and what is abstract needs one or a substitute."},
	{ID: "XS111", Title: "ID twice or missing", Help: "An ID names one element of the document, and an IDREF names an ID that is there."},
	{ID: "XS112", Title: "key twice or missing", Help: "The values that a unique or key selects differ from each other, and a keyref names one of them."},
	{ID: "XS113", Title: "element in text", Help: "The type holds text alone."},
	{ID: "XS120", Title: "limit reached while checking", Help: "Checking the data costs more than the setting allows."},
}
