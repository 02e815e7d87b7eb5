//go:build unix

package sql_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
	"sutler/provider/sql"
	"sutler/sutlertest"
)

const pgShop = `
create table customer (code text primary key, name text, joined date, logo bytea, credit numeric, vip boolean);
insert into customer values ('LIT', 'Litware', '2024-02-29', '\x00ff', 12.5, true), ('CON', 'Contoso', null, null, null, false);
create table audit (text text);`

// pgWorld is a database of PostgreSQL with the named connection shop to it,
// and a root with databases of SQLite.
type pgWorld struct {
	*world
	address string
	limits  sql.Limits
	now     *process
	conn    *pgconn.PgConn // of another program
}

func newPGWorld(t *testing.T, server *sutlertest.Postgres) *pgWorld {
	t.Helper()
	w := &pgWorld{world: newWorld(t, sql.Limits{}), address: server.Database(t)}
	w.limits.Connections = filepath.Join(t.TempDir(), "connections.json")
	w.name(t, map[string]any{"shop": w.address})
	w.pg(t, pgShop)
	t.Cleanup(func() {
		if w.now != nil {
			w.now.leaks(t)
		}
		w.conn.Close(context.Background())
	})
	return w
}

func (w *pgWorld) name(t testing.TB, connections map[string]any) {
	t.Helper()
	text, err := json.Marshal(connections)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.limits.Connections, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// pg runs a script on the database and returns the values of the first
// columns, as another program would.
func (w *pgWorld) pg(t testing.TB, script string) string {
	t.Helper()
	if w.conn != nil && w.conn.Ping(context.Background()) != nil {
		w.conn.Close(context.Background())
		w.conn = nil
	}
	if w.conn == nil {
		var err error
		if w.conn, err = pgconn.Connect(context.Background(), w.address); err != nil {
			t.Fatal(err)
		}
	}
	results, err := w.conn.Exec(context.Background(), script).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	var all []string
	for _, r := range results {
		for _, row := range r.Rows {
			all = append(all, string(row[0]))
		}
	}
	return strings.Join(all, " ")
}

func (w *pgWorld) customers(t testing.TB) string {
	return w.pg(t, `select code from customer order by code`)
}

func (w *pgWorld) Provider() sutler.Provider { return w.process().sql }

func (w *pgWorld) process() *process {
	if w.now == nil {
		w.now = newProcess(w.root, w.limits)
	}
	return w.now
}

// Crash leaves the old provider as a frozen process: its connection stays.
func (w *pgWorld) Crash(*testing.T) { w.now = nil }

// Snapshot returns the tables but an empty sutler_steps, and what is prepared.
func (w *pgWorld) Snapshot(t *testing.T) string {
	has := w.pg(t, `select to_regclass('sutler_steps') is not null`)
	steps := ""
	if has == "t" {
		steps = w.pg(t, `select sutler_steps::text from sutler_steps order by 1`)
	}
	return w.pg(t, `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'sutler_steps' order by 1;
		select customer::text from customer order by 1; select audit::text from audit order by 1;
		select gid from pg_prepared_xacts where database = current_database() order by 1`) + steps
}

const shopPG = `<connect Name="shop"/>`

func TestPostgres(t *testing.T) {
	prepares := sutlertest.StartPostgres(t, "max_prepared_transactions=50", "fsync=off")
	plain := sutlertest.StartPostgres(t, "max_prepared_transactions=0", "fsync=off")
	for _, s := range []struct {
		name   string
		server *sutlertest.Postgres
		last   bool
	}{{"prepares", prepares, false}, {"commits last", plain, true}} {
		t.Run(s.name, func(t *testing.T) {
			t.Run("conformance", func(t *testing.T) { pgConformance(t, s.server) })
			t.Run("enlisted", func(t *testing.T) { pgEnlisted(t, s.server, s.last) })
			t.Run("lost", func(t *testing.T) { pgLost(t, s.server) })
		})
	}
	t.Run("commands", func(t *testing.T) { pgCommands(t, newPGWorld(t, prepares)) })
	t.Run("hostile", func(t *testing.T) { pgHostile(t, newPGWorld(t, prepares)) })
	t.Run("connections", func(t *testing.T) { pgConnections(t, newPGWorld(t, prepares), prepares) })
	t.Run("two connections", func(t *testing.T) { pgTwo(t, prepares) })
	t.Run("the server dies", func(t *testing.T) { pgDies(t, prepares) })
	for _, server := range []*sutlertest.Postgres{prepares, plain} {
		if got := server.SQL(t, "postgres", `select gid from pg_prepared_xacts`); got != "" {
			t.Errorf("prepared transactions are left: %s", got)
		}
	}
}

func pgConformance(t *testing.T, server *sutlertest.Postgres) {
	undone := func(command, undo string, params ...string) string {
		return strings.Replace(request(command, undo, params...), shopDB, shopPG, 1)
	}
	sutlertest.TestProvider(t, func(t *testing.T) *pgWorld { return newPGWorld(t, server) }, []sutlertest.ProviderCase[*pgWorld]{
		{Name: "transact", Procedure: "Transact", Type: sutler.Read, Enlists: true, Data: shopPG + insert},
		{Name: "transactional", Procedure: "ExecSQL", Enlists: true, Data: shopPG + insert},
		{Name: "insert", Procedure: "ExecSQL", Data: undone(`insert into customer (code, name) values (?, ?)`, `delete from customer where code = 'NEW'`, "NEW", "O'Neil & Sons")},
		{Name: "create table", Procedure: "ExecSQL", Data: undone(`create table invoice (id integer primary key)`, `drop table invoice`)},
		{Name: "query", Procedure: "Query", Type: sutler.Read, Data: undone(`select * from customer order by code desc`, ``),
			Output: undone(`select * from customer order by code desc`, ``) + `<xml><row code="LIT" name="Litware" joined="2024-02-29" logo="AP8=" credit="12.5" vip="1"/><row code="CON" name="Contoso" vip="0"/></xml>`},
		{Name: "fails", Procedure: "ExecSQL", Code: sutler.Exists, Text: "customer_pkey", Data: undone(`insert into customer (code) values ('NEW'), ('LIT')`, `select 1`)},
		{Name: "undo fails", Procedure: "ExecSQL", Code: sutler.Failed, Text: "undoCommand fails", Data: undone(`create table invoice (id int)`, `drop table invoic`)},
		{Name: "no undo", Procedure: "ExecSQL", Code: sutler.BadInput, Text: "it writes", Data: undone(`delete from customer`, ``)},
		{Name: "writes", Procedure: "Query", Type: sutler.Read, Code: sutler.BadInput, Text: "it writes", Data: undone(`insert into audit values ('x') returning text`, ``)},
		{Name: "create database", Procedure: "CreateDatabase", Code: sql.BadElement, Text: "SQLite", Data: shopPG},
	})
}

// pgEnlisted ends shared transactions in all ways, in the same process and in
// another one while the first is frozen.
func pgEnlisted(t *testing.T, server *sutlertest.Postgres, last bool) {
	work := func(t *testing.T) (*pgWorld, *driver) {
		t.Parallel()
		w := newPGWorld(t, server)
		d := &driver{t: t, now: w.process()}
		shared(t, d, shopPG, func() string { return w.customers(t) })
		for i := range d.calls {
			if d.last(i) != last {
				t.Errorf("call %d commits last: %v, want %v", i, !last, last)
			}
		}
		return w, d
	}
	freeze := func(w *pgWorld, d *driver) {
		old := d.now
		w.t(d).Cleanup(old.inside.Die)
		w.Crash(nil)
		d.now = w.process()
	}
	want := func(t *testing.T, w *pgWorld, d *driver, want string) {
		t.Helper()
		d.now.leaks(t)
		if got := w.customers(t); got != want {
			t.Errorf("the customers are %s, want %s", got, want)
		}
		if got := w.pg(t, `select gid from pg_prepared_xacts where database = current_database()`); got != "" {
			t.Errorf("%s is prepared", got)
		}
	}
	t.Run("committed", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		d.ok("Prepare again", d.prepare())
		d.ok("Commit", d.commit(last))
		d.ok("Commit again", d.commit(last))
		want(t, w, d, "CON LIT ONE TWO")
		wantError(t, "Rollback", d.rollback(), sutler.Conflict, "it is committed")
		freeze(w, d)
		d.ok("Prepare after a crash", d.prepare())
		d.ok("Commit after a crash", d.commit(last))
		if got := d.probe(0); got != sutler.TookEffect {
			t.Errorf("Probe = %v", got)
		}
		wantError(t, "Rollback", d.rollback(), sutler.Conflict, "it is committed")
	})
	t.Run("committed and turned back half-way", func(t *testing.T) {
		_, d := work(t)
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.now.sql.Commit(t.Context(), d.logged(0)))
		for i := range d.calls {
			wantError(t, "Rollback", d.now.sql.Rollback(t.Context(), d.logged(i)), sutler.Conflict, "it is committed")
		}
		d.ok("Commit", d.commit(last))
	})
	t.Run("rolled back", func(t *testing.T) {
		w, d := work(t)
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
		d.ok("Rollback again", d.rollback())
		wantError(t, "Prepare", d.prepare(), sutler.Conflict, "gone")
		wantError(t, "Commit", d.commit(last), sutler.Conflict, "gone")
	})
	t.Run("rolled back when prepared", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
		d.ok("Rollback again", d.rollback())
	})
	t.Run("frozen while working", func(t *testing.T) {
		w, d := work(t)
		old := d.now
		freeze(w, d)
		if got := d.probe(1); got != sutler.NoEffect {
			t.Errorf("Probe = %v", got)
		}
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
		// The frozen one wakes and can do nothing.
		d.now = old
		if err := errors.Join(d.prepare(), d.commit(last)); err == nil {
			t.Error("the woken process could go on")
		}
		_, err := d.run("Transact", command(shopPG, `insert into customer (code) values ('LATE')`))
		wantError(t, "Transact", err, sutler.Failed, "gone")
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("frozen when prepared", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		freeze(w, d)
		if last { // gone with its process, or made to go
			if got := d.probe(0); got != sutler.NoEffect {
				t.Errorf("Probe = %v", got)
			}
			wantError(t, "Commit", d.commit(true), sutler.Conflict, "gone")
			d.ok("Rollback", d.rollback())
			want(t, w, d, "CON LIT")
			return
		}
		d.ok("Commit", d.commit(false))
		d.ok("Commit again", d.commit(false))
		want(t, w, d, "CON LIT ONE TWO")
	})
	t.Run("rolled back after a crash when prepared", func(t *testing.T) {
		w, d := work(t)
		d.ok("Prepare", d.prepare())
		freeze(w, d)
		d.ok("Rollback", d.rollback())
		d.ok("Rollback again", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("one call without an answer", func(t *testing.T) {
		w, d := work(t)
		if got := d.probe(1); got != sutler.NoEffect {
			t.Errorf("Probe = %v", got)
		}
		d.calls, d.durable = d.calls[:1], d.durable[:1]
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.commit(last))
		want(t, w, d, "CON LIT ONE")
	})
	t.Run("an older call alone goes back", func(t *testing.T) {
		w, d := work(t)
		d.ok("Rollback", d.now.sql.Rollback(t.Context(), d.logged(0)))
		wantError(t, "Prepare", d.prepare(), sutler.Failed)
		d.ok("Rollback", d.rollback())
		want(t, w, d, "CON LIT")
	})
	t.Run("cancelled and too large", func(t *testing.T) { // the transaction goes on
		w, d := work(t)
		_, err := d.run("Transact", command(shopPG, `select pg_sleep(60)`)+`<timeout execute="50"/>`)
		wantError(t, "Transact", err, sutler.TimedOut, "timeout/@execute")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = d.runIn(ctx, "Transact", command(shopPG, `with a as (insert into customer (code) values ('BAD') returning code) select pg_sleep(60) from a`))
		wantError(t, "Transact", err, sutler.TimedOut)
		_, err = d.run("Transact", command(shopPG, `select generate_series(1, 100000000) as x`))
		wantError(t, "Transact", err, sutler.LimitReached, "more than 4096 rows")
		if got := d.codes(shopPG); got != "CON LIT ONE TWO" {
			t.Errorf("the transaction sees %s", got)
		}
		d.ok("Prepare", d.prepare())
		d.ok("Commit", d.commit(last))
		want(t, w, d, "CON LIT ONE TWO")
	})
	t.Run("the first one fails", func(t *testing.T) {
		t.Parallel()
		w := newPGWorld(t, server)
		d := &driver{t: t, now: w.process()}
		_, err := d.run("Transact", command(shopPG, `insert into customer (code) values ('BAD'), ('LIT')`))
		wantError(t, "Transact", err, sutler.Exists)
		want(t, w, d, "CON LIT")
	})
}

func (w *pgWorld) t(d *driver) testing.TB { return d.t }

// pgLost takes the connection away, in the middle and while it is idle.
func pgLost(t *testing.T, server *sutlertest.Postgres) {
	for name, lose := range map[string]func(t *testing.T, w *pgWorld){
		"terminated": func(t *testing.T, w *pgWorld) {
			w.pg(t, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sutler' and datname = current_database()`)
		},
		"idle too long": func(t *testing.T, w *pgWorld) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, then := range []string{"Transact", "Query", "Prepare", "Rollback"} {
				w := newPGWorld(t, server)
				if name == "idle too long" {
					w.pg(t, `do $$ begin execute 'alter database ' || current_database() || ' set idle_in_transaction_session_timeout = 2000'; end $$`)
				}
				d := &driver{t: t, now: w.process()}
				d.must("Transact", command(shopPG, `insert into customer (code) values ('ONE')`))
				lose(t, w)
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
					if w.pg(t, `select count(*) from pg_stat_activity where application_name = 'sutler' and datname = current_database()`) == "0" {
						break
					}
					if time.Now().After(deadline) {
						t.Fatal("the session does not end")
					}
				}
				if name == "idle too long" { // what comes next may take its time
					w.pg(t, `do $$ begin execute 'alter database ' || current_database() || ' reset idle_in_transaction_session_timeout'; end $$`)
				}
				switch then {
				case "Transact", "Query":
					_, err := d.run(then, command(shopPG, `select 1 as x`))
					if err == nil {
						t.Errorf("%s on a lost connection succeeded", then)
					}
					fallthrough
				case "Prepare":
					if err := d.prepare(); err == nil {
						t.Errorf("Prepare on a lost connection succeeded")
					}
				}
				d.ok("Rollback", d.rollback())
				w.now.leaks(t)
				if got := w.customers(t); got != "CON LIT" {
					t.Errorf("the customers are %s", got)
				}
			}
		})
	}
}

