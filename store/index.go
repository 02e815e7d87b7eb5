package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"

	"sutler"
)

// index knows in which groups the records of a transaction lie. In memory it
// holds the transactions that are not final and those that changed since it
// was last saved; the table tx holds all as of the last save. The writer alone
// changes it, so the writer reads it without the lock.
type index struct {
	mu      sync.RWMutex
	entries map[sutler.TransactionID]*entry
	changed []*entry // since the last save
	damaged []int64  // groups that Open could not read
	upTo    int64    // the newest group that the entries tell of
	numbers int64    // the newest number of a transaction
}

// entry is what the index holds of one transaction.
type entry struct {
	head    sutler.Transaction // without programs, response and steps; Status "" while nothing but refusals is known, Started zero without Began
	engine  sutler.EngineID    // wrote the last record
	number  int64              // grows in the order in which transactions began
	groups  []int64            // sequence numbers, growing
	changed bool               // since the last save
	saved   bool               // has a row in the table
}

// notes are taken on one group, between begin and end.
type notes struct {
	x *index
	g *group
}

// begin starts to take notes on g. Readers wait until end.
func (x *index) begin(g *group) *notes {
	x.mu.Lock()
	return &notes{x, g}
}

// note takes up records of the group. Records that belong to no transaction
// are passed over.
func (n *notes) note(rs []sutler.Record) {
	for i := range rs {
		r := &rs[i]
		if r.Transaction == "" {
			continue
		}
		e := n.x.entries[r.Transaction]
		if e == nil {
			e = n.x.add(r)
		}
		n.x.touch(e, n.g.sequence)
		e.engine = n.g.lease.Engine
		e.apply(r)
	}
}

// add makes the entry of a transaction of which r is the first record that is
// known. If it is not its beginning, that may be in a damaged group.
func (x *index) add(r *sutler.Record) *entry {
	x.numbers++
	e := &entry{head: sutler.Transaction{ID: r.Transaction}, number: x.numbers}
	if r.Kind != sutler.Began && r.Kind != sutler.Refused {
		e.groups = slices.Clone(x.damaged)
	}
	x.entries[r.Transaction] = e
	return e
}

// end makes what was noted visible to readers.
func (n *notes) end() {
	n.x.upTo = n.g.sequence
	n.x.mu.Unlock()
}

// touch puts the group among those of e and e among the changed ones.
func (x *index) touch(e *entry, sequence int64) {
	if k := len(e.groups); k == 0 || e.groups[k-1] != sequence {
		e.groups = append(e.groups, sequence)
	}
	if !e.changed {
		e.changed = true
		x.changed = append(x.changed, e)
	}
}

// suspect counts a group that cannot be read among those of every
// transaction that it might concern.
func (x *index) suspect(sequence int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.entries {
		if !e.head.Status.Final() {
			x.touch(e, sequence)
		}
	}
	x.damaged = append(x.damaged, sequence)
	x.upTo = sequence
}

// apply brings the head up to date with r, as sutler.Fold would.
func (e *entry) apply(r *sutler.Record) {
	h := &e.head
	if h.Status == "" && r.Kind != sutler.Refused {
		h.Status = sutler.Active
	}
	switch r.Kind {
	case sutler.Began:
		h.Caller, h.Trustee, h.Client = r.Caller, r.Trustee, r.Client
		h.Namespace, h.Procedure, h.Revision, h.Started = r.Namespace, r.Procedure, r.Revision, r.At
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
	case sutler.Refused:
		h.Code, h.Text = r.Code, r.Text
	}
}

// changes returns how many transactions changed since the last save. Only the
// writer calls it.
func (x *index) changes() int { return len(x.changed) }

// saved is called after the changed entries have become durable: from now on
// readers find the finished ones in the table. Only the writer calls it.
func (x *index) saved() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.changed {
		e.changed, e.saved = false, true
		if e.head.Status.Final() || e.head.Status == "" {
			delete(x.entries, e.head.ID)
		}
	}
	x.changed = nil
}

// groups returns the groups of a transaction as far as they are in memory.
func (x *index) groups(id sutler.TransactionID) []int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.entries[id]
	if e == nil {
		return nil
	}
	return slices.Clone(e.groups)
}

// number returns the number of a transaction, 0 when it is not in memory.
func (x *index) number(id sutler.TransactionID) int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.entries[id]; e != nil && e.head.Status != "" {
		return e.number
	}
	return 0
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

// packGroups encodes growing sequence numbers: the first, then the distances.
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
