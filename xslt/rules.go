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
	{ID: "XT002", Title: "unsupported version of XSLT", Help: "Stylesheets are run as XSLT 1.0; write version=\"1.0\" if nothing newer is used."},
	{ID: "XT003", Title: "unknown XSLT element", Help: "An element in the namespace of XSLT must be one of XSLT 1.0; look for a slip of the pen."},
	{ID: "XT004", Title: "element or attribute that is not supported", Help: "It belongs to XSLT or an extension of it but is not carried out; it is refused so that it is never passed over in silence."},
	{ID: "XT005", Title: "element in the wrong place", Help: "Each XSLT element has its places: the top level, the body of a template, or below one kind of element."},
	{ID: "XT006", Title: "unknown attribute", Help: "An XSLT element has only the attributes that the Recommendation gives it."},
	{ID: "XT007", Title: "missing attribute", Help: "The element means nothing without it; add it."},
	{ID: "XT008", Title: "wrong value of an attribute", Help: "The value is not one of the permitted words, not a name or not a number."},
	{ID: "XT009", Title: "content that is not allowed", Help: "Some elements must be empty or hold text or certain elements only; take the rest out."},
	{ID: "XT010", Title: "template that cannot be reached", Help: "A template needs match or name; mode and priority need match (XSLT 5.3, 6)."},
	{ID: "XT011", Title: "template name used twice", Help: "Names of templates are unique in a stylesheet; rename one of them."},
	{ID: "XT012", Title: "call of a template that does not exist", Help: "xsl:call-template needs a template of this name in the same stylesheet."},
	{ID: "XT013", Title: "variable declared twice", Help: "A variable must not hide another one of the same template, and top-level names are unique (XSLT 11.5)."},
	{ID: "XT014", Title: "variable defined by itself", Help: "Top-level variables may read each other in any order, but not in a circle (XSLT 11.4)."},
	{ID: "XT015", Title: "both select and content", Help: "The value of a variable, parameter or argument comes from one of the two (XSLT 11.2)."},
	{ID: "XT016", Title: "broken attribute value template", Help: "Expressions stand in single braces, a brace itself is doubled (XSLT 7.6.2)."},
	{ID: "XT017", Title: "undeclared namespace prefix", Help: "Declare the prefix with xmlns on this element or one around it."},
	{ID: "XT018", Title: "extension element", Help: "Extension elements of other processors are not carried out."},
	{ID: "XT019", Title: "script or file output", Help: "A stylesheet runs no script and writes no files: what it does must depend on its input alone."},
	{ID: "XT020", Title: "malformed xsl:choose", Help: "It holds one or more xsl:when and then at most one xsl:otherwise (XSLT 9.2)."},
	{ID: "XT021", Title: "argument passed twice", Help: "Each xsl:with-param of a call needs a name of its own."},
	{ID: "XT022", Title: "variable or current node in a pattern or key", Help: "Patterns and keys are looked at before any variable or current node is there (XSLT 5.3, 12.2, 12.4)."},
	{ID: "XT023", Title: "output setting without effect", Help: "The result is written as XML 1.0, in UTF-8 where the encoding is not known, and by no method of another processor; this is a warning."},
	{ID: "XT024", Title: "numbering setting without effect", Help: "xsl:number writes Latin letters, Roman and Arabic numbers; this is a warning."},

	{ID: "XT101", Title: "xsl:message ended the transformation", Help: "The stylesheet itself said terminate=\"yes\"; the message tells why."},
	{ID: "XT102", Title: "computed name that is no name", Help: "The name of an element, attribute or processing instruction made at run time must be an XML name with a declared prefix."},
	{ID: "XT103", Title: "attribute where none can be", Help: "Attributes are added to an element before its content (XSLT 7.1.3)."},
	{ID: "XT104", Title: "node where only text can be", Help: "The content of an attribute, comment or processing instruction is text."},
	{ID: "XT106", Title: "variable defined by itself", Help: "A top-level variable needs its own value, by way of a template, to get it."},
	{ID: "XT107", Title: "wrong value of an xsl:sort attribute", Help: "data-type is text or number, order ascending or descending, case-order upper-first or lower-first."},
	{ID: "XT110", Title: "failed expression", Help: "A function could not be carried out; the message tells why."},
	{ID: "XT111", Title: "source that cannot be transformed", Help: "A transformation starts at a document or an element; an attribute cannot stand alone."},
	{ID: "XT120", Title: "limit reached", Help: "The message names the limit, its value and its setting. Mostly a recursion without an end or a result that doubles itself."},
	{ID: "XT121", Title: "transformation stopped", Help: "Its time was up or its caller went away."},
	{ID: "XT130", Title: "character that the output encoding does not have", Help: "Text and attributes of XML and HTML get a reference instead; names, comments, processing instructions, scripts and plain text cannot (XSLT 16). Write encoding=\"UTF-8\" in xsl:output."},
}
