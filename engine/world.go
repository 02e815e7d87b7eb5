package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// world is all that a walk may touch of the outside.
type world interface {
	// call carries out one provider call. On success the output is in c.Data.
	// Secrets of the call are masked in the error.
	// abandoned tells that the provider never came back and goes on with the
	// document of c, which must be neither read nor released any more.
	call(ctx context.Context, c *sutler.Call, k kept) (err error, abandoned bool)
	// refuse records that a call was not allowed.
	refuse(seq int, namespace, procedure string, d security.Decision, audited bool)
	// full reports whether every call leaves its input and output in the log.
	full() bool
	// access returns what the installation allows now: programs are pinned for
	// a transaction, access lists are not.
	access() *security.Access
	// secrets are what the log does not show of the transaction.
	secrets() *secrets
	// current says why that may be an old picture, or returns nil.
	current(ctx context.Context) error
	// secret returns the password of a stored credential.
	secret(c *security.Credential) (sutler.Secret, error)
}

// kept is what the log keeps of a call beside the call itself.
type kept struct {
	parents []sutler.Frame
	audited bool   // the procedure is marked for audit
	secret  bool   // the records of the call are sealed
	private bool   // the call is sensitive
	input   string // executeData as XML, when the procedure saves it for rollback
	before  string // the same with secrets masked, when everything is audited
}

// local is the world of a transaction that runs in this process.
type local struct {
	e *Engine
	j *journal
}

// Errors with one of these marks end the transaction: no catch sees them.
// After the first two nothing is undone.
var (
	errLetGo   = errors.New("the engine let go of the transaction")
	errDoubt   = errors.New("the transaction waits for an operator")
	errRefused = errors.New("the log refused a record")
	errLimit   = errors.New("a limit of time is reached") // a catch would make the clock decide
	errStop    = errors.New("the engine was told to stop")
	errOpen    = errors.New("the call is not settled yet") // undoing it is tried again
)

// markOf returns the mark of err, or nil.
func markOf(err error) error {
	for _, mark := range []error{errLetGo, errDoubt, errRefused, errLimit, errStop, errOpen} {
		if errors.Is(err, mark) {
			return mark
		}
	}
	return nil
}

func (l *local) refuse(seq int, namespace, procedure string, d security.Decision, audited bool) {
	l.j.hold(sutler.Record{Kind: sutler.Refused, Seq: seq, Namespace: namespace, Procedure: procedure, Code: sutler.Denied, Text: d.Check + ": " + d.Rule, Audited: audited})
}

func (l *local) full() bool { return l.e.level() >= sutler.AuditFull }

func (l *local) access() *security.Access { return l.e.access.Load() }

func (l *local) secrets() *secrets                 { return &l.j.secrets }
func (l *local) current(ctx context.Context) error { return l.e.current(ctx) }

func (l *local) secret(c *security.Credential) (sutler.Secret, error) { return l.e.secretOf(c) }

func (l *local) call(ctx context.Context, c *sutler.Call, k kept) (err error, abandoned bool) {
	if l.e.stop.Err() != nil {
		return errors.Join(errStop, sutler.Errorf(sutler.Cancelled, "cannot call %s/%s: interrupted", c.Namespace, c.Procedure)), false
	}
	defer func() {
		if err != nil && l.e.stop.Err() != nil && markOf(err) == nil {
			err = errors.Join(errStop, sutler.Errorf(sutler.Cancelled, "interrupted: %w", err))
		}
	}()
	p, ok := l.e.providers[procedure.Fold(c.ProviderSource)]
	if !ok {
		return sutler.Errorf(sutler.NoProvider, "cannot call %s/%s: this engine has no provider %q", c.Namespace, c.Procedure, c.ProviderSource), false
	}
	start := sutler.Record{
		Kind: sutler.StepStarted, Seq: c.Seq, Parents: k.parents, Namespace: c.Namespace, Procedure: c.Procedure,
		Provider: c.ProviderSource, Type: c.Type, Identity: c.Identity, Audited: k.audited, Before: k.before, Sensitive: k.secret, Private: k.private,
	}
	var commands []string
	c.Audit = func(sql string) { commands = append(commands, sql) }
	c.Hide = l.j.secrets.hide
	t := traitsOf(p, c.Procedure)
	if c.Type == sutler.Read && !t.Enlists {
		err, abandoned = l.read(ctx, p, c, start)
	} else {
		if start.Context, err = l.e.recordContext(c.Context, k.secret); err != nil {
			return err, false
		}
		start.Policy, start.Input = t.NoAnswer, k.input
		err, abandoned = l.write(ctx, p, c, start, t)
	}
	if err == nil {
		shown := l.j.secrets.hideLiteral
		if k.private {
			shown = func(string) string { return hidden }
		}
		for _, sql := range commands {
			l.j.hold(sutler.Record{Kind: sutler.AuditCommand, Seq: c.Seq, Text: auditCommand(sql, shown)})
		}
	}
	return err, abandoned
}

