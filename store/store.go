// Package store keeps configuration and transaction log in one SQLite
// database.
//
// # The log
//
// The table log is the truth about transactions. It only grows: one row for
// each commit, with the records of all Appends that came together (group
// commit), and a digest of the row. One goroutine, the writer, does all the
// writing; whatever waits for it when it becomes free goes into the next row.
//
// # The index
//
// Where the records of a transaction lie, and its head (status, caller,
// times), is derived from the log by one function, note. It works in memory,
// right after the commit, before Append returns. Now and then, when the writer
// has nothing else to do or a thousand transactions have changed, it writes
// what changed to the table tx, together with the mark up to which groups are
// indexed, and forgets finished transactions. So nothing is updated on the way
// of an Append, and a reader looks into memory first, then into the table.
// Open loads the transactions that are not final from the table and lets note
// read the groups behind the mark; nothing is lost if the store died at any
// moment. The table can be emptied and the mark set to 0 while the store is
// closed: the next Open derives the index anew.
//
// # Damage
//
// A row whose digest does not fit is never used. Whoever reads it gets an
// error with code Corrupt that names its sequence number. If Open finds one
// behind the mark, it cannot know whose records it held; it then counts the
// row among those of every transaction that was not final at that place, so
// that none of them is ever undone or finished on half of its records.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sutler"
)

// ErrInUse says that another Store, of this or of another process, has the
// database open.
var ErrInUse = errors.New("another sutler uses it")

// Options say where the store lies.
type Options struct {
	Path string           // the database file; its directory is made when missing
	Log  *slog.Logger     // nil: nothing is logged
	Now  func() time.Time // the clock for times that the store itself sets; nil: time.Now
}

// Store is configuration store, transaction log and its monitor. Its methods
// may be called at the same time, Close excepted.
type Store struct {
	log   *slog.Logger
	now   func() time.Time
	lock  *os.File
	db    *sql.DB // one connection, used by the writer
	reads *sql.DB // a few connections that cannot write

	appends chan *appending // to the writer
	tasks   chan *task      // to the writer
	closing chan struct{}   // closed by Close
	stopped chan struct{}   // closed by the writer at its end
	close   sync.Once
	commits atomic.Int64
	index   index

	// Used by the writer alone.
	insert *sql.Stmt
	last   int64                     // sequence number of the newest group
	fences map[sutler.EngineID]int64 // newest fencing numbers

	failed atomic.Pointer[sutler.Error] // why no record is written any more; set by the writer alone
}

// Err returns why the store takes nothing more until it is opened again, with
// code LogFailed, or nil while it does. It may be called at any time.
func (s *Store) Err() error {
	if e := s.failed.Load(); e != nil {
		own := *e
		return &own
	}
	return nil
}

var (
	_ sutler.TransactionLog = (*Store)(nil)
	_ sutler.Config         = (*Store)(nil)
	_ sutler.Monitor        = (*Store)(nil)
)

// Open opens the database at o.Path, brings its tables up to date and
// recovers the log. What it makes only the owner can read: files have mode
// 0600, a new directory 0700. It fails with ErrInUse while another Store has
// the same database, and leaves a database of a newer version alone.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		log: o.Log, now: o.Now,
		appends: make(chan *appending), tasks: make(chan *task),
		closing: make(chan struct{}), stopped: make(chan struct{}),
		fences: map[sutler.EngineID]int64{},
		index:  index{entries: map[sutler.TransactionID]*entry{}},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx, o.Path); err != nil {
		s.release()
		return nil, fmt.Errorf("cannot open database %q: %w", o.Path, err)
	}
	go s.write()
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if s.lock, err = os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := lock(s.lock); err != nil {
		return err
	}
	if s.db, s.reads, err = openDatabase(ctx, path); err != nil {
		return err
	}
	if s.insert, err = s.db.PrepareContext(ctx, "INSERT INTO log (sequence, engine, fence, records, digest) VALUES (?, ?, ?, ?, ?)"); err != nil {
		return err
	}
	if err := s.loadFences(ctx); err != nil {
		return err
	}
	return s.loadIndex(ctx)
}

// Close lets the writer finish its group, writes the index and gives the
// database free. Appends that still wait fail with code LogFailed, and
// nothing of them was written; no other method may run meanwhile. It may be
// repeated and then does nothing. A Store that is not closed loses nothing.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		close(s.closing)
		<-s.stopped
		err = s.release()
	})
	return err
}

// release closes what is open.
func (s *Store) release() error {
	var errs []error
	if s.insert != nil {
		errs = append(errs, s.insert.Close())
	}
	if s.reads != nil {
		errs = append(errs, s.reads.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Commits returns how many groups of records this Store has made durable
// since Open.
func (s *Store) Commits() int64 { return s.commits.Load() }
