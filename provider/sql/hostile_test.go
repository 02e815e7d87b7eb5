package sql_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sutler"
)

// hostile returns the commands of testdata/hostile.txt with what their errors say.
func hostile(t testing.TB, outside string) (commands, says []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if s, ok := strings.CutPrefix(line, "=="); ok {
			want = strings.TrimSpace(s)
			continue
		}
		if strings.HasPrefix(line, "# ") {
			continue
		}
		commands = append(commands, strings.NewReplacer(`\n`, "\n", "OUTSIDE", outside).Replace(line))
		says = append(says, want)
	}
	return commands, says
}

// TestHostile tries each command as a query, as a command and as an undo
// command: it must fail and leave the world as it was.
func TestHostile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.db")
	commands, says := hostile(t, outside)
	if len(commands) < 150 {
		t.Fatalf("testdata/hostile.txt has only %d commands", len(commands))
	}
	w := newShop(t)
	before := w.Snapshot(t)
	for i, command := range commands {
		for _, as := range []struct{ procedure, data string }{
			{"Query", request(command, "")},
			{"ExecSQL", request(command, "select 1")},
			{"ExecSQL", request("insert into audit values (1)", command)},
		} {
			err := w.sql.Process(t.Context(), call(t, as.procedure, as.data))
			if err == nil {
				t.Errorf("%s of %q succeeded", as.procedure, command)
			} else if !strings.Contains(err.Error(), says[i]) {
				t.Errorf("%s of %q = %q, want a text with %q", as.procedure, command, err, says[i])
			}
		}
		if got := w.dump(t, "shop.db"); "file shop.db\n"+got != before {
			t.Fatalf("%q changed the database:\n%s", command, got)
		}
		if _, err := os.Lstat(outside); err == nil {
			t.Fatalf("%q made a file outside of the root", command)
		}
	}
	if got := w.Snapshot(t); got != before {
		t.Errorf("the world has changed:\n%s", got)
	}
}

// TestQueryNeverWrites runs commands that write, or hide that they do.
func TestQueryNeverWrites(t *testing.T) {
	w := newShop(t)
	before := w.Snapshot(t)
	for _, command := range []string{
		`insert into audit values (1)`,
		`insert into audit values (1) returning *`,
		`update customer set name = 'x' returning code`,
		`delete from customer`,
		`with x as (select 1) delete from customer`,
		`with x as (select 1) insert into audit select * from x returning text`,
		`replace into customer (code) values ('LIT')`,
		`create table t (a)`,
		`create table t as select * from customer`,
		`create view v as select 1`,
		`create index i on customer (name)`,
		`drop table customer`,
		`drop table if exists none`,
		`alter table customer add column x`,
		`alter table customer rename to x`,
		`alter table customer rename column name to x`,
		`alter table customer drop column name`,
		`reindex`,
		`analyze`,
	} {
		wantFail(t, w, "Query", request(command, ""), command)
		wantFail(t, w, "ExecSQL", request(command, ""), command) // no undo command
	}
	if got := w.Snapshot(t); got != before {
		t.Errorf("the world has changed:\n%s", got)
	}
}

func wantFail(t *testing.T, w *world, procedure, data, what string) {
	t.Helper()
	if err := w.sql.Process(t.Context(), call(t, procedure, data)); err == nil {
		t.Errorf("%s of %q succeeded", procedure, what)
	}
}

// TestPlantedObjects fires triggers and views that somebody else made.
func TestPlantedObjects(t *testing.T) {
	for _, c := range []struct{ name, planted, command, says string }{
		{"trigger on a table removes the record", `create trigger t after insert on audit begin delete from sutler_steps; end`, `insert into audit values (1)`, "sutler_steps is the provider's own"},
		{"trigger loads an extension", `create trigger t after insert on audit begin select load_extension('x'); end`, `insert into audit values (1)`, "load_extension"},
		{"view of the record", `create view v as select * from sutler_steps`, `insert into audit select call from v`, "sutler_steps is the provider's own"},
		{"trigger reads raw pages", `create trigger t after insert on audit begin select data from sqlite_dbpage; end`, `insert into audit values (1)`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newShop(t)
			w.do(t, "shop.db", `create table sutler_steps (transaction_id text, call integer, procedure text, started text, last_insert_id integer);`+c.planted)
			before := w.Snapshot(t)
			err := w.sql.Process(t.Context(), call(t, "ExecSQL", request(c.command, `delete from audit`)))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Process = %v, want a text with %q", err, c.says)
			}
			if got := w.Snapshot(t); got != before {
				t.Errorf("the world has changed:\n%s", got)
			}
		})
	}
}