// after returns what the log keeps of the output of a call.
func (l *local) after(c *sutler.Call, start *sutler.Record) string {
	switch {
	case start.Before == "" || c.Data == nil:
		return ""
	case start.Private:
		return hiddenData
	}
	return l.j.secrets.xml(c.Data)
}

// read calls a procedure that leaves nothing to undo. It leaves records only
// if it is audited; they may wait. One that flushes is about to act: then its
// namespace declares it wrongly, and it is stopped.
func (l *local) read(ctx context.Context, p sutler.Provider, c *sutler.Call, start sutler.Record) (err error, abandoned bool) {
	audited := start.Audited || start.Before != ""
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
		return sutler.Errorf(sutler.BadNamespace, "cannot let %s/%s act: its namespace declares it of type read, which is never undone; declare it of type write", c.Namespace, c.Procedure)
	})
	if audited {
		l.j.hold(start)
	}
	if l.j.acted {
		ctx = context.WithoutCancel(ctx)
	}
	err = l.process(ctx, p, c, start.Private)
	if audited {
		end := sutler.Record{Kind: sutler.StepDone, Seq: c.Seq}
		if err == nil {
			end.After = l.after(c, &start)
		} else {
			end.Kind, end.Code, end.Text = sutler.StepFailed, sutler.CodeOf(err), err.Error()
		}
		l.j.hold(end)
	}
	return err, isAbandoned(err)
}

// write calls a procedure that has an effect, or may enlist: the record that it
// starts is durable before it acts.
func (l *local) write(ctx context.Context, p sutler.Provider, c *sutler.Call, start sutler.Record, t sutler.Traits) (err error, abandoned bool) {
	g := &gate{}
	started, known := false, []sutler.Pair(nil)
	var refused error // by the log
	flush := func(_ context.Context, pairs []sutler.Pair) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.closed.Load() {
			return sutler.ErrAbandoned
		}
		r := sutler.Record{Kind: sutler.StepFlushed, Seq: c.Seq, Rollback: pairs, Sensitive: start.Sensitive}
		if !started {
			start.Enlisted = t.Enlists && c.Rollback.Enlisted()
			if err := l.mayStart(c, &start, pairs); err != nil {
				return err
			}
			r = start
			r.Rollback = pairs
		}
		if err := l.j.write(r); err != nil {
			refused = err
			return err
		}
		started, known = true, pairs
		if g.closed.Load() { // the commit took longer than the call may
			return sutler.ErrAbandoned
		}
		return l.e.acting(l.j)
	}
	c.Rollback = sutler.NewRollbackData(nil, flush)
	if c.Type != sutler.Read || l.j.acted {
		ctx = context.Background()
	}
	if t.Flushes || flush(context.Background(), nil) == nil {
		err = l.process(ctx, p, c, start.Private)
	}
	abandoned = isAbandoned(err)
	g.close()
	if started && l.j.lost == nil {
		left := known // an abandoned call may still be setting more
		if !abandoned {
			left = c.Rollback.Pairs()
		}
		_ = l.e.acted(l.j, lateCall{seq: c.Seq, rollback: left, sensitive: start.Sensitive}, err) // then the journal is lost
	}
	if l.j.lost != nil {
		return errors.Join(errLetGo, l.j.lost), abandoned
	}
	switch {
	case !started: // it said that it flushes before it acts, and it did not: no effect
	case err == nil:
		done := sutler.Record{Kind: sutler.StepDone, Seq: c.Seq, After: l.after(c, &start)}
		if pairs := c.Rollback.Pairs(); !slices.Equal(pairs, known) {
			done.Rollback, done.Sensitive = pairs, start.Sensitive
		}
		l.j.hold(done)
	case unanswered(err):
		err = l.settleNow(p, c, start, known, err)
	default:
		l.j.hold(sutler.Record{Kind: sutler.StepFailed, Seq: c.Seq, Code: sutler.CodeOf(err), Text: err.Error()})
	}
	if refused != nil && markOf(err) == nil {
		return errors.Join(errRefused, refused), abandoned
	}
	return err, abandoned
}

