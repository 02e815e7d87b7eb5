//go:build linux

package hostile

import (
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"sutler/sutlertest/hostilecase"
)

// report is what a child says of a case.
type report struct {
	Path    string
	Verdict string        // accepted, or refused and by what
	Said    string        // the error or the answer, its beginning
	Breach  string        // a rule of the house that was broken, or ""
	CPU     time.Duration // of all threads, and of processes that the case started
	Memory  int64         // bytes, the peak above what was there before
}

// measure runs f and notes what it took.
func (r *report) measure(f func()) error {
	debug.FreeOSMemory()
	idle, err := hostilecase.StatusBytes("VmRSS")
	if err != nil {
		return err
	}
	// From here on the peak counts, not what it took to make the texts.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return err
	}
	before, err := cpuUsed()
	if err != nil {
		return err
	}
	f()
	after, err := cpuUsed()
	if err != nil {
		return err
	}
	peak, err := hostilecase.StatusBytes("VmHWM")
	r.CPU, r.Memory = after-before, peak-idle
	return err
}

// cpuUsed returns the CPU time of this process and of those that it waited for.
func cpuUsed() (time.Duration, error) {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0, err
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum, nil
}
