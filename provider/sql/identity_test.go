//go:build unix

package sql_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/provider/sql"
	"sutler/sutlertest"
)

// The accounts of these tests: roles of the server that need a password.
const (
	annRole, annPassword = `CORP\Ann`, "ann's s3cr3t"
	bobRole, bobPassword = "bob", "b0b-s3cr3t"
)

var (
	annStored = sutler.Identity{Kind: sutler.ExecuteAs, Account: annRole, Credential: "ann", Secret: sutler.NewSecret(annPassword)}
	bobBasic  = sutler.Identity{Kind: sutler.BasicAccount, Account: bobRole, Secret: sutler.NewSecret(bobPassword)}
	zoeCalls  = sutler.Identity{Kind: sutler.CallingUser, Account: `corp\Zoe`} // who is mapped to bob
)

// actWorld is a pgWorld whose server tells who has sent a statement.
type actWorld struct {
	*pgWorld
	server *sutlertest.Postgres
	seen   int64 // of its log
	parts  string
}

func startAsking(t *testing.T, settings ...string) *sutlertest.Postgres {
	server := sutlertest.StartPostgres(t, append(settings, "fsync=off", "log_statement=all", "log_line_prefix='%a|%u|%d|'")...)
	for _, role := range [][2]string{{annRole, annPassword}, {bobRole, bobPassword}} {
		server.SQL(t, "postgres", `create role "`+role[0]+`" login`)
		server.AskPassword(t, role[0], role[1])
	}
	return server
}

func newActWorld(t *testing.T, server *sutlertest.Postgres) *actWorld {
	t.Helper()
	w := &actWorld{pgWorld: newPGWorld(t, server), server: server, seen: int64(len(server.Log(t, 0)))}
	w.pg(t, `create table sutler_steps (transaction_id text not null, call integer not null, procedure text not null, started timestamptz not null, primary key (transaction_id, call));
		grant select, insert, update, delete on customer, audit, sutler_steps to bob, "CORP\Ann"`)
	address := strings.TrimPrefix(w.address, "postgres://postgres@")
	place := fmt.Sprintf("127.0.0.1:%d", server.Port)
	w.name(t, map[string]any{
		"shop":    map[string]any{"address": w.address, "accounts": map[string]string{`Corp\zoe`: "postgres://bob:" + bobPassword + "@" + address}},
		"servers": []string{place},
	})
	database, _, _ := strings.Cut(address[strings.Index(address, "/")+1:], "?")
	w.parts = fmt.Sprintf(`<connect Provider="postgres" Server="%s" Database="%s" sslmode="disable"/>`, place, database)
	return w
}

// ActedAs reads the log of the server, where statements of the provider stand.
func (w *actWorld) ActedAs(t *testing.T) []string {
	text := w.server.Log(t, w.seen)
	w.seen += int64(len(text))
	database := w.pg(t, `select current_database()`)
	var who []string
	for line := range strings.Lines(text) {
		if part := strings.SplitN(line, "|", 4); len(part) == 4 && part[0] == "sutler" && part[2] == database {
			who = append(who, part[1])
		}
	}
	return who
}

func TestIdentity(t *testing.T) {
	for _, s := range []struct {
		name, setting string
		prepares      bool
	}{{"prepares", "max_prepared_transactions=50", true}, {"commits last", "max_prepared_transactions=0", false}} {
		t.Run(s.name, func(t *testing.T) {
			server := startAsking(t, s.setting)
			t.Run("conformance", func(t *testing.T) { actConformance(t, server, s.prepares) })
			t.Run("apart", func(t *testing.T) { actApart(t, newActWorld(t, server), s.prepares) })
			t.Run("of an earlier version", func(t *testing.T) { actOld(t, newActWorld(t, server), s.prepares) })
			t.Run("another account", func(t *testing.T) { actChanged(t, newActWorld(t, server), s.prepares) })
			if s.prepares {
				t.Run("refused", func(t *testing.T) { actRefused(t, newActWorld(t, server)) })
				t.Run("gone", func(t *testing.T) { actGone(t, newActWorld(t, server)) })
				t.Run("still there", func(t *testing.T) { actStill(t, newActWorld(t, server)) })
				t.Run("servers", func(t *testing.T) { actServers(t, newActWorld(t, server)) })
			}
		})
	}
}

