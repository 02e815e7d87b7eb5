package store

import (
	"errors"

	"modernc.org/sqlite"
)

// KeepFileLocks makes the locks of SQLite databases outlive any other close
// of the same file in this process, such as that of a provider which copies a
// database as a file. It counts for the whole process and must be called
// before the first database is opened; repeated calls are harmless. On systems
// without such locks it does nothing.
func KeepFileLocks() error {
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return err
	}
	return nil
}
