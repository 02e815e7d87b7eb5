package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"sutler"
)

// index knows in which groups the records of a transaction lie. In memory it
// holds the transactions that are not final and those that the indexer has not
// written yet; the table tx holds the others. The writer notes, the indexer
// saves and forgets.
type index struct {
	mu       sync.RWMutex
	entries  map[sutler.TransactionID]*entry
	finished []*entry                  // changed and final, or nothing but refusals: to be saved
	upTo     map[int64]int64           // by fence: the newest row that the entries tell of
	marked   map[int64]int64           // by fence: the mark in the table
	owned    map[sutler.EngineID]int64 // the newest lease given here, 0 for none yet
	damaged  []int64                   // groups that could not be read
	numbers  int64                     // the newest number of a transaction
	round    int64                     // of saving

	level   func() sutler.AuditLevel
	failing atomic.Bool // the table cannot be written at present
	writes  sync.Mutex  // held while the table is written
	db      *sql.DB     // holds tx and mark
	lazily  string
	wake    chan struct{} // tells the indexer that much waits
	room    chan struct{} // tells the writer that there is room again
	quit    chan struct{}
	gone    chan struct{}
}

func (x *index) init() {
	x.entries, x.upTo, x.marked = map[sutler.TransactionID]*entry{}, map[int64]int64{}, map[int64]int64{}
	x.owned = map[sutler.EngineID]int64{}
	x.level = func() sutler.AuditLevel { return sutler.AuditFlagged }
	x.wake, x.room = make(chan struct{}, 1), make(chan struct{}, 1)
	x.quit, x.gone = make(chan struct{}), make(chan struct{})
}

// entry is what the index holds of one transaction.
type entry struct {
	head    sutler.Transaction // without programs, response and steps; Status "" while nothing but refusals is known, Started zero without Began
	engine  sutler.EngineID    // wrote the last record
	number  int64              // grows in the order in which transactions began
	groups  []int64            // sequence numbers, growing; replaced, never changed in place, because copies share them
	newest  int64              // the newest group whose records are taken up
	refused bool               // something was not allowed
	kept    sutler.AuditLevel  // in which detail the audit log keeps it
	calls   []string           // procedures called, for searches: see callName
	version int64              // grows with each change
	saved   int                // how many of the groups the table has
	row     bool               // the table has a row
	fresh   bool               // began here, so that the table can have nothing that is not known here
	carried bool               // the first group holds everything before it: older ones do not count
	waits   bool               // among the finished
	round   int64              // of saving, when it came
}

// notes are taken on one group, between begin and end.
type notes struct {
	x        *index
	sequence int64
	engine   sutler.EngineID
}

// begin starts to take notes on a group. Readers wait until end.
func (x *index) begin(sequence int64, engine sutler.EngineID) *notes {
	x.mu.Lock()
	return &notes{x, sequence, engine}
}

// note takes up records of the group. Records that belong to no transaction
// are passed over. A group may be noted again, and after newer ones: the newest
// decides the state of a transaction, whatever the order.
func (n *notes) note(rs []sutler.Record) {
	var e *entry
	older := false
	for i := range rs {
		r := &rs[i]
		if r.Transaction == "" {
			continue
		}
		if e == nil || e.head.ID != r.Transaction {
			if e = n.x.entries[r.Transaction]; e == nil {
				e = n.x.add(r)
			}
			if older = n.sequence < e.newest; !older {
				e.engine, e.newest = n.engine, n.sequence
			}
			e.touch(n.sequence)
		}
		if r.Kind == sutler.Carried {
			from, _ := slices.BinarySearch(e.groups, n.sequence)
			e.groups, e.saved, e.carried = slices.Clone(e.groups[from:]), 0, true
		}
		if older {
			e.applyOlder(r)
		} else {
			e.apply(r)
		}
		n.x.queue(e)
	}
}

// add makes the entry of a transaction of which r is the first record that is
// known. If it is not its beginning, that may be in a damaged group.
func (x *index) add(r *sutler.Record) *entry {
	x.numbers++
	e := &entry{head: sutler.Transaction{ID: r.Transaction}, number: x.numbers, round: x.round, fresh: r.Kind == sutler.Began}
	if r.Kind != sutler.Began && r.Kind != sutler.Refused {
		e.groups = slices.Sorted(slices.Values(x.damaged))
	}
	x.entries[r.Transaction] = e
	return e
}

