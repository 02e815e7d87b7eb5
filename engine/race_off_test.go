//go:build !race

package engine_test

// crashStep makes TestCrash go through every crash point.
const crashStep = 1
