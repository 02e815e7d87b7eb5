package audit

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"

	"sutler"
)

// Finding is one place where the log is not as it was written.
type Finding struct {
	Engine       sutler.EngineID        `json:"engine,omitempty"`
	Fence        int64                  `json:"fence,omitempty"`
	Row          int64                  `json:"row,omitempty"`       // of that chain; 0 for the chain as a whole
	Statement    int64                  `json:"statement,omitempty"` // its number, when the finding is about one
	Key          string                 `json:"key,omitempty"`
	What         string                 `json:"what"`
	Transactions []sutler.TransactionID `json:"transactions,omitempty"` // with records in the row, as far as it can be read
}

// String returns place and finding in one line.
func (f Finding) String() string {
	switch {
	case f.Statement != 0 || f.Key != "":
		return fmt.Sprintf("statement %d of key %s: %s", f.Statement, f.Key, f.What)
	case f.Row == 0:
		return fmt.Sprintf("chain %d of engine %q: %s", f.Fence, f.Engine, f.What)
	}
	return fmt.Sprintf("row %d of chain %d of engine %q: %s", f.Row, f.Fence, f.Engine, f.What)
}

// Report is what Verify has seen.
type Report struct {
	Chains     int   `json:"chains"`
	Rows       int64 `json:"rows"`
	Statements int64 `json:"statements"`
	Unsigned   int64 `json:"unsigned"` // rows behind the newest signed heads
	Findings   int64 `json:"findings"`
}

// Verify compares the rows of the log with each other and with the signed
// statements, and calls found for each place where they do not fit. anchor are
// the lines of the anchor, nil without one: then a cut at the end of a chain
// that also took the statements about it is not found. keys are those that are
// trusted. An error says that the log could not be read to the end.
func Verify(ctx context.Context, chains sutler.Chains, anchor [][]byte, keys []ed25519.PublicKey, found func(Finding)) (Report, error) {
	v := &verification{found: found, keys: keys, claims: map[int64][]Head{}, cuts: map[int64][]Head{}, seen: map[string]*sequence{}}
	if err := v.statements(ctx, chains, anchor); err != nil {
		return v.report, err
	}
	heads, err := chains.Heads(ctx)
	if err != nil {
		return v.report, err
	}
	known := map[int64]bool{}
	for _, h := range heads {
		known[h.Lease.Fence] = true
		if err := v.chain(ctx, chains, h); err != nil {
			return v.report, err
		}
	}
	for fence, claims := range v.claims {
		if last := newest(claims); !known[fence] && newest(v.cuts[fence]).Number < last.Number {
			v.tell(Finding{Engine: last.Engine, Fence: fence, What: fmt.Sprintf("the whole chain is missing; a signed statement names its row %d", last.Number)})
		}
	}
	return v.report, nil
}

type verification struct {
	found  func(Finding)
	keys   []ed25519.PublicKey
	report Report
	claims map[int64][]Head // by fence: signed heads
	cuts   map[int64][]Head // by fence: signed cuts
	seen   map[string]*sequence
}

// sequence are the statements of one key.
type sequence struct {
	last   Statement
	hash   string
	inBase map[string]int64 // hash of each line in the database → its number
}

func (v *verification) tell(f Finding) {
	v.report.Findings++
	v.found(f)
}

// statements reads those of the database, then those of the anchor that the
// database lacks.
func (v *verification) statements(ctx context.Context, chains sutler.Chains, anchor [][]byte) error {
	err := chains.Checkpoints(ctx, func(line []byte) error {
		v.statement(line, true)
		return nil
	})
	if err != nil {
		return err
	}
	base := v.seen
	v.seen = map[string]*sequence{}
	for _, line := range anchor {
		s, key, err := ReadStatement(line, v.keys)
		if err == nil && base[key] != nil {
			if _, there := base[key].inBase[LineHash(line)]; there {
				v.take(s, key, line) // for the order of the anchor itself
				continue
			}
		}
		if err == nil {
			v.tell(Finding{Statement: s.Number, Key: key, What: "the anchor has it and the database does not"})
		}
		v.statement(line, false)
	}
	return nil
}

// statement takes up one line.
func (v *verification) statement(line []byte, inBase bool) {
	v.report.Statements++
	s, key, err := ReadStatement(line, v.keys)
	if err != nil {
		v.tell(Finding{Statement: s.Number, Key: cmp.Or(key, "?"), What: err.Error()})
		return
	}
	q := v.take(s, key, line)
	if inBase {
		q.inBase[LineHash(line)] = s.Number
	}
	for _, h := range s.Heads {
		v.claims[h.Fence] = append(v.claims[h.Fence], h)
	}
	for _, h := range s.Cuts {
		v.cuts[h.Fence] = append(v.cuts[h.Fence], h)
	}
}

