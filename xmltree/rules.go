package xmltree

// Rules returns the rules of Parse by ID.
func Rules() []Rule {
	return []Rule{
		{"XML001", "encoding not supported", "A source is UTF-8, UTF-16 with a byte order mark, ISO-8859-1 or US-ASCII, and declares what it is. Save it as UTF-8."},
		{"XML002", "bytes that are not of the encoding", "The source has another encoding than it declares, or was damaged. Without a declaration it is UTF-8."},
		{"XML003", "character not allowed", "XML 1.0 has no control characters but tab, line feed and carriage return, not even as references. Send other bytes as base64."},
		{"XML004", "wrong XML declaration", "The declaration is the first thing of a source and has version, encoding and standalone in this order; it may be left out."},
		{"XML005", "document type declaration", "A DTD can make a parser read files and grow without bounds, so none is read. Write out what it would add."},
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
	}
}
