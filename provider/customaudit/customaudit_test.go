package customaudit_test

import (
	"strings"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/provider/customaudit"
	"sutler/xmltree"
)

func TestNamespace(t *testing.T) {
	if err := provider.Match(customaudit.Namespace(), customaudit.New()); err != nil {
		t.Error(err)
	}
}

// audited returns the commands that an input leaves.
func audited(t *testing.T, input string) (commands []string, err error) {
	t.Helper()
	return auditedUnder(t, "", input)
}

// auditedUnder is audited for an executeData with an attribute.
func auditedUnder(t *testing.T, attr, input string) (commands []string, err error) {
	t.Helper()
	doc, err := xmltree.Parse([]byte("<executeXml><context/><executeData "+attr+">"+input+"</executeData></executeXml>"), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer doc.Release()
	c := &sutler.Call{Procedure: "audit", Context: doc.DocumentElement().Child("context"), Data: doc.DocumentElement().Child("executeData"),
		Rollback: sutler.NewRollbackData(nil, nil), Audit: func(sql string) { commands = append(commands, sql) }}
	err = customaudit.New().Process(t.Context(), c)
	return commands, err
}

func TestAudit(t *testing.T) {
	for input, want := range map[string]string{
		`<table name="OrgChanges"><column name="Org">litware</column><column name="Who">kim</column></table>`:                                       `INSERT INTO "OrgChanges" ("Org", "Who") VALUES ('litware', 'kim')`,
		`<table name="a.b"><column name="c">it's '); drop table x; --</column></table>`:                                                             `INSERT INTO "a"."b" ("c") VALUES ('it''s ''); drop table x; --')`,
		`<table name="t"><column name="c"><null/></column><column name="p" do-not-log="1">secret</column></table>`:                                  `INSERT INTO "t" ("c", "p") VALUES (NULL, '***')`,
		`<table name="t" do-not-log="1"><column name="c">secret</column></table><table name="u"><column name="c">open</column></table>`:             "INSERT INTO \"t\" (\"c\") VALUES ('***')\nINSERT INTO \"u\" (\"c\") VALUES ('open')",
		`<table name="t"><column name="c">my <v do-not-log="1">secret</v></column><column name="d"><a><v do-not-log="1">s</v></a></column></table>`: `INSERT INTO "t" ("c", "d") VALUES ('***', '***')`,
		`<exec name="p" do-not-log="1"><param>secret</param><param><null/></param></exec>`:                                                          `CALL "p"('***', NULL)`,
		`<exec name="p"><param>1</param><param>\'</param></exec>`:                                                                                   `CALL "p"('1', '\''')`,
		`<exec name="p"/><table name="t"><column name="c"/></table>`:                                                                                "CALL \"p\"()\nINSERT INTO \"t\" (\"c\") VALUES ('')",
	} {
		commands, err := audited(t, input)
		if got := strings.Join(commands, "\n"); err != nil || got != want {
			t.Errorf("%s leaves\n%s\n%v, want\n%s", input, got, err, want)
		}
	}
	if commands, err := auditedUnder(t, `do-not-log="1"`, `<table name="t"><column name="c">secret</column></table>`); err != nil || strings.Join(commands, "") != `INSERT INTO "t" ("c") VALUES ('***')` {
		t.Errorf("under a marked executeData: %q, %v", commands, err)
	}
	for _, input := range []string{
		``, `<row/>`, `<table name="t"/>`, `<table><column name="c"/></table>`, `<table name="t; drop"><column name="c"/></table>`,
		`<table name='t"'><column name="c"/></table>`, `<table name="t"><column name="c d"/></table>`, `<table name="t"><param/></table>`,
		`<exec name="1p"/>`, `<exec name="p"><column/></exec>`, `<table name="t"><column name="c"/></table><oops/>`,
	} {
		if commands, err := audited(t, input); sutler.CodeOf(err) != sutler.BadInput || len(commands) > 0 {
			t.Errorf("%s leaves %q, %v; want code BadInput", input, commands, err)
		}
	}
}