// end makes what was noted visible to readers.
func (n *notes) end() {
	n.x.upTo[fenceOf(n.sequence)] = numberOf(n.sequence)
	n.x.mu.Unlock()
}

// touch puts the group among those of e.
func (e *entry) touch(sequence int64) {
	e.version++
	if k := len(e.groups); k == 0 || e.groups[k-1] < sequence {
		e.groups = append(e.groups, sequence)
		return
	}
	if at, found := slices.BinarySearch(e.groups, sequence); !found {
		e.groups = slices.Insert(slices.Clone(e.groups), at, sequence)
		e.saved = min(e.saved, at)
	}
}

// queue puts e among the finished if it belongs there.
func (x *index) queue(e *entry) {
	if !e.waits && (e.head.Status.Final() || e.head.Status == "") {
		e.waits = true
		x.finished = append(x.finished, e)
	}
}

// suspect counts a group that cannot be read among those of every
// transaction that it might concern.
func (x *index) suspect(sequence int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		if !e.head.Status.Final() {
			e.touch(sequence)
		}
	}
	x.damaged = append(x.damaged, sequence)
	x.upTo[fenceOf(sequence)] = numberOf(sequence)
}

// apply brings the head up to date with r, as sutler.Fold would.
func (e *entry) apply(r *sutler.Record) {
	h := &e.head
	forgotten := h.Status == "" // or new
	if forgotten && r.Kind != sutler.Refused {
		h.Status = sutler.Active
	}
	switch r.Kind {
	case sutler.Began:
		e.began(r)
	case sutler.StepStarted:
		h.Audited = h.Audited || r.Audited
		e.called(r)
	case sutler.PreparingTx:
		h.Status = sutler.Preparing
	case sutler.CommittingTx:
		h.Status = sutler.Committing
	case sutler.CommittedTx:
		h.Status, h.Ended = sutler.Committed, r.At
		h.Code, h.Text = sutler.OK, ""
	case sutler.RollingBackTx:
		h.Status, h.Code, h.Text = sutler.RollingBack, r.Code, r.Text
	case sutler.RolledBackTx:
		h.Status, h.Ended = sutler.RolledBack, r.At
	case sutler.RollbackFailTx:
		h.Status, h.Text = sutler.RollbackFailed, r.Text
	case sutler.InDoubtTx:
		h.Status, h.Code, h.Text = sutler.InDoubt, r.Code, r.Text
	case sutler.PausedTx:
		h.Text = r.Text
	case sutler.LateEffect: // the first that is known of a transaction: of one that is final
		if forgotten || h.Status.Final() || h.Status.Waiting() {
			h.Status, h.Ended = sutler.RollingBack, timeOf(0)
		}
	case sutler.Refused:
		e.refused = true
		h.Audited = h.Audited || r.Audited
	case sutler.Carried:
		e.applyCarried(r, e.apply)
	}
}

// applyOlder takes from r what no newer record takes back.
func (e *entry) applyOlder(r *sutler.Record) {
	switch r.Kind {
	case sutler.Began:
		e.began(r)
	case sutler.StepStarted:
		e.head.Audited = e.head.Audited || r.Audited
		e.called(r)
	case sutler.Refused:
		e.refused, e.head.Audited = true, e.head.Audited || r.Audited
	case sutler.Carried:
		e.applyCarried(r, e.applyOlder)
	}
}

// began takes up how a transaction began.
func (e *entry) began(r *sutler.Record) {
	h := &e.head
	h.Caller, h.Trustee, h.Client = r.Caller, r.Trustee, r.Client
	h.Namespace, h.Procedure, h.Revision, h.Started = r.Namespace, r.Procedure, r.Revision, r.At
}

// follow makes e, which tells of what came after known was saved and
// forgotten, tell of both.
func (e *entry) follow(known *entry) {
	e.number = known.number
	if !e.carried {
		e.groups = union(known.groups, e.groups)
	}
	e.refused = e.refused || known.refused
	for _, c := range known.calls {
		if len(e.calls) < maxCalls && !slices.Contains(e.calls, c) {
			e.calls = append(slices.Clip(e.calls), c)
		}
	}
	late := e.head
	if !late.Started.IsZero() {
		return
	}
	e.head = known.head
	e.head.Audited = known.head.Audited || late.Audited
	if late.Status != "" && late.Status != sutler.Active {
		e.head.Status, e.head.Ended = late.Status, late.Ended
	}
}

// maxCalls is how many different procedures of one transaction searches know.
const maxCalls = 32