func actConformance(t *testing.T, server *sutlertest.Postgres, prepares bool) {
	undone := strings.Replace(request(`insert into customer (code, name) values ('NEW', session_user)`, `delete from customer where code = 'NEW'`), shopDB, shopPG, 1)
	var cases []sutlertest.ProviderCase[*actWorld]
	for _, who := range []struct {
		name, role string
		as         sutler.Identity
	}{
		{"service", "postgres", sutler.Identity{Kind: sutler.ServiceAccount}}, {"stored", annRole, annStored}, {"basic", bobRole, bobBasic}, {"caller", bobRole, zoeCalls},
	} {
		for _, c := range []sutlertest.ProviderCase[*actWorld]{
			{Name: "transact", Procedure: "Transact", Type: sutler.Read, Enlists: true, Data: shopPG + insert},
			{Name: "insert", Procedure: "ExecSQL", Data: undone},
			{Name: "query", Procedure: "Query", Type: sutler.Read, Data: command(shopPG, `select session_user as who`),
				Output: command(shopPG, `select session_user as who`) + `<xml><row who="` + who.role + `"/></xml>`},
		} {
			if (!prepares || who.name == "service") && !c.Enlists || !prepares && who.name != "basic" && who.name != "caller" {
				continue // nothing is different, or pgConformance has it
			}
			c.Name, c.Identity, c.ActsAs = c.Name+" as "+who.name, who.as, who.role
			cases = append(cases, c)
		}
	}
	sutlertest.TestProvider(t, func(t *testing.T) *actWorld { return newActWorld(t, server) }, append(cases,
		sutlertest.ProviderCase[*actWorld]{Name: "not mapped", Procedure: "ExecSQL", Data: undone, Code: sutler.Denied, Text: `connection "shop" as the calling user "corp\\yan"`,
			Identity: sutler.Identity{Kind: sutler.CallingUser, Account: `corp\yan`, Reach: sutler.ReachAll}},
		sutlertest.ProviderCase[*actWorld]{Name: "without a name", Procedure: "Transact", Type: sutler.Read, Data: shopPG + insert, Code: sutler.Denied, Text: "anonymous",
			Identity: sutler.Identity{Kind: sutler.CallingUser}},
		sutlertest.ProviderCase[*actWorld]{Name: "out of reach", Procedure: "Query", Type: sutler.Read, Data: command(shopPG, `select 1`), Code: sutler.Denied, Text: "impersonation level",
			Identity: sutler.Identity{Kind: sutler.CallingUser, Account: zoeCalls.Account, Reach: sutler.ReachNone}},
		sutlertest.ProviderCase[*actWorld]{Name: "without a password", Procedure: "ExecSQL", Data: undone, Code: sutler.Denied, Text: "password",
			Identity: sutler.Identity{Kind: sutler.BasicAccount, Account: bobRole}},
	))
}

// as runs one more call as who.
func (d *driver) as(who sutler.Identity, procedure, data string) (*sutler.Call, error) {
	d.t.Helper()
	d.who = who
	defer func() { d.who = sutler.Identity{} }()
	return d.run(procedure, data)
}

