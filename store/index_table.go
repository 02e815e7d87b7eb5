package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"sutler"
)

// indexVersion is the user_version of an index file of this form. One of
// another form is emptied: what it held is derived anew.
const indexVersion = 1

const indexTables = `
DROP TABLE IF EXISTS tx;
DROP TABLE IF EXISTS mark;
CREATE TABLE tx (
	id TEXT PRIMARY KEY, started INTEGER NOT NULL, number INTEGER NOT NULL, engine TEXT NOT NULL, status TEXT NOT NULL,
	refused INTEGER NOT NULL, audited INTEGER NOT NULL, last INTEGER NOT NULL, kept INTEGER NOT NULL, entry BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tx_by_start ON tx (started, number);
CREATE INDEX tx_few ON tx (status, started, number) WHERE status <> 'committed';
CREATE INDEX tx_kept ON tx (started, number) WHERE kept > 0;
CREATE TABLE mark (fence INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
`

// openIndexFile opens the file of the index beside the database at path, and
// makes it anew when it is missing or cannot be used.
func openIndexFile(ctx context.Context, path, vfs string) (*sql.DB, error) {
	file := strings.TrimSuffix(path, ".db") + "-index.db"
	open := func() (*sql.DB, error) {
		if err := makeFile(file); err != nil {
			return nil, err
		}
		db, err := sql.Open("sqlite", dsn(file, vfs, "busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "wal_autocheckpoint(4000)"))
		if err != nil {
			return nil, err
		}
		var version int
		err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
		if err == nil && version != indexVersion {
			_, err = db.ExecContext(ctx, indexTables)
		}
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		return db, nil
	}
	db, err := open()
	if err == nil {
		return db, nil
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return open()
}

// The indexer saves when so much has changed or so much time has passed.
const (
	indexPause  = 200 * time.Millisecond
	indexMany   = 1000
	indexMost   = 20_000 // the writer waits while more are not saved
	indexRounds = 5      // unfinished transactions are saved when they are so many rounds old
)

// indexer writes the index until stop.
func (s *Store) indexer() {
	x := &s.index
	defer close(x.gone)
	pause := time.NewTicker(indexPause)
	defer pause.Stop()
	for {
		select {
		case <-x.wake:
		case <-pause.C:
		case <-x.quit:
			if err := x.save(true); err != nil {
				s.log.Warn("cannot write the index of the transaction log; it will be derived at the next start", "error", err)
			}
			return
		}
		err := x.save(false)
		x.failing.Store(err != nil)
		if err != nil {
			s.log.Error("cannot write the index of the transaction log", "error", err, "do", "free space or mend what the error names; it goes on by itself")
			select { // not again at once
			case <-pause.C:
			case <-x.quit:
				return
			}
		}
		select {
		case x.room <- struct{}{}:
		default:
		}
	}
}

// stop lets the indexer save everything, and waits for it.
func (x *index) stop() {
	close(x.quit)
	<-x.gone
}

// await tells the indexer when much waits, and makes the writer wait when too
// much does.
func (x *index) await(closing <-chan struct{}) {
	for {
		x.mu.RLock()
		waiting := len(x.finished)
		x.mu.RUnlock()
		if waiting >= indexMany {
			select {
			case x.wake <- struct{}{}:
			default:
			}
		}
		if waiting < indexMost || x.failing.Load() && waiting < 10*indexMost { // what cannot be written now can wait in memory for a while
			return
		}
		select {
		case <-x.room:
		case <-closing:
			return
		}
	}
}

// saving is an entry as it was when saving began.
type saving struct {
	e       *entry
	entry   entry
	version int64
	queued  bool // was among the finished
}

// save writes what is finished, and what has long been unfinished, or with
// all everything, with the marks up to which the table is then complete.
func (x *index) save(all bool) error {
	x.writes.Lock()
	defer x.writes.Unlock()
	batch, marks := x.take(all)
	if len(batch) == 0 && len(marks) == 0 {
		return nil
	}
	err := transact(context.Background(), x.db, func(tx *sql.Tx) error { return x.write(tx, batch, marks) })
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		for i := range batch {
			e := batch[i].e
			if batch[i].queued {
				e.waits = false
			}
			if x.entries[e.head.ID] == e {
				x.queue(e)
			}
		}
		return err
	}
	for fence, number := range marks {
		x.marked[fence] = number
	}
	for i := range batch {
		b := &batch[i]
		if b.e.row = true; b.queued { // else it may have been queued meanwhile
			b.e.waits = false
		}
		b.e.number = b.entry.number
		if b.e.version != b.version {
			b.e.saved = min(len(b.entry.groups), len(b.e.groups))
			x.queue(b.e)
			continue
		}
		b.e.head, b.e.groups, b.e.saved = b.entry.head, b.entry.groups, len(b.entry.groups)
		if st := b.e.head.Status; (st.Final() || st == "") && x.entries[b.e.head.ID] == b.e {
			delete(x.entries, b.e.head.ID)
		}
	}
	return nil
}

// take returns what is to be saved and the marks that hold when it is.
func (x *index) take(all bool) ([]saving, map[int64]int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.round++
	var batch []saving
	level := x.level()
	add := func(e *entry) {
		b := saving{e, *e, e.version, e.waits}
		if st := e.head.Status; st.Final() || st.Waiting() || st == "" {
			b.entry.kept = e.keeps(level, st)
		}
		batch = append(batch, b)
	}
	for _, e := range x.finished {
		add(e)
	}
	x.finished = nil
	lowest := map[int64]int64{} // by fence: the oldest row with records that the table will not tell of
	for _, e := range x.entries {
		if e.waits {
			continue
		}
		if e.saved < len(e.groups) && (all || e.head.Status.Waiting() || x.round-e.round >= indexRounds) {
			add(e)
			continue
		}
		for _, g := range e.groups[e.saved:] {
			fence, number := fenceOf(g), numberOf(g)
			if low, ok := lowest[fence]; !ok || number < low {
				lowest[fence] = number
			}
		}
	}
	marks := map[int64]int64{}
	for fence, number := range x.upTo {
		if low, ok := lowest[fence]; ok {
			number = low - 1
		}
		if number > x.marked[fence] {
			marks[fence] = number
		}
	}
	return batch, marks
}

// The rows of one statement: as many as there are of, or one.
const rowsAtOnce = 32

var upsertMany, upsertOne = upsert(rowsAtOnce), upsert(1)

func upsert(rows int) string {
	columns := strings.Count(entryColumns, ",") + 1
	var b strings.Builder
	b.WriteString("INSERT INTO tx (" + entryColumns + ") VALUES ")
	for i := range rows {
		open := ", ("
		if i == 0 {
			open = "("
		}
		for j := range columns {
			fmt.Fprintf(&b, "%s$%d", open, i*columns+j+1)
			open = ", "
		}
		b.WriteString(")")
	}
	b.WriteString(` ON CONFLICT (id) DO UPDATE SET started = excluded.started, number = excluded.number, engine = excluded.engine,
		status = excluded.status, refused = excluded.refused, audited = excluded.audited, last = excluded.last, entry = excluded.entry,
		kept = excluded.kept WHERE excluded.last > tx.last`)
	return b.String()
}

// write puts the batch and the marks into the tables.
func (x *index) write(tx *sql.Tx, batch []saving, marks map[int64]int64) error {
	if x.lazily != "" {
		if _, err := tx.Exec(x.lazily); err != nil {
			return err
		}
	}
	for i := range batch {
		if b := &batch[i]; !b.entry.fresh && !b.entry.row {
			if err := b.join(tx); err != nil {
				return fmt.Errorf("transaction %s: %w", b.entry.head.ID, err)
			}
		}
	}
	rest := batch
	if len(rest) >= rowsAtOnce {
		many, err := tx.Prepare(upsertMany)
		if err != nil {
			return err
		}
		defer many.Close()
		for ; len(rest) >= rowsAtOnce; rest = rest[rowsAtOnce:] {
			var values []any
			for i := range rest[:rowsAtOnce] {
				values = append(values, rest[i].entry.values()...)
			}
			if _, err := many.Exec(values...); err != nil {
				return err
			}
		}
	}
	for i := range rest {
		if _, err := tx.Exec(upsertOne, rest[i].entry.values()...); err != nil {
			return err
		}
	}
	for fence, number := range marks {
		if _, err := tx.Exec("INSERT INTO mark (fence, number) VALUES ($1, $2) ON CONFLICT (fence) DO UPDATE SET number = excluded.number WHERE excluded.number > mark.number", fence, number); err != nil {
			return err
		}
	}
	return nil
}

// join adds what the table has of the same transaction, which was finished and
// forgotten before more records came.
func (b *saving) join(tx *sql.Tx) error {
	before, err := scanEntry(tx.QueryRow("SELECT "+entryColumns+" FROM tx WHERE id = $1", string(b.entry.head.ID)))
	if noRows(err) || before != nil && sutler.CodeOf(err) == sutler.Corrupt {
		return nil
	}
	if err != nil {
		return err
	}
	b.entry.follow(before)
	return nil
}

// union returns the sequence numbers of both once each, growing.
func union(a, b []int64) []int64 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// adopt makes memory tell of everything unfinished that an engine has: what
// the table says of it, and what its chains hold behind their marks.
func (s *Store) adopt(ctx context.Context, q querier, engine sutler.EngineID) error {
	fences, err := s.fencesOf(ctx, q, engine)
	if err != nil {
		return err
	}
	if s.dialect.shared {
		s.index.forget(engine, fences)
	}
	if err := s.derive(ctx, q, &s.index, engine, fences); err != nil {
		return err
	}
	s.index.own(engine, 0)
	return nil
}

// abandon makes memory tell nothing more of an engine: another program has it.
func (s *Store) abandon(ctx context.Context, engine sutler.EngineID) {
	fences, err := s.fencesOf(ctx, s.db, engine)
	if err != nil {
		s.log.Warn("cannot list the leases of an engine that another program took over", "engine", engine, "error", err)
	}
	s.index.forget(engine, fences)
}

// derive reads into x what an engine has unfinished.
func (s *Store) derive(ctx context.Context, q querier, x *index, engine sutler.EngineID, fences []int64) error {
	if err := s.loadOpen(ctx, x, engine); err != nil {
		return err
	}
	for _, fence := range fences {
		mark, err := s.markOf(ctx, q, x, fence)
		if err != nil {
			return err
		}
		err = s.scan(ctx, q, sutler.Lease{Engine: engine, Fence: fence}, mark, func(sequence int64, rs []sutler.Record, err error) {
			if err != nil {
				s.log.Error("transaction log is damaged", "group", groupName(sequence), "error", err)
				x.suspect(sequence)
				return
			}
			n := x.begin(sequence, engine)
			n.note(rs)
			n.end()
		})
		if err != nil {
			return err
		}
	}
	return s.reconcile(ctx, x)
}

// reconcile compares what scanning has found unfinished with the table. A mark
// is held back by whatever ran for long in its chain, so scanning may see again
// the first part of a transaction whose end, in the chain of a later lease, the
// table tells of.
func (s *Store) reconcile(ctx context.Context, x *index) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var ids []sutler.TransactionID
	for id, e := range x.entries {
		if !e.row && !e.waits {
			ids = append(ids, id)
		}
	}
	return s.eachInTable(ctx, ids, func(known *entry) {
		e := x.entries[known.head.ID]
		switch {
		case len(known.groups) == 0 || len(e.groups) == 0:
		case known.newest < e.newest:
			e.follow(known)
			e.row, e.saved = true, 0
		case known.head.Status.Final():
			delete(x.entries, known.head.ID)
		default:
			x.entries[known.head.ID] = known
		}
	})
}

// eachInTable calls f for the entries of the given transactions that the table has.
func (s *Store) eachInTable(ctx context.Context, ids []sutler.TransactionID, f func(*entry)) error {
	for len(ids) > 0 {
		some := ids[:min(len(ids), idsAtOnce)]
		ids = ids[len(some):]
		list, args := inList(some)
		rows, err := s.indexReads().QueryContext(ctx, "SELECT "+entryColumns+" FROM tx WHERE id IN "+list, args...)
		if err != nil {
			return fmt.Errorf("cannot read the index of the log: %w", err)
		}
		for rows.Next() {
			e, err := scanEntry(rows)
			if e == nil {
				_ = rows.Close()
				return fmt.Errorf("cannot read the index of the log: %w", err)
			}
			f(e)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("cannot read the index of the log: %w", err)
		}
	}
	return nil
}

// fencesOf returns the numbers of all leases of an engine, growing.
func (s *Store) fencesOf(ctx context.Context, q querier, engine sutler.EngineID) ([]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT fence FROM lease WHERE engine = $1 ORDER BY fence", string(engine))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var fence int64
		if err := rows.Scan(&fence); err != nil {
			return nil, err
		}
		all = append(all, fence)
	}
	return all, rows.Err()
}

