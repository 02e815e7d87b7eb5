package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// vault is an engine that seals, audits everything and is traced, over a
// provider that a test brings along.
type vault struct {
	*engine.Engine
	log    *sutlertest.Log
	events bytes.Buffer // the log of the engine
	traced bytes.Buffer
}

const vaultNamespace = `<namespace name="Vault" providerSource="odd">
  <procedure name="Read" type="read" access="public"/>
  <procedure name="Write" type="write" access="public"/>
  <procedure name="Saved" type="write" saveDataForRollback="1" access="public"/>
  <procedure name="Typed" type="read" access="public">
    <Schema name="inputSchema" validate="1"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
      <xs:element name="executeData"><xs:complexType><xs:sequence><xs:element name="n" type="xs:int"/></xs:sequence></xs:complexType></xs:element></xs:schema></Schema>
  </procedure>
  <procedure name="Composite" access="public"><execute namespace="Vault" procedure="Read"><before source="data" sourcePath="v" destination="executeData"/></execute></procedure>
</namespace>`

func newVault(t *testing.T, odd sutler.Provider) *vault {
	t.Helper()
	v := &vault{log: sutlertest.NewLog()}
	v.Engine = v.another(t, odd)
	if problems, err := v.Register(t.Context(), admin, sutler.Source{File: "n.xml", Text: []byte(vaultNamespace)}); err != nil {
		t.Fatalf("Register: %v %v", err, problems)
	}
	return v
}

