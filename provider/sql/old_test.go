//go:build unix

package sql_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"sutler"
)

// actOld goes on with calls of an engine that did everything on PostgreSQL as
// the account of the connection, whoever called, and did not record as whom:
// its rollback data are written here by hand.
func actOld(t *testing.T, w *actWorld, prepares bool) {
	const connection = `{"name":"shop"}`
	const tx = "{3F0C5B7E-0000-4000-8000-000000000001}" // of call
	sum := sha256.Sum256([]byte(connection + w.pg(t, `select current_database()`)))
	name := fmt.Sprintf("sutler-%s-%x", tx, sum[:8])
	own := []sutler.Pair{{Name: "connection", Value: connection}, {Name: "schema", Value: "public"},
		{Name: "undo", Value: `{"sql":"update customer set code = 'UNDONE', name = session_user where code = 'OWN'"}`}}
	both := []sutler.Pair{{Name: "connection", Value: connection}, {Name: "enlisted", Value: name}}
	if prepares {
		both = append(both, sutler.Pair{Name: "prepares", Value: "1"})
	} else {
		both = append(both, sutler.Pair{Name: sutler.CommitsLast, Value: `connection "shop"`})
	}
	both = append(both, sutler.Pair{Name: "schema", Value: "public"})
	step := func(seq int) string {
		return fmt.Sprintf(`insert into sutler_steps values ('%s', %d, 'Transact', now());`, tx, seq)
	}
	begin := `begin; insert into customer (code) values ('BOTH');` + step(-1)
	prepare := fmt.Sprintf(`prepare transaction '%s'`, name)

	stale := annStored // its password is another one by now
	stale.Secret = sutler.NewSecret("of yesterday")
	for _, who := range []sutler.Identity{{Kind: sutler.ServiceAccount, Account: "sutler"}, annStored, stale, bobBasic, {Kind: sutler.BasicAccount, Account: bobRole}, zoeCalls, {Kind: sutler.CallingUser, Account: "nobody"}} {
		again := func(procedure string, seq int, pairs []sutler.Pair) *sutler.Call {
			c := call(t, procedure, "")
			c.Seq, c.Data, c.Identity = seq, nil, who
			c.Rollback = sutler.NewRollbackData(pairs, nil)
			return c
		}
		check := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s of an old call as %s = %v", what, who, err)
			}
		}
		probe := func(c *sutler.Call, want sutler.Outcome) {
			t.Helper()
			got, err := w.process().sql.Probe(t.Context(), c)
			if check("Probe", err); got != want {
				t.Errorf("Probe of an old call as %s = %v, want %v", who, got, want)
			}
		}
		p := w.process().sql
		before := w.Snapshot(t)
		exec, transact := again("ExecSQL", 3, own), again("Transact", 4, both)

		w.pg(t, `insert into customer (code) values ('OWN');`+step(3))
		probe(exec, sutler.TookEffect)
		check("Rollback", p.Rollback(t.Context(), exec))
		if got := w.pg(t, `select name from customer where code = 'UNDONE'`); got != "postgres" {
			t.Errorf("an old call as %s was undone by %q", who, got)
		}
		w.pg(t, `delete from customer where code = 'UNDONE'`)
		probe(exec, sutler.NoEffect)

		probe(transact, sutler.NoEffect)
		check("Rollback", p.Rollback(t.Context(), transact))
		if prepares {
			w.pg(t, begin)
			w.pg(t, prepare)
			probe(transact, sutler.TookEffect)
			check("Prepare", p.Prepare(t.Context(), transact))
			check("Rollback", p.Rollback(t.Context(), transact))
			w.pg(t, begin)
			w.pg(t, prepare)
		} else {
			w.pg(t, begin)
			w.pg(t, `commit`)
		}
		check("Commit", p.Commit(t.Context(), transact))
		check("Commit again", p.Commit(t.Context(), transact))
		probe(transact, sutler.TookEffect)
		if got := w.pg(t, `select count(*) from customer where code = 'BOTH'`); got != "1" {
			t.Errorf("%s rows of an old call as %s are there", got, who)
		}
		w.pg(t, `delete from customer where code = 'BOTH'; delete from sutler_steps`)
		if after := w.Snapshot(t); after != before {
			t.Errorf("as %s the database changed from\n%s\nto\n%s", who, before, after)
		}
	}
}
