//go:build unix

package store_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// testRoles looks what each role may do in the database: an engine cannot
// change what is audited, an auditor only reads, anybody else does nothing.
func testRoles(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	name := databaseOf(address)
	owner := openShared(t, address) // makes the tables
	closeStore(t, owner)
	p.SQL(t, name, `create role web login; grant sutler_engine to web; create role aud login; grant sutler_auditor to aud; create role eve login;`)

	// An engine does all its work as sutler_engine.
	s, err := store.Open(t.Context(), store.Options{Database: p.Address("web", name), Now: stillClock})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	l := lease(t, s, "e")
	begin := sutler.Record{Transaction: "{a}", Kind: sutler.Began, At: stillClock(), Trustee: "ann", Client: "c"}
	mustAppend(t, s, l, begin, record("{a}", sutler.AuditCommand), record("{a}", sutler.CommittedTx))
	for what, err := range map[string]error{
		"Renew":          s.Renew(t.Context(), l),
		"SetSetting":     s.SetSetting(t.Context(), "x", "y"),
		"unset":          s.SetSetting(t.Context(), "x", ""),
		"SetEngineState": s.SetEngineState(t.Context(), "e", sutler.EngineActive),
		"PutCheckpoint":  s.PutCheckpoint(t.Context(), l, []byte("{}")),
		"ForgetClients":  s.ForgetClients(t.Context(), stillClock().Add(time.Hour)),
	} {
		if err != nil {
			t.Errorf("as an engine, %s: %v", what, err)
		}
	}
	if _, err := s.PutNamespaces(t.Context(), 0, sutler.Namespace{Name: "S", Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Text: []byte("test")}); err != nil {
		t.Error(err)
	}
	pending, err := s.Pending(t.Context(), stillClock(), 10)
	if err != nil || len(pending) != 1 {
		t.Fatalf("Pending = %v, %v", pending, err)
	}
	if err := s.DropCommand(t.Context(), pending[0]); err != nil {
		t.Error(err)
	}
	eventually(t, "the index is written", func() bool {
		return p.SQL(t, name, "select count(*) from tx where id = '{a}'") == "1"
	})
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 1 {
		t.Fatalf("Heads = %v, %v", heads, err)
	}
	piece, err := s.Piece(t.Context(), heads[0], stillClock().Add(time.Hour), stillClock().Add(time.Hour), 10)
	if err != nil || piece.Number != 1 || len(piece.Dropped) != 1 {
		t.Fatalf("Piece = %+v, %v", piece, err)
	}
	if err := s.Cut(t.Context(), piece); err != nil {
		t.Fatal(err)
	}
	if left := p.SQL(t, name, "select count(*) from log"); left != "0" {
		t.Errorf("after the cut %s rows are left", left)
	}
	mustAppend(t, s, l, record("{b}", sutler.Began), record("{b}", sutler.CommittedTx))

	for who, refused := range map[string]string{
		"web": `update log set micros = 0; delete from log; truncate log; update checkpoint set statement = ''; delete from checkpoint; truncate checkpoint;
			delete from lease; delete from cut; drop table log; alter table log disable trigger all; create table x (n int); delete from namespace; update source set text = '';
			update client set tx = ''; update goose_db_version set version_id = 0; alter table log owner to web`,
		"aud": `insert into log values (1, 2, '', ''); update log set micros = 0; delete from log; insert into checkpoint (statement) values ('');
			update tx set kept = 0; delete from tx; select * from setting; select * from source; select * from client; select cut_log(1, 1); create table x (n int)`,
		"eve": `select * from log; select * from checkpoint; select * from tx; select * from setting; select * from lease; insert into log values (1, 2, '', '');
			delete from log; select cut_log(1, 1); create table x (n int)`,
	} {
		db, err := sql.Open("pgx", p.Address(who, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range strings.Split(refused, ";") {
			if _, err := db.Exec(command); err == nil || !strings.Contains(err.Error(), "42501") {
				t.Errorf("as %s, %s: %v, want permission denied", who, strings.TrimSpace(command), err)
			}
		}
		_ = db.Close()
	}

	testCutLogIsNotMisled(t, p, name)

	// The auditor reads the chains.
	r, err := store.OpenReader(t.Context(), store.Options{Database: p.Address("aud", name)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	heads, err = r.Heads(t.Context())
	if err != nil || len(heads) != 1 || heads[0].Number != 2 || heads[0].Cut != 1 {
		t.Errorf("as the auditor, Heads = %+v, %v", heads, err)
	}
	rows, statements := 0, 0
	if err := r.Rows(t.Context(), l, 0, func(sutler.ChainRow) error { rows++; return nil }); err != nil || rows != 1 {
		t.Errorf("as the auditor, Rows: %d, %v", rows, err)
	}
	if err := r.Checkpoints(t.Context(), func([]byte) error { statements++; return nil }); err != nil || statements != 1 {
		t.Errorf("as the auditor, Checkpoints: %d, %v", statements, err)
	}
	wantCode(t, "PutCheckpoint of a reader", r.PutCheckpoint(t.Context(), l, []byte("{}")), sutler.Denied)
}

// testCutLogIsNotMisled puts temporary tables of an engine, with a trigger,
// before those that cut_log means: the trigger must not run as the owner.
func testCutLogIsNotMisled(t *testing.T, p *sutlertest.Postgres, name string) {
	db, err := sql.Open("pgx", p.Address("web", name))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // temporary tables belong to a connection
	before := p.SQL(t, name, "select count(*) from log")
	for _, command := range []string{
		"CREATE TEMP TABLE log (sequence bigint, micros bigint)",
		"CREATE TEMP TABLE cut (fence bigint, number bigint)",
		"INSERT INTO pg_temp.cut VALUES (1, 10)",
		"INSERT INTO pg_temp.log VALUES ((1::bigint << 40) + 1, 0)",
		"CREATE FUNCTION pg_temp.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.log; RETURN old; END $$",
		"CREATE TRIGGER t BEFORE DELETE ON pg_temp.log FOR EACH ROW EXECUTE FUNCTION pg_temp.f()",
		"GRANT ALL ON pg_temp.log, pg_temp.cut TO PUBLIC",
		"SELECT cut_log(1, 10)",
	} {
		if _, err := db.Exec(command); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	if after := p.SQL(t, name, "select count(*) from log"); after != before || after == "0" {
		t.Errorf("an engine has misled cut_log: the log had %s rows and has %s", before, after)
	}
	if left := p.SQL(t, name, "select proconfig::text from pg_proc where proname = 'cut_log'"); left != `{"search_path=public, pg_temp"}` {
		t.Errorf("cut_log has the settings %s", left)
	}
}
