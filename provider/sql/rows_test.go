package sql_test

import (
	"strings"
	"testing"

	"sutler"
)

func TestRows(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{`select * from customer where code = 'LIT'`, `<xml><row code="LIT" credit="12.5" joined="2024-02-29" logo="AP8=" name="Litware" orders="3"/></xml>`},
		{`select * from customer where code = 'CON'`, `<xml><row code="CON" name="Contoso" orders="0"/></xml>`},
		{`select * from customer where code = 'none'`, `<xml/>`},
		{`select code from customer order by code desc`, `<xml><row code="LIT"/><row code="CON"/></xml>`},
		{`values (1), (2)`, `<xml><row column1="1"/><row column1="2"/></xml>`},
		{`with x(a) as (values (3), (1), (2)) select a from x order by a desc limit 2`, `<xml><row a="3"/><row a="2"/></xml>`},
		{`select '' as empty, x'' as none, null as nil`, `<xml><row empty="" none=""/></xml>`},
		{`select 9223372036854775807 as big, -1 as minus, 1e300 as far, 0.1 as tenth, 2.0 as two`, `<xml><row big="9223372036854775807" far="1` + strings.Repeat("0", 300) + `" minus="-1" tenth="0.1" two="2"/></xml>`},
		{`select 9e999 as inf, -9e999 as minus`, `<xml><row inf="Infinity" minus="-Infinity"/></xml>`},
		{`select 'a<b&"c" d''' || char(9) || char(10) || char(13) || 'é😀' as t`, "<xml><row t=\"a&lt;b&amp;&quot;c&quot; d'\t\n&#13;é😀\"/></xml>"},
		{`select 1 as "a b", 2 as "1st", 3 as "é", 4 as "a:b", 5 as "_x0041_", 6 as "x-y.z", 7 as "count(*)"`,
			`<xml><row _x0031_st="2" _x005F_x0041_="5" a_x0020_b="1" a_x003A_b="4" count_x0028__x002A__x0029_="7" x-y.z="6" é="3"/></xml>`},
		{`select 1 as "xmlns"`, `<xml><row _x0078_mlns="1"/></xml>`},
		{`select count(*) from customer`, `<xml><row count_x0028__x002A__x0029_="2"/></xml>`},
		{`select code from rich`, `<xml><row code="LIT"/></xml>`},
		{`select joined, max(joined) as m, upper(joined) as u from customer`, `<xml><row joined="2024-02-29" m="2024-02-29" u="2024-02-29"/></xml>`},
		{`select name from pragma_table_info('audit')`, `<xml><row name="text"/></xml>`},
		{`select value from json_each('[1,"two"]')`, `<xml><row value="1"/><row value="two"/></xml>`},
		{`select 1 -- the end`, `<xml><row _x0031_="1"/></xml>`},
		{"select /* a; b */ 'c;d' as t; -- the end; really", `<xml><row t="c;d"/></xml>`},
	} {
		w := newShop(t)
		call := call(t, "Query", request(c.command, ""))
		if err := w.sql.Process(t.Context(), call); err != nil {
			t.Errorf("%s: %v", c.command, err)
		} else if got := output(call); got != c.want {
			t.Errorf("%s =\n%s\nwant\n%s", c.command, got, c.want)
		}
	}
}

func TestRowsThatXMLCannotHold(t *testing.T) {
	w := newShop(t)
	for _, c := range []struct {
		command string
		code    sutler.Code
		says    string
	}{
		{`select 1 as a, 2 as a`, sutler.BadInput, `two columns are called "a"`},
		{`select 1 as "A b", 2 as "A b"`, sutler.BadInput, `two columns are called "A b"`},
		{`select 1 as ""`, sutler.BadInput, "column 1 has no name"},
		{`select 'a' || char(1)`, sutler.Failed, "row 1, column"},
		{`select char(0)`, sutler.Failed, "hex()"},
		{`select cast(x'ff' as text) as t`, sutler.Failed, `row 1, column "t"`},
		{`select char(65535) as t`, sutler.Failed, `column "t"`},
	} {
		wantError(t, c.command, w.sql.Process(t.Context(), call(t, "Query", request(c.command, ""))), c.code, c.says)
	}
}

// TestWrites shows the output of commands that write.
func TestWrites(t *testing.T) {
	for _, c := range []struct{ command, want string }{
		{`insert into customer (code) values ('A'), ('B')`, `<rowsAffected>2</rowsAffected><lastInsertId>4</lastInsertId>`},
		{`update customer set orders = orders + 1`, `<rowsAffected>2</rowsAffected>`},
		{`delete from customer where code = 'none'`, `<rowsAffected>0</rowsAffected>`},
		{`create table t (a)`, `<rowsAffected>0</rowsAffected>`},
		{`drop table if exists none`, `<rowsAffected>0</rowsAffected>`},
		{`insert into note (text) values ('x') returning id, text as "the text"`, `<xml><row id="1" the_x0020_text="x"/></xml><rowsAffected>1</rowsAffected><lastInsertId>1</lastInsertId>`},
		{`update customer set joined = '2024-03-01' where code = 'LIT' returning joined, name`, `<xml><row joined="2024-03-01" name="Litware"/></xml><rowsAffected>1</rowsAffected>`},
		{`delete from customer returning code`, `<xml><row code="LIT"/><row code="CON"/></xml><rowsAffected>2</rowsAffected>`},
		{`replace into customer (code) values ('LIT')`, `<rowsAffected>1</rowsAffected><lastInsertId>3</lastInsertId>`},
		{`with x(c) as (values ('X')) insert into customer (code) select c from x`, `<rowsAffected>1</rowsAffected><lastInsertId>3</lastInsertId>`},
	} {
		w := newShop(t)
		call := call(t, "ExecSQL", `<xml>old</xml><rowsAffected>9</rowsAffected>`+request(c.command, "select 1"))
		if err := w.sql.Process(t.Context(), call); err != nil {
			t.Errorf("%s: %v", c.command, err)
		} else if got := strings.Replace(output(call), "<xml>old</xml>", "", 1); got != c.want {
			t.Errorf("%s =\n%s\nwant\n%s", c.command, got, c.want)
		}
	}
}
