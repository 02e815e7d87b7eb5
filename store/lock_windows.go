package store

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock takes the operating system's exclusive lock on f or fails with ErrInUse.
// The lock ends when f is closed, also by the death of the process.
func lock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrInUse
	}
	return err
}
