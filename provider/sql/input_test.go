package sql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sutler"
	"sutler/provider/sql"
	"sutler/xmltree"
)

func TestBadInput(t *testing.T) {
	w := newShop(t)
	const db = `<connect Database="shop.db"/>`
	for _, c := range []struct {
		data string
		code sutler.Code
		says string
	}{
		{``, sql.BadElement, "connect/@Database is missing"},
		{`<connect/>`, sql.BadElement, "connect/@Database is missing"},
		{`<connect Database=" "/>`, sql.BadElement, "connect/@Database is missing"},
		{`<connect Database="a.db" database="b.db"/>`, sql.BadElement, "names database twice"},
		{`<connect Database="a.db"><param name="Initial Catalog">b.db</param></connect>`, sql.BadElement, "names database twice"},
		{`<connect Database="shop.db" Provider="SQLOLEDB"/>`, sql.BadElement, `connect/@Provider is "SQLOLEDB"`},
		{db + db, sql.BadElement, "connect is there twice"},
		{db, sql.BadElement, "command is missing"},
		{db + `<command/>`, sql.BadElement, "empty"},
		{db + `<command> -- nothing </command>`, sql.BadElement, "empty"},
		{db + `<command>;select 1</command>`, sql.BadElement, "begins with a semicolon"},
		{db + `<command>select 1</command><command>select 2</command>`, sql.BadElement, "command is there twice"},
		{db + `<command param="all">select 1</command>`, sql.BadElement, `command/@param is "all"`},
		{db + `<command transactional="yes">select 1</command>`, sql.BadElement, `command/@transactional is "yes"`},
		{db + `<command>select 'open</command>`, sql.BadElement, "quotation that does not end"},
		{db + `<command>select 1; select 2</command>`, sql.BadElement, "more than one statement"},
		{db + `<command>selec 1</command>`, sutler.BadInput, `near "selec": syntax error`},
		{db + `<command>select * from custmer</command>`, sutler.BadInput, "no such table: custmer"},
		{db + `<command>select nme from customer</command>`, sutler.BadInput, "no such column: nme"},
		{db + `<command>select "nme" from customer</command>`, sutler.BadInput, `no such column: "nme"`},
		{db + `<timeout connect="soon"/>`, sql.BadElement, `timeout/@connect is "soon"`},
		{db + `<timeout execute="0"/>`, sql.BadElement, `timeout/@execute is "0"`},
		{db + `<timeout execute="3600001"/>`, sql.BadElement, `timeout/@execute is "3600001"`},
		{db + `<command>select ?</command>`, sql.BadElement, "has 1 parameters and 0 values"},
		{db + `<command>select 1</command><param>x</param>`, sql.BadElement, "has 0 parameters and 1 values"},
		{db + `<command>select ?2</command><param>x</param>`, sql.BadElement, "has 2 parameters and 1 values"},
		{db + `<command>select ?0</command>`, sql.BadElement, "?0"},
		{db + `<command>select ?1001</command>`, sql.BadElement, "?1001"},
		{db + `<command>select ?99999999999999999999</command>`, sql.BadElement, "?99999999999999999999"},
		{db + `<command>select :</command>`, sql.BadElement, "begins with a letter"},
		{db + `<command>select :1</command>`, sql.BadElement, "begins with a letter"},
		{db + `<command>select :a</command>`, sql.BadElement, "no value of that name"},
		{db + `<command>select :a</command><param name="b">x</param>`, sql.BadElement, `parameter "b" is not in the command`},
		{db + `<command>select :a</command><param>x</param>`, sql.BadElement, `parameter 1 is not in the command`},
		{db + `<command>select :a</command><param name="a">x</param><param name=":a">y</param>`, sql.BadElement, `parameter "a" is given twice`},
		{db + `<command>select :a, ?</command><param name="a">x</param><param>y</param>`, sql.BadElement, "both named and unnamed"},
		{db + `<command param="named">select ?</command><param>x</param>`, sql.BadElement, `unnamed parameters and says param="named"`},
		{db + `<command param="unnamed">select :a</command><param name="a">x</param>`, sql.BadElement, `named parameters and says param="unnamed"`},
		{db + `<command param="none">select ?</command>`, sql.BadElement, `says param="none"`},
		{db + `<command param="none">select 1</command><param>x</param>`, sql.BadElement, `says param="none"`},
		{db + `<command>select ?</command><param type="money2">x</param>`, sql.BadElement, `unknown type "money2"`},
		{db + `<command>select ?</command><param type="integer">1.5</param>`, sql.BadElement, "no value of type integer"},
		{db + `<command>select ?</command><param type="integer">9223372036854775808</param>`, sql.BadElement, "no value of type integer"},
		{db + `<command>select ?</command><param type="bit">maybe</param>`, sql.BadElement, "no value of type bit"},
		{db + `<command>select ?</command><param type="decimal">1,5</param>`, sql.BadElement, "no value of type decimal"},
		{db + `<command>select ?</command><param type="blob">!</param>`, sql.BadElement, "no value of type blob"},
		{db + `<command>delete from customer</command><undoParam>x</undoParam>`, sql.BadElement, "undoParam and no undoCommand"},
		{db + `<command>delete from customer</command>`, sutler.BadInput, "undoCommand"},
		{db + `<command>delete from customer</command><undoCommand/>`, sql.BadElement, "empty"},
		{db + `<command>delete from customer</command><undoCommand>select ?</undoCommand>`, sql.BadElement, "has 1 parameters and 0 values"},
		{db + `<command>delete from customer</command><undoCommand>select :x</undoCommand>`, sql.BadElement, "no value of that name"},
		{db + `<command>delete from customer</command><undoCommand>select 1</undoCommand><undoParam name="x">1</undoParam>`, sql.BadElement, "has 0 parameters and 1 values"},
		{db + `<command>delete from customer</command><undoCommand>insert into customer (code) values ('LIT'), ('LIT')</undoCommand>`, sutler.Exists, "its undoCommand fails"},
		{`<connect Database="other.db"/><command>select 1</command>`, sutler.NoSuchFile, "CreateDatabase"},
	} {
		before := w.Snapshot(t)
		wantError(t, c.data, w.sql.Process(t.Context(), call(t, "ExecSQL", c.data)), c.code, c.says)
		if got := w.Snapshot(t); got != before {
			t.Fatalf("%s changed the world:\n%s", c.data, got)
		}
	}
	c := call(t, "ExecSQL", "")
	c.Data = nil
	wantError(t, "no executeData", w.sql.Process(t.Context(), c), sutler.BadInput, "executeData")
}

