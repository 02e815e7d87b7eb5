package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// Options are what an engine is made of. Log, Config, Now and NewID are
// required; the zero values of the others work.
type Options struct {
	Lease     sutler.Lease // the engine's right to write to Log
	Log       sutler.TransactionLog
	Config    sutler.Config
	Providers map[string]sutler.Provider // by providerSource, compared without regard to case
	Builtin   []sutler.Source            // namespaces that are always there and cannot be replaced
	Limits    sutler.Limits
	Grace     time.Duration // how long past its deadline a provider call is waited for; 0: 2 s
	Now       func() time.Time
	NewID     func() sutler.TransactionID
	Stop      context.Context // once it ends, calls are cancelled and running transactions undone; nil: never
	Logger    *slog.Logger    // nil: nothing is logged
	Validate  bool            // check executeData against the input schemas of procedures, not only where they force it
	Trace     func(Event)     // nil: nothing is traced; called from the walking goroutine

	// Holds reports whether the lease is in force at this moment, by a clock that
	// counts suspend. It is asked directly before each act of a provider, and
	// after it. Nil: always.
	Holds func() bool
	// Admit is asked before a request is taken; its error is the answer. Nil: all are taken.
	Admit func() error
	// Current is asked when a request comes, and before each call that it makes:
	// its error says that the access in force may be an old one, so that nothing
	// is allowed any more. What a transaction has done is undone then, which
	// needs no right, and no catch sees the error. Nil: it is always current.
	Current func(context.Context) error
	// Pauses are those between rounds of undoing or committing that failed;
	// after the last one an operator is needed. Nil: 1 s, 5 s, 30 s, 2 min, 10 min.
	Pauses []time.Duration
	// Access keeps who may do what. Nil: only what is built in.
	Access sutler.AccessStore
	// Sealer encrypts what must not be read at rest. Nil: nothing is encrypted
	// and no stored credential can be used, for engines whose log is not kept.
	Sealer sutler.Sealer
	// AuditLevel says how much calls leave in the log. Nil: sutler.AuditFlagged.
	AuditLevel func() sutler.AuditLevel
}

// defaultPauses are the pauses in force when Options.Pauses is nil.
var defaultPauses = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// Engine runs requests. It implements sutler.Engine, sutler.Registrar and
// sutler.Recoverer and is safe for many goroutines at once.
type Engine struct {
	log       sutler.TransactionLog
	config    sutler.Config
	providers map[string]sutler.Provider
	limits    sutler.Limits
	grace     time.Duration
	now       func() time.Time
	newID     func() sutler.TransactionID
	stop      context.Context
	logger    *slog.Logger
	validate  bool
	trace     func(Event)
	holds     func() bool
	admit     func() error
	current   func(context.Context) error
	pauses    []time.Duration
	level     func() sutler.AuditLevel
	builtin   []sutler.Source
	rules     sutler.AccessStore
	sealer    sutler.Sealer

	abandoned atomic.Int64
	catalog   atomic.Pointer[catalog]
	access    atomic.Pointer[security.Access]
	register  sync.Mutex // one change of the catalog at a time
	granting  sync.Mutex // and one of who may do what, which no registration keeps waiting

	slots   chan struct{} // a running request holds one
	mu      sync.Mutex
	open    int           // requests inside Submit
	stopped chan struct{} // closed by Close
	idle    chan struct{} // closed when stopped and no request is open

	lease  sutler.Lease                           // for new transactions; under mu
	living map[sutler.TransactionID]chan struct{} // those that this engine works on; closed at the end; under mu
	due    map[sutler.TransactionID]paused        // those that it must go on with later; under mu
	late   []lateCall                             // effects of calls that outlived their lease; under mu
}

var (
	_ sutler.Engine    = (*Engine)(nil)
	_ sutler.Registrar = (*Engine)(nil)
	_ sutler.Recoverer = (*Engine)(nil)
	_ sutler.Resolver  = (*Engine)(nil)
)

