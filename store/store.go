// Package store keeps configuration and transaction log in one database: a
// SQLite file of one program, or a PostgreSQL database that several share.
//
// # The log
//
// The table log is the truth about transactions. It only grows: one row for
// each commit, with the records of all Appends that came together (group
// commit). One goroutine, the writer, does all the writing of a program;
// whatever waits for it when it becomes free goes into the next row. The rows
// written under one lease form a chain: each holds a hash over itself and the
// row before it (see sutler.Link).
//
// # The index
//
// Where the records of a transaction lie, and its head (status, caller,
// times), is derived from the log by one function, note. It works in memory,
// right after the commit, before Append returns. Another goroutine, the
// indexer, writes what is finished to the table tx, together with a mark up to
// which each chain is told of, and then forgets it. So nothing is updated on
// the way of an Append, and a reader looks into memory first, then into the
// table. On SQLite the table lies in a file of its own, so that the two never
// wait for each other. The mark never passes a row that holds records of a
// transaction without a row in the table; Open and Lease let note read what
// lies behind it, so nothing is lost if the store died at any moment. The
// table and the marks can be emptied while the store is closed: the next Open
// derives them anew.
//
// # Failures
//
// When a commit fails nobody knows what the database still keeps. Then nothing
// more is written under any lease given until then, and the writer tries to
// open the database again, with growing pauses. It goes on when what the
// database shows is durable again, for those who take a new lease.
//
// # Damage
//
// A row whose link does not fit is never used. Whoever reads it gets an
// error with code Corrupt that names it. If it lies behind the mark, nobody
// knows whose records it held; it then counts among those of every
// transaction that was not final at that place, so that none of them is ever
// undone or finished on half of its records.
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

// Options say where the store lies: Path or Database is required.
type Options struct {
	Path     string           // a SQLite database file; its directory is made when missing
	Database string           // the address of a PostgreSQL database, postgres://…
	Log      *slog.Logger     // nil: nothing is logged
	Now      func() time.Time // the clock for times that the store itself sets; nil: time.Now
	Healed   func()           // called, from the writer, when the store takes leases again after a failure; must not block
	// AuditLevel says which finished transactions the audit log keeps; nil: sutler.AuditFlagged.
	AuditLevel func() sutler.AuditLevel
	VFS        string // name of the SQLite VFS to use; "" is that of the operating system
}

// Store is configuration store, transaction log and its monitor. Its methods
// may be called at the same time, Close excepted.
type Store struct {
	dialect dialect
	options Options
	log     *slog.Logger
	now     func() time.Time
	lock    *os.File
	db      *sql.DB                // what writes; one connection on SQLite
	reads   atomic.Pointer[sql.DB] // what reads

	appends      chan *appending // to the writer
	tasks        chan *task      // to the writer
	closing      chan struct{}   // closed by Close
	stopped      chan struct{}   // closed by the writer at its end
	checkpointed chan struct{}   // closed by the checkpointer at its end
	close        sync.Once
	commits      atomic.Int64
	written      atomic.Int64 // bytes of records
	records      atomic.Int64 // written
	index        index
	changed      watchers

	// Used by the writer alone.
	insert *sql.Stmt
	chains map[sutler.Lease]*chain // of the leases that were used here
	newest map[sutler.EngineID]int64
	stale  int64 // leases up to this number were given before a failure

	failed atomic.Pointer[sutler.Error] // why no record is written; set by the writer alone
}

// Err returns why the store takes nothing at present, with code LogFailed, or
// nil while it does. It may be called at any time.
func (s *Store) Err() error {
	if e := s.failed.Load(); e != nil {
		own := *e
		return &own
	}
	return nil
}

var (
	_ sutler.TransactionLog = (*Store)(nil)
	_ sutler.Leases         = (*Store)(nil)
	_ sutler.Config         = (*Store)(nil)
	_ sutler.Monitor        = (*Store)(nil)
)

// Open opens the database of o, brings its tables up to date and recovers the
// log. Files that it makes only the owner can read: they have mode 0600, a new
// directory 0700. It fails with ErrInUse while another Store has the same
// SQLite database, and leaves a database of a newer version alone.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{
		dialect: sqliteDialect, options: o, log: o.Log, now: o.Now,
		appends: make(chan *appending), tasks: make(chan *task),
		closing: make(chan struct{}), stopped: make(chan struct{}), checkpointed: make(chan struct{}),
		chains: map[sutler.Lease]*chain{}, newest: map[sutler.EngineID]int64{},
	}
	s.index.init()
	if o.AuditLevel != nil {
		s.index.level = o.AuditLevel
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	open, name := s.openFile, fmt.Sprintf("database %q", o.Path)
	if o.Database != "" {
		s.dialect, open, name = postgresDialect, s.openShared, "the PostgreSQL database"
	}
	if err := open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %s: %w", name, err), s.release())
	}
	go s.write()
	go s.indexer()
	go s.checkpointer()
	return s, nil
}

func (s *Store) openFile(ctx context.Context) error {
	path, err := filepath.Abs(s.options.Path)
	if err != nil {
		return err
	}
	s.options.Path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if s.lock, err = os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	if err := lock(s.lock); err != nil {
		return err
	}
	db, reads, err := openSQLite(ctx, path, s.options.VFS)
	if err != nil {
		return err
	}
	s.db = db
	s.reads.Store(reads)
	if s.index.db, err = openIndexFile(ctx, path, s.options.VFS); err != nil {
		return err
	}
	return s.ready(ctx, db)
}

func (s *Store) openShared(ctx context.Context) error {
	db, err := openPostgres(ctx, s.options.Database)
	if err != nil {
		return err
	}
	s.db, s.index.db, s.index.lazily = db, db, s.dialect.lazily
	reads, err := sql.Open("pgx", s.options.Database) // apart, so that readers keep no connection from the writer
	if err != nil {
		return withoutPassword(err)
	}
	reads.SetMaxOpenConns(readers)
	reads.SetMaxIdleConns(readers)
	s.reads.Store(reads)
	return s.ready(ctx, db)
}

// ready reads what memory must hold.
func (s *Store) ready(ctx context.Context, db *sql.DB) error {
	var err error
	if s.insert, err = db.PrepareContext(ctx, s.dialect.append); err != nil {
		return err
	}
	if err := s.index.number(ctx); err != nil {
		return err
	}
	if s.dialect.shared {
		return nil // what unfinished engines of others left is theirs
	}
	if err := s.passFences(ctx, db); err != nil {
		return err
	}
	names, err := s.engineNames(ctx, db)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.adopt(ctx, db, name); err != nil {
			return err
		}
	}
	return nil
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
		<-s.checkpointed
		s.index.stop()
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
	reads := s.reads.Load()
	if reads != nil && reads != s.db {
		errs = append(errs, reads.Close())
	}
	if s.index.db != nil && s.index.db != s.db {
		errs = append(errs, s.index.db.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	s.insert, s.db, s.lock, s.index.db = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Written returns how many records this Store has made durable since Open.
func (s *Store) Written() int64 { return s.records.Load() }

// Commits returns how many groups of records this Store has made durable
// since Open.
func (s *Store) Commits() int64 { return s.commits.Load() }