// TestParameters shows what each kind of value becomes in SQLite.
func TestParameters(t *testing.T) {
	w := newShop(t)
	for _, c := range []struct{ param, want string }{
		{`<param>Robert'); drop table customer; --</param>`, `'Robert''); drop table customer; --'`},
		{`<param>  two  blanks  </param>`, `'  two  blanks  '`},
		{`<param>a"b\c%_?:x@y$z</param>`, `'a"b\c%_?:x@y$z'`},
		{`<param type="varchar(50)">5</param>`, `'5'`},
		{`<param type="adVarWChar">é</param>`, `'é'`},
		{`<param type="int"> 5 </param>`, `5`},
		{`<param type="adBigInt">-9223372036854775808</param>`, `-9223372036854775808`},
		{`<param type="bit">1</param>`, `1`},
		{`<param type="Boolean">False</param>`, `0`},
		{`<param type="float">2.5</param>`, `2.5`},
		{`<param type="decimal(10,2)">9.90</param>`, `'9.90'`},
		{`<param type="varbinary">AP8=</param>`, `X'00FF'`},
		{`<param type="datetime">2024-02-29 12:00:00</param>`, `'2024-02-29 12:00:00'`},
		{`<param/>`, `NULL`},
		{`<param type="int"/>`, `NULL`},
		{`<param explicitNulls="1"/>`, `''`},
		{`<param explicitNulls="true"/>`, `''`},
		{`<param explicitNulls="1"><null/></param>`, `NULL`},
		{`<param><null/></param>`, `NULL`},
	} {
		call := call(t, "Query", `<connect Database="shop.db"/><command>select quote(?) as q</command>`+c.param)
		if err := w.sql.Process(t.Context(), call); err != nil {
			t.Errorf("%s: %v", c.param, err)
		} else if got := call.Data.Child("xml").First().Attr("q"); got != c.want {
			t.Errorf("%s is %s, want %s", c.param, got, c.want)
		}
	}
}

