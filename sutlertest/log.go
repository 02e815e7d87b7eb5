package sutlertest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"sutler"
)

// Log is a transaction log in memory that dies on command. Every Append is
// one commit. What it has taken it keeps in the encoded form, as a store
// does, so that a record that does not survive its encoding is found out.
//
// A test lets an engine run on a log that dies, throws that engine away,
// calls Revive and lets a second engine recover. All methods may be called at
// the same time.
type Log struct {
	mu     sync.Mutex
	groups []group
	fences map[sutler.EngineID]int64 // the newest number of each engine
	left   int                       // Appends until death, the last one included; 0: does not die
	keep   bool                      // whether that last one is written
	dead   bool
}

// group is what one Append made durable.
type group struct {
	engine  sutler.EngineID
	records []byte
}

// NewLog returns an empty log that does not die.
func NewLog() *Log { return &Log{fences: map[sutler.EngineID]int64{}} }

// DieBefore lets the log die before the n-th Append from now, counted from 1:
// that one and all later ones fail with code LogFailed and leave nothing.
func (l *Log) DieBefore(n int) { l.dieAt(n, false) }

// DieAfter lets the log die after the n-th Append from now, counted from 1:
// that one is written and fails all the same, with code LogFailed, and all
// later ones fail and leave nothing.
func (l *Log) DieAfter(n int) { l.dieAt(n, true) }

func (l *Log) dieAt(n int, keep bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.keep = n, keep
}

// Revive makes a dead log live on with what is durable, and forgets an
// earlier DieBefore or DieAfter.
func (l *Log) Revive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.dead = 0, false
}

// Dead reports whether the log has died.
func (l *Log) Dead() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// Commits returns how many Appends were written, the one of DieAfter included.
func (l *Log) Commits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.groups)
}

// Lease returns a lease for engine with a number higher than any before, so
// that what still writes with an older one is refused. A lease made by hand
// serves as well.
func (l *Log) Lease(_ context.Context, engine sutler.EngineID) (sutler.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := int64(1)
	for _, n := range l.fences {
		next = max(next, n+1)
	}
	l.fences[engine] = next
	return sutler.Lease{Engine: engine, Fence: next}, nil
}

// Append implements sutler.TransactionLog. It refuses what a store refuses:
// records of no known kind or policy or of no transaction, more than 64 MiB of
// them, and a fencing number older than one seen before. Reading goes on while
// the log is dead.
func (l *Log) Append(_ context.Context, lease sutler.Lease, rs ...sutler.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return sutler.Errorf(sutler.LogFailed, "cannot write %d records: the log is dead", len(rs))
	}
	if newest := l.fences[lease.Engine]; lease.Fence < newest {
		return sutler.Errorf(sutler.LogRefused, "cannot write records of engine %q: its number %d is older than %d", lease.Engine, lease.Fence, newest)
	}
	for _, r := range rs {
		if !r.Kind.Known() || r.Policy > sutler.Probe || r.Transaction == "" && r.Kind != sutler.Refused {
			return sutler.Errorf(sutler.LogRefused, "cannot write a record of kind %d of transaction %q", r.Kind, r.Transaction)
		}
	}
	encoded := sutler.EncodeRecords(nil, rs)
	if len(encoded) > 64<<20 {
		return sutler.Errorf(sutler.LogRefused, "cannot write %d records: they take %d bytes", len(rs), len(encoded))
	}
	for _, r := range rs {
		if other := l.find(r.Trustee, r.Client); r.Kind == sutler.Began && r.Client != "" && other != "" && other != r.Transaction {
			return sutler.Errorf(sutler.Duplicate, "cannot begin transaction %s: %s began as %q for %q", r.Transaction, other, r.Client, r.Trustee)
		}
	}
	l.fences[lease.Engine] = lease.Fence
	dies := l.left == 1
	if l.left > 0 {
		l.left--
	}
	if !dies || l.keep {
		l.groups = append(l.groups, group{lease.Engine, encoded})
	}
	if dies {
		l.dead = true
		return sutler.Errorf(sutler.LogFailed, "cannot write %d records: the log died", len(rs))
	}
	return nil
}

// Groups returns the durable records of each Append, in the order of writing.
func (l *Log) Groups() [][]sutler.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([][]sutler.Record, len(l.groups))
	for i, g := range l.groups {
		all[i] = g.decode()
	}
	return all
}

// All returns every durable record in the order of writing.
func (l *Log) All() []sutler.Record { return slices.Concat(l.Groups()...) }

// Records implements sutler.TransactionLog.
func (l *Log) Records(_ context.Context, id sutler.TransactionID) ([]sutler.Record, error) {
	return sutler.Uncarried(slices.DeleteFunc(l.All(), func(r sutler.Record) bool { return r.Transaction != id }))
}

// Find implements sutler.TransactionLog.
func (l *Log) Find(_ context.Context, trustee, client string) (sutler.TransactionID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(trustee, client), nil
}

func (l *Log) find(trustee, client string) sutler.TransactionID {
	if client == "" {
		return ""
	}
	for _, g := range l.groups {
		for _, r := range g.decode() {
			if r.Kind == sutler.Began && r.Trustee == trustee && r.Client == client {
				return r.Transaction
			}
		}
	}
	return ""
}

// Unfinished implements sutler.TransactionLog. A transaction belongs to the
// engine that wrote its last record.
func (l *Log) Unfinished(_ context.Context, engine sutler.EngineID, after sutler.TransactionID, n int) ([]sutler.TransactionID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := map[sutler.TransactionID][]sutler.Record{}
	owner := map[sutler.TransactionID]sutler.EngineID{}
	for _, g := range l.groups {
		for _, r := range g.decode() {
			if r.Transaction == "" {
				continue
			}
			records[r.Transaction] = append(records[r.Transaction], r)
			owner[r.Transaction] = g.engine
		}
	}
	var ids []sutler.TransactionID
	for id, rs := range records {
		rs, err := sutler.Uncarried(rs)
		if err != nil {
			return nil, err
		}
		if id <= after || owner[id] != engine {
			continue
		}
		if !slices.ContainsFunc(rs, func(r sutler.Record) bool { return r.Kind != sutler.Refused }) {
			continue
		}
		tx, err := sutler.Fold(rs)
		if err != nil {
			return nil, fmt.Errorf("cannot read transaction %s: %w", id, err)
		}
		if !tx.Status.Final() && !tx.Status.Waiting() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(n, len(ids))], nil
}

// decode returns the records of g. The log wrote them itself, so that
// unreadable ones are a bug of the encoding.
func (g group) decode() []sutler.Record {
	rs, err := sutler.DecodeRecords(g.records)
	if err != nil {
		panic(fmt.Sprintf("the encoding of records does not read what it wrote: %v", err))
	}
	return rs
}
