package main

import (
	"os"
	"runtime/debug"
)

const (
	// collectorPercent lets the heap of a server grow to so many times of what is
	// alive before it is collected. While the collector works, every caller pays:
	// beside a transformation that makes garbage as fast as it can a small one lost
	// half of its speed at Go's 100, and loses a tenth at this within mostHeap (make
	// bench, neighbour).
	collectorPercent = 1600
	// The heap at which the collector works as often as it must, however much it
	// may grow: a quarter of the memory, within these bounds.
	leastHeap = 128 << 20
	mostHeap  = 4 << 30
)

// tuneCollector makes the collector work seldom as long as there is memory,
// unless the environment says how often (GOGC, GOMEMLIMIT). restore undoes it.
func tuneCollector() (restore func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	percent := debug.SetGCPercent(collectorPercent)
	limit := debug.SetMemoryLimit(heapLimit(totalMemory()))
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// heapLimit returns the limit for a machine with so many bytes of memory; 0 is
// not known.
func heapLimit(total uint64) int64 {
	if total == 0 {
		return leastHeap * 2
	}
	return int64(min(max(total/4, leastHeap), mostHeap))
}