// TestPlaces shows which value goes where.
func TestPlaces(t *testing.T) {
	w := newShop(t)
	const three = `<param name="a">1</param><param name="b">2</param><param name="c">3</param>`
	for _, c := range []struct{ command, params, want string }{
		{`?, ?, ?`, three, `1 2 3`},
		{`?3, ?1, ?2`, three, `3 1 2`},
		{`?, ?1, ?`, `<param>1</param><param>2</param>`, `1 1 2`},
		{`:c, @b, $a`, three, `3 2 1`},
		{`:a, :a, @a`, `<param name="@a">1</param>`, `1 1 1`},
		{`'?', (select [:q] from (select ':r' as ":q")), ? /* ? :x */ -- ?`, `<param>1</param>`, `? :r 1`},
	} {
		data := `<connect Database="shop.db"/><command>with v(a, b, c) as (select ` + c.command + "\n" + `) select a || ' ' || b || ' ' || c as t from v</command>`
		call := call(t, "Query", data+c.params)
		if err := w.sql.Process(t.Context(), call); err != nil {
			t.Errorf("%s: %v", c.command, err)
		} else if got := call.Data.Child("xml").First().Attr("t"); got != c.want {
			t.Errorf("%s = %q, want %q", c.command, got, c.want)
		}
	}
}

// TestConnect shows the forms of the element connect.
func TestConnect(t *testing.T) {
	w := newShop(t)
	for _, connect := range []string{
		`<connect Database="shop.db"/>`,
		`<connect database=" shop.db " provider="SQLite"/>`,
		`<connect Server="db1" Database="shop.db" Trusted_Connection="yes" Provider=""/>`,
		`<connect><param name="Database">shop.db</param><param name="Provider">sqlite</param><param name="Password" do-not-log="1">p</param></connect>`,
		`<connect><param name="Initial Catalog">shop.db</param></connect>`,
	} {
		if err := w.sql.Process(t.Context(), call(t, "Query", connect+`<command>select 1</command>`)); err != nil {
			t.Errorf("%s: %v", connect, err)
		}
	}
}

// TestNames tries names that lead out of the root, or are not those of databases.
func TestNames(t *testing.T) {
	w := newShop(t)
	outside := filepath.Join(t.TempDir(), "out.db")
	w.do(t, "sub.db", shop)
	mkdir(t, w, "dir")
	write(t, w, "text", strings.Repeat("no database", 100))
	if err := os.Rename(filepath.Join(w.dir, "sub.db"), outside); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"link.db": outside, "inner.db": "shop.db", "dirlink": filepath.Dir(outside), "up": "..",
	} {
		if err := os.Symlink(target, filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, w, ".sutler-1.db", "")
	before := w.Snapshot(t)
	for _, c := range []struct {
		name string
		code sutler.Code
	}{
		{outside, sutler.OutsideRoot},
		{"../" + filepath.Base(filepath.Dir(outside)) + "/out.db", sutler.OutsideRoot},
		{"..", sutler.OutsideRoot},
		{"dir/../../out.db", sutler.OutsideRoot},
		{"dir/../shop.db", sutler.OutsideRoot},
		{"./shop.db", sutler.OutsideRoot},
		{"dir//shop.db", sutler.OutsideRoot},
		{"/shop.db", sutler.OutsideRoot},
		{"shop.db/", sutler.OutsideRoot},
		{"link.db", sutler.OutsideRoot},
		{"inner.db", sutler.OutsideRoot},
		{"dirlink/out.db", sutler.OutsideRoot},
		{"up/shop.db", sutler.OutsideRoot},
		{"file:shop.db", sutler.OutsideRoot},
		{"file:" + outside + "?mode=rw", sutler.OutsideRoot},
		{"shop.db?mode=memory", sutler.OutsideRoot},
		{"shop.db?_pragma=writable_schema(1)", sutler.OutsideRoot},
		{"shop.db%00", sutler.OutsideRoot},
		{"%2e%2e/out.db", sutler.OutsideRoot},
		{"shop.db#x", sutler.OutsideRoot},
		{"shop.db&amp;x", sutler.OutsideRoot},
		{":memory:", sutler.OutsideRoot},
		{`dir\shop.db`, sutler.OutsideRoot},
		{"C:shop.db", sutler.OutsideRoot},
		{"shop.db:stream", sutler.OutsideRoot},
		{"shop.db'", sutler.OutsideRoot},
		{"shop\u202edb", sutler.OutsideRoot},
		{".sutler-1.db", sutler.OutsideRoot},
		{".hidden.db", sutler.OutsideRoot},
		{"dir/.hidden/a.db", sutler.OutsideRoot},
		{"dir /a.db", sutler.OutsideRoot},
		{"shop.db.", sutler.OutsideRoot},
		{"shop.db-journal", sutler.OutsideRoot},
		{"shop.db-WAL", sutler.OutsideRoot},
		{"shop.db-shm", sutler.OutsideRoot},
		{strings.Repeat("a", 1025), sutler.OutsideRoot},
		{"dir", sql.ConnectFailed},
		{"shop.db/x.db", sutler.NoSuchFile},
		{"none/x.db", sutler.NoSuchFile},
		{"text", sql.ConnectFailed},
	} {
		connect := `<connect Database="` + c.name + `"/>`
		for _, procedure := range []string{"Query", "ExecSQL", "DeleteDatabase", "CreateDatabase"} {
			err := w.sql.Process(t.Context(), call(t, procedure, connect+`<command>select count(*) from sqlite_schema</command>`))
			if err == nil {
				t.Errorf("%s of %q succeeded", procedure, c.name)
			} else if got := sutler.CodeOf(err); got != c.code && (procedure != "CreateDatabase" || c.code == sutler.OutsideRoot && got != sutler.Exists) {
				t.Errorf("%s of %q = %v (%v), want code %v", procedure, c.name, err, got, c.code)
			}
		}
	}
	if got := w.Snapshot(t); got != before {
		t.Errorf("the world has changed:\n%s", got)
	}
}

