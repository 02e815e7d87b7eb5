// Package xsd compiles schemas and checks trees against them: XML Schema 1.0
// as an xs:schema element, and XDR, the older XML-Data Reduced of Microsoft,
// as the content of a Schema element.
//
// Both become the same thing: element declarations with types, where a type has
// attributes, a content model and, for text, a simple type with facets. A
// content model is a tree of particles that is run as a deterministic
// automaton: for each child one way is taken, bounds of occurrence are
// counters, and no choice is ever taken back. A schema in which the way could
// not be known without looking ahead is refused when it is compiled, as
// everything that this package does not carry out. Patterns become Go regular
// expressions and match in linear time; numbers are compared digit by digit.
//
// A compiled Schema is never changed and may be used by many goroutines.
package xsd
