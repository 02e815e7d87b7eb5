package sutler

import (
	"context"
	"time"
)

// TransactionID names a transaction: a GUID in braces.
type TransactionID string

// EngineID names an engine.
type EngineID string

// Lease is an engine's right to write to the log. Every record it writes
// carries the fencing number; the store refuses an old one.
type Lease struct {
	Engine EngineID
	Fence  int64
}

// Status is the state of a transaction.
type Status string

// The states of a transaction. InDoubt and RollbackFailed wait for an
// operator, Committed and RolledBack are final.
const (
	Active         Status = "active"
	Preparing      Status = "preparing"
	Committing     Status = "committing"
	Committed      Status = "committed"
	RollingBack    Status = "rollingBack"
	RolledBack     Status = "rolledBack"
	RollbackFailed Status = "rollbackFailed"
	InDoubt        Status = "inDoubt"
)

// Final reports whether nothing more will happen to the transaction.
func (s Status) Final() bool { return s == Committed || s == RolledBack }

// Waiting reports whether the transaction waits for an operator.
func (s Status) Waiting() bool { return s == RollbackFailed || s == InDoubt }

// RecordKind says what a record of the transaction log tells.
type RecordKind uint8

// The kinds of records. Their numbers are part of the log format.
const (
	Began          RecordKind = 1  // the transaction: caller, request, catalog revision
	StepStarted    RecordKind = 2  // a provider call is about to act; carries all its undoing needs
	StepFlushed    RecordKind = 3  // further rollback data of a started call
	StepDone       RecordKind = 4  // the call succeeded; carries its last rollback data
	StepFailed     RecordKind = 5  // the call failed and left nothing behind
	PreparingTx    RecordKind = 6  // two-phase calls are being prepared
	CommittingTx   RecordKind = 7  // all prepared: forward from here
	StepCommitted  RecordKind = 8  // one two-phase call is committed
	CommittedTx    RecordKind = 9  // final; carries the response
	RollingBackTx  RecordKind = 10 // back from here; carries the error
	StepUndone     RecordKind = 11 // one call is undone
	StepUndoFailed RecordKind = 12 // undoing one call failed; carries the text
	RolledBackTx   RecordKind = 13 // final
	RollbackFailTx RecordKind = 14 // an operator is needed; carries the text
	InDoubtTx      RecordKind = 15 // an operator is needed; carries the text
	Refused        RecordKind = 16 // a request or call that was not allowed; carries the rule
)

// Record is one entry of the transaction log. Which fields a kind uses is
// told at the fields; the others are empty.
type Record struct {
	Transaction TransactionID
	Kind        RecordKind
	At          time.Time // UTC, whole microseconds

	// Began
	Caller    string // account that asked
	Trustee   string // account that is checked
	Client    string // clientTransactionId
	Namespace string // Began: of a simple request; Step…: of the call
	Procedure string
	Revision  int64    // Began: revision of the catalog
	Programs  []string // Began: content hash of the inline procedure; those of namespaces are found by Revision

	// Step…
	Seq      int
	Parents  []Frame // StepStarted: the calls around it, outermost first
	Provider string  // StepStarted: providerSource
	Type     ProcedureType
	Policy   Policy // StepStarted: what no answer means
	Identity Identity
	Context  string // StepStarted: the element context as XML, without secrets
	Input    string // StepStarted: executeData as XML when saveDataForRollback
	Rollback []Pair // StepStarted, StepFlushed, StepDone

	// RollingBackTx, StepFailed, StepUndoFailed, InDoubtTx, RollbackFailTx, Refused
	Code Code
	Text string

	// The element response, what is marked do-not-log masked: of CommittingTx, or of CommittedTx when nothing was
	// two-phase; of RollingBackTx with its errorContext
	Response string
}

// Frame names one running procedure.
type Frame struct {
	Seq       int    `json:"seq"`
	Namespace string `json:"namespace,omitempty"`
	Procedure string `json:"procedure,omitempty"`
}

