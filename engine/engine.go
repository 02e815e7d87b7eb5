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
}

// Engine runs requests. It implements sutler.Engine, sutler.Registrar and
// sutler.Recoverer and is safe for many goroutines at once.
type Engine struct {
	lease     sutler.Lease
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

	abandoned atomic.Int64
	catalog   atomic.Pointer[catalog]
	register  sync.Mutex // one registration at a time

	slots   chan struct{} // a running request holds one
	mu      sync.Mutex
	open    int           // requests inside Submit
	stopped chan struct{} // closed by Close
	idle    chan struct{} // closed when stopped and no request is open
}

var (
	_ sutler.Engine    = (*Engine)(nil)
	_ sutler.Registrar = (*Engine)(nil)
	_ sutler.Recoverer = (*Engine)(nil)
)

// New returns an engine with the namespaces of o.Builtin and o.Config
// compiled. It does not recover: call RecoverAll before the doors open.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		lease: o.Lease, log: o.Log, config: o.Config, limits: o.Limits.WithDefaults(), grace: o.Grace,
		now: o.Now, newID: o.NewID, stop: o.Stop, logger: o.Logger, validate: o.Validate, trace: o.Trace,
		providers: map[string]sutler.Provider{}, stopped: make(chan struct{}), idle: make(chan struct{}),
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
func (e *Engine) Lease() sutler.Lease { return e.lease }

func (e *Engine) journal(id sutler.TransactionID) *journal {
	return &journal{log: e.log, lease: e.lease, id: id, now: e.now}
}