// actApart works as three identities on one connection in one transaction.
func actApart(t *testing.T, w *actWorld, prepares bool) {
	d := &driver{t: t, now: w.process()}
	all := []sutler.Identity{{Kind: sutler.ServiceAccount}, annStored, bobBasic, zoeCalls}
	for i, who := range all {
		if _, err := d.as(who, "Transact", command(shopPG, fmt.Sprintf(`insert into customer (code, name) values ('N%d', session_user)`, i))); err != nil {
			t.Fatalf("%s: %v", who, err)
		}
	}
	names, last := map[string]bool{}, map[string]bool{}
	for i, who := range all {
		c, err := d.as(who, "Query", command(shopPG, `select code from customer where code like 'N%'`))
		if want := fmt.Sprintf(`<xml><row code="N%d"/></xml>`, i); err != nil || output(c) != want {
			t.Errorf("%s sees %s, %v, want its own work alone", who, output(c), err)
		}
		names[d.logged(i).Rollback.Get("enlisted")] = true
		last[d.logged(i).Rollback.Get(sutler.CommitsLast)] = true
	}
	if len(names) != len(all) {
		t.Errorf("the database transactions are called %v", names)
	}
	wrong := bobBasic
	wrong.Secret = sutler.NewSecret("guessed")
	for _, procedure := range []string{"Transact", "Query"} {
		_, err := d.as(wrong, procedure, command(shopPG, `select 1 as x`))
		wantError(t, procedure, err, sutler.Denied, "another password", "bob")
	}
	if !prepares {
		if len(last) != len(all) { // of which the engine lets one in
			t.Errorf("they commit last as %v", last)
		}
		d.ok("Rollback", d.rollback())
	} else {
		d.ok("Prepare", d.prepare())
		if got := w.pg(t, `select count(*) from pg_prepared_xacts where database = current_database()`); got != fmt.Sprint(len(all)) {
			t.Errorf("%s transactions are prepared", got)
		}
		w.Crash(t)
		d.now = w.process()
		d.ok("Commit", d.commit(false))
		d.ok("Commit again", d.commit(false))
		if got := w.pg(t, `select name from customer where code like 'N%' order by code`); got != `postgres CORP\Ann bob bob` {
			t.Errorf("the rows are by %s", got)
		}
	}
	d.now.leaks(t)
}

