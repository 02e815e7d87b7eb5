package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"

	"sutler"
)

// The table sutler_steps holds a row for each command that a call committed
// here. It is made with the first row and dropped with the last one, so that
// undoing leaves nothing behind. Rows of committed transactions stay; the
// column started helps an operator who wants to remove old ones.
const (
	makeSteps = `create table if not exists main.` + stepsTable + ` (
	transaction_id text not null,
	call           integer not null,
	procedure      text not null,
	started        text not null,
	last_insert_id integer not null,
	primary key (transaction_id, call)
) without rowid`
	addStep    = `insert into main.` + stepsTable + ` values (?, ?, ?, ?, ?)`
	findStep   = `select last_insert_id from main.` + stepsTable + ` where transaction_id = ? and call = ?`
	removeStep = `delete from main.` + stepsTable + ` where transaction_id = ? and call = ?`
	countSteps = `select count(*) from main.` + stepsTable
	hasSteps   = `select count(*) from main.sqlite_schema where type = 'table' and name = '` + stepsTable + `'`
	dropSteps  = `drop table main.` + stepsTable
)

// addStep records c as done; to be called in the transaction that does it.
func (d *database) addStep(ctx context.Context, c *sutler.Call, lastInsertID int64) error {
	return d.exec(ctx, addStep, string(c.Transaction), c.Seq, c.Procedure, c.Started.UTC().Format(time.RFC3339Nano), lastInsertID)
}

// step returns whether c is recorded as done, and the row it inserted last.
func (d *database) step(ctx context.Context, c *sutler.Call) (done bool, lastInsertID int64, err error) {
	if has, err := d.number(ctx, hasSteps); err != nil || has == 0 {
		return false, 0, err
	}
	lastInsertID, err = d.number(ctx, findStep, string(c.Transaction), c.Seq)
	if errors.Is(err, stdsql.ErrNoRows) {
		return false, 0, nil
	}
	return err == nil, lastInsertID, err
}

// removeStep is the reverse of addStep and, for the last row, of makeSteps.
func (d *database) removeStep(ctx context.Context, c *sutler.Call) error {
	if err := d.exec(ctx, removeStep, string(c.Transaction), c.Seq); err != nil {
		return err
	}
	if left, err := d.number(ctx, countSteps); err != nil || left > 0 {
		return err
	}
	return d.exec(ctx, dropSteps)
}

// number returns the one number that a statement of the provider's own selects.
func (d *database) number(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = d.conn.QueryRowContext(ctx, sql, args...).Scan(&n)
	return n, err
}
