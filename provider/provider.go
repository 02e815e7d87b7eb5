// Package provider holds what all providers share: Procedures, the table a
// provider is written as, the reading of input elements, and the check that a
// table agrees with its namespace file.
package provider

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"sutler"
)

// Func is one operation of a procedure on one call.
type Func func(ctx context.Context, c *sutler.Call) error

// Procedure is one line of the table. Its type follows from the operations it
// has: one with Prepare or Commit is two-phase, else one with Rollback is a
// write, else it is a read. One that Enlists is a write or a read, as the
// namespace file says: its Prepare and Commit, and of a read its Rollback, are
// for the calls that enlist.
type Procedure struct {
	Process  Func // required
	Rollback Func // idempotent; treats "already gone" as success
	Prepare  Func
	Commit   Func // idempotent; must succeed in the end

	// Probe finds out whether a call without an answer took effect. It is
	// needed for NoAnswer sutler.Probe.
	Probe func(ctx context.Context, c *sutler.Call) (sutler.Outcome, error)

	Flushes  bool          // calls c.Rollback.Flush before it acts
	Enlists  bool          // may call c.Rollback.Enlist; needs Rollback, Prepare, Commit and Probe
	NoAnswer sutler.Policy // what a call without an answer means

	// UndoAsService promises that Rollback, Prepare, Commit and Probe of a call
	// that ran as the calling user need nothing of the caller: when the caller
	// has gone, as after a crash, they get the service account as identity.
	// They then act as the same account of the outside system as Process did,
	// which they know from the rollback data, or refuse with code Denied; they
	// never act with rights that Process did not have. Without the promise such
	// a call waits for an operator.
	UndoAsService bool
}

// Type returns the type that the procedure must have in the namespace file;
// one that Enlists may also be a read there.
func (p Procedure) Type() sutler.ProcedureType {
	switch {
	case p.Enlists:
		return sutler.Write
	case p.Prepare != nil || p.Commit != nil:
		return sutler.TwoPhase
	case p.Rollback != nil:
		return sutler.Write
	default:
		return sutler.Read
	}
}

// Procedures is a provider written as a table: the procedures by name. Names
// are found without regard to case, and no two may differ in case alone. The
// table must not change while it is used.
//
// Errors of the file system and of contexts that have no code get one
// (sutler.Exists, NoSuchFile, Denied, NotEmpty, TimedOut, Cancelled) and keep
// their text; other errors pass through unchanged.
type Procedures map[string]Procedure

var (
	_ sutler.TwoPhaseProvider = Procedures(nil)
	_ sutler.Describer        = Procedures(nil)
	_ sutler.Prober           = Procedures(nil)
)

// Process calls the procedure that c names; code NoProvider if there is none.
func (ps Procedures) Process(ctx context.Context, c *sutler.Call) error {
	return ps.run(ctx, c, func(p Procedure) Func { return p.Process })
}

// Rollback undoes c. A procedure without the operation has nothing to undo.
func (ps Procedures) Rollback(ctx context.Context, c *sutler.Call) error {
	return ps.run(ctx, c, func(p Procedure) Func { return p.Rollback })
}

// Prepare prepares c. A procedure without the operation is always prepared.
func (ps Procedures) Prepare(ctx context.Context, c *sutler.Call) error {
	return ps.run(ctx, c, func(p Procedure) Func { return p.Prepare })
}

// Commit commits c. A procedure without the operation has nothing to do.
func (ps Procedures) Commit(ctx context.Context, c *sutler.Call) error {
	return ps.run(ctx, c, func(p Procedure) Func { return p.Commit })
}

// Probe asks whether c took effect; a procedure without the operation does not know.
func (ps Procedures) Probe(ctx context.Context, c *sutler.Call) (sutler.Outcome, error) {
	p, ok := ps.find(c.Procedure)
	if !ok {
		return sutler.Unknown, ps.unknown(c)
	}
	if p.Probe == nil {
		return sutler.Unknown, nil
	}
	o, err := p.Probe(ctx, c)
	return o, withCode(err)
}

// Traits returns what the table declares for a procedure.
func (ps Procedures) Traits(procedure string) (sutler.Traits, bool) {
	p, ok := ps.find(procedure)
	return sutler.Traits{Flushes: p.Flushes, NoAnswer: p.NoAnswer, UndoAsService: p.UndoAsService, Enlists: p.Enlists}, ok
}

func (ps Procedures) run(ctx context.Context, c *sutler.Call, operation func(Procedure) Func) error {
	p, ok := ps.find(c.Procedure)
	if !ok {
		return ps.unknown(c)
	}
	f := operation(p)
	if f == nil {
		return nil
	}
	return withCode(f(ctx, c))
}

func (ps Procedures) find(name string) (Procedure, bool) {
	if p, ok := ps[name]; ok {
		return p, true
	}
	for n, p := range ps { // at most one matches, so the order does not matter
		if strings.EqualFold(n, name) {
			return p, true
		}
	}
	return Procedure{}, false
}

func (ps Procedures) unknown(c *sutler.Call) error {
	names := make([]string, 0, len(ps))
	for n := range ps {
		names = append(names, n)
	}
	slices.Sort(names)
	return sutler.Errorf(sutler.NoProvider, "cannot call %q: provider %q has no such procedure, only %s",
		c.Procedure, c.ProviderSource, strings.Join(names, ", "))
}

// codes are the codes of well-known errors, the first that matches counts.
var codes = []struct {
	err  error
	code sutler.Code
}{
	{syscall.ENOTEMPTY, sutler.NotEmpty}, // before ErrExist, which it also is
	{fs.ErrExist, sutler.Exists},
	{fs.ErrNotExist, sutler.NoSuchFile},
	{fs.ErrPermission, sutler.Denied},
	{os.ErrDeadlineExceeded, sutler.TimedOut},
	{context.DeadlineExceeded, sutler.TimedOut},
	{context.Canceled, sutler.Cancelled},
}

// withCode returns err as a *sutler.Error when it has no code but is well known.
func withCode(err error) error {
	if err == nil {
		return nil
	}
	var coded *sutler.Error
	if errors.As(err, &coded) {
		return err
	}
	for _, k := range codes {
		if errors.Is(err, k.err) {
			return &sutler.Error{Code: k.code, Err: err}
		}
	}
	return err
}
