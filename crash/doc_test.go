// Package crash proves that nothing is half done whatever fails. It runs the
// stories of the engine and lets the log, or the disk under it, die at every
// single durable operation: before it, after it, in the middle of it; and
// again at every one of the recovery that follows. After each death the world,
// the log and the answers must agree (see check).
package crash_test
