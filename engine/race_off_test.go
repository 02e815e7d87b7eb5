//go:build !race

package engine_test

// crashStep makes TestCrash go through every crash point.
const crashStep = 1

// trees is how many call trees TestTrees compares.
const trees = 100_000