// markOf returns the row of a chain up to which memory or the table tells of it.
func (s *Store) markOf(ctx context.Context, q querier, x *index, fence int64) (int64, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if number, ok := x.upTo[fence]; ok {
		return number, nil
	}
	var mark, cut sql.NullInt64
	if err := s.index.db.QueryRowContext(ctx, "SELECT number FROM mark WHERE fence = $1", fence).Scan(&mark); err != nil && !noRows(err) {
		return 0, err
	}
	if err := q.QueryRowContext(ctx, "SELECT number FROM cut WHERE fence = $1", fence).Scan(&cut); err != nil && !noRows(err) {
		return 0, err
	}
	number := max(mark.Int64, cut.Int64)
	x.upTo[fence], x.marked[fence] = number, number
	return number, nil
}

// loadOpen reads the transactions of an engine that the table has as not final.
func (s *Store) loadOpen(ctx context.Context, x *index, engine sutler.EngineID) error {
	rows, err := s.index.db.QueryContext(ctx, "SELECT "+entryColumns+` FROM tx
		WHERE status <> 'committed' AND status IN ('active', 'preparing', 'committing', 'rollingBack', 'rollbackFailed', 'inDoubt') AND engine = $1`, string(engine))
	if err != nil {
		return err
	}
	defer rows.Close()
	x.mu.Lock()
	defer x.mu.Unlock()
	for rows.Next() {
		e, err := scanEntry(rows)
		if e == nil {
			return err
		}
		if err != nil {
			s.log.Error("the index of the transaction log is damaged", "error", err)
		}
		if x.entries[e.head.ID] == nil {
			x.entries[e.head.ID] = e
		}
	}
	return rows.Err()
}

