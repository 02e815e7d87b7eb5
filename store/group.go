package store

import "sutler"

// numberBits are the lower bits of a sequence number: the number of a row in
// its chain. The upper ones are the fencing number of the chain's lease.
const numberBits = 40

func sequenceOf(fence, number int64) int64 { return fence<<numberBits | number }

func fenceOf(sequence int64) int64 { return sequence >> numberBits }

func numberOf(sequence int64) int64 { return sequence & (1<<numberBits - 1) }

// group is one row of the log: the records of one or more Appends under one
// lease.
type group struct {
	sequence int64
	micros   int64  // when it was written, since 1970
	records  []byte // for each Append its length and its encoded records
	link     sutler.Link
}

// add puts the encoded records of one Append at the end of the group.
func (g *group) add(encoded []byte) { g.records = sutler.AppendGroup(g.records, encoded) }

// decode returns the records of the group in the order of writing.
func (g *group) decode() ([]sutler.Record, error) { return sutler.DecodeRow(g.records) }

// chain is the end of the chain of rows that were written under one lease.
type chain struct {
	lease  sutler.Lease
	number int64 // of the newest row
	head   sutler.Link
	other  *sutler.Link // what the head should be, when that row did not fit
}

func newChain(l sutler.Lease) *chain { return &chain{lease: l, head: sutler.FirstLink(l)} }

// link makes g the row after the newest one.
func (c *chain) link(g *group) {
	g.sequence = sequenceOf(c.lease.Fence, c.number+1)
	g.link = c.head.Next(c.number+1, g.micros, g.records)
}

// take makes g, which is durable, the newest row.
func (c *chain) take(g *group) { c.number, c.head = c.number+1, g.link }

// check reports whether g is the row after the newest one, and takes it as
// that whatever it holds, so that rows behind a damaged one can be checked: of
// that one either the link is right or what the link is over.
func (c *chain) check(g *group) error {
	number := numberOf(g.sequence)
	want := c.head.Next(number, g.micros, g.records)
	ok := g.link == want || c.other != nil && g.link == c.other.Next(number, g.micros, g.records)
	c.number, c.head, c.other = number, g.link, nil
	if !ok {
		c.other = &want
		return damaged(g.sequence, "its link does not fit")
	}
	return nil
}

// damaged is the error for a row that cannot be used.
func damaged(sequence int64, why any) error {
	return sutler.Errorf(sutler.Corrupt, "cannot read group %s of the transaction log: %v", groupName(sequence), why)
}

// missing is the error for a row that is not there.
func missing(sequence int64) error { return damaged(sequence, "it is missing") }