// mayStart refuses a call that its namespace or the other calls of the
// transaction do not let act.
func (l *local) mayStart(c *sutler.Call, start *sutler.Record, pairs []sutler.Pair) error {
	if c.Type == sutler.Read && !start.Enlisted {
		return sutler.Errorf(sutler.BadNamespace, "cannot let %s/%s act: its namespace declares it of type read, which is never undone, and it did not enlist; declare it of type write", c.Namespace, c.Procedure)
	}
	for _, p := range pairs {
		if p.Name != sutler.CommitsLast || !start.Enlisted {
			continue
		}
		if l.j.last != "" && l.j.last != p.Value {
			return sutler.Errorf(sutler.BadInput, "cannot enlist %q: its system cannot prepare, and neither can %q, which the transaction has enlisted before; at most one such connection can commit last", p.Value, l.j.last)
		}
		l.j.last = p.Value
	}
	return nil
}

// settleNow decides a call without an answer before any catch runs, by what
// the provider declared. What it cannot decide is for an operator.
func (l *local) settleNow(p sutler.Provider, c *sutler.Call, start sutler.Record, known []sutler.Pair, err error) error {
	s := sutler.Step{
		Seq: c.Seq, Namespace: c.Namespace, Procedure: c.Procedure, Provider: c.ProviderSource, Type: c.Type,
		Policy: start.Policy, Identity: c.Identity, Context: start.Context, Input: start.Input, Rollback: known, Status: sutler.CallStarted,
		Sensitive: start.Sensitive, Private: start.Private,
	}
	again, open := l.e.settle(l.j, p, &s, err.Error())
	switch {
	case open == nil:
		return err
	case l.j.lost != nil:
		return errors.Join(errLetGo, l.j.lost)
	case again:
		return errors.Join(errOpen, err)
	}
	if lost := l.e.doubt(l.j, &s, open); lost != nil {
		return errors.Join(errLetGo, lost)
	}
	return errors.Join(errDoubt, sutler.Errorf(sutler.Doubt, "%s", l.j.records[len(l.j.records)-1].Text))
}

// settle brings a call without an outcome to one: undone or found to have had
// no effect. An error says why it has none yet; with again, asking or undoing
// it failed and may be tried again, else an operator must decide.
func (e *Engine) settle(j *journal, p sutler.Provider, s *sutler.Step, why string) (again bool, err error) {
	unknown := func(format string, args ...any) error {
		return fmt.Errorf("the outcome of call %d, %s/%s, is not known (%s): %w", s.Seq, s.Namespace, s.Procedure, why, fmt.Errorf(format, args...))
	}
	if p == nil {
		return true, unknown("this engine has no provider %q", s.Provider)
	}
	policy := s.Policy
	if policy == sutler.Probe && !s.Enlisted {
		prober, ok := p.(sutler.Prober)
		if !ok {
			return false, unknown("the provider cannot be asked")
		}
		outcome := sutler.Unknown
		err := e.again(j, s, "probe", func(ctx context.Context, c *sutler.Call) (err error) {
			outcome, err = prober.Probe(ctx, c)
			return err
		})
		switch {
		case err != nil:
			return true, unknown("asking the provider gave: %w", err)
		case outcome == sutler.NoEffect:
			j.hold(sutler.Record{Kind: sutler.StepFailed, Seq: s.Seq, Code: sutler.NoAnswer, Text: why + "; it had no effect"})
			s.Status = sutler.CallFailed
			return false, nil
		case outcome == sutler.Unknown:
			return false, unknown("the provider does not know")
		}
		policy = sutler.Repeatable
	}
	// What an enlisted call did lives in a transaction of the outside system,
	// which can always be ended.
	if policy != sutler.Repeatable && !s.Enlisted {
		return false, unknown("the provider declares that an operator must decide")
	}
	if err := e.undo(j, p, s); err != nil {
		return true, unknown("undoing it failed: %w", err)
	}
	return false, nil
}

// doubt leaves a transaction to an operator, because of the given call.
func (e *Engine) doubt(j *journal, s *sutler.Step, reason error) error {
	if err := j.must(sutler.Record{Kind: sutler.InDoubtTx, Seq: s.Seq, Code: sutler.Doubt, Text: reason.Error()}); err != nil {
		return err
	}
	e.needsOperator(j, sutler.InDoubt, eventAbortFailed, reason.Error())
	return nil
}
