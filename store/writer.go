package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"time"

	"sutler"
)

const (
	groupAppends = 1024    // most Appends in one group
	groupBytes   = 4 << 20 // a group takes no further Append beyond this size
	yields       = 4       // how often the writer lets others run between two groups: more make groups larger
)

// The pauses between attempts to open a database that failed.
const (
	firstMend = 100 * time.Millisecond
	lastMend  = 5 * time.Second
)

// appending is one Append on its way to the writer.
type appending struct {
	lease   sutler.Lease
	records []sutler.Record
	encoded []byte
	rows    bool       // holds records of which other tables must know at once: see keepRows
	done    chan error // buffered: the writer never waits for a caller
}

// task is any other change of a SQLite database, done by the writer between
// two groups.
type task struct {
	do   func(*sql.Tx) error
	done chan error // buffered
}

// write is the writer. It takes what waits, makes it durable in one commit,
// and begins again, until the store is closed.
func (s *Store) write() {
	defer close(s.stopped)
	mend := time.NewTimer(time.Hour)
	defer mend.Stop()
	var pause time.Duration // between attempts to mend; 0 while all is well
	var next *appending     // taken from the channel, but for the group after
	for {
		if s.failed.Load() != nil && pause == 0 {
			pause = firstMend
			mend.Reset(pause)
		}
		first := next
		if first == nil {
			select {
			case first = <-s.appends:
			case t := <-s.tasks:
				t.done <- s.perform(t.do)
				continue
			case <-mend.C:
				if s.failed.Load() == nil {
					continue
				}
				if s.mend() {
					pause = 0
					continue
				}
				pause = min(2*pause, lastMend)
				mend.Reset(pause)
				continue
			case <-s.closing:
				return
			}
		}
		var together []*appending
		together, next = s.collect(first)
		s.commit(together)
		s.index.await(s.closing)
		for range yields {
			runtime.Gosched() // lets the callers just answered come along with the next group
		}
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
	together, err := s.commitGroup(together)
	for _, a := range together {
		if err == nil {
			a.done <- nil
			continue
		}
		own := *err // callers add to their error
		a.done <- &own
	}
}

// commitGroup writes the group and returns those Appends that are not answered
// yet: the others were refused alone.
func (s *Store) commitGroup(together []*appending) ([]*appending, *sutler.Error) {
	if failed := s.failed.Load(); failed != nil {
		return together, failed
	}
	l := together[0].lease
	if l.Fence <= s.stale {
		return together, sutler.Errorf(sutler.LogRefused, "cannot write to the transaction log: the lease %d of engine %q was given before the database failed; take a new one", l.Fence, l.Engine)
	}
	c, err := s.chainOf(l)
	if err != nil {
		return together, err
	}
	g := group{micros: micros(s.now())}
	ctx := context.Background()
	var result sql.Result
	var werr error
	if withRows(together) {
		together, result, werr = s.insertWithRows(ctx, c, &g, together)
		if len(together) == 0 && werr == nil {
			return nil, nil
		}
	} else {
		g.fill(c, together)
		result, werr = s.insert.ExecContext(ctx, g.sequence, g.micros, g.records, g.link[:], string(l.Engine), l.Fence)
	}
	if werr == nil {
		var n int64
		if n, werr = result.RowsAffected(); werr == nil && n == 0 {
			delete(s.chains, l)
			if newest, _ := s.index.owns(l.Engine); s.dialect.shared && newest == l.Fence {
				s.abandon(ctx, l.Engine)
			}
			return together, refusedLease(l)
		}
	}
	if werr != nil {
		return together, s.fail(fmt.Errorf("cannot write group %s of the transaction log: %w", groupName(sequenceOf(l.Fence, c.number+1)), werr))
	}
	c.take(&g)
	s.commits.Add(1)
	s.written.Add(int64(len(g.records)))
	n := s.index.begin(g.sequence, l.Engine)
	records := 0
	for _, a := range together {
		n.note(a.records)
		records += len(a.records)
	}
	n.end()
	s.records.Add(int64(records))
	return together, nil
}

// fill puts the Appends into the group and links it to the chain.
func (g *group) fill(c *chain, together []*appending) {
	size := 0
	for _, a := range together {
		size += len(a.encoded) + 5
	}
	g.records = make([]byte, 0, size)
	for _, a := range together {
		g.add(a.encoded)
	}
	c.link(g)
}

func refusedLease(l sutler.Lease) *sutler.Error {
	return sutler.Errorf(sutler.LogRefused, "cannot write to the transaction log: a newer lease than %d was given for engine %q, or none", l.Fence, l.Engine)
}

// chainOf returns the chain of a lease that is the newest of its engine, as
// far as this program knows.
func (s *Store) chainOf(l sutler.Lease) (*chain, *sutler.Error) {
	if newest, ok := s.newest[l.Engine]; ok && newest != l.Fence && !s.dialect.shared {
		return nil, refusedLease(l)
	}
	if c := s.chains[l]; c != nil {
		return c, nil
	}
	ctx := context.Background()
	if known, err := s.leaseOf(ctx, s.db, l.Fence); err == nil && known != l || sutler.CodeOf(err) == sutler.Corrupt {
		return nil, refusedLease(l)
	}
	c, err := s.newestChain(ctx, s.db, l)
	if err != nil {
		return nil, s.fail(err)
	}
	s.chains[l] = c
	return c, nil
}

func withRows(together []*appending) bool {
	for _, a := range together {
		if a.rows {
			return true
		}
	}
	return false
}

// insertWithRows writes a group together with the clientTransactionIds and
// audit commands in it. Appends that begin a transaction under one that is taken are answered
// and left out.
func (s *Store) insertWithRows(ctx context.Context, c *chain, g *group, together []*appending) (left []*appending, result sql.Result, err error) {
	refused := map[*appending]*sutler.Error{}
	err = transact(ctx, s.db, func(tx *sql.Tx) error {
		var held int
		if err := tx.QueryRowContext(ctx, s.dialect.holdEngine, string(c.lease.Engine), c.lease.Fence).Scan(&held); err != nil && !noRows(err) {
			return err
		}
		for _, a := range together {
			if !a.rows {
				continue
			}
			no, err := keepRows(ctx, tx, a.records)
			if err != nil {
				return err
			}
			if no != nil {
				refused[a] = no
			}
		}
		for _, a := range together {
			if refused[a] == nil {
				left = append(left, a)
			}
		}
		if len(left) == 0 {
			return nil
		}
		g.fill(c, left)
		var err error
		result, err = tx.StmtContext(ctx, s.insert).ExecContext(ctx, g.sequence, g.micros, g.records, g.link[:], string(c.lease.Engine), c.lease.Fence)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			return errFenced
		}
		return nil
	})
	if errors.Is(err, errFenced) {
		return together, result, nil
	}
	if err != nil {
		return together, nil, err
	}
	for a, no := range refused {
		a.done <- no
	}
	return left, result, nil
}

