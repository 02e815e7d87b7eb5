package store

import (
	"context"
	"os"
	"time"
)

// The checkpointer copies pages when the write-ahead log has grown by so much.
const (
	checkpointPause = 100 * time.Millisecond
	checkpointBytes = 4 << 20
)

// checkpointer copies the pages of SQLite's write-ahead log into the database
// apart from the writer, which need not wait for it then. It is not needed for
// correctness: when it fails the writer copies them.
func (s *Store) checkpointer() {
	defer close(s.checkpointed)
	if s.dialect.shared {
		return
	}
	db, err := connectSQLite(s.options.Path, s.options.VFS)
	if err != nil {
		s.log.Warn("cannot copy pages of the write-ahead log; the writer does it", "error", err)
		return
	}
	defer db.Close()
	tick := time.NewTicker(checkpointPause)
	defer tick.Stop()
	done := int64(0)
	for {
		select {
		case <-tick.C:
		case <-s.closing:
			return
		}
		info, err := os.Stat(s.options.Path + "-wal")
		if err != nil || s.failed.Load() != nil {
			continue
		}
		written := s.written.Load()
		if info.Size() < checkpointBytes || written-done < checkpointBytes {
			continue
		}
		done = written
		if _, err := db.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			s.log.Warn("cannot copy pages of the write-ahead log; the writer does it", "error", err)
		}
	}
}
