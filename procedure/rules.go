package procedure

import "sutler/xmltree"

// Rules returns the rules of namespace files and inline procedures, in the
// order of their codes. Those of paths and templates are in xpath and xslt.
func Rules() []xmltree.Rule { return append([]xmltree.Rule(nil), rules...) }

var rules = []xmltree.Rule{
	{ID: "PR001", Title: "the root element is not namespace", Help: "A namespace file is an XML document with the root element namespace, in no XML namespace or in that of the provisioning language."},
	{ID: "PR002", Title: "unknown element", Help: "The language has no such element; names are compared with regard to case."},
	{ID: "PR003", Title: "element in the wrong place", Help: "The element belongs elsewhere. The hint says where."},
	{ID: "PR004", Title: "element occurs too often", Help: "The element may stand there once only."},
	{ID: "PR005", Title: "element is missing", Help: "An element that must be there is not; a namespace needs at least one procedure."},
	{ID: "PR006", Title: "unknown attribute", Help: "The element does not have this attribute; names are compared with regard to case."},
	{ID: "PR007", Title: "attribute is missing", Help: "The element needs this attribute."},
	{ID: "PR008", Title: "attribute has a value that is not allowed", Help: "The hint names the values that are. Booleans are 0 and 1, also true and false."},
	{ID: "PR009", Title: "text where only elements may be", Help: "Text belongs into executeData, procedureData or providerContext, or into a template."},
	{ID: "PR010", Title: "attribute on the procedure of a request", Help: "The inline procedure of a trusted request has no name, no access and no type; attributes of procedure are for namespace files only."},
	{ID: "PR011", Title: "procedure name used twice", Help: "Names of procedures are unique in their namespace and compared without regard to case."},
	{ID: "PR012", Title: "provider procedure without a provider", Help: "A procedure without steps is carried out by the provider of its namespace, which the attribute providerSource names."},
	{ID: "PR013", Title: "second schema of one kind", Help: "A procedure has at most one inputSchema and one outputSchema."},
	{ID: "PR014", Title: "try without catch", Help: "Each try is followed by its catch, with nothing but comments between them."},
	{ID: "PR015", Title: "catch without try", Help: "A catch follows its try directly, on the same level, and belongs to that one only."},
	{ID: "PR016", Title: "where that is never reached", Help: "The first where of a select that matches wins, so a second one of the same value does nothing."},
	{ID: "PR017", Title: "unknown scope name", Help: "A scope is data, context, procedureData, executeData or the name of a forEach of the same step."},
	{ID: "PR018", Title: "scope that is not allowed here", Help: "select reads data or procedureData; when, repeat and forEach also the loops of their step, but neither context nor executeData."},
	{ID: "PR019", Title: "path that selects no nodes", Help: "Paths of transfers, loops, repeats and selects must select nodes. Only a when may have a condition instead."},
	{ID: "PR020", Title: "forEach with the name of a scope", Help: "A loop named data or context would hide the scope of that name."},
	{ID: "PR021", Title: "forEach name used twice", Help: "Names of loops are unique within their step."},
	{ID: "PR022", Title: "forEach root that is no earlier loop", Help: "Loops nest in document order; the root of a loop is data, procedureData or a loop before it."},
	{ID: "PR023", Title: "when with two conditions", Help: "A when tests a path or a select. For both write two when elements."},
	{ID: "PR024", Title: "when with half a condition", Help: "A when needs source and sourcePath, or select and case."},
	{ID: "PR025", Title: "unknown select", Help: "A when names a select that stands earlier in the same procedure."},
	{ID: "PR026", Title: "case that the select never has", Help: "No where, defaultCase or ifNullCase of the select gives this case, so the condition never holds."},
	{ID: "PR027", Title: "write that is ignored", Help: "Procedures can change neither transactionContext nor securityContext."},
	{ID: "PR028", Title: "move out of the context", Help: "The context is not taken apart: the node stays, and a copy goes to the destination."},
	{ID: "PR029", Title: "allowNullTransform without templates", Help: "The attribute says what an empty result of a transformation means; without templates there is none."},
	{ID: "PR030", Title: "namespace name used twice", Help: "Names of namespaces are compared without regard to case."},
	{ID: "PR031", Title: "call to an unknown namespace", Help: "No namespace of that name is registered. The call fails until it is."},
	{ID: "PR032", Title: "call to an unknown procedure", Help: "The namespace is there and has no procedure of that name. The call fails until it has."},
	{ID: "PR033", Title: "recursion without a condition", Help: "The procedures call each other in a circle without when, forEach, repeat or try on the way, so the calls end only at a limit."},
	{ID: "PR034", Title: "schema does not describe executeData", Help: "The root of what an input or output schema describes is the element executeData. A schema without it would refuse every call."},
	{ID: "PR035", Title: "validate on what is not checked", Help: "Only the input schema of a procedure is checked: an output schema and an empty one are not, and nobody calls the procedure of a request."},
	{ID: "PR036", Title: "stylesheet that cannot be included", Help: "A stylesheet of a namespace is there for the templates of its procedures, which include it by its id: every one has an id of its own."},
}
