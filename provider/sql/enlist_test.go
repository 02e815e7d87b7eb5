package sql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/provider/sql"
	"sutler/sutlertest"
)

// process is an engine's process with the SQL Provider in it.
type process struct {
	sql    provider.Procedures
	inside sql.Inside
}

func newProcess(dir *os.Root, l sql.Limits) *process {
	p, inside := sql.NewInside(dir, l)
	return &process{p, inside}
}

// leaks fails the test if the process holds anything open.
func (p *process) leaks(t testing.TB) {
	t.Helper()
	if connections, sessions := p.inside.Open(); connections+sessions > 0 {
		t.Errorf("%d connections and %d sessions are left open", connections, sessions)
	}
}

// enlistWorld is a root with databases whose provider lives until a crash.
type enlistWorld struct {
	*world
	now *process
}

func newEnlistWorld(t *testing.T) *enlistWorld {
	w := &enlistWorld{world: newWorld(t, sql.Limits{})}
	t.Cleanup(func() {
		if w.now != nil {
			w.now.leaks(t)
		}
	})
	return w
}

func (w *enlistWorld) Provider() sutler.Provider {
	if w.now == nil {
		w.now = newProcess(w.root, sql.Limits{})
	}
	return w.now.sql
}

// Snapshot leaves out the journal of an open transaction.
func (w *enlistWorld) Snapshot(t *testing.T) string {
	return strings.ReplaceAll(w.world.Snapshot(t), "file shop.db-journal\n", "")
}

func (w *enlistWorld) Crash(*testing.T) {
	if w.now != nil {
		w.now.inside.Die()
	}
	w.now = nil
}

const insert = `<command transactional="1">insert into customer (code, name) values (?, ?)</command><param>NEW</param><param>New</param>`

func TestEnlistedProvider(t *testing.T) {
	setup := func(t *testing.T, w *enlistWorld) { w.do(t, "shop.db", shop) }
	// SQLite cannot prepare, so a prepared transaction dies with its process.
	sutlertest.TestProvider(t, newEnlistWorld, []sutlertest.ProviderCase[*enlistWorld]{
		{Name: "transactional", Procedure: "ExecSQL", Enlists: true, Setup: setup, Data: `<connect Database="shop.db"/>` + insert},
		{Name: "transact", Procedure: "Transact", Type: sutler.Read, Enlists: true, Setup: setup, Data: `<connect Database="shop.db"/>` + insert},
		{Name: "transact reads", Procedure: "Transact", Type: sutler.Read, Enlists: true, Setup: setup,
			Data:   request(`select count(*) as n from customer`, ``),
			Output: request(`select count(*) as n from customer`, ``) + `<xml><row n="2"/></xml>`},
		{Name: "fails", Procedure: "Transact", Setup: setup, Code: sutler.Exists, Text: "customer.code",
			Data: request(`insert into customer (code) values ('NEW'), ('LIT')`, ``)},
		{Name: "undo command", Procedure: "Transact", Setup: setup, Code: sql.BadElement, Text: "undoCommand",
			Data: request(`delete from customer`, `select 1`)},
		{Name: "undo command of a transactional one", Procedure: "ExecSQL", Setup: setup, Code: sql.BadElement, Text: "undoCommand",
			Data: `<connect Database="shop.db"/><undoCommand>select 1</undoCommand>` + insert},
	})
}

// driver does with enlisted calls what an engine does, and keeps what its log
// would hold of them.
type driver struct {
	t       testing.TB
	now     *process
	who     sutler.Identity // of the next call; zero: the service account
	calls   []*sutler.Call
	durable [][]sutler.Pair
}

// run processes one more call; one that fails is not kept.
func (d *driver) run(procedure, data string) (*sutler.Call, error) {
	d.t.Helper()
	return d.runIn(d.t.Context(), procedure, data)
}

func (d *driver) runIn(ctx context.Context, procedure, data string) (*sutler.Call, error) {
	d.t.Helper()
	c := call(d.t, procedure, data)
	c.Seq = len(d.calls) + 1
	if d.who.Kind != "" {
		c.Identity = d.who
	}
	var flushed []sutler.Pair
	c.Rollback = sutler.NewRollbackData(nil, func(_ context.Context, pairs []sutler.Pair) error {
		flushed = pairs
		return nil
	})
	err := d.now.sql.Process(ctx, c)
	if err == nil && procedure != "Query" {
		d.calls, d.durable = append(d.calls, c), append(d.durable, flushed)
	}
	return c, err
}

func (d *driver) must(procedure, data string) *sutler.Call {
	d.t.Helper()
	c, err := d.run(procedure, data)
	if err != nil {
		d.t.Fatalf("%s = %v (%v)", data, err, sutler.CodeOf(err))
	}
	return c
}