// take compares a statement with the one before it of the same key.
func (v *verification) take(s Statement, key string, line []byte) *sequence {
	q := v.seen[key]
	if q == nil {
		q = &sequence{inBase: map[string]int64{}}
		v.seen[key] = q
	}
	switch {
	case s.Number != q.last.Number+1:
		v.tell(Finding{Statement: s.Number, Key: key, What: fmt.Sprintf("it follows number %d", q.last.Number)})
	case s.Before != q.hash:
		v.tell(Finding{Statement: s.Number, Key: key, What: "it does not follow the one before it"})
	}
	q.last, q.hash = s, LineHash(line)
	return q
}

// newest returns the head with the highest number.
func newest(heads []Head) Head {
	var n Head
	for _, h := range heads {
		if h.Number >= n.Number {
			n = h
		}
	}
	return n
}

// chain walks one chain.
func (v *verification) chain(ctx context.Context, chains sutler.Chains, h sutler.ChainHead) error {
	v.report.Chains++
	place := func(row int64, what string, args ...any) Finding {
		return Finding{Engine: h.Lease.Engine, Fence: h.Lease.Fence, Row: row, What: fmt.Sprintf(what, args...)}
	}
	claims := v.claims[h.Lease.Fence]
	slices.SortFunc(claims, func(a, b Head) int { return cmp.Compare(a.Number, b.Number) })
	for _, c := range claims {
		if c.Engine != h.Lease.Engine {
			v.tell(place(0, "a signed statement says that the chain is of engine %q", c.Engine))
			break
		}
	}
	number, link := int64(0), sutler.FirstLink(h.Lease)
	if h.Cut > 0 {
		signed := slices.ContainsFunc(v.cuts[h.Lease.Fence], func(c Head) bool {
			return c.Number == h.Cut && c.Link == hex.EncodeToString(h.CutTo[:])
		})
		if !signed {
			v.tell(place(h.Cut, "rows up to this one are cut off, and no signed statement says so"))
		}
		number, link = h.Cut, h.CutTo
	}
	for len(claims) > 0 && claims[0].Number < number {
		claims = claims[1:]
	}
	want := link // what the row before should have had
	err := chains.Rows(ctx, h.Lease, 0, func(r sutler.ChainRow) error {
		v.report.Rows++
		if r.Number <= number {
			return nil // behind the cut, about to be deleted
		}
		if r.Number > number+1 {
			f := place(number+1, "it is missing")
			if r.Number > number+2 {
				f.What = fmt.Sprintf("it and those up to %d are missing", r.Number-1)
			}
			v.tell(f)
			number, link = r.Number-1, sutler.Link{}
		}
		next := link.Next(r.Number, r.Micros, r.Records)
		other := want.Next(r.Number, r.Micros, r.Records)
		gap := link == sutler.Link{}
		if r.Link != next && r.Link != other && !gap {
			f := place(r.Number, "it is not as it was written, or not in its place")
			f.Transactions = transactionsOf(r.Records)
			v.tell(f)
		}
		number, link, want = r.Number, r.Link, next
		for len(claims) > 0 && claims[0].Number <= number {
			if c := claims[0]; c.Number == number && c.Link != hex.EncodeToString(link[:]) {
				v.tell(place(number, "its link is not the one that was signed"))
			}
			claims = claims[1:]
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(claims) > 0 && claims[len(claims)-1].Number > number {
		last := claims[len(claims)-1].Number
		if last == number+1 {
			v.tell(place(last, "it is missing at the end; a signed statement names it"))
		} else {
			v.tell(place(number+1, "it and those up to %d at least are missing at the end; a signed statement names that one", last))
		}
	}
	if signed := newest(v.claims[h.Lease.Fence]).Number; number > signed {
		v.report.Unsigned += number - signed
	}
	return nil
}

// transactionsOf returns the transactions with records in a row, as far as it
// can be read.
func transactionsOf(row []byte) []sutler.TransactionID {
	rs, err := sutler.DecodeRow(row)
	if err != nil {
		return nil
	}
	var ids []sutler.TransactionID
	for i := range rs {
		if id := rs[i].Transaction; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