// TestBombs runs commands that never end, in each place where SQLite can be busy.
func TestBombs(t *testing.T) {
	const forever = `(with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n)`
	w := newShop(t)
	before := w.Snapshot(t)
	for _, command := range []string{
		`select ` + forever,
		`select 1 union all select ` + forever, // the first row comes at once
		`select code, ` + forever + ` from customer`,
		`insert into audit values (` + forever + `)`,
		`insert into audit values (1) returning ` + forever,
		`insert into audit select 1 union all select ` + forever,
		`delete from customer where ` + forever,
		`with recursive n(x) as (select 1 union all select x + 1 from n) insert into audit select x from n where x < 0`,
		`create table t as select ` + forever,
		`select a.code from customer a, customer b, customer c order by ` + forever,
	} {
		c := call(t, "ExecSQL", request(command, "select 1")+`<timeout execute="30"/>`)
		wantError(t, command, w.sql.Process(t.Context(), c), sutler.TimedOut, "timeout/@execute", "30 ms")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	wantError(t, "the deadline of the call", w.sql.Process(ctx, call(t, "Query", request(`select `+forever, ""))), sutler.TimedOut)
	if got := w.Snapshot(t); got != before {
		t.Errorf("the world has changed:\n%s", got)
	}
}

// TestLargeResults reaches the limits for rows, values and all of them.
func TestLargeResults(t *testing.T) {
	const many = `with recursive n(x) as (select 1 union all select x + 1 from n) select x from n`
	w := newShop(t)
	for _, c := range []struct {
		command string
		says    string // empty: it succeeds
	}{
		{many + ` limit 4096`, ""},
		{many + ` limit 4097`, "more than 4096 rows"},
		{many, "more than 4096 rows"}, // endless, and yet it ends
		{`select zeroblob(20000000)`, "too big"},
		{`select printf('%.*c', 20000000, 'x')`, "too big"},
		{`select zeroblob(16000000) as x from (` + many + ` limit 4)`, "larger than 67108864 bytes"},
		{`insert into audit select x from (` + many + ` limit 4097) returning text`, "more than 4096 rows"},
	} {
		err := w.sql.Process(t.Context(), call(t, "ExecSQL", request(c.command, "delete from audit")))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s = %v", c.command, err)
			}
			continue
		}
		wantError(t, c.command, err, sutler.LimitReached, c.says)
	}
	if got := w.dump(t, "shop.db"); strings.Contains(got, "audit: ") {
		t.Errorf("the rows are there:\n%.300s", got)
	}
}

// FuzzQuery runs any text as a query: the database stays as it is.
func FuzzQuery(f *testing.F) {
	commands, _ := hostile(f, "/nowhere/x.db")
	for _, command := range commands {
		f.Add(command)
	}
	for i := range 4 {
		f.Add(fmt.Sprintf("select %d as a, ?%d, :name from customer -- ;", i, i))
	}
	w := newShop(f)
	w.do(f, "shop.db", `pragma synchronous = off`)
	before := w.dump(f, "shop.db")
	f.Fuzz(func(t *testing.T, command string) {
		if len(command) > 2000 || strings.ContainsFunc(command, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0xFFFD }) {
			return // not in XML
		}
		c := call(t, "Query", `<connect Database="shop.db"/><timeout execute="200"/><command/>`)
		c.Data.Child("command").AppendText(command)
		_ = w.sql.Process(t.Context(), c)
		if got := w.dump(t, "shop.db"); got != before {
			t.Fatalf("%q changed the database:\n%s", command, got)
		}
	})
}
