package sql

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"sutler"
)

// link connects for a session, as c.
func (p *databases) link(ctx context.Context, c *sutler.Call, in *input) (link, error) {
	if in.to.postgres() {
		d, err := p.dial(ctx, in.to, c.Identity, in.wait)
		if err != nil {
			return nil, err
		}
		return &postgresLink{d}, nil
	}
	d, err := p.connect(ctx, in.to.Database, in.wait)
	if err != nil {
		return nil, err
	}
	return &sqliteLink{d}, nil
}

// savepoint is what the savepoint of a call is called.
func savepoint(call int) string { return quoteName("sutler_" + strconv.Itoa(call)) }

// lasting is ctx for what must be done also when ctx is done.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), grace)
}

type sqliteLink struct{ d *database }

func (l *sqliteLink) prepares() bool   { return false }
func (l *sqliteLink) schema() string   { return "" }
func (l *sqliteLink) database() string { return "" }
func (l *sqliteLink) role() string     { return "" }
func (l *sqliteLink) close()           { l.d.close() }

func (l *sqliteLink) begin(ctx context.Context, _ string) error {
	if err := l.d.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return l.d.fail("lock", ConnectFailed, err)
	}
	return nil
}

func (l *sqliteLink) savepoint(ctx context.Context, call int) error {
	if err := l.alive(ctx); err != nil { // else SAVEPOINT would begin a transaction
		return err
	}
	if err := l.d.exec(ctx, "SAVEPOINT "+savepoint(call)); err != nil {
		return l.d.fail("change", sutler.Failed, err)
	}
	return nil
}

// backTo fails when SQLite has ended the transaction, as it does when a
// command that writes is interrupted.
func (l *sqliteLink) backTo(ctx context.Context, call int) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	for _, verb := range []string{"ROLLBACK TO ", "RELEASE "} {
		if err := l.d.exec(ctx, verb+savepoint(call)); err != nil {
			return l.d.fail("take back the command on", sutler.Failed, err)
		}
	}
	return nil
}

func (l *sqliteLink) carry(ctx context.Context, c *sutler.Call, in *input, read bool, maxRows int) error {
	r, err := newRun(in)
	if err != nil {
		return err
	}
	if err := r.on(l.d); err != nil {
		return err
	}
	ctx, cancel := in.limit(ctx)
	defer cancel()
	if r.writes && read {
		return r.fail(sutler.BadInput, errors.New("it writes (use Transact)"))
	}
	if r.writes {
		if err := r.output(ctx, c, r.stmt.text, maxRows); err != nil {
			return err
		}
		if _, err := r.counts(ctx, c); err != nil {
			return r.fail(sutler.Failed, err)
		}
		return nil
	}
	if err := l.d.exec(ctx, "PRAGMA query_only = 1"); err != nil {
		return r.fail(sutler.Failed, err)
	}
	err = r.output(ctx, c, r.whole(maxRows), maxRows)
	after, cancel := lasting(ctx)
	defer cancel()
	if off := l.d.exec(after, "PRAGMA query_only = 0"); off != nil {
		return r.fail(sutler.Failed, errors.Join(err, off))
	}
	return err
}

func (l *sqliteLink) mark(ctx context.Context, c *sutler.Call) error {
	err := l.alive(ctx)
	if err == nil {
		err = l.d.exec(ctx, makeSteps)
	}
	if err == nil {
		err = l.d.addStep(ctx, marker(c), 0)
	}
	if err != nil {
		return l.d.fail("change "+stepsTable+" of", sutler.Failed, err)
	}
	return nil
}

func (l *sqliteLink) prepare(context.Context, string) error {
	return fmt.Errorf("cannot prepare database %q: SQLite cannot", l.d.name)
}

func (l *sqliteLink) commit(ctx context.Context) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	if err := l.d.exec(ctx, "COMMIT"); err != nil {
		return l.d.fail("commit", sutler.Failed, err)
	}
	return nil
}

// alive fails when no transaction is open: then one can be begun.
func (l *sqliteLink) alive(ctx context.Context) error {
	if err := l.d.exec(ctx, "BEGIN"); err == nil {
		_ = l.d.exec(ctx, "ROLLBACK")
		return l.d.fail("use", sutler.Failed, errors.New("its transaction has ended"))
	}
	return nil
}

type postgresLink struct{ d *postgres }

func (l *postgresLink) prepares() bool   { return l.d.prepares }
func (l *postgresLink) schema() string   { return l.d.schema }
func (l *postgresLink) database() string { return l.d.database }
func (l *postgresLink) role() string     { return l.d.role }
func (l *postgresLink) close()           { l.d.close() }

func (l *postgresLink) begin(ctx context.Context, name string) error {
	if err := l.d.makeSteps(ctx); err != nil {
		return err
	}
	return l.d.begin(ctx, name)
}

func (l *postgresLink) run(ctx context.Context, verb, sql string) error {
	if _, err := l.d.exec(ctx, sql); err != nil {
		return l.d.fail(verb, ConnectFailed, err)
	}
	if l.d.lost() {
		return l.d.fail(verb, ConnectFailed, errors.New("the connection is lost"))
	}
	return nil
}

func (l *postgresLink) savepoint(ctx context.Context, call int) error {
	return l.run(ctx, "change", "SAVEPOINT "+savepoint(call))
}

func (l *postgresLink) backTo(ctx context.Context, call int) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	if err := l.run(ctx, "take back the command on", "ROLLBACK TO SAVEPOINT "+savepoint(call)); err != nil {
		return err
	}
	return l.run(ctx, "take back the command on", "RELEASE SAVEPOINT "+savepoint(call))
}

func (l *postgresLink) carry(ctx context.Context, c *sutler.Call, in *input, read bool, maxRows int) error {
	s, args, err := work(in.command)
	if err != nil {
		return err
	}
	if read { // until the savepoint is gone
		if err := l.run(ctx, "read", "SET LOCAL transaction_read_only = on"); err != nil {
			return err
		}
	}
	return l.d.carry(ctx, c, in, s, args, maxRows)
}

func (l *postgresLink) mark(ctx context.Context, c *sutler.Call) error {
	return l.d.addStep(ctx, c, markOf(c))
}

func (l *postgresLink) prepare(ctx context.Context, name string) error {
	return l.d.conclude(ctx, "prepare", "PREPARE TRANSACTION", quoteText(name))
}

func (l *postgresLink) commit(ctx context.Context) error {
	return l.d.conclude(ctx, "commit", "COMMIT", "")
}

func (l *postgresLink) alive(ctx context.Context) error { return l.run(ctx, "use", "SELECT 1") }