// actRefused connects in ways that are refused, and shows that no secret is told.
func actRefused(t *testing.T, w *actWorld) {
	w.name(t, map[string]any{
		"shop":    w.address,
		"far":     map[string]any{"address": "postgres://sutler@192.0.2.1/x", "accounts": map[string]string{"zoe": "postgres://zoe:mapped-s3cr3t@192.0.2.1/x"}},
		"weak":    "postgres://sutler@192.0.2.1/x?sslmode=require",
		"two":     "postgres://sutler@127.0.0.1,192.0.2.1/x?sslmode=prefer",
		"nobody":  map[string]any{"accounts": map[string]string{"zoe": "postgres://127.0.0.1/x", "ann": "mapped-s3cr3t"}},
		"servers": []string{"192.0.2.1", fmt.Sprintf("127.0.0.1:%d", w.server.Port)},
	})
	basic := func(account, password string) sutler.Identity {
		return sutler.Identity{Kind: sutler.BasicAccount, Account: account, Secret: sutler.NewSecret(password)}
	}
	caller := func(account string, reach sutler.Reach) sutler.Identity {
		return sutler.Identity{Kind: sutler.CallingUser, Account: account, Reach: reach}
	}
	far := `<connect Provider="postgres" Server="192.0.2.1" Database="x"%s/>`
	for _, c := range []struct {
		connect string
		who     sutler.Identity
		code    sutler.Code
		says    string
	}{
		{`<connect Name="shop"/>`, bobBasic, sutler.OK, ""},
		{w.parts, annStored, sutler.OK, ""},
		{strings.Replace(w.parts, "/>", ` User="bob"/>`, 1), bobBasic, sutler.OK, ""},
		{strings.Replace(w.parts, "/>", ` User="postgres"/>`, 1), bobBasic, sql.BadElement, `"postgres"`},
		{w.parts, sutler.Identity{Kind: sutler.ServiceAccount}, sql.BadElement, "User"},
		{`<connect Name="shop"/>`, basic("bob", "guessed-s3cr3t"), sql.ConnectFailed, "28P01"},
		{`<connect Name="shop"/>`, basic("postgres", "guessed-s3cr3t"), sql.ConnectFailed, "require_auth"}, // needs no password
		{w.parts, basic("postgres", "guessed-s3cr3t"), sql.ConnectFailed, "require_auth"},
		{w.parts, basic(strings.Repeat("x", 64), "guessed-s3cr3t"), sql.BadElement, "no name"},
		{w.parts, caller("zoe", sutler.ReachAll), sutler.Denied, "connect/@Name"},
		{`<connect Name="shop"/>`, caller("zoe", sutler.ReachAll), sutler.Denied, "nothing is mapped"},
		{`<connect Name="far"/>`, bobBasic, sutler.Denied, "verify-full"},
		{`<connect Name="weak"/>`, bobBasic, sutler.Denied, "verify-full"},
		{`<connect Name="two"/>`, bobBasic, sutler.Denied, "verify-full"},
		{fmt.Sprintf(far, ` sslmode="require"`), bobBasic, sutler.Denied, "verify-full"},
		{fmt.Sprintf(far, ` sslmode="verify-ca"`), annStored, sutler.Denied, "verify-full"},
		{fmt.Sprintf(far, ` sslmode="prefer"`), annStored, sutler.Denied, "verify-full"},
		{fmt.Sprintf(far, ``), annStored, sutler.Cancelled, ""},
		{`<connect Name="far"/>`, caller("Zoe", sutler.ReachHost), sutler.Denied, "delegate"},
		{`<connect Name="far"/>`, caller("Zoe", sutler.ReachAll), sutler.Cancelled, ""},
		{`<connect Name="nobody"/>`, caller("zoe", sutler.ReachAll), sql.ConnectFailed, "form"},
		{`<connect Name="nobody"/>`, caller("ann", sutler.ReachAll), sql.ConnectFailed, "form"},
		{`<connect Name="nobody"/>`, bobBasic, sql.ConnectFailed, "no address"},
		{`<connect Name="shop"/>`, sutler.Identity{Kind: "king", Account: "zoe"}, sutler.Denied, "king"},
		{`<connect Name="shop"/>`, sutler.Identity{}, sutler.Denied, "kind"},
	} {
		call := call(t, "Query", c.connect+`<command>select 1 as x</command>`)
		call.Identity = c.who
		ctx := t.Context()
		if strings.Contains(c.connect, "192.0.2.1") || strings.Contains(c.connect, "far") { // what may be sent gets no farther
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			ctx = cancelled
		}
		err := w.process().sql.Process(ctx, call)
		if c.code == sutler.OK {
			if err != nil {
				t.Errorf("%s as %s = %v", c.connect, c.who, err)
			}
			continue
		}
		wantError(t, fmt.Sprintf("%s as %s", c.connect, c.who), err, c.code, c.says)
		if strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error %q holds a password", err)
		}
	}
}

// actServers connects by parts to servers that nobody allowed: whether
// something listens there makes no difference, and nothing is sent.
func actServers(t *testing.T, w *actWorld) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, list := range [][]string{{}, {"127.0.0.1", "db.example", "[::1]:1"}} {
		w.name(t, map[string]any{"shop": w.address, "servers": list})
		for _, server := range []string{listener.Addr().String(), "127.0.0.1:1", "127.0.0.2", "localhost", "no-such-host.invalid", "::1", "169.254.169.254:80"} {
			for _, who := range []sutler.Identity{{Kind: sutler.ServiceAccount}, bobBasic} {
				for _, procedure := range []string{"Query", "Transact"} {
					c := call(t, procedure, fmt.Sprintf(`<connect Provider="postgres" Server="%s" Database="d" User="bob" sslmode="disable"/><command>select 1</command>`, server))
					c.Identity = who
					wantError(t, server, w.process().sql.Process(t.Context(), c), sutler.Denied, server, "servers")
				}
			}
		}
	}
	if err := listener.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("something was sent")
	}
	w.name(t, map[string]any{"servers": []string{"LOCALHOST:" + fmt.Sprint(w.server.Port)}})
	c := call(t, "Query", command(strings.Replace(w.parts, "127.0.0.1", "localhost", 1), `select 1 as x`))
	c.Identity = bobBasic
	if err := w.process().sql.Process(t.Context(), c); err != nil {
		t.Errorf("an allowed server = %v", err)
	}
}

