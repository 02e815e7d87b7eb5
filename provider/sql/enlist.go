package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sutler"
)

// Enlisted calls (the heir of DTC enlistment) work in one database transaction
// for each connection of a Sutler transaction, and there for each identity. It
// stays open between the calls and ends with the Sutler transaction.
//
// On PostgreSQL with max_prepared_transactions it goes through PREPARE
// TRANSACTION and COMMIT PREPARED. Its name follows from the Sutler transaction
// and the connection, and each call makes it durable before it acts: so every
// prepared transaction is in the records of its Sutler transaction, recovery
// finds it there and ends it, and no sweep over the names that a server holds
// is needed. Elsewhere it commits last, see sutler.CommitsLast. Either way a row
// of sutler_steps, written within it, tells afterwards that it was committed.
//
// As long as it is neither prepared nor committed nothing of it is an effect:
// when the connection or the process is lost the database takes all of it back.

// enlistedPair names the rollback datum that marks an enlisted call: the name
// of its database transaction.
const enlistedPair = "enlisted"

func enlisted(c *sutler.Call) bool { return c.Rollback.Get(enlistedPair) != "" }

// transact runs one command in the database transaction that commits with the
// transaction of the call.
func (p *databases) transact(ctx context.Context, c *sutler.Call) error {
	in, err := readCommandInput(c)
	if err != nil {
		return err
	}
	if in.undo != nil {
		return badElement("there is an undoCommand (the database transaction takes the command back)")
	}
	return p.enlist(ctx, c, in)
}

// enlist runs one command in the database transaction that the transaction of
// c has on in.to, and begins it for the first one. A call that fails leaves
// nothing of its own there; the first one ends it at once. When that cannot be
// made sure the whole is given up: then Prepare and Commit fail, and all goes back.
func (p *databases) enlist(ctx context.Context, c *sutler.Call, in *input) error {
	if err := in.outline(); err != nil {
		return err
	}
	s, err := p.acquire(ctx, c, in.to, true)
	if err != nil {
		return err
	}
	defer p.release(s)
	switch s.state {
	case broken:
		return s.gone()
	case prepared, committed:
		return sutler.Errorf(sutler.Conflict, "cannot run the command on %s: its database transaction is prepared or committed already", in.to.title())
	}
	if slices.Contains(s.calls, c.Seq) {
		return sutler.Errorf(sutler.Conflict, "cannot run the command on %s: this call is in its database transaction already", in.to.title())
	}
	if s.link == nil {
		if s.link, err = p.link(ctx, c, in); err != nil {
			return err
		}
		s.secret = c.Identity.Secret
	}
	if err := s.admit(c); err != nil {
		return err
	}
	name := in.to.prepared(c.Transaction, s.key.as, s.link.database())
	last := ""
	if !s.link.prepares() {
		if last = in.to.title(); s.key.as != "" {
			last += " as " + s.key.as
		}
	}
	c.Rollback.Enlist(last)
	in.to.remember(c, s.link.role())
	c.Rollback.Set(enlistedPair, name)
	if s.link.prepares() {
		c.Rollback.Set("prepares", "1")
	}
	if s.key.as != "" {
		c.Rollback.Set("mark", strconv.Itoa(markNumber(s.key.as)))
	}
	if schema := s.link.schema(); schema != "" {
		c.Rollback.Set("schema", schema)
	}
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if s.state == fresh {
		if err := s.link.begin(ctx, name); err != nil {
			s.drop()
			return err
		}
		s.state = working
	}
	if err := s.link.savepoint(ctx, c.Seq); err != nil {
		s.fails(err)
		return err
	}
	err = s.link.carry(ctx, c, in, false, p.limits.MaxRows)
	if err == nil {
		if err = context.Cause(ctx); err == nil {
			s.calls = append(s.calls, c.Seq)
			return nil
		}
	}
	if len(s.calls) > 0 {
		if lost := s.link.backTo(ctx, c.Seq); lost != nil {
			s.fails(errors.Join(err, lost))
		}
	}
	return err
}

// readIn runs a command that reads in the session s of its transaction.
func (p *databases) readIn(ctx context.Context, c *sutler.Call, in *input, _ *session) error {
	if err := in.outline(); err != nil {
		return err
	}
	s, err := p.acquire(ctx, c, in.to, false)
	if err != nil {
		return err
	}
	if s == nil {
		return p.query(ctx, c) // it has just ended
	}
	defer p.release(s)
	if s.state != working {
		return s.gone()
	}
	if err := s.admit(c); err != nil {
		return err
	}
	const call = -2 // of no call
	if err := s.link.savepoint(ctx, call); err != nil {
		s.fails(err)
		return err
	}
	err = s.link.carry(ctx, c, in, true, p.limits.MaxRows)
	if lost := s.link.backTo(ctx, call); lost != nil {
		s.fails(errors.Join(err, lost))
		return errors.Join(err, lost)
	}
	return err
}

// outline reads the command and its values, before anything is opened.
func (in *input) outline() error {
	if in.to.postgres() {
		_, _, err := work(in.command)
		return err
	}
	_, err := newRun(in)
	return err
}

