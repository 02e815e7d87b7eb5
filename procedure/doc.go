// Package procedure compiles namespace files, and the inline procedures of
// trusted requests, into programs that the engine walks.
//
// A file is judged in two passes. The grammar, a table of part B of the
// schema, finds what can be seen at one element: names, attributes, values,
// how often something may stand. The compiler then builds the program and
// finds what needs a wider view: scopes, loops, selects, tries, paths and
// templates. Link looks at the calls between all namespaces. Each problem has
// a rule (PR001 …), a place and a hint, and one run finds all of a file.
//
// A program is never changed once it is made and may be walked by many
// transactions at once. It keeps the document it was compiled from.
package procedure
