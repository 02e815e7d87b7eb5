package sutler

import (
	"crypto/sha256"
	"encoding/binary"
)

// Link is a link of the hash chain that an engine's rows of the transaction
// log form, one chain for each lease. Whoever changes, removes, adds or moves
// a row breaks the chain behind it; whoever cuts its end is found by the
// signed heads.
type Link [sha256.Size]byte

// FirstLink returns what the first row written under l is linked to.
func FirstLink(l Lease) Link {
	h := sha256.New()
	h.Write([]byte("sutler chain 1\x00"))
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(l.Fence))
	h.Write(n[:])
	h.Write([]byte(l.Engine))
	return Link(h.Sum(nil))
}

// Next returns the link of the row after before: its number in the chain,
// from 1, its time in microseconds since 1970 and its encoded records.
func (before Link) Next(number, micros int64, records []byte) Link {
	var b [sha256.Size + 16]byte
	copy(b[:], before[:])
	binary.BigEndian.PutUint64(b[sha256.Size:], uint64(number))
	binary.BigEndian.PutUint64(b[sha256.Size+8:], uint64(micros))
	h := sha256.New()
	h.Write(b[:])
	h.Write(records)
	return Link(h.Sum(nil))
}
