package engine_test

import (
	"context"
	"testing"

	"sutler"
)

// TestAuditCommand leaves commands for the audit database and looks at what is
// hidden in them.
func TestAuditCommand(t *testing.T) {
	const data = `<data><v do-not-log="1"><a>INSERT</a><b>o'neil</b><c>t</c></v></data>`
	for _, c := range []struct{ sql, marked, sensitive string }{
		{`INSERT INTO "t" ("a") VALUES ('open')`, `INSERT INTO "t" ("a") VALUES ('open')`, `INSERT INTO "t" ("a") VALUES ('***')`},
		{`INSERT INTO "t" ("a", "b") VALUES (NULL, 'mr o''neil')`, `INSERT INTO "t" ("a", "b") VALUES (NULL, 'mr ***')`, `INSERT INTO "t" ("a", "b") VALUES (NULL, '***')`},
		{`CALL "o'neil"('o''neil', '', '''', 'a''')`, `CALL "o'neil"('***', '', '''', 'a''')`, `CALL "o'neil"('***', '***', '***', '***')`},
		{`CALL "a""'b"('INSERT')`, `CALL "a""'b"('***')`, `CALL "a""'b"('***')`},
		{`SELECT 'o''neil`, `SELECT '***'`, `SELECT '***'`},
	} {
		for attrs, want := range map[string]string{"": c.marked, `sensitive="1"`: c.sensitive} {
			v := newVault(t, funcs{process: func(_ context.Context, call *sutler.Call) error { call.Audit(c.sql); return nil }})
			resp, err := v.Submit(t.Context(), admin, trusted(t, `<request>`+data+`<procedure><execute namespace="Vault" procedure="Read" `+attrs+
				`><before source="data" sourcePath="v" destination="executeData"/></execute></procedure></request>`))
			if err != nil {
				t.Fatal(err)
			}
			rs, err := v.log.Records(t.Context(), resp.Transaction)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := sutler.Fold(rs)
			if err != nil {
				t.Fatal(err)
			}
			if got := tx.Commands; len(got) != 1 || got[0].SQL != want {
				t.Errorf("%s with %q leaves %v, want %s", c.sql, attrs, got, want)
			}
		}
	}
}