// logged is the call number i as the log knows it.
func (d *driver) logged(i int) *sutler.Call {
	c := call(d.t, d.calls[i].Procedure, "")
	c.Seq, c.Data, c.Identity = d.calls[i].Seq, nil, d.calls[i].Identity
	c.Rollback = sutler.NewRollbackData(d.durable[i], nil)
	return c
}

func (d *driver) last(i int) bool { return d.logged(i).Rollback.Get(sutler.CommitsLast) != "" }

// prepare prepares all in order, and commit commits those first that are prepared.
func (d *driver) prepare() error {
	for i := range d.calls {
		if err := d.now.sql.Prepare(d.t.Context(), d.logged(i)); err != nil {
			return err
		}
	}
	return nil
}

// commit commits in order those whose commit comes last, or the others. As an
// engine it goes on after an error.
func (d *driver) commit(last bool) (err error) {
	for i := range d.calls {
		if d.last(i) == last {
			err = errors.Join(err, d.now.sql.Commit(d.t.Context(), d.logged(i)))
		}
	}
	return err
}

func (d *driver) rollback() (err error) {
	for i := len(d.calls) - 1; i >= 0; i-- {
		err = errors.Join(err, d.now.sql.Rollback(d.t.Context(), d.logged(i)))
	}
	return err
}

func (d *driver) probe(i int) sutler.Outcome {
	d.t.Helper()
	o, err := d.now.sql.Probe(d.t.Context(), d.logged(i))
	if err != nil {
		d.t.Fatalf("Probe = %v", err)
	}
	return o
}

func (d *driver) ok(what string, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s = %v (%v)", what, err, sutler.CodeOf(err))
	}
}

func command(connect, sql string) string {
	return connect + `<command>` + escape(sql) + `</command>`
}

const shopDB = `<connect Database="shop.db"/>`

// codes returns the codes of customers that a query of the transaction sees.
func (d *driver) codes(connect string) string {
	d.t.Helper()
	c := d.must("Query", command(connect, `select code from customer order by code`))
	var all []string
	for row := c.Data.Child("xml").FirstElement(); row != nil; row = row.NextElement() {
		all = append(all, row.Attr("code"))
	}
	return strings.Join(all, " ")
}

// shared is what holds for both kinds of databases: calls share a transaction,
// a failed one leaves nothing, reads see it, nobody else does.
func shared(t *testing.T, d *driver, connect string, outside func() string) {
	before := outside()
	d.must("Transact", command(connect, `insert into customer (code) values ('ONE')`))
	_, err := d.run("Transact", command(connect, `insert into customer (code) values ('BAD'), ('LIT')`))
	wantError(t, "Transact", err, sutler.Exists)
	if got := d.codes(connect); got != "CON LIT ONE" {
		t.Errorf("the transaction sees %s", got)
	}
	_, err = d.run("Query", command(connect, `delete from customer`))
	wantError(t, "Query", err, sutler.BadInput, "writes")
	_, err = d.run("ExecSQL", connect+`<command>delete from customer</command><undoCommand>select 1</undoCommand>`)
	wantError(t, "ExecSQL", err, sutler.Conflict, "transactional")
	d.must("ExecSQL", connect+`<command transactional="1">insert into customer (code) values ('TWO')</command>`)
	if got := d.codes(connect); got != "CON LIT ONE TWO" {
		t.Errorf("the transaction sees %s", got)
	}
	if got := outside(); got != before {
		t.Errorf("others see %s", got)
	}
	if connections, sessions := d.now.inside.Open(); connections != 1 || sessions != 1 {
		t.Errorf("%d connections and %d sessions, want one of each", connections, sessions)
	}
}

func (w *world) customers(t testing.TB) string {
	db := w.open(t, "shop.db")
	defer db.Close()
	return strings.Join(texts(t, db, `select code from customer order by code`), " ")
}

