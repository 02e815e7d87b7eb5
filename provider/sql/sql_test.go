package sql_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"sutler"
	"sutler/provider"
	"sutler/provider/sql"
	"sutler/sutlertest"
	"sutler/xmltree"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a root with databases.
type world struct {
	dir  string
	root *os.Root
	sql  provider.Procedures
}

func newWorld(t testing.TB, l sql.Limits) *world {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	p, err := sql.New(root, l)
	if err != nil {
		t.Fatal(err)
	}
	return &world{dir: dir, root: root, sql: p}
}

func (w *world) Provider() sutler.Provider {
	p, err := sql.New(w.root, sql.Limits{})
	if err != nil {
		panic(err)
	}
	return p
}

// open opens a database as another program would; it is made if need be.
func (w *world) open(t testing.TB, name string) *stdsql.DB {
	t.Helper()
	db, err := stdsql.Open("sqlite", filepath.Join(w.dir, name)+"?_busy_timeout=2000&_synchronous=OFF")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// do runs a script on a database as another program would.
func (w *world) do(t testing.TB, name, script string) {
	t.Helper()
	db := w.open(t, name)
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// Snapshot returns the files below the root and what the databases among them hold.
func (w *world) Snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS(w.dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		fmt.Fprintf(&b, "file %s\n", path)
		if strings.HasSuffix(path, ".db") && e.Type().IsRegular() {
			b.WriteString(w.dump(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// dump returns all tables of a database with all rows.
func (w *world) dump(t testing.TB, name string) string {
	t.Helper()
	db := w.open(t, name)
	defer db.Close()
	var b strings.Builder
	for _, object := range texts(t, db, `select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_schema order by 1`) {
		fmt.Fprintf(&b, "  %s\n", object)
	}
	for _, table := range texts(t, db, `select name from sqlite_schema where type = 'table' and name not like 'sqlite_stat%' order by 1`) {
		columns := texts(t, db, `select 'quote("' || name || '")' from pragma_table_info(?)`, table)
		for _, row := range texts(t, db, `select `+strings.Join(columns, ` || ' ' || `)+` from "`+table+`" order by 1`) {
			fmt.Fprintf(&b, "  %s: %s\n", table, row)
		}
	}
	return b.String()
}

func texts(t testing.TB, db *stdsql.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

const shop = `
create table customer (code text primary key, name text, joined date, logo blob, credit real, orders integer);
insert into customer values ('LIT', 'Litware', '2024-02-29', x'00ff', 12.5, 3), ('CON', 'Contoso', null, null, null, 0);
create table note (id integer primary key autoincrement, text text);
create table audit (text);
create trigger noted after insert on note begin insert into audit values ('note ' || new.text); end;
create view rich as select code, credit from customer where credit > 10;`

// newShop returns a world with the database shop.db.
func newShop(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, sql.Limits{})
	w.do(t, "shop.db", shop)
	return w
}

func call(t testing.TB, procedure, data string) *sutler.Call {
	t.Helper()
	return sutlertest.NewCall(t, procedure, data)
}

// request is the data of a call on shop.db: SQL with values for its
// parameters, and an undo command unless that is empty.
func request(command, undo string, params ...string) string {
	var b strings.Builder
	b.WriteString(`<connect Database="shop.db"/><command>` + escape(command) + `</command>`)
	for _, p := range params {
		b.WriteString(`<param>` + escape(p) + `</param>`)
	}
	if undo != "" {
		b.WriteString(`<undoCommand>` + escape(undo) + `</undoCommand>`)
	}
	return b.String()
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", "\r", "&#13;").Replace(s)
}

// output returns what the call added to its executeData, as XML.
func output(c *sutler.Call) string {
	var b strings.Builder
	for e := c.Data.FirstElement(); e != nil; e = e.NextElement() {
		switch e.Local() {
		case "xml", "rowsAffected", "lastInsertId":
			b.WriteString(xmltree.Canonical(e))
		}
	}
	return b.String()
}

func wantError(t testing.TB, what string, err error, code sutler.Code, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s succeeded, want code %v", what, code)
	}
	if got := sutler.CodeOf(err); got != code {
		t.Errorf("%s = %v (%v), want code %v", what, err, got, code)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s = %q, want a text with %q", what, err, text)
		}
	}
}

func TestNamespaceMatchesTable(t *testing.T) {
	if err := provider.Match(sql.Namespace(), newWorld(t, sql.Limits{}).sql); err != nil {
		t.Error(err)
	}
}

func TestProvider(t *testing.T) {
	shopSetup := func(t *testing.T, w *world) { w.do(t, "shop.db", shop) }
	kept := func(query, want string) func(t *testing.T, w *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			db := w.open(t, "shop.db")
			defer db.Close()
			if got := strings.Join(texts(t, db, query), " "); got != want {
				t.Errorf("%s = %q, want %q", query, got, want)
			}
		}
	}
	inserter := sutlertest.Bystander[*world]{
		Name: "inserts a row of the same key",
		Act: func(t *testing.T, w *world) {
			w.do(t, "shop.db", `insert or ignore into customer (code, name) values ('NEW', 'of somebody else')`)
		},
		Left: kept(`select count(*) from customer where code in ('LIT', 'CON')`, "2"),
	}
	remover := sutlertest.Bystander[*world]{
		Name: "replaces the database",
		Act: func(t *testing.T, w *world) {
			if err := w.root.Remove("shop.db"); err != nil {
				t.Fatal(err)
			}
			w.do(t, "shop.db", `create table customer (code, name); insert into customer values ('NEW', 'of somebody else')`)
		},
		Left: func(t *testing.T, w *world) { kept(`select name from customer`, "of somebody else")(t, w) },
	}
	sutlertest.TestProvider(t, func(t *testing.T) *world { return newWorld(t, sql.Limits{}) }, []sutlertest.ProviderCase[*world]{
		{
			Name: "insert", Procedure: "ExecSQL", Setup: shopSetup,
			Data:   request(`insert into customer (code, name) values (?, ?)`, `delete from customer where code = 'NEW'`, "NEW", "O'Neil & Sons"),
			Output: request(`insert into customer (code, name) values (?, ?)`, `delete from customer where code = 'NEW'`, "NEW", "O'Neil & Sons") + `<rowsAffected>1</rowsAffected><lastInsertId>3</lastInsertId>`,
			// The bystander's row of the same key makes the command fail, and is not undone with it.
			Bystanders: []sutlertest.Bystander[*world]{inserter, remover},
		},
		{
			Name: "named parameters of the command in its undo", Procedure: "ExecSQL", Setup: shopSetup,
			Data: `<connect Database="shop.db"/><command param="named">update customer set name = :name where code = :code</command>
				<param name="code">LIT</param><param name=":name">Litware Inc.</param>
				<undoCommand>update customer set name = $old where code = @code</undoCommand><undoParam name="old">Litware</undoParam>`,
		},
		{
			Name: "undo by the inserted row", Procedure: "ExecSQL", Setup: func(t *testing.T, w *world) {
				w.do(t, "shop.db", shop+`insert into note values (41, 'before'); delete from note; delete from audit;`)
			},
			Data: `<connect Database="shop.db"/><command>insert into customer (code) values ('NEW')</command>
				<undoCommand>delete from customer where rowid = :lastInsertId</undoCommand>`,
		},
		{
			Name: "create table", Procedure: "ExecSQL", Setup: shopSetup,
			Data: request(`create table invoice (id integer primary key, customer text references customer(code))`, `drop table invoice`),
		},
		{
			Name: "create trigger", Procedure: "ExecSQL", Setup: shopSetup,
			Data: request("create trigger renamed after update on customer begin\n insert into audit values (old.name); select case when 1 then 2 end; end;", `drop trigger renamed;`),
		},
		{
			Name: "full-text table", Procedure: "ExecSQL", Setup: shopSetup,
			Data: request(`create virtual table search using fts5(text)`, `drop table search`),
		},
		{
			Name: "read", Procedure: "ExecSQL", Setup: shopSetup, Type: sutler.Read,
			Data:   request(`select code, credit from customer order by code desc`, ``),
			Output: request(`select code, credit from customer order by code desc`, ``) + `<xml><row code="LIT" credit="12.5"/><row code="CON"/></xml>`,
		},
		{
			Name: "query", Procedure: "Query", Setup: shopSetup, Type: sutler.Read,
			Data:   request(`select count(*) as n from customer`, ``),
			Output: request(`select count(*) as n from customer`, ``) + `<xml><row n="2"/></xml>`,
		},
		{
			Name: "fails while it runs", Procedure: "ExecSQL", Setup: shopSetup, Code: sutler.Exists, Text: "UNIQUE constraint failed: customer.code",
			Data: request(`insert into customer (code) values ('NEW'), ('LIT')`, `delete from customer where code = 'NEW'`),
		},
		{
			Name: "no undo command", Procedure: "ExecSQL", Setup: shopSetup, Code: sutler.BadInput, Text: "undoCommand",
			Data: request(`delete from customer`, ``),
		},
		{
			Name: "undo that cannot be compiled", Procedure: "ExecSQL", Setup: shopSetup, Code: sutler.BadInput, Text: "no such table: invoic",
			Data: request(`create table invoice (id)`, `drop table invoic`),
		},
		{
			Name: "undo that is not allowed", Procedure: "ExecSQL", Setup: shopSetup, Code: sutler.Denied, Text: "attaching",
			Data: request(`create table invoice (id)`, `attach 'x' as x`),
		},
		{
			Procedure: "CreateDatabase", Data: `<connect Database="new.db"/>`,
			Bystanders: []sutlertest.Bystander[*world]{
				{
					Name: "makes it first",
					Act: func(t *testing.T, w *world) {
						w.do(t, "new.db", `create table if not exists theirs (a); insert into theirs values (1)`)
					},
					Left: func(t *testing.T, w *world) {
						if !strings.Contains(w.dump(t, "new.db"), "theirs: 1") {
							t.Errorf("the table of somebody else is gone: %s", w.dump(t, "new.db"))
						}
					},
				},
				{
					Name: "replaces it",
					Act: func(t *testing.T, w *world) {
						_ = w.root.Remove("new.db")
						w.do(t, "new.db", `create table theirs (a)`)
					},
					Left: func(t *testing.T, w *world) { w.dump(t, "new.db") },
				},
			},
		},
		{Name: "create in a directory", Procedure: "CreateDatabase", Data: `<connect><param name="database">a b/Ünï.db</param></connect>`,
			Setup: func(t *testing.T, w *world) { mkdir(t, w, "a b") }},
		{Name: "create without directory", Procedure: "CreateDatabase", Code: sutler.NoSuchFile, Data: `<connect Database="none/x.db"/>`},
		{Name: "create what exists", Procedure: "CreateDatabase", Setup: shopSetup, Code: sutler.Exists, Data: `<connect Database="shop.db"/>`},
		{Name: "create beside an old journal", Procedure: "CreateDatabase", Code: sutler.Exists, Text: "new.db-journal", Data: `<connect Database="new.db"/>`,
			Setup: func(t *testing.T, w *world) { write(t, w, "new.db-journal", "of another one") }},
		{
			Procedure: "DeleteDatabase", Type: sutler.TwoPhase, Setup: shopSetup, Data: `<connect Database="shop.db"/>`,
			Bystanders: []sutlertest.Bystander[*world]{{
				Name: "makes one of that name",
				Act: func(t *testing.T, w *world) {
					w.do(t, "shop.db", `create table if not exists theirs (a); insert into theirs values (1)`)
				},
				Left: func(t *testing.T, w *world) {
					if !strings.Contains(w.dump(t, "shop.db"), "theirs: 1") {
						t.Errorf("the table of somebody else is gone: %s", w.dump(t, "shop.db"))
					}
				},
			}},
		},
		{Name: "delete what is not there", Procedure: "DeleteDatabase", Type: sutler.TwoPhase, Code: sutler.NoSuchFile, Data: `<connect Database="shop.db"/>`},
	})
}

func mkdir(t testing.TB, w *world, name string) {
	t.Helper()
	if err := w.root.Mkdir(name, 0o755); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, w *world, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestStory sets a customer up in several calls of one transaction and undoes
// them in reverse order.
func TestStory(t *testing.T) {
	w := newWorld(t, sql.Limits{})
	steps := []struct{ procedure, data string }{
		{"CreateDatabase", ``},
		{"ExecSQL", `<command>create table plan (name text primary key, price decimal)</command><undoCommand>drop table plan</undoCommand>`},
		{"ExecSQL", `<command>insert into plan values (?, ?)</command><param>gold</param><param type="decimal">9.90</param>
			<undoCommand>delete from plan where name = ?</undoCommand><undoParam>gold</undoParam>`},
		{"ExecSQL", `<command>create index cheap on plan (price)</command><undoCommand>drop index cheap</undoCommand>`},
	}
	var calls []*sutler.Call
	var states []string
	for i, s := range steps {
		states = append(states, w.Snapshot(t))
		c := call(t, s.procedure, `<connect Database="customer.db"/>`+s.data)
		c.Seq = i + 1
		if err := w.sql.Process(t.Context(), c); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		calls = append(calls, c)
	}
	if got := w.dump(t, "customer.db"); !strings.Contains(got, `plan: 'gold' 9.9`) {
		t.Errorf("the row is not there:\n%s", got)
	}
	for i := len(calls) - 1; i >= 0; i-- {
		if err := w.sql.Rollback(t.Context(), calls[i]); err != nil {
			t.Fatalf("rollback of step %d: %v", i, err)
		}
		if got := w.Snapshot(t); got != states[i] {
			t.Errorf("after the rollback of step %d:\n%s\nwant:\n%s", i, got, states[i])
		}
	}
}

// TestRemoveDatabaseInUse shows that a database with something in it stays and
// says so.
func TestRemoveDatabaseInUse(t *testing.T) {
	w := newWorld(t, sql.Limits{})
	c := call(t, "CreateDatabase", `<connect Database="new.db"/>`)
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.do(t, "new.db", `create table theirs (a)`)
	before := w.Snapshot(t)
	wantError(t, "Rollback", w.sql.Rollback(t.Context(), c), sutler.NotEmpty, "new.db", "not undone")
	if got := w.Snapshot(t); got != before {
		t.Errorf("it changed:\n%s", got)
	}
	w.do(t, "new.db", `drop table theirs; pragma journal_mode = wal`)
	other := w.open(t, "new.db")
	defer other.Close()
	texts(t, other, `select name from sqlite_schema`)
	wantError(t, "Rollback", w.sql.Rollback(t.Context(), c), sutler.Busy, "open")
	other.Close()
	if err := w.sql.Rollback(t.Context(), c); err != nil {
		t.Errorf("Rollback of the empty database = %v", err)
	}
	if got := w.Snapshot(t); got != "" {
		t.Errorf("something is left: %s", got)
	}
}

// TestRemoveDatabaseReplaced shows that another database of the same name stays.
func TestRemoveDatabaseReplaced(t *testing.T) {
	w := newWorld(t, sql.Limits{})
	c := call(t, "CreateDatabase", `<connect Database="new.db"/>`)
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{
		`create table theirs (a)`,
		`create table sutler_steps (transaction_id text, call integer, last_insert_id integer); insert into sutler_steps values ('{other}', 7, 0)`,
	} {
		if err := w.root.Remove("new.db"); err != nil {
			t.Fatal(err)
		}
		w.do(t, "new.db", script)
		before := w.Snapshot(t)
		if err := w.sql.Rollback(t.Context(), c); err != nil {
			t.Errorf("Rollback = %v", err)
		}
		if got := w.Snapshot(t); got != before {
			t.Errorf("it changed:\n%s", got)
		}
	}
}

func TestDeleteDatabaseInUse(t *testing.T) {
	w := newShop(t)
	other := w.open(t, "shop.db")
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`delete from customer`); err != nil {
		t.Fatal(err)
	}
	c := call(t, "DeleteDatabase", `<connect Database="shop.db"/><timeout connect="20"/>`)
	wantError(t, "DeleteDatabase", w.sql.Process(t.Context(), c), sutler.Busy, `lock database "shop.db"`)
	tx.Rollback()
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := w.root.Remove(c.Rollback.Get("aside")); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Prepare", w.sql.Prepare(t.Context(), c), sutler.NoSuchFile, "shop.db")
}

func TestNegativeLimits(t *testing.T) {
	for _, l := range []sql.Limits{{MaxRows: -1}, {MaxConnCount: -1}} {
		if _, err := sql.New(newWorld(t, sql.Limits{}).root, l); err == nil {
			t.Errorf("New(%+v) succeeded", l)
		}
	}
}

func TestTraits(t *testing.T) {
	w := newWorld(t, sql.Limits{})
	for name, want := range map[string]sutler.Traits{
		"execsql":  {Flushes: true, NoAnswer: sutler.Probe, UndoAsService: true, Enlists: true},
		"transact": {Flushes: true, NoAnswer: sutler.Probe, UndoAsService: true, Enlists: true},
		"Query":    {},
		// Not Probe: a database half built aside has no effect yet, and must go all the same.
		"CreateDatabase": {Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"DeleteDatabase": {Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
	} {
		if got, ok := w.sql.Traits(name); !ok || got != want {
			t.Errorf("Traits(%s) = %v, %v, want %v", name, got, ok, want)
		}
	}
}

// errLost is what a log gives that dies.
var errLost = errors.New("the log is gone")

// lose makes the flush of c fail.
func lose(c *sutler.Call) {
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error { return errLost })
}

// BenchmarkExecSQL inserts a row, every call durable.
func BenchmarkExecSQL(b *testing.B) {
	w := newShop(b)
	c := call(b, "ExecSQL", request(`insert into audit values ('x')`, `delete from audit`))
	for b.Loop() {
		c.Seq++
		if err := w.sql.Process(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQuery reads 100 rows.
func BenchmarkQuery(b *testing.B) {
	w := newShop(b)
	c := call(b, "Query", request(`with recursive n(x) as (select 1 union all select x + 1 from n) select x, code, name from n, customer limit 100`, ""))
	for b.Loop() {
		if err := w.sql.Process(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
