package sutler

import (
	"context"
	"slices"
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
	PausedTx       RecordKind = 17 // a round of undoing or committing failed; carries its number and when the next is due
	Resolved       RecordKind = 18 // an operator's word; carries verb, account and reason
	LateEffect     RecordKind = 19 // a call acted after the lease of its engine had lapsed: it counts as started again
	AuditCommand   RecordKind = 20 // SQL for the audit database, run when the transaction moves to the audit log
	Carried        RecordKind = 21 // stands for all earlier records of an unfinished transaction, which retention cuts off

	lastKind = Carried
)

// Known reports whether k is a kind of records that this version writes.
func (k RecordKind) Known() bool { return k >= Began && k <= lastKind }

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
	Digest    string // Began with Client: hexadecimal SHA-256 of the request, to tell a repetition from a mistake
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
	Enlisted bool   // StepStarted: of type read, and takes part in two-phase commit (the heir of DTC enlistment)
	Audited  bool   // StepStarted, Refused: of a procedure marked for audit
	Identity Identity
	Context  string // StepStarted: the element context as XML, without secrets
	Input    string // StepStarted: executeData as XML when saveDataForRollback
	Rollback []Pair // StepStarted, StepFlushed, StepDone, LateEffect
	Before   string // StepStarted: executeData as XML with secrets masked, when the audit level is full
	After    string // StepDone: the same after the call

	// RollingBackTx, StepFailed, StepUndoFailed, InDoubtTx, RollbackFailTx, PausedTx, Refused: why.
	// Resolved: the reason. AuditCommand: the command.
	Code Code
	Text string

	// The element response, what is marked do-not-log masked: of CommittingTx; of PreparingTx when one step commits
	// last; of CommittedTx when nothing was two-phase; of RollingBackTx with its errorContext
	Response string

	Round int       // PausedTx: rounds that have failed so far
	Due   time.Time // PausedTx: when the next round begins; UTC, whole microseconds
	Verb  Verb      // Resolved; the account is Caller, the call Seq

	Records []byte // Carried: EncodeRecords of what it stands for

	// What must not be read at rest (sensitive, do-not-log, credentials) is kept
	// encrypted in Sealed: Context, Input, Rollback, the secret of Identity and
	// Answer, the response as it was sent. The engine seals what is marked
	// Sensitive when it writes a record, and opens it when it reads one; these
	// three are not encoded themselves.
	Sealed    []byte
	Sensitive bool
	Private   bool // Sensitive, and because the call is: no text of the transaction shows any value of it
	Answer    string
}

// CommitsLast names the rollback datum by which an enlisted call says that
// its outside system cannot prepare: its commit, together with a marker in
// that system, then comes after all others are prepared and decides the
// transaction. At most one connection of a transaction may be so.
const CommitsLast = "sutler:commits-last"

// Verb is what an operator does to a transaction that waits for one.
type Verb string

// The verbs. Each goes on with the transaction at once, in its direction:
// forward when it was committing, else back.
const (
	Retry        Verb = "retry"     // try again what failed
	SkipStep     Verb = "skip-step" // leave one call as it is: it is neither undone nor committed any more
	MarkDone     Verb = "mark-done" // what was left to do for one call has been done by hand
	RollbackVerb Verb = "rollback"  // turn back, also when it was committing
)