// prepare makes sure that commit cannot fail: it prepares the database
// transaction, once for all calls in it. Of one that commits last it only looks
// whether it is still there.
func (p *databases) prepare(ctx context.Context, c *sutler.Call) error {
	c, to, ok, err := recall(c)
	if err != nil || !ok || !enlisted(c) {
		return err // a command with an undoCommand is committed already
	}
	s, err := p.acquire(ctx, c, to, false)
	if err != nil {
		return err
	}
	if s == nil {
		return p.found(ctx, c, to)
	}
	defer p.release(s)
	switch {
	case s.state == broken:
		return s.gone()
	case !slices.Contains(s.calls, c.Seq):
		return sutler.Errorf(sutler.Failed, "cannot prepare call %d: its work is not in the database transaction on %s", c.Seq, to.title())
	case s.state != working:
		return nil
	case !s.link.prepares():
		if err := s.link.alive(ctx); err != nil {
			s.fails(err)
			return err
		}
		return nil
	}
	err = s.link.mark(ctx, c)
	if err == nil {
		err = s.link.prepare(ctx, c.Rollback.Get(enlistedPair))
	}
	if err != nil {
		s.fails(err) // if it is prepared all the same, withdraw finds it
		return err
	}
	s.drop()
	s.state = prepared
	return nil
}

// commit commits the database transaction, once for all calls in it. It may
// run in any process and any number of times.
func (p *databases) commit(ctx context.Context, c *sutler.Call) error {
	c, to, ok, err := recall(c)
	if err != nil || !ok || !enlisted(c) {
		return err
	}
	s, err := p.acquire(ctx, c, to, false)
	if err != nil {
		return err
	}
	if s == nil {
		return p.finish(ctx, c, to)
	}
	defer p.release(s)
	switch {
	case s.state == working && s.link.prepares():
		return sutler.Errorf(sutler.Conflict, "cannot commit the database transaction on %s: it is not prepared", to.title())
	case s.state == working && !slices.Contains(s.calls, c.Seq):
		return sutler.Errorf(sutler.Failed, "cannot commit call %d: its work is not in the database transaction on %s", c.Seq, to.title())
	case s.state == working:
		err = s.link.mark(ctx, c)
		if err == nil {
			err = s.link.commit(ctx)
		}
		if err != nil {
			s.fails(err)
			if err = p.settleCommit(ctx, c, to, err); err != nil {
				return err
			}
		}
		s.drop()
	case s.state != committed:
		if err := p.finish(ctx, c, to); err != nil {
			return err
		}
	}
	s.state = committed
	s.leave(c.Seq)
	return nil
}

// settleCommit finds out what an error of the commit that comes last left.
func (p *databases) settleCommit(ctx context.Context, c *sutler.Call, to target, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	switch _, marked, err := p.inspectEnd(ctx, c, to); {
	case err != nil:
		return sutler.Errorf(sutler.NoAnswer, "%w, and it cannot be found out whether it is committed: %w", cause, err)
	case marked:
		return nil
	}
	return cause
}

// withdraw takes the work of an enlisted call back. In the process that did
// it, it takes back this call alone when it is the newest of its database
// transaction, and the whole otherwise, which then can only be rolled back.
// Anywhere else it ends what is left, prepared or not. It is an error when the
// database transaction is committed.
func (p *databases) withdraw(ctx context.Context, c *sutler.Call, to target) error {
	s, err := p.acquire(ctx, c, to, false)
	if err != nil {
		return err
	}
	if s == nil {
		return p.abolish(ctx, c, to)
	}
	defer p.release(s)
	if s.state != working {
		if err := p.abolish(ctx, c, to); err != nil {
			return err
		}
		if s.state == prepared {
			s.fails(errors.New("it was rolled back"))
		}
		s.leave(c.Seq)
		return nil
	}
	switch i := slices.Index(s.calls, c.Seq); {
	case i < 0: // nothing of it is there
	case i < len(s.calls)-1:
		s.fails(fmt.Errorf("call %d in it was rolled back, and not those after it", c.Seq))
	case i > 0:
		if err := s.link.backTo(ctx, c.Seq); err != nil {
			s.fails(err)
		}
	}
	s.leave(c.Seq) // the last one ends the session, and with it the database transaction
	return nil
}

// probeEnlisted tells whether the work of an enlisted call has become an
// effect. Work in an open database transaction of this process has not, and is
// taken back, so that it cannot become one later.
func (p *databases) probeEnlisted(ctx context.Context, c *sutler.Call, to target) (sutler.Outcome, error) {
	s, err := p.acquire(ctx, c, to, false)
	if err != nil {
		return sutler.Unknown, err
	}
	if s != nil {
		open := s.state == working
		p.release(s)
		if open {
			if err := p.withdraw(ctx, c, to); err != nil {
				return sutler.Unknown, err
			}
			return sutler.NoEffect, nil
		}
	}
	isPrepared, marked, err := p.inspectEnd(ctx, c, to)
	return outcome(isPrepared || marked, err)
}