// pgCommands are the ways to write parameters, and hidden values.
func pgCommands(t *testing.T, w *pgWorld) {
	for _, c := range []struct{ data, want string }{
		{`<command>select :a::int + 1 as x, :b as y, :a::text || ':a' as z</command><param name="a">7</param><param name="b" type="varchar">it's; --</param>`, `<xml><row x="8" y="it's; --" z="7:a"/></xml>`},
		{`<command>select $1::int as x, '$1 ? :a' as y, $$ ? $1 $$ as z, $t$ $$ ? $t$ as u</command><param>5</param>`, `<xml><row u=" $$ ? " x="5" y="$1 ? :a" z=" ? $1 "/></xml>`},
		{`<command>select /* ? /* nested ? */ ? */ ?::bytea as x, E'\'?' as y, (array[1,2,3])[2:3] as z -- ?` + "\n" + `;</command><param type="blob">AP8=</param>`, `<xml><row x="AP8=" y="'?" z="{2,3}"/></xml>`},
		{`<command>select ?::timestamptz as x, ?::boolean as y, ?::float8 as z, ?::text as n</command><param type="datetime">2024-02-29T12:00:00+01:00</param><param type="bit">1</param><param type="float">0.1</param><param/>`, `<xml><row x="2024-02-29 11:00:00+00" y="1" z="0.1"/></xml>`},
		{`<command>(select 1 as x)</command>`, `<xml><row x="1"/></xml>`},
	} {
		call := call(t, "Query", shopPG+c.data)
		if err := w.process().sql.Process(t.Context(), call); err != nil {
			t.Errorf("%s = %v", c.data, err)
		} else if got := output(call); got != c.want {
			t.Errorf("%s = %s, want %s", c.data, got, c.want)
		}
	}
	hidden := call(t, "Query", shopPG+`<command>select ?::int as x</command><param do-not-log="1">secret</param>`)
	err := w.process().sql.Process(t.Context(), hidden)
	wantError(t, "Query", err, sutler.Failed, "22P02")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error %q holds the value", err)
	}
	undo := call(t, "ExecSQL", shopPG+`<command>insert into customer (code) values (:code)</command><param name="code">X</param><undoCommand>delete from customer where code = :code</undoCommand>`)
	for range 2 {
		if err := w.process().sql.Process(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
		wantError(t, "Process again", w.process().sql.Process(t.Context(), undo), sutler.Conflict, "done already")
		for range 2 {
			if err := w.process().sql.Rollback(t.Context(), recovered(t, undo)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := w.customers(t); got != "CON LIT" {
		t.Errorf("the customers are %s", got)
	}
}

// pgHostile runs what must not run, in each place where a command can stand.
func pgHostile(t *testing.T, w *pgWorld) {
	w.pg(t, `create procedure ends() language plpgsql as $$ begin insert into audit values ('x'); commit; end $$;
		create function writes() returns int language sql as $$ insert into audit values ('x') returning 1 $$`)
	before := w.Snapshot(t)
	texts, err := os.ReadFile("testdata/hostile_postgres.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for text := range strings.Lines(string(texts)) {
		text = strings.TrimSuffix(text, "\n")
		n++
		for _, as := range []struct{ procedure, data string }{
			{"Query", command(shopPG, text)},
			{"ExecSQL", shopPG + `<command>` + escape(text) + `</command><undoCommand>select 1</undoCommand>`},
			{"ExecSQL", shopPG + `<command>insert into audit values ('y')</command><undoCommand>` + escape(text) + `</undoCommand>`},
			{"Transact", command(shopPG, text)},
		} {
			if err := w.process().sql.Process(t.Context(), call(t, as.procedure, as.data)); err == nil {
				t.Errorf("%s of %q succeeded", as.procedure, as.data)
			}
			w.now.leaks(t)
		}
		if got := w.Snapshot(t); got != before {
			t.Fatalf("after %q:\n%s\nwant:\n%s", text, got, before)
		}
	}
	if n < 30 {
		t.Errorf("only %d commands were tried", n)
	}
	wantError(t, "Query", w.process().sql.Process(t.Context(), call(t, "Query", command(shopPG, `select writes()`))), sutler.BadInput, "writes")
	if got := w.Snapshot(t); got != before {
		t.Errorf("a query wrote: %s", got)
	}
}

// pgConnections connects in all ways that are refused or allowed.
func pgConnections(t *testing.T, w *pgWorld, server *sutlertest.Postgres) {
	const password = "s3cr3t-word"
	parts, err := url.Parse(w.address)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(parts.Path, "/")
	w.name(t, map[string]any{
		"servers": []string{fmt.Sprintf("127.0.0.1:%d", server.Port)},
		"shop":    w.address, "odd": "postgres://u:" + password + "@127.0.0.1:99999999/x", "down": "postgres://u:" + password + "@127.0.0.1:1/x?sslmode=disable",
		"nobody": strings.Replace(server.Address("nobody", database), "nobody@", "nobody:"+password+"@", 1),
	})
	for _, c := range []struct {
		connect string
		code    sutler.Code
		says    string
	}{
		{`<connect Name="shop"/>`, sutler.OK, ""},
		{`<connect Provider="PostgreSQL"><param name="name">shop</param></connect>`, sutler.OK, ""},
		{fmt.Sprintf(`<connect Provider="postgres" Server="127.0.0.1:%d" Database="%s" User="postgres" sslmode="disable"/>`, server.Port, database), sutler.OK, ""},
		{fmt.Sprintf(`<connect Provider="postgres" Server="127.0.0.1:%d" Database="%s" User="postgres"/>`, server.Port, database), sql.ConnectFailed, "TLS"},
		{`<connect Name="none"/>`, sutler.NotFound, "none"},
		{`<connect Name="odd"/>`, sql.ConnectFailed, "cannot be understood"},
		{`<connect Name="down"/>`, sql.ConnectFailed, "down"},
		{`<connect Name="nobody"/>`, sql.ConnectFailed, "nobody"},
		{`<connect Name="../x"/>`, sql.BadElement, "Name"},
		{`<connect Name="shop" Database="other"/>`, sql.BadElement, "both"},
		{`<connect Name="shop" options="-c x=y"/>`, sql.BadElement, "options"},
		{`<connect Name="shop" Password="` + password + `"/>`, sql.BadElement, "password"},
		{`<connect Provider="postgres" Server="h" Database="d" User="u" Pwd="` + password + `"/>`, sql.BadElement, "password"},
		{`<connect Provider="postgres" Server="h" Database="d"/>`, sql.BadElement, "User"},
		{`<connect Provider="postgres" Server="/tmp" Database="d" User="u"/>`, sql.BadElement, "Server"},
		{`<connect Provider="postgres" Server="h,other" Database="d" User="u"/>`, sql.BadElement, "Server"},
		{`<connect Provider="postgres" Server="h:0" Database="d" User="u"/>`, sql.BadElement, "port"},
		{`<connect Provider="postgres" Server="h?host=x" Database="d" User="u"/>`, sql.BadElement, "Server"},
		{`<connect Provider="postgres" Server="h" Database="d" User="u" sslmode="x host=y"/>`, sql.BadElement, "sslmode"},
		{`<connect Provider="mysql" Server="h" Database="d" User="u"/>`, sql.BadElement, "Provider"},
		{fmt.Sprintf(`<connect Provider="postgres" Server="127.0.0.1:%d" Database="%s?host=other&amp;user=x" User="postgres" sslmode="disable"/>`, server.Port, database), sql.ConnectFailed, "does not exist"},
		{fmt.Sprintf(`<connect Provider="postgres" Server="127.0.0.1:%d" Database="%s" User="postgres host=x' @y/" sslmode="disable"/>`, server.Port, database), sql.ConnectFailed, "does not exist"},
	} {
		call := call(t, "Query", c.connect+`<command>select 1 as x</command>`)
		err := w.process().sql.Process(t.Context(), call)
		if c.code == sutler.OK {
			if err != nil {
				t.Errorf("%s = %v", c.connect, err)
			}
			continue
		}
		wantError(t, c.connect, err, c.code, c.says)
		if strings.Contains(err.Error(), password) {
			t.Errorf("the error %q holds the password", err)
		}
	}
	w.name(t, map[string]any{"shop": strings.Replace(w.address, "postgres@", "postgres:"+password+"@", 1)})
	d := &driver{t: t, now: w.process()}
	d.must("Transact", command(shopPG, `select 1 as x`))
	if strings.Contains(fmt.Sprint(d.durable), password) {
		t.Errorf("the rollback data %v hold the password", d.durable)
	}
	d.ok("Rollback", d.rollback())
	if err := os.Chmod(w.limits.Connections, 0o640); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Query", w.process().sql.Process(t.Context(), call(t, "Query", command(shopPG, `select 1`))), sql.ConnectFailed, "0600")
}

// pgTwo commits, rolls back and crashes with a connection that prepares and
// one that commits last.
func pgTwo(t *testing.T, server *sutlertest.Postgres) {
	for _, stage := range []string{"working", "prepared", "decided"} {
		for _, crashes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crashes: %v", stage, crashes), func(t *testing.T) {
				t.Parallel()
				w := newPGWorld(t, server)
				w.do(t, "shop.db", shop)
				d := &driver{t: t, now: w.process()}
				for i, connect := range []string{shopPG, shopDB, shopPG, shopDB} {
					d.must("Transact", command(connect, fmt.Sprintf(`insert into customer (code) values ('N%d')`, i)))
				}
				if stage != "working" {
					d.ok("Prepare", d.prepare())
				}
				if stage == "decided" {
					d.ok("Commit", d.commit(true))
				}
				if crashes {
					d.now.inside.Die()
					w.Crash(t)
					d.now = w.process()
				}
				want := [2]string{"CON LIT", "CON LIT"}
				if stage == "decided" {
					if crashes && d.probe(1) != sutler.TookEffect {
						t.Errorf("Probe = %v", d.probe(1))
					}
					d.ok("Commit", d.commit(false))
					want = [2]string{"CON LIT N0 N2", "CON LIT N1 N3"}
				} else {
					if crashes && d.probe(1) != sutler.NoEffect {
						t.Errorf("Probe = %v", d.probe(1))
					}
					d.ok("Rollback", d.rollback())
				}
				d.now.leaks(t)
				if got := [2]string{w.customers(t), w.world.customers(t)}; got != want {
					t.Errorf("the customers are %v, want %v", got, want)
				}
			})
		}
	}
}

