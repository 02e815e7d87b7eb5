package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"time"

	"sutler"
)

const (
	groupAppends = 1024    // most Appends in one group
	groupBytes   = 4 << 20 // a group takes no further Append beyond this size
	indexPause   = 200 * time.Millisecond
	indexChanges = 1000 // most changed transactions that wait for a pause
)

// appending is one Append on its way to the writer.
type appending struct {
	lease   sutler.Lease
	records []sutler.Record
	encoded []byte
	done    chan error // buffered: the writer never waits for a caller
}

// task is any other change, done by the writer between two groups.
type task struct {
	do   func(*sql.Tx) error
	done chan error // buffered
}

// write is the writer. It takes what waits, makes it durable in one commit,
// and begins again, until the store is closed.
func (s *Store) write() {
	defer close(s.stopped)
	pause := time.NewTimer(indexPause)
	defer pause.Stop()
	var next *appending // taken from the channel, but for the group after
	for {
		first := next
		if first == nil {
			select {
			case first = <-s.appends:
			case t := <-s.tasks:
				t.done <- s.perform(t.do)
				continue
			case <-pause.C:
				s.saveIndex()
				continue
			case <-s.closing:
				s.saveIndex()
				return
			}
		}
		var together []*appending
		together, next = s.collect(first)
		s.commit(together)
		if s.index.changes() >= indexChanges {
			s.saveIndex()
		}
		pause.Reset(indexPause)
		runtime.Gosched() // lets the callers just answered come along with the next group
	}
}

// collect returns first and whatever else waits, as far as it fits into one
// group, and an Append that was taken and belongs into the group after.
func (s *Store) collect(first *appending) (together []*appending, next *appending) {
	together = append(together, first)
	size := len(first.encoded)
	for len(together) < groupAppends && size < groupBytes {
		select {
		case a := <-s.appends:
			if a.lease != first.lease || size+len(a.encoded) > groupBytes {
				return together, a
			}
			together = append(together, a)
			size += len(a.encoded)
		default:
			return together, nil
		}
	}
	return together, nil
}

// commit makes the records of all Appends durable as one group and answers
// each of them. They share one lease.
func (s *Store) commit(together []*appending) {
	err := s.commitGroup(together)
	for _, a := range together {
		if err == nil {
			a.done <- nil
			continue
		}
		own := *err // callers add to their error
		a.done <- &own
	}
}

func (s *Store) commitGroup(together []*appending) *sutler.Error {
	if failed := s.failed.Load(); failed != nil {
		return failed
	}
	g := group{sequence: s.last + 1, lease: together[0].lease}
	if newest := s.fences[g.lease.Engine]; g.lease.Fence != newest {
		return sutler.Errorf(sutler.LogRefused, "cannot write to the transaction log: engine %q comes with the number %d, and the newest given to it is %d", g.lease.Engine, g.lease.Fence, newest)
	}
	for _, a := range together {
		g.add(a.encoded)
	}
	if _, err := s.insert.Exec(g.sequence, string(g.lease.Engine), g.lease.Fence, g.records, g.digest()); err != nil {
		return s.fail(fmt.Errorf("cannot write group %d of the transaction log: %w", g.sequence, err))
	}
	s.last = g.sequence
	s.commits.Add(1)
	n := s.index.begin(&g)
	for _, a := range together {
		n.note(a.records)
	}
	n.end()
	return nil
}

// fail stops all writing until the store is opened again, because nobody
// knows what a database that failed once still keeps.
func (s *Store) fail(err error) *sutler.Error {
	failed := &sutler.Error{Code: sutler.LogFailed, Err: fmt.Errorf("%w; the transaction log takes nothing more until the store is opened again", err)}
	s.failed.Store(failed)
	s.log.Error("transaction log stopped", "error", err)
	return failed
}

// perform runs do in a database transaction, which an error undoes.
func (s *Store) perform(do func(*sql.Tx) error) error {
	if err := s.Err(); err != nil {
		return err
	}
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		own := *s.fail(fmt.Errorf("cannot commit to the database: %w", err))
		return &own
	}
	return nil
}

// change lets the writer perform do. Once handed over it is not abandoned, so
// that the caller knows how it ended.
func (s *Store) change(ctx context.Context, do func(*sql.Tx) error) error {
	t := &task{do: do, done: make(chan error, 1)}
	select {
	case s.tasks <- t:
		return <-t.done
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return sutler.Errorf(sutler.Stopping, "cannot write to the database: it is closed")
	}
}

// saveIndex writes what changed in the index to its table. An index that
// cannot be written is a database that cannot be trusted.
func (s *Store) saveIndex() {
	if s.failed.Load() != nil || s.index.changes() == 0 {
		return
	}
	err := s.perform(s.index.save)
	if err == nil {
		s.index.saved()
		return
	}
	if s.failed.Load() == nil {
		s.fail(fmt.Errorf("cannot write the index of the transaction log: %w", err))
	}
}
