package store

import "sutler"

// What the fuzz tests reach: the readers of stored bytes.

func UnpackGroups(b []byte) ([]int64, error) { return unpackGroups(b) }

func PackGroups(sequences []int64) []byte { return packGroups(sequences) }

func DecodeGroup(b []byte) ([]sutler.Record, error) { return (&group{records: b}).decode() }

func EncodeGroup(rs []sutler.Record) []byte {
	var g group
	g.add(sutler.EncodeRecords(nil, rs))
	return g.records
}

func PackEntry(caller, trustee string, calls []string, groups []int64) []byte {
	e := entry{calls: calls, groups: groups}
	e.head.Caller, e.head.Trustee = caller, trustee
	return e.pack()
}

// RepackEntry reads an entry and writes it again.
func RepackEntry(b []byte) ([]byte, error) {
	var e entry
	if err := e.unpack(b); err != nil {
		return nil, err
	}
	return e.pack(), nil
}
