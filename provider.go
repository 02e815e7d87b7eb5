package sutler

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"sutler/xmltree"
)

// Provider carries out the procedures of the namespaces that name it as their
// providerSource (MPF: IProvProvider). Calls of different transactions come at
// the same time; the calls of one transaction come one after the other.
type Provider interface {
	// Process does the work of one call: it reads its input from c.Data and
	// adds its output there. An error means that the provider has undone its
	// own partial work. A panic, a missed deadline or a lost process is not an
	// error but an unknown effect, settled by Traits.NoAnswer; so is an error
	// with code NoAnswer, by which a provider says that it does not know.
	Process(ctx context.Context, c *Call) error
	// Rollback undoes a Process that succeeded, or one that a crash cut short.
	// It may be called again and treats "already gone" as success.
	Rollback(ctx context.Context, c *Call) error
}

// TwoPhaseProvider is a provider with procedures of type two-phase.
type TwoPhaseProvider interface {
	Provider
	// Prepare makes sure that Commit cannot fail, or fails.
	Prepare(ctx context.Context, c *Call) error
	// Commit makes the effect permanent. It may be called again.
	Commit(ctx context.Context, c *Call) error
}

// Describer is implemented by providers that declare how their procedures
// behave. A provider without it has the zero Traits for every procedure.
type Describer interface {
	// Traits returns what the provider declares for procedure, and whether it
	// has that procedure at all. Names are compared without regard to case.
	Traits(procedure string) (Traits, bool)
}

// Traits are what a provider declares for one procedure. With UndoAsService it
// promises to act in those phases as it did for the caller, which it knows from
// the rollback data, or to refuse with code Denied.
type Traits struct {
	Flushes       bool   // calls Rollback.Flush before it acts; without a Flush it had no effect
	NoAnswer      Policy // what a call without an answer means
	UndoAsService bool   // a call of the calling user is undone, prepared, committed and probed with the identity service when the caller has gone
	Enlists       bool   // calls of it may enlist, see RollbackData.Enlist; the provider is a TwoPhaseProvider and a Prober
}

// Policy says how a call without an answer is settled.
type Policy uint8

// The policies: an operator decides, the call may be repeated or undone
// safely, or the provider can be asked.
const (
	Operator Policy = iota
	Repeatable
	Probe
)

// String returns operator, repeatable or probe.
func (p Policy) String() string { return [...]string{"operator", "repeatable", "probe"}[p] }

// Prober is implemented by providers that can find out whether a call took effect.
type Prober interface {
	// Probe looks whether the call c took effect. c carries the rollback data
	// that was durable when the answer went missing.
	Probe(ctx context.Context, c *Call) (Outcome, error)
}

// Outcome is the answer of a probe.
type Outcome uint8

// The outcomes: not known, no effect, took effect.
const (
	Unknown Outcome = iota
	NoEffect
	TookEffect
)

// ProcedureType says what the engine calls on the provider (schema B.21).
type ProcedureType uint8

// The types of procedures with the numbers of the MPF configuration schema.
const (
	Read ProcedureType = iota + 1
	Write
	TwoPhase
)

// String returns read, write or two-phase.
func (t ProcedureType) String() string {
	switch t {
	case Write:
		return "write"
	case TwoPhase:
		return "two-phase"
	default:
		return "read"
	}
}

// Call is one call of a provider procedure: data and callbacks, no engine.
// It is valid until the provider returns.
type Call struct {
	Transaction    TransactionID
	Seq            int // number of the call within the transaction (procedureExecId)
	Namespace      string
	Procedure      string
	ProviderSource string
	Type           ProcedureType
	Identity       Identity
	Started        time.Time // start of the transaction; the only clock a call should know

	Context  *xmltree.Node // the element context of executeXml; never nil
	Data     *xmltree.Node // the element executeData; nil at rollback, prepare and commit unless saveDataForRollback
	Rollback *RollbackData // never nil
	Bag      *Bag          // shared by the calls of one transaction, never nil; empty after a crash

	// Audit leaves SQL for the audit database (MPF: Custom Audit::Audit). It is
	// run after the transaction has committed, if the call succeeds. Values stand
	// in single quotes: there secrets are replaced by ***, in a sensitive call
	// all of them. Nil during rollback, prepare, commit and probe.
	Audit func(sql string)

	// Hide returns a text as a provider may write it to a log: with *** for
	// what is marked do-not-log, passwords and the values of sensitive calls.
	// Errors need it not. Nil during rollback, prepare, commit and probe.
	Hide func(text string) string
}

