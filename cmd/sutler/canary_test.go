//go:build unix

package main

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"sutler"
	"sutler/client"
	"sutler/sutlertest"
)

// TestCanaries sends 200 secrets through everything that takes one, at a server
// that runs as it does for a user, and then looks for them in every file of the
// data directory and the database, in the log of the server, and in the errors
// that callers get. Things that are no secrets are found, so that the search is
// known to work.
func TestCanaries(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		testCanaries(t, nil)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		testCanaries(t, sutlertest.StartPostgres(t))
	})
}

// Texts that are kept as they are. The long one is compressed by PostgreSQL.
var (
	openText = "plain-text-that-is-no-secret"
	longText = openText + "-long" + strings.Repeat(" and on", 2000)
)

const canaryNamespace = `<namespace name="Canary" description="secrets go wrong here" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <procedure name="Stop" access="public" type="write" description="a stylesheet says what it was given">
    <execute namespace="Fault Namespace" procedure="Fail">
      <before source="data" sourcePath="v" destination="executeData">
        <xsl:template match="/"><xsl:message terminate="yes">stopped at <xsl:value-of select="v"/></xsl:message></xsl:template>
      </before>
    </execute>
  </procedure>
  <procedure name="Act" access="public" type="write" description="makes a directory as somebody">
    <execute namespace="File System Provider" procedure="CreateDirectory" impersonate="1">
      <before source="data" sourcePath="dirName" destination="executeData"/>
      <before source="data" sourcePath="sourcePath" destination="executeData"/>
    </execute>
  </procedure>
</namespace>`

