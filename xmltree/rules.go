package xmltree

// Rules returns the rules of Parse by ID.
func Rules() []Rule {
	return []Rule{
		{"XML001", "encoding not supported", "A source is UTF-8, UTF-16, UTF-32 or has an encoding that the IANA lists, and declares which. Save it as UTF-8."},
		{"XML002", "bytes that are not of the encoding", "The source has another encoding than it declares, or was damaged. Without a declaration it is UTF-8."},
		{"XML003", "character not allowed", "XML 1.0 has no control characters but tab, line feed and carriage return, not even as references. Send other bytes as base64."},
		{"XML004", "wrong XML declaration", "The declaration is the first thing of a source and has version, encoding and standalone in this order; it may be left out."},
		{"XML005", "document type declaration", "A DTD can make a parser read files and grow without bounds, so none is read unless the caller asks for it. Write out what it would add. Where it is read it stands once, before the document element."},
		{"XML006", "wrong or unknown reference", "Without a DTD there are the five entities lt, gt, amp, apos and quot, and character references. A literal & is written &amp;."},
		{"XML007", "wrong name", "Names begin with a letter or _ and have at most one colon, between prefix and local name."},
		{"XML008", "wrong markup", "A tag is <name attribute=\"value\">, with white space before each attribute and quotes around each value. A literal < is written &lt;."},
		{"XML009", "attribute twice", "An attribute may be there once in an element. Two prefixes of one namespace make the same attribute."},
		{"XML010", "end tag does not match", "Elements are closed in the reverse order of their opening, with the name as it was written."},
		{"XML011", "element not closed", "The source ends inside of an element. It may have been cut."},
		{"XML012", "not one document element", "A document is one element that holds everything; outside of it are only comments, processing instructions and white space."},
		{"XML013", "]]> in text", "The end of a CDATA section cannot stand in text. Write ]]&gt;."},
		{"XML014", "wrong comment", "A comment begins with <!--, ends with --> and has no -- in between."},
		{"XML015", "CDATA section not closed", "A CDATA section ends with ]]>."},
		{"XML016", "wrong processing instruction", "A processing instruction is <?name data?>, with white space after the name."},
		{"XML017", "prefix not declared", "A prefix stands for a namespace that is declared with xmlns:prefix=\"…\" on the element or around it."},
		{"XML018", "namespace declaration not allowed", "The prefixes xml and xmlns and their namespaces are fixed, and a prefix cannot stand for nothing."},
		{"XML019", "too many bytes", "The source is larger than the setting allows. Send it in parts, or raise the setting."},
		{"XML020", "too deep", "Elements lie deeper in each other than the setting allows, which data seldom needs."},
		{"XML021", "too many nodes or too much text", "The trees of one transaction together hold more than the setting allows."},
		{"XML022", "wrong declaration in the DTD", "A document type declaration holds ENTITY, ATTLIST, ELEMENT and NOTATION declarations, comments, processing instructions and references to parameter entities, each in its form."},
		{"XML023", "entity that holds itself", "The text of an entity cannot refer to the entity, not even by way of others: it would never end."},
		{"XML024", "entity not allowed here", "The value of an attribute cannot take text from an external entity, nor a < from any, and an unparsed entity has no text."},
		{"XML025", "entity that holds half an element", "An element begins and ends in the same entity. Put both tags into it, or neither."},
		{"XML026", "external entity not read", "The text of an external entity is there only if the caller hands it in. Put it into the document."},
		{"XML027", "too many or too large entities", "Entities can make a small document grow without bounds, so what they add is limited. Write the text out, or raise the setting."},
		{"XML028", "parameter entity in the wrong place", "In the document itself a parameter entity holds whole declarations and stands between them. In the external subset it may also stand within one."},
	}
}