// Provider returns the element providerContext of the call's namespace, or nil.
func (c *Call) Provider() *xmltree.Node { return c.Context.Child("providerContext") }

// Text returns the trimmed text of the child element local of the call's data
// and whether there is such a child.
func (c *Call) Text(local string) (string, bool) {
	if c.Data == nil {
		return "", false
	}
	e := c.Data.Child(local)
	if e == nil {
		return "", false
	}
	return strings.Trim(e.Text(), " \t\r\n"), true
}

// Bag holds values that the providers of one transaction share (MPF:
// AddProperty, QueryProperty, DeleteProperty). The zero Bag is empty.
type Bag struct {
	mu     sync.Mutex
	values map[string]string
}

// Set puts value under name, in place of an earlier one.
func (b *Bag) Set(name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values == nil {
		b.values = map[string]string{}
	}
	b.values[name] = value
}

// Get returns the value of name and whether there is one.
func (b *Bag) Get(name string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.values[name]
	return v, ok
}

// Delete removes the value of name, if there is one.
func (b *Bag) Delete(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.values, name)
}

// ErrAbandoned is what Flush returns when the engine no longer waits for the call.
var ErrAbandoned = errors.New("the engine no longer waits for this call")

// RollbackData are the named values that a call leaves for its undoing (MPF:
// SetRollbackData, GetRollbackData, FlushRollbackData). Not for concurrent use.
type RollbackData struct {
	pairs    []Pair
	enlisted bool
	flush    func(context.Context, []Pair) error
}

// Pair is one named value.
type Pair struct{ Name, Value string }

// NewRollbackData returns rollback data that holds pairs and is made durable by flush.
func NewRollbackData(pairs []Pair, flush func(context.Context, []Pair) error) *RollbackData {
	return &RollbackData{pairs: append([]Pair(nil), pairs...), flush: flush}
}

// Set remembers value under name, in place of an earlier one. It is durable
// after the next Flush.
func (r *RollbackData) Set(name, value string) {
	for i := range r.pairs {
		if r.pairs[i].Name == name {
			r.pairs[i].Value = value
			return
		}
	}
	r.pairs = append(r.pairs, Pair{name, value})
}

// Get returns the value of name, or "".
func (r *RollbackData) Get(name string) string {
	for _, p := range r.pairs {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Pairs returns a copy of all values in the order of their first Set.
func (r *RollbackData) Pairs() []Pair { return append([]Pair(nil), r.pairs...) }

// Enlist says, before the first Flush, that the call takes part in the
// two-phase commit of the transaction (the heir of DTC enlistment): it has done
// its work in a transaction of the outside system that Prepare, Commit and
// Rollback end. It counts where Traits.Enlists is declared, also in a procedure
// of type read, which may then flush. last is "", or the name of a connection
// whose outside system cannot prepare: then Prepare makes sure of no more than
// that the work is still there, Commit writes a marker together with the work,
// and Probe tells by it whether the transaction is decided; at most one
// connection of a transaction may be so. See CommitsLast.
func (r *RollbackData) Enlist(last string) {
	r.enlisted = true
	if last != "" {
		r.Set(CommitsLast, last)
	}
}

// Enlisted reports whether Enlist was called.
func (r *RollbackData) Enlisted() bool { return r.enlisted }

// Flush makes everything set so far durable, together with the record that
// the call has started. A provider calls it after it has looked and before it
// acts; when it returns an error the provider must not act. It fails in a
// procedure that its namespace declares of type read. During rollback, prepare
// and commit it does nothing.
func (r *RollbackData) Flush(ctx context.Context) error {
	if r.flush == nil {
		return nil
	}
	return r.flush(ctx, r.Pairs())
}
