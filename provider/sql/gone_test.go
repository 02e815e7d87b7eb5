//go:build unix

package sql_test

import (
	"strings"
	"testing"

	"sutler"
)

// gone is the call number i as it comes when the caller has gone.
func (d *driver) gone(i int) *sutler.Call {
	c := d.logged(i)
	c.Identity = sutler.Identity{Kind: sutler.ServiceAccount, Account: "sutler"}
	return c
}

// actStill has the process that did the work go on without the caller, as it
// does when only the engine's lease was lost: it finds the session.
func actStill(t *testing.T, w *actWorld) {
	d := &driver{t: t, now: w.process()}
	insert := command(shopPG, `insert into customer (code, name) values ('BOTH', session_user)`)
	for range 2 {
		if _, err := d.as(zoeCalls, "Transact", insert); err != nil {
			t.Fatal(err)
		}
		insert = command(shopPG, `insert into customer (code, name) values ('MORE', session_user)`)
	}
	d.ok("Rollback", d.now.sql.Rollback(t.Context(), d.gone(1)))
	d.ok("Prepare", d.now.sql.Prepare(t.Context(), d.gone(0)))
	d.ok("Commit", d.now.sql.Commit(t.Context(), d.gone(0)))
	d.now.leaks(t)
	if got := w.pg(t, `select code || ' ' || name from customer where name = 'bob'`); got != "BOTH bob" {
		t.Errorf("the rows are %s", got)
	}
}

// actGone goes on after a crash for a caller who has gone: as the account of the
// server that the call acted as, or not at all. The service account may do
// everything there, so that only what the provider itself refuses is refused.
func actGone(t *testing.T, w *actWorld) {
	address := strings.TrimPrefix(w.address, "postgres://postgres@")
	mapped := func(account, role, password string) {
		w.name(t, map[string]any{"shop": map[string]any{"address": w.address, "accounts": map[string]string{account: "postgres://" + role + ":" + password + "@" + address}}})
	}
	mapped(`Corp\zoe`, "bob", bobPassword)
	d := &driver{t: t, now: w.process()}
	undone := strings.Replace(request(`insert into customer (code, name) values ('OWN', session_user)`, `update customer set code = 'UNDONE by ' || session_user where code = 'OWN'`), shopDB, shopPG, 1)
	const own, both = 0, 1 // the calls: one with an undoCommand, one that enlists
	for _, c := range [][2]string{{"ExecSQL", undone}, {"Transact", command(shopPG, `insert into customer (code, name) values ('BOTH', session_user)`)}} {
		if _, err := d.as(zoeCalls, c[0], c[1]); err != nil {
			t.Fatal(err)
		}
	}
	d.ok("Prepare", d.prepare())
	gone := d.gone
	for i := range d.calls {
		for _, p := range gone(i).Rollback.Pairs() {
			if strings.Contains(p.Value, bobPassword) {
				t.Errorf("the rollback datum %s holds the password", p.Name)
			}
		}
	}
	w.Crash(t)
	refused := func(why string, says ...string) {
		t.Helper()
		before := w.Snapshot(t)
		w.ActedAs(t)
		p := w.process().sql
		_, probed := p.Probe(t.Context(), gone(own))
		_, probedBoth := p.Probe(t.Context(), gone(both))
		for what, err := range map[string]error{
			"Rollback": p.Rollback(t.Context(), gone(own)), "Probe": probed, "Rollback of Transact": p.Rollback(t.Context(), gone(both)),
			"Prepare": p.Prepare(t.Context(), gone(both)), "Commit": p.Commit(t.Context(), gone(both)), "Probe of Transact": probedBoth,
		} {
			wantError(t, why+": "+what, err, sutler.Denied, append(says, `"shop"`)...)
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s: the error of %s holds a password", why, what)
			}
		}
		if who := w.ActedAs(t); len(who) > 0 {
			t.Errorf("%s: it acted as %q", why, who)
		}
		if after := w.Snapshot(t); after != before {
			t.Errorf("%s: the database changed from\n%s\nto\n%s", why, before, after)
		}
	}
	mapped("anna", "bob", bobPassword)
	refused("not mapped any more", `calling user "corp\\zoe"`, "nothing is mapped")
	w.name(t, map[string]any{"shop": w.address})
	refused("nobody is mapped any more", "nothing is mapped")
	mapped(`corp\zoe`, "CORP%5CAnn", "ann%27s%20s3cr3t")
	refused("mapped to another", `"bob"`, `"CORP\\Ann"`)
	mapped(`corp\zoe`, "bob", bobPassword)
	for i := range d.calls { // a call of any other never comes as the service account
		for _, as := range []string{"executeAs:bob", "basic:bob", "bob"} {
			c := gone(i)
			c.Rollback.Set("as", as)
			wantError(t, as, w.process().sql.Rollback(t.Context(), c), sutler.Denied, "record", as)
		}
	}

	p := w.process().sql
	w.ActedAs(t)
	d.ok("Commit", p.Commit(t.Context(), gone(both)))
	d.ok("Commit again", p.Commit(t.Context(), gone(both)))
	d.ok("Rollback", p.Rollback(t.Context(), gone(own)))
	d.ok("Rollback again", p.Rollback(t.Context(), gone(own)))
	for _, who := range w.ActedAs(t) {
		if who != "bob" {
			t.Errorf("it went on as %q", who)
		}
	}
	if got := w.pg(t, `select code || ' ' || name from customer where name = 'bob' order by code`); got != "BOTH bob UNDONE by bob bob" {
		t.Errorf("the rows are %s", got)
	}
}

