package sutler

import (
	"context"
	"time"
)

// AuditLevel says which finished transactions are kept for audit and how much
// of each. The documents name no levels; these five are inferred (components
// 6.4).
type AuditLevel int

// The audit levels, each keeping what the one before keeps. Refusals are
// always kept.
const (
	AuditNone    AuditLevel = iota // nothing
	AuditFailed                    // what did not commit: header and error
	AuditAll                       // every transaction: header, times, status
	AuditFlagged                   // what failed, and what called a procedure marked for audit, with those calls; the default
	AuditFull                      // everything, each call with its input and output
)

// Keeps returns in which detail a transaction is kept that ended as s and
// called (audited) a procedure marked for audit or was refused a call:
// AuditNone means not at all.
func (l AuditLevel) Keeps(s Status, audited, refused bool) AuditLevel {
	failed := s != Committed || refused
	switch {
	case l <= AuditNone:
		if refused {
			return AuditFailed
		}
		return AuditNone
	case l == AuditFailed && !failed, l == AuditFlagged && !failed && !audited:
		return AuditNone
	}
	return l
}

// AuditFilter chooses audited transactions. Zero fields choose all; texts
// are compared without regard to case.
type AuditFilter struct {
	From, To  time.Time // began at or after From and before To
	Trustee   string
	Caller    string
	Namespace string // of the request, or of one of its kept calls
	Procedure string
	Outcome   Status // committed, rolledBack, rollbackFailed, inDoubt; "refused" for what was not allowed
	Text      string // somewhere in the error, the names or the accounts
	After     TransactionID
	Limit     int // at most so many; 0: 50
}

// OutcomeRefused is the outcome, in an AuditFilter, of what was not allowed.
const OutcomeRefused Status = "refused"

// ChainHead is the newest row of one chain.
type ChainHead struct {
	Lease  Lease `json:"lease"`
	Number int64 `json:"number"` // of the newest row; 0 before the first
	Link   Link  `json:"link"`
	Cut    int64 `json:"cut,omitempty"`  // rows up to this number were cut off by retention
	CutTo  Link  `json:"cutTo,omitzero"` // the link of the last of them
}

// Chains is the store as the auditing manager sees it: the chains of the
// log, their signed heads, and what is derived from finished transactions.
type Chains interface {
	// Heads returns the head of every chain, by fencing number.
	Heads(ctx context.Context) ([]ChainHead, error)
	// Rows calls f for the rows of one chain from number first on, in order.
	Rows(ctx context.Context, l Lease, first int64, f func(ChainRow) error) error
	// Checkpoints calls f for every signed statement, in the order of writing.
	Checkpoints(ctx context.Context, f func(statement []byte) error) error
	// PutCheckpoint adds a signed statement under l; it is durable when it returns.
	PutCheckpoint(ctx context.Context, l Lease, statement []byte) error
}

// ChainRow is one row of a chain as the store holds it, not yet verified.
type ChainRow struct {
	Number  int64
	Micros  int64 // time of writing, microseconds since 1970
	Records []byte
	Link    Link
}

// Piece is the beginning of a chain that is older than the log is kept.
type Piece struct {
	Lease        Lease
	Number       int64 // of its last row
	Link         Link  // of that row
	Damaged      bool  // its last row cannot be read
	Transactions int
	Unfinished   []TransactionID // to be carried forward
	Kept         []TransactionID // the audit log keeps them still: to be carried forward too, or the piece stays
	Dropped      []TransactionID // to be forgotten
}

// PendingCommand is SQL for the audit database that waits to be run.
type PendingCommand struct {
	Transaction TransactionID `json:"transaction"`
	Seq         int           `json:"seq"`
	Place       int           `json:"place"` // among those of the call
	SQL         string        `json:"sql"`
	Tries       int           `json:"tries"` // how often it has failed
	Due         time.Time     `json:"due,omitzero"`
	Error       string        `json:"error,omitempty"`
}

// AuditLog reads what the audit level keeps of finished transactions. The
// store implements it.
type AuditLog interface {
	// Audited returns the transactions that f chooses, newest first, without
	// their steps. A page after an unknown one is an error with code NotFound.
	Audited(ctx context.Context, f AuditFilter) ([]Transaction, error)
	// AuditedTransaction returns one transaction in the detail in which it is
	// kept; code NotFound for one that is not kept.
	AuditedTransaction(ctx context.Context, id TransactionID) (*Transaction, error)
	// BadCommands returns the commands for the audit database that have failed
	// and are tried again.
	BadCommands(ctx context.Context) ([]PendingCommand, error)
}
