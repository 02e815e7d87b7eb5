package main

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestRestrict reads back what keeps secrets out of core dumps.
func TestRestrict(t *testing.T) {
	if err := restrict(); err != nil {
		t.Fatal(err)
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil || l.Cur != 0 || l.Max != 0 {
		t.Errorf("core dumps of up to %d, %d bytes (%v), want none", l.Cur, l.Max, err)
	}
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || d != 0 {
		t.Errorf("dumpable is %d (%v), want 0", d, err)
	}
}
