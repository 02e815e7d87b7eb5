package sql

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
)

// makeSteps makes the table sutler_steps, in a database transaction of its
// own, since the lock on a table that is not committed would keep others out.
func (d *postgres) makeSteps(ctx context.Context) error {
	for try := 0; ; try++ {
		has, err := d.hasSteps(ctx)
		if err != nil || has {
			return err
		}
		_, err = d.exec(ctx, `create table if not exists `+d.steps+` (
			transaction_id text not null, call integer not null, procedure text not null, started timestamptz not null, primary key (transaction_id, call))`)
		if err != nil && try > 2 { // two that make it at the same time
			return d.failSteps("make the table "+stepsTable+" in", err)
		}
	}
}

func (d *postgres) hasSteps(ctx context.Context) (bool, error) {
	row, err := d.row(ctx, `select to_regclass($1) is not null`, d.steps)
	if err != nil {
		return false, d.fail("look at", ConnectFailed, err)
	}
	return row[0] == "t", nil
}

// addStep records the call in sutler_steps, step looks for it, removeStep takes it away.
func (d *postgres) addStep(ctx context.Context, c *sutler.Call, call int) error {
	_, err := d.exec(ctx, `insert into `+d.steps+` values ($1, $2::int, $3, $4::timestamptz)`,
		string(c.Transaction), strconv.Itoa(call), c.Procedure, c.Started.UTC().Format(time.RFC3339Nano))
	if err != nil {
		return d.failSteps("change "+stepsTable+" of", err)
	}
	return nil
}

func (d *postgres) step(ctx context.Context, c *sutler.Call, call int) (bool, error) {
	if has, err := d.hasSteps(ctx); err != nil || !has {
		return false, err
	}
	_, err := d.row(ctx, `select 1 from `+d.steps+` where transaction_id = $1 and call = $2::int`, string(c.Transaction), strconv.Itoa(call))
	if errors.Is(err, errNoRow) {
		return false, nil
	}
	if err != nil {
		return false, d.failSteps("read "+stepsTable+" of", err)
	}
	return true, nil
}

func (d *postgres) removeStep(ctx context.Context, c *sutler.Call) error {
	if _, err := d.exec(ctx, `delete from `+d.steps+` where transaction_id = $1 and call = $2::int`, string(c.Transaction), strconv.Itoa(c.Seq)); err != nil {
		return d.failSteps("change "+stepsTable+" of", err)
	}
	return nil
}

// failSteps is fail for what an account may lack the rights for.
func (d *postgres) failSteps(verb string, err error) error {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "42501" {
		err = fmt.Errorf("%w (the account needs SELECT, INSERT and DELETE on the table, or the right to make it)", err)
	}
	return d.fail(verb, sutler.Failed, err)
}
