package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sutler"
	"sutler/engine"
)

// TestSecretInATransformationStaysInside stops a stylesheet with a message
// that shows what is marked do-not-log.
func TestSecretInATransformationStaysInside(t *testing.T) {
	for _, path := range []string{"", ` sourcePath="cred"`, ` sourcePath="cred/pw"`} {
		b := newBench(t, sutler.Limits{}, funcs{}, nil)
		_, err := b.run(t, `<data><cred do-not-log="1"><pw>s3cret</pw></cred></data><procedure><transform><before source="data"`+path+` destination="data">
			<xsl:template match="/"><xsl:message terminate="yes">bad password <xsl:value-of select="//pw"/></xsl:message></xsl:template></before></transform></procedure>`)
		if err == nil || !strings.Contains(err.Error(), "bad password ***") {
			t.Errorf("source%s: %v", path, err)
		}
	}
}

// TestNobodyForgesTheSecurityContext writes to the context by every mode and
// path: what says who asks, and with which credentials, stays as it was.
func TestNobodyForgesTheSecurityContext(t *testing.T) {
	const forged = `<data><securityContext trustee="root"><authentication><basic username="root" password="x"/></authentication></securityContext>
		<authentication><basic username="root" password="x"/></authentication><clientContext localeID="7"/></data>`
	for _, sent := range []string{"", `<context><securityContext trustee="bob"/></context>`} {
		for _, mode := range []string{"insert", "merge", "replace", "move"} {
			for _, from := range []string{"securityContext", "authentication", "authentication/basic"} {
				for _, to := range []string{"", "securityContext", "securityContext/authentication", "securityContext/authentication/basic", "x", "x/securityContext", "clientContext", "*[1]", "transactionContext/x"} {
					var seen string
					odd := funcs{process: func(_ context.Context, c *sutler.Call) error {
						for n := c.Context.FirstElement(); n != nil; n = n.NextElement() {
							if n.Local() == "securityContext" || n.Local() == "transactionContext" {
								seen += n.String()
							}
						}
						return nil
					}}
					b := newBench(t, sutler.Limits{}, odd, nil)
					path := ""
					if to != "" {
						path = ` destinationPath="` + to + `"`
					}
					_, err := b.run(t, forged+sent+`<procedure>
						<try><transform><before source="data" sourcePath="`+from+`" destination="context"`+path+` mode="`+mode+`"/></transform></try><catch/>
						<execute namespace="Odd" procedure="Read" trusted="1" impersonate="1"/></procedure>`)
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(seen, "root") || sent == "" && strings.Contains(seen, "securityContext") {
						t.Errorf("%s of %s to context/%s, sent %q: the provider got %s", mode, from, to, sent, seen)
					}
				}
			}
		}
	}
}

// TestSecretsStayInside looks for a secret in everything that a transaction
// leaves or shows but the answer itself.
func TestSecretsStayInside(t *testing.T) {
	const secret = `pa"ss<w>rd-7`
	const escaped = `pa&quot;ss&lt;w&gt;rd-7`
	fail := func(text string) error { return errors.New(text) }
	leaks := map[string]func(c *sutler.Call) error{
		"as it is": func(*sutler.Call) error { return fail("cannot use " + secret) },
		"quoted":   func(*sutler.Call) error { return fail(fmt.Sprintf("cannot use %q", secret)) },
		"as XML":   func(*sutler.Call) error { return fail("cannot use <p>" + escaped + "</p>") },
		"in detail": func(*sutler.Call) error {
			return &sutler.Error{Code: 1, Err: fail("no"), Detail: "<p>" + escaped + "</p>"}
		},
		"taken out":    func(c *sutler.Call) error { c.Data.Clear(); return fail("cannot use " + secret) },
		"with another": func(*sutler.Call) error { return fail("cannot use " + secret + "-longer") },
		"panic":        func(*sutler.Call) error { panic("cannot use " + secret) },
		"none":         func(*sutler.Call) error { return nil },
	}
	for _, procedure := range []string{"Read", "Audited", "Write"} {
		for name, leak := range leaks {
			for _, policy := range []sutler.Policy{sutler.Operator, sutler.Repeatable} {
				odd := funcs{
					process: func(_ context.Context, c *sutler.Call) error { return leak(c) },
					traits:  func(string) sutler.Traits { return sutler.Traits{NoAnswer: policy} },
				}
				b := newBench(t, sutler.Limits{}, odd, nil)
				var shown strings.Builder
				b.trace = func(ev engine.Event) { fmt.Fprintln(&shown, ev.Before, ev.After, ev.Err) }
				_, err := b.run(t, `<data><cred do-not-log="1"><user>`+escaped+`-longer</user><pw>`+escaped+`</pw></cred></data>
					<context><securityContext><authentication><basic username="u" password="`+escaped+`"/></authentication></securityContext></context>
					<procedure><execute namespace="Odd" procedure="`+procedure+`"><before source="data" sourcePath="cred" destination="executeData"/></execute>
					<transform><before source="data" sourcePath="cred/pw" destination="data" destinationPath="kept[1]" ifNull="ignore"/></transform></procedure>`)
				text := shown.String()
				if err != nil {
					text += err.Error()
				}
				for _, r := range b.log.All() {
					text += r.Text + r.Context + r.Response
				}
				if strings.Contains(text, "rd-7") {
					t.Errorf("%s, %s, policy %s: a secret shows in %s", procedure, name, policy, text)
				}
			}
		}
	}
}

// TestTraceOfAPartOfASecret traces transfers of nodes that lie in an element
// marked do-not-log.
func TestTraceOfAPartOfASecret(t *testing.T) {
	for _, path := range []string{"cred", "cred/pw", "cred/pw/text()", "cred/@key", "cred/pw/@hint"} {
		b := newBench(t, sutler.Limits{}, funcs{}, nil)
		var shown strings.Builder
		b.trace = func(ev engine.Event) { fmt.Fprintln(&shown, ev.Before) }
		if _, err := b.run(t, `<data><cred do-not-log="1" key="s3cret"><pw hint="s3cret">s3cret</pw></cred></data>
			<procedure><transform><before source="data" sourcePath="`+path+`" destination="data"/></transform></procedure>`); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(shown.String(), "s3cret") {
			t.Errorf("path %s: the trace shows %s", path, shown.String())
		}
	}
}

// TestDeniedBeforeAnythingElse submits, as nobody in particular, a request
// whose procedure does not compile.
func TestDeniedBeforeAnythingElse(t *testing.T) {
	b := newBench(t, sutler.Limits{}, funcs{}, nil)
	resp, err := b.Submit(t.Context(), sutler.Caller{Account: "eve"}, trusted(t, `<request><procedure><nonsense/></procedure></request>`))
	b.wantUndone(t, resp, err, sutler.Denied)
}