// groupsOf returns the groups of a transaction in the order of writing; none
// for an unknown one. Memory is asked first, so that an entry on its way into
// the table is not missed.
func (s *Store) groupsOf(ctx context.Context, id sutler.TransactionID) ([]int64, error) {
	mine, inMemory := s.index.entry(id)
	e, err := scanEntry(s.indexReads().QueryRowContext(ctx, "SELECT "+entryColumns+" FROM tx WHERE id = $1", string(id)))
	if noRows(err) {
		e, err = &entry{}, nil
	}
	if err != nil {
		return nil, err
	}
	if s.dialect.shared && !inMemory && !e.head.Status.Final() {
		others, err := s.others(ctx)
		if err != nil {
			return nil, err
		}
		mine, _ = others.entry(id)
	}
	if mine.carried {
		return mine.groups, nil
	}
	return union(e.groups, mine.groups), nil
}

// indexReads is where readers find the table of the index.
func (s *Store) indexReads() *sql.DB {
	if s.dialect.shared {
		return s.reads.Load()
	}
	return s.index.db
}

// others tells what the engines of other programs have unfinished, or
// finished and not yet written into the table.
func (s *Store) others(ctx context.Context) (*index, error) {
	x := new(index)
	x.init()
	if !s.dialect.shared {
		return x, nil
	}
	reads := s.reads.Load()
	names, err := s.engineNames(ctx, reads)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, mine := s.index.owns(name); mine {
			continue
		}
		fences, err := s.fencesOf(ctx, reads, name)
		if err == nil {
			err = s.derive(ctx, reads, x, name, fences)
		}
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}
