package sql

import (
	"context"
	"encoding/json"
	"errors"

	"sutler"
)

// execSQL runs one command. A command that reads returns its rows; one that
// writes needs an undoCommand and commits together with its row in
// sutler_steps. After an error nothing has changed.
//
// With transactional="1" it is enlisted; see enlist.
func (p *databases) execSQL(ctx context.Context, c *sutler.Call) error {
	in, err := readCommandInput(c)
	if err != nil {
		return err
	}
	if in.command.Transactional {
		if in.undo != nil {
			return badElement("there is an undoCommand and the command is transactional (its database transaction takes it back)")
		}
		return p.enlist(ctx, c, in)
	}
	if p.session(c, in.to) != nil {
		return sutler.Errorf(sutler.Conflict, "cannot run the command on %s: a transactional command of this transaction has it (say transactional=\"1\" here, too)", in.to.title())
	}
	if in.to.postgres() {
		return p.execPostgres(ctx, c, in)
	}
	r, err := p.start(ctx, in)
	if err != nil {
		return err
	}
	defer r.db.close()
	if !r.writes {
		return r.read(ctx, c, p.limits.MaxRows)
	}
	undo, err := r.undoCommand()
	if err != nil {
		return err
	}
	text, err := json.Marshal(undo)
	if err != nil {
		return err
	}
	c.Rollback.Set("database", r.db.name)
	c.Rollback.Set("undo", string(text))
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	err = r.write(ctx, c, undo, p.limits.MaxRows)
	if lost := (*uncommitted)(nil); errors.As(err, &lost) {
		return p.settle(ctx, c, r, err)
	}
	return err
}

// undoSQL runs the undoCommand of c if and only if the command of c is
// recorded as done, and removes that record in the same database transaction.
// So it may run after any crash and any number of times.
func (p *databases) undoSQL(ctx context.Context, c *sutler.Call) error {
	c, to, ok, err := recall(c)
	if err != nil || !ok {
		return err // not ok: it only read, or never came to act
	}
	if enlisted(c) {
		return p.withdraw(ctx, c, to)
	}
	undo := new(command)
	if err := json.Unmarshal([]byte(c.Rollback.Get("undo")), undo); err != nil {
		return sutler.Errorf(sutler.Corrupt, "cannot read the undo command for %s: %w", to.title(), err)
	}
	if to.postgres() {
		return p.undoPostgres(ctx, c, to, undo)
	}
	d, err := p.connect(ctx, to.Database, defaultWait)
	if sutler.CodeOf(err) == sutler.NoSuchFile {
		return nil // gone, and with it what the command did
	}
	if err != nil {
		return err
	}
	defer d.close()
	return d.hold(ctx, "BEGIN IMMEDIATE", func() (undone bool, err error) {
		done, id, err := d.step(ctx, c)
		if err != nil {
			return false, d.fail("read "+stepsTable+" of", sutler.Failed, err)
		}
		if !done {
			return false, nil
		}
		if err := d.undo(ctx, undo, id); err != nil {
			return false, err
		}
		if err := d.removeStep(ctx, c); err != nil {
			return false, d.fail("change "+stepsTable+" of", sutler.Failed, err)
		}
		return true, nil
	})
}

// query runs one command that reads, and refuses one that writes.
// It sees what transactional commands of the same transaction have written.
func (p *databases) query(ctx context.Context, c *sutler.Call) error {
	in, err := readCommandInput(c)
	if err != nil {
		return err
	}
	if s := p.session(c, in.to); s != nil {
		return p.readIn(ctx, c, in, s)
	}
	if in.to.postgres() {
		return p.queryPostgres(ctx, c, in)
	}
	r, err := p.start(ctx, in)
	if err != nil {
		return err
	}
	defer r.db.close()
	if r.writes {
		return r.fail(sutler.BadInput, errors.New("it writes (use ExecSQL with an undoCommand)"))
	}
	return r.read(ctx, c, p.limits.MaxRows)
}

// probe looks whether the command of c is recorded as done. It takes the lock
// that a command holds while it runs, and so waits for one still under way.
func (p *databases) probe(ctx context.Context, c *sutler.Call) (sutler.Outcome, error) {
	c, to, ok, err := recall(c)
	switch {
	case err != nil:
		return sutler.Unknown, err
	case !ok:
		return sutler.NoEffect, nil
	case enlisted(c):
		return p.probeEnlisted(ctx, c, to)
	case to.postgres():
		return p.probePostgres(ctx, c, to)
	}
	d, err := p.connect(ctx, to.Database, defaultWait)
	if sutler.CodeOf(err) == sutler.NoSuchFile {
		return sutler.NoEffect, nil
	}
	if err != nil {
		return sutler.Unknown, err
	}
	defer d.close()
	outcome := sutler.Unknown
	err = d.inspect(ctx, "BEGIN IMMEDIATE", func() error {
		done, _, err := d.step(ctx, c)
		switch {
		case err != nil:
			return d.fail("read "+stepsTable+" of", sutler.Failed, err)
		case done:
			outcome = sutler.TookEffect
		default:
			outcome = sutler.NoEffect
		}
		return nil
	})
	if err != nil {
		return sutler.Unknown, err
	}
	return outcome, nil
}

// settle finds out what an error of COMMIT left.
func (p *databases) settle(ctx context.Context, c *sutler.Call, r *run, cause error) error {
	r.db.close() // ends its transaction
	switch outcome, err := p.probe(context.WithoutCancel(ctx), c); outcome {
	case sutler.TookEffect:
		return nil
	case sutler.NoEffect:
		return cause
	default:
		return sutler.Errorf(sutler.NoAnswer, "%w, and it cannot be found out whether it is committed: %w", cause, err)
	}
}
