package main

import (
	"runtime/debug"
	"testing"
)

func TestHeapLimit(t *testing.T) {
	for total, want := range map[uint64]int64{0: 256 << 20, 256 << 20: 128 << 20, 2 << 30: 512 << 20, 64 << 30: 4 << 30} {
		if got := heapLimit(total); got != want {
			t.Errorf("heapLimit(%d) = %d, want %d", total, got, want)
		}
	}
}

func TestTuneCollector(t *testing.T) {
	before := debug.SetGCPercent(90)
	defer debug.SetGCPercent(before)
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	restore := tuneCollector()
	if got := percent(); got != collectorPercent {
		t.Errorf("the collector is at %d, want %d", got, collectorPercent)
	}
	restore()
	if got := percent(); got != 90 {
		t.Errorf("after that it is at %d, want 90", got)
	}
	t.Setenv("GOGC", "50")
	tuneCollector()()
	if got := percent(); got != 90 {
		t.Errorf("with GOGC it is at %d, want what it was, 90", got)
	}
}