// another returns one more engine over the same log.
func (v *vault) another(t *testing.T, odd sutler.Provider) *engine.Engine {
	t.Helper()
	lease, err := v.log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: v.log, Config: &sutlertest.Config{}, Sealer: lid{}, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers:  map[string]sutler.Provider{"odd": odd},
		Now:        func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID:      func() sutler.TransactionID { ids++; return sutler.TransactionID(fmt.Sprintf("{%d}", ids)) },
		AuditLevel: func() sutler.AuditLevel { return sutler.AuditFull },
		Logger:     slog.New(slog.NewTextHandler(&v.events, nil)),
		Trace:      func(ev engine.Event) { fmt.Fprintln(&v.traced, ev.Before, ev.After) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// kept returns what can be read at rest.
func (v *vault) kept(t *testing.T) string {
	t.Helper()
	rs := v.log.All()
	for i := range rs {
		rs[i].Sealed, rs[i].Digest = nil, ""
	}
	text, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	plain := new(bytes.Buffer)
	enc := json.NewEncoder(plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(rs); err != nil {
		t.Fatal(err)
	}
	return string(text) + plain.String()
}

// TestSecretsLeaveNoTrace has a value come out of an engine by every way there
// is. In what is kept and in the log of the engine it never stands; who sent
// it may see it in the answer only when it is not marked.
func TestSecretsLeaveNoTrace(t *testing.T) {
	const secret = "Kanarie-1234567890-abcdefghij-klmnopqrst-uvwxyz"
	const small = "q7"
	fails := func(format string, args ...any) func(*sutler.Call) error {
		return func(*sutler.Call) error { return fmt.Errorf(format, args...) }
	}
	says := func(c *sutler.Call) error {
		return errors.New("cannot use " + c.Data.Text() + c.Data.Attr("a"))
	}
	raise := func(c *sutler.Call) error { // as SetError does in a catch
		if e := c.Context.Child("errorContext"); e != nil {
			return errors.New(e.Attr("description"))
		}
		return says(c)
	}
	audit := func(c *sutler.Call) error {
		c.Audit(`INSERT INTO "t" ("a", "b") VALUES ('it''s ` + secret + `', 'open')`)
		return nil
	}
	set := func(c *sutler.Call) error {
		c.Rollback.Set("json", `{"command":{"params":[{"value":"`+secret+`"}]}}`)
		if err := c.Rollback.Flush(t.Context()); err != nil {
			return err
		}
		return nil
	}
	reports := func(c *sutler.Call) error {
		if text := c.Hide("an event with " + secret); text != "an event with ***" {
			t.Errorf("Hide gives %q", text)
		}
		return nil
	}
	const marked = `<data><v do-not-log="1">` + secret + `</v></data>`
	const plain = `<data><v>` + secret + `</v></data>`
	call := func(procedure, attrs, inside string) string {
		return `<execute namespace="Vault" procedure="` + procedure + `" ` + attrs + `>` + inside + `</execute>`
	}
	const note = `<execute namespace="Vault" procedure="Write" sensitive="2"/>` // so that the log keeps anything
	const whole = `<before source="data" sourcePath="v" destination="executeData"/>`
	const bare = `<before source="data" sourcePath="v/text()" destination="executeData"/>`
	const copied = `<before source="data" sourcePath="v" destination="executeData"/><after source="executeData" sourcePath="v" destination="data" destinationPath="out"/>`
	const output = `<after source="executeData" sourcePath="v" destination="data" destinationPath="out"/>`
	for _, c := range []struct {
		name, request string
		process       func(*sutler.Call) error
		rollback      func(*sutler.Call) error
		sender        bool   // the answer may hold it
		want          string // the text of the error holds it
		kept          string // what is kept holds it
	}{
		{name: "repeat", request: marked + `<procedure><transform><repeat source="data" sourcePath="v"/></transform></procedure>`, want: "cannot repeat *** times"},
		{name: "repeat, around", request: `<data do-not-log="1"><v>` + secret + `</v></data><procedure><transform><repeat source="data" sourcePath="v"/></transform></procedure>`, want: "cannot repeat *** times"},
		{name: "repeat, attribute", request: `<data><v do-not-log="1" n="` + secret + `"/></data><procedure><transform><repeat source="data" sourcePath="v/@n"/></transform></procedure>`, want: "cannot repeat *** times"},
		{name: "repeat, not secret", request: `<data><v do-not-log="1">` + secret + `</v><n>two</n></data><procedure><transform><repeat source="data" sourcePath="n"/></transform></procedure>`, want: `cannot repeat "two" times`},
		{name: "repeat, copied", request: marked + `<procedure><transform><before source="data" sourcePath="v/text()" destination="procedureData" destinationPath="n"/></transform><transform><repeat source="procedureData" sourcePath="n"/></transform></procedure>`, sender: true, want: secret},
		{name: "repeat, sensitive", request: plain + `<procedure>` + call("Read", `sensitive="1"`, `<repeat source="data" sourcePath="v"/>`) + `</procedure>`, want: "cannot repeat *** times"},
		{name: "error of a sensitive call", request: plain + `<procedure>` + call("Write", `sensitive="1"`, whole) + `</procedure>`, process: says, sender: true, want: secret, kept: "cannot use ***"},
		{name: "error of a sensitive read", request: plain + `<procedure>` + call("Read", `sensitive="1"`, whole) + `</procedure>`, process: says, sender: true, want: secret},
		{name: "error below a sensitive call", request: plain + `<procedure>` + call("Composite", `sensitive="1"`, whole) + `</procedure>`, process: says, sender: true, want: secret},
		{name: "raised again", request: plain + `<procedure><try>` + call("Read", `sensitive="1"`, whole) + `</try><catch>` + call("Write", ``, ``) + `</catch></procedure>`, process: raise, sender: true, want: secret},
		{name: "caught", request: plain + `<procedure><try>` + call("Read", `sensitive="1"`, whole) + `</try><catch>` + call("Write", ``, ``) + `</catch></procedure>`, process: func(c *sutler.Call) error {
			if c.Type == sutler.Read {
				return says(c)
			}
			return nil
		}, sender: true},
		{name: "small value of a sensitive call", request: `<data><v>` + small + `</v></data><procedure>` + call("Write", `sensitive="1"`, whole) + `</procedure>`, process: fails("cannot use %s, but aq7", small), sender: true, kept: "cannot use ***, but aq7"},
		{name: "answer of a sensitive call", request: plain + `<procedure>` + call("Read", `sensitive="1"`, copied) + `</procedure>`, sender: true, kept: "<response><data>***</data></response>"},
		{name: "output of a sensitive call", request: `<procedure>` + call("Write", `sensitive="1"`, output) + `</procedure>`, process: func(c *sutler.Call) error {
			v := c.Data.Document().NewElement(xmltree.Name{Local: "v"})
			v.AppendText(secret)
			return c.Data.Append(v)
		}, sender: true},
		{name: "sensitive request, failed", request: plain + `<context><securityContext sensitive="1"/></context><procedure>` + note +
			`<transform><before source="data" sourcePath="v" destination="data"><xsl:template match="/"><xsl:message terminate="yes"><xsl:value-of select="."/></xsl:message></xsl:template></before></transform></procedure>`, sender: true, want: secret, kept: "cannot transform"},
		{name: "sensitive request", request: `<data/><context><securityContext sensitive="1"/></context><procedure>` + note +
			`<transform><before source="data" destination="data"><xsl:template match="/"><v>` + secret + `</v></xsl:template></before></transform></procedure>`, sender: true},
		{name: "does not fit the schema", request: `<data><n>` + secret + `</n></data><procedure>` + note + call("Typed", `sensitive="1"`, `<before source="data" sourcePath="n" destination="executeData"/>`) + `</procedure>`, sender: true, want: "does not fit", kept: "does not fit"},
		{name: "without its mark", request: marked + `<procedure>` + call("Saved", ``, bare) + `</procedure>`, sender: true},
		{name: "without its mark, failed", request: marked + `<procedure>` + call("Write", ``, bare) + `</procedure>`, process: says, sender: true},
		{name: "without its mark, answered", request: marked + `<procedure>` + note + `<transform><before source="data" sourcePath="v/text()" destination="data" destinationPath="out"/></transform></procedure>`, sender: true, kept: "<out>***</out>"},
		{name: "left by a call, without its mark", request: `<procedure>` + call("Write", ``, `<after source="executeData" sourcePath="v/text()" destination="data" destinationPath="out"/>`) + `</procedure>`, process: func(c *sutler.Call) error {
			v := c.Data.Document().NewElement(xmltree.Name{Local: "v"})
			v.SetAttr(xmltree.Name{Local: "do-not-log"}, "1")
			v.AppendText(secret)
			return c.Data.Append(v)
		}, sender: true, kept: "<out>***</out>"},
		{name: "cut short", request: marked + `<procedure>` + call("Write", ``, whole) + `</procedure>`, process: fails("cannot use %s…", secret[:30]), want: "cannot use ***…"},
		{name: "cut short, sensitive", request: plain + `<procedure>` + call("Write", `sensitive="1"`, whole) + `</procedure>`, process: fails("cannot use %s…", secret[:30]), sender: true},
		{name: "in small letters", request: marked + `<procedure>` + call("Write", ``, whole) + `</procedure>`, process: fails("cannot use %s", strings.ToLower(secret)), want: "cannot use ***"},
		{name: "in a source", request: marked + `<procedure>` + call("Write", ``, whole) + `</procedure>`, process: func(*sutler.Call) error {
			return &sutler.Error{Code: sutler.Failed, Err: errors.New("no"), Sources: []sutler.ErrorSource{{Namespace: secret, Procedure: secret}}}
		}},
		{name: "in a context", request: marked + `<procedure><transform><before source="data" sourcePath="v" destination="context" destinationPath="clientContext"/></transform>` + call("Write", ``, ``) + `</procedure>`},
		{name: "panic", request: plain + `<procedure>` + call("Write", `sensitive="1"`, whole) + `</procedure>`, process: func(c *sutler.Call) error { panic(c.Data.Text()) }, sender: true},
		{name: "undone in vain", request: plain + `<procedure>` + call("Write", `sensitive="1"`, whole) + call("Read", ``, ``) + `</procedure>`,
			process: func(c *sutler.Call) error {
				if c.Type == sutler.Read {
					return errors.New("stop")
				}
				return set(c)
			},
			rollback: fails("cannot undo %s", secret), sender: true, kept: "cannot undo ***"},
		{name: "audit command, marked", request: marked + `<procedure>` + call("Read", ``, whole) + `</procedure>`, process: audit, kept: `VALUES ('it''s ***', 'open')`},
		{name: "audit command, without its mark", request: marked + `<procedure>` + call("Read", ``, bare) + `</procedure>`, process: audit, sender: true, kept: `VALUES ('it''s ***', 'open')`},
		{name: "audit command, sensitive", request: plain + `<procedure>` + call("Read", `sensitive="1"`, whole) + `</procedure>`, process: audit, kept: `VALUES ('***', '***')`},
		{name: "audit command, not sensitive any more", request: `<data><v>x</v></data><procedure>` + call("Read", `sensitive="1"`, whole) + call("Read", `sensitive="2"`, ``) + `</procedure>`, process: func(c *sutler.Call) error {
			if c.Seq == 2 {
				c.Audit(`CALL "p"('open')`)
			}
			return nil
		}, kept: `('open')`},
		{name: "audit command, a password", request: `<context><securityContext trusted="1"><authentication><basic username="u" password="` + secret + `"/></authentication></securityContext></context><procedure>` + call("Read", ``, ``) + `</procedure>`, process: audit, kept: `VALUES ('it''s ***', 'open')`},
		{name: "event", request: marked + `<procedure>` + call("Read", ``, whole) + `</procedure>`, process: reports},
		{name: "event of a sensitive call", request: plain + `<procedure>` + call("Read", `sensitive="1"`, whole) + `</procedure>`, process: reports},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(f func(*sutler.Call) error) func(context.Context, *sutler.Call) error {
				return func(_ context.Context, call *sutler.Call) error {
					if f == nil {
						return nil
					}
					return f(call)
				}
			}
			odd := funcs{process: run(c.process), rollback: run(c.rollback), traits: func(string) sutler.Traits { return sutler.Traits{NoAnswer: sutler.Repeatable} }}
			v := newVault(t, odd)
			resp, err := v.Submit(t.Context(), admin, trusted(t, `<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform">`+c.request+`</request>`))
			if (c.want != "") != (err != nil) && c.process == nil || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Submit: %v, want a text with %q", err, c.want)
			}
			if resp.Status == sutler.RollbackFailed { // another engine tries again, from what is kept
				if _, err := v.another(t, odd).Resolve(t.Context(), admin, resp.Transaction, sutler.Resolution{Verb: sutler.Retry, Reason: "again"}); err != nil {
					t.Fatal(err)
				}
			}
			kept, events := v.kept(t), v.events.String()
			if err != nil && !c.sender {
				kept += err.Error() + string(resp.XML)
			}
			for what, text := range map[string]string{"what is kept": kept, "the log": events, "the trace of secrets": traceOf(c.sender, v)} {
				if strings.Contains(strings.ToLower(text), "kanarie-12345") {
					t.Errorf("%s shows it: %s", what, text)
				}
			}
			if !strings.Contains(kept, c.kept) {
				t.Errorf("kept is %s, want %q in it", kept, c.kept)
			}
		})
	}
}

// traceOf returns what must not show the secret of a trace: its sender, who
// alone sees the trace, may see what is not marked.
func traceOf(sender bool, v *vault) string {
	if sender {
		return ""
	}
	return v.traced.String()
}