func TestEnlistedSQLite(t *testing.T) {
	start := func(t *testing.T) (*world, *driver) {
		w := newShop(t)
		return w, &driver{t: t, now: newProcess(w.root, sql.Limits{})}
	}
	work := func(t *testing.T) (*world, *driver) {
		w, d := start(t)
		shared(t, d, shopDB, func() string { return w.customers(t) })
		return w, d
	}
	want := func(t *testing.T, w *world, d *driver, want string) {
		t.Helper()
		d.now.leaks(t)
		if got := w.customers(t); got != want {
			t.Errorf("the customers are %s, want %s", got, want)
		}
	}
	t.Run("committed", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.commit(true))
		d.ok("Commit again", d.commit(true))
		want(t, w, d, "CON LIT ONE TWO")
		wantError(t, "Rollback", d.rollback(), sutler.Conflict, "it is committed")
		d.now = newProcess(w.root, sql.Limits{})
		if got := d.probe(0); got != sutler.TookEffect {
			t.Errorf("Probe = %v", got)
		}
		d.ok("Commit after a crash", d.commit(true))
		d.ok("Prepare after a crash", d.prepare())
		wantError(t, "Rollback", d.rollback(), sutler.Conflict, "it is committed")
	})
	t.Run("rolled back", func(t *testing.T) {
		w, d := work(t)
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
		d.ok("Rollback again", d.rollback())
		wantError(t, "Prepare", d.prepare(), sutler.Conflict, "gone")
		wantError(t, "Commit", d.commit(true), sutler.Conflict, "gone")
	})
	t.Run("crashed", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		d.now.inside.Die()
		d.now = newProcess(w.root, sql.Limits{})
		if got := d.probe(1); got != sutler.NoEffect {
			t.Errorf("Probe = %v", got)
		}
		wantError(t, "Commit", d.commit(true), sutler.Conflict, "gone")
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("one call without an answer", func(t *testing.T) {
		w, d := work(t)
		if got := d.probe(1); got != sutler.NoEffect { // its work is taken back, and nothing else
			t.Errorf("Probe = %v", got)
		}
		d.calls, d.durable = d.calls[:1], d.durable[:1]
		if got := d.codes(shopDB); got != "CON LIT ONE" {
			t.Errorf("the transaction sees %s", got)
		}
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.commit(true))
		want(t, w, d, "CON LIT ONE")
	})
	t.Run("an older call alone goes back", func(t *testing.T) {
		w, d := work(t)
		d.ok("Rollback", d.now.sql.Rollback(t.Context(), d.logged(0)))
		_, err := d.run("Transact", command(shopDB, `select 1`))
		wantError(t, "Transact", err, sutler.Failed, "gone")
		wantError(t, "Prepare", d.prepare(), sutler.Failed)
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("interrupted", func(t *testing.T) { // SQLite then ends the transaction by itself
		w, d := work(t)
		_, err := d.run("Transact", command(shopDB, `insert into audit `+`with recursive n(x) as (select 1 union all select x + 1 from n) select x from n where x < 0`)+`<timeout execute="30"/>`)
		wantError(t, "Transact", err, sutler.TimedOut)
		if err := d.prepare(); err == nil {
			if got := d.codes(shopDB); got != "CON LIT ONE TWO" {
				t.Errorf("the transaction sees %s", got)
			}
		}
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("commit fails", func(t *testing.T) {
		w, d := start(t)
		w.do(t, "shop.db", `create table child (parent text references customer (code) deferrable initially deferred)`)
		d.must("Transact", command(shopDB, `insert into child values ('none')`))
		d.ok("Prepare", d.prepare())
		wantError(t, "Commit", d.commit(true), sutler.Failed, "FOREIGN KEY")
		if got := d.probe(0); got != sutler.NoEffect {
			t.Errorf("Probe = %v", got)
		}
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("the first one fails", func(t *testing.T) {
		w, d := start(t)
		_, err := d.run("Transact", command(shopDB, `insert into customer (code) values ('BAD'), ('LIT')`))
		wantError(t, "Transact", err, sutler.Exists)
		want(t, w, d, "CON LIT")
		w.do(t, "shop.db", `delete from audit`) // nothing is locked
	})
	t.Run("hostile", func(t *testing.T) {
		w := newShop(t)
		w.do(t, "shop.db", `pragma synchronous = off`)
		before := w.Snapshot(t)
		commands, _ := hostile(t, "/nowhere/x.db")
		for _, text := range commands {
			d := &driver{t: t, now: newProcess(w.root, sql.Limits{})}
			d.must("Transact", command(shopDB, `insert into customer (code) values ('ONE')`))
			if _, err := d.run("Transact", command(shopDB, text)); err == nil {
				t.Errorf("%q succeeded", text)
			}
			d.ok("Rollback", d.rollback())
			d.now.leaks(t)
			if got := w.Snapshot(t); got != before {
				t.Fatalf("after %q:\n%s", text, got)
			}
		}
	})
	t.Run("many", func(t *testing.T) {
		w, d := start(t)
		for i := range 100 {
			d.must("Transact", command(shopDB, fmt.Sprintf(`insert into audit values ('%d')`, i)))
		}
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.commit(true))
		if got := strings.Count(w.dump(t, "shop.db"), "audit: "); got != 100 {
			t.Errorf("%d rows are there", got)
		}
		d.now.leaks(t)
	})
}