// callName is how an entry keeps a call.
func callName(namespace, procedure string) string { return namespace + "\x00" + procedure }

// called notes which procedure a step calls.
func (e *entry) called(r *sutler.Record) {
	for _, c := range e.calls {
		if len(c) == len(r.Namespace)+1+len(r.Procedure) && c[:len(r.Namespace)] == r.Namespace && c[len(r.Namespace)+1:] == r.Procedure {
			return
		}
	}
	if len(e.calls) < maxCalls {
		e.calls = append(e.calls, callName(r.Namespace, r.Procedure))
	}
}

// applyCarried takes up the records that r stands for.
func (e *entry) applyCarried(r *sutler.Record, apply func(*sutler.Record)) {
	held, err := sutler.DecodeRecords(r.Records)
	if err != nil {
		return // whoever reads the records learns of it
	}
	for i := range held {
		if held[i].Kind != sutler.Carried {
			apply(&held[i])
		}
	}
}

// own notes that this store tells of an engine, whose newest lease it gave.
func (x *index) own(engine sutler.EngineID, fence int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.owned[engine] = max(x.owned[engine], fence)
}

// owns returns the newest lease that was given here to an engine of which the
// index tells.
func (x *index) owns(engine sutler.EngineID) (fence int64, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	fence, ok = x.owned[engine]
	return fence, ok
}

// drop removes finished transactions from memory and table.
func (x *index) drop(ctx context.Context, ids []sutler.TransactionID) error {
	x.writes.Lock()
	defer x.writes.Unlock()
	x.mu.Lock()
	for _, id := range ids {
		delete(x.entries, id)
	}
	x.finished = slices.DeleteFunc(x.finished, func(e *entry) bool { return x.entries[e.head.ID] != e })
	x.mu.Unlock()
	list, args := inList(ids)
	return transact(ctx, x.db, func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM tx WHERE id IN "+list, args...)
		return err
	})
}

// engines returns the engines that the index tells of.
func (x *index) engines() []sutler.EngineID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var all []sutler.EngineID
	for name := range x.owned {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// forget drops what memory holds of the transactions of an engine and of the
// chains of its leases: others may have gone on with them.
func (x *index) forget(engine sutler.EngineID, fences []int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, e := range x.entries {
		if e.engine == engine {
			delete(x.entries, id)
		}
	}
	x.finished = slices.DeleteFunc(x.finished, func(e *entry) bool { return e.engine == engine })
	for _, fence := range fences {
		delete(x.upTo, fence)
	}
	delete(x.owned, engine)
}

// snapshot returns copies of all entries in memory.
func (x *index) snapshot() map[sutler.TransactionID]entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := make(map[sutler.TransactionID]entry, len(x.entries))
	for id, e := range x.entries {
		all[id] = *e
	}
	return all
}

// entry returns a copy of the entry of a transaction and whether it is in memory.
func (x *index) entry(id sutler.TransactionID) (entry, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.entries[id]; e != nil {
		return *e, true
	}
	return entry{}, false
}

// unfinished returns up to n transactions of engine after the given one on
// which recovery must work, by ID.
func (x *index) unfinished(engine sutler.EngineID, after sutler.TransactionID, n int) []sutler.TransactionID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []sutler.TransactionID
	for id, e := range x.entries {
		st := e.head.Status
		if e.engine == engine && id > after && st != "" && !st.Final() && !st.Waiting() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(max(n, 0), len(ids))]
}

// number reads the newest number of a transaction. Numbers tell apart what
// began at the same time, so those of the newest are enough.
func (x *index) number(ctx context.Context) error {
	return x.db.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) FROM (SELECT number FROM tx ORDER BY started DESC, number DESC LIMIT 1000) newest").Scan(&x.numbers)
}

// packGroups encodes sequence numbers: the first, then the distances.
func packGroups(sequences []int64) []byte {
	var b []byte
	last := int64(0)
	for _, s := range sequences {
		b = binary.AppendUvarint(b, uint64(s-last))
		last = s
	}
	return b
}

// unpackGroups is the mirror image of packGroups.
func unpackGroups(b []byte) ([]int64, error) {
	var sequences []int64
	last := int64(0)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || d == 0 || last+int64(d) <= last {
			return nil, errors.New("its list of groups is damaged")
		}
		last += int64(d)
		sequences = append(sequences, last)
		b = b[n:]
	}
	return sequences, nil
}
