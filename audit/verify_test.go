package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sutler"
	"sutler/audit"
)

// base is a log in memory: chains of rows and statements.
type base struct {
	chains     []sutler.ChainHead
	rows       map[int64][]sutler.ChainRow // by fence
	statements [][]byte
}

func (b *base) Heads(context.Context) ([]sutler.ChainHead, error) { return b.chains, nil }

func (b *base) Rows(_ context.Context, l sutler.Lease, first int64, f func(sutler.ChainRow) error) error {
	for _, r := range b.rows[l.Fence] {
		if r.Number >= first {
			if err := f(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *base) Checkpoints(_ context.Context, f func([]byte) error) error {
	for _, s := range b.statements {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

func (b *base) PutCheckpoint(_ context.Context, _ sutler.Lease, s []byte) error {
	b.statements = append(b.statements, s)
	return nil
}

func (b *base) copy() *base {
	c := &base{chains: slices.Clone(b.chains), rows: map[int64][]sutler.ChainRow{}, statements: slices.Clone(b.statements)}
	for fence, rows := range b.rows {
		c.rows[fence] = slices.Clone(rows)
	}
	return c
}

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

func keys() []ed25519.PublicKey { return []ed25519.PublicKey{key.Public().(ed25519.PublicKey)} }

// record is the row of one transaction.
func row(fence, number int64) []byte {
	id := sutler.TransactionID(fmt.Sprintf("{%d-%d}", fence, number))
	return sutler.AppendGroup(nil, sutler.EncodeRecords(nil, []sutler.Record{
		{Transaction: id, Kind: sutler.Began, Caller: "ann"}, {Transaction: id, Kind: sutler.CommittedTx, Response: "<response/>"},
	}))
}

// written makes a log of three chains, signed every so many rows, the first of
// which was cut at the beginning.
func written(t *testing.T, rows, every int64) *base {
	t.Helper()
	b := &base{rows: map[int64][]sutler.ChainRow{}}
	n, before := int64(0), ""
	sign := func(s audit.Statement) {
		n++
		s.Number, s.Before, s.At = n, before, time.Unix(n, 0).UTC()
		line, err := audit.Sign(s, key)
		if err != nil {
			t.Fatal(err)
		}
		before = audit.LineHash(line)
		b.statements = append(b.statements, line)
	}
	for fence := int64(1); fence <= 3; fence++ {
		l := sutler.Lease{Engine: sutler.EngineID(fmt.Sprint("e", fence%2)), Fence: fence}
		link := sutler.FirstLink(l)
		head := sutler.ChainHead{Lease: l}
		for number := int64(1); number <= rows; number++ {
			r := sutler.ChainRow{Number: number, Micros: number * 1000, Records: row(fence, number)}
			link = link.Next(r.Number, r.Micros, r.Records)
			r.Link = link
			b.rows[fence] = append(b.rows[fence], r)
			h := audit.Head{Engine: l.Engine, Fence: fence, Number: number, Link: hex.EncodeToString(link[:])}
			if number%every == 0 || number == rows {
				sign(audit.Statement{Heads: []audit.Head{h}})
			}
			if fence == 1 && number == every/2 {
				sign(audit.Statement{Cuts: []audit.Head{h}})
				head.Cut, head.CutTo = number, link
			}
		}
		head.Number, head.Link = rows, link
		b.chains = append(b.chains, head)
	}
	b.rows[1] = b.rows[1][b.chains[0].Cut:]
	return b
}

// verified returns what Verify finds.
func verified(t testing.TB, b sutler.Chains, anchor [][]byte) []audit.Finding {
	t.Helper()
	var all []audit.Finding
	if _, err := audit.Verify(context.Background(), b, anchor, keys(), func(f audit.Finding) { all = append(all, f) }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVerifyFindsNothing(t *testing.T) {
	b := written(t, 100, 10)
	var report audit.Report
	report, err := audit.Verify(t.Context(), b, b.statements, keys(), func(f audit.Finding) { t.Errorf("it finds: %s", f) })
	if err != nil || report.Rows != 295 || report.Chains != 3 || report.Statements != 31 || report.Unsigned != 0 || report.Findings != 0 {
		t.Errorf("report %+v, %v", report, err)
	}
	if all := verified(t, b, nil); len(all) > 0 {
		t.Errorf("without an anchor it finds %v", all)
	}
}

// tamper changes b at random and returns what was done and the places of which
// one at least must be named; without says that it can be found without an
// anchor.
func tamper(b *base, r *rand.Rand) (what string, places []audit.Finding, without bool) {
	fence := 1 + r.Int64N(3)
	rows := b.rows[fence]
	i := r.IntN(len(rows))
	at := func(n int64) audit.Finding { return audit.Finding{Fence: fence, Row: n} }
	here := []audit.Finding{at(rows[i].Number)}
	relink := func(from int) {
		var link sutler.Link
		if from > 0 {
			link = rows[from-1].Link
		} else if fence == 1 {
			link = b.chains[0].CutTo
		} else {
			link = sutler.FirstLink(b.chains[fence-1].Lease)
		}
		for k := from; k < len(rows); k++ {
			link = link.Next(rows[k].Number, rows[k].Micros, rows[k].Records)
			rows[k].Link = link
		}
	}
	switch r.IntN(16) {
	case 0:
		rows[i].Records = slices.Clone(rows[i].Records)
		rows[i].Records[r.IntN(len(rows[i].Records))] ^= byte(1 + r.IntN(255))
		return "a byte of the records", here, true
	case 1:
		rows[i].Records = rows[i].Records[:r.IntN(len(rows[i].Records))]
		return "records cut short", here, true
	case 2:
		rows[i].Micros += 1 + r.Int64N(1000)
		return "the time", here, true
	case 3:
		rows[i].Link[r.IntN(32)] ^= byte(1 + r.IntN(255))
		return "the link", here, true
	case 4: // a deletion, not at the end
		i = r.IntN(len(rows) - 1)
		n := rows[i].Number
		k := min(len(rows)-1, i+1+r.IntN(3))
		b.rows[fence] = slices.Delete(rows, i, k)
		return "rows deleted", []audit.Finding{at(n)}, true
	case 5:
		k := 1 + r.IntN(3)
		n := rows[len(rows)-k].Number
		b.rows[fence] = rows[:len(rows)-k]
		return "the end of a chain cut off", []audit.Finding{at(n)}, true // the statements in the database still name it
	case 6:
		j := (i + 1 + r.IntN(len(rows)-1)) % len(rows)
		a, c := rows[i], rows[j]
		rows[i], rows[j] = c, a
		rows[i].Number, rows[j].Number = a.Number, c.Number
		return "two rows of a chain swapped", []audit.Finding{at(a.Number), at(c.Number)}, true
	case 7:
		other := fence%3 + 1
		j := r.IntN(len(b.rows[other]))
		a, c := rows[i], b.rows[other][j]
		rows[i], b.rows[other][j] = c, a
		rows[i].Number, b.rows[other][j].Number = a.Number, c.Number
		return "two rows of two chains swapped", []audit.Finding{at(a.Number), {Fence: other, Row: c.Number}}, true
	case 8: // insertion in the middle: those behind move on
		forged := sutler.ChainRow{Number: rows[i].Number, Micros: r.Int64N(1 << 40), Records: row(9, r.Int64N(1000))}
		n := forged.Number
		later := slices.Clone(rows[i:])
		for k := range later {
			later[k].Number++
		}
		b.rows[fence] = append(append(slices.Clone(rows[:i]), forged), later...)
		return "a row inserted", []audit.Finding{at(n)}, true
	case 9:
		last := rows[len(rows)-1]
		forged := sutler.ChainRow{Number: last.Number + 1, Micros: last.Micros, Records: row(9, r.Int64N(1000)), Link: last.Link}
		b.rows[fence] = append(rows, forged)
		return "a row added at the end", []audit.Finding{at(forged.Number)}, true
	case 10: // by one who knows how rows are linked
		i = r.IntN(len(rows) - 1)
		rows[i].Records = row(9, r.Int64N(1000))
		relink(i)
		n := rows[i].Number
		return "a row changed and all behind it linked anew", []audit.Finding{at((n + 19) / 20 * 20)}, true
	case 11:
		k := r.IntN(len(b.statements))
		b.statements = slices.Delete(b.statements, k, k+1)
		return "a statement removed", []audit.Finding{{Statement: int64(k) + 1}, {Statement: int64(k) + 2}}, k < len(b.statements)
	case 12:
		k := r.IntN(len(b.statements))
		b.statements[k] = slices.Clone(b.statements[k])
		b.statements[k][15+r.IntN(len(b.statements[k])-30)] ^= 1
		return "a statement changed", []audit.Finding{{Statement: int64(k) + 1}, {Statement: int64(k) + 2}, {Statement: 0}}, true
	case 13:
		b.chains[fence-1].Lease.Engine = "elsewhere"
		return "the engine of a chain", []audit.Finding{at(0)}, true
	case 14: // a cut that nobody signed
		k := 1 + r.IntN(len(rows)-1)
		b.chains[fence-1].Cut, b.chains[fence-1].CutTo = rows[k-1].Number, rows[k-1].Link
		b.rows[fence] = rows[k:]
		return "a cut that was not signed", []audit.Finding{at(rows[k-1].Number)}, true
	default:
		b.chains = slices.Delete(b.chains, int(fence-1), int(fence))
		return "a whole chain removed", []audit.Finding{at(0)}, true
	}
}

// TestVerifyFindsEverything changes a log at random, ten thousand times, and
// wants the place of each change named.
func TestVerifyFindsEverything(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	whole := written(t, 60, 20)
	kinds := map[string]int{}
	for range 10_000 {
		b := whole.copy()
		what, places, without := tamper(b, r)
		kinds[what]++
		for _, anchor := range [][][]byte{whole.statements, nil} {
			if anchor == nil && !without {
				continue
			}
			all := verified(t, b, anchor)
			if !slices.ContainsFunc(all, func(f audit.Finding) bool {
				return slices.ContainsFunc(places, func(p audit.Finding) bool {
					return p.Fence == f.Fence && p.Row == f.Row && p.Statement == f.Statement
				})
			}) {
				t.Fatalf("%s (anchor: %v): it finds %v, want one of the places %v", what, anchor != nil, all, places)
			}
		}
	}
	if len(kinds) != 16 {
		t.Errorf("only %d kinds of changes were tried: %v", len(kinds), kinds)
	}
}

// TestVerifyNeedsTheAnchor takes away the end of a chain together with the
// statements about it.
func TestVerifyNeedsTheAnchor(t *testing.T) {
	whole := written(t, 100, 10)
	b := whole.copy()
	b.rows[3] = b.rows[3][:90]
	b.statements = b.statements[:len(b.statements)-1]
	if all := verified(t, b, nil); len(all) > 0 {
		t.Errorf("without an anchor it finds %v; this cannot be found", all)
	}
	all := verified(t, b, whole.statements)
	if len(all) != 2 || all[0].Statement != 31 || all[1].Fence != 3 || all[1].Row != 91 {
		t.Errorf("with the anchor it finds %v", all)
	}
}

// TestVerifyTrustsNobodyElse signs a changed log with another key.
func TestVerifyTrustsNobodyElse(t *testing.T) {
	b := written(t, 20, 10)
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	line, err := audit.Sign(audit.Statement{Number: 1, Heads: []audit.Head{{Engine: "e1", Fence: 1, Number: 20}}}, other)
	if err != nil {
		t.Fatal(err)
	}
	b.statements = append(b.statements, line)
	if all := verified(t, b, nil); len(all) != 1 || all[0].Key != audit.KeyID(other.Public().(ed25519.PublicKey)) {
		t.Errorf("it finds %v, want the statement of the other key", all)
	}
}
