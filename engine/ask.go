package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"sutler"
)

// gate is closed when the engine no longer waits for a call: its rollback
// data can then not be flushed any more, and a flush that is under way tells
// the provider not to act.
type gate struct {
	mu     sync.Mutex // held while flushing
	closed atomic.Bool
}

// close returns when no flush is under way any more.
func (g *gate) close() {
	g.closed.Store(true)
	g.mu.Lock()
	defer g.mu.Unlock()
}

// noAnswer is the error of a call whose effect is not known.
type noAnswer struct {
	what      string
	code      sutler.Code
	abandoned bool // the provider still runs and keeps its document
}

func (n *noAnswer) Error() string { return n.what }

// unanswered reports whether err leaves the effect of a call unknown: the
// provider gave no answer, or says with code NoAnswer that it does not know.
func unanswered(err error) bool {
	var none *noAnswer
	return errors.As(err, &none) || sutler.CodeOf(err) == sutler.NoAnswer
}

// isAbandoned reports whether err is that of a call which nobody waits for
// any more: its document must be neither read nor released.
func isAbandoned(err error) bool {
	var none *noAnswer
	return errors.As(err, &none) && none.abandoned
}

// process asks a provider to process c, and learns what is secret in what the
// provider leaves.
func (l *local) process(ctx context.Context, p sutler.Provider, c *sutler.Call, private bool) error {
	// An abandoned call goes on editing its document, so it must not share
	// the budget of the transaction.
	back := c.Context.Document().Lend()
	err := l.e.ask(ctx, c, "process", func(ctx context.Context, c *sutler.Call) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(l.e.stop, cancel)()
		return p.Process(ctx, c)
	})
	if !isAbandoned(err) {
		back()
		l.j.secrets.learnCall(c, private)
	}
	return err
}

// ask runs one method of a provider with a deadline. It is the one place where
// the engine starts a goroutine: a provider that misses its deadline and does
// not come back within the grace is abandoned, it and its document. Then, and
// when the provider panics, there is a *noAnswer in the error. Secrets of the
// call are masked in it.
func (e *Engine) ask(ctx context.Context, c *sutler.Call, what string, f func(context.Context, *sutler.Call) error) error {
	secrets := secretsOf(c) // before the provider edits what marks them
	own := *c               // nor can it change which call the records speak of
	limit := time.Duration(e.limits.CallTime) * time.Millisecond
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		err := error(&noAnswer{fmt.Sprintf("cannot %s %s/%s: the provider ended its goroutine", what, c.Namespace, c.Procedure), sutler.NoAnswer, false})
		defer func() {
			if v := recover(); v != nil {
				e.logger.Error("provider panicked", slog.String("transaction", string(c.Transaction)), slog.Int("call", c.Seq),
					slog.String("procedure", c.Namespace+"/"+c.Procedure), slog.String("stack", string(debug.Stack())))
				err = &noAnswer{fmt.Sprintf("cannot %s %s/%s: the provider panicked: %v", what, c.Namespace, c.Procedure, v), sutler.NoAnswer, false}
			}
			answer <- err
		}()
		err = f(timed, &own)
	}()
	answered := func(err error) error {
		c.Data = own.Data
		return maskedError(err, c, secrets)
	}
	select {
	case err := <-answer:
		return answered(err)
	case <-timed.Done():
	}
	grace := time.NewTimer(e.grace)
	defer grace.Stop()
	select {
	case err := <-answer:
		return answered(err)
	case <-grace.C:
	}
	e.logger.Error("provider call abandoned", slog.String("transaction", string(c.Transaction)), slog.Int("call", c.Seq),
		slog.String("procedure", c.Namespace+"/"+c.Procedure), slog.Int64("abandoned", e.abandoned.Add(1)))
	none := &noAnswer{fmt.Sprintf("cannot %s %s/%s: no answer within %v (limit CallTime, setting limit.callTime)", what, c.Namespace, c.Procedure, limit), sutler.TimedOut, true}
	if ctx.Err() != nil {
		none.what = fmt.Sprintf("cannot %s %s/%s: the caller withdrew the request, and the provider did not come back within %v", what, c.Namespace, c.Procedure, e.grace)
		none.code = sutler.Cancelled
	}
	return &sutler.Error{Code: none.code, Err: none}
}

func traitsOf(p sutler.Provider, name string) sutler.Traits {
	if d, ok := p.(sutler.Describer); ok {
		t, _ := d.Traits(name)
		return t
	}
	return sutler.Traits{}
}
