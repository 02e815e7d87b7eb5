// Package xmltree holds XML documents as trees that can be read, edited,
// merged, compared and written back exactly.
//
// A Document owns its nodes: they come out of chunks that Release recycles as
// a whole, so that a transaction's trees cost the collector nothing. Names are
// interned, document order is numbered lazily, positions are computed from the
// kept source when somebody asks. Every parser error and every other
// diagnostic of the XML languages is a Problem: rule, file, line, column, the
// line of source with a caret, and what to do.
package xmltree
