//go:build race

package crash_test

// raceEnabled makes a sample of the points enough: a plain build goes through
// all of them.
const raceEnabled = true
