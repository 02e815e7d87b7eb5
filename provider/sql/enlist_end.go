package sql

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
)

// What follows looks at a database transaction from outside, as a process does
// that did not begin it: with nothing but what the call remembers.

// inspectEnd finds out what has become of the database transaction of c: it is
// prepared, or committed and so marked, or neither. What is left of it in
// another session is ended first, so that the answer stays true.
func (p *databases) inspectEnd(ctx context.Context, c *sutler.Call, to target) (isPrepared, marked bool, err error) {
	if !to.postgres() {
		marked, err = p.markedSQLite(ctx, c, to)
		return false, marked, err
	}
	d, err := p.redial(ctx, c, to)
	if err != nil {
		return false, false, err
	}
	defer d.close()
	if isPrepared, err = d.quiet(ctx, c.Rollback.Get(enlistedPair)); err != nil || isPrepared {
		return isPrepared, false, err
	}
	marked, err = d.step(ctx, c, markOf(c))
	return false, marked, err
}

// markedSQLite reports whether c is marked as committed. It takes the lock that
// an open database transaction holds, and so waits for one.
func (p *databases) markedSQLite(ctx context.Context, c *sutler.Call, to target) (marked bool, err error) {
	d, err := p.connect(ctx, to.Database, defaultWait)
	if sutler.CodeOf(err) == sutler.NoSuchFile {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer d.close()
	err = d.inspect(ctx, "BEGIN IMMEDIATE", func() error {
		if marked, _, err = d.step(ctx, marker(c)); err != nil {
			return d.fail("read "+stepsTable+" of", sutler.Failed, err)
		}
		return nil
	})
	return marked, err
}

// marker is the call whose row tells that the database transaction of c is committed.
func marker(c *sutler.Call) *sutler.Call {
	return &sutler.Call{Transaction: c.Transaction, Seq: commitCall, Procedure: c.Procedure, Started: c.Started}
}

// found is nil when the database transaction of c is prepared or committed.
func (p *databases) found(ctx context.Context, c *sutler.Call, to target) error {
	isPrepared, marked, err := p.inspectEnd(ctx, c, to)
	if err != nil || isPrepared || marked {
		return err
	}
	return lostError(to)
}

func lostError(to target) error {
	return sutler.Errorf(sutler.Conflict, "the database transaction on %s is gone: it was rolled back", to.title())
}

// finish commits what is prepared. What is committed already is fine, and what
// is neither is an error.
func (p *databases) finish(ctx context.Context, c *sutler.Call, to target) error {
	return p.end(ctx, c, to, "COMMIT PREPARED", func(marked bool) error {
		if !marked {
			return lostError(to)
		}
		return nil
	})
}

// abolish rolls back what is prepared, or open in another session. What is
// gone already is fine, and what is committed is an error.
func (p *databases) abolish(ctx context.Context, c *sutler.Call, to target) error {
	return p.end(ctx, c, to, "ROLLBACK PREPARED", func(marked bool) error {
		if marked {
			return sutler.Errorf(sutler.Conflict, "cannot roll back the database transaction on %s: it is committed (take back by hand what it did, then mark the call as done)", to.title())
		}
		return nil
	})
}

// end ends a prepared database transaction by verb; if there is none it is
// otherwise that says what that means.
func (p *databases) end(ctx context.Context, c *sutler.Call, to target, verb string, otherwise func(marked bool) error) error {
	if !to.postgres() {
		marked, err := p.markedSQLite(ctx, c, to)
		if err != nil {
			return err
		}
		return otherwise(marked)
	}
	name := c.Rollback.Get(enlistedPair)
	d, err := p.redial(ctx, c, to)
	if err != nil {
		return err
	}
	defer d.close()
	for {
		isPrepared, err := d.quiet(ctx, name)
		if err != nil {
			return err
		}
		if !isPrepared {
			marked, err := d.step(ctx, c, markOf(c))
			if err != nil {
				return err
			}
			return otherwise(marked)
		}
		_, err = d.exec(ctx, verb+" "+quoteText(name))
		var pg *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "55000"): // ended, or being ended, by somebody else
			select {
			case <-ctx.Done():
				return d.fail("end the database transaction of", sutler.Failed, context.Cause(ctx))
			case <-time.After(10 * time.Millisecond):
			}
		default:
			return d.fail("end the database transaction of", sutler.Failed, err)
		}
	}
}