// TransactionLog keeps the records of transactions.
type TransactionLog interface {
	// Append makes rs durable in one commit, all or none. An error with code
	// LogRefused says that nothing was written and never will be (an old
	// fencing number, a record too large); after any other error it is not
	// known whether they were written, and the caller must let go of their
	// transactions and leave them to recovery.
	Append(ctx context.Context, l Lease, rs ...Record) error
	// Records returns all records of a transaction in the order of writing;
	// none for an unknown one.
	Records(ctx context.Context, id TransactionID) ([]Record, error)
	// Unfinished returns up to n transactions of engine that are neither final
	// nor wait for an operator, in the order of their IDs, after the given one.
	Unfinished(ctx context.Context, engine EngineID, after TransactionID, n int) ([]TransactionID, error)
}

// Recoverer finishes what a dead engine left. The engine implements it.
type Recoverer interface {
	// Recover brings an unfinished transaction to an end: forward when it was
	// committing, back otherwise. It may be repeated.
	Recover(ctx context.Context, id TransactionID) (Status, error)
}

// Engine runs a request now, as one transaction.
type Engine interface {
	// Submit runs req for from and returns when it is committed, or undone as
	// far as a first pass can. The response is there on failure too and holds
	// the errorContext; err is then the same *Error. The engine takes over and
	// releases req.Doc. Cancelling ctx counts until the first effect only.
	Submit(ctx context.Context, from Caller, req *Request) (*Response, error)
}

// Transaction is the fold of the records of one transaction.
type Transaction struct {
	ID        TransactionID `json:"id"`
	Status    Status        `json:"status"`
	Caller    string        `json:"caller,omitempty"`
	Trustee   string        `json:"trustee,omitempty"`
	Client    string        `json:"clientTransactionId,omitempty"`
	Namespace string        `json:"namespace,omitempty"` // of a simple request
	Procedure string        `json:"procedure,omitempty"`
	Revision  int64         `json:"revision,omitempty"`
	Programs  []string      `json:"programs,omitempty"`
	Started   time.Time     `json:"started,omitzero"`
	Ended     time.Time     `json:"ended,omitzero"` // zero while not final
	Code      Code          `json:"code,omitzero"`  // of the error, 0 without one
	Text      string        `json:"text,omitempty"` // of the error, or the reason for waiting
	Response  string        `json:"response,omitempty"`
	Steps     []Step        `json:"steps,omitempty"` // in the order of their numbers
}

// StepStatus is the state of one provider call.
type StepStatus string

// The states of a call. CallStarted means: without an outcome.
const (
	CallStarted    StepStatus = "started"
	CallDone       StepStatus = "done"
	CallFailed     StepStatus = "failed"
	CallCommitted  StepStatus = "committed"
	CallUndone     StepStatus = "undone"
	CallUndoFailed StepStatus = "undoFailed"
)

// Step is one provider call of a transaction, as the log tells it.
type Step struct {
	Seq       int           `json:"seq"`
	Parents   []Frame       `json:"parents,omitempty"`
	Namespace string        `json:"namespace,omitempty"`
	Procedure string        `json:"procedure,omitempty"`
	Provider  string        `json:"provider,omitempty"`
	Type      ProcedureType `json:"type,omitzero"`
	Policy    Policy        `json:"noAnswer"`
	Identity  Identity      `json:"identity,omitzero"`
	Context   string        `json:"-"`
	Input     string        `json:"-"`
	Rollback  []Pair        `json:"-"`
	Status    StepStatus    `json:"status"`
	Began     time.Time     `json:"began,omitzero"`
	Ended     time.Time     `json:"ended,omitzero"` // when done, failed or committed
	UndoneAt  time.Time     `json:"undoneAt,omitzero"`
	Text      string        `json:"text,omitempty"` // why it failed or could not be undone
}

// MayUndo reports whether the call has an effect that rolling back must undo.
func (s *Step) MayUndo() bool {
	if s.Type == Read {
		return false
	}
	switch s.Status {
	case CallDone, CallStarted, CallUndoFailed, CallCommitted:
		return true
	}
	return false
}
