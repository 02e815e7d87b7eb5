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