// errFenced takes back what a transaction did under a lease that is no longer the newest.
var errFenced = errors.New("fenced")

// keepRows keeps the audit commands and clientTransactionIds of one Append, or
// says which of these stands for another transaction. What it kept of an Append that is
// refused for another one of its IDs stays: it could not happen, because a
// transaction begins once.
func keepRows(ctx context.Context, tx *sql.Tx, rs []sutler.Record) (*sutler.Error, error) {
	for i := range rs {
		r := &rs[i]
		if r.Kind == sutler.AuditCommand {
			if _, err := tx.ExecContext(ctx, `INSERT INTO audit_command (tx, seq, place, command, tries, due, error)
				VALUES ($1, $2, (SELECT count(*) FROM audit_command WHERE tx = $1 AND seq = $2), $3, 0, 0, '')`, string(r.Transaction), r.Seq, r.Text); err != nil {
				return nil, err
			}
		}
		if r.Kind != sutler.Began || r.Client == "" {
			continue
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO client (trustee, client, tx, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", r.Trustee, r.Client, string(r.Transaction), micros(r.At))
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			if err != nil {
				return nil, err
			}
			continue
		}
		var other string
		if err := tx.QueryRowContext(ctx, "SELECT tx FROM client WHERE trustee = $1 AND client = $2", r.Trustee, r.Client).Scan(&other); err != nil {
			return nil, err
		}
		if other != string(r.Transaction) {
			return sutler.Errorf(sutler.Duplicate, "cannot begin transaction %s: %s began under the clientTransactionId %q of %q", r.Transaction, other, r.Client, r.Trustee), nil
		}
	}
	return nil, nil
}

// perform runs do in a database transaction of SQLite, which an error undoes.
func (s *Store) perform(do func(*sql.Tx) error) error {
	if err := s.Err(); err != nil {
		return err
	}
	err := transact(context.Background(), s.db, do)
	if lost := (*uncommitted)(nil); errors.As(err, &lost) {
		own := *s.fail(err)
		return &own
	}
	return err
}

// change performs do in a database transaction: on SQLite by the writer, which
// has the only connection. Once handed over it is not abandoned, so that the
// caller knows how it ended.
func (s *Store) change(ctx context.Context, do func(*sql.Tx) error) error {
	if s.dialect.shared {
		return transact(context.WithoutCancel(ctx), s.db, do)
	}
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
