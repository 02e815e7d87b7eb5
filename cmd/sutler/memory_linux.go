package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// totalMemory returns the bytes of memory that this process may use: those of
// its control group, if they are fewer than those of the machine.
func totalMemory() uint64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	total := uint64(info.Totalram) * uint64(info.Unit)
	group, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return total
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(string(group)), 10, 64); err == nil { // not "max"
		total = min(total, n)
	}
	return total
}
