package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"

	"sutler"
)

// group is one row of the log: the records of one or more Appends under one
// lease.
type group struct {
	sequence int64
	lease    sutler.Lease
	records  []byte // for each Append its length and its encoded records
}

// add puts the encoded records of one Append at the end of the group.
func (g *group) add(encoded []byte) {
	g.records = binary.AppendUvarint(g.records, uint64(len(encoded)))
	g.records = append(g.records, encoded...)
}

// decode returns the records of the group in the order of writing.
func (g *group) decode() ([]sutler.Record, error) {
	var all []sutler.Record
	for rest := g.records; len(rest) > 0; {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return nil, errors.New("it ends early")
		}
		rest = rest[used:]
		rs, err := sutler.DecodeRecords(rest[:n])
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
		rest = rest[n:]
	}
	return all, nil
}

// digest returns the SHA-256 of everything in the row, so that also a row
// under a wrong number or engine is found.
func (g *group) digest() []byte {
	h := sha256.New()
	var n [3 * 8]byte
	binary.BigEndian.PutUint64(n[0:], uint64(g.sequence))
	binary.BigEndian.PutUint64(n[8:], uint64(g.lease.Fence))
	binary.BigEndian.PutUint64(n[16:], uint64(len(g.lease.Engine)))
	h.Write(n[:])
	h.Write([]byte(g.lease.Engine))
	h.Write(g.records)
	return h.Sum(nil)
}

// selectGroup is the beginning of the queries that scanGroup reads.
const selectGroup = "SELECT sequence, engine, fence, records, digest FROM log "

// scanGroup reads a row of the log and returns its records. The error of a
// damaged row has code Corrupt and comes with the row's sequence number.
func scanGroup(row interface{ Scan(...any) error }) (*group, []sutler.Record, error) {
	var g group
	var digest []byte
	if err := row.Scan(&g.sequence, &g.lease.Engine, &g.lease.Fence, &g.records, &digest); err != nil {
		return nil, nil, err
	}
	if string(digest) != string(g.digest()) {
		return &g, nil, sutler.Errorf(sutler.Corrupt, "cannot read group %d of the transaction log: its digest does not fit", g.sequence)
	}
	rs, err := g.decode()
	if err != nil {
		return &g, nil, sutler.Errorf(sutler.Corrupt, "cannot read group %d of the transaction log: %w", g.sequence, err)
	}
	return &g, rs, nil
}

// missing is the error for a group that is not there.
func missing(sequence int64) error {
	return sutler.Errorf(sutler.Corrupt, "cannot read group %d of the transaction log: it is missing", sequence)
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
