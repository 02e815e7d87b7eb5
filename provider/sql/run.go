package sql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"modernc.org/sqlite"

	"sutler"
)

// run is one command on its way: read, compiled, not yet carried out.
type run struct {
	db     *database
	in     *input
	stmt   *statement
	args   []any
	names  []string // of the columns it returns
	writes bool
}

// start connects and compiles the command of in. Nothing has changed when it
// returns. The caller closes the database.
func (p *databases) start(ctx context.Context, in *input) (*run, error) {
	r, err := newRun(in)
	if err != nil {
		return nil, err
	}
	db, err := p.connect(ctx, in.to.Database, in.wait)
	if err != nil {
		return nil, err
	}
	if err := r.on(db); err != nil {
		db.close()
		return nil, err
	}
	return r, nil
}

// newRun reads the command of in and binds its values, before anything is opened.
func newRun(in *input) (*run, error) {
	stmt, err := outline(in.command.SQL)
	if err != nil {
		return nil, err
	}
	args, err := stmt.bind(in.command)
	return &run{in: in, stmt: stmt, args: args}, err
}

// on compiles the command on db.
func (r *run) on(db *database) (err error) {
	r.db = db
	if r.names, r.writes, err = db.compile(r.stmt); err != nil {
		// no value is bound yet that could be in the text of err
		return db.failCommand(&command{Hidden: r.in.command.Hidden}, r.stmt, sutler.BadInput, err)
	}
	return nil
}

// compile asks SQLite what the statement returns and whether it writes.
func (d *database) compile(s *statement) (names []string, writes bool, err error) {
	err = d.guard.watch(func() error {
		return d.conn.Raw(func(conn any) error {
			describer, ok := conn.(interface {
				ColumnInfo(query string) ([]sqlite.ColumnInfo, error)
			})
			if !ok {
				return errors.New("the driver cannot describe a command")
			}
			columns, err := describer.ColumnInfo(s.text)
			for _, column := range columns {
				names = append(names, column.Name)
			}
			return err
		})
	})
	// What does nothing as far as SQLite tells while compiling it (DROP TABLE
	// IF EXISTS of none) may do something later, and so counts as writing.
	return names, d.guard.writes || d.guard.acts == 0, err
}

// undoCommand returns the undo command, checked as far as it can be before the
// command ran, with all the values it needs.
func (r *run) undoCommand() (*command, error) {
	if r.in.undo == nil {
		return nil, r.fail(sutler.BadInput, errors.New("it writes and there is no undoCommand (add the command that takes it back)"))
	}
	s, err := outline(r.in.undo.SQL)
	if err != nil {
		return nil, r.db.failCommand(r.in.undo, &statement{}, BadElement, err)
	}
	undo := s.borrow(*r.in.undo, r.in.command.Params...)
	if _, err := s.bind(s.borrow(*undo, lastInsert(0))); err != nil {
		return nil, r.db.failCommand(undo, s, BadElement, err)
	}
	return undo, nil
}

// lastInsert is the parameter by which an undoCommand may name the row that
// its command inserted last.
func lastInsert(id int64) param {
	return param{Name: "lastInsertId", Type: "integer", Value: strconv.FormatInt(id, 10)}
}

// read carries out a command that only reads, on a connection that from here
// on cannot write.
func (r *run) read(ctx context.Context, c *sutler.Call, maxRows int) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	if err := r.db.exec(ctx, "PRAGMA query_only = 1"); err != nil {
		return r.fail(sutler.Failed, err)
	}
	return r.db.inspect(ctx, "BEGIN", func() error {
		return r.output(ctx, c, r.whole(maxRows), maxRows)
	})
}

// write carries out a command that writes and records it, in one transaction.
// The undo command is tried before that is committed: what cannot be taken
// back does not happen.
func (r *run) write(ctx context.Context, c *sutler.Call, undo *command, maxRows int) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	d := r.db
	return d.transaction(ctx, "BEGIN IMMEDIATE", func() error {
		if err := d.exec(ctx, makeSteps); err != nil {
			return r.fail(sutler.Failed, err)
		}
		switch done, _, err := d.step(ctx, c); {
		case err != nil:
			return r.fail(sutler.Failed, err)
		case done:
			return r.fail(sutler.Conflict, errors.New("this call is recorded as done already"))
		}
		if err := r.output(ctx, c, r.stmt.text, maxRows); err != nil {
			return err
		}
		id, err := r.counts(ctx, c)
		if err != nil {
			return r.fail(sutler.Failed, err)
		}
		if err := d.addStep(ctx, c, id); err != nil {
			return r.fail(sutler.Failed, err)
		}
		return r.rehearse(ctx, undo, id)
	})
}

// rehearse runs the undo command and takes its effect back. When the engine
// rolls back, everything after this command is undone already, so it will find
// what it finds now.
func (r *run) rehearse(ctx context.Context, undo *command, lastInsertID int64) error {
	if err := r.db.exec(ctx, "SAVEPOINT rehearsal"); err != nil {
		return r.fail(sutler.Failed, err)
	}
	if err := r.db.undo(ctx, undo, lastInsertID); err != nil {
		return r.fail(sutler.BadInput, fmt.Errorf("its undoCommand fails: %w", err))
	}
	if err := r.db.exec(ctx, "ROLLBACK TO rehearsal"); err != nil {
		return r.fail(sutler.Failed, err)
	}
	if err := r.db.exec(ctx, "RELEASE rehearsal"); err != nil {
		return r.fail(sutler.Failed, err)
	}
	return nil
}

// undo runs an undo command.
func (d *database) undo(ctx context.Context, undo *command, lastInsertID int64) error {
	s, err := outline(undo.SQL)
	if err != nil {
		return err
	}
	cmd := s.borrow(*undo, lastInsert(lastInsertID))
	args, err := s.bind(cmd)
	if err != nil {
		return err
	}
	err = d.guard.watch(func() error { return d.exec(ctx, s.text, args...) })
	if err != nil {
		return d.failCommand(cmd, s, sutler.BadInput, err)
	}
	return nil
}

// limit bounds ctx by timeout/@execute.
func (r *run) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return r.in.limit(ctx)
}

func (in *input) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if in.execute == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, in.execute, &slow{in.execute})
}

// slow is the cause of a context that ended by timeout/@execute.
type slow struct{ limit time.Duration }

func (s *slow) Error() string {
	return "it takes longer than timeout/@execute allows, " + strconv.FormatInt(s.limit.Milliseconds(), 10) + " ms"
}

func (s *slow) Is(target error) bool { return target == context.DeadlineExceeded }

func (r *run) fail(code sutler.Code, err error) error {
	return r.db.failCommand(r.in.command, r.stmt, code, err)
}

// whole returns the reading statement as one whose first step does all the
// work: only that step can be interrupted. It also has no column with a
// declared type, for which the driver would make a time of a text.
func (r *run) whole(maxRows int) string {
	names, values := "", ""
	for i := range r.names {
		if i > 0 {
			names, values = names+", ", values+", "
		}
		name := "c" + strconv.Itoa(i)
		names, values = names+name, values+"+"+name
	}
	return "WITH sutler(" + names + ") AS MATERIALIZED (SELECT * FROM (\n" + r.stmt.text + "\n) LIMIT " + strconv.Itoa(maxRows+1) + ") SELECT " + values + " FROM sutler"
}
