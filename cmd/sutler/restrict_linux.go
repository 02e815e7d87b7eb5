package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// restrict keeps the memory of this process, which holds keys and passwords,
// out of core dumps and from other processes of its account.
func restrict() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot switch core dumps off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot keep others from the memory of this process: %w", err)
	}
	return nil
}
