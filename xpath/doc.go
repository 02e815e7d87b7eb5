// Package xpath is XPath 1.0 over the trees of package xmltree.
//
// An expression is compiled once (Compile) against what its host language lets
// it refer to (Static) and evaluated any number of times, by many goroutines
// at once, each with a Context of its own. Compilation finds every error that
// does not depend on data, folds constants, turns //x into one walk over the
// descendants and works out for each location path whether walking it meets
// the nodes in document order and only once; only where it may not is a set
// sorted. Paths are walked, not built set by set, so that the first node, the
// truth of a path or a comparison stop as soon as the answer is known. Steps
// down the tree that would meet nodes out of order or twice, as in //a/b or
// //a[1], are put together and swept in one walk (sweep.go).
//
// A walker does what is wanted at the last step of a path itself: collect,
// count, compare, add up. What an evaluation costs is counted in its Context and
// charged to the budget in batches (charge.go); there too the host language is
// asked whether to go on.
//
// CompilePattern compiles the patterns of XSLT 1.0, which are matched from
// right to left against one node.
//
// Section numbers in comments are those of the W3C Recommendation XML Path
// Language (XPath) Version 1.0, of 16 November 1999.
package xpath
