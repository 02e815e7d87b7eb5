package xslt

import (
	"slices"

	"sutler/xmltree"
)

// Rules returns all rules of this package in the order of their codes: those
// below XT100 are found when a stylesheet is compiled, the others when it runs.
// Errors in expressions and patterns have the rules of xpath.
func Rules() []xmltree.Rule { return slices.Clone(rules) }

var rules = []xmltree.Rule{
	{ID: "XT001", Title: "not a stylesheet", Help: "A stylesheet is an xsl:stylesheet or xsl:transform element, or a literal result element with xsl:version (XSLT 2.2, 2.3)."},
	{ID: "XT002", Title: "version that is no number", Help: "Stylesheets are run as XSLT 1.0; a version other than 1.0 turns on forwards-compatible processing (XSLT 2.5)."},
	{ID: "XT003", Title: "unknown XSLT element", Help: "An element in the namespace of XSLT must be one of XSLT 1.0; look for a slip of the pen."},
	{ID: "XT005", Title: "element in the wrong place", Help: "Each XSLT element has its places: the top level, the body of a template, or below one kind of element."},
	{ID: "XT006", Title: "unknown attribute", Help: "An XSLT element has only the attributes that the Recommendation gives it."},
	{ID: "XT007", Title: "missing attribute", Help: "The element means nothing without it; add it."},
	{ID: "XT008", Title: "wrong value of an attribute", Help: "The value is not one of the permitted words, not a name or not a number."},
	{ID: "XT009", Title: "content that is not allowed", Help: "Some elements must be empty or hold text or certain elements only; take the rest out."},
	{ID: "XT010", Title: "template that cannot be reached", Help: "A template needs match or name; mode and priority need match (XSLT 5.3, 6)."},
	{ID: "XT011", Title: "name used twice", Help: "Names of templates, and of functions, are unique among those of the same import precedence; rename one of them."},
	{ID: "XT012", Title: "call of a template that does not exist", Help: "xsl:call-template needs a template of this name in the same stylesheet."},
	{ID: "XT013", Title: "variable declared twice", Help: "A variable must not hide another one of the same template, and top-level names are unique (XSLT 11.5)."},
	{ID: "XT014", Title: "variable or attribute set defined by itself", Help: "Top-level variables and attribute sets may use each other in any order, but not in a circle (XSLT 11.4, 7.1.4)."},
	{ID: "XT015", Title: "both select and content", Help: "The value of a variable, parameter or argument comes from one of the two (XSLT 11.2)."},
	{ID: "XT016", Title: "broken attribute value template", Help: "Expressions stand in single braces, a brace itself is doubled (XSLT 7.6.2)."},
	{ID: "XT017", Title: "undeclared namespace prefix", Help: "Declare the prefix with xmlns on this element or one around it."},
	{ID: "XT018", Title: "extension element", Help: "Extension elements of other processors are not carried out; what their xsl:fallback holds is done instead (XSLT 14.1, 15)."},
	{ID: "XT019", Title: "script or file output", Help: "A stylesheet runs no script and writes no files: what it does must depend on its input alone."},
	{ID: "XT020", Title: "malformed xsl:choose", Help: "It holds one or more xsl:when and then at most one xsl:otherwise (XSLT 9.2)."},
	{ID: "XT021", Title: "argument passed twice", Help: "Each xsl:with-param of a call needs a name of its own."},
	{ID: "XT022", Title: "variable or current node in a pattern or key", Help: "Patterns and keys are looked at before any variable or current node is there (XSLT 5.3, 12.2, 12.4)."},
	{ID: "XT023", Title: "output setting without effect", Help: "The result is written as XML 1.0, in UTF-8 where the encoding is not known, and by no method of another processor; this is a warning."},
	{ID: "XT024", Title: "setting without effect", Help: "A setting of xsl:number, xsl:sort or xsl:decimal-format that changes nothing here; this is a warning."},
	{ID: "XT025", Title: "xsl:import after other elements", Help: "Imports come first in a stylesheet, so that what follows has the higher import precedence (XSLT 2.6.2)."},
	{ID: "XT026", Title: "stylesheet that brings in itself, or too many", Help: "xsl:include and xsl:import must not lead back to where they stand (XSLT 2.6), and bring in 1,000 stylesheets at most."},
	{ID: "XT027", Title: "stylesheet that cannot be brought in", Help: "xsl:include and xsl:import find what the caller hands over; in a procedure only a stylesheet element with an id in the same file, as #id."},
	{ID: "XT028", Title: "use of an attribute set that does not exist", Help: "use-attribute-sets names attribute sets of this stylesheet or of one that it brings in (XSLT 7.1.4)."},
	{ID: "XT029", Title: "extension function that is not there", Help: "It is an error only when it is called, so that a stylesheet may ask function-available() first (XSLT 14.2, 15); in a procedure it is refused."},
	{ID: "XT040", Title: "decimal format declared twice", Help: "A decimal format may be declared again only with the same values (XSLT 12.3)."},
	{ID: "XT041", Title: "unknown key or decimal format", Help: "The name in a call of key() or format-number() needs an xsl:key or xsl:decimal-format that declares it (XSLT 12.2, 12.3)."},

	{ID: "XT101", Title: "xsl:message ended the transformation", Help: "The stylesheet itself said terminate=\"yes\"; the message tells why."},
	{ID: "XT102", Title: "computed name that is no name", Help: "The name of an element, attribute or processing instruction made at run time must be an XML name with a declared prefix."},
	{ID: "XT103", Title: "attribute where none can be", Help: "Attributes are added to an element before its content (XSLT 7.1.3)."},
	{ID: "XT104", Title: "node where only text can be", Help: "The content of an attribute, comment or processing instruction is text."},
	{ID: "XT106", Title: "variable defined by itself", Help: "A top-level variable needs its own value, by way of a template, to get it."},
	{ID: "XT107", Title: "wrong value of a computed attribute", Help: "An attribute of xsl:sort or xsl:number that is a template gave a value that the attribute cannot have; the message names what it may be."},
	{ID: "XT110", Title: "failed expression", Help: "A function could not be carried out; the message tells why."},
	{ID: "XT111", Title: "source that cannot be transformed", Help: "A transformation starts at a document or an element; an attribute cannot stand alone."},
	{ID: "XT112", Title: "xsl:apply-imports without a template rule", Help: "It continues the template rule that runs; there is none in a top-level variable, a function or an xsl:for-each (XSLT 5.6)."},
	{ID: "XT113", Title: "extension element that was reached", Help: "The element is not carried out and has no xsl:fallback to do in its place (XSLT 14.1, 15)."},
	{ID: "XT114", Title: "function that does not give one result", Help: "A func:function makes nothing but its func:result, and reaches one at most."},
	{ID: "XT115", Title: "document that cannot be read", Help: "The function document() finds what the caller hands over; what cannot be read is an empty node-set (XSLT 12.1)."},
	{ID: "XT120", Title: "limit reached", Help: "The message names the limit, its value and its setting. Mostly a recursion without an end or a result that doubles itself."},
	{ID: "XT121", Title: "transformation stopped", Help: "Its time was up or its caller went away."},
	{ID: "XT130", Title: "character that the output encoding does not have", Help: "Text and attributes of XML and HTML get a reference instead; names, comments, processing instructions, scripts and plain text cannot (XSLT 16). Write encoding=\"UTF-8\" in xsl:output."},
}
