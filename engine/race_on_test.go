//go:build race

package engine_test

// crashStep makes TestCrash go through a sample of the crash points only: the
// race detector is slow, and a plain build goes through all of them.
const crashStep = 7

// trees is how many call trees TestTrees compares: a sample, as the race
// detector is slow.
const trees = 5_000