// TestSecrets shows that errors hold no value that must not be logged.
func TestSecrets(t *testing.T) {
	w := newShop(t)
	w.do(t, "shop.db", `create virtual table search using fts5(text)`)
	for _, c := range []struct{ data, says string }{
		{`<command>select * from search where text match ?</command><param do-not-log="1">s3cr3t"</param>`, "SQLITE_ERROR"},
		{`<command>select * from search where text match ?</command><param do-not-log="1">s3cr3t:x</param>`, "SQLITE_ERROR"},
		{`<command>select json_extract('{}', ?)</command><param do-not-log="1">s3cr3t</param>`, "SQLITE_ERROR"},
		{`<command>select x from customer where code = ?</command><param do-not-log="1">s3cr3t</param>`, "no such column: x"},
		{`<command>select ?</command><param do-not-log="1" type="int">s3cr3t</param>`, "type int"},
		{`<command do-not-log="1">select s3cr3t</command>`, "the command"},
		{`<command do-not-log="1">insert into s3cr3t values (1)</command>`, "the command"},
		{`<command>select json_extract('{}', ?)</command><param><v do-not-log="1">s3cr3t</v></param>`, "SQLITE_ERROR"},
		{`<command param="OFF">select 1</command>`, `command/@param is "OFF"`}, // as given, so that the engine finds it
		{`<command>insert into customer values ('s3cr3t'</command>`, `"insert into customer values …"`},
	} {
		err := w.sql.Process(t.Context(), call(t, "Query", `<connect Database="shop.db" Password="s3cr3t"/>`+c.data))
		if err == nil {
			t.Errorf("%s succeeded", c.data)
		} else if text := err.Error(); strings.Contains(text, "s3cr3t") || !strings.Contains(text, c.says) {
			t.Errorf("%s = %q, want a text with %q and without the secret", c.data, text, c.says)
		}
	}
	around := call(t, "Query", `<connect Database="shop.db"/><command>select json_extract('{}', ?)</command><param>s3cr3t</param>`)
	around.Data.SetAttr(xmltree.Name{Local: "do-not-log"}, "1")
	if err := w.sql.Process(t.Context(), around); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("all of executeData is marked: %v", err)
	}
	c := call(t, "ExecSQL", `<connect Database="shop.db"/><command>insert into audit values (:p)</command><param name="p" do-not-log="1">s3cr3t</param>
		<undoCommand>select json_extract('{}', :p)</undoCommand>`)
	err := w.sql.Process(t.Context(), c)
	wantError(t, "undo with a secret", err, sutler.BadInput, "its undoCommand fails")
	if strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("Process = %q", err)
	}
}