func testCanaries(t *testing.T, pg *sutlertest.Postgres) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	args := []string{"serve", "--data", data, "--root", filepath.Join(dir, "root"), "--listen", "127.0.0.1:0"}
	database := ""
	if pg != nil {
		database = pg.Database(t)
		args = append(args, "--database", database, "--engine", "canary")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	address, log := firstLine(), new(lines)
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, args, strings.NewReader(""), address, log); close(ended) }()
	defer func() { stop(); <-ended }()
	select {
	case <-address.full:
	case code := <-ended:
		t.Fatalf("the server ended with %d: %s", code, log.String())
	}
	c, err := client.New(client.Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	var canaries []string
	canary := func() string {
		s := fmt.Sprintf("canary-%03d-%s", len(canaries), rand.Text()[:10])
		canaries = append(canaries, s)
		return s
	}
	var answers bytes.Buffer
	change := func(in sutler.AccessChange, wantErr bool) {
		t.Helper()
		err := c.ChangeAccess(t.Context(), in)
		if (err != nil) != wantErr {
			t.Fatalf("%s: %v", in.Verb, err)
		}
		fmt.Fprintf(&answers, "%v\n", err)
	}
	submit := func(s client.Submission, wantErr bool) {
		t.Helper()
		resp, err := c.Send(t.Context(), s)
		if (err != nil) != wantErr {
			t.Fatalf("%s: %v", s.Request, err)
		}
		if err != nil { // the answer to a request that went well is the caller's own
			fmt.Fprintf(&answers, "%v\n", err)
			if resp != nil {
				answers.Write(resp.XML)
			}
		}
	}
	trusted := func(wantErr bool, format string, a ...any) {
		t.Helper()
		submit(client.Submission{Trusted: true, Request: fmt.Sprintf(format, a...)}, wantErr)
	}
	knock := func(change func(*http.Request)) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address.line()+"/v1/transactions", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s", res.Status)
		}
		if err := res.Write(&answers); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := c.Register(t.Context(), sutler.Caller{}, sutler.Source{File: "canary.xml", Text: []byte(canaryNamespace)}); err != nil {
		t.Fatal(err)
	}
	trusted(false, `<request><procedure><execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>%s</dirName><sourcePath path="."/></executeData></execute></procedure></request>`, openText)
	trusted(false, `<request><procedure><execute namespace="SQL Provider" procedure="CreateDatabase"><executeData><connect Database="c.db"/></executeData></execute>
		<execute namespace="SQL Provider" procedure="ExecSQL"><executeData><connect Database="c.db"/><command>CREATE TABLE t (v TEXT)</command><undoCommand>DROP TABLE t</undoCommand></executeData></execute></procedure></request>`)
	trusted(false, `<request><procedure><execute namespace="SQL Provider" procedure="ExecSQL"><executeData><connect Database="c.db"/><command>INSERT INTO t VALUES ('')</command><undoCommand>DELETE FROM t WHERE v = ?</undoCommand><undoParam>%s</undoParam></executeData></execute></procedure></request>`, longText)
	const sql = `<execute namespace="SQL Provider" procedure="ExecSQL" sensitive="1"><executeData><connect Database="c.db"/><command>INSERT INTO t VALUES (?)</command><param do-not-log="1">%s</param><undoCommand>DELETE FROM t WHERE v = ?</undoCommand><undoParam do-not-log="1">%[1]s</undoParam></executeData></execute>`
	const fail = `<execute namespace="Fault Namespace" procedure="Fail"><executeData/></execute>`
	for i := range 20 {
		user, cred := fmt.Sprint("user", i), fmt.Sprint("cred", i)
		change(sutler.AccessChange{Verb: sutler.AddUser, Name: user, Secret: canary()}, false)
		change(sutler.AccessChange{Verb: sutler.SetCredential, Name: cred, Account: "ops", Secret: canary()}, false)
		// Refused: too long for a password.
		change(sutler.AccessChange{Verb: sutler.SetPassword, Name: user, Secret: canary() + strings.Repeat("x", 1024)}, true)
		// A stored credential, at work.
		as := cred
		change(sutler.AccessChange{Verb: sutler.SetProcedure, Name: "Canary/Act", ExecuteAs: &as}, false)
		submit(client.Submission{Namespace: "Canary", Procedure: "Act", Request: fmt.Sprintf(`<request><data><dirName>a%d</dirName><sourcePath path="."/></data></request>`, i)}, false)
		// A credential of a request, trusted and impersonated, of a call that succeeds, and one that is undone.
		trusted(false, `<request><context><securityContext impersonate="1" trusted="1"><authentication><basic username="ann" password=%q/></authentication></securityContext></context>
			<procedure><execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>d%d</dirName><sourcePath path="."/></executeData></execute>
			<execute namespace="Custom Audit" procedure="Audit" sensitive="1"><executeData><table name="none"><column name="c">%[1]s</column></table></executeData></execute></procedure></request>`, canary(), i)
		trusted(true, `<request><context><securityContext impersonate="1" trusted="1"><authentication><basic username="ann" password=%q/></authentication></securityContext></context>
			<procedure><execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>u%d</dirName><sourcePath path="."/></executeData></execute>`+fail+`</procedure></request>`, canary(), i)
		// Data that no log may have, in a call that is undone, under sensitive.
		trusted(true, `<request><data><v do-not-log="1">%s</v></data><procedure><execute namespace="Custom Audit" procedure="Audit"><executeData><table name="none"><column name="c"><v do-not-log="1">%[1]s</v></column></table></executeData></execute><execute namespace="File System Provider" procedure="CreateFile" sensitive="1"><executeData><fileName>f%d</fileName><sourcePath path="."/><content do-not-log="1">%[1]s</content></executeData></execute>`+fail+`</procedure></request>`, canary(), i)
		// A stylesheet that says it, and a database that refuses it. What a call
		// is given stays in its database, so that this one is undone.
		submit(client.Submission{Namespace: "Canary", Procedure: "Stop", Request: fmt.Sprintf(`<request><data><v do-not-log="1">%s</v></data></request>`, canary())}, true)
		trusted(true, `<request><procedure>`+sql+fail+`</procedure></request>`, canary())
		// Wrong proofs at the door.
		knock(func(r *http.Request) { r.SetBasicAuth(user, canary()) })
		knock(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+canary()) })
		if i == 10 {
			if err := c.Post(t.Context(), "keys/rotate", struct{}{}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(canaries) != 200 {
		t.Fatalf("%d canaries, want 200", len(canaries))
	}

	s := &canarySearch{t: t, canaries: canaries}
	s.files(data) // while it runs: write-ahead logs too
	if pg != nil {
		s.look("the database", []byte(everyRow(t, pg, database)))
		pg.SQL(t, "postgres", "CHECKPOINT")
		s.files(pg.Data())
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Fatalf("the server ended with %d: %s", code, log.String())
	}
	s.files(data)
	s.look("the log", []byte(log.String()))
	s.look("an answer", answers.Bytes())
	if s.read < 8 || !s.open || pg != nil && !s.long || answers.Len() < 20_000 {
		t.Errorf("%d files were read, the open text found: %t, the long one: %t, %d bytes of errors: the search does not look where it should", s.read, s.open, s.long, answers.Len())
	}
}

// everyRow returns every row of every table, as text.
func everyRow(t *testing.T, pg *sutlertest.Postgres, address string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	tables := pg.SQL(t, name, `SELECT format('SELECT t::text FROM %I.%I t;', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if !strings.Contains(tables, "access") {
		t.Fatalf("the tables are %s", tables)
	}
	return pg.SQL(t, name, tables)
}

// canarySearch looks for canaries and for the texts that may be found.
type canarySearch struct {
	t          *testing.T
	canaries   []string
	read       int
	open, long bool
}

func (s *canarySearch) files(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		s.read++
		s.look(path, b)
		inflated(b, func(plain []byte) { s.look(path+", inflated", plain) })
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// look finds canaries by the part that they have in common, in all its forms.
func (s *canarySearch) look(where string, b []byte) {
	s.open = s.open || bytes.Contains(b, []byte(openText)) || bytes.Contains(b, []byte(hex.EncodeToString([]byte(openText))))
	s.long = s.long || bytes.Contains(b, []byte(longText)) || bytes.Contains(b, []byte(hex.EncodeToString([]byte(longText))))
	for _, c := range s.canaries {
		for how, form := range formsOf(c) {
			if bytes.Contains(b, form) {
				s.t.Errorf("%s holds %s, %s", where, c, how)
			}
		}
	}
}

// inflated tries to inflate b wherever gzip or zlib data may begin.
func inflated(b []byte, found func([]byte)) {
	for i := range len(b) - 2 {
		skip := 0
		switch {
		case b[i] == 0x1f && b[i+1] == 0x8b && b[i+2] == 8:
			skip = 10
		case b[i] == 0x78 && (int(b[i])<<8|int(b[i+1]))%31 == 0:
			skip = 2
		default:
			continue
		}
		if plain, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b[min(i+skip, len(b)):])), 1<<20)); len(plain) > 0 {
			found(plain) // what came before an error counts
		}
	}
}

// formsOf are the ways in which a secret may be written.
func formsOf(s string) map[string][]byte {
	forms := map[string][]byte{"raw": []byte(s), "hex": []byte(hex.EncodeToString([]byte(s)))}
	for shift := range 3 { // base64 depends on where it begins
		b := append(bytes.Repeat([]byte{'x'}, shift), s...)
		text := base64.StdEncoding.EncodeToString(b)
		forms[fmt.Sprint("base64 at ", shift)] = []byte(text[4 : len(text)-4])
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	forms["UTF-16"] = wide
	return forms
}

// lineOf is lines that says when it has a line.
type lineOf struct {
	lines
	once sync.Once
	full chan struct{}
}

func firstLine() *lineOf { return &lineOf{full: make(chan struct{})} }

func (l *lineOf) Write(p []byte) (int, error) {
	n, err := l.lines.Write(p)
	if bytes.Contains(p, []byte("\n")) {
		l.once.Do(func() { close(l.full) })
	}
	return n, err
}

func (l *lineOf) line() string {
	line, _, _ := strings.Cut(l.String(), "\n")
	return line
}