// New returns an engine with the namespaces of o.Builtin and o.Config
// compiled. It does not recover: call RecoverAll before the doors open.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		lease: o.Lease, log: o.Log, config: o.Config, limits: o.Limits.WithDefaults(), grace: o.Grace,
		now: o.Now, newID: o.NewID, stop: o.Stop, logger: o.Logger, validate: o.Validate, trace: o.Trace,
		providers: map[string]sutler.Provider{}, stopped: make(chan struct{}), idle: make(chan struct{}),
		holds: o.Holds, admit: o.Admit, current: o.Current, pauses: o.Pauses, level: o.AuditLevel, builtin: o.Builtin, rules: o.Access, sealer: o.Sealer,
		living: map[sutler.TransactionID]chan struct{}{}, due: map[sutler.TransactionID]paused{},
	}
	if e.holds == nil {
		e.holds = func() bool { return true }
	}
	if e.admit == nil {
		e.admit = func() error { return nil }
	}
	if e.current == nil {
		e.current = func(context.Context) error { return nil }
	}
	if e.pauses == nil {
		e.pauses = defaultPauses
	}
	if e.level == nil {
		e.level = func() sutler.AuditLevel { return sutler.AuditFlagged }
	}
	if e.grace == 0 {
		e.grace = 2 * time.Second
	}
	if e.stop == nil {
		e.stop = context.Background()
	}
	if e.logger == nil {
		e.logger = slog.New(slog.DiscardHandler)
	}
	for source, p := range o.Providers {
		if _, twice := e.providers[procedure.Fold(source)]; twice {
			return nil, fmt.Errorf("cannot make an engine: two providers are called %q, without regard to case", procedure.Fold(source))
		}
		e.providers[procedure.Fold(source)] = p
	}
	e.slots = make(chan struct{}, e.limits.Running)
	if err := e.load(ctx, o.Builtin); err != nil {
		return nil, err
	}
	if err := e.loadAccess(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Close refuses new requests and waits until those inside are answered, or
// until ctx ends. It may be called again.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	select {
	case <-e.stopped:
	default:
		close(e.stopped)
		if e.open == 0 {
			close(e.idle)
		}
	}
	e.mu.Unlock()
	select {
	case <-e.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter waits for a place among the running requests. The returned function
// gives it back.
func (e *Engine) enter(ctx context.Context) (leave func(), err error) {
	if err := e.admit(); err != nil {
		return nil, &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot run the request: %w", err)}
	}
	e.mu.Lock()
	select {
	case <-e.stopped:
		e.mu.Unlock()
		return nil, sutler.Errorf(sutler.Stopping, "cannot run the request: the engine is stopping")
	default:
	}
	if e.open >= e.limits.Running+e.limits.Waiting {
		e.mu.Unlock()
		return nil, sutler.Errorf(sutler.Busy, "cannot run the request: %d requests run and %d wait (limits Running and Waiting, settings limit.running and limit.waiting)",
			e.limits.Running, e.limits.Waiting)
	}
	e.open++
	e.mu.Unlock()
	done := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.open--
		select {
		case <-e.stopped:
			if e.open == 0 {
				close(e.idle)
			}
		default:
		}
	}
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots; done() }, nil
	case <-ctx.Done():
		done()
		return nil, sutler.Errorf(sutler.Cancelled, "cannot run the request: %w", context.Cause(ctx))
	}
}

// Lease returns the lease under which new transactions are written.
func (e *Engine) Lease() sutler.Lease {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lease
}

// SetLease makes l the lease for new transactions, after the one before was
// lost. Those that run keep theirs; what they leave is for RecoverAll.
func (e *Engine) SetLease(l sutler.Lease) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lease = l
}

func (e *Engine) journal(id sutler.TransactionID, l sutler.Lease) *journal {
	return &journal{log: e.log, lease: l, id: id, now: e.now, sealer: e.sealer}
}

// Open returns how many requests run or wait.
func (e *Engine) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

// claim makes this engine work on a transaction, unless it does already. The
// returned function gives the transaction free.
func (e *Engine) claim(id sutler.TransactionID) (free func(), ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.living[id] != nil {
		return nil, false
	}
	end := make(chan struct{})
	e.living[id] = end
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.living, id)
		close(end)
	}, true
}

// atWork returns a channel that is closed when this engine has given the
// transaction free, or nil if it does not work on it.
func (e *Engine) atWork(id sutler.TransactionID) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.living[id]
}