// Resolution is an operator's word on one transaction.
type Resolution struct {
	Verb   Verb      `json:"verb"`
	Seq    int       `json:"seq,omitempty"` // the call, of skip-step and mark-done
	Reason string    `json:"reason"`        // required
	Caller string    `json:"caller,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// Resolver lets operators act on transactions. The engine implements it.
type Resolver interface {
	// Resolve records r and goes on with the transaction. It is refused with
	// code BadInput without a reason or for a call that the verb does not fit,
	// NotFound for an unknown transaction, Conflict for one that is final or
	// that an engine is working on, Denied for a caller without the right.
	// What failed again is no error: the status says it.
	Resolve(ctx context.Context, from Caller, id TransactionID, r Resolution) (Status, error)
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
	// transactions and leave them to recovery. A record Began whose trustee and
	// Client were seen before, in another transaction, is refused with code
	// Duplicate: nothing was written, see Find.
	Append(ctx context.Context, l Lease, rs ...Record) error
	// Find returns the transaction that trustee began under the
	// clientTransactionId client, "" when the log knows none.
	Find(ctx context.Context, trustee, client string) (TransactionID, error)
	// Records returns all records of a transaction in the order of writing;
	// none for an unknown one. Carried records are replaced by what they hold.
	Records(ctx context.Context, id TransactionID) ([]Record, error)
	// Unfinished returns up to n transactions of engine that are neither final
	// nor wait for an operator, in the order of their IDs, after the given one.
	Unfinished(ctx context.Context, engine EngineID, after TransactionID, n int) ([]TransactionID, error)
}

// Recoverer finishes what a dead engine left. The engine implements it, the
// auditing and recovery manager starts it.
type Recoverer interface {
	// RecoverAll finishes every unfinished transaction of l.Engine, writing
	// under l, which must be its newest lease: forward when it was committing,
	// back otherwise. Transactions that this process is running are left alone.
	// One that pauses is taken up by RecoverDue. It may be repeated.
	RecoverAll(ctx context.Context, l Lease) error
	// RecoverDue goes on with the transactions whose pause is over and returns
	// when the next one ends; the zero time when none pauses.
	RecoverDue(ctx context.Context) (time.Time, error)
	// Carry writes all records of a transaction anew under l, as one that
	// stands for them, so that the old ones can be cut off; code Conflict when
	// the engine works on it. It may be repeated.
	Carry(ctx context.Context, l Lease, id TransactionID) error
}

// Engine runs a request now, as one transaction.
type Engine interface {
	// Submit runs req for from and returns when it is committed, or undone as
	// far as a first pass can. The response is there on failure too and holds
	// the errorContext; err is then the same *Error. Status Committing without
	// an error means that the transaction is decided and will be committed, and
	// one of its commits is tried again later. The engine takes over and
	// releases req.Doc. Cancelling ctx counts until the first effect only.
	//
	// A request with a clientTransactionId (clientContext) that the same
	// trustee has used before is not run again: it waits for the first one and
	// answers as that did, with Repeated set. If its content differs it is
	// refused with code Duplicate.
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
	Digest    string        `json:"digest,omitempty"` // of the request, when it came with a clientTransactionId
	Revision  int64         `json:"revision,omitempty"`
	Programs  []string      `json:"programs,omitempty"`
	Started   time.Time     `json:"started,omitzero"`
	Ended     time.Time     `json:"ended,omitzero"` // zero while not final
	Code      Code          `json:"code,omitzero"`  // of the error, 0 without one
	Text      string        `json:"text,omitempty"` // of the error, or the reason for waiting
	Response  string        `json:"response,omitempty"`
	Answer    string        `json:"-"`                 // the response as it was sent, when that was sealed
	Forward   bool          `json:"forward,omitempty"` // the point of no return is behind it and nobody turned it back
	Round     int           `json:"round,omitempty"`   // rounds of undoing or committing that failed
	Due       time.Time     `json:"due,omitzero"`      // when the next round begins, while it pauses
	Resolved  []Resolution  `json:"resolved,omitempty"`
	Commands  []Command     `json:"commands,omitempty"` // for the audit database
	Audited   bool          `json:"audited,omitempty"`  // a call of a procedure marked for audit was made or refused
	Refusals  []Refusal     `json:"refusals,omitempty"` // what was not allowed, in order; for auditors
	Steps     []Step        `json:"steps,omitempty"`    // in the order of their numbers
}

// Refusal is a request or a call that was not allowed.
type Refusal struct {
	Seq       int       `json:"seq,omitempty"` // number of the call; 0: the request as such
	Namespace string    `json:"namespace,omitempty"`
	Procedure string    `json:"procedure,omitempty"`
	Rule      string    `json:"rule"` // the check that refused, and why
	At        time.Time `json:"at,omitzero"`
}

// Command is SQL that a call of Custom Audit::Audit left for the audit database.
type Command struct {
	Seq int    `json:"seq"`
	SQL string `json:"sql"`
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
	CallSkipped    StepStatus = "skipped" // an operator leaves it as it is
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
	Enlisted  bool          `json:"enlisted,omitempty"`
	Audited   bool          `json:"audited,omitempty"`
	Identity  Identity      `json:"identity,omitzero"`
	Context   string        `json:"-"`
	Input     string        `json:"-"`
	Rollback  []Pair        `json:"-"`
	Sensitive bool          `json:"-"`                // its records are sealed
	Private   bool          `json:"-"`                // because the call is sensitive
	Before    string        `json:"before,omitempty"` // executeData with secrets masked, when the audit level is full
	After     string        `json:"after,omitempty"`
	Status    StepStatus    `json:"status"`
	Began     time.Time     `json:"began,omitzero"`
	Ended     time.Time     `json:"ended,omitzero"` // when done, failed or committed
	UndoneAt  time.Time     `json:"undoneAt,omitzero"`
	Text      string        `json:"text,omitempty"` // why it failed or could not be undone
}

// MayUndo reports whether the call has an effect that rolling back must undo.
func (s *Step) MayUndo() bool {
	if s.Type == Read && !s.Enlisted {
		return false
	}
	switch s.Status {
	case CallDone, CallStarted, CallUndoFailed, CallCommitted:
		return true
	}
	return false
}

// Commits reports whether the call takes part in two-phase commit.
func (s *Step) Commits() bool { return s.Type == TwoPhase || s.Enlisted }

// Decides reports whether the call commits last and its marker decides what
// becomes of a transaction that was preparing; see CommitsLast.
func (s *Step) Decides() bool {
	return slices.ContainsFunc(s.Rollback, func(p Pair) bool { return p.Name == CommitsLast })
}