// pgDies ends the server between the phases, and starts it again.
func pgDies(t *testing.T, server *sutlertest.Postgres) {
	for _, c := range []struct {
		name   string
		forget bool // the process dies, too
	}{{"same process", false}, {"other process", true}} {
		for _, forward := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, forward: %v", c.name, forward), func(t *testing.T) {
				w := newPGWorld(t, server)
				d := &driver{t: t, now: w.process()}
				d.must("Transact", command(shopPG, `insert into customer (code) values ('ONE')`))
				d.must("Transact", command(shopPG, `insert into customer (code) values ('TWO')`))
				d.ok("Prepare", d.prepare())
				server.Kill(t)
				if c.forget {
					d.now.inside.Die()
					w.Crash(t)
					d.now = w.process()
				}
				want := "CON LIT"
				for range 2 {
					if forward {
						want = "CON LIT ONE TWO"
						if err := d.commit(false); err == nil {
							t.Error("Commit without a server succeeded")
						}
					} else if err := d.rollback(); err == nil {
						t.Error("Rollback without a server succeeded")
					}
				}
				server.Start(t)
				for range 2 {
					if forward {
						d.ok("Commit", d.commit(false))
					} else {
						d.ok("Rollback", d.rollback())
					}
				}
				d.now.leaks(t)
				if got := w.customers(t); got != want {
					t.Errorf("the customers are %s, want %s", got, want)
				}
			})
		}
	}
	t.Run("while working", func(t *testing.T) {
		w := newPGWorld(t, server)
		d := &driver{t: t, now: w.process()}
		d.must("Transact", command(shopPG, `insert into customer (code) values ('ONE')`))
		server.Kill(t)
		if err := d.prepare(); err == nil {
			t.Error("Prepare without a server succeeded")
		}
		server.Start(t)
		d.ok("Rollback", d.rollback())
		d.now.leaks(t)
		if got := w.customers(t); got != "CON LIT" {
			t.Errorf("the customers are %s", got)
		}
	})
}
