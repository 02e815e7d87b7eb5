package store_test

import (
	"fmt"
	"testing"

	"sutler"
	"sutler/store"
)

// group is where the damage is done.
//
//	1: {done} begins and ends
//	2: {hit} begins, {other} begins
//	3: {hit} acts
//	4: {other} acts
//	5: {new} begins
const damagedGroup = "1.3"

// row is the sequence number of a group under the first lease.
func row(number int64) string { return fmt.Sprint(int64(1)<<40 | number) }

func writeGroups(t *testing.T, dir string) *store.Store {
	s := open(t, dir)
	l := lease(t, s, "e")
	mustAppend(t, s, l, record("{done}", sutler.Began), record("{done}", sutler.CommittedTx))
	mustAppend(t, s, l, record("{hit}", sutler.Began), record("{other}", sutler.Began))
	mustAppend(t, s, l, record("{hit}", sutler.StepStarted))
	mustAppend(t, s, l, record("{other}", sutler.StepStarted))
	mustAppend(t, s, l, record("{new}", sutler.Began))
	return s
}

// damages are by what is damaged; spoils tells that the row behind, 4, cannot
// be used either, because nothing says any more what it is linked to.
var damages = map[string]struct {
	command string
	spoils  bool
}{
	"a byte":    {"UPDATE log SET records = CAST(substr(records, 1, 9) || x'AA' || substr(records, 11) AS BLOB) WHERE sequence = " + row(3), false},
	"the end":   {"UPDATE log SET records = substr(records, 1, 9) WHERE sequence = " + row(3), false},
	"all of it": {"UPDATE log SET records = x'' WHERE sequence = " + row(3), false},
	"the time":  {"UPDATE log SET micros = micros + 1 WHERE sequence = " + row(3), false},
	"the link":  {"UPDATE log SET link = zeroblob(32) WHERE sequence = " + row(3), false},
	"a swap":    {"UPDATE log SET (records, link) = (SELECT records, link FROM log WHERE sequence = " + row(4) + ") WHERE sequence = " + row(3), true},
	"a gap":     {"DELETE FROM log WHERE sequence = " + row(3), true},
}

// TestDamagedGroup damages a group of which the index knows whose it is.
func TestDamagedGroup(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := writeGroups(t, dir)
			look := func() {
				t.Helper()
				_, err := s.Records(t.Context(), "{hit}")
				wantCode(t, "Records of {hit}", err, sutler.Corrupt, "{hit}", "group "+damagedGroup)
				_, err = s.Transaction(t.Context(), "{hit}")
				wantCode(t, "Transaction {hit}", err, sutler.Corrupt, "group "+damagedGroup)
				wantKinds(t, s, "{done}", "began committed")
				if damage.spoils {
					_, err = s.Records(t.Context(), "{other}")
					wantCode(t, "Records of {other}", err, sutler.Corrupt, "{other}", "group 1.4")
				} else {
					wantKinds(t, s, "{other}", "began stepStarted")
				}
				wantKinds(t, s, "{new}", "began")
				wantAll(t, s)
			}
			closeStore(t, s) // writes the index
			s = open(t, dir)
			alter(t, dir, damage.command)
			look()
			closeStore(t, s)
			s = open(t, dir)
			look()
		})
	}
}

// TestDamagedGroupBehindTheIndex damages a group that Open must read to know
// whose it is: no transaction that ran then may be taken for whole.
func TestDamagedGroupBehindTheIndex(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := writeGroups(t, dir)
			closeStore(t, s)
			alter(t, dir, damage.command)
			forgetIndex(t, dir)
			for range 2 {
				s = open(t, dir)
				for _, id := range []sutler.TransactionID{"{hit}", "{other}"} {
					_, err := s.Records(t.Context(), id)
					wantCode(t, "Records", err, sutler.Corrupt, string(id), "group "+damagedGroup)
				}
				wantKinds(t, s, "{done}", "began committed")
				wantKinds(t, s, "{new}", "began")
				wantAll(t, s)
				closeStore(t, s)
			}
		})
	}
}

// TestDamagedBeginning damages the group in which a transaction began.
func TestDamagedBeginning(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, writeGroups(t, dir))
	alter(t, dir, "UPDATE log SET link = x'00' WHERE sequence = "+row(2))
	forgetIndex(t, dir)
	s := open(t, dir)
	for _, id := range []sutler.TransactionID{"{hit}", "{other}"} {
		_, err := s.Records(t.Context(), id)
		wantCode(t, "Records", err, sutler.Corrupt, string(id), "group 1.2")
	}
	wantKinds(t, s, "{done}", "began committed")
	wantKinds(t, s, "{new}", "began")
}

// TestDamagedEnd loses the last group, as an older copy of the database would.
func TestDamagedEnd(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, writeGroups(t, dir))
	alter(t, dir, "DELETE FROM log WHERE sequence = "+row(5))
	s := open(t, dir)
	mustAppend(t, s, lease(t, s, "e"), record("{next}", sutler.Began))
	wantKinds(t, s, "{next}", "began")
	_, err := s.Records(t.Context(), "{new}")
	wantCode(t, "Records", err, sutler.Corrupt, "group 1.5", "missing")
}

// wantAll looks whether all four transactions are listed and the unfinished
// ones are found.
func wantAll(t *testing.T, s *store.Store) {
	t.Helper()
	txs, err := s.Transactions(t.Context(), sutler.Filter{})
	if err != nil || len(txs) != 4 || txs[0].ID != "{new}" || txs[3].ID != "{done}" {
		t.Errorf("Transactions = %+v, %v", txs, err)
	}
	ids, err := s.Unfinished(t.Context(), "e", "", 10)
	if err != nil || len(ids) != 3 {
		t.Errorf("Unfinished = %v, %v", ids, err)
	}
}

func TestDamagedIndex(t *testing.T) {
	for _, groups := range []string{"80", "00", "0100", "01ff", "FFFFFFFFFFFFFFFFFF01", "01FFFFFFFFFFFFFFFF7F"} {
		dir := t.TempDir()
		s := writeGroups(t, dir)
		closeStore(t, s)
		s = open(t, dir)
		alterIndex(t, dir, "UPDATE tx SET entry = CAST(substr(entry, 1, length(entry) - 6) || x'"+groups+"' AS BLOB) WHERE id = '{done}'")
		_, err := s.Records(t.Context(), "{done}")
		wantCode(t, "Records with groups "+groups, err, sutler.Corrupt, "{done}")
	}
}