// actChanged gives a stored credential another account while its request runs:
// the process that has the session open ends it all the same, and without the
// need to connect as anybody.
func actChanged(t *testing.T, w *actWorld, prepares bool) {
	changed := func(c *sutler.Call) *sutler.Call {
		c.Identity = sutler.Identity{Kind: sutler.ExecuteAs, Account: bobRole, Credential: annStored.Credential, Secret: sutler.NewSecret(bobPassword)}
		return c
	}
	before := w.Snapshot(t)
	start := func() *driver {
		d := &driver{t: t, now: newProcess(w.root, w.limits)}
		for _, code := range []string{"ONE", "TWO"} {
			if _, err := d.as(annStored, "Transact", command(shopPG, `insert into customer (code, name) values ('`+code+`', session_user)`)); err != nil {
				t.Fatal(err)
			}
		}
		w.ActedAs(t)
		return d
	}
	end := func(d *driver) {
		t.Helper()
		d.now.leaks(t)
		if after := w.Snapshot(t); after != before {
			t.Errorf("the database changed from\n%s\nto\n%s", before, after)
		}
		for _, who := range w.ActedAs(t) {
			if who != annRole {
				t.Errorf("it went on as %q", who)
			}
		}
	}
	d := start()
	d.ok("Rollback", d.now.sql.Rollback(t.Context(), changed(d.logged(1))))
	d.ok("Rollback", d.now.sql.Rollback(t.Context(), changed(d.logged(0))))
	end(d)
	d = start()
	for i := range d.calls {
		if got, err := d.now.sql.Probe(t.Context(), changed(d.logged(len(d.calls)-1-i))); got != sutler.NoEffect || err != nil {
			t.Errorf("Probe = %v, %v", got, err)
		}
	}
	end(d)
	d = start()
	for i := range d.calls {
		d.ok("Prepare", d.now.sql.Prepare(t.Context(), changed(d.logged(i))))
	}
	if !prepares {
		d.ok("Commit", d.now.sql.Commit(t.Context(), changed(d.logged(0))))
		d.ok("Commit", d.now.sql.Commit(t.Context(), d.logged(1)))
		w.pg(t, `delete from customer where name = 'CORP\Ann'; delete from sutler_steps`)
	} else {
		d.ok("Rollback", d.rollback()) // what is prepared only the account itself may end
	}
	end(d)
}
