// Package xslt transforms xmltree trees with XSLT 1.0 stylesheets.
//
// Compile turns a stylesheet once into a Program: a tree of instruction nodes
// with compiled expressions, variables in numbered slots, and templates indexed
// by mode, kind and name of node. Nothing is parsed when it runs. All static
// errors of a stylesheet come out of one call, each with its place; what this
// package does not carry out is refused there, never ignored.
//
// Run walks the program over a source tree and builds the result straight into
// the target document. A Program is immutable and safe for many goroutines;
// what belongs to one run lives in a pooled state. A run sees no clock, no
// random number and nothing outside but what its Env hands in, so that equal
// inputs give equal results.
package xslt
