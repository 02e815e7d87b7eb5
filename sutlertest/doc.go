// Package sutlertest is the test kit of the house: a log that dies on command
// and the suites that every store and every provider passes. Only tests
// import it.
package sutlertest