// SQLite has no accounts: whoever calls, it is the engine that acts.
func TestIdentityOnSQLite(t *testing.T) {
	d := &driver{t: t}
	w := newShop(t)
	d.now = newProcess(w.root, sql.Limits{})
	for i, who := range []sutler.Identity{{Kind: sutler.ServiceAccount}, annStored, bobBasic, zoeCalls} {
		if _, err := d.as(who, "Transact", command(shopDB, fmt.Sprintf(`insert into customer (code) values ('N%d')`, i))); err != nil {
			t.Errorf("%s: %v", who, err)
		}
	}
	d.ok("Prepare", d.prepare())
	d.ok("Commit", d.commit(true))
	d.now.leaks(t)
	if got := w.customers(t); got != "CON LIT N0 N1 N2 N3" {
		t.Errorf("the customers are %s", got)
	}
}

// FuzzConnections reads files of connections.
func FuzzConnections(f *testing.F) {
	for _, text := range []string{
		`{"a": "postgres://u:s3cr3t@h/d", "servers": ["h", "h:1"]}`, `{"a": {"address": "s3cr3t", "accounts": {"A": "s3cr3t", "a": "s3cr3t"}}}`,
		`{"a": {"addres": "s3cr3t"}}`, `{"a": ["s3cr3t"]}`, `{"a": null}`, `{"servers": [1]}`, `{"servers": ["s p"]}`, `{"servers": "s3cr3t"}`, `[]`, `{ "a" : { } }`, `{"a": {"accounts": {"": "x"}}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := sql.ParseConnections([]byte(text)); err != nil && sutler.CodeOf(err) != sql.ConnectFailed {
			t.Errorf("%q = %v (%v)", text, err, sutler.CodeOf(err))
		}
	})
}

func TestConnectionsFile(t *testing.T) {
	for text, says := range map[string]string{
		`{"a": "s3cr3t", "servers": "s3cr3t", "b": {"address": "s3cr3t"}, "c": {"accounts": {"x": "s3cr3t"}}}`: "",
		`{"servers": ["h", "[::1]:5433", "192.0.2.1"]}`:                                                        "",
		`{"a": {"accounts": {"Ann": "s3cr3t", "aNN": "s3cr3t"}}}`:                                              `"a" maps an account twice`,
		`{"a": {"accounts": {"": "s3cr3t"}}}`:                                                                  "anonymous",
		`{"a": {"addres": "s3cr3t"}}`:                                                                          `"a" is neither`,
		`{"a": null}`:                                                                                          `"a" is neither`,
		`{"a": ["s3cr3t"]}`:                                                                                    `"a" is neither`,
		`{"servers": ["a b"]}`:                                                                                 "servers",
		`{"servers": [{"x": "s3cr3t"}]}`:                                                                       "servers",
		`["s3cr3t"]`:                                                                                           "no JSON object",
		`{"a": "s3cr3t" "b": 1}`:                                                                               "no JSON object",
	} {
		err := sql.ParseConnections([]byte(text))
		if says == "" {
			if err != nil {
				t.Errorf("%s = %v", text, err)
			}
			continue
		}
		wantError(t, text, err, sql.ConnectFailed, says)
		if err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("the error %q holds an address", err)
		}
	}
}
