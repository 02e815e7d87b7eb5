package sql

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"sutler"
)

// work is a command for PostgreSQL with its values, before anything is opened.
func work(cmd *command) (*statement, []any, error) {
	s, err := outlinePostgres(cmd.SQL)
	if err != nil {
		return nil, nil, err
	}
	args, err := s.bind(cmd)
	return s, args, err
}

// own names the database transaction of the call itself, not an enlisted one.
func own(c *sutler.Call) string {
	return string(c.Transaction) + " " + strconv.Itoa(c.Seq)
}

// execPostgres is execSQL for PostgreSQL: with an undoCommand in a database
// transaction that also writes the row in sutler_steps, else in one that can
// only read.
func (p *databases) execPostgres(ctx context.Context, c *sutler.Call, in *input) error {
	if in.undo == nil {
		return p.queryPostgres(ctx, c, in)
	}
	s, args, err := work(in.command)
	if err != nil {
		return err
	}
	outlined, err := outlinePostgres(in.undo.SQL)
	if err != nil {
		return err
	}
	undo := outlined.borrow(*in.undo, in.command.Params...)
	if _, err := outlined.bind(undo); err != nil {
		return err
	}
	text, err := json.Marshal(undo)
	if err != nil {
		return err
	}
	d, err := p.dial(ctx, in.to, c.Identity, in.wait)
	if err != nil {
		return err
	}
	defer d.close()
	in.to.remember(c, d.role)
	c.Rollback.Set("schema", d.schema)
	c.Rollback.Set("undo", string(text))
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if err := d.makeSteps(ctx); err != nil {
		return err
	}
	return p.keep(ctx, c, d, func() error {
		switch done, err := d.step(ctx, c, c.Seq); {
		case err != nil:
			return err
		case done:
			return sutler.Errorf(sutler.Conflict, "cannot run the command on %s: this call is recorded as done already", in.to.title())
		}
		if err := d.carry(ctx, c, in, s, args, p.limits.MaxRows); err != nil {
			return err
		}
		if err := d.addStep(ctx, c, c.Seq); err != nil {
			return err
		}
		return d.rehearse(ctx, undo)
	})
}

// keep runs f in a database transaction of the call and commits it. What an
// error of COMMIT left is looked for.
func (p *databases) keep(ctx context.Context, c *sutler.Call, d *postgres, f func() error) error {
	if err := d.begin(ctx, own(c)); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = d.rollback(ctx) // closing the connection ends it in any case
		return d.fail("change", sutler.Failed, err)
	}
	if err = d.conclude(ctx, "commit", "COMMIT", ""); err == nil {
		return nil
	}
	after, cancel := lasting(ctx)
	defer cancel()
	switch outcome, unknown := p.probePostgres(after, c, d.to); outcome {
	case sutler.TookEffect:
		return nil
	case sutler.NoEffect:
		return err
	default:
		return sutler.Errorf(sutler.NoAnswer, "%w, and it cannot be found out whether it is committed: %w", err, unknown)
	}
}

// rehearse runs the undo command and takes its effect back.
func (d *postgres) rehearse(ctx context.Context, undo *command) error {
	if _, err := d.exec(ctx, "SAVEPOINT sutler_rehearsal"); err != nil {
		return err
	}
	if err := d.undo(ctx, undo); err != nil {
		return sutler.Errorf(sutler.CodeOf(err), "the undoCommand fails: %w", err)
	}
	_, err := d.exec(ctx, "ROLLBACK TO SAVEPOINT sutler_rehearsal")
	return err
}

// undo runs an undo command. What it returns is not read.
func (d *postgres) undo(ctx context.Context, undo *command) error {
	s, args, err := work(undo)
	if err != nil {
		return err
	}
	values, oids := pgValues(args)
	rr := d.conn.ExecParams(ctx, s.text, values, oids, nil, nil)
	if _, err := rr.Close(); err != nil {
		return d.failCommand(ctx, undo, s, err)
	}
	if d.conn.TxStatus() != 'T' {
		return d.failCommand(ctx, undo, s, errors.New("it ended the database transaction"))
	}
	return nil
}

// undoPostgres is undoSQL for PostgreSQL.
func (p *databases) undoPostgres(ctx context.Context, c *sutler.Call, to target, undo *command) error {
	d, err := p.redial(ctx, c, to)
	if err != nil {
		return err
	}
	defer d.close()
	if _, err := d.quiet(ctx, own(c)); err != nil {
		return err
	}
	done, err := d.step(ctx, c, c.Seq)
	if err != nil || !done {
		return err
	}
	if err := d.undo(ctx, undo); err != nil {
		return err
	}
	if err := d.removeStep(ctx, c); err != nil {
		return err
	}
	return d.conclude(ctx, "commit", "COMMIT", "")
}

// probePostgres is probe for PostgreSQL. A session that is still at work on
// the call belongs to nobody any more and is ended first.
func (p *databases) probePostgres(ctx context.Context, c *sutler.Call, to target) (sutler.Outcome, error) {
	d, err := p.redial(ctx, c, to)
	if err != nil {
		return sutler.Unknown, err
	}
	defer d.close()
	if _, err := d.quiet(ctx, own(c)); err != nil {
		return sutler.Unknown, err
	}
	return outcome(d.step(ctx, c, c.Seq))
}

func outcome(done bool, err error) (sutler.Outcome, error) {
	switch {
	case err != nil:
		return sutler.Unknown, err
	case done:
		return sutler.TookEffect, nil
	}
	return sutler.NoEffect, nil
}

// queryPostgres runs a command in a database transaction that can only read.
func (p *databases) queryPostgres(ctx context.Context, c *sutler.Call, in *input) error {
	s, args, err := work(in.command)
	if err != nil {
		return err
	}
	d, err := p.dial(ctx, in.to, c.Identity, in.wait)
	if err != nil {
		return err
	}
	defer d.close()
	if _, err := d.exec(ctx, "BEGIN READ ONLY"); err != nil {
		return d.fail("read", ConnectFailed, err)
	}
	return d.carry(ctx, c, in, s, args, p.limits.MaxRows)
}
